"""`textDocument/diagnostic`: what is wrong with a file, for editors that ask. The others are told (see `did_change.py`)."""

from __future__ import annotations

import hashlib

import msgspec

from codeanatomy.ide.diagnostics import diagnostics, together
from codeanatomy.lsp import convert
from codeanatomy.lsp.session import Question, Session

METHOD = "textDocument/diagnostic"


class _Params(convert.About, frozen=True, rename="camel"):
    previous_result_id: str | None = None


class _Known(msgspec.Struct, frozen=True, rename="camel"):
    kind: str
    result_id: str


class _Full(msgspec.Struct, frozen=True, rename="camel"):
    kind: str
    result_id: str
    items: msgspec.Raw


def answer(session: Session, question: Question) -> bytes:
    """Everything that is wrong, or that nothing has changed since the last answer."""
    asked = convert.decode(question.params, _Params)
    place, document = session.place(asked.text_document.uri), session.document(asked.text_document.uri)
    if place is not None and (document is None or not session.client.refreshes_diagnostics):
        found = diagnostics(session.snapshot(question, place.folder), place.path)
        found = together(found, session.broken_contracts(place))
    else:
        # Syntax is known at once, and an editor that is told when to ask again need not wait for what rules say.
        found = b"[]" if document is None else together(document.syntax, document.rules)
    result_id = hashlib.blake2b(found, digest_size=8).hexdigest()
    if result_id == asked.previous_result_id:
        return convert.json(_Known(kind="unchanged", result_id=result_id))
    return convert.json(_Full(kind="full", result_id=result_id, items=msgspec.Raw(found)))
