"""Keeps a history in order: gives up old versions, drops rows that none needs, compacts, removes files, sums up logs.

Each of these happens only when a measured value exceeds its threshold. Every decision is a row that names cause, value and
threshold, also the one to do nothing.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

import msgspec
import pyarrow as pa

from codeanatomy_incremental.history import checkpoint, delta, manifest
from codeanatomy_incremental.history.delta import Place
from codeanatomy_incremental.history.failure import HistoryError
from codeanatomy_incremental.history.manifest import Manifest
from codeanatomy_incremental.options import HistoryOptions

TABLE = "maintenance"
"""All decisions that were ever made."""


class Decision(msgspec.Struct, frozen=True):
    """What was done with a table, or not, and why."""

    table: str
    action: str
    """expire, purge, compact, vacuum or checkpoint."""

    done: bool
    cause: str
    value: float
    threshold: float


_CAUSES = {
    "expire": "versions that can be read",
    "purge": "share of rows that no kept version needs",
    "compact": "data files",
    "vacuum": "files that the newest version does not need",
    "checkpoint": "log entries since the log was summed up",
}


def maintain(place: Place, options: HistoryOptions) -> list[Decision]:
    """Do what is due; every decision. Raises `HistoryError`."""
    began = time.monotonic()
    with checkpoint.alone(place):
        manifests, pins = checkpoint.recover(place)
        if not manifests:
            raise HistoryError("history-none", f"there is no history at {place.uri}")
        last = manifests[-1]
        oldest, decisions = _expire(manifests, options)
        rows = checkpoint.owner_rows(place, pins[checkpoint.OWNERS])
        kept = _kept(rows, oldest)
        for table in sorted(pins):
            decisions.append(_purge(place, pins, table, rows, kept, options))
            decisions.append(_compact(place, pins, table, options))
        decisions.append(_compact(place, {}, manifest.TABLE, options))
        changed = [each for each in decisions if each.done]
        if changed:
            last = _made_true(place, last, pins, oldest, changed, began)
        vacuumed = [_vacuum(place, pins, table, options) for table in sorted(pins)]
        vacuumed.append(_vacuum(place, {}, manifest.TABLE, options))
        if any(each.done and each.table in pins for each in vacuumed):
            _made_true(place, last, pins, oldest, [each for each in vacuumed if each.done], began)
        decisions += vacuumed
        decisions += [_checkpoint(place, table, options) for table in (*sorted(pins), manifest.TABLE)]
        _keep(place, decisions)
    return decisions


def _expire(manifests: Sequence[Manifest], options: HistoryOptions) -> tuple[int, list[Decision]]:
    """The oldest version to keep."""
    there = manifest.checkpoints(manifests)
    over = bool(options.keep) and len(there) > options.keep
    oldest = there[-options.keep].version if over else manifests[-1].oldest
    return oldest, [Decision("all", "expire", over, _CAUSES["expire"], len(there), options.keep)]


def _kept(rows: Sequence[tuple[str, str, int, int, str]], oldest: int) -> dict[tuple[str, str], set[int]]:
    """The generations of each file that some kept version needs, by table and file."""
    kept: dict[tuple[str, str], set[int]] = {}
    for table, file, generation, _, _ in rows:
        generations = kept.setdefault((table, file), set())
        if generation <= oldest:
            # Rows come in order of generation: the last one up to the oldest kept version is the one that counts there.
            generations.clear()
        generations.add(generation)
    return kept


def _purge(
    place: Place,
    pins: dict[str, int],
    table: str,
    rows: Sequence[tuple[str, str, int, int, str]],
    kept: Mapping[tuple[str, str], set[int]],
    options: HistoryOptions,
) -> Decision:
    if table == checkpoint.OWNERS:
        needed = [row for row in rows if row[2] in kept[row[0], row[1]]]
        dead, whole = len(rows) - len(needed), len(rows)
    else:
        own = [row for row in rows if row[0] == table]
        needed = [row for row in own if row[2] in kept[row[0], row[1]] and row[3]]
        whole = delta.size(place, table, pins[table]).rows
        dead = whole - sum(row[3] for row in needed)
    share = round(dead / whole, 3) if whole else 0.0
    due = share > options.dead_share
    if due:
        found = delta.read(place, table, pins[table])
        if table == checkpoint.OWNERS:
            keys, names = pa.Table.from_pylist([{"table": t, "file": f, "generation": g} for t, f, g, *_ in needed]), 3
        else:
            keys, names = pa.Table.from_pylist([{"file": f, "generation": g} for _, f, g, *_ in needed]), 2
        left = found.slice(0, 0)
        if needed:
            left = found.join(keys, keys=keys.column_names[:names], join_type="inner").select(found.column_names)
        pins[table] = delta.replace(place, table, left.cast(found.schema))
    return Decision(table, "purge", due, _CAUSES["purge"], share, options.dead_share)


def _compact(place: Place, pins: dict[str, int], table: str, options: HistoryOptions) -> Decision:
    files = delta.size(place, table).files
    due = files > options.compact_files
    if due:
        at = delta.compact(place, table)
        if table in pins:
            pins[table] = at
    return Decision(table, "compact", due, _CAUSES["compact"], files, options.compact_files)


def _vacuum(place: Place, pins: dict[str, int], table: str, options: HistoryOptions) -> Decision:
    files = delta.unneeded(place, table, options.vacuum_hours)
    due = files > options.unneeded_files
    if due:
        delta.vacuum(place, table, options.vacuum_hours)
        if table in pins:
            now = delta.version(place, table)
            assert now is not None, "it was just vacuumed"
            pins[table] = now
    return Decision(table, "vacuum", due, _CAUSES["vacuum"], files, options.unneeded_files)


def _checkpoint(place: Place, table: str, options: HistoryOptions) -> Decision:
    entries = delta.size(place, table).log_entries
    due = entries > options.log_entries
    if due:
        delta.checkpoint_log(place, table)
    return Decision(table, "checkpoint", due, _CAUSES["checkpoint"], entries, options.log_entries)


def _made_true(
    place: Place, last: Manifest, pins: Mapping[str, int], oldest: int, done: Sequence[Decision], began: float
) -> Manifest:
    made = msgspec.structs.replace(
        last,
        version=last.version + 1,
        kind="maintenance",
        time_us=time.time_ns() // 1000,
        tables=dict(pins),
        oldest=oldest,
        changed_files=0,
        rows_appended=0,
        seconds=round(time.monotonic() - began, 3),
        reason="; ".join(
            f"{each.action} {each.table}: {each.value:g} > {each.threshold:g} {each.cause}" for each in done
        ),
    )
    manifest.append(place, made)
    return made


def _keep(place: Place, decisions: Sequence[Decision]) -> None:
    rows = [{"time": time.time_ns() // 1000, **msgspec.to_builtins(each)} for each in decisions]
    schema = pa.schema(
        [
            ("time", pa.timestamp("us", tz="UTC")),
            ("table", pa.string()),
            ("action", pa.string()),
            ("done", pa.bool_()),
            ("cause", pa.string()),
            ("value", pa.float64()),
            ("threshold", pa.float64()),
        ]
    )
    delta.append(place, TABLE, pa.Table.from_pylist(rows, schema=schema))
