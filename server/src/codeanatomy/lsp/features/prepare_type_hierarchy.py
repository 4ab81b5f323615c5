"""`textDocument/prepareTypeHierarchy`: the classes at a place."""

from __future__ import annotations

from codeanatomy.ide.prepare_type_hierarchy import prepare_type_hierarchy
from codeanatomy.lsp import convert
from codeanatomy.lsp.session import Question, Session

METHOD = "textDocument/prepareTypeHierarchy"


def answer(session: Session, question: Question) -> bytes:
    """The items."""
    asked = convert.decode(question.params, convert.At)
    place = session.place(asked.text_document.uri)
    if place is None:
        return b"[]"
    snapshot = session.snapshot(question, place.folder)
    return prepare_type_hierarchy(snapshot, place.path, asked.position.line, asked.position.character)
