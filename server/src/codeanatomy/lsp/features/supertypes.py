"""`typeHierarchy/supertypes`: from what an item derives."""

from __future__ import annotations

from codeanatomy.ide.supertypes import supertypes
from codeanatomy.lsp import convert
from codeanatomy.lsp.session import Question, Session

METHOD = "typeHierarchy/supertypes"


def answer(session: Session, question: Question) -> bytes:
    """The bases."""
    item = convert.decode(question.params, convert.OfItem).item
    place = session.place(item.uri)
    if place is None:
        return b"[]"
    snapshot = session.snapshot(question, place.folder)
    start = item.selection_range.start
    return supertypes(snapshot, item.number, place.path, start.line, start.character)
