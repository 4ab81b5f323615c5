"""Marks of pytest, `@pytest.mark.slow`: where a project declares them, and who else puts them on tests.

A mark is no definition of any module: it is declared among the `markers` of a file of the project, or by a text that
`addinivalue_line("markers", ...)` is given.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from codeanatomy_engine import Snapshot

FILES = ("pyproject.toml", "pytest.ini", "tox.ini", "setup.cfg", "pytest.toml")

_MARK = re.compile(r"\bmark\s*\.\s*(?P<name>[A-Za-z_]\w*)")
_KEY = re.compile(r"^\[|^\w[\w.-]*\s*=")
_MARKERS = re.compile(r"^\s*markers\s*=")


class Spot(msgspec.Struct, frozen=True):
    """Where a mark is named: the line from 0, and its letters there; for a place in a module the letters are not known."""

    path: str
    line: int
    start: int = 0
    end: int = 0


def mark_at(written: str, column: int) -> str:
    """The mark at a column of a line; empty if there is none."""
    spans = (each for each in _MARK.finditer(written) if each.start("name") <= column <= each.end("name"))
    found = next(spans, None)
    return found["name"] if found is not None else ""


def spans_of(written: str, name: str) -> list[tuple[int, int]]:
    """Where a line puts a mark on something."""
    return [each.span("name") for each in _MARK.finditer(written) if each["name"] == name]


def declared(path: str, text: str, name: str) -> Spot | None:
    """Where a file of a project declares a mark."""
    says = re.compile(rf"""(?:^\s*|[=\["',]\s*["']*)(?P<name>{re.escape(name)})\s*(?:[:("']|$)""")
    is_within = False
    for number, line in enumerate(text.split("\n")):
        written = line.rstrip("\r")
        if _MARKERS.match(written):
            is_within = True
        elif _KEY.match(written):
            is_within = False
        if is_within and (found := says.search(written)):
            return Spot(path, number, found.start("name"), found.end("name"))
    return None


def added(snapshot: Snapshot, name: str) -> list[Spot]:
    """Where modules declare a mark, by a text that pytest's configuration is given."""
    return _spots(snapshot, _ADDED.format(name=name))


def uses(snapshot: Snapshot, name: str) -> list[Spot]:
    """The lines of modules that put a mark on something."""
    return _spots(snapshot, _USES.format(name=name))


_ADDED = """
SELECT text(strings.file) AS file, anchors.line AS line
FROM strings JOIN exprs AS call ON call.expr = strings.call_expr JOIN exprs AS callee ON callee.expr = call.base
JOIN anchors ON anchors.id = strings.expr JOIN files ON files.file = strings.file
WHERE callee.name = 'addinivalue_line' AND strings.argument = '1' AND files.partition = 'user'
AND trim(split_part(split_part(text(strings.value), ':', 1), '(', 1)) = '{name}'
"""
_USES = """
SELECT DISTINCT text(marked.file) AS file, anchors.line AS line
FROM exprs AS marked JOIN exprs AS mark ON mark.expr = marked.base JOIN anchors ON anchors.id = marked.expr
JOIN files ON files.file = marked.file
WHERE marked.name = '{name}' AND marked.kind = 'attribute' AND mark.name = 'mark' AND files.partition = 'user'
"""


def _spots(snapshot: Snapshot, sql: str) -> list[Spot]:
    import pyarrow as pa

    rows: list[dict[str, Any]] = pa.ipc.open_stream(snapshot.query(sql, 10_000)).read_all().to_pylist()
    return sorted((Spot(row["file"], row["line"] - 1) for row in rows), key=lambda each: (each.path, each.line))
