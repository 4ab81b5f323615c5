"""The outline of a file."""

from __future__ import annotations

from codeanatomy_engine import Snapshot


def document_symbol(snapshot: Snapshot, path: str) -> bytes:
    """The definitions of a file as a tree of LSP `DocumentSymbol`."""
    return snapshot.document_symbols(path)
