"""What values of Arrow are called in signatures, because pyarrow says nothing of its types, and rows of them as tuples."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

import pyarrow.compute

Table: TypeAlias = Any
"""A `pyarrow.Table`."""

Array: TypeAlias = Any
"""A `pyarrow.Array` or `pyarrow.ChunkedArray`."""

Batch: TypeAlias = Any
"""A `pyarrow.RecordBatch`."""


compute: Any = pyarrow.compute
"""The functions of Arrow, most of which are made when it is imported."""


def tuples(table: Table, *columns: str) -> Iterator[tuple[Any, ...]]:
    """The rows of some columns of a table."""
    return zip(*(table[column].to_pylist() for column in columns), strict=True)
