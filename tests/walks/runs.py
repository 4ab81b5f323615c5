"""Runs of many walks: how far each goes, what is compared, what is said when one breaks the law."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec

from tests.support.memory import Memory, program, relations, tables
from tests.walks import packages, projects
from tests.walks.law import Truth, differences
from tests.walks.walk import Broken, Step, compare, reopened, shrunk, take

REAL = ("django", ("forms", "core/checks", "template"))
"""The package that real walks go over, and the folders of it that are taken."""

IMAGE_EVERY = 7
"""After so many steps a walk goes on from an image of the graph."""

SMALL_STEPS = 30
REAL_STEPS = 12


class Tally(msgspec.Struct):
    """What a run has done so far."""

    edits: int = 0
    steps: int = 0
    comparisons: int = 0
    walks: int = 0
    broken: list[str] = msgspec.field(default_factory=list)
    """The walks that broke the law, each made small and ready to be read."""


def small(truth: Truth, seed: int, edits: int, every: int = 1) -> Iterator[Tally]:
    """Walks over small projects until so many edits are made, compared with a fresh graph after every so many steps.

    After each step the graph checks itself: every view is run whole over what it reads. Gives the tally after each walk.
    """
    tally = Tally()
    while tally.edits < edits:
        made = projects.Generator(seed, tally.walks)
        name = f"small project, seed {seed}, walk {tally.walks}"
        _walk(truth, tally, name, dict(made.texts), [made.step() for _ in range(SMALL_STEPS)], every)
        yield tally


def real(truth: Truth, seed: int, edits: int, every: int = 1) -> Iterator[Tally]:
    """The same over the files of a real package."""
    tally = Tally()
    start = packages.texts(*REAL)
    while tally.edits < edits:
        made = packages.Generator(start, seed, tally.walks)
        name = f"{REAL[0]}, seed {seed}, walk {tally.walks}"
        _walk(truth, tally, name, start, [made.step() for _ in range(REAL_STEPS)], every)
        yield tally


def truth() -> Truth:
    """The slow truth under the rules of the installation."""
    return Truth(program())


def _walk(truth: Truth, tally: Tally, name: str, start: dict[str, str], steps: list[Step], every: int) -> None:
    """One walk and the way back; the first one also ends before an engine that never saw another file."""
    with tempfile.TemporaryDirectory() as folder:
        _walk_with(folder, truth, tally, name, start, steps, every)


def _walk_with(
    folder: str, truth: Truth, tally: Tally, name: str, start: dict[str, str], steps: list[Step], every: int
) -> None:
    memory = Memory(truth.document)
    memory.write(start)
    memory.commit()
    first = tables(memory.snapshot(), relations(memory.snapshot()))
    for number, step in enumerate(steps, 1):
        if number % IMAGE_EVERY == 0:
            reopened(memory, Path(folder, "image"))
        fault = take(memory, step)
        tally.edits += len(step)
        tally.steps += 1
        suspect = [] if fault else msgspec.json.decode(memory.snapshot().verify())
        if not fault and not suspect and number % every and number < len(steps):
            continue
        if suspect:
            fault = f"views that are not what their rules say: {suspect}"
        tally.comparisons += 1
        found = compare(truth, memory) if suspect or not fault else []
        if found or fault:
            told = _told(truth, Broken(start, tuple(steps[:number]), tuple(found), fault))
            tally.broken.append(f"{name}, step {number}\n{told}")
            tally.walks += 1
            return
    if tally.walks == 0:
        found = differences(tables(memory.snapshot(), truth.names), truth.from_new_engine(memory.texts))
        if found:
            tally.broken.append(f"{name}: a new engine disagrees\n" + "\n".join(map(str, found)))
    now = memory.texts
    back = {path: start.get(path) for path in sorted(now.keys() | start.keys()) if now.get(path) != start.get(path)}
    memory.write(back)
    memory.commit()
    tally.edits += len(back)
    tally.comparisons += 1
    found = differences(tables(memory.snapshot(), truth.names), first)
    if found:
        tally.broken.append(f"{name}: undoing it all leaves another graph\n" + "\n".join(map(str, found)))
    tally.walks += 1


def _told(truth: Truth, broken: Broken) -> str:
    if sum(map(len, broken.start.values())) < 20_000:
        return str(shrunk(truth, broken))
    steps = [", ".join(f"{edit.path} ({edit.door})" for edit in step) for step in broken.steps]
    places = [f"{number}: {step}" for number, step in enumerate(steps, 1)]
    return "\n".join([*places, *map(str, broken.differences), broken.fault])
