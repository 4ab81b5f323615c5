"""`codeanatomy/explain`: why the word at a place means what it means, as data (a request of our own)."""

from __future__ import annotations

from codeanatomy.ide.explain import explain
from codeanatomy.lsp import convert
from codeanatomy.lsp.session import Question, Session

METHOD = "codeanatomy/explain"


def answer(session: Session, question: Question) -> bytes:
    """The explanation, or null."""
    asked = convert.decode(question.params, convert.At)
    place = session.place(asked.text_document.uri)
    if place is None:
        return b"null"
    snapshot = session.snapshot(question, place.folder)
    return explain(snapshot, place.path, asked.position.line, asked.position.character)
