"""Templates that texts name, `render(request, "shop/pay.html")`: files that are no Python, so no edge of the graph leads there.

Which texts name one says the relation `template_text`; which files may be meant, the folders `templates` and `jinja2` beside the
modules of the workspace and above them. Those nearest to the text come first: which of several a framework takes, its settings say.
"""

from __future__ import annotations

import os
import re
from typing import Any

import msgspec

from codeanatomy_engine import EngineError, Snapshot

FOLDERS = ("templates", "jinja2")

_LITERAL = re.compile(r"""(?P<quote>["'])(?P<name>[^"'\\{}]*[./][^"'\\{}]*)(?P=quote)""")
_MOST = 20


class Text(msgspec.Struct, frozen=True):
    """A text that may name a template: where it stands in its line, in letters."""

    name: str
    start: int
    end: int


class Use(msgspec.Struct, frozen=True):
    """A text that names a template: the line from 0."""

    path: str
    line: int


def text_at(written: str, column: int) -> Text | None:
    """The text at a column of a line, if it looks like the name of a template."""
    found = (Text(each["name"], each.start("name"), each.end("name")) for each in _LITERAL.finditer(written))
    return next((each for each in found if each.start <= column <= each.end), None)


def names_template(snapshot: Snapshot, path: str, line: int, name: str) -> bool:
    """Whether a template is asked for by that name in a line, from 0, of a file."""
    return Use(path, line) in uses(snapshot, name)


def uses(snapshot: Snapshot, name: str) -> tuple[Use, ...]:
    """All texts that name a template, by file and line; none where the rules know of no templates."""
    try:
        rows = _rows(snapshot, _USES.format(name=name.replace("'", "''")))
    except EngineError:
        # The pack that knows them is not in force.
        return ()
    return tuple(sorted((Use(row["file"], row["line"] - 1) for row in rows), key=lambda each: (each.path, each.line)))


def files(snapshot: Snapshot, root: str, path: str, name: str) -> list[str]:
    """The files, relative to the root, that a name in a file may mean, nearest first; none outside the workspace."""
    parts = name.split("/")
    if os.path.isabs(name) or ".." in parts:
        return []
    places = {""}
    for each in snapshot.paths():
        folder = os.path.dirname(each)
        while folder and folder not in places:
            places.add(folder)
            folder = os.path.dirname(folder)
    real = os.path.realpath(root) + os.sep
    found: list[str] = []
    for place in places:
        for folder in FOLDERS:
            file = os.path.join(place, folder, *parts)
            if os.path.isfile(os.path.join(root, file)) and os.path.realpath(os.path.join(root, file)).startswith(real):
                found.append(file.replace(os.sep, "/"))
    return sorted(found, key=lambda each: (-len(os.path.commonpath([each, path])), each))[:_MOST]


_USES = """
SELECT text(said.file) AS file, anchors.line AS line
FROM template_text AS said JOIN anchors ON anchors.id = said.expr WHERE said.name = '{name}'
"""


def _rows(snapshot: Snapshot, sql: str) -> list[dict[str, Any]]:
    import pyarrow as pa

    return pa.ipc.open_stream(snapshot.query(sql, 10_000)).read_all().to_pylist()
