"""Where a mark of pytest is declared, and the tests that bear it: answers that no edge of the graph gives."""

from __future__ import annotations

from typing import Any

from codeanatomy.ide import marks
from codeanatomy.lsp import convert
from codeanatomy.lsp.session import Place, Question, Session

_OF_PYTEST = b"/_pytest/mark/"


def may_be_mark(found: bytes) -> bool:
    """Whether what the graph says leaves room for a mark: it knows nothing, or that pytest makes one of any name."""
    return found == b"[]" or _OF_PYTEST in found


def mark_links(session: Session, question: Question, place: Place, at: convert.Position) -> bytes:
    """LSP `LocationLink[]`: where the mark at a place is declared; none if there is no mark, or nobody declares it."""
    name = _mark(session, place, at)
    if not name:
        return b"[]"
    folder = place.folder
    spots = [
        spot
        for path in marks.FILES
        if (spot := marks.declared(path, session.text_of(Place(folder, path)), name)) is not None
    ]
    spots += marks.added(session.snapshot(question, folder), name)
    links = [
        {"targetUri": session.uri(folder, each.path), "targetRange": span, "targetSelectionRange": span}
        for each in spots
        for span in [
            _range(session, _line(session, Place(folder, each.path), each.line), each.line, each.start, each.end)
        ]
    ]
    return convert.json(links)


def mark_uses(session: Session, question: Question, place: Place, at: convert.Position) -> list[dict[str, Any]]:
    """LSP `Location[]`: everything that bears the mark at a place; none if there is no mark."""
    name = _mark(session, place, at)
    if not name:
        return []
    found: list[dict[str, Any]] = []
    for use in marks.uses(session.snapshot(question, place.folder), name):
        written = _line(session, Place(place.folder, use.path), use.line)
        uri = session.uri(place.folder, use.path)
        found += [
            {"uri": uri, "range": _range(session, written, use.line, *span)} for span in marks.spans_of(written, name)
        ]
    return found


def _mark(session: Session, place: Place, at: convert.Position) -> str:
    if not place.path.endswith(".py"):
        return ""
    written = _line(session, place, at.line)
    return marks.mark_at(
        written, convert.column_of(written, convert.Position(0, at.character), session.client.encoding)
    )


def _line(session: Session, place: Place, line: int) -> str:
    lines = session.text_of(place).split("\n")
    return lines[line].rstrip("\r") if line < len(lines) else ""


def _range(session: Session, written: str, line: int, start: int, end: int) -> dict[str, Any]:
    first, last = (convert.units(written[:each], session.client.encoding) for each in (start, end))
    return convert.range_in_line(line, first, last)
