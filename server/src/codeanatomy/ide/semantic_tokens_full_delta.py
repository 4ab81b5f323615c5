"""How the colours of a file differ from what the editor was told last."""

from __future__ import annotations

from codeanatomy_engine import semantic_tokens_edits


def semantic_tokens_full_delta(before: bytes, after: bytes) -> bytes:
    """LSP `SemanticTokensEdit[]` that make the `data` of one answer that of another."""
    return semantic_tokens_edits(before, after)
