"""`notebookDocument/didSave`: the editor wrote a notebook that it owns to disk."""

from __future__ import annotations

import msgspec

from codeanatomy.lsp import convert
from codeanatomy.lsp.session import Session

METHOD = "notebookDocument/didSave"


class _Params(msgspec.Struct, frozen=True, rename="camel"):
    notebook_document: convert.Document


def take(session: Session, params: bytes) -> None:
    """Note it; the editor still owns the cells."""
    session.save(convert.decode(params, _Params).notebook_document.uri)
