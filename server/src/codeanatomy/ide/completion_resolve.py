"""What is told of one item of a completion when somebody looks at it."""

from __future__ import annotations

import msgspec

from codeanatomy_engine import Snapshot


class Resolved(msgspec.Struct, frozen=True):
    """The parts that the list left out; empty parts are not known."""

    detail: str = ""
    documentation: str = ""
    edits: msgspec.Raw = msgspec.Raw(b"[]")
    """LSP `TextEdit[]` that import the name."""


def completion_resolve(snapshot: Snapshot, data: bytes) -> Resolved:
    """The rest of the item that has this `data`."""
    return msgspec.json.decode(snapshot.completion_resolve(data), type=Resolved)
