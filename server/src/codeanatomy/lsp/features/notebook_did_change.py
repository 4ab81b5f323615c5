"""`notebookDocument/didChange`: cells came, went, became other ones, or got another text.

Only the text between the first and the last line that differ goes to the engine, so a keystroke in a cell costs what one in a file of the
notebook's length costs.
"""

from __future__ import annotations

import msgspec

from codeanatomy.lsp import convert
from codeanatomy.lsp.notebooks import CellItem, CellText, cells_of
from codeanatomy.lsp.session import Session

METHOD = "notebookDocument/didChange"


class _Versioned(msgspec.Struct, frozen=True):
    uri: str
    version: int = 0


class _Array(msgspec.Struct, frozen=True, rename="camel"):
    start: convert.Count
    delete_count: convert.Count
    cells: list[CellItem] | None = None


class _Structure(msgspec.Struct, frozen=True, rename="camel"):
    array: _Array
    did_open: list[CellText] | None = None


class _TextContent(msgspec.Struct, frozen=True):
    document: _Versioned
    changes: list[convert.TextChange]


class _Cells(msgspec.Struct, frozen=True, rename="camel"):
    structure: _Structure | None = None
    data: list[CellItem] | None = None
    text_content: list[_TextContent] | None = None


class _Event(msgspec.Struct, frozen=True):
    cells: _Cells | None = None


class _Params(msgspec.Struct, frozen=True, rename="camel"):
    notebook_document: _Versioned
    change: _Event


def take(session: Session, params: bytes) -> None:
    """Follow the change, and publish what is wrong with the cells that it touched."""
    said = convert.decode(params, _Params)
    uri = said.notebook_document.uri
    table = session.notebook(uri)
    if table is None:
        raise convert.InvalidParams(f"{uri} is not open")
    changed = said.change.cells
    if changed is None:
        # Metadata only.
        return
    cells = list(table.cells)
    if changed.structure is not None:
        array = changed.structure.array
        known = {cell.uri: cell for cell in cells}
        come = cells_of(array.cells or [], changed.structure.did_open or [], known)
        cells[array.start : array.start + array.delete_count] = come
    kinds = {each.document: each.kind for each in changed.data or []}
    cells = [
        msgspec.structs.replace(cell, kind=kinds[cell.uri]) if kinds.get(cell.uri, cell.kind) != cell.kind else cell
        for cell in cells
    ]
    for change in changed.text_content or []:
        at = next((at for at, cell in enumerate(cells) if cell.uri == change.document.uri), None)
        if at is None:
            raise convert.InvalidParams(f"{change.document.uri} is no cell of {uri}")
        text = convert.changed(cells[at].text, change.changes, session.client.encoding)
        cells[at] = msgspec.structs.replace(cells[at], text=text, version=change.document.version)
    session.change_notebook(table, cells)
