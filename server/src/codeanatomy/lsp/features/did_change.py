"""`textDocument/didChange`: the editor changed a text that it owns.

The shortest way through the server: the edits go to the engine as the bytes that came, and what is wrong with the text goes out
before anything else is done with it.
"""

from __future__ import annotations

import msgspec

from codeanatomy.lsp import convert
from codeanatomy.lsp.session import Session

METHOD = "textDocument/didChange"


class _Document(msgspec.Struct, frozen=True):
    uri: str
    version: int


class _Params(msgspec.Struct, frozen=True, rename="camel"):
    text_document: _Document
    content_changes: msgspec.Raw


def take(session: Session, params: bytes) -> None:
    """Apply the edits, and publish what is wrong with the text."""
    changed = convert.decode(params, _Params)
    document = changed.text_document
    if session.is_plain(document.uri):
        return
    if session.document(document.uri) is None:
        raise convert.InvalidParams(f"{document.uri} is not open")
    session.edit(document.uri, document.version, bytes(changed.content_changes))
