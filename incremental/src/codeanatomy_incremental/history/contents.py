"""What a history keeps of a graph: each table whole, of the files of the workspace, as columns that any reader knows.

Evidence, the places of ids, and the graph are rows of files of the workspace. Of libraries the nodes are kept that edges lead to,
under the name of their module: paths of one machine mean nothing on another.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

import msgspec
import pyarrow as pa

from codeanatomy_incremental.history.rows import Array, Table, compute
from codeanatomy_incremental.workspace import SourceBytes

GRAPH = ("cpg_nodes", "cpg_edges", "cpg_props")
SOURCES = "sources"
"""Which bytes the rows of a file were made from."""

OUTSIDE = "library:"
"""What the owner of a node begins with that is not of the workspace; the name of its module follows."""

_MOST_ROWS = 1 << 40
_MOST_SECONDS = 600.0
_MOST_BYTES = 16 << 30
_FILES_AT_ONCE = 2000
"""An answer about more files is asked for in parts: no message of a daemon may be larger than a gigabyte."""

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

    def query(self, sql: str, max_rows: int, max_seconds: float | None = None, max_bytes: int | None = None) -> bytes:
        """The rows of a query, as an Arrow IPC stream."""
        ...


def tables(snapshot: Asked, sources: Mapping[str, SourceBytes]) -> Iterator[tuple[str, Table]]:
    """Every table with its rows, in an order that depends on nothing but the rows: by file first."""
    bounds = sorted(sources)[_FILES_AT_ONCE::_FILES_AT_ONCE]
    for each in msgspec.json.decode(snapshot.plan(None))["evidence"]:
        yield each["name"], _inside(snapshot, each["name"], bounds)
    yield "anchors", _inside(snapshot, "anchors", bounds)
    nodes = [_inside(snapshot, "cpg_nodes", bounds), _rows(snapshot, _LIBRARY_NODES)]
    yield "cpg_nodes", ordered(pa.concat_tables(nodes, promote_options="permissive"))
    for name in ("cpg_edges", "cpg_props"):
        yield name, _inside(snapshot, name, bounds)
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


def ordered(rows: Table) -> Table:
    """The rows in the order that their digests are made in."""
    columns = sorted(column for column in rows.column_names if column != "file")
    # Numbers before texts: they tell rows apart, and sooner. Of a file its rank does.
    texts = {field.name for field in rows.schema if pa.types.is_string(field.type)}
    columns.sort(key=texts.__contains__)
    chosen = rows.select(["file", *columns]).combine_chunks()
    files = chosen["file"].unique()
    ranks = compute.index_in(chosen["file"], files.take(compute.sort_indices(files)))
    keys = chosen.set_column(0, "file", ranks)
    return chosen.take(compute.sort_indices(keys, [(name, "ascending") for name in keys.column_names]))


def _inside(snapshot: Asked, name: str, bounds: Sequence[str]) -> Table:
    """The rows of a table of files of the workspace."""
    parts: list[Table] = []
    for low, high in itertools.pairwise((None, *bounds, None)):
        tests = [_INSIDE]
        tests += [f"file >= {_text(low)}"] if low is not None else []
        tests += [f"file < {_text(high)}"] if high is not None else []
        parts.append(_rows(snapshot, f"SELECT * FROM {name} WHERE {' AND '.join(tests)}"))
    return ordered(pa.concat_tables(parts))


def _rows(snapshot: Asked, sql: str) -> Table:
    found = pa.ipc.open_stream(snapshot.query(sql, _MOST_ROWS, _MOST_SECONDS, _MOST_BYTES)).read_all()
    return pa.table({name: _portable(found[name]) for name in sorted(found.column_names)})


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _portable(column: Array) -> Array:
    """A column with a type that Delta has: ids keep their bits and become signed."""
    if pa.types.is_uint64(column.type):
        return pa.chunked_array([chunk.view(pa.int64()) for chunk in column.chunks], pa.int64())
    if pa.types.is_unsigned_integer(column.type):
        return compute.cast(column, pa.int64())
    if pa.types.is_large_string(column.type) or pa.types.is_string(column.type) or column.type == pa.string_view():
        return compute.cast(column, pa.string())
    return column
