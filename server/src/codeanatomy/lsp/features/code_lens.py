"""`textDocument/codeLens`: how often each definition is used, what it overrides, what overrides it.

A client that can show a list of places says so by naming its command among `experimental.commands.commands`, as clients of
rust-analyzer do; it asks for the places of a lens when it shows one. For every other client the lens is a command that this
server executes, so that it works without an extension.
"""

from __future__ import annotations

from typing import Any

from codeanatomy.ide.code_lens import code_lens
from codeanatomy.lsp import convert
from codeanatomy.lsp.session import Question, Session

METHOD = "textDocument/codeLens"

SHOW = "codeanatomy.show"
"""The command of ours that follows a lens."""


def answer(session: Session, question: Question) -> bytes:
    """The lenses of the file that are turned on."""
    asked = convert.decode(question.params, convert.About)
    uri = asked.text_document.uri
    place = session.place(uri)
    if place is None:
        return b"[]"
    snapshot = session.snapshot(question, place.folder)
    lenses: list[dict[str, Any]] = []
    for lens in code_lens(snapshot, place.path, place.folder.options.lenses):
        data = convert.LensData(uri, lens.data.id, lens.data.kind, lens.title)
        shown: dict[str, Any] = {"range": lens.range, "data": data}
        if not session.client.shows_places:
            shown["command"] = {"title": lens.title, "command": SHOW, "arguments": [data]}
        lenses.append(shown)
    return convert.json(lenses)
