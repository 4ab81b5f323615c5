"""The parameters of the call that is being typed."""

from __future__ import annotations

from codeanatomy_engine import Snapshot


def by_offsets(snapshot: Snapshot, path: str, line: int, character: int, chosen: int | None) -> bytes:
    """LSP `SignatureHelp` or null; a parameter is a stretch of its label. `chosen` is what the editor shows already."""
    return snapshot.signature_help(path, line, character, True, chosen)


def by_text(snapshot: Snapshot, path: str, line: int, character: int, chosen: int | None) -> bytes:
    """LSP `SignatureHelp` or null, for editors that look for a parameter by its text."""
    return snapshot.signature_help(path, line, character, False, chosen)
