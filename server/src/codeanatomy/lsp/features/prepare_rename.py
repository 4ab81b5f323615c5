"""`textDocument/prepareRename`: whether the word at a place can be renamed; if not, why."""

from __future__ import annotations

from codeanatomy.ide.prepare_rename import prepare_rename
from codeanatomy.lsp import convert
from codeanatomy.lsp.session import Question, Session

METHOD = "textDocument/prepareRename"


def answer(session: Session, question: Question) -> bytes:
    """The word; null outside every graph."""
    asked = convert.decode(question.params, convert.At)
    place = session.place(asked.text_document.uri)
    if place is None:
        return b"null"
    snapshot = session.snapshot(question, place.folder)
    return convert.json(prepare_rename(snapshot, place.path, asked.position.line, asked.position.character))
