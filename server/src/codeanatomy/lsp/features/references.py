"""`textDocument/references`: where the thing that the word at a place means is used."""

from __future__ import annotations

import msgspec

from codeanatomy.ide.references import references, references_and_declaration
from codeanatomy.lsp import convert, roots
from codeanatomy.lsp.session import Question, Session

METHOD = "textDocument/references"


class _Context(msgspec.Struct, frozen=True, rename="camel"):
    include_declaration: bool


class _Params(convert.At, frozen=True, rename="camel"):
    context: _Context = _Context(include_declaration=False)


def answer(session: Session, question: Question) -> bytes:
    """The uses in all roots, and the definition if it is asked for."""
    asked = convert.decode(question.params, _Params)
    place = session.place(asked.text_document.uri)
    if place is None:
        return b"[]"
    find = references_and_declaration if asked.context.include_declaration else references
    return roots.of_all(session, question, place, asked.position, find)
