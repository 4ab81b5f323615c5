"""What a history keeps of a graph: each table whole, of the files of the workspace, as columns that any reader knows.

Evidence, the places of ids, and the graph are rows of files of the workspace. Of libraries the nodes are kept that edges lead to,
under the name of their module: paths of one machine mean nothing on another.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from codeanatomy_incremental.history.rows import Array, Table
from codeanatomy_incremental.workspace import SourceBytes

GRAPH = ("cpg_nodes", "cpg_edges", "cpg_props")
SOURCES = "sources"
"""Which bytes the rows of a file were made from."""

OUTSIDE = "library:"
"""What the owner of a node begins with that is not of the workspace; the name of its module follows."""

_MOST_ROWS = 1 << 40
_MOST_SECONDS = 600.0

_INSIDE = "file NOT LIKE 'file:%'"

_LIBRARY_NODES = f"""
SELECT DISTINCT n.id AS id, n.kind AS kind, n.name AS name, concat('{OUTSIDE}', f.module) AS file
FROM cpg_nodes n JOIN files f ON f.file = n.file
WHERE n.file LIKE 'file:%' AND n.id IN (SELECT dst FROM cpg_edges WHERE {_INSIDE})
"""


class Asked(Protocol):
    """What a history asks of a snapshot."""

    def plan(self, view: str | None) -> bytes:
        """All views and evidence tables."""
        ...

    def query(self, sql: str, max_rows: int, max_seconds: float | None = None) -> bytes:
        """The rows of a query, as an Arrow IPC stream."""
        ...


def tables(snapshot: Asked, sources: Mapping[str, SourceBytes]) -> Iterator[tuple[str, Table]]:
    """Every table with its rows, in an order that depends on nothing but the rows: by file first."""
    for each in msgspec.json.decode(snapshot.plan(None))["evidence"]:
        yield each["name"], _table(snapshot, each["name"], f"SELECT * FROM {each['name']} WHERE {_INSIDE}")
    yield "anchors", _table(snapshot, "anchors", f"SELECT * FROM anchors WHERE {_INSIDE}")
    inside = f"SELECT id, kind, name, file FROM cpg_nodes WHERE {_INSIDE}"
    yield "cpg_nodes", _table(snapshot, "cpg_nodes", f"{inside} UNION ALL ({_LIBRARY_NODES})")
    for name in ("cpg_edges", "cpg_props"):
        yield name, _table(snapshot, name, f"SELECT * FROM {name} WHERE {_INSIDE}")
    rows = sorted(sources.items())
    yield (
        SOURCES,
        pa.table(
            {
                "file": pa.array([file for file, _ in rows], pa.string()),
                "bytes": pa.array([source.bytes for _, source in rows], pa.int64()),
                "digest": pa.array([source.digest for _, source in rows], pa.string()),
            }
        ),
    )


def _table(snapshot: Asked, name: str, sql: str) -> Table:
    first = _rows(snapshot, f"SELECT * FROM ({sql}) AS found LIMIT 0")
    columns = sorted(column for column in first.column_names if column != "file")
    # Numbers before texts: they tell rows apart, and sooner.
    texts = {field.name for field in first.schema if pa.types.is_string(field.type)}
    columns.sort(key=texts.__contains__)
    chosen = ", ".join(f'"{column}"' for column in ("file", *columns))
    found = _rows(snapshot, f"SELECT {chosen} FROM ({sql}) AS found ORDER BY {chosen}")
    return pa.table({column: _portable(found[column]) for column in found.column_names})


def _rows(snapshot: Asked, sql: str) -> Table:
    return pa.ipc.open_stream(snapshot.query(sql, _MOST_ROWS, _MOST_SECONDS)).read_all()


def _portable(column: Array) -> Array:
    """A column with a type that Delta has: ids keep their bits and become signed."""
    if pa.types.is_uint64(column.type):
        return pa.chunked_array([chunk.view(pa.int64()) for chunk in column.chunks], pa.int64())
    if pa.types.is_unsigned_integer(column.type):
        return pc.cast(column, pa.int64())
    if pa.types.is_large_string(column.type) or pa.types.is_string(column.type) or column.type == pa.string_view():
        return pc.cast(column, pa.string())
    return column
