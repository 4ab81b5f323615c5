"""`textDocument/documentSymbol`: the outline of a file."""

from __future__ import annotations

from codeanatomy.ide.document_symbol import document_symbol
from codeanatomy.lsp import convert
from codeanatomy.lsp.session import Question, Session

METHOD = "textDocument/documentSymbol"


def answer(session: Session, question: Question) -> bytes:
    """The definitions of the file, as a tree."""
    asked = convert.decode(question.params, convert.About)
    place = session.place(asked.text_document.uri)
    return b"[]" if place is None else document_symbol(session.snapshot(question, place.folder), place.path)
