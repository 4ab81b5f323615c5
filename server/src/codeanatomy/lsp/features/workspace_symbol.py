"""`workspace/symbol`: definitions anywhere in the workspace."""

from __future__ import annotations

import msgspec

from codeanatomy.ide.workspace_symbol import workspace_symbol
from codeanatomy.lsp import convert, roots
from codeanatomy.lsp.session import Question, Session

METHOD = "workspace/symbol"


class _Params(msgspec.Struct, frozen=True):
    query: str


def answer(session: Session, question: Question) -> bytes:
    """The best matches of all folders."""
    asked = convert.decode(question.params, _Params)
    answers = [
        (folder, workspace_symbol(session.snapshot(question, folder), asked.query)) for folder in session.folders
    ]
    return roots.owned(session, answers, lambda symbol: symbol["location"]["uri"])
