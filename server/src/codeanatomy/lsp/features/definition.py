"""`textDocument/definition`: where the word at a place is defined."""

from __future__ import annotations

from codeanatomy.ide import entry_points
from codeanatomy.ide.definition import definition
from codeanatomy.lsp import convert
from codeanatomy.lsp.marks import mark_links, may_be_mark
from codeanatomy.lsp.session import Question, Session
from codeanatomy.lsp.templates import template_links

METHOD = "textDocument/definition"


def answer(session: Session, question: Question) -> bytes:
    """The definitions, as links if the client knows them."""
    asked = convert.decode(question.params, convert.At)
    place = session.place(asked.text_document.uri)
    at = asked.position
    if place is None:
        found = _of_entry_point(session, question, asked.text_document.uri, at)
    else:
        found = session.near_answer(
            question, place, lambda snapshot: definition(snapshot, place.path, at.line, at.character), b"[]", at
        )
        if may_be_mark(found) and (declared := mark_links(session, question, place, at)) != b"[]":
            found = declared
        if found == b"[]":
            found = template_links(session, question, place, at)
    return found if session.client.definition_links else convert.locations(found)


def _of_entry_point(session: Session, question: Question, uri: str, at: convert.Position) -> bytes:
    """What an entry point of `pyproject.toml` leads to."""
    written = session.project_file(uri)
    if written is None:
        return b"[]"
    column = convert.column_of(written.text, at, session.client.encoding)
    entry = entry_points.entry_at(written.text, at.line, column)
    target = entry_points.target(session.snapshot(question, written.folder), entry) if entry is not None else None
    if entry is None or target is None:
        return b"[]"
    link = {
        "originSelectionRange": convert.range_in_line(entry.range.line, entry.range.start, entry.range.end),
        "targetUri": session.uri(written.folder, target.path),
        "targetRange": target.whole,
        "targetSelectionRange": target.selection,
    }
    return convert.json([link])
