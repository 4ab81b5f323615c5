"""Call hierarchy, type hierarchy, implementations and lenses of a few classes, told in names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from codeanatomy_engine import EngineError, Snapshot

from codeanatomy_incremental.live import Graph
from codeanatomy_incremental.options import LensesOptions

from codeanatomy.ide.code_lens import code_lens
from codeanatomy.ide.declaration import declaration
from codeanatomy.ide.implementation import implementation
from codeanatomy.ide.incoming_calls import incoming_calls
from codeanatomy.ide.lens_places import lens_places
from codeanatomy.ide.outgoing_calls import outgoing_calls
from codeanatomy.ide.prepare_call_hierarchy import prepare_call_hierarchy
from codeanatomy.ide.prepare_type_hierarchy import prepare_type_hierarchy
from codeanatomy.ide.references import references
from codeanatomy.ide.subtypes import subtypes
from codeanatomy.ide.supertypes import supertypes
from codeanatomy.ide.type_definition import type_definition
from tests.support import graphs, hierarchy


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Graph:
    return graphs.indexed(hierarchy.build(tmp_path_factory.mktemp("hierarchy")))


@pytest.fixture
def snapshot(graph: Graph) -> Snapshot:
    return graph.engine.snapshot()


def item(snapshot: Snapshot, path: str, pattern: str) -> tuple[int, str, int, int]:
    """What a client sends back of the one item at the word that a pattern ends with."""
    [found] = msgspec.json.decode(prepare_call_hierarchy(snapshot, path, *hierarchy.place(path, pattern)))
    start = found["selectionRange"]["start"]
    return int(found["data"]["id"]), path, start["line"], start["character"]


def class_item(snapshot: Snapshot, path: str, pattern: str) -> tuple[int, str, int, int]:
    [found] = msgspec.json.decode(prepare_type_hierarchy(snapshot, path, *hierarchy.place(path, pattern)))
    return int(found["data"]["id"]), path, 0, 0


def calls(found: bytes) -> list[str]:
    """`name (detail) at the lines, from 1, of its ranges`."""
    shown: list[str] = []
    for each in msgspec.json.decode(found):
        end: dict[str, Any] = each.get("from") or each["to"]
        lines = ",".join(str(place["start"]["line"] + 1) for place in each["fromRanges"])
        shown.append(f"{end['name']} ({end.get('detail', '')}) {lines}")
    return shown


def shown(found: bytes) -> list[str]:
    return [f"{each['name']} ({each.get('detail', '')})" for each in msgspec.json.decode(found)]


SPECIAL_PAY = r"class Special\(Order\):\n    def pay"
RUSH_PAY = r"class Rush\(Special\):\n    def pay"
ABSTRACT_PAY = r"@abstractmethod\n    def pay"


def test_callers_are_functions_and_modules_with_the_places_of_their_calls(snapshot: Snapshot) -> None:
    assert calls(incoming_calls(snapshot, *item(snapshot, "main.py", "def run"))) == ["main () 22,23"]
    assert calls(incoming_calls(snapshot, *item(snapshot, "order.py", "def close"))) == []


def test_a_function_that_is_handed_on_has_a_caller_that_says_so(snapshot: Snapshot) -> None:
    assert calls(incoming_calls(snapshot, *item(snapshot, "main.py", "def close"))) == [
        "run (main) 17,18",
        "run (main · passed as a value) 19",
    ]
    assert calls(incoming_calls(snapshot, *item(snapshot, "main.py", "def traced"))) == ["main (as a decorator) 12"]


def test_a_property_is_called_where_it_is_read(snapshot: Snapshot) -> None:
    found = calls(incoming_calls(snapshot, *item(snapshot, "order.py", "def state")))
    assert found == ["close (order.Order · read as a property) 22"]


def test_a_method_is_also_called_through_the_one_that_it_overrides(snapshot: Snapshot) -> None:
    assert calls(incoming_calls(snapshot, *item(snapshot, "order.py", SPECIAL_PAY))) == [
        "close (main · through Order.pay) 5",
        "run (main) 16",
        "close (order.Order · through Order.pay) 21",
        "pay (order.Rush) 32",
    ]


def test_super_reaches_no_method_below(snapshot: Snapshot) -> None:
    found = calls(incoming_calls(snapshot, *item(snapshot, "order.py", RUSH_PAY)))
    assert not [each for each in found if each.endswith(" 32")]


def test_a_constructor_is_called_by_whoever_calls_a_class_that_has_it(snapshot: Snapshot) -> None:
    assert calls(incoming_calls(snapshot, *item(snapshot, "order.py", "def __init__"))) == ["run (main) 14,15"]
    assert calls(incoming_calls(snapshot, *item(snapshot, "order.py", "class Rush"))) == ["run (main) 15"]


def test_what_is_called_comes_in_the_order_of_the_source_with_what_overrides_it(snapshot: Snapshot) -> None:
    assert calls(outgoing_calls(snapshot, *item(snapshot, "order.py", "def close"))) == [
        "pay (order.Order) 21",
        "pay (order.Special · overrides Order.pay) 21",
        "pay (order.Rush · overrides Order.pay) 21",
        "state (order.Order · read as a property) 22",
    ]
    assert calls(outgoing_calls(snapshot, *item(snapshot, "main.py", "def run")))[:3] == [
        "Special (order) 14",
        "Rush (order) 15",
        "pay (order.Special) 16",
    ]


def test_a_module_calls_what_runs_when_it_is_imported(snapshot: Snapshot) -> None:
    [call] = msgspec.json.decode(incoming_calls(snapshot, *item(snapshot, "main.py", "def run")))
    module = int(call["from"]["data"]["id"])
    assert calls(outgoing_calls(snapshot, module, "main.py", 0, 0)) == [
        "traced (main · as a decorator) 12",
        "run (main) 22,23",
    ]


Edge = tuple[int, int, int, int]
"""Caller, called, and the place of the call in the file of the caller."""


def edges(found: bytes, end: str, own: int) -> set[Edge]:
    """What calls of one item say, read in one direction."""
    told: set[Edge] = set()
    for each in msgspec.json.decode(found):
        other = int(each[end]["data"]["id"])
        caller, called = (other, own) if end == "from" else (own, other)
        starts = (place["start"] for place in each["fromRanges"])
        told |= {(caller, called, start["line"], start["character"]) for start in starts}
    return told


@pytest.mark.parametrize("real", [False, True])
def test_whoever_calls_is_a_caller(graph: Graph, real: bool) -> None:
    if real:
        graph = graphs.indexed(Path(__file__).parents[2] / "server" / "src")
    snapshot = graph.engine.snapshot()
    [path, *_] = snapshot.paths()
    functions = graphs.rows(snapshot, "SELECT binding, name, variable FROM bindings WHERE kind = 'function'")
    modules = [each["scope"] for each in graphs.rows(snapshot, "SELECT scope FROM files")]
    names = {each["binding"]: each["name"] for each in functions}
    variables = [each["variable"] for each in functions]
    outgoing: set[Edge] = set()
    incoming: set[Edge] = set()
    for own in (*names, *modules):
        outgoing |= edges(outgoing_calls(snapshot, own, path, 0, 0), "to", own)
    for own in names:
        incoming |= edges(incoming_calls(snapshot, own, path, 0, 0), "from", own)
    outgoing = {edge for edge in outgoing if edge[1] in names}
    assert len(outgoing) > (250 if real else 12)
    assert outgoing <= incoming
    # A class is called in place of its constructor, and callers of one of several definitions count for all of them.
    once = {each["binding"] for each in functions if variables.count(each["variable"]) == 1}
    assert {edge for edge in incoming - outgoing if edge[1] in once and names[edge[1]] != "__init__"} == set()


def test_an_item_that_is_gone_is_looked_for_at_its_place(snapshot: Snapshot) -> None:
    _, *place = item(snapshot, "main.py", "def run")
    assert calls(incoming_calls(snapshot, 1, *place)) == ["main () 22,23"]
    assert calls(incoming_calls(snapshot, 0, "main.py", 900, 3)) == []
    with pytest.raises(EngineError) as refused:
        outgoing_calls(snapshot, 0, "gone.py", 0, 0)
    assert refused.value.code == "unknown-file"


def test_no_item_stands_where_no_function_does(snapshot: Snapshot) -> None:
    assert prepare_call_hierarchy(snapshot, "main.py", *hierarchy.place("main.py", "import Card, Order")) != b"[]"
    assert prepare_call_hierarchy(snapshot, "main.py", 2, 0) == b"[]"
    assert prepare_type_hierarchy(snapshot, "main.py", *hierarchy.place("main.py", "def run")) == b"[]"


def test_the_classes_above_and_below_one_at_a_time(snapshot: Snapshot) -> None:
    rush = class_item(snapshot, "order.py", "class Rush")
    assert shown(supertypes(snapshot, *rush)) == ["Special (order)"]
    assert shown(subtypes(snapshot, *rush)) == []
    assert shown(subtypes(snapshot, *class_item(snapshot, "order.py", "class Order"))) == ["Special (order)"]


def test_a_base_outside_the_graph_stands_where_it_is_named(snapshot: Snapshot) -> None:
    [base] = msgspec.json.decode(supertypes(snapshot, *class_item(snapshot, "order.py", "class Order")))
    assert (base["name"], base["detail"]) == ("ABC", "outside the graph")
    assert base["range"]["start"] == {"line": 8, "character": 12}


def test_the_class_of_a_value_has_a_hierarchy(snapshot: Snapshot) -> None:
    found = prepare_type_hierarchy(snapshot, "main.py", *hierarchy.place("main.py", "    special"))
    assert shown(found) == ["Special (order)"]


def lines(found: bytes) -> list[tuple[str, int]]:
    return [(path, line + 1) for path, line in graphs.targets(found)]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("class Order", [25, 30]),
        ("class Rush", [30]),
        (ABSTRACT_PAY, [26, 31]),
        (r"class Pays\(Protocol\):\n    def pay", [14, 26, 31, 36]),
        ("class Pays", [9, 25, 30, 35]),
        ("def close", [20]),
    ],
)
def test_implementations(snapshot: Snapshot, pattern: str, expected: list[int]) -> None:
    found = implementation(snapshot, "order.py", *hierarchy.place("order.py", pattern))
    assert lines(found) == [("order.py", line) for line in expected]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [("    special", 25), (r"close\(special", 25), (r"def close\(order", 9), ("import Card", 35)],
)
def test_type_definitions(snapshot: Snapshot, pattern: str, expected: int) -> None:
    found = type_definition(snapshot, "main.py", *hierarchy.place("main.py", pattern))
    assert lines(found) == [("order.py", expected)]


def test_a_declaration_is_the_annotation_or_the_import(snapshot: Snapshot) -> None:
    assert lines(declaration(snapshot, "main.py", *hierarchy.place("main.py", "    order"))) == [("main.py", 4)]
    assert lines(declaration(snapshot, "main.py", *hierarchy.place("main.py", "special = Special"))) == [("main.py", 1)]
    assert lines(declaration(snapshot, "main.py", *hierarchy.place("main.py", "order.pay"))) == [("order.py", 14)]


ALL = LensesOptions()


def test_lenses_stand_above_definitions(snapshot: Snapshot) -> None:
    found = [(lens.range["start"]["line"] + 1, lens.title) for lens in code_lens(snapshot, "order.py", ALL)]
    assert [each for each in found if each[0] in (5, 6, 9, 14, 26, 31)] == [
        (5, "no references"),
        (5, "4 implementing classes"),
        (6, "no references"),
        (6, "implemented 4 times"),
        (9, "3 references"),
        (9, "1 subclass"),
        (14, "2 references"),
        (14, "implemented 2 times"),
        (26, "2 references"),
        (26, "implements Order.pay"),
        (26, "overridden once"),
        (31, "no references"),
        (31, "overrides Special.pay"),
    ]


def test_each_lens_can_be_turned_off(snapshot: Snapshot) -> None:
    def kinds(options: LensesOptions) -> set[str]:
        return {lens.data.kind for lens in code_lens(snapshot, "order.py", options)}

    assert kinds(ALL) == {"references", "overrides", "overridden"}
    assert kinds(LensesOptions(references=False)) == {"overrides", "overridden"}
    assert kinds(LensesOptions(overrides=False, overridden=False)) == {"references"}
    assert code_lens(snapshot, "gone.py", LensesOptions(references=False, overrides=False, overridden=False)) == []


def places(snapshot: Snapshot) -> Iterator[tuple[str, str, dict[str, Any], list[Any]]]:
    for path in hierarchy.FILES:
        for lens in code_lens(snapshot, path, ALL):
            found = msgspec.json.decode(lens_places(snapshot, path, int(lens.data.id), lens.data.kind))
            yield path, lens.title, lens.range, found


def test_a_lens_counts_what_it_leads_to(snapshot: Snapshot) -> None:
    counted = {"no": 0, "1": 1, "2": 2, "3": 3, "4": 4, "once": 1, "2 times": 2, "4 times": 4}
    seen = 0
    for path, title, where, found in places(snapshot):
        first, _, rest = title.partition(" ")
        if first in ("overrides", "implements"):
            assert len(found) == 1
            continue
        seen += 1
        assert len(found) == counted[rest if first in ("overridden", "implemented") else first], (path, title)
        if "reference" in title:
            at = where["start"]
            assert found == msgspec.json.decode(references(snapshot, path, at["line"], at["character"]))
    assert seen > 15


def test_a_lens_of_a_definition_that_is_gone_leads_nowhere(snapshot: Snapshot) -> None:
    for kind in ("references", "overrides", "overridden", "unheard of"):
        assert lens_places(snapshot, "order.py", 1, kind) == b"[]"
