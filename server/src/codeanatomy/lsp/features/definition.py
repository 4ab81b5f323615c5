"""`textDocument/definition`: where the word at a place is defined."""

from __future__ import annotations

from codeanatomy.ide.definition import definition
from codeanatomy.lsp import convert
from codeanatomy.lsp.session import Question, Session

METHOD = "textDocument/definition"


def answer(session: Session, question: Question) -> bytes:
    """The definitions, as links if the client knows them."""
    asked = convert.decode(question.params, convert.At)
    place = session.place(asked.text_document.uri)
    if place is None:
        return b"[]"
    snapshot = session.snapshot(question, place.folder)
    found = definition(snapshot, place.path, asked.position.line, asked.position.character)
    return found if session.client.definition_links else convert.locations(found)
