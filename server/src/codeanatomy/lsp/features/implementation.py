"""`textDocument/implementation`: what implements the word at a place."""

from __future__ import annotations

from codeanatomy.ide.implementation import implementation
from codeanatomy.lsp import convert
from codeanatomy.lsp.session import Question, Session

METHOD = "textDocument/implementation"


def answer(session: Session, question: Question) -> bytes:
    """The implementations, as links if the client knows them."""
    asked = convert.decode(question.params, convert.At)
    place = session.place(asked.text_document.uri)
    if place is None:
        return b"[]"
    snapshot = session.snapshot(question, place.folder)
    found = implementation(snapshot, place.path, asked.position.line, asked.position.character)
    return found if session.client.definition_links else convert.locations(found)
