"""`textDocument/typeDefinition`: of what class the word at a place is."""

from __future__ import annotations

from codeanatomy.ide.type_definition import type_definition
from codeanatomy.lsp import convert
from codeanatomy.lsp.session import Question, Session

METHOD = "textDocument/typeDefinition"


def answer(session: Session, question: Question) -> bytes:
    """The classes, as links if the client knows them."""
    asked = convert.decode(question.params, convert.At)
    place = session.place(asked.text_document.uri)
    if place is None:
        return b"[]"
    at = asked.position
    found = session.near_answer(
        question, place, lambda snapshot: type_definition(snapshot, place.path, at.line, at.character), b"[]", at
    )
    return found if session.client.definition_links else convert.locations(found)
