"""What a function, class or module calls."""

from __future__ import annotations

from codeanatomy_engine import Snapshot


def outgoing_calls(snapshot: Snapshot, item: int, path: str, line: int, character: int) -> bytes:
    """What an item calls, or what stands at the place if the item is gone, as LSP `CallHierarchyOutgoingCall[]`."""
    return snapshot.outgoing_calls(item, path, line, character)
