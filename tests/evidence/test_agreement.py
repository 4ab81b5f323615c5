"""Witnesses beside the graph: where they agree, where they do not, and that both go with the text."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from codeanatomy_engine import CancelToken, Engine, EngineError

from codeanatomy_incremental import evidence
from codeanatomy_incremental.live import Graph

from codeanatomy import report
from codeanatomy.ide.hover import hover
from tests.support import graphs

SOURCE = """\
import os.path as p
from os import sep

top = 1

class C:
    own = top
    early = later = 2

    def __private(self, top):
        def inner():
            return top
        return [sep for each in inner() if each], lambda top=top: top

    def other(self):
        global top
        top = self.__private(p.join)
"""


def asked(root: Path, text: str, *names: str) -> Graph:
    (root / "a.py").write_text(text)
    graph = graphs.indexed(root)
    graph.hear_all(names or evidence.witnesses(), ["a.py"], CancelToken())
    return graph


def test_witnesses_agree_about_every_name(tmp_path: Path) -> None:
    snapshot = asked(tmp_path, SOURCE).engine.snapshot()
    assert graphs.rows(snapshot, "SELECT * FROM evidence_conflicts") == []
    agreed = {row["node"] for row in graphs.rows(snapshot, "SELECT node FROM evidence_agreement WHERE fact = 'scope'")}
    names = graphs.rows(snapshot, "SELECT expr, name FROM names WHERE file = 'a.py'")
    assert [row["name"] for row in names if row["expr"] not in agreed] == []


def test_agreement_is_surer_than_either_alone(tmp_path: Path) -> None:
    snapshot = asked(tmp_path, SOURCE).engine.snapshot()
    rows = graphs.rows(
        snapshot,
        """SELECT refers_to.confidence AS alone, evidence_agreement.confidence AS together
        FROM evidence_agreement JOIN refers_to
            ON refers_to.expr = evidence_agreement.node AND refers_to.target = evidence_agreement.target""",
    )
    assert rows
    assert all(row["together"] > row["alone"] for row in rows)


def said(graph: Graph, witness: str, tables: dict[str, list[list[object]]]) -> None:
    stamp = graph.engine.snapshot().stamp_of("a.py")
    told = {"path": "a.py", "witness": witness, "stamp": stamp, "tables": tables}
    assert graph.engine.hear(msgspec.json.encode([told])) == 1


def test_a_witness_that_says_otherwise_is_a_row_with_both_sides_and_shows_in_a_hover(tmp_path: Path) -> None:
    text = "x = 1\ndef f():\n    x = 2\n    return x\n"
    graph = asked(tmp_path, text, "symtable")
    scope, whole, flags = [6, 37], [0, 0xFFFF_FFFF], [True, False, False, False, False, False, False, False]
    said(
        graph,
        "symtable",
        {
            "symtable_scopes": [
                ["0", None, "module", "", whole, False, False, 1],
                ["1", "0", "function", "f", scope, False, True, 2],
            ],
            "symtable_symbols": [["1", scope, "x", "x", "global", whole, *flags]],
        },
    )
    [row] = graphs.rows(
        graph.engine.snapshot(),
        """SELECT conflict.fact, conflict.witness, conflict.ours, conflict.theirs, conflict.reason, anchors.line
        FROM evidence_conflicts AS conflict JOIN anchors ON anchors.id = conflict.node
            WHERE conflict.fact = 'scope'""",
    )
    assert row == {
        "fact": "scope",
        "witness": "symtable",
        "ours": "f",
        "theirs": "",
        "reason": "bound by the function here, and by the module for symtable",
        "line": 4,
    }
    found = hover(graph.engine.snapshot(), "a.py", 3, 11)
    assert found is not None
    assert "symtable disagrees: bound by the function here, and by the module for symtable" in report.hover(found)


def test_a_hover_says_who_agrees_until_the_text_changes(tmp_path: Path) -> None:
    graph = asked(tmp_path, SOURCE)

    def shown() -> str:
        found = hover(graph.engine.snapshot(), "a.py", 6, 10)
        assert found is not None
        return report.hover(found)

    assert "witness: symtable agrees, together 0.999" in shown()
    graph.open("a.py", SOURCE + "x = 1\n", 1)
    graph.commit(CancelToken())
    assert "witness" not in shown()
    assert graphs.rows(graph.engine.snapshot(), "SELECT * FROM symtable_scopes") == []
    graph.open("a.py", SOURCE, 2)
    graph.commit(CancelToken())
    assert "witness: symtable agrees" in shown()


def test_syntax_that_only_one_side_refuses_is_a_conflict(tmp_path: Path) -> None:
    graph = asked(tmp_path, "def f():\n    nonlocal x\n", "cpython")
    [row] = graphs.rows(graph.engine.snapshot(), "SELECT fact, ours, theirs, reason FROM evidence_conflicts")
    assert row == {
        "fact": "syntax",
        "ours": "accepted",
        "theirs": "refused",
        "reason": "CPython refuses line 2: no binding for nonlocal 'x' found",
    }


def test_a_rule_that_keeps_rows_may_not_read_what_comes_later() -> None:
    table = {"name": "late", "key": "", "columns": [{"name": "expr", "kind": "id", "role": "expr"}]}
    rule = {"name": "r", "pack": "p", "doc": "d", "kind": "derive", "match": "late(expr)"}

    def program(**more: object) -> bytes:
        return msgspec.json.encode({"packs": [], "tables": [table], "views": [rule | more]})

    with pytest.raises(EngineError) as refused:
        Engine(program())
    assert refused.value.code == "rule-reads-late"
    Engine(program(stored=False))


def test_an_older_target_is_judged_by_its_grammar(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("match x:\n    case 1: pass\n")
    source = evidence.Source("a.py", (tmp_path / "a.py").read_bytes(), (3, 8))
    found = evidence.module("cpython").extract(source)
    assert found.verdict is not None
    assert not found.verdict.accepts
    assert found.tables["cpython_verdicts"][0][-3:] == ["3.8", "3.8", True]


def test_a_refusal_of_an_older_judge_is_no_verdict() -> None:
    found = evidence.module("cpython").extract(evidence.Source("a.py", b"new syntax here\n", (4, 0)))
    assert found.verdict is None
    assert found.tables["cpython_verdicts"][0][0] is False
    assert found.tables["cpython_verdicts"][0][-1] is False
