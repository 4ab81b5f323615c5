"""Delta tables by name below one place: append, read, keep in order. The only module that knows deltalake.

A place is a folder or the URI of an object store. Every failure of the library or of the system leaves as a `HistoryError`.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, PostCommitHookProperties, QueryBuilder, Transaction, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError
from pyarrow import dataset

from codeanatomy_engine import fail_at

from codeanatomy_incremental.history.failure import HistoryError
from codeanatomy_incremental.history.rows import Batch, Table

_CONFIGURATION = {
    # Readers of single tables can follow what came and went.
    "delta.enableChangeDataFeed": "true",
    # Manifests pin versions: what they need is kept until maintenance gives it up, not until a clock does.
    "delta.logRetentionDuration": "interval 3650 days",
}

_BY_HAND = PostCommitHookProperties(create_checkpoint=False, cleanup_expired_logs=False)
"""Maintenance decides, and says why."""


class Place(msgspec.Struct, frozen=True):
    """Where the tables of a history lie."""

    uri: str
    """A folder or the URI of an object store."""

    options: tuple[tuple[str, str], ...] = ()
    """Options of the object store, such as its endpoint. Credentials may come from the environment instead."""

    @property
    def is_local(self) -> bool:
        """Whether it is a folder of this machine."""
        return "://" not in self.uri

    def of(self, table: str) -> str:
        """The place of one table."""
        return os.path.join(self.uri, table) if self.is_local else f"{self.uri.rstrip('/')}/{table}"

    @property
    def storage(self) -> dict[str, str] | None:
        """The options as the library wants them."""
        return dict(self.options) or None


class Size(msgspec.Struct, frozen=True):
    """What a table takes."""

    files: int
    rows: int
    bytes: int
    log_entries: int
    """Commits since the last checkpoint of the log."""


def version(place: Place, table: str) -> int | None:
    """The newest version of a table; None if there is no such table."""
    with _said(table):
        found = _open(place, table, None)
        return found.version() if found is not None else None


def append(place: Place, table: str, rows: Table, once: tuple[str, int] | None = None) -> int:
    """Append rows, making the table if need be; the version that has them.

    `once` names a writer and its number: of two that append with the same number at the same time one fails.
    """
    properties = CommitProperties(app_transactions=[Transaction(*once)]) if once else None
    with _said(table):
        _point("append")
        before = _open(place, table, None)
        if once and before is not None and (before.transaction_version(once[0]) or -1) >= once[1]:
            raise _other_writer(place)
        try:
            write_deltalake(
                place.of(table) if before is None else before,
                rows,
                mode="append",
                schema_mode="merge" if before is not None else None,
                configuration=_CONFIGURATION if before is None else None,
                storage_options=place.storage if before is None else None,
                commit_properties=properties,
                post_commithook_properties=_BY_HAND,
            )
        except CommitFailedError as error:
            raise _other_writer(place) from error
        _point("appended")
        return 0 if before is None else before.version()


def delete(place: Place, table: str, predicate: str) -> int:
    """Delete the rows for which something holds; the version without them."""
    with _said(table):
        _point("delete")
        found = DeltaTable(place.of(table), storage_options=place.storage)
        found.delete(predicate, post_commithook_properties=_BY_HAND)
        after = found.version()
        _point("deleted")
    return after


def restore(place: Place, table: str, at: int) -> int:
    """Make the newest version of a table what it was at another; its number."""
    with _said(table):
        _point("restore")
        found = DeltaTable(place.of(table), storage_options=place.storage)
        found.restore(at)
        after = DeltaTable(place.of(table), storage_options=place.storage).version()
        _point("restored")
    return after


def replace(place: Place, table: str, rows: Table) -> int:
    """Put rows in the place of all that a table has; the version with them."""
    with _said(table):
        _point("replace")
        write_deltalake(
            place.of(table),
            rows,
            mode="overwrite",
            storage_options=place.storage,
            post_commithook_properties=_BY_HAND,
        )
        after = DeltaTable(place.of(table), storage_options=place.storage).version()
        _point("replaced")
    return after


def read(
    place: Place,
    table: str,
    at: int | None,
    only: Mapping[str, Sequence[Any]] | None = None,
    columns: Sequence[str] | None = None,
) -> Table:
    """The rows of a version of a table, of all its columns or some; `only` those whose columns have one of the values."""
    with _said(table):
        found = DeltaTable(place.of(table), version=at, storage_options=place.storage).to_pyarrow_dataset()
        chosen = None
        for column, values in (only or {}).items():
            kind = found.schema.field(column).type
            test = dataset.field(column).isin(pa.array(list(values), kind))
            chosen = test if chosen is None else chosen & test
        return found.to_table(columns=list(columns) if columns else None, filter=chosen)


def columns(place: Place, table: str, at: int | None) -> list[str]:
    """The names of the columns of a table."""
    with _said(table):
        found = DeltaTable(place.of(table), version=at, storage_options=place.storage)
        return [field.name for field in found.schema().fields]


def size(place: Place, table: str, at: int | None = None) -> Size:
    """What a version of a table takes."""
    with _said(table):
        found = DeltaTable(place.of(table), version=at, storage_options=place.storage)
        actions = pa.table(found.get_add_actions(flatten=True))
        checkpointed = found.version() - _checkpoint(found)
        return Size(
            files=actions.num_rows,
            rows=sum(actions["num_records"].to_pylist()),
            bytes=sum(actions["size_bytes"].to_pylist()),
            log_entries=checkpointed,
        )


def compact(place: Place, table: str) -> int:
    """Bring the rows of many small files into few large ones; the version that has them so."""
    with _said(table):
        _point("compact")
        found = DeltaTable(place.of(table), storage_options=place.storage)
        found.optimize.compact(post_commithook_properties=_BY_HAND)
        after = found.version()
        _point("compacted")
    return after


def unneeded(place: Place, table: str, hours: int) -> int:
    """How many files `vacuum` would remove."""
    with _said(table):
        found = DeltaTable(place.of(table), storage_options=place.storage)
        return len(found.vacuum(retention_hours=hours, dry_run=True, enforce_retention_duration=False, full=True))


def vacuum(place: Place, table: str, hours: int) -> int:
    """Remove files that the newest version does not need, and did not need so many hours ago; how many."""
    with _said(table):
        _point("vacuum")
        found = DeltaTable(place.of(table), storage_options=place.storage)
        removed = found.vacuum(
            retention_hours=hours,
            dry_run=False,
            enforce_retention_duration=False,
            full=True,
            post_commithook_properties=_BY_HAND,
        )
        _point("vacuumed")
    return len(removed)


def checkpoint_log(place: Place, table: str) -> None:
    """Sum up the log of a table, so that opening it reads one file."""
    with _said(table):
        _point("checkpoint")
        DeltaTable(place.of(table), storage_options=place.storage).create_checkpoint()
        _point("checkpointed")


def feed(place: Place, table: str, first: int, last: int) -> Table:
    """What came and went in the versions of a table from `first` to `last`: Delta's own change data feed."""
    with _said(table):
        return pa.table(
            DeltaTable(place.of(table), version=last, storage_options=place.storage).load_cdf(
                starting_version=first, ending_version=last
            )
        )


def querying(place: Place, tables: Mapping[str, tuple[str, int]], views: Sequence[str]) -> QueryBuilder:
    """A session of DataFusion over versions of tables, each under a name, and over views of these."""
    with _said("query"):
        session = QueryBuilder()
        for name, (table, at) in tables.items():
            session.register(name, DeltaTable(place.of(table), version=at, storage_options=place.storage))
        for view in views:
            session.execute(view).read_all()
        return session


def query(session: QueryBuilder, sql: str) -> Iterator[Batch]:
    """The rows of a query, batch by batch."""
    try:
        for batch in session.execute(sql):
            yield pa.record_batch(batch)
    except (DeltaError, OSError, ValueError) as error:
        raise HistoryError("query-failed", str(error)) from error


def overwrite(place: Place, table: str, rows: Table) -> int:
    """Let a table, which is made if need be, have these rows and columns and no others; the version with them."""
    with _said(table):
        _point("overwrite")
        write_deltalake(place.of(table), rows, mode="overwrite", schema_mode="overwrite", storage_options=place.storage)
        after = DeltaTable(place.of(table), storage_options=place.storage).version()
        _point("overwritten")
        return after


def _other_writer(place: Place) -> HistoryError:
    return HistoryError("history-locked", f"another process has written to the history at {place.uri} meanwhile")


def _point(name: str) -> None:
    """Where a test lets the writing of a history fail: here, or at the so-manieth point of all."""
    fail_at("history.any")
    fail_at(f"history.{name}")


def _open(place: Place, table: str, at: int | None) -> DeltaTable | None:
    try:
        return DeltaTable(place.of(table), version=at, storage_options=place.storage)
    except TableNotFoundError:
        return None


def _checkpoint(table: DeltaTable) -> int:
    """The version that the last checkpoint of a log sums up; -1 without one."""
    uri = table.table_uri
    folder = uri.removeprefix("file://") if uri.startswith("file://") else uri
    try:
        with open(os.path.join(folder, "_delta_log", "_last_checkpoint"), "rb") as file:
            return int(msgspec.json.decode(file.read())["version"])
    except (OSError, ValueError, KeyError):
        # Not there, or not on this machine: the log is then taken to be as long as it looks.
        return -1


@contextmanager
def _said(table: str) -> Generator[None]:
    try:
        yield
    except TableNotFoundError as error:
        raise HistoryError("history-damaged", f"table `{table}`: {error}") from error
    except (DeltaError, OSError, pa.ArrowException, FileNotFoundError) as error:
        raise HistoryError("history-storage", f"table `{table}`: {error}") from error
