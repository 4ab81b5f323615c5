"""Reads one version of a history: tables as they were, and SQL over them. Begins at a manifest and never sees a later one."""

from __future__ import annotations

import re
import time
from collections.abc import Collection

import msgspec
import pyarrow as pa

from codeanatomy_incremental.history import checkpoint, delta
from codeanatomy_incremental.history.delta import Place
from codeanatomy_incremental.history.failure import HistoryError
from codeanatomy_incremental.history.manifest import Manifest
from codeanatomy_incremental.history.rows import Batch, Table

STORED = "stored_"
"""What the whole tables are called beside the views of one version."""


class Part(msgspec.Struct, frozen=True):
    """The rows of a table that a file owns."""

    generation: int
    rows: int
    digest: str


class Version:
    """One version of a history. What it reads never changes."""

    def __init__(self, place: Place, manifest: Manifest, newest: Manifest) -> None:
        """`newest` is the last manifest: its tables hold the rows of all versions that are kept."""
        self.place = place
        self.manifest = manifest
        self._pins = newest.tables
        self._parts: dict[str, dict[str, Part]] | None = None

    @property
    def parts(self) -> dict[str, dict[str, Part]]:
        """What each file owns of each table; files that own nothing are left out."""
        if self._parts is None:
            self._parts = {}
            rows = checkpoint.owner_rows(self.place, self._pins[checkpoint.OWNERS], self.manifest.version)
            for table, file, generation, count, digest in rows:
                self._parts.setdefault(table, {})[file] = Part(generation, count, digest)
            for owned in self._parts.values():
                for file in [file for file, part in owned.items() if not part.rows]:
                    del owned[file]
        return self._parts

    def table(
        self, name: str, files: Collection[str] | None = None, ids: tuple[str, Collection[int]] | None = None
    ) -> Table:
        """The rows of a table, of all files or some; with `ids` only those whose column has one of them."""
        if name not in self._pins:
            raise HistoryError("history-version", f"version {self.manifest.version} has no table `{name}`")
        owned = self.parts.get(name, {})
        chosen = owned if files is None else {file: owned[file] for file in files if file in owned}
        only = None if files is None else {"file": list(chosen)}
        if ids is not None:
            only = {**(only or {}), ids[0]: list(ids[1])}
        found = delta.read(self.place, name, self._pins[name], only)
        columns = [column for column in found.column_names if column != "generation"]
        counts = pa.table(
            {
                "file": pa.array(chosen.keys(), pa.string()),
                "generation": pa.array([part.generation for part in chosen.values()], pa.int64()),
            }
        )
        return found.join(counts, keys=["file", "generation"], join_type="inner").select(columns)

    def names(self) -> list[str]:
        """The tables of this version, sorted."""
        return sorted(set(self._pins) - {checkpoint.OWNERS})

    def query(self, sql: str, max_rows: int, max_seconds: float) -> Table:
        """The rows of a read-only query over the tables of this version; raises `HistoryError`."""
        _only_reads(sql)
        columns = {name: delta.columns(self.place, name, self._pins[name]) for name in self.names()}
        session = delta.querying(
            self.place,
            {STORED + name: (name, at) for name, at in self._pins.items()},
            [_view(name, columns[name], self.manifest.version) for name in columns],
        )
        batches: list[Batch] = []
        left, end = max_rows, time.monotonic() + max_seconds
        for batch in delta.query(session, sql):
            if batch.num_rows > left or time.monotonic() > end:
                limit = f"{max_rows} rows" if batch.num_rows > left else f"{max_seconds:g} s"
                raise HistoryError(
                    "query-too-large", f"the query has more than {limit}", "ask for less, or raise the limit"
                )
            left -= batch.num_rows
            batches.append(batch)
        return pa.Table.from_batches(batches) if batches else pa.table({})


def _view(name: str, columns: list[str], version: int) -> str:
    shown = ", ".join(f't."{column}"' for column in columns if column != "generation")
    counts = (
        f'SELECT file, generation FROM (SELECT file, generation, "rows", row_number() OVER (PARTITION BY file '
        f"ORDER BY generation DESC) AS nth FROM {STORED}{checkpoint.OWNERS} WHERE \"table\" = '{name}' AND generation <= {version})"
        f' WHERE nth = 1 AND "rows" > 0'
    )
    return (
        f"CREATE VIEW {name} AS SELECT {shown} FROM {STORED}{name} t JOIN ({counts}) o "
        "ON o.file = t.file AND o.generation = t.generation"
    )


def _only_reads(sql: str) -> None:
    """Refuse whatever is not one query: the session knows statements that write files and read others."""
    text = re.sub(r"--[^\n]*|/\*.*?\*/", " ", sql, flags=re.DOTALL).strip()
    word = re.match(r"\(*\s*([A-Za-z]+)", text)
    if word is None or word[1].lower() not in ("select", "with", "values"):
        raise HistoryError("query-refused", "only SELECT, WITH and VALUES are allowed", "write one read-only query")
