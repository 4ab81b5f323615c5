"""What each word of a file is, as far as colours tell apart."""

from __future__ import annotations

from codeanatomy_engine import Snapshot


def semantic_tokens_full(snapshot: Snapshot, path: str) -> bytes:
    """The `data` of LSP `SemanticTokens` of a whole file."""
    return snapshot.semantic_tokens(path)
