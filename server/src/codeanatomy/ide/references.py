"""Where the thing that the word at a place means is used."""

from __future__ import annotations

from codeanatomy_engine import Snapshot


def references(snapshot: Snapshot, path: str, line: int, character: int) -> bytes:
    """The uses, without the definition, as LSP `Location[]`."""
    return snapshot.references(path, line, character, False)


def references_and_declaration(snapshot: Snapshot, path: str, line: int, character: int) -> bytes:
    """The uses and the definition as LSP `Location[]`."""
    return snapshot.references(path, line, character, True)
