"""What implements the method, class or protocol at a place."""

from __future__ import annotations

from codeanatomy_engine import Snapshot


def implementation(snapshot: Snapshot, path: str, line: int, character: int) -> bytes:
    """The overriding methods, derived classes or implementers as LSP `LocationLink[]`; else the definition."""
    return snapshot.implementation(path, line, character)
