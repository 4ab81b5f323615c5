"""The call at the cursor shows what it takes, in whole code and in the broken code that typing is."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from codeanatomy_engine import EngineError, Snapshot

from codeanatomy.ide.signature_help import by_offsets, by_text
from tests.support import typed

SHOP = '''
import functools
from dataclasses import dataclass
from typing import NamedTuple, overload

class Order:
    """One order."""

    def __init__(self, total: int, *, paid: bool = False, note=",)") -> None:
        """Make an order."""
        self.total = total

    def pay(self, amount: int, currency: str = "EUR", /, *parts: int, note: str = "") -> bool:
        """Pay a part of it."""
        return True

    @classmethod
    def read(cls, line: str) -> "Order":
        return cls(int(line))

    @staticmethod
    def check(line: str, strict=True): ...

    def __call__(self, times): ...

class Special(Order):
    pass

@dataclass
class Item:
    name: str
    price: int = 0

class Point(NamedTuple):
    x: int
    y: int

class Plain:
    pass

@overload
def find(key: int) -> Order: ...
@overload
def find(key: str, strict: bool) -> Order: ...
def find(key, strict=False):
    """Find an order."""
    return Order(1)

def rest(first, *more, **named): ...

async def later[T](first: T, /) -> T: ...

order = Order(1)
'''


ORDER = '> Order([total: int], *, paid: bool = False, note=",)")'
PAY = 'pay({}amount: int, currency: str = "EUR", /, *parts: int, note: str = "") -> bool'


CASES: list[tuple[str, list[str]]] = [
    ("Order(‸)", [ORDER]),
    ("Order(‸", [ORDER]),
    ("x = Special(‸", [ORDER.replace("Order", "Special")]),
    ("Order(1, ‸", ['> Order(total: int, *, [paid: bool = False], note=",)")']),
    ("Order(1, note=‸", ['> Order(total: int, *, paid: bool = False, [note=",)"])']),
    ("Order(1, note=3, ‸", ['> Order(total: int, *, [paid: bool = False], note=",)")']),
    ("order.pay(‸", ["> " + PAY.format("").replace("amount: int", "[amount: int]")]),
    ("order.pay(1, 2, 3, 4, ‸)", ["> " + PAY.format("").replace("*parts: int", "[*parts: int]")]),
    ("order.pay(1, 'a(,', note=‸", ["> " + PAY.format("").replace('note: str = ""', '[note: str = ""]')]),
    ("Order.pay(‸", ["> " + PAY.format("self, ").replace("self", "[self]")]),
    ("Order.read(‸", ['> read([line: str]) -> "Order"']),
    ("order.check('a', ‸", ["> check(line: str, [strict=True])"]),
    ("order(‸", ["> __call__([times])"]),
    ("Item(‸", ["> Item([name], price=...)"]),
    ("Item('a', price=‸", ["> Item(name, [price=...])"]),
    ("Point(1, ‸", ["> Point(x, [y])"]),
    ("Plain(‸", ["> Plain()"]),
    ("find(‸", ["> find([key: int]) -> Order", "  find([key: str], strict: bool) -> Order"]),
    ("find(1, ‸", ["  find(key: int) -> Order", "> find(key: str, [strict: bool]) -> Order"]),
    ("find(strict=‸", ["  find(key: int) -> Order", "> find(key: str, [strict: bool]) -> Order"]),
    ("find(1).pay(‸", ["> " + PAY.format("").replace("amount: int", "[amount: int]")]),
    ("rest(1, 2, ‸", ["> rest(first, [*more], **named)"]),
    ("rest(1, other=‸", ["> rest(first, *more, [**named])"]),
    ("later(‸", ["> later([first: T], /) -> T"]),
    (
        "print(order.pay(1, [2, ‸",
        ["> " + PAY.format("").replace("currency: str", "[currency: str").replace('"EUR"', '"EUR"]')],
    ),
    ("if order.pay(‸:", ["> " + PAY.format("").replace("amount: int", "[amount: int]")]),
    ("for x in find(‸", ["> find([key: int]) -> Order", "  find([key: str], strict: bool) -> Order"]),
    ("nowhere(‸", []),
    ("def find(‸", []),
    ("'order.pay(‸'", []),
    ("‸", []),
]


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    """The snapshot of one file for each case."""
    files = {f"case_{number}.py": text_of(line)[0] for number, (line, _) in enumerate(CASES)}
    return typed.snapshot(tmp_path_factory.mktemp("calls"), files)


def text_of(line: str) -> tuple[str, int, int]:
    return typed.at_cursor(f"{SHOP}\n{line}\n\ndef below(order):\n    return order.total\n")


def shown(snapshot: Snapshot, line: str, *, chosen: int | None = None) -> list[str]:
    """Each signature with its active parameter in brackets, the active signature marked with `>`."""
    number = [case for case, _ in CASES].index(line)
    _, row, column = text_of(line)
    found = msgspec.json.decode(by_offsets(snapshot, f"case_{number}.py", row, column, chosen))
    if found is None:
        return []
    lines: list[str] = []
    for number, signature in enumerate(found["signatures"]):
        label, active = signature["label"], signature["activeParameter"]
        if active < len(signature["parameters"]):
            start, end = signature["parameters"][active]["label"]
            label = f"{label[:start]}[{label[start:end]}]{label[end:]}"
        lines.append(("> " if number == found["activeSignature"] else "  ") + label)
    return lines


@pytest.mark.parametrize(("line", "expected"), CASES, ids=[line for line, _ in CASES])
def test_a_call_shows_what_it_takes(snapshot: Snapshot, line: str, expected: list[str]) -> None:
    assert shown(snapshot, line) == expected


def test_a_chosen_signature_stays_while_it_fits(snapshot: Snapshot) -> None:
    assert shown(snapshot, "find(‸", chosen=1)[1].startswith("> ")
    assert shown(snapshot, "find(1, ‸", chosen=0)[1].startswith("> ")
    assert shown(snapshot, "find(‸", chosen=99)[0].startswith("> ")


def test_inside_a_method_the_receiver_is_not_asked_for(tmp_path: Path) -> None:
    text, row, column = typed.at_cursor(
        "class A:\n    def f(self, x): ...\n    def g(self):\n        self.f(‸\n    def h(self): ...\n"
    )
    found = msgspec.json.decode(by_text(typed.snapshot(tmp_path, {"a.py": text}), "a.py", row, column, None))
    assert found["signatures"][0]["label"] == "f(x)"
    assert found["signatures"][0]["parameters"] == [{"label": "x"}]


def test_docstrings_come_along(tmp_path: Path) -> None:
    text, row, column = typed.at_cursor(SHOP + "Special(‸")
    snapshot = typed.snapshot(tmp_path, {"shop.py": text})
    found = msgspec.json.decode(by_offsets(snapshot, "shop.py", row, column, None))
    assert found["signatures"][0]["documentation"] == {"kind": "plaintext", "value": "Make an order."}


def test_parameters_have_their_sentence_of_the_docstring(tmp_path: Path) -> None:
    doc = 'def pay(order, amount):\n    """Pay.\n\n    Args:\n        amount: how much\n    """\n\n'
    text, row, column = typed.at_cursor(doc + "pay(‸")
    found = msgspec.json.decode(by_text(typed.snapshot(tmp_path, {"a.py": text}), "a.py", row, column, None))
    assert found["signatures"][0]["parameters"] == [
        {"label": "order"},
        {"label": "amount", "documentation": {"kind": "plaintext", "value": "how much"}},
    ]


def test_places_outside_the_text_and_unknown_files(tmp_path: Path) -> None:
    snapshot = typed.snapshot(tmp_path, {"a.py": "f(\n"})
    for row, column in ((0, 99), (99, 0), (99, 99)):
        assert by_offsets(snapshot, "a.py", row, column, None) == b"null"
    with pytest.raises(EngineError, match=r"nowhere\.py"):
        by_offsets(snapshot, "nowhere.py", 0, 0, None)
