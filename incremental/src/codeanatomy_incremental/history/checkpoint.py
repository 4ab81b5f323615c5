"""Writes the next version of a history: the rows of files that changed, tombstones for those that went, and one manifest, last.

Until the manifest stands, nothing of a checkpoint can be seen. Whoever writes next takes back what was left by one that did not
come to its end.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from collections.abc import Callable, Generator, Iterable, Iterator

import pyarrow as pa

from codeanatomy_incremental.history import delta, manifest
from codeanatomy_incremental.history.contents import SOURCES
from codeanatomy_incremental.history.delta import Place
from codeanatomy_incremental.history.failure import HistoryError
from codeanatomy_incremental.history.manifest import Manifest, Origin
from codeanatomy_incremental.history.rows import Array, Table, compute

OWNERS = "owners"
"""Since which generation which rows of a file count: table, file, generation, rows, digest. No rows are a tombstone."""

_OWNERS = pa.schema(
    [
        ("table", pa.string()),
        ("file", pa.string()),
        ("generation", pa.int64()),
        ("rows", pa.int64()),
        ("digest", pa.string()),
    ]
)


def write(place: Place, tables: Iterable[tuple[str, Table]], origin: Origin) -> Manifest | None:
    """Write a version if anything differs from the newest one: a row, or what it was made from; None if nothing does.

    `tables` come with a column `file` by which their rows are sorted. Raises `HistoryError`.
    """
    began = time.monotonic()
    with alone(place):
        before, pins = recover(place)
        last = before[-1] if before else None
        version = last.version + 1 if last else 0
        standing = owners(place, pins.get(OWNERS))
        news: list[tuple[str, str, int, int, str]] = []
        appended = files = 0
        for name, rows in tables:
            stood = standing.pop(name, {})
            parts: list[Table] = []
            for file, part, digest in by_file(rows):
                files += name == SOURCES
                if stood.pop(file, None) != digest:
                    parts.append(part)
                    news.append((name, file, version, part.num_rows, digest))
            news += [(name, file, version, 0, "") for file, digest in sorted(stood.items()) if digest]
            if parts or name not in pins:
                changed = pa.concat_tables(parts) if parts else rows.slice(0, 0)
                _append(place, pins, name, _of_generation(changed, version))
                appended += changed.num_rows
        gone = (
            (name, file) for name, stood in sorted(standing.items()) for file, digest in sorted(stood.items()) if digest
        )
        news += [(name, file, version, 0, "") for name, file in gone]
        newest = next((each for each in reversed(before) if each.kind == "checkpoint"), None)
        if newest is not None and not news and newest.origin == origin:
            return None
        if news or OWNERS not in pins:
            _append(place, pins, OWNERS, _owner_rows(news))
        made = Manifest(
            version=version,
            kind="checkpoint",
            time_us=time.time_ns() // 1000,
            origin=origin,
            tables=pins,
            oldest=last.oldest if last else 0,
            files=files,
            changed_files=len({file for _, file, *_ in news}),
            rows_appended=appended,
            seconds=round(time.monotonic() - began, 3),
        )
        manifest.append(place, made)
        return made


def recover(place: Place) -> tuple[list[Manifest], dict[str, int]]:
    """All manifests, and the version of every table that is as the newest one says: what a writer left that did not come to its
    manifest is taken back. Only for who writes alone."""
    manifests = manifest.load(place)
    pins = dict(manifests[-1].tables) if manifests else {}
    for name, pinned in pins.items():
        now = delta.version(place, name)
        if now is None or now < pinned:
            raise HistoryError("history-damaged", f"table `{name}` is not what the manifest pins, at {place.uri}")
        if now != pinned:
            pins[name] = delta.restore(place, name, pinned)
    return manifests, pins


def owners(place: Place, at: int | None, until: int | None = None) -> dict[str, dict[str, str]]:
    """The digest of the rows of each file, by table: those that count in a version; empty digests are tombstones."""
    found: dict[str, dict[str, str]] = {}
    if at is None:
        return found
    for row in owner_rows(place, at, until):
        found.setdefault(row[0], {})[row[1]] = row[4]
    return found


def owner_rows(place: Place, at: int, until: int | None = None) -> list[tuple[str, str, int, int, str]]:
    """The rows of `owners` up to a generation, in the order in which they came to count."""
    rows = delta.read(place, OWNERS, at).sort_by("generation")
    columns = [rows[name].to_pylist() for name in _OWNERS.names]
    return [row for row in zip(*columns, strict=True) if until is None or row[2] <= until]


def by_file(rows: Table) -> Iterator[tuple[str, Table, str]]:
    """The parts of a table that one file owns each, with the digest of their rows; rows of a file stand together."""
    whole = rows.combine_chunks()
    if not whole.num_rows:
        return
    runs = compute.run_end_encode(whole["file"].combine_chunks())
    columns = [each for name in whole.column_names for each in _bytes_of(whole[name].combine_chunks())]
    head = ",".join(whole.column_names).encode()
    start = 0
    for file, end in zip(runs.values.to_pylist(), runs.run_ends.to_pylist(), strict=True):
        digest = hashlib.blake2b(head, digest_size=16)
        for part in columns:
            digest.update(part(start, end))
        yield file, whole.slice(start, end - start), digest.hexdigest()
        start = end


def _bytes_of(column: Array) -> Iterator[Callable[[int, int], memoryview]]:
    """The bytes of a stretch of a column. What Arrow itself writes of a stretch has bytes of its neighbours for padding."""
    if column.null_count:
        yield from _bytes_of(compute.is_null(column))
        column = compute.fill_null(column, "" if pa.types.is_string(column.type) else pa.scalar(0).cast(column.type))
    if pa.types.is_string(column.type):
        yield from _bytes_of(compute.binary_length(column))
        _, places, texts = column.buffers()
        ends, data = memoryview(places).cast("i"), memoryview(texts or b"")
        first = column.offset
        yield lambda start, end: data[ends[first + start] : ends[first + end]]
        return
    if pa.types.is_boolean(column.type):
        column = compute.cast(column, pa.uint8())
    width = column.type.bit_width // 8
    plain, offset = memoryview(column.buffers()[1]).cast("B"), column.offset
    yield lambda start, end: plain[(offset + start) * width : (offset + end) * width]


@contextlib.contextmanager
def alone(place: Place) -> Generator[None]:
    """Be the one process that writes a history; raises `HistoryError`. In an object store the manifest decides instead."""
    if not place.is_local:
        yield
        return
    try:
        os.makedirs(place.uri, mode=0o700, exist_ok=True)
        handle = os.open(os.path.join(place.uri, ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise HistoryError("history-storage", f"{place.uri}: {error.strerror}") from error
    try:
        _lock(handle, place)
        yield
    finally:
        os.close(handle)


def _lock(handle: int, place: Place) -> None:
    try:
        import fcntl
    except ImportError:
        # Without such locks two writers still cannot write the same version.
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise HistoryError("history-locked", f"another process writes the history at {place.uri}") from error


def _append(place: Place, pins: dict[str, int], name: str, rows: Table) -> None:
    if name not in pins and delta.version(place, name) is not None:
        # Of a version that never came to be.
        delta.delete(place, name, "true")
    pins[name] = delta.append(place, name, rows)


def _of_generation(rows: Table, generation: int) -> Table:
    return rows.append_column("generation", pa.array([generation] * rows.num_rows, pa.int64()))


def _owner_rows(news: list[tuple[str, str, int, int, str]]) -> Table:
    columns = list(zip(*news, strict=True)) if news else [()] * len(_OWNERS.names)
    return pa.table(
        [pa.array(column, field.type) for column, field in zip(columns, _OWNERS, strict=True)], schema=_OWNERS
    )
