"""`textDocument/didClose`: the editor gives a text back to the disk."""

from __future__ import annotations

from codeanatomy.lsp import convert
from codeanatomy.lsp.session import Session

METHOD = "textDocument/didClose"


def take(session: Session, params: bytes) -> None:
    """Read the file from disk again, whatever the editor made of it."""
    uri = convert.decode(params, convert.About).text_document.uri
    if session.document(uri) is None and not session.is_plain(uri):
        raise convert.InvalidParams(f"{uri} is not open")
    session.close(uri)
