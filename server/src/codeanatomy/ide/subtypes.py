"""What derives from a class."""

from __future__ import annotations

from codeanatomy_engine import Snapshot


def subtypes(snapshot: Snapshot, item: int, path: str, line: int, character: int) -> bytes:
    """The classes that name the class of an item as a base, as LSP `TypeHierarchyItem[]`."""
    return snapshot.subtypes(item, path, line, character)
