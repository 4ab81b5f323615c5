"""`textDocument/didSave`: the editor wrote a text that it owns to disk."""

from __future__ import annotations

from codeanatomy.lsp import convert
from codeanatomy.lsp.session import Session

METHOD = "textDocument/didSave"


def take(session: Session, params: bytes) -> None:
    """Note it; the editor still owns the text."""
    session.save(convert.decode(params, convert.About).text_document.uri)
