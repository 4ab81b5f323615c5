"""The entry points of a folder that lead to a definition: files that are no Python name it, so no reference of the graph does."""

from __future__ import annotations

import functools

import msgspec

from codeanatomy_engine import Snapshot

from codeanatomy.ide import entry_points
from codeanatomy.ide.definition import definition
from codeanatomy.lsp import convert
from codeanatomy.lsp.session import EntryTargets, Folder, Session


@functools.lru_cache(maxsize=16)
def _entries(text: str) -> tuple[entry_points.Entry, ...]:
    return tuple(entry_points.entries(text))


def naming(
    session: Session, folder: Folder, snapshot: Snapshot, path: str, line: int, character: int
) -> list[tuple[str, entry_points.Entry]]:
    """The entry points that lead to what the word at a place means, each with the URI of its file."""
    named = [(uri, each) for uri, text in session.project_files(folder) for each in _entries(text)]
    if not named:
        return []
    links = msgspec.json.decode(definition(snapshot, path, line, character))
    meant = {(each["targetUri"], each["targetSelectionRange"]["start"]["line"]) for each in links}
    found: list[tuple[str, entry_points.Entry]] = []
    for uri, entry in named if meant else ():
        target = _target(folder, snapshot, entry)
        if target is not None:
            place = (convert.uri_of(folder.uri, target.path), target.selection["start"]["line"])
            found += [(uri, entry)] if place in meant else []
    return found


def _target(folder: Folder, snapshot: Snapshot, entry: entry_points.Entry) -> entry_points.Target | None:
    """What an entry leads to, asked once for each state of the graph: it is a query."""
    if folder.entry_targets.generation != snapshot.generation:
        folder.entry_targets = EntryTargets(snapshot.generation)
    known = folder.entry_targets.by_name
    name = (entry.module, entry.attribute)
    if name not in known:
        known[name] = entry_points.target(snapshot, entry)
    return known[name]
