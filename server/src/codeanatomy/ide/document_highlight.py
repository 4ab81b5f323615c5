"""Where the word at a place occurs in its file."""

from __future__ import annotations

from codeanatomy_engine import Snapshot


def document_highlight(snapshot: Snapshot, path: str, line: int, character: int) -> bytes:
    """The occurrences as LSP `DocumentHighlight[]`."""
    return snapshot.document_highlight(path, line, character)
