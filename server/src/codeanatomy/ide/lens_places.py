"""Where a lens leads: the references, the overridden method, the overriding methods or the subclasses."""

from __future__ import annotations

from codeanatomy_engine import Snapshot


def lens_places(snapshot: Snapshot, path: str, definition: int, kind: str) -> bytes:
    """The places as LSP `Location[]`; empty if the definition is gone."""
    return snapshot.lens_places(path, definition, kind)
