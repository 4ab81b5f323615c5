"""Walks: steps that change texts, what a walk says when it breaks the law, and how it is made small."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

from codeanatomy_engine import Image

from tests.support.memory import Memory, tables
from tests.walks.law import Difference, Truth, differences

T = TypeVar("T")


class Edit(msgspec.Struct, frozen=True):
    """One file gets another text."""

    path: str
    text: str | None
    """None: the file is gone."""

    door: str
    """`disk`, or `editor`: the change is typed into an open document."""


Step = tuple[Edit, ...]
"""Edits that reach the graph in one commit."""


class Broken(msgspec.Struct, frozen=True):
    """A walk that broke the law."""

    start: dict[str, str]
    steps: tuple[Step, ...]
    differences: tuple[Difference, ...]
    fault: str = ""
    """What was raised instead of an answer, if anything."""

    def __str__(self) -> str:
        lines = ["start:"]
        lines += [f"  {path}: {text!r}" for path, text in self.start.items()]
        for number, step in enumerate(self.steps, 1):
            lines.append(f"step {number}:")
            lines += [f"  {edit.path} ({edit.door}): {edit.text!r}" for edit in step]
        lines += [str(each) for each in self.differences]
        if self.fault:
            lines.append(self.fault)
        return "\n".join(lines)


def reopened(memory: Memory, place: Path) -> None:
    """Write the graph to an image, let it lie there, and begin with the image again."""
    memory.engine.write_image(memory.engine.capture(), place, "walk", b"walk")
    if memory.engine.pending():
        return
    image = Image.open(place, memory.document, "walk")
    assert image is not None
    image.verify()
    assert memory.engine.restore(image) == b"walk"


def take(memory: Memory, step: Step) -> str:
    """Do one step, without looking at what comes of it; what was raised, if anything."""
    try:
        closed: dict[str, str | None] = {}
        for edit in step:
            if edit.door == "editor" and edit.text is not None:
                memory.type(edit.path, edit.text)
            else:
                closed[edit.path] = edit.text
        memory.write(closed)
        memory.commit()
    except (KeyboardInterrupt, SystemExit):
        raise
    # A panic of the engine comes as a BaseException; that too is a walk to make small.
    except BaseException as error:
        return f"{type(error).__name__}: {error}"
    return ""


def walked(truth: Truth, start: Mapping[str, str], steps: Sequence[Step]) -> Broken | None:
    """Walk and compare after each step; None if the law holds."""
    memory = Memory(truth.document)
    memory.write(start)
    memory.commit()
    for number, step in enumerate(steps, 1):
        fault = take(memory, step)
        found = [] if fault else compare(truth, memory)
        if found or fault:
            return Broken(dict(start), tuple(steps[:number]), tuple(found), fault)
    return None


def compare(truth: Truth, memory: Memory) -> list[Difference]:
    """Where the living graph differs from a fresh one over the same texts."""
    fresh = truth.of(memory.texts)
    return differences(tables(memory.snapshot(), truth.names), fresh)


def shrunk(truth: Truth, broken: Broken) -> Broken:
    """A smaller walk that breaks the law too: fewer steps, then fewer edits, files and lines."""
    best = broken

    def breaks(start: dict[str, str], steps: tuple[Step, ...]) -> bool:
        nonlocal best
        again = walked(truth, start, steps)
        if again is not None:
            best = again
        return again is not None

    _dropping(lambda: best.steps, lambda steps: breaks(best.start, steps))
    for number in range(len(best.steps) - 1, -1, -1):
        if number < len(best.steps):
            _dropping(
                lambda number=number: best.steps[number],
                lambda edits, number=number: breaks(
                    best.start, (*best.steps[:number], edits, *best.steps[number + 1 :])
                ),
            )
    for path in sorted(best.start):
        if path in best.start:
            breaks({other: text for other, text in best.start.items() if other != path}, best.steps)
    for path in sorted(best.start):
        _dropping(
            lambda path=path: tuple(best.start[path].splitlines(keepends=True)),
            lambda lines, path=path: breaks(best.start | {path: "".join(lines)}, best.steps),
        )
    for number in range(len(best.steps)):
        for place in range(len(best.steps[number]) if number < len(best.steps) else 0):
            if (edit := best.steps[number][place]).text is None:
                continue

            def with_text(lines: tuple[str, ...], number: int = number, place: int = place, edit: Edit = edit) -> bool:
                step = list(best.steps[number])
                step[place] = msgspec.structs.replace(edit, text="".join(lines))
                return breaks(best.start, (*best.steps[:number], tuple(step), *best.steps[number + 1 :]))

            _dropping(
                lambda number=number, place=place: tuple((best.steps[number][place].text or "").splitlines(True)),
                with_text,
            )
    return best


def _dropping(items: Callable[[], tuple[T, ...]], breaks: Callable[[tuple[T, ...]], bool]) -> None:
    """Drop stretches of items for as long as what is left still breaks; long stretches first."""
    size = len(items())
    while size > 0:
        at = 0
        while at < len(items()):
            now = items()
            if not breaks(now[:at] + now[at + size :]):
                at += size
        size //= 2
