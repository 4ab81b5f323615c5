"""A writer that is killed leaves every version as it was, and the next one goes on within two seconds.

The long form: `python -m tests.history.kills --points 500`.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.history.conftest import states
from tests.history.kills import Kill, Ring, at_points, at_times, in_recovery


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ring]:
    folder = tmp_path_factory.mktemp("kills")
    made = Ring(folder, states(folder / "ws", folder / "unused"))
    yield made
    made.close()


def check(kills: list[Kill], least: int) -> None:
    assert [(kill.point, kill.wrong) for kill in kills if kill.wrong] == []
    killed = [kill for kill in kills if kill.ended]
    assert len(killed) >= least
    assert all(kill.ended < 0 for kill in killed), "something else ended a writer"


def test_at_every_point_of_a_checkpoint(ring: Ring) -> None:
    check(list(at_points(ring, "checkpoint", 1)), least=14)


def test_at_points_of_a_maintenance(ring: Ring) -> None:
    check(list(at_points(ring, "maintain", 2, step=6)), least=8)


def test_while_it_takes_back_what_another_left(ring: Ring) -> None:
    check(list(itertools.islice(in_recovery(ring, 1), 0, None, 3)), least=4)


def test_at_any_time(ring: Ring) -> None:
    check(list(itertools.islice(at_times(ring, 7), 10)), least=1)


@pytest.mark.parametrize("fault", ["full", "io", "denied"])
def test_a_disk_that_refuses_has_a_code_and_harms_nothing(ring: Ring, fault: str) -> None:
    for count in (0, 5, 12):
        ring.begin(1)
        kill = ring.kill("checkpoint", 1, f"{fault} at {count}", faults=f"history.any={count}*off->return({fault})")
        assert (kill.wrong, kill.ended) == ("", 5)
        assert Path(ring.place.uri + ".said").read_text() == "history-storage"
