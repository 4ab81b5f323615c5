"""`textDocument/rename`: a new name for the thing that the word at a place means, everywhere, entry points of the project included."""

from __future__ import annotations

from typing import Any

from codeanatomy.ide.references import references
from codeanatomy.ide.rename import rename
from codeanatomy.lsp import convert, roots
from codeanatomy.lsp.edits import with_files, workspace_edit
from codeanatomy.lsp.entry_points import naming
from codeanatomy.lsp.session import Question, Session

METHOD = "textDocument/rename"


class _Params(convert.At, frozen=True, rename="camel"):
    new_name: str


def answer(session: Session, question: Question) -> bytes:
    """The edits, or null outside every graph; raises `Refusal`."""
    asked = convert.decode(question.params, _Params)
    place = session.place(asked.text_document.uri)
    if place is None:
        return b"null"
    snapshot = session.snapshot(question, place.folder)
    line, character = asked.position.line, asked.position.character
    found = rename(snapshot, place.path, line, character, asked.new_name)
    edit = workspace_edit(session, place.folder, snapshot, found)
    edits: dict[str, list[dict[str, Any]]] = {}
    for uri, entry in naming(session, place.folder, snapshot, place.path, line, character):
        name, span = entry.last
        if name == found.old_name:
            span_in_line = convert.range_in_line(span.line, span.start, span.end)
            edits.setdefault(uri, []).append({"range": span_in_line, "newText": found.new_name})
    if edits:
        edit = with_files(session, edit, edits)
    for folder, uses in roots.elsewhere(session, question, place, asked.position, references).items():
        session.show(f"{len(uses)} uses in the folder {folder.root} are not renamed: it is a workspace of its own.")
    return edit
