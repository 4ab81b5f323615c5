"""`textDocument/declaration`: where the word at a place is declared."""

from __future__ import annotations

from codeanatomy.ide.declaration import declaration
from codeanatomy.lsp import convert
from codeanatomy.lsp.session import Question, Session

METHOD = "textDocument/declaration"


def answer(session: Session, question: Question) -> bytes:
    """The declarations, as links if the client knows them."""
    asked = convert.decode(question.params, convert.At)
    place = session.place(asked.text_document.uri)
    if place is None:
        return b"[]"
    at = asked.position
    found = session.near_answer(
        question, place, lambda snapshot: declaration(snapshot, place.path, at.line, at.character), b"[]", at
    )
    return found if session.client.definition_links else convert.locations(found)
