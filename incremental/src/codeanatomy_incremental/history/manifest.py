"""Manifests: each makes one version of a history true by pinning the version of every table. Values, and how they are kept."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

import msgspec
import pyarrow as pa

from codeanatomy_incremental.history import delta
from codeanatomy_incremental.history.delta import Place
from codeanatomy_incremental.history.failure import HistoryError

TABLE = "manifests"
FORMAT = 1
"""Raised when a reader of before would misunderstand what is written now."""

_WRITER = "codeanatomy"


class Origin(msgspec.Struct, frozen=True):
    """What a graph was made from."""

    commit: str = ""
    """Of the repository around the workspace, when the checkpoint was written; empty outside of one."""

    branch: str = ""
    tool: str = ""
    """Version of CodeAnatomy."""

    program: str = ""
    """Fingerprint of the rules."""


class Manifest(msgspec.Struct, frozen=True):
    """One version of a history."""

    version: int
    kind: Literal["checkpoint", "maintenance"]
    time_us: int
    """When it was written, in microseconds since 1970."""

    origin: Origin
    tables: dict[str, int]
    """Version of every table that holds all rows of this version, and of those before it that are kept."""

    oldest: int
    """The first version that can still be read."""

    files: int
    """Files of the workspace."""

    changed_files: int
    """Files of which a row came or went."""

    rows_appended: int
    seconds: float
    """What writing it took, without making the graph."""

    reason: str = ""
    """Why there was something to keep in order, of a maintenance."""


_SCHEMA = pa.schema(
    [
        ("version", pa.int64()),
        ("kind", pa.string()),
        ("time", pa.timestamp("us", tz="UTC")),
        ("commit", pa.string()),
        ("branch", pa.string()),
        ("tool", pa.string()),
        ("program", pa.string()),
        ("tables", pa.map_(pa.string(), pa.int64())),
        ("oldest", pa.int64()),
        ("files", pa.int64()),
        ("changed_files", pa.int64()),
        ("rows_appended", pa.int64()),
        ("seconds", pa.float64()),
        ("reason", pa.string()),
        ("format", pa.int64()),
    ]
)


def load(place: Place) -> list[Manifest]:
    """All manifests of a history, the oldest first; empty if there is none."""
    if delta.version(place, TABLE) is None:
        return []
    rows = delta.read(place, TABLE, None).sort_by("version").to_pylist()
    newest = max((row["format"] for row in rows), default=0)
    if newest > FORMAT:
        raise HistoryError("history-newer", f"the history at {place.uri} has format {newest}, known is {FORMAT}")
    return [_read(row) for row in rows]


def append(place: Place, manifest: Manifest) -> None:
    """Make a version true. Of two writers that come to the same number one fails."""
    row = {
        "version": manifest.version,
        "kind": manifest.kind,
        "time": manifest.time_us,
        "commit": manifest.origin.commit,
        "branch": manifest.origin.branch,
        "tool": manifest.origin.tool,
        "program": manifest.origin.program,
        "tables": sorted(manifest.tables.items()),
        "oldest": manifest.oldest,
        "files": manifest.files,
        "changed_files": manifest.changed_files,
        "rows_appended": manifest.rows_appended,
        "seconds": manifest.seconds,
        "reason": manifest.reason,
        "format": FORMAT,
    }
    delta.append(place, TABLE, pa.Table.from_pylist([row], schema=_SCHEMA), once=(_WRITER, manifest.version))


def checkpoints(manifests: Sequence[Manifest]) -> list[Manifest]:
    """The versions that can be read, the oldest first."""
    if not manifests:
        return []
    return [each for each in manifests if each.kind == "checkpoint" and each.version >= manifests[-1].oldest]


def find(manifests: Sequence[Manifest], name: str) -> Manifest | None:
    """The version that a name means: its number, `HEAD`, `HEAD~2` (checkpoints back), or the newest one that was written at a git
    commit, by its first characters; None for a name that git may know. Raises `HistoryError`."""
    there = checkpoints(manifests)
    back = re.fullmatch(r"(?i:head)(?:~(\d*)|\^)?", name)
    if back and there:
        steps = int(back[1] or 1) if "~" in name else int("^" in name)
        return there[-1 - steps] if steps < len(there) else None
    if re.fullmatch(r"v?\d{1,6}", name):
        number = int(name.removeprefix("v"))
        found = next((each for each in there if each.version == number), None)
        if found is None and manifests and any(each.version == number for each in manifests):
            if number < manifests[-1].oldest:
                raise HistoryError(
                    "history-expired", f"version {number} was given up; the oldest is {there[0].version}"
                )
            raise HistoryError("history-version", f"version {number} is a maintenance and no state of the graph")
        return found
    if re.fullmatch(r"[0-9a-f]{7,40}", name):
        return next((each for each in reversed(there) if each.origin.commit.startswith(name)), None)
    return None


def _read(row: dict[str, object]) -> Manifest:
    found = dict(row)
    time = found.pop("time")
    found.pop("format")
    origin = Origin(*(str(found.pop(name)) for name in ("commit", "branch", "tool", "program")))
    # Arrow gives a time as an object of Python; whole microseconds come back exactly.
    stamp = pa.scalar(time, pa.timestamp("us", tz="UTC")).value
    found |= {"origin": origin, "time_us": stamp, "tables": dict(found["tables"])}  # type: ignore[call-overload]
    return Manifest(**found)  # type: ignore[arg-type]
