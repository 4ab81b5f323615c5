"""`python -m bench syntax`: which files are flagged, beside what CPython says, at once and at rest.

Over the standard library with its tests, as it is and in copies in which tokens were deleted, inserted or swapped at random (seeded).
The truth is `compile` in this process, over the bytes of each file. `instant` is what an editor is told with a keystroke, `at rest` what it is
told when CPython was asked. Exit code 1 if at rest any file is flagged wrongly, any is missed, or any first error stands on another line.
"""

from __future__ import annotations

import argparse
import io
import random
import sys
import sysconfig
import tempfile
import time
import tokenize
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from codeanatomy_engine import CancelToken, Snapshot

from codeanatomy_incremental.live import Graph
from codeanatomy_incremental.options import Options, WorkspaceOptions
from codeanatomy_incremental.packs import load as packs

INSERTED = ("(", ")", "[", "]", "{", ":", ",", "=", "==", ".", "*", "'", '"', "def", "return", "yield", "await", "nonlocal x", "in", "if",
            "else", "lambda", "print x", "exec x", "del", "@", "->", ":=", "async", "0777", "1_", "`x`", "<>", "    ", "\n")  # fmt: skip


class Figures(NamedTuple):
    """How verdicts compare with those of CPython."""

    files: int
    refused: int
    """By CPython."""
    false: tuple[str, ...]
    """Flagged, and CPython takes it."""
    missed: tuple[str, ...]
    """Not flagged, and CPython refuses it."""
    elsewhere: tuple[str, ...]
    """The first error stands on another line."""

    @property
    def precision(self) -> float:
        """Of the flagged, how many CPython refuses."""
        right = self.refused - len(self.missed)
        return right / max(right + len(self.false), 1)

    @property
    def recall(self) -> float:
        """Of those that CPython refuses, how many are flagged."""
        return (self.refused - len(self.missed)) / max(self.refused, 1)

    @property
    def same_line(self) -> float:
        """Of those that both refuse, how many have their first error on the line of CPython."""
        both = self.refused - len(self.missed)
        return (both - len(self.elsewhere)) / max(both, 1)


def main(arguments: Sequence[str]) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench syntax", description=__doc__)
    parser.add_argument("--root", type=Path, help="take the files of this folder instead of the standard library")
    parser.add_argument("--mutants", type=int, default=3000, help="how many mutated copies (default: 3000)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--limit", type=int, default=0, help="at most so many unchanged files (default: all)")
    parser.add_argument("--show", type=int, default=20, help="how many wrong verdicts to print (default: 20)")
    chosen = parser.parse_args(arguments)
    found = measured(chosen.root or Path(sysconfig.get_path("stdlib")), chosen.mutants, chosen.seed, chosen.limit)
    print(f"CPython {sys.version.split()[0]}, seed {chosen.seed}")
    print(f"{'':22}{'files':>7}{'refused':>9}{'false':>7}{'missed':>8}{'precision':>11}{'recall':>9}{'same line':>11}")
    wrong = False
    for name, figures in found.items():
        counts = f"{figures.files:7}{figures.refused:9}{len(figures.false):7}{len(figures.missed):8}"
        print(f"{name:22}{counts}{figures.precision:11.4f}{figures.recall:9.4f}{figures.same_line:11.4f}")
        if "at rest" in name:
            shown = (*figures.false, *figures.missed, *figures.elsewhere)
            wrong |= bool(shown)
            for each in shown[: chosen.show]:
                print(f"    {each}")
    raise SystemExit(1 if wrong else 0)


def measured(root: Path, mutants: int, seed: int, limit: int = 0) -> dict[str, Figures]:
    """The figures of files below a folder and of mutated copies of them, at once and at rest."""
    files = [each for each in sorted(root.rglob("*.py")) if "site-packages" not in each.parts and each.is_file()]
    if limit:
        files = sorted(random.Random(seed).sample(files, min(limit, len(files))))
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder).resolve()
        for number, each in enumerate(files):
            (place / f"file{number:05}.py").write_bytes(each.read_bytes())
        names = {f"file{number:05}.py": str(each.relative_to(root)) for number, each in enumerate(files)}
        for number, (each, text) in enumerate(mutated(files, mutants, random.Random(seed))):
            (place / f"mutant{number:05}.py").write_bytes(text)
            names[f"mutant{number:05}.py"] = f"mutant {number} of {each.relative_to(root)}"
        truth = {name: _line((place / name).read_bytes()) for name in names}
        graph = Graph(place, _options(), packs.load((), Path(), ()))
        graph.index(lambda _: None, CancelToken())
        instant = _lines(graph.engine.snapshot(), names)
        began = time.monotonic()
        graph.hear_all(["cpython"], list(names), CancelToken(), is_brief=True)
        print(f"CPython judged {len(names)} files in {time.monotonic() - began:.1f} s", flush=True)
        rest = _lines(graph.engine.snapshot(), names)
        return {
            f"{kind}, {when}": _figures([name for name in names if name.startswith(start)], truth, told, names)
            for kind, start in (("as they are", "file"), ("mutated", "mutant"))
            for when, told in (("instant", instant), ("at rest", rest))
        }


def mutated(files: Sequence[Path], count: int, dice: random.Random) -> Iterator[tuple[Path, bytes]]:
    """Copies of files that CPython takes, in which one token was deleted, inserted, or swapped with the next one."""
    made = 0
    for _ in range(20 * count):
        if made == count:
            return
        file = dice.choice(files)
        text = file.read_bytes()
        if not 200 < len(text) < 60_000 or _line(text) is not None:
            continue
        try:
            tokens = [
                token
                for token in tokenize.tokenize(io.BytesIO(text).readline)
                if token.string.strip() and token.type not in (tokenize.ENCODING, tokenize.COMMENT)
            ]
            source = text.decode("utf-8")
        except (tokenize.TokenError, SyntaxError, UnicodeError):
            continue
        lines = source.splitlines(keepends=True)
        starts = [0]
        for line in lines:
            starts.append(starts[-1] + len(line))
        if len(tokens) < 3 or any(mark in source for mark in "\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"):
            continue
        at = dice.randrange(len(tokens) - 1)
        one, two = tokens[at], tokens[at + 1]
        start, end = starts[one.start[0] - 1] + one.start[1], starts[one.end[0] - 1] + one.end[1]
        match made % 3:
            case 0:
                changed = source[:start] + source[end:]
            case 1:
                changed = source[:start] + dice.choice(INSERTED) + " " + source[start:]
            case _:
                after, stop = starts[two.start[0] - 1] + two.start[1], starts[two.end[0] - 1] + two.end[1]
                changed = source[:start] + two.string + source[end:after] + one.string + source[stop:]
        made += 1
        yield file, changed.encode("utf-8")


def _options() -> Options:
    return Options(workspace=WorkspaceOptions(standard_library=False, packages=False, respect_gitignore=False))


def _line(content: bytes) -> int | None:
    """The line, from 1, where CPython gives up; None if it takes the text."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            compile(content, "<truth>", "exec", dont_inherit=True)
        except SyntaxError as error:
            return max(error.lineno or 1, 1)
        except (ValueError, RecursionError, MemoryError, OverflowError):
            return 1
    return None


def _lines(snapshot: Snapshot, names: Mapping[str, str]) -> dict[str, int | None]:
    """For each file the line of the first error that is told of it."""
    found: dict[str, int | None] = {}
    for name in names:
        errors = [each for each in msgspec.json.decode(snapshot.diagnostics(name)) if each["severity"] == 1]
        found[name] = min((each["range"]["start"]["line"] + 1 for each in errors), default=None)
    return found


def _figures(
    files: Sequence[str],
    truth: Mapping[str, int | None],
    told: Mapping[str, int | None],
    names: Mapping[str, str],
) -> Figures:
    false = tuple(
        f"{names[each]}: flagged on line {told[each]}, and CPython takes it"
        for each in files
        if truth[each] is None and told[each]
    )
    missed = tuple(
        f"{names[each]}: refused on line {truth[each]}" for each in files if truth[each] and told[each] is None
    )
    elsewhere = tuple(
        f"{names[each]}: line {told[each]}, and CPython says {truth[each]}"
        for each in files
        if truth[each] and told[each] and truth[each] != told[each]
    )
    return Figures(len(files), sum(truth[each] is not None for each in files), false, missed, elsewhere)
