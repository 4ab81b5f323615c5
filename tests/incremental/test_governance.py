"""Decisions about parts of a workspace: which one counts, and who reads it."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from codeanatomy_incremental import governance
from codeanatomy_incremental.governance import Placed, Signal
from codeanatomy_incremental.strict_toml import TomlError

from tests.support import graphs

TODAY = datetime.date(2026, 11, 21)


def signals(*told: tuple[str, str]) -> list[Placed]:
    return [Placed(Signal(status, scope, "why", "ann"), 1, True) for status, scope in told]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("told", "path", "expected"),
    [
        ([("BLOCKED", "shop")], "shop/a.py", "BLOCKED"),
        ([("BLOCKED", "shop")], "shopping.py", None),
        ([("BLOCKED", "shop"), ("CLEAN", "shop.a")], "shop/a.py", "CLEAN"),
        ([("CLEAN", "shop.a"), ("BLOCKED", "shop")], "shop/a.py", "CLEAN"),
        ([("BLOCKED", "shop"), ("WARN", "shop")], "shop/a.py", "WARN"),
        ([("PENDING", "*")], "shop/a.py", "PENDING"),
        ([("PENDING", "*"), ("CLEAN", "shop/*.py")], "shop/a.py", "CLEAN"),
        ([("BLOCKED", "shop/")], "shop/sub/a.py", "BLOCKED"),
        ([], "shop/a.py", None),
    ],
)
def test_the_narrowest_scope_counts_and_of_several_the_last(
    told: list[tuple[str, str]], path: str, expected: str | None
) -> None:
    found = governance.decided(signals(*told), path, path.removesuffix(".py").replace("/", "."))
    assert (found.status if found else None) == expected


def test_what_is_recorded_is_read_again_and_expires(tmp_path: Path) -> None:
    last = Signal("WARN", "shop", 'say "why"', "ann", TODAY)
    governance.record(tmp_path, Signal("BLOCKED", "shop.a", "first", "bob"))
    governance.record(tmp_path, last)
    now = governance.read(tmp_path, TODAY)
    assert [each.signal.status for each in now] == ["BLOCKED", "WARN"]
    assert now[1] == Placed(last, 7, True)
    assert [each.in_force for each in governance.read(tmp_path, TODAY + datetime.timedelta(days=1))] == [True, False]


@pytest.mark.parametrize("text", ["[[signals]]\nstatus = 'RED'\n", "signals = 3\n", "[[signal]]\n", "not toml"])
def test_a_file_that_is_wrong_is_refused_with_its_line(tmp_path: Path, text: str) -> None:
    (tmp_path / governance.FILE).write_text(text)
    with pytest.raises(TomlError):
        governance.read(tmp_path, TODAY)


def test_queries_see_the_signals_of_the_newest_comparison(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\n")
    graph = graphs.indexed(tmp_path)
    assert graphs.rows(graph.engine.snapshot(), "SELECT * FROM governance_signals") == []
    governance.record(tmp_path, Signal("BLOCKED", "a", "moved", "ann", datetime.date(2001, 1, 1)))
    graph._read_signals()
    [row] = graphs.rows(graph.engine.snapshot(), "SELECT * FROM governance_signals")
    assert row == {
        "status": "BLOCKED",
        "scope": "a",
        "reason": "moved",
        "recorded_by": "ann",
        "expires_at": "2001-01-01",
        "in_force": False,
        "line": 1,
    }
