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
    if place is None:
        return b"[]"
    return session.near_answer(question, place, lambda snapshot: document_symbol(snapshot, place.path), b"[]")
