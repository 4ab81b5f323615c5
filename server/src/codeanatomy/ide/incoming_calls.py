"""Who calls a function or class."""

from __future__ import annotations

from codeanatomy_engine import Snapshot


def incoming_calls(snapshot: Snapshot, item: int, path: str, line: int, character: int) -> bytes:
    """The callers of an item, or of what stands at the place if the item is gone, as LSP `CallHierarchyIncomingCall[]`."""
    return snapshot.incoming_calls(item, path, line, character)
