"""`textDocument/prepareCallHierarchy`: the functions and classes at a place."""

from __future__ import annotations

from codeanatomy.ide.prepare_call_hierarchy import prepare_call_hierarchy
from codeanatomy.lsp import convert
from codeanatomy.lsp.session import Question, Session

METHOD = "textDocument/prepareCallHierarchy"


def answer(session: Session, question: Question) -> bytes:
    """The items."""
    asked = convert.decode(question.params, convert.At)
    place = session.place(asked.text_document.uri)
    if place is None:
        return b"[]"
    snapshot = session.snapshot(question, place.folder)
    return prepare_call_hierarchy(snapshot, place.path, asked.position.line, asked.position.character)
