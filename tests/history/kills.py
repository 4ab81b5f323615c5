"""Writers of a history are killed; whoever reads then finds every version as it was, and the next writer goes on.

One command for many: `python -m tests.history.kills --points 500`.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from codeanatomy_incremental.history import manifest
from codeanatomy_incremental.history.delta import Place
from codeanatomy_incremental.history.reader import Version

WITHIN_S = 2.0
"""How long the next writer may take to come back to a history that it can go on with."""


class Kill(NamedTuple):
    """How one writer ended, and what was found then."""

    what: str
    point: str
    ended: int
    wrong: str
    """What is not as it was; empty if all is."""

    recovery_s: float


class Ring:
    """A history, the states that went into it, and a process that starts writers."""

    def __init__(self, folder: Path, states: list[list[tuple[str, pa.Table]]]) -> None:
        self.folder = folder
        self.place = Place(str(folder / "history"))
        self.states = [{name: _shown(table) for name, table in state} for state in states]
        self.at_work_s = 0.0
        """How long the last writer kept a processor busy."""
        self._put: list[Path] = []
        for number, state in enumerate(states):
            self._put.append(folder / f"state{number}")
            self._put[-1].mkdir()
            for name, table in state:
                with pa.OSFile(str(self._put[-1] / f"{name}.arrow"), "wb") as sink:
                    writer = pa.ipc.new_file(sink, table.schema)
                    writer.write_table(table)
                    writer.close()
        self._victims = subprocess.Popen(
            (sys.executable, "-m", "tests.history.victims"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )

    def close(self) -> None:
        """End the process that starts writers."""
        assert self._victims.stdin is not None
        assert self._victims.stdout is not None
        self._victims.stdin.close()
        self._victims.wait()
        self._victims.stdout.close()

    def do(self, what: str, state: int = 0, commit: str = "", **more: Any) -> int:
        """Let a writer do something; how it ended."""
        assert self._victims.stdin is not None
        assert self._victims.stdout is not None
        job = {"what": what, "place": self.place.uri, "tables": str(self._put[state]), "commit": commit, **more}
        self._victims.stdin.write(json.dumps(job) + "\n")
        self._victims.stdin.flush()
        code, at_work = self._victims.stdout.readline().split()
        self.at_work_s = float(at_work)
        return int(code)

    def found(self) -> dict[str, dict[str, list[str]]]:
        """Every version that can be read, by its commit."""
        manifests = manifest.load(self.place)
        there = manifest.checkpoints(manifests)
        versions = ((each, Version(self.place, each, manifests[-1])) for each in there)
        return {
            each.origin.commit: {name: _shown(version.table(name)) for name in version.names()}
            for each, version in versions
        }

    def begin(self, versions: int) -> None:
        """A history with so many versions."""
        shutil.rmtree(self.place.uri, ignore_errors=True)
        for number in range(versions):
            assert self.do("checkpoint", number, f"c{number}") == 0

    def kill(self, what: str, versions: int, point: str, **how: Any) -> Kill:
        """Kill a writer of the next version, or a maintenance; look; let another writer go on; look again."""
        ended = self.do(what, versions, f"c{versions}", **how)
        must = {f"c{number}": self.states[number] for number in range(versions)}
        wrong = self._wrong(must, versions, what == "maintain")
        began = time.monotonic()
        went_on = self.do("checkpoint", versions, f"c{versions}")
        taken = time.monotonic() - began
        if not wrong and went_on:
            wrong = f"the next writer ended with {went_on}"
        # On a machine that has much else to do it waits for its turn: that is not its fault.
        if not wrong and min(taken, self.at_work_s) > WITHIN_S:
            wrong = f"the next writer took {taken:.1f} s"
        if not wrong:
            wrong = self._wrong(must | {f"c{versions}": self.states[versions]}, versions + 1, what == "maintain")
        return Kill(what, point, ended, wrong, taken)

    def _wrong(self, must: dict[str, dict[str, list[str]]], versions: int, may_expire: bool) -> str:
        try:
            found = self.found()
        except Exception as error:
            return f"unreadable: {error}"
        extra = found.keys() - must.keys()
        if extra and extra != {f"c{versions}"}:
            return f"versions that nobody wrote: {extra}"
        missing = must.keys() - found.keys()
        if missing and not may_expire:
            return f"versions are gone: {missing}"
        for commit, tables in found.items():
            expected = self.states[int(commit[1:])]
            if tables != expected:
                differ = [name for name in expected if tables.get(name) != expected[name]]
                return f"version {commit} is not what it was: {differ}"
        return ""


def at_points(ring: Ring, what: str, versions: int, step: int = 1) -> Iterator[Kill]:
    """Kill a writer at its first point, its second (or by larger steps), and so on until it comes to its end."""
    for count in itertools.count(0, step):
        ring.begin(versions)
        kill = ring.kill(what, versions, f"point {count}", faults=f"history.any={count}*off->return(kill)")
        yield kill
        if kill.ended == 0:
            return


def in_recovery(ring: Ring, versions: int) -> Iterator[Kill]:
    """Kill a writer, and then the one that comes to take back what it left."""
    for first, second in itertools.product((3, 9), range(8)):
        ring.begin(versions)
        ring.do("checkpoint", versions, f"c{versions}", faults=f"history.any={first}*off->return(kill)")
        faults = f"history.any={second}*off->return(kill)"
        yield ring.kill("checkpoint", versions, f"point {second} after one at {first}", faults=faults)


def at_times(ring: Ring, seed: int) -> Iterator[Kill]:
    """Kill writers at any time, in the middle of what the libraries do, one after the other on one history."""
    chance = random.Random(seed)
    while True:
        versions = chance.randrange(len(ring.states) - 1)
        ring.begin(versions)
        what = chance.choice(("checkpoint", "maintain")) if versions else "checkpoint"
        after = chance.uniform(0.0, 0.25)
        yield ring.kill(what, versions, f"after {after * 1000:.0f} ms", kill_after_s=after)


def table(kills: list[Kill]) -> str:
    """What was done, as a table."""
    lines = ["| writer | kills | torn or wrong | slowest recovery |", "|---|---:|---:|---:|"]
    for what in sorted({kill.what for kill in kills}):
        these = [kill for kill in kills if kill.what == what and kill.ended]
        slowest = max((kill.recovery_s for kill in these), default=0.0)
        lines.append(f"| {what} | {len(these)} | {sum(bool(kill.wrong) for kill in these)} | {slowest:.2f} s |")
    return "\n".join(lines)


def _shown(rows: pa.Table) -> list[str]:
    return sorted(repr(sorted(row.items())) for row in rows.to_pylist())


def main() -> int:
    """Kill as many writers as asked for; 1 if anything was torn or wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    from tests.history.conftest import states

    with tempfile.TemporaryDirectory() as folder:
        ring = Ring(Path(folder), states(Path(folder) / "ws", Path(folder) / "unused"))
        ways = itertools.chain(
            at_points(ring, "checkpoint", 0),
            at_points(ring, "checkpoint", 2),
            at_points(ring, "maintain", 3),
            in_recovery(ring, 1),
            at_times(ring, arguments.seed),
        )
        kills: list[Kill] = []
        while sum(bool(kill.ended) for kill in kills) < arguments.points:
            kills.append(next(ways))
            if kills[-1].wrong:
                print(f"{kills[-1].what} {kills[-1].point}: {kills[-1].wrong}")
        ring.close()
    print(table(kills))
    return int(any(kill.wrong for kill in kills))


if __name__ == "__main__":
    sys.exit(main())
