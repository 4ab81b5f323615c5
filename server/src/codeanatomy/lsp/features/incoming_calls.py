"""`callHierarchy/incomingCalls`: who calls an item."""

from __future__ import annotations

from codeanatomy.ide.incoming_calls import incoming_calls
from codeanatomy.lsp import convert
from codeanatomy.lsp.session import Question, Session

METHOD = "callHierarchy/incomingCalls"


def answer(session: Session, question: Question) -> bytes:
    """The callers."""
    item = convert.decode(question.params, convert.OfItem).item
    place = session.place(item.uri)
    if place is None:
        return b"[]"
    snapshot = session.snapshot(question, place.folder)
    start = item.selection_range.start
    return incoming_calls(snapshot, item.number, place.path, start.line, start.character)
