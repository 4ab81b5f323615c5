"""`textDocument/didOpen`: the editor owns the text of a file from now on."""

from __future__ import annotations

import msgspec

from codeanatomy.lsp import convert
from codeanatomy.lsp.session import Session

METHOD = "textDocument/didOpen"


class _Item(msgspec.Struct, frozen=True):
    uri: str
    version: int
    text: str


class _Params(msgspec.Struct, frozen=True, rename="camel"):
    text_document: _Item


def take(session: Session, params: bytes) -> None:
    """Take over the text, and publish what is wrong with it."""
    item = convert.decode(params, _Params).text_document
    session.open(item.uri, item.text, item.version)
