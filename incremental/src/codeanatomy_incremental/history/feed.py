"""What came and went in a table between two versions, row by row, and cursors: which version a reader has seen.

Delta's own change data feed tells which rows were written; this one tells which rows count.
"""

from __future__ import annotations

import time
from collections import Counter

import pyarrow as pa

from codeanatomy_incremental.history import delta
from codeanatomy_incremental.history.delta import Place
from codeanatomy_incremental.history.reader import Version
from codeanatomy_incremental.history.rows import Table, tuples

CURSORS = "cursors"
CHANGE = "_change_type"
"""insert or delete, as in Delta's change data feed."""


def changes(before: Version | None, after: Version, table: str) -> Table:
    """The rows of a table that one of two versions has and the other has not, with `_change_type`; all rows if there is no `before`."""
    new = after.parts.get(table, {})
    old = before.parts.get(table, {}) if before is not None else {}
    digests = [{file: part.digest for file, part in parts.items()} for parts in (old, new)]
    files = sorted(
        file for file in digests[0].keys() | digests[1].keys() if digests[0].get(file) != digests[1].get(file)
    )
    rows = after.table(table, files)
    columns: list[str] = rows.column_names
    came = Counter(tuples(rows, *columns))
    went = (
        Counter(tuples(before.table(table, files), *columns)) if before is not None else Counter[tuple[object, ...]]()
    )
    told = [
        {CHANGE: kind, **dict(zip(columns, row, strict=True))}
        for kind, found in (("delete", went - came), ("insert", came - went))
        for row in sorted(found.elements(), key=repr)
    ]
    return pa.Table.from_pylist(told, schema=pa.schema([(CHANGE, pa.string()), *rows.schema]))


def cursor(place: Place, name: str) -> int | None:
    """The version that a reader of that name has seen; None if there was no such reader."""
    if delta.version(place, CURSORS) is None:
        return None
    seen = delta.read(place, CURSORS, None, {"name": [name]}).sort_by("time")["version"].to_pylist()
    return seen[-1] if seen else None


def move(place: Place, name: str, version: int) -> None:
    """Note that a reader has seen everything up to a version."""
    row = {"name": name, "version": version, "time": time.time_ns() // 1000}
    schema = pa.schema([("name", pa.string()), ("version", pa.int64()), ("time", pa.timestamp("us", tz="UTC"))])
    delta.append(place, CURSORS, pa.Table.from_pylist([row], schema=schema))
