"""The entry points of a folder that lead to a definition: files that are no Python name it, so no reference of the graph does."""

from __future__ import annotations

import msgspec

from codeanatomy_engine import Snapshot

from codeanatomy.ide import entry_points
from codeanatomy.ide.definition import definition
from codeanatomy.lsp import convert
from codeanatomy.lsp.session import Folder, Session


def naming(
    session: Session, folder: Folder, snapshot: Snapshot, path: str, line: int, character: int
) -> list[tuple[str, entry_points.Entry]]:
    """The entry points that lead to what the word at a place means, each with the URI of its file."""
    named = [(uri, each) for uri, text in session.project_files(folder) for each in entry_points.entries(text)]
    if not named:
        return []
    links = msgspec.json.decode(definition(snapshot, path, line, character))
    meant = {(each["targetUri"], each["targetSelectionRange"]["start"]["line"]) for each in links}
    found: list[tuple[str, entry_points.Entry]] = []
    for uri, entry in named:
        target = entry_points.target(snapshot, entry)
        if target is not None:
            place = (convert.uri_of(folder.uri, target.path), target.selection["start"]["line"])
            found += [(uri, entry)] if place in meant else []
    return found
