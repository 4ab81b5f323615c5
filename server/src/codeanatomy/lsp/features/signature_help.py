"""`textDocument/signatureHelp`: the parameters of the call that is being typed."""

from __future__ import annotations

import msgspec

from codeanatomy.ide.signature_help import by_offsets, by_text
from codeanatomy.lsp import convert
from codeanatomy.lsp.session import Question, Session

METHOD = "textDocument/signatureHelp"


class _Shown(msgspec.Struct, frozen=True, rename="camel"):
    active_signature: convert.Count | None = None


class _Context(msgspec.Struct, frozen=True, rename="camel"):
    is_retrigger: bool = False
    active_signature_help: _Shown | None = None


class _Params(convert.At, frozen=True, rename="camel"):
    context: _Context | None = None


def answer(session: Session, question: Question) -> bytes:
    """The signatures, or null. A signature that the user has chosen stays as long as it fits."""
    asked = convert.decode(question.params, _Params)
    place = session.place(asked.text_document.uri)
    if place is None:
        return b"null"
    context = asked.context or _Context()
    shown = context.active_signature_help if context.is_retrigger else None
    find = by_offsets if session.client.label_offsets else by_text
    at, chosen = asked.position, shown.active_signature if shown else None
    return session.near_answer(
        question, place, lambda snapshot: find(snapshot, place.path, at.line, at.character, chosen), b"null"
    )
