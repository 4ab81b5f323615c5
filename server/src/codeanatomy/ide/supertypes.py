"""From what a class derives."""

from __future__ import annotations

from codeanatomy_engine import Snapshot


def supertypes(snapshot: Snapshot, item: int, path: str, line: int, character: int) -> bytes:
    """The bases of an item as LSP `TypeHierarchyItem[]`."""
    return snapshot.supertypes(item, path, line, character)
