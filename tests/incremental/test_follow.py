"""Another program over a graph that is there: what both programs say alike is kept, what differs runs, and the law holds afterwards."""

from __future__ import annotations

import copy
from typing import Any

import msgspec
import pytest

from codeanatomy_engine import EngineError

from tests.support.memory import Memory, counts, program, relations, tables

WORKSPACE = {
    "shop.py": "class Order:\n    def pay(self):\n        return 1\n\n\nclass Special(Order):\n    def pay(self):\n        return 2\n",
    "main.py": "from shop import Special\n\nSpecial().pay()\nnothing\n",
}


def changed(name: str, **keys: Any) -> bytes:
    """The program with other keys of one rule."""
    document = msgspec.json.decode(program())
    [view] = [each for each in document["views"] if each["name"] == name]
    view.update(keys)
    return msgspec.json.encode(document)


def indexed(document: bytes) -> Memory:
    memory = Memory(document)
    memory.write(WORKSPACE)
    memory.commit()
    return memory


def following(memory: Memory, document: bytes) -> tuple[Memory, list[str]]:
    """The same workspace under another program, and the views that ran for it."""
    twin = copy.copy(memory)
    twin.texts, twin.opened = dict(memory.texts), set()
    twin.engine, told = memory.engine.with_program(document, None)
    return twin, [each["view"] for each in msgspec.json.decode(told)["views"]]


def same(one: Memory, other: Memory) -> bool:
    names = relations(one.snapshot())
    return names == relations(other.snapshot()) and tables(one.snapshot(), names) == tables(other.snapshot(), names)


@pytest.fixture(scope="module")
def memory() -> Memory:
    return indexed(program())


def test_the_same_program_runs_nothing(memory: Memory) -> None:
    twin, ran = following(memory, program())
    assert ran == []
    assert same(twin, memory)


def test_what_only_people_read_runs_nothing(memory: Memory) -> None:
    _, ran = following(memory, changed("overrides", doc="Holds if something else is said.", example="`x`"))
    assert ran == []


@pytest.mark.parametrize(
    ("name", "keys", "runs", "most"),
    [
        (
            "overrides",
            {"confidence": 0.5, "winner": {"group": ["definition", "target"], "order": ["path"]}},
            "overrides",
            12,
        ),
        ("calls", {"confidence": 0.5}, "calls", 12),
        ("mro", {"why": "it stands before"}, "value", 130),
    ],
)
def test_only_what_differs_and_what_reads_it_runs(
    memory: Memory, name: str, keys: dict[str, Any], runs: str, most: int
) -> None:
    document = changed(name, **keys)
    twin, ran = following(memory, document)
    assert runs in ran and len(ran) <= most, ran
    fresh = indexed(document)
    assert same(twin, fresh)
    kept = [each for each in counts(twin.snapshot()) if each not in ran]
    assert len(kept) > 30


def test_the_law_holds_for_edits_under_another_program(memory: Memory) -> None:
    document = changed("overrides", winner={"group": ["definition", "target"], "order": ["path"]})
    twin, _ = following(memory, document)
    text = WORKSPACE["shop.py"].replace("class Special(Order)", "class Special")
    twin.write({"shop.py": text})
    twin.commit()
    fresh = Memory(document)
    fresh.write(WORKSPACE | {"shop.py": text})
    fresh.commit()
    assert same(twin, fresh)
    back, _ = following(twin, program())
    back.write(WORKSPACE)
    back.commit()
    assert same(back, memory)


def test_the_graph_that_was_there_goes_its_own_way(memory: Memory) -> None:
    before = tables(memory.snapshot(), relations(memory.snapshot()))
    twin, _ = following(memory, changed("mro", why="it stands before"))
    twin.write({"shop.py": "x = 1\n"})
    twin.commit()
    assert tables(memory.snapshot(), relations(memory.snapshot())) == before


def test_a_program_that_does_not_compile_changes_nothing(memory: Memory) -> None:
    with pytest.raises(EngineError) as refused:
        memory.engine.with_program(changed("overrides", match="nothing_of_that_name(definition)"), None)
    assert refused.value.code == "rule-unknown-relation"
    assert counts(memory.snapshot())["overrides"] == 1


def test_a_rule_that_comes_runs_alone_and_goes_with_its_rows(memory: Memory) -> None:
    document = msgspec.json.decode(program())
    rule = {
        "name": "own_word",
        "pack": "python",
        "doc": "d",
        "kind": "derive",
        "match": "names(expr, file, name='nothing')",
    }
    twin, ran = following(memory, msgspec.json.encode(document | {"views": [*document["views"], rule]}))
    assert ran == ["own_word"]
    assert counts(twin.snapshot())["own_word"] == 1
    back, ran = following(twin, program())
    assert ran == [] and same(back, memory)
