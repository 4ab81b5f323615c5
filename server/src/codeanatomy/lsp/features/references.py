"""`textDocument/references`: where the thing that the word at a place means is used."""

from __future__ import annotations

import msgspec

from codeanatomy.ide import entry_points
from codeanatomy.ide.definition import definition
from codeanatomy.ide.references import references, references_and_declaration
from codeanatomy.lsp import convert, roots
from codeanatomy.lsp.entry_points import naming
from codeanatomy.lsp.marks import mark_uses, may_be_mark
from codeanatomy.lsp.session import Place, Question, Session
from codeanatomy.lsp.templates import template_uses

METHOD = "textDocument/references"


class _Context(msgspec.Struct, frozen=True, rename="camel"):
    include_declaration: bool


class _Params(convert.At, frozen=True, rename="camel"):
    context: _Context = _Context(include_declaration=False)


def answer(session: Session, question: Question) -> bytes:
    """The uses in all roots, those as entry points last, and the definition if it is asked for; of a text that names a template, the
    texts that name it, and of a mark what bears it."""
    asked = convert.decode(question.params, _Params)
    at, place = asked.position, session.place(asked.text_document.uri)
    if place is None:
        meant = _of_entry_point(session, question, asked.text_document.uri, at)
        if meant is None:
            return b"[]"
        place, at = meant
    find = references_and_declaration if asked.context.include_declaration else references
    found = roots.of_all(session, question, place, at, find)
    snapshot = session.snapshot(question, place.folder)
    if may_be_mark(definition(snapshot, place.path, at.line, at.character)) and (
        marked := mark_uses(session, question, place, at)
    ):
        return convert.json(marked)
    if found == b"[]" and (named := template_uses(session, question, place, at)):
        return convert.json(named)
    more = [
        {"uri": uri, "range": convert.range_in_line(entry.range.line, entry.range.start, entry.range.end)}
        for uri, entry in naming(session, place.folder, snapshot, place.path, at.line, at.character)
    ]
    return convert.json([*msgspec.json.decode(found), *more]) if more else found


def _of_entry_point(
    session: Session, question: Question, uri: str, at: convert.Position
) -> tuple[Place, convert.Position] | None:
    """What an entry point of `pyproject.toml` leads to."""
    written = session.project_file(uri)
    if written is None:
        return None
    entry = entry_points.entry_at(written.text, at.line, convert.column_of(written.text, at, session.client.encoding))
    target = entry_points.target(session.snapshot(question, written.folder), entry) if entry is not None else None
    if target is None:
        return None
    start = target.selection["start"]
    return Place(written.folder, target.path), convert.Position(start["line"], start["character"])
