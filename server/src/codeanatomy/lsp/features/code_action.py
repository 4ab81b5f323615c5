"""`textDocument/codeAction`: imports of the names under the cursor that nothing binds."""

from __future__ import annotations

from typing import Any

import msgspec

from codeanatomy.ide.code_action import missing_imports
from codeanatomy.lsp import convert
from codeanatomy.lsp.edits import document_edits
from codeanatomy.lsp.session import Question, Session

METHOD = "textDocument/codeAction"

KIND = "quickfix"


class _Context(msgspec.Struct, frozen=True):
    only: tuple[str, ...] | None = None


class _Params(convert.Within, frozen=True, rename="camel"):
    context: _Context = _Context()


def answer(session: Session, question: Question) -> bytes:
    """The actions, with their edits."""
    asked = convert.decode(question.params, _Params)
    place = session.place(asked.text_document.uri)
    only = asked.context.only
    is_wanted = only is None or any(kind in ("", KIND) for kind in only)
    if place is None or not is_wanted or not session.client.takes_actions:
        return b"[]"
    snapshot = session.snapshot(question, place.folder)
    actions: list[dict[str, Any]] = []
    for found in missing_imports(snapshot, place.path, *asked.range.ends):
        edit = document_edits(session, place.folder, snapshot, {place.path: found.edits})
        actions.append({"title": f'Add "{found.statement}"', "kind": KIND, "edit": edit})
    if len(actions) == 1:
        actions[0]["isPreferred"] = True
    return convert.json(actions)
