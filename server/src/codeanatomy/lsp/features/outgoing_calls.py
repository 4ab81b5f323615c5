"""`callHierarchy/outgoingCalls`: what an item calls."""

from __future__ import annotations

from codeanatomy.ide.outgoing_calls import outgoing_calls
from codeanatomy.lsp import convert
from codeanatomy.lsp.session import Question, Session

METHOD = "callHierarchy/outgoingCalls"


def answer(session: Session, question: Question) -> bytes:
    """The called."""
    item = convert.decode(question.params, convert.OfItem).item
    place = session.place(item.uri)
    if place is None:
        return b"[]"
    snapshot = session.snapshot(question, place.folder)
    start = item.selection_range.start
    return outgoing_calls(snapshot, item.number, place.path, start.line, start.character)
