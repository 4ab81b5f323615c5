"""`textDocument/selectionRange`: what is selected when a selection grows."""

from __future__ import annotations

import msgspec

from codeanatomy.ide.selection_range import selection_range
from codeanatomy.lsp import convert
from codeanatomy.lsp.session import Question, Session

METHOD = "textDocument/selectionRange"


class _Params(msgspec.Struct, frozen=True, rename="camel"):
    text_document: convert.Document
    positions: list[convert.Position]


def answer(session: Session, question: Question) -> bytes:
    """The steps of each position. They depend on the text alone, so no graph is waited for."""
    asked = convert.decode(question.params, _Params)
    text = session.text(asked.text_document.uri)
    if text is None:
        return b"null"
    positions = [(position.line, position.character) for position in asked.positions]
    return selection_range(text.engine, text.path, positions)
