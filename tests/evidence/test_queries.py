"""The queries of `docs/witnesses.md` give what they promise, on the file that stands below them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from codeanatomy_engine import CancelToken, Snapshot

from codeanatomy_incremental import evidence

from tests.support import graphs

PAGE = (Path(__file__).parents[2] / "docs/witnesses.md").read_text("utf-8")
QUERIES = dict(re.findall(r"<!-- query: (.*?) -->\n```sql\n(.*?)```", PAGE, re.DOTALL))

EXPECTED = {
    "reaching definitions of what is returned": [(5, 12, "price"), (7, 12, "price")],
    "blocks that are never reached": [],
    "calls that a handler protects": [(9,)],
    "what is called with what a name was given": [("price", "check")],
    "the size of the syntax below each function": [("cost", 4), ("never", 2)],
}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    [source] = re.findall(r"`shop.py`:\n\n```py\n(.*?)```", PAGE, re.DOTALL)
    root = tmp_path_factory.mktemp("shop")
    (root / "shop.py").write_text(source)
    graph = graphs.indexed(root)
    graph.hear_all(evidence.witnesses(), ["shop.py"], CancelToken())
    return graph.engine.snapshot()


def test_every_query_of_the_page_is_known() -> None:
    assert QUERIES.keys() == EXPECTED.keys()


@pytest.mark.parametrize("name", EXPECTED)
def test_a_query_gives_what_it_promises(shop: Snapshot, name: str) -> None:
    assert [tuple(row.values()) for row in graphs.rows(shop, QUERIES[name])] == EXPECTED[name]


@pytest.mark.parametrize("kind", ["ast", "ast_of", "next", "flows_to", "contains", "evaluates", "defines_use"])
def test_every_layer_has_edges_between_nodes_of_the_graph(shop: Snapshot, kind: str) -> None:
    rows = graphs.rows(
        shop,
        f"""SELECT edge.src FROM cpg_edges AS edge
        LEFT JOIN cpg_nodes AS source ON source.id = edge.src LEFT JOIN cpg_nodes AS target ON target.id = edge.dst
        WHERE edge.kind = '{kind}' AND edge.rule_name IN ('cpython', 'bytecode') AND (source.id IS NULL OR target.id IS NULL)""",
    )
    assert rows == []
    assert graphs.rows(shop, f"SELECT src FROM cpg_edges WHERE kind = '{kind}' LIMIT 1")


def test_without_a_witness_the_layers_are_empty(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("def f(x):\n    return x\n")
    snapshot = graphs.indexed(tmp_path).engine.snapshot()
    assert graphs.rows(snapshot, "SELECT src FROM cpg_edges WHERE kind = 'defines_use'") == []
    assert graphs.rows(snapshot, "SELECT file FROM instructions") == []
