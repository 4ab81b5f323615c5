"""The page `docs/reference/call-edges.md`: scores by category, and every call that the graph does not find or that nobody makes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from tests.support import callbook
from tests.support.callbook import Call, Program

_HEAD = """\
# Call edges

<!-- Made by `UPDATE_LISTS=1 pytest tests/calls` from `tests/calls/*.md`. Do not edit. -->

Small programs in the categories of a well-known micro benchmark, each line with the functions that Python enters because of it:
operators, properties, decorators and callbacks of the library count like calls that are written as such. Python runs the programs
and is the judge; precision is the share of the calls of the graph that Python makes, recall the share of Python's calls that the graph has.

Not judged is what Python reports no event for: what the graph says about operators and constructors that are written in C (slot
wrappers, `__new__`), and about names of a library that only its stubs have. That a called class is entered is not counted either;
its constructor is.
"""

_SECOND = """
## A second round

Programs that were written before anyone looked at what the graph says about them: then it found {before} with a precision of {precision}.
After that causes were mended that any code may have, and this is what is left.

| category | programs | calls | precision | recall |
|---|---|---|---|---|"""
BEFORE = {"before": "77.8 %", "precision": "90.5 %"}

_THIRD = """
## A third round

Written in the same way when the second one was mended; then the graph found {before} with a precision of {precision}.

| category | programs | calls | precision | recall |
|---|---|---|---|---|"""
BEFORE_THIRD = {"before": "92.9 %", "precision": "96.6 %"}

_FOURTH = """
## A fourth round

Written in the same way when the misses of the second one were known and the rules after them were begun; without those rules the graph found {before} with a precision of {precision}.

| category | programs | calls | precision | recall |
|---|---|---|---|---|"""
BEFORE_FOURTH = {"before": "87.4 %", "precision": "96.8 %"}

_UNSEEN = """
## Programs that no rule was made after

They were written before anyone looked at what the graph says about them, and what it says wrong about them is not listed here, so that
nobody makes a rule after one. They say how far the scores above carry over to other code.

| category | programs | calls | precision | recall |
|---|---|---|---|---|"""


def text(
    compared: Sequence[tuple[Program, set[Call]]],
    second: Sequence[tuple[Program, set[Call]]],
    third: Sequence[tuple[Program, set[Call]]],
    fourth: Sequence[tuple[Program, set[Call]]],
    unseen: Sequence[tuple[Program, set[Call]]],
) -> str:
    """The page for programs with what the graph says about them, for three further rounds, and for those that no rule was made after."""
    lines = [_HEAD, "| category | programs | calls | precision | recall |", "|---|---|---|---|---|", *_scores(compared)]
    lines += _differences("## Not found", ((each, each.calls - found) for each, found in compared))
    lines += _differences("## Found, but not made", ((each, found - each.calls) for each, found in compared))
    lines += [_SECOND.format(**BEFORE), *_scores(second)]
    lines += _differences("### Not found there", ((each, each.calls - found) for each, found in second))
    lines += _differences("### Found there, but not made", ((each, found - each.calls) for each, found in second))
    lines += [_THIRD.format(**BEFORE_THIRD), *_scores(third)]
    lines += _differences("### Not found in the third", ((each, each.calls - found) for each, found in third))
    lines += _differences("### Found in the third, but not made", ((each, found - each.calls) for each, found in third))
    lines += [_FOURTH.format(**BEFORE_FOURTH), *_scores(fourth)]
    lines += _differences("### Not found in the fourth", ((each, each.calls - found) for each, found in fourth))
    lines += _differences(
        "### Found in the fourth, but not made", ((each, found - each.calls) for each, found in fourth)
    )
    lines += [_UNSEEN, *_scores(unseen)]
    return "\n".join(lines) + "\n"


def _scores(compared: Sequence[tuple[Program, set[Call]]]) -> Iterator[str]:
    for name, score in callbook.scores(compared).items():
        programs = sum(name in (each.category, "all") for each, _ in compared)
        yield f"| {name} | {programs} | {score.expected} | {100 * score.precision:.1f} % | {100 * score.recall:.1f} % |"


def _differences(title: str, of: Iterable[tuple[Program, Iterable[Call]]]) -> Iterator[str]:
    yield from ("", title, "", "| category | program | line | calls | why |", "|---|---|---|---|---|")
    for each, calls in of:
        for path, line, callee in sorted(calls):
            source = each.texts[path].splitlines()[line - 1].partition("  # ")[0].strip()
            cells = (each.category, each.title, f"`{source}`", f"`{callee}`", each.prose)
            yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
