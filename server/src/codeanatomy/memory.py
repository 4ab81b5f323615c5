"""Workspaces that live in memory: an engine, the texts that it holds, and the two doors through which texts change.

No disk, no threads, no clock: what a rule book or a test does is what happens. Module names are those that the workspace would give.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
import pyarrow as pa

from codeanatomy_engine import Engine, Snapshot, SourceFile

from codeanatomy_incremental.options import WorkspaceOptions
from codeanatomy_incremental.workspace import Listing, Workspace, place

Tables = dict[str, Any]
"""The relations of a graph that have rows, as Arrow tables by name, each in an order that depends on nothing but its rows."""

_WORKSPACE = Workspace(root="/", options=WorkspaceOptions())
_LIBRARY = "site-packages/"
_EMPTY = Listing(entries={}, roots=("",), refused=())


def source(path: str, text: str) -> SourceFile:
    """A file as the workspace would hand it to the engine; what lies in `site-packages` is one of a library."""
    entry = place(_WORKSPACE, _EMPTY, path.removeprefix(_LIBRARY))
    return SourceFile(
        path=path,
        module=entry.module,
        package=entry.package,
        is_package=entry.is_package,
        is_stub=entry.is_stub,
        partition="library" if path.startswith(_LIBRARY) else entry.partition,
        search_rank=entry.search_rank,
        content=text.encode(),
    )


class Memory:
    """A live graph over texts in memory."""

    def __init__(self, document: bytes) -> None:
        self.document = document
        self.engine = Engine(document)
        self.texts: dict[str, str] = {}
        self.opened: set[str] = set()
        self._version = 0

    def write(self, changes: Mapping[str, str | None]) -> None:
        """Stage texts as if they came from the disk; None removes a file. An editor that has the file open closes it."""
        for path in self.opened & changes.keys():
            self.engine.close_document(path)
            self.opened.discard(path)
        self.engine.update(
            [source(path, text) for path, text in changes.items() if text is not None],
            [path for path, text in changes.items() if text is None],
        )
        for path, text in changes.items():
            if text is None:
                self.texts.pop(path, None)
            else:
                self.texts[path] = text

    def type(self, path: str, text: str) -> bytes:
        """Change a text in an editor, which opens the file first if it must; the syntax diagnostics."""
        self._version += 1
        if path not in self.opened:
            self.engine.open_document(source(path, self.texts.get(path, "")), self._version)
            self.opened.add(path)
            self._version += 1
        changes = [typed(self.texts.get(path, ""), text)]
        self.texts[path] = text
        return self.engine.edit_document(path, self._version, msgspec.json.encode(changes))

    def commit(self) -> dict[str, Any]:
        """Bring everything into the graph; the report of what ran."""
        return msgspec.json.decode(self.engine.commit())

    def snapshot(self) -> Snapshot:
        """The newest snapshot."""
        return self.engine.snapshot()


def typed(old: str, new: str) -> dict[str, Any]:
    """The change that an editor sends when one text becomes another: the stretch between what both share at the ends."""
    start = 0
    while start < min(len(old), len(new)) and old[start] == new[start]:
        start += 1
    end = 0
    while end < min(len(old), len(new)) - start and old[-1 - end] == new[-1 - end]:
        end += 1
    stop = len(old) - end
    # No editor can put the cursor between `\r` and `\n`: the whole pair is replaced.
    if old[:start].endswith("\r") or new[:start].endswith("\r"):
        start -= 1
    if old[stop:].startswith("\n") and old[:stop].endswith("\r"):
        stop, end = stop + 1, end - 1
    span = {"start": _position(old, start), "end": _position(old, stop)}
    return {"range": span, "text": new[start : len(new) - end]}


def _position(text: str, offset: int) -> dict[str, int]:
    before = text[:offset].replace("\r\n", " \n").replace("\r", "\n")
    line = before[before.rfind("\n") + 1 :]
    return {"line": before.count("\n"), "character": len(line.encode("utf-16-le", "surrogatepass")) // 2}


def relations(snapshot: Snapshot) -> list[str]:
    """The names of all evidence tables and stored views, sorted."""
    views = msgspec.json.decode(snapshot.plan(None))["views"]
    unstored = {view["name"] for view in views if not view["stored"]}
    return sorted(counts(snapshot).keys() - unstored)


def counts(snapshot: Snapshot) -> dict[str, int]:
    """How many rows every relation has."""
    return {name: table["rows"] for name, table in msgspec.json.decode(snapshot.stats())["tables"].items()}


def tables(snapshot: Snapshot, names: Iterable[str]) -> Tables:
    """All rows of those of these relations that have any: a query for nothing is a query saved."""
    held = counts(snapshot)
    return {name: _sorted(_rows(snapshot, f'SELECT * FROM "{name}"')) for name in names if held[name]}


def rows(snapshot: Snapshot, sql: str) -> list[dict[str, Any]]:
    """The rows of a query."""
    return _rows(snapshot, sql).to_pylist()


def _rows(snapshot: Snapshot, sql: str) -> Any:
    return pa.ipc.open_stream(snapshot.query(sql, 10_000_000)).read_all().unify_dictionaries()


def _sorted(table: Any) -> Any:
    if table.num_rows < 2:
        return table.combine_chunks()
    return table.sort_by([(name, "ascending") for name in table.column_names]).combine_chunks()
