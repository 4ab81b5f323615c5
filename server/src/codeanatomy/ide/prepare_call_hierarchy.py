"""The functions and classes whose calls a person wants to follow."""

from __future__ import annotations

from codeanatomy_engine import Snapshot


def prepare_call_hierarchy(snapshot: Snapshot, path: str, line: int, character: int) -> bytes:
    """What the word means, as LSP `CallHierarchyItem[]`."""
    return snapshot.prepare_call_hierarchy(path, line, character)
