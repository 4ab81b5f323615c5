"""A minute of the soak: `python -m tests.soak --minutes 120` is the long form."""

from __future__ import annotations

from pathlib import Path

from tests.soak import Soaked, soaked
from tests.walks import runs


def test_a_minute_of_edits_grows_nothing_and_loses_nothing(tmp_path: Path) -> None:
    seen = soaked(runs.truth(), tmp_path, seed=11, seconds=60, tell=lambda _seen: None)
    assert not seen.complaints(), "\n".join(seen.complaints())
    assert seen.edits > 100
    assert seen.answers > 100
    assert seen.comparisons > 2


def test_what_must_not_be_is_told() -> None:
    grown = [(float(at), (100 + at) << 20) for at in range(100)]
    seen = Soaked(seconds=100.0, lost=1, slowest_s=40.0, broken=["x"], memory=grown, pids={1, 2})
    assert [each.split(" ")[0] for each in seen.complaints()] == ["x", "memory", "1", "an", "the"]
    assert Soaked(seconds=100.0, memory=[(at, 100 << 20) for at, _ in grown], pids={1}).complaints() == []
