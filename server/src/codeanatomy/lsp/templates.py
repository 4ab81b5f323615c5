"""Where a text that names a template leads, and who else names it: answers about files that are in no graph."""

from __future__ import annotations

from typing import Any

from codeanatomy.ide import templates
from codeanatomy.lsp import convert
from codeanatomy.lsp.session import Place, Question, Session

_TOP = {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 0}}


def template_links(session: Session, question: Question, place: Place, at: convert.Position) -> bytes:
    """LSP `LocationLink[]`: the templates that the text at a place names; none if it names no template."""
    text = _text(session, question, place, at)
    if text is None:
        return b"[]"
    snapshot = session.snapshot(question, place.folder)
    links = [
        {
            "originSelectionRange": _range(session, _line(session, place, at.line), at.line, text.start, text.end),
            "targetUri": convert.uri_of(place.folder.uri, path),
            "targetRange": _TOP,
            "targetSelectionRange": _TOP,
        }
        for path in templates.files(snapshot, place.folder.root, place.path, text.name)
    ]
    return convert.json(links)


def template_uses(session: Session, question: Question, place: Place, at: convert.Position) -> list[dict[str, Any]]:
    """LSP `Location[]`: all texts that name the template that the text at a place names."""
    text = _text(session, question, place, at)
    found: list[dict[str, Any]] = []
    for use in templates.uses(session.snapshot(question, place.folder), text.name) if text is not None else ():
        assert text is not None
        written = _line(session, Place(place.folder, use.path), use.line)
        start = written.find(text.name)
        if start >= 0:
            span = _range(session, written, use.line, start, start + len(text.name))
            found.append({"uri": session.uri(place.folder, use.path), "range": span})
    return found


def _text(session: Session, question: Question, place: Place, at: convert.Position) -> templates.Text | None:
    """The text at a place, if rules say that it names a template."""
    written = _line(session, place, at.line)
    column = convert.column_of(written, convert.Position(0, at.character), session.client.encoding)
    text = templates.text_at(written, column)
    if text is None:
        return None
    snapshot = session.snapshot(question, place.folder)
    return text if templates.names_template(snapshot, place.path, at.line, text.name) else None


def _line(session: Session, place: Place, line: int) -> str:
    """A line of the newest text of a module; empty for a notebook, whose lines are those of its cells."""
    lines = session.text_of(place).split("\n") if place.path.endswith((".py", ".pyi")) else []
    return lines[line].rstrip("\r") if line < len(lines) else ""


def _range(session: Session, written: str, line: int, start: int, end: int) -> dict[str, Any]:
    encoding = session.client.encoding
    first, last = (convert.units(written[:each], encoding) for each in (start, end))
    return convert.range_in_line(line, first, last)
