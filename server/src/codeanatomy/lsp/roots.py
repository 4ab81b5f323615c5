"""Answers of several roots as one: each root has its own graph, and what one imports of another is a library there.

A file is spoken of by the root that owns it, the deepest folder that it lies in: what another root says of it, from the disk, is left out.
A thing is the same in two graphs if both have a definition where one of them says that it stands, and the line there reads the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec

from codeanatomy_engine import EngineError, Snapshot

from codeanatomy.ide.definition import definition
from codeanatomy.lsp import convert
from codeanatomy.lsp.session import Folder, Place, Question, Session

Ask = Callable[[Snapshot, str, int, int], bytes]


class _Link(msgspec.Struct, frozen=True, rename="camel"):
    target_uri: str
    target_selection_range: convert.Range


def of_all(session: Session, question: Question, place: Place, at: convert.Position, ask: Ask) -> bytes:
    """`Location[]` that `ask` finds for the thing at a place, in the root of the place and in all that know the same thing."""
    snapshot = session.snapshot(question, place.folder)
    own = ask(snapshot, place.path, at.line, at.character)
    if len(session.folders) < 2:
        return own
    found = _owned(session, place.folder, own)
    for locations in elsewhere(session, question, place, at, ask).values():
        found += locations
    unique = {(each["uri"], str(each["range"])): each for each in found}
    return convert.json(list(unique.values()))


def elsewhere(
    session: Session, question: Question, place: Place, at: convert.Position, ask: Ask
) -> dict[Folder, list[dict[str, Any]]]:
    """What `ask` finds for the thing at a place in files of other roots, as decoded `Location[]`, for each that has some."""
    if len(session.folders) < 2:
        return {}
    snapshot = session.snapshot(question, place.folder)
    links = msgspec.json.decode(definition(snapshot, place.path, at.line, at.character), type=list[_Link])
    found: dict[Folder, list[dict[str, Any]]] = {}
    for folder in session.others(place.folder):
        other = session.snapshot(question, folder)
        for path, start in _same(session, place.folder, folder, other, links):
            locations = _owned(session, folder, ask(other, path, start.line, start.character))
            if locations:
                found.setdefault(folder, []).extend(locations)
    return found


def owned(session: Session, answers: Iterable[tuple[Folder, bytes]], uri: Callable[[Any], str]) -> bytes:
    """Lists of several roots as one, each without what is said of files of others."""
    if len(session.folders) < 2:
        return convert.joined([answer for _, answer in answers])
    return convert.json(
        [each for folder, answer in answers for each in msgspec.json.decode(answer) if session.owns(folder, uri(each))]
    )


def _owned(session: Session, folder: Folder, locations: bytes) -> list[dict[str, Any]]:
    return [each for each in msgspec.json.decode(locations) if session.owns(folder, each["uri"])]


def _same(
    session: Session, folder: Folder, other: Folder, snapshot: Snapshot, links: Iterable[_Link]
) -> Iterator[tuple[str, convert.Position]]:
    """Where another root has the definitions that a root links to."""
    for link in links:
        start = link.target_selection_range.start
        path = _path_in(other, link.target_uri)
        if not path or _line(session, folder, link.target_uri, start) != _line(session, other, link.target_uri, start):
            continue
        try:
            there = definition(snapshot, path, start.line, start.character)
        except EngineError:
            # The file is not in that graph.
            continue
        if any(each.target_selection_range.start == start for each in msgspec.json.decode(there, type=list[_Link])):
            yield path, start


def _path_in(folder: Folder, uri: str) -> str:
    """The path of a file in the graph of a folder; empty if that cannot have it."""
    absolute = convert.path_of(uri)
    if absolute is None:
        return ""
    return folder.live.graph.library_file(absolute) or folder.path_of(absolute) or ""


def _line(session: Session, folder: Folder, uri: str, at: convert.Position) -> str:
    """A line of a file as a folder sees it: the text of the editor if it holds that, else that of the disk."""
    path = _path_in(folder, uri)
    text = folder.live.graph.engine.document_text(path) if path else None
    if text is None:
        content = folder.live.graph.on_disk(path) if path else None
        text = (content or b"").decode("utf-8", "replace")
    lines = text.split("\n")
    return lines[at.line].rstrip("\r") if at.line < len(lines) else ""
