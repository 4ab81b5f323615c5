"""`textDocument/completion`: what may be typed at a place."""

from __future__ import annotations

from codeanatomy.ide.completion import Wishes, completion
from codeanatomy.lsp import convert
from codeanatomy.lsp.session import Question, Session

METHOD = "textDocument/completion"


def answer(session: Session, question: Question) -> bytes:
    """The items, as a list that says whether it is whole."""
    asked = convert.decode(question.params, convert.At)
    place = session.place(asked.text_document.uri)
    if place is None:
        return b"null"
    options = place.folder.live.graph.options.completion
    editor = session.client.completes
    wishes = Wishes(
        limit=options.limit,
        auto_imports=options.auto_imports,
        snippets=editor.snippets,
        adjusts_indentation=editor.adjusts_indentation,
        commit_characters=editor.commit_characters,
        label_details=editor.label_details,
        lazy_edits=editor.lazy_edits,
    )
    snapshot = session.snapshot(question, place.folder)
    return completion(snapshot, place.path, asked.position.line, asked.position.character, wishes)
