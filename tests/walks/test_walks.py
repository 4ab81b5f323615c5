"""Live equals fresh: a thousand edits on every run, as many as you like with `python -m tests.walks`."""

from __future__ import annotations

import os

import pytest

from tests.support.memory import Memory, tables
from tests.walks import runs
from tests.walks.law import Truth, differences
from tests.walks.walk import Edit, walked

SEED = int(os.environ.get("WALK_SEED", "1"))


@pytest.fixture(scope="module")
def truth() -> Truth:
    return runs.truth()


def test_walks_over_small_projects_keep_the_law(truth: Truth) -> None:
    for tally in runs.small(truth, SEED, edits=800, every=5):
        assert not tally.broken, tally.broken[0]
    assert tally.comparisons >= 40


def test_walks_over_a_real_package_keep_the_law(truth: Truth) -> None:
    for tally in runs.real(truth, SEED, edits=100, every=3):
        assert not tally.broken, tally.broken[0]
    assert tally.comparisons >= 8


def test_a_graph_that_missed_an_edit_breaks_the_law(truth: Truth) -> None:
    texts = {"a.py": "def f(): ...\n", "b.py": "from a import f\nf()\n"}
    live = Memory(truth.document)
    live.write(texts)
    live.commit()
    fresh = truth.of(texts | {"a.py": "def g(): ...\n"})
    found = differences(tables(live.snapshot(), truth.names), fresh)
    assert {"bindings", "refers_to", "import_target"} <= {each.relation for each in found}


def test_a_walk_can_be_taken_again_step_by_step(truth: Truth) -> None:
    start = {"a.py": "def f(): ...\n"}
    steps = [
        (Edit("b.py", "from a import *\nf()\n", "disk"),),
        (Edit("a.py", None, "disk"), Edit("b.py", "", "editor")),
    ]
    assert walked(truth, start, steps) is None
