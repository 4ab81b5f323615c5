"""Definitions anywhere in the workspace, by part of their name."""

from __future__ import annotations

from codeanatomy_engine import Snapshot

LIMIT = 512
"""More than this nobody reads; the editor asks again with more letters."""


def workspace_symbol(snapshot: Snapshot, query: str) -> bytes:
    """The best matches as LSP `WorkspaceSymbol[]`."""
    return snapshot.workspace_symbols(query, LIMIT)
