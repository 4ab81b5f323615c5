"""Of what class the word at a place is."""

from __future__ import annotations

from codeanatomy_engine import Snapshot


def type_definition(snapshot: Snapshot, path: str, line: int, character: int) -> bytes:
    """The classes of the word as LSP `LocationLink[]`."""
    return snapshot.type_definition(path, line, character)
