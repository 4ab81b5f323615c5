"""`textDocument/completion`: what may be typed at a place."""

from __future__ import annotations

from codeanatomy_engine import Snapshot

from codeanatomy.ide import rule_file
from codeanatomy.ide.completion import Wishes, completion
from codeanatomy.lsp import convert
from codeanatomy.lsp.session import Question, Session

METHOD = "textDocument/completion"

_WHOLE = b'"isIncomplete":false'
_KINDS = {"key": 10, "value": 12, "relation": 7, "column": 5}
"""Property, value, class and field."""
_NOTHING = b"{" + _WHOLE + b',"items":[]}'


def answer(session: Session, question: Question) -> bytes:
    """The items, as a list that says whether it is whole."""
    asked = convert.decode(question.params, convert.At)
    uri = asked.text_document.uri
    place = session.place(uri)
    if place is None:
        return _of_rules(session, uri, asked.position)
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
    at = asked.position

    def items(snapshot: Snapshot) -> bytes:
        return completion(snapshot, place.path, at.line, at.character, wishes)

    return session.near_answer(question, place, items, _NOTHING, partly=_partly)


def _of_rules(session: Session, uri: str, at: convert.Position) -> bytes:
    """What may be written in a rule file, or null."""
    written = session.rule_text(uri)
    if written is None:
        return b"null"
    column = convert.column_of(written.text, at, session.client.encoding)
    known = rule_file.relations(written.folder.live.snapshot())
    items = [
        {
            "label": each.label,
            "kind": _KINDS[each.what],
            "detail": each.detail,
            "documentation": each.documentation,
        }
        for each in rule_file.completion(uri.rpartition("/")[2], written.text, at.line, column, known)
    ]
    return convert.json({"isIncomplete": False, "items": items})


def _partly(found: bytes) -> bytes:
    """The list, which the editor asks for again as the word grows."""
    return found.replace(_WHOLE, b'"isIncomplete":true', 1)
