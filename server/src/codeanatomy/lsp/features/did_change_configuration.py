"""`workspace/didChangeConfiguration`: the editor's settings changed, perhaps the interpreter among them."""

from __future__ import annotations

import msgspec

from codeanatomy.lsp import convert
from codeanatomy.lsp.session import Session

METHOD = "workspace/didChangeConfiguration"


class _Changed(msgspec.Struct, frozen=True):
    settings: object = None


def take(session: Session, params: bytes) -> None:
    """Follow the interpreter that the settings name; settings that name none change nothing."""
    python = convert.interpreter_of(convert.decode(params, _Changed).settings)
    if python:
        session.choose_python(python)
