"""What each word of a part of a file is, as far as colours tell apart."""

from __future__ import annotations

from codeanatomy_engine import Snapshot


def semantic_tokens_range(snapshot: Snapshot, path: str, start: tuple[int, int], end: tuple[int, int]) -> bytes:
    """The `data` of LSP `SemanticTokens` between two lines and characters."""
    return snapshot.semantic_tokens(path, (start, end))
