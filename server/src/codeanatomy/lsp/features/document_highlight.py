"""`textDocument/documentHighlight`: where the word at a place occurs in its file."""

from __future__ import annotations

from codeanatomy.ide.document_highlight import document_highlight
from codeanatomy.lsp import convert
from codeanatomy.lsp.session import Question, Session

METHOD = "textDocument/documentHighlight"


def answer(session: Session, question: Question) -> bytes:
    """The occurrences."""
    asked = convert.decode(question.params, convert.At)
    place = session.place(asked.text_document.uri)
    if place is None:
        return b"[]"
    at = asked.position
    return session.near_answer(
        question, place, lambda snapshot: document_highlight(snapshot, place.path, at.line, at.character), b"[]", at
    )
