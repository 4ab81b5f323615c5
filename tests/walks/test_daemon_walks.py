"""The law with a daemon in the loop. The long form: `python -m tests.walks.daemon --edits 100000`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.walks import runs
from tests.walks.daemon import Walk, walked
from tests.walks.law import Truth


@pytest.fixture(scope="module")
def truth() -> Truth:
    return runs.truth()


def test_a_thousand_edits_leave_everybody_with_what_a_fresh_graph_has(truth: Truth, tmp_path: Path) -> None:
    last: Walk | None = None
    for walk, wrong in walked(truth, tmp_path / "ws", seed=3, edits=1000, every=25):
        assert wrong == [], f"after {walk.edits} edits"
        last = walk
    assert last is not None
    assert last.edits >= 1000
    assert last.comparisons >= 10
    assert last.switches > 0


def test_a_watcher_that_loses_events_misleads_nobody(truth: Truth, tmp_path: Path) -> None:
    walk = Walk(truth, tmp_path, seed=5)
    try:
        assert walk.broken() == []
        for _ in range(2):
            walk._overflow()
            assert walk.broken() == []
        if not walk.overflows:
            pytest.skip("the queue of events of this system is too long to be filled")
    finally:
        walk.close()
