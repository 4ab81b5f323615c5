"""Writes the tables of one version out: plain tables without generations, for readers that know nothing of histories."""

from __future__ import annotations

import os

from pyarrow import parquet

from codeanatomy_incremental.history import delta
from codeanatomy_incremental.history.delta import Place
from codeanatomy_incremental.history.failure import HistoryError
from codeanatomy_incremental.history.reader import Version


def write(version: Version, to: str, kind: str, options: tuple[tuple[str, str], ...]) -> dict[str, int]:
    """Write every table of a version to a folder or URI, as a Delta table or, to a folder, as a Parquet file; the rows of each."""
    place = Place(to if "://" in to else os.path.abspath(to), options)
    if kind == "parquet" and not place.is_local:
        raise HistoryError(
            "history-storage", "Parquet files are written to a folder", "export to a folder, or Delta tables"
        )
    written: dict[str, int] = {}
    for name in version.names():
        rows = version.table(name)
        if kind == "delta":
            delta.overwrite(place, name, rows)
        else:
            try:
                os.makedirs(place.uri, exist_ok=True)
                parquet.write_table(rows, os.path.join(place.uri, f"{name}.parquet"))
            except OSError as error:
                raise HistoryError("history-storage", f"{place.uri}: {error}") from error
        written[name] = rows.num_rows
    return written
