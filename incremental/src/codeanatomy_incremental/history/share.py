"""A history that others begin with: what was published is taken only after all of it was verified.

Every pin has to be there, every table has to have the columns and every file the rows that its digest was made of, and what the rows
were made from is compared with the sources that are here: a file whose bytes are the same has the same evidence.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec
import pyarrow as pa

from codeanatomy_incremental.history import checkpoint, contents, delta, manifest
from codeanatomy_incremental.history.delta import Place
from codeanatomy_incremental.history.failure import HistoryError
from codeanatomy_incremental.history.reader import Version
from codeanatomy_incremental.history.rows import Table
from codeanatomy_incremental.workspace import SourceBytes

INDEX = "index"
INDEXES = "indexes"
"""The image of a graph in parts, and its size and digest."""

_PART_BYTES = 8 << 20


class Fetched(msgspec.Struct, frozen=True):
    """What was taken over, and how it compares with what is here."""

    version: int
    commit: str
    tables: int
    rows: int
    equal: int
    """Files whose bytes are those that the evidence was made from."""

    different: int
    missing: int
    """Files of the history that are not here."""

    new: int
    """Files that only are here."""


def newest(place: Place) -> Version:
    """The newest version of a history; raises `HistoryError`."""
    manifests = manifest.load(place)
    there = manifest.checkpoints(manifests)
    if not there:
        raise HistoryError(
            "history-none", f"nothing was published at {place.uri}", "`codeanatomy delta publish` does so"
        )
    return Version(place, there[-1], manifests[-1])


def verified(version: Version) -> Iterator[tuple[str, Table]]:
    """Every table of a version, checked row for row against what its writer said of it; raises `HistoryError`."""
    files = {contents.SOURCES, "files", *contents.GRAPH}
    if absent := sorted(files - set(version.names())):
        raise _damaged(version, f"there is no table {', '.join(absent)}")
    for name in version.names():
        try:
            rows = contents.ordered(version.table(name))
        except HistoryError as error:
            raise _damaged(version, str(error)) from error
        found = {file: (part.num_rows, digest) for file, part, digest in checkpoint.by_file(rows)}
        said = {file: (part.rows, part.digest) for file, part in version.parts.get(name, {}).items()}
        if found != said:
            wrong = sorted(file for file in found.keys() | said.keys() if found.get(file) != said.get(file))
            raise _damaged(
                version, f"table `{name}` has other rows than were written, of {len(wrong)} files such as {wrong[0]}"
            )
        yield name, rows


def free(to: Place) -> None:
    """Raise `HistoryError` if there is a history at a place."""
    if manifest.load(to):
        raise HistoryError(
            "history-exists", f"there is a history at {to.uri}", "`codeanatomy delta checkpoint` adds to it"
        )


def fetch(
    version: Version, tables: Sequence[tuple[str, Table]], to: Place, sources: Mapping[str, SourceBytes]
) -> Fetched:
    """Begin the history at `to` with a version of another one and its verified tables; raises `HistoryError`."""
    free(to)
    theirs = {file: digest for name, rows in tables if name == contents.SOURCES for file, digest in _digests(rows)}
    made = checkpoint.write(to, tables, version.manifest.origin)
    assert made is not None, "the first version of a history differs from nothing"
    equal = sum(file in sources and sources[file].digest == digest for file, digest in theirs.items())
    missing = len(theirs.keys() - sources.keys())
    return Fetched(
        version=version.manifest.version,
        commit=version.manifest.origin.commit,
        tables=len(tables),
        rows=sum(rows.num_rows for _, rows in tables),
        equal=equal,
        different=len(theirs) - equal - missing,
        missing=missing,
        new=len(sources.keys() - theirs.keys()),
    )


def put_index(version: Version, file: Path) -> int:
    """Put the image of a graph beside the version that it is of, in the place of an earlier one; its bytes."""
    content = file.read_bytes()
    starts = range(0, len(content), _PART_BYTES)
    parts = pa.table(
        {
            "part": pa.array(range(len(starts)), pa.int64()),
            "data": pa.array([content[start : start + _PART_BYTES] for start in starts], pa.binary()),
        }
    )
    at = delta.overwrite(version.place, INDEX, parts)
    row = {
        "version": version.manifest.version,
        "at": at,
        "bytes": len(content),
        "digest": hashlib.blake2b(content).hexdigest(),
    }
    delta.overwrite(version.place, INDEXES, pa.Table.from_pylist([row]))
    return len(content)


def get_index(version: Version, file: Path) -> bool:
    """Write the image that was published with a version to a file, once its size and digest were checked; whether there is one.
    Raises `HistoryError`."""
    if delta.version(version.place, INDEXES) is None:
        return False
    [row] = delta.read(version.place, INDEXES, None).to_pylist()
    if row["version"] != version.manifest.version:
        return False
    parts = delta.read(version.place, INDEX, row["at"]).sort_by("part")
    content = b"".join(parts["data"].to_pylist())
    if (len(content), hashlib.blake2b(content).hexdigest()) != (row["bytes"], row["digest"]):
        raise _damaged(version, "the index has other bytes than were written")
    file.write_bytes(content)
    return True


def disagreeing(version: Version, tables: Iterable[tuple[str, Table]], files: Collection[str]) -> list[str]:
    """The files of which some evidence is not what a version says."""
    wrong: set[str] = set()
    for name, rows in tables:
        if name in contents.GRAPH:
            # These also depend on the libraries that are here.
            continue
        said = version.parts.get(name, {})
        found = {file: digest for file, _, digest in checkpoint.by_file(rows)}
        wrong.update(file for file in files if found.get(file, "") != (said[file].digest if file in said else ""))
    return sorted(wrong)


def equal_files(version: Version, sources: Mapping[str, SourceBytes]) -> list[str]:
    """The files that have here the bytes that a version was made from."""
    theirs = _digests(version.table(contents.SOURCES))
    return sorted(file for file, digest in theirs if file in sources and sources[file].digest == digest)


def _digests(rows: Table) -> Iterator[tuple[str, str]]:
    return zip(rows["file"].to_pylist(), rows["digest"].to_pylist(), strict=True)


def _damaged(version: Version, why: str) -> HistoryError:
    return HistoryError(
        "share-damaged", f"{version.place.uri}, version {version.manifest.version}: {why}", "publish it again"
    )
