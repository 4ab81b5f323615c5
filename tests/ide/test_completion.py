"""What is offered while somebody types: the cases of `completion.md`, and much code typed letter by letter."""

from __future__ import annotations

import argparse
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from codeanatomy.ide.completion import Wishes, completion
from codeanatomy.ide.completion_resolve import completion_resolve
from tests.support.memory import Memory, program

BOOK = Path(__file__).with_name("completion.md")
CURSOR = "<|>"


@pytest.fixture(scope="module")
def engine() -> Memory:
    return Memory(program())


@pytest.fixture
def memory(engine: Memory) -> Memory:
    """The one graph of all cases, with nothing in it."""
    engine.write(dict.fromkeys([*engine.texts]))
    return engine


class Case(msgspec.Struct, frozen=True):
    """Files, one of them with the cursor, and what is offered there."""

    title: str
    files: dict[str, str]
    claims: tuple[tuple[str, tuple[str, ...]], ...]
    taken: tuple[tuple[str, str], ...]
    """An item and the file after it was taken."""


def cases() -> Iterator[Case]:
    for part in BOOK.read_text("utf-8").split("\n## ")[1:]:
        title, _, body = part.partition("\n")
        files = dict(re.findall(r"^`([^`]+)`:\n```py\n(.*?)```$", body, re.MULTILINE | re.DOTALL))
        claims = tuple(
            (word, tuple(filter(None, names.lstrip(": ").split(", "))))
            for word, names in re.findall(r"^- (first|has|not|nothing)(.*)$", body, re.MULTILINE)
        )
        taken = tuple(re.findall(r"^- (\S+) gives:\n```py\n(.*?)```$", body, re.MULTILINE | re.DOTALL))
        assert claims or taken, title
        yield Case(title, files, claims, taken)


def asked(memory: Memory, path: str, text: str, offset: int, wishes: Wishes) -> dict[str, Any]:
    memory.type(path, text)
    memory.commit()
    before = text[:offset]
    line, character = before.count("\n"), len(before) - (before.rfind("\n") + 1)
    return msgspec.json.decode(completion(memory.snapshot(), path, line, character, wishes))


def offset_of(text: str, position: dict[str, int]) -> int:
    lines = text.splitlines(keepends=True)
    return sum(map(len, lines[: position["line"]])) + position["character"]


def after(text: str, offset: int, item: dict[str, Any]) -> str:
    """The text after an item was taken, as an editor does it."""
    start = offset - len(re.search(r"\w*$", text[:offset])[0])  # type: ignore[index]
    indent = re.match(r"[ \t]*", text[text.rfind("\n", 0, start) + 1 :])[0]  # type: ignore[index]
    inserted = item.get("insertText", item["label"]).replace("\n", "\n" + indent)
    inserted = re.sub(r"\$\{0:(.*?)(?<!\\)\}", r"\1", inserted).replace("\\", "")
    edits = [(start, offset, inserted)]
    for edit in item.get("additionalTextEdits", ()):
        edits.append((offset_of(text, edit["range"]["start"]), offset_of(text, edit["range"]["end"]), edit["newText"]))
    for begin, end, new in sorted(edits, key=lambda edit: edit[:2])[::-1]:
        text = text[:begin] + new + text[end:]
    return text


@pytest.mark.parametrize("case", list(cases()), ids=lambda case: case.title)
def test_case(memory: Memory, case: Case) -> None:
    [path] = [path for path, text in case.files.items() if CURSOR in text]
    memory.write({other: text for other, text in case.files.items() if other != path})
    offset = case.files[path].index(CURSOR)
    text = case.files[path].replace(CURSOR, "")
    found = asked(memory, path, text, offset, Wishes(snippets=True, label_details=True, lazy_edits=True))
    items = found["items"]
    labels = [item["label"] for item in items]
    assert [item["sortText"] for item in items] == sorted(item["sortText"] for item in items)
    for word, names in case.claims:
        match word:
            case "first":
                assert labels[: len(names)] == list(names)
            case "has":
                assert not set(names) - set(labels)
            case "not":
                assert not set(names) & set(labels)
            case _:
                assert labels == []
    for name, wanted in case.taken:
        item = next(item for item in items if item["label"] == name)
        if "import" in item["data"]:
            assert "additionalTextEdits" not in item
            resolved = completion_resolve(memory.snapshot(), msgspec.json.encode(item["data"]))
            item["additionalTextEdits"] = msgspec.json.decode(resolved.edits)
        assert after(text, offset, item) == wanted


def test_an_editor_that_asks_for_nothing_later_gets_the_import_at_once(memory: Memory) -> None:
    memory.write({"shop.py": "class Order: ...\n"})
    found = asked(memory, "a.py", "Ord", 3, Wishes())
    [item] = [item for item in found["items"] if item["label"] == "Order"]
    assert after("Ord", 3, item) == "from shop import Order\n\nOrder"


def test_an_item_tells_its_head_and_documentation_when_it_is_looked_at(memory: Memory) -> None:
    text = 'def pay(amount: int) -> bool:\n    """Pay it."""\n\npa'
    found = asked(memory, "a.py", text, len(text), Wishes(label_details=True))
    [item] = [item for item in found["items"] if item["label"] == "pay"]
    assert item["labelDetails"]["detail"] == "(amount: int)"
    resolved = completion_resolve(memory.snapshot(), msgspec.json.encode(item["data"]))
    assert (resolved.detail, resolved.documentation) == ("def pay(amount: int) -> bool", "Pay it.")


def test_a_long_list_is_cut_to_what_fits_and_says_so(memory: Memory) -> None:
    names = "".join(f"name_{number} = 1\n" for number in range(300)) + "other = 1\n"
    found = asked(memory, "a.py", names + "oth", len(names) + 3, Wishes(limit=50, auto_imports=0))
    assert found["isIncomplete"]
    assert "other" in [item["label"] for item in found["items"]]
    assert len(found["items"]) <= 50


@pytest.mark.parametrize("data", [b"null", b"1", b"{}", b'{"path":"a.py","id":"x"}', b'{"path":"a.py","id":"12"}'])
def test_data_that_is_not_ours_resolves_to_nothing(memory: Memory, data: bytes) -> None:
    memory.type("a.py", "x")
    memory.commit()
    assert completion_resolve(memory.snapshot(), data).documentation == ""


@pytest.mark.parametrize("below", [False, True], ids=["at the end of a file", "above the rest of a file"])
def test_much_code_typed_letter_by_letter_is_never_an_error(memory: Memory, below: bool) -> None:
    """At each dot the member that comes is offered, once the file has a place that makes it."""
    missing: set[str] = set()
    places = 0
    for offset in range(1, len(SAMPLE) + 1):
        line = SAMPLE[SAMPLE.rfind("\n", 0, offset) + 1 : offset]
        at_dot = line.endswith(".")
        if not at_dot and (below or offset % 5):
            continue
        # An editor closes the quotes that it opens.
        shown = SAMPLE[:offset] + ('}"' if line.count('"') % 2 else "")
        rest = SAMPLE[offset:].partition("\n")[2]
        found = asked(memory, "sample.py", shown + ("\n" + rest if below else ""), offset, Wishes())
        word = re.match(r"\w+", SAMPLE[offset:])
        if at_dot and word:
            places += 1
            if word[0] not in [item["label"] for item in found["items"]]:
                missing.add(line.strip() + word[0])
    assert places > 20
    first_uses = {"self.cents", "self.name", "self.price", "self.first"}
    assert missing <= {'print("self.nothing'} | first_uses


def test_a_real_file_typed_dot_by_dot_is_never_an_error(memory: Memory) -> None:
    """Code that nobody wrote for this test, cut at every dot; what comes is offered where the file itself says it."""
    text = inspect.getsource(argparse)
    offered = places = 0
    for found in list(re.finditer(r"\bself\.(?=[a-z]\w+)", text))[::4]:
        offset = found.end()
        answer = asked(memory, "real.py", text[:offset], offset, Wishes())
        word = re.match(r"\w+", text[offset:])
        assert word
        places += 1
        offered += word[0] in [item["label"] for item in answer["items"]]
    assert places > 30
    # What a class gets only further down, or from a class that uses it, cannot be known yet.
    assert offered / places > 0.7


SAMPLE = """\
from __future__ import annotations


class Money:
    def __init__(self, cents: int) -> None:
        self.cents = cents

    def add(self, other: Money) -> Money:
        return Money(self.cents + other.cents)

    @property
    def whole(self) -> int:
        return self.cents // 100


class Line:
    def __init__(self, name: str, price: Money) -> None:
        self.name = name
        self.price = price

    def total(self) -> Money:
        return self.price.add(Money(1)).add(self.price)


class Order:
    lines: list[Line]

    def __init__(self) -> None:
        self.first = Line("a", Money(3))
        self.lines = [self.first]

    def report(self) -> str:
        text = f"{self.first.name}: {self.first.price.whole}"
        if (self.first.total().cents > 3 and
                self.first.price.cents):
            print("self.nothing", self.first.total().add(self.first.price).whole,
                  end=self.first.name)
        return text


def make(order: Order) -> Money:
    def inner(line: Line) -> Money:
        return line.total()

    result = inner(order.first)
    return result.add(order.first.price)
"""
