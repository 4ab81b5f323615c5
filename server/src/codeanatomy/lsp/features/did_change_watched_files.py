"""`workspace/didChangeWatchedFiles`: the editor saw files change on disk. A hint, as every event is."""

from __future__ import annotations

from typing import Literal

import msgspec

from codeanatomy_incremental.change import Created, Deleted, Modified

from codeanatomy.lsp import convert
from codeanatomy.lsp.session import Session

METHOD = "workspace/didChangeWatchedFiles"


class _Event(msgspec.Struct, frozen=True):
    uri: str
    type: Literal[1, 2, 3]


class _Params(msgspec.Struct, frozen=True):
    changes: list[_Event]


def take(session: Session, params: bytes) -> None:
    """Have the files compared with what is known of them."""
    kinds = {1: Created, 2: Modified, 3: Deleted}
    for event in convert.decode(params, _Params).changes:
        session.submit(event.uri, kinds[event.type])
