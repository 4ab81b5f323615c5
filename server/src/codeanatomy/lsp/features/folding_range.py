"""`textDocument/foldingRange`: what of an open document can be folded."""

from __future__ import annotations

from codeanatomy.ide.folding_range import by_lines, by_places
from codeanatomy.lsp import convert
from codeanatomy.lsp.session import Question, Session

METHOD = "textDocument/foldingRange"


def answer(session: Session, question: Question) -> bytes:
    """The folds, in lines if the client folds nothing else. They depend on the text alone, so no graph is waited for."""
    asked = convert.decode(question.params, convert.About)
    text = session.text(asked.text_document.uri)
    if text is None:
        return b"[]"
    find = by_lines if session.client.folds_lines_only else by_places
    return find(text.engine, text.path, session.client.most_folds)
