"""Where the word at a place is declared: in a stub, by an annotation or an import, else where it is defined."""

from __future__ import annotations

from typing import Any

import msgspec

from codeanatomy_engine import Snapshot


def declaration(snapshot: Snapshot, path: str, line: int, character: int) -> bytes:
    """The declarations of the word as LSP `LocationLink[]`."""
    links = snapshot.declaration(path, line, character)
    if b".pyi" not in links:
        return links
    decoded: list[dict[str, Any]] = msgspec.json.decode(links)
    stubs = [link for link in decoded if link["targetUri"].endswith(".pyi")]
    return msgspec.json.encode(stubs) if stubs else links
