"""`notebookDocument/didOpen`: the editor owns the cells of a notebook from now on."""

from __future__ import annotations

import msgspec

from codeanatomy.lsp import convert
from codeanatomy.lsp.notebooks import CellItem, CellText, cells_of
from codeanatomy.lsp.session import Session

METHOD = "notebookDocument/didOpen"


class _Notebook(msgspec.Struct, frozen=True):
    uri: str
    cells: list[CellItem] = []


class _Params(msgspec.Struct, frozen=True, rename="camel"):
    notebook_document: _Notebook
    cell_text_documents: list[CellText] = []


def take(session: Session, params: bytes) -> None:
    """Take over the cells, and publish what is wrong with each."""
    opened = convert.decode(params, _Params)
    notebook = opened.notebook_document
    session.open_notebook(notebook.uri, cells_of(notebook.cells, opened.cell_text_documents))
