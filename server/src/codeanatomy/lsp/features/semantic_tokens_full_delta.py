"""`textDocument/semanticTokens/full/delta`: what of the words of a file has changed."""

from __future__ import annotations

import msgspec

from codeanatomy.ide.semantic_tokens_full import semantic_tokens_full
from codeanatomy.ide.semantic_tokens_full_delta import semantic_tokens_full_delta
from codeanatomy.lsp import convert
from codeanatomy.lsp.session import Question, Session

METHOD = "textDocument/semanticTokens/full/delta"


class _Params(msgspec.Struct, frozen=True, rename="camel"):
    text_document: convert.Document
    previous_result_id: str


def answer(session: Session, question: Question) -> bytes:
    """One edit of the tokens that the client has; all tokens if it has others than it was told last."""
    asked = convert.decode(question.params, _Params)
    uri = asked.text_document.uri
    place = session.place(uri)
    if place is None:
        return b"null"
    before = session.known_tokens(uri, asked.previous_result_id)
    data = semantic_tokens_full(session.snapshot(question, place.folder), place.path)
    name = session.remember_tokens(uri, data)
    if before is None:
        return convert.tokens(data, name)
    return convert.token_edits(semantic_tokens_full_delta(before, data), name)
