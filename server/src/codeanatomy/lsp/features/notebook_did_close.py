"""`notebookDocument/didClose`: the editor gives a notebook back to the disk."""

from __future__ import annotations

import msgspec

from codeanatomy.lsp import convert
from codeanatomy.lsp.session import Session

METHOD = "notebookDocument/didClose"


class _Params(msgspec.Struct, frozen=True, rename="camel"):
    notebook_document: convert.Document


def take(session: Session, params: bytes) -> None:
    """Read the notebook from disk again, whatever the editor made of it."""
    uri = convert.decode(params, _Params).notebook_document.uri
    if session.notebook(uri) is None:
        raise convert.InvalidParams(f"{uri} is not open")
    session.close_notebook(uri)
