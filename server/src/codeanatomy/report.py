"""Answers as text for a terminal. Everything else is one JSON document; nothing is computed here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from codeanatomy.ide.explain import Target, line_of, shown
from codeanatomy.ide.hover import Hover, said


def hover(found: Hover) -> str:
    """What a word is and why it is said to be that."""
    lines = [f"{found.title}    {shown(found.path)}:{found.line}" if found.path else found.title]
    if found.source:
        line = found.source.range.start.line + 1
        lines.append(f"described by that stub; source: {shown(found.source.uri)}:{line}")
    if found.doc:
        lines += found.doc.splitlines()
    if found.claim:
        lines += ["", f"Why: {found.claim}"]
    for number, step in enumerate(found.steps, start=1):
        place = f"    {shown(step.path)}:{step.line}" if step.path else ""
        lines.append(f"  {number}  {step.rule.replace('_', ' ')}: {step.text}{place}")
        if step.source.strip():
            lines.append(f"       | {step.source.strip()}")
    lines += [f"  may also be: {_target(each)}, confidence {each.confidence:.2f}" for each in found.others]
    lines += [f"  beaten: {_target(each)}" for each in found.beaten]
    if found.unresolved:
        lines += ["", f"Open: {found.unresolved}"]
    lines += [f"  witness: {said(each)}" for each in found.witnesses]
    return "\n".join(lines)


def counts(title: str, numbers: Mapping[str, int]) -> str:
    """A total and its parts, largest first."""
    lines = [f"{title:<14} {sum(numbers.values()):>10,}"]
    lines += [
        f"  {name:<16} {number:>6,}" for name, number in sorted(numbers.items(), key=lambda item: (-item[1], item[0]))
    ]
    return "\n".join(lines)


def index(summary: Mapping[str, Any]) -> str:
    """What the first index of a workspace found and what it cost."""
    lines = [
        f"{'files':<14} {summary['files']:>10,}",
        f"{'library files':<14} {summary['library_files']:>10,}",
        f"{'parse errors':<14} {summary['parse_errors']:>10,}",
        counts("nodes", summary["nodes"]),
        counts("edges", summary["edges"]),
        "seconds",
        *(f"  {stage:<16} {seconds:>9.2f}" for stage, seconds in summary["seconds"].items()),
    ]
    if summary["peak_memory_bytes"]:
        lines.append(f"{'peak memory':<14} {summary['peak_memory_bytes'] / 2**20:>7,.0f} MB")
    return "\n".join(lines)


def table(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Rows as aligned columns under their names."""
    cells = [list(names), *([("" if value is None else str(value)) for value in row] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(names))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells
    )


def _target(target: Target) -> str:
    reason = target.lost or target.why
    where = f" of {shown(target.path)}:{line_of(target)}" if target.path else ""
    return f"{target.name}{where}" + (f" ({reason})" if reason else "")
