"""`textDocument/rename`: a new name for the thing that the word at a place means, everywhere."""

from __future__ import annotations

from codeanatomy.ide.references import references
from codeanatomy.ide.rename import rename
from codeanatomy.lsp import convert, roots
from codeanatomy.lsp.edits import workspace_edit
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
    for uri, entry in naming(session, place.folder, snapshot, place.path, line, character):
        file = uri.rpartition("/")[2]
        session.show(
            f"`{file}:{entry.range.line + 1}` names `{found.old_name}` as an entry point and is left as written"
        )
    for folder, uses in roots.elsewhere(session, question, place, asked.position, references).items():
        session.show(f"{len(uses)} uses in the folder {folder.root} are not renamed: it is a workspace of its own.")
    return edit
