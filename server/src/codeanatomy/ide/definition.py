"""Where the word at a place is defined."""

from __future__ import annotations

from codeanatomy_engine import Snapshot


def definition(snapshot: Snapshot, path: str, line: int, character: int) -> bytes:
    """The definitions of the word, best first, as LSP `LocationLink[]`."""
    return snapshot.definition(path, line, character)
