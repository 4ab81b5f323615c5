"""Hours of edits and questions by two editors on one daemon: `python -m tests.soak --minutes 120`.

Says what the daemon held, minute by minute, and leaves with 1 if memory grew after the warm-up, an answer was lost or late, or a graph
was not what a fresh one is. It is no command of the program: what makes the edits is test code, which is not installed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from tests.walks import runs
from tests.walks.daemon import Walk, own_daemons
from tests.walks.law import Truth

WARM = 0.4
"""The share of the time after which memory must not grow any more."""

MOST_GROWTH = 0.10
SLACK_BYTES = 16 << 20
"""What may come and go: forks, caches of the allocator."""

LATE_S = 30.0
"""An answer that takes longer is lost to whoever waits, on a machine that has much else to do."""


class Soaked(msgspec.Struct):
    """What a soak has seen."""

    seconds: float = 0.0
    edits: int = 0
    answers: int = 0
    lost: int = 0
    slowest_s: float = 0.0
    comparisons: int = 0
    broken: list[str] = msgspec.field(default_factory=list)
    memory: list[tuple[float, int]] = msgspec.field(default_factory=list)
    """Seconds since the beginning, and bytes that the daemon held."""

    pids: set[int] = msgspec.field(default_factory=set)

    def warm_and_last(self) -> tuple[int, int]:
        """The most that the daemon held in the last part of the warm-up, and in the last part of all."""
        first = [held for at, held in self.memory if WARM * 0.5 <= at / self.seconds <= WARM] or [self.memory[0][1]]
        last = [held for at, held in self.memory if at / self.seconds >= 1 - WARM * 0.5] or [self.memory[-1][1]]
        return max(first), max(last)

    def complaints(self) -> list[str]:
        """What must not be."""
        warm, last = self.warm_and_last()
        found = list(self.broken)
        if last > warm * (1 + MOST_GROWTH) + SLACK_BYTES:
            found.append(f"memory grew from {warm / 2**20:.0f} to {last / 2**20:.0f} MB after the warm-up")
        if self.lost:
            found.append(f"{self.lost} answers were lost")
        if self.slowest_s > LATE_S:
            found.append(f"an answer took {self.slowest_s:.1f} s")
        if len(self.pids) > 1:
            found.append(f"the daemon died {len(self.pids) - 1} times")
        return found


def soaked(truth: Truth, root: Path, seed: int, seconds: float, tell: Callable[[Soaked], None]) -> Soaked:
    """Edit and ask for so long; compares with a fresh graph from time to time, and tells each time."""
    seen = Soaked()
    walk = Walk(truth, root, seed)
    began = compared = time.monotonic()
    every = min(60.0, seconds / 6)
    sampled = 0.0
    try:
        while (now := time.monotonic()) - began < seconds:
            walk.step()
            try:
                seen.slowest_s = max(seen.slowest_s, walk.ask())
            except TimeoutError:
                seen.lost += 1
            if now - sampled > 0.5:
                sampled = now
                status = walk.status()
                seen.memory.append((now - began, status["memory_bytes"]))
                seen.pids.add(status["pid"])
            if now - compared > every:
                seen.broken += walk.broken()
                compared = time.monotonic()
                _note(seen, walk, compared - began)
                tell(seen)
        seen.broken += walk.broken()
        _note(seen, walk, time.monotonic() - began)
    finally:
        walk.close()
    return seen


def _note(seen: Soaked, walk: Walk, seconds: float) -> None:
    seen.seconds, seen.edits, seen.answers, seen.comparisons = seconds, walk.edits, walk.answers, walk.comparisons


def _tell(seen: Soaked) -> None:
    print(
        f"{seen.seconds:7.0f} s  {seen.edits:8} edits  {seen.answers:8} answers, {seen.lost} lost, slowest {seen.slowest_s:.2f} s"
        f"  {seen.memory[-1][1] / 2**20:6.0f} MB  {seen.comparisons} comparisons, {len(seen.broken)} broken",
        flush=True,
    )


def main() -> int:
    """Soak for as long as the command line says."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=120.0)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with own_daemons(), tempfile.TemporaryDirectory() as folder:
        seen = soaked(runs.truth(), Path(folder), options.seed, options.minutes * 60, _tell)
    _tell(seen)
    warm, last = seen.warm_and_last()
    print(f"memory: {warm / 2**20:.0f} MB at the end of the warm-up, {last / 2**20:.0f} MB in the end")
    for complaint in seen.complaints():
        print(f"BROKEN: {complaint}")
    return int(bool(seen.complaints()))


if __name__ == "__main__":
    sys.exit(main())
