"""The tables that tell what ran, queried like any other."""

from __future__ import annotations

import msgspec
import pytest

from tests.support.memory import Memory, program, rows

FILES = {
    "a.py": "def f(x):\n    return x\n\n\nf(1)\n",
    "b.py": "from a import f\n\n\ndef g():\n    return f(2)\n",
}


@pytest.fixture(scope="module")
def document() -> bytes:
    return program()


@pytest.fixture
def memory(document: bytes) -> Memory:
    memory = Memory(document)
    memory.write(FILES)
    memory.commit()
    return memory


def test_a_first_build_runs_every_view_that_keeps_rows_whole(memory: Memory) -> None:
    ran = rows(memory.engine.snapshot(), "SELECT * FROM rule_exec")
    views = msgspec.json.decode(memory.engine.snapshot().plan(None))["views"]
    assert [run["view"] for run in ran] == [view["name"] for view in views if view["stored"]]
    assert {(run["mode"], run["reason"], run["status"], run["commit"]) for run in ran} == {
        ("full", "first build", "ok", 1)
    }
    fingerprints = {view["name"]: view["fingerprint"] for view in views}
    for run in ran:
        assert run["plan_fingerprint"] == fingerprints[run["view"]]
        assert run["end"] - run["start"] == run["micros"] >= run["run_micros"]
        assert run["cutoff"] == (run["rows_inserted"] + run["rows_deleted"] == 0)


def test_an_edit_is_a_row_with_the_time_of_every_hop_and_the_views_that_ran_for_it(memory: Memory) -> None:
    memory.type("b.py", FILES["b.py"].replace("f(2)", "f(3)"))
    memory.commit()
    memory.type("b.py", FILES["b.py"].replace("f(2)", "f(f(3))"))
    report = memory.commit()
    [first, second] = rows(memory.engine.snapshot(), "SELECT * FROM edits ORDER BY start")
    assert (first["file"], second["version"], second["superseded"]) == ("b.py", first["version"] + 1, False)
    hops = [second[hop] for hop in second if hop.endswith("_micros") and hop != "total_micros"]
    assert second["total_micros"] >= sum(hops) - len(hops)
    assert second["views"] == len(report["views"])
    ran = rows(memory.engine.snapshot(), f"SELECT * FROM rule_exec WHERE commit = {second['commit']}")
    assert [run["view"] for run in ran] == [run["view"] for run in report["views"]]
    assert [run["keys"] for run in ran] == [run["keys"] for run in report["views"]]
    assert sum(not run["cutoff"] for run in ran) == second["views_changed"] > 0


def test_what_is_typed_while_the_writer_works_is_one_commit_and_a_row_each(memory: Memory) -> None:
    for text in ("x = 1\n", "x = 12\n", "x = 123\n"):
        memory.type("a.py", text)
    memory.commit()
    assert [each["superseded"] for each in rows(memory.engine.snapshot(), "SELECT * FROM edits ORDER BY start")] == [
        True,
        True,
        False,
    ]


def test_every_decision_has_confidence_and_evidence(memory: Memory) -> None:
    memory.type("a.py", "def f(x, y):\n    return y\n\n\nf(1, 2)\n")
    memory.commit()
    [counted] = rows(
        memory.engine.snapshot(),
        "SELECT count(*) AS n, sum(CASE WHEN confidence > 0 AND confidence <= 1 AND evidence <> '' AND value <> '' "
        "AND alternatives <> '' THEN 1 ELSE 0 END) AS backed FROM policy_decisions",
    )
    assert counted["n"] == counted["backed"] > 500
    runs = rows(
        memory.engine.snapshot(), "SELECT commit, value, fallback_reason FROM policy_decisions WHERE decision = 'run'"
    )
    assert [tuple(run.values()) for run in runs] == [(1, "full", "first build"), (2, "keyed", "")]


def test_edits_of_the_shipped_rules_fall_back_on_nothing(memory: Memory) -> None:
    for number in range(5):
        memory.type("a.py", f"def f(x):\n    return x + {number}\n\n\nf(1)\n")
        memory.commit()
    assert rows(memory.engine.snapshot(), "SELECT * FROM fallbacks") == []


def test_a_view_that_cannot_be_keyed_is_a_declared_fallback_at_every_change(document: bytes) -> None:
    decoded = msgspec.json.decode(document)
    counted = {
        "name": "counted",
        "pack": "own",
        "doc": "Holds if.",
        "kind": "derive",
        "sql": "SELECT names.name AS name, count(*) AS n FROM names GROUP BY names.name",
        "grain": ["name"],
        "refresh": "full",
    }
    decoded["views"].append(counted)
    memory = Memory(msgspec.json.encode(decoded))
    memory.write(FILES)
    memory.commit()
    memory.type("a.py", "g = 1\nprint(g)\n")
    memory.commit()
    [fallback] = rows(memory.engine.snapshot(), "SELECT view, kind, declared, reason, rows > 0 AS cost FROM fallbacks")
    assert fallback == {
        "view": "counted",
        "kind": "full_view",
        "declared": True,
        "reason": "the rule asks for refresh = full",
        "cost": True,
    }


def test_every_rule_is_in_rule_compile(memory: Memory, document: bytes) -> None:
    compiled = rows(
        memory.engine.snapshot(), "SELECT rule, view, kind, micros, plan_fingerprint, lines FROM rule_compile"
    )
    assert sorted(each["rule"] for each in compiled) == sorted(
        view["name"] for view in msgspec.json.decode(document)["views"]
    )
    assert all(each["plan_fingerprint"] and each["lines"] for each in compiled)


def test_requests_are_kept_until_the_ring_is_full(memory: Memory) -> None:
    snapshot = memory.engine.snapshot()
    for number in range(5000):
        snapshot.note_request("textDocument/hover", number, 1, b'[{"a":[1,2]},2]', "ok")
    [told] = rows(
        memory.engine.snapshot(), "SELECT count(*) AS n, min(latency_micros) AS first, max(rows) AS rows FROM requests"
    )
    assert told == {"n": 4096, "first": 904, "rows": 2}


def test_without_artifacts_nothing_is_kept(document: bytes) -> None:
    memory = Memory(document)
    memory.engine.set_policy(b'{"artifacts": false}')
    memory.write(FILES)
    memory.commit()
    memory.type("a.py", "x = 1\n")
    memory.commit()
    memory.engine.snapshot().note_request("textDocument/hover", 1, 1, b"[]", "ok")
    for table in ("rule_exec", "edits", "requests", "fallbacks"):
        assert rows(memory.engine.snapshot(), f"SELECT * FROM {table}") == [], table


def test_the_tables_are_listed_with_all_others(memory: Memory) -> None:
    names = rows(memory.engine.snapshot(), "SELECT DISTINCT table_name FROM information_schema.columns")
    tables = {
        "rule_compile",
        "rule_exec",
        "policy_decisions",
        "fallbacks",
        "faults",
        "edits",
        "requests",
        "extract_errors",
    }
    assert tables <= {each["table_name"] for each in names}


def test_schemas_carry_their_contract(memory: Memory) -> None:
    snapshot = memory.engine.snapshot()
    bundle = msgspec.json.decode(snapshot.bundle(None, 3))
    for view in bundle["views"]:
        contract = view["contract"]
        assert contract["codeanatomy.contract"] == view["name"]
        assert contract["codeanatomy.version"]
        assert contract["codeanatomy.determinism"] == "exact"
        assert "codeanatomy.order" in contract
