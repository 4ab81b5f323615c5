"""`textDocument/semanticTokens/range`: what each word of a part of a file is."""

from __future__ import annotations

from codeanatomy.ide.semantic_tokens_range import semantic_tokens_range
from codeanatomy.lsp import convert
from codeanatomy.lsp.session import Question, Session

METHOD = "textDocument/semanticTokens/range"


def answer(session: Session, question: Question) -> bytes:
    """The tokens."""
    asked = convert.decode(question.params, convert.Within)
    place = session.place(asked.text_document.uri)
    if place is None:
        return b"null"
    snapshot = session.snapshot(question, place.folder)
    return convert.tokens(semantic_tokens_range(snapshot, place.path, *asked.range.ends))
