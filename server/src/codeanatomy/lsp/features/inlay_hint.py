"""`textDocument/inlayHint`: what the graph knows of a stretch of code and its text does not say."""

from __future__ import annotations

from codeanatomy.ide.inlay_hint import inlay_hint
from codeanatomy.lsp import convert
from codeanatomy.lsp.session import Question, Session

METHOD = "textDocument/inlayHint"


def answer(session: Session, question: Question) -> bytes:
    """The hints of the range, of the kinds that the workspace wants."""
    asked = convert.decode(question.params, convert.Within)
    place = session.place(asked.text_document.uri)
    if place is None:
        return b"null"
    options = place.folder.live.graph.options.inlay_hints
    return inlay_hint(session.snapshot(question, place.folder), place.path, *asked.range.ends, options)
