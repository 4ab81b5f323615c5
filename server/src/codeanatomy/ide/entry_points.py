"""Entry points: functions and modules that `pyproject.toml` and `setup.cfg` name as `module:attribute`.

Goes by lines, because a file that is being written need not be TOML yet. A line with other letters than those of ASCII names none.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from codeanatomy_engine import Snapshot

FILES = ("pyproject.toml", "setup.cfg")

_SECTION = re.compile(r"^\s*\[+\s*(?P<name>[^\]]+?)\s*\]+\s*(?:#.*)?$", re.ASCII)
_POINTS = re.compile(
    r"""project\.(?:gui-)?scripts|project\.entry-points\..+|tool\.poetry\.(?:scripts|plugins\..+)|options\.entry_points"""
)
_LINE = re.compile(
    r"""^\s*[^#=]+?\s*=\s*["']?(?P<module>[A-Za-z_][\w.]*)(?:\s*:\s*(?P<attribute>[A-Za-z_][\w.]*))?\s*(?:\[[\w, -]*\]\s*)?["']?\s*(?:\#.*)?$""",
    re.ASCII,
)


class Range(msgspec.Struct, frozen=True):
    """Where the name of an entry stands: the line from 0, and its characters."""

    line: int
    start: int
    end: int


class Entry(msgspec.Struct, frozen=True):
    """What a line names."""

    module: str
    attribute: str
    """Names joined by dots; empty for the module itself."""
    range: Range

    @property
    def last(self) -> tuple[str, Range]:
        """The last name, that of what the entry leads to, and where it stands."""
        name = (self.attribute or self.module).rpartition(".")[2]
        return name, Range(self.range.line, self.range.end - len(name), self.range.end)


class Target(msgspec.Struct, frozen=True):
    """What an entry leads to: a file of the workspace, and there the name of a function or class."""

    path: str
    selection: dict[str, Any]
    whole: dict[str, Any]


def entries(text: str) -> list[Entry]:
    """The entry points that a file names, in their order."""
    found: list[Entry] = []
    section = ""
    for number, line in enumerate(text.split("\n")):
        if head := _SECTION.match(line):
            section = head["name"].replace('"', "").replace("'", "")
        elif _POINTS.fullmatch(section) and line.isascii() and (named := _LINE.match(line.rstrip("\r"))):
            end = named.end("attribute") if named["attribute"] else named.end("module")
            found.append(Entry(named["module"], named["attribute"] or "", Range(number, named.start("module"), end)))
    return found


def entry_at(text: str, line: int, column: int) -> Entry | None:
    """The entry point at a place; line and column count from 0."""
    spans = (each for each in entries(text) if each.range.line == line)
    return next((each for each in spans if each.range.start <= column <= each.range.end), None)


def target(snapshot: Snapshot, entry: Entry) -> Target | None:
    """What an entry leads to, imports followed; nothing outside the workspace."""
    start = {"line": 0, "character": 0}
    top = {"start": start, "end": start}
    if not entry.attribute:
        rows = _rows(
            snapshot, f"SELECT text(file) AS file FROM files WHERE module = '{entry.module}' AND partition = 'user'"
        )
        return Target(str(rows[0]["file"]), top, top) if rows else None
    first, *rest = entry.attribute.split(".")
    rows = _rows(snapshot, _MEMBER.format(module=entry.module, name=first))
    if not rows:
        return None
    path, line = str(rows[0]["file"]), int(rows[0]["line"]) - 1
    symbols: Sequence[dict[str, Any]] = msgspec.json.decode(snapshot.document_symbols(path))
    found = next((each for each in symbols if each["selectionRange"]["start"]["line"] == line), None)
    for name in rest:
        found = next((each for each in (found or {}).get("children", ()) if each["name"] == name), None)
    return None if found is None else Target(path, found["selectionRange"], found["range"])


_MEMBER = """
SELECT text(bindings.file) AS file, anchors.line AS line
FROM module_choice AS member LEFT JOIN import_target AS onward ON onward.binding = member.target
JOIN bindings ON bindings.binding = coalesce(onward.target, member.target) JOIN files ON files.file = bindings.file
JOIN anchors ON anchors.id = bindings.binding
WHERE member.module = '{module}' AND member.name = '{name}' AND files.partition = 'user'
"""


def _rows(snapshot: Snapshot, sql: str) -> list[dict[str, Any]]:
    import pyarrow as pa

    return pa.ipc.open_stream(snapshot.query(sql, 10)).read_all().to_pylist()
