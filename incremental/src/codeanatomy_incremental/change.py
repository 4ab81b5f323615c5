"""Change events as values, and their coalescing into one batch of work.

A change says where to look, never what is there: the text of an open document lives in the engine and everything else on
disk, so a late, doubled or reordered event costs a look and cannot corrupt. Pure; reads no file, keeps no state.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_never

import msgspec


class Opened(msgspec.Struct, frozen=True, tag="opened"):
    """An editor took over the text of a file."""

    path: str
    version: int


class Edited(msgspec.Struct, frozen=True, tag="edited"):
    """An editor changed the text that it owns."""

    path: str
    version: int


class Saved(msgspec.Struct, frozen=True, tag="saved"):
    """An editor wrote the text that it owns to disk."""

    path: str


class Closed(msgspec.Struct, frozen=True, tag="closed"):
    """An editor gave a file back to the disk."""

    path: str


class Created(msgspec.Struct, frozen=True, tag="created"):
    """A file appeared on disk."""

    path: str


class Modified(msgspec.Struct, frozen=True, tag="modified"):
    """A file changed on disk."""

    path: str


class Deleted(msgspec.Struct, frozen=True, tag="deleted"):
    """A file or a whole directory disappeared from disk."""

    path: str


class Renamed(msgspec.Struct, frozen=True, tag="renamed"):
    """A file moved on disk."""

    old: str
    new: str


class Rescan(msgspec.Struct, frozen=True, tag="rescan"):
    """Events may have been lost, so that the whole workspace must be compared with what is known."""

    reason: str


Change = Opened | Edited | Saved | Closed | Created | Modified | Deleted | Renamed | Rescan


class Work(msgspec.Struct, frozen=True):
    """What one batch of changes asks for."""

    documents: tuple[str, ...] = ()
    """Paths whose newest text is in the editor, sorted."""

    disk: tuple[str, ...] = ()
    """Paths to compare with the disk, sorted; empty when everything is to be compared."""

    closed: tuple[str, ...] = ()
    """Paths that went from the editor back to the disk, sorted; they are read again even if the disk did not change."""

    rescan: str = ""
    """Why the whole workspace is to be compared, if it is."""

    def __bool__(self) -> bool:
        return bool(self.documents or self.disk or self.closed or self.rescan)


def coalesce(changes: Iterable[Change], burst: int) -> Work:
    """The work that a run of changes amounts to, in the order in which they arrived.

    More than `burst` paths on disk mean a checkout or an unpacked archive, where a watcher is likely to have lost some:
    comparing everything is then both cheaper and safer.
    """
    documents: set[str] = set()
    disk: set[str] = set()
    closed: set[str] = set()
    reasons: list[str] = []
    for change in changes:
        match change:
            case Opened(path=path) | Edited(path=path):
                documents.add(path)
                closed.discard(path)
            case Closed(path=path):
                documents.discard(path)
                closed.add(path)
                disk.add(path)
            case Saved(path=path) | Created(path=path) | Modified(path=path) | Deleted(path=path):
                disk.add(path)
            case Renamed(old=old, new=new):
                disk.update((old, new))
            case Rescan(reason=reason):
                reasons.append(reason)
            case _:
                assert_never(change)
    if len(disk) > burst:
        reasons.append(f"{len(disk)} files changed at once")
    return Work(
        documents=tuple(sorted(documents)),
        disk=() if reasons else tuple(sorted(disk)),
        closed=tuple(sorted(closed)),
        rescan="; ".join(dict.fromkeys(reasons)),
    )
