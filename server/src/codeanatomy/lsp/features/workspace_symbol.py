"""`workspace/symbol`: definitions anywhere in the workspace."""

from __future__ import annotations

import msgspec

from codeanatomy.ide.workspace_symbol import workspace_symbol
from codeanatomy.lsp import convert
from codeanatomy.lsp.session import Question, Session

METHOD = "workspace/symbol"


class _Params(msgspec.Struct, frozen=True):
    query: str


def answer(session: Session, question: Question) -> bytes:
    """The best matches of all folders."""
    asked = convert.decode(question.params, _Params)
    return convert.joined([workspace_symbol(snapshot, asked.query) for snapshot in session.snapshots(question)])
