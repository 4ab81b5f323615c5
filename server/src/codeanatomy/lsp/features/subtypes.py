"""`typeHierarchy/subtypes`: what derives from an item."""

from __future__ import annotations

from codeanatomy.ide.subtypes import subtypes
from codeanatomy.lsp import convert
from codeanatomy.lsp.session import Question, Session

METHOD = "typeHierarchy/subtypes"


def answer(session: Session, question: Question) -> bytes:
    """The subclasses."""
    item = convert.decode(question.params, convert.OfItem).item
    place = session.place(item.uri)
    if place is None:
        return b"[]"
    snapshot = session.snapshot(question, place.folder)
    start = item.selection_range.start
    return subtypes(snapshot, item.number, place.path, start.line, start.character)
