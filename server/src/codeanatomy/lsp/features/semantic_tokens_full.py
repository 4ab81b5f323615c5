"""`textDocument/semanticTokens/full`: what each word of a file is."""

from __future__ import annotations

from codeanatomy.ide.semantic_tokens_full import semantic_tokens_full
from codeanatomy.lsp import convert
from codeanatomy.lsp.session import Question, Session

METHOD = "textDocument/semanticTokens/full"


def answer(session: Session, question: Question) -> bytes:
    """The tokens, with a name by which the next answer can refer to them."""
    asked = convert.decode(question.params, convert.About)
    place = session.place(asked.text_document.uri)
    if place is None:
        return b"null"
    data = semantic_tokens_full(session.snapshot(question, place.folder), place.path)
    return convert.tokens(data, session.remember_tokens(asked.text_document.uri, data))
