"""The classes whose bases and subclasses a person wants to follow."""

from __future__ import annotations

from codeanatomy_engine import Snapshot


def prepare_type_hierarchy(snapshot: Snapshot, path: str, line: int, character: int) -> bytes:
    """The classes of the word as LSP `TypeHierarchyItem[]`."""
    return snapshot.prepare_type_hierarchy(path, line, character)
