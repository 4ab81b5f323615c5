"""`workspace/executeCommand`: follow a lens in an editor that has no command of its own for it."""

from __future__ import annotations

import msgspec

from codeanatomy.ide.lens_places import lens_places
from codeanatomy.lsp import convert
from codeanatomy.lsp.features.code_lens import SHOW
from codeanatomy.lsp.session import Folder, Question, Session

METHOD = "workspace/executeCommand"

COMMANDS = (SHOW,)


class _Params(msgspec.Struct, frozen=True):
    command: str
    arguments: tuple[convert.LensData]


def answer(session: Session, question: Question) -> bytes:
    """Nothing; the editor is asked to show the places."""
    asked = convert.decode(question.params, _Params)
    if asked.command not in COMMANDS:
        raise convert.InvalidParams(f"there is no command {asked.command}")
    [data] = asked.arguments
    place = session.place(data.uri)
    if place is not None:
        snapshot = session.snapshot(question, place.folder)
        found = lens_places(snapshot, place.path, data.number, data.kind)
        places = msgspec.json.decode(found, type=list[convert.Location])
        session.show_places(data.title, {_name(place.folder, each): each for each in places})
    return b"null"


def _name(folder: Folder, place: convert.Location) -> str:
    """A place as a person reads it in a list."""
    absolute = convert.path_of(place.uri)
    shown = absolute and (folder.path_of(absolute) or absolute)
    return f"{shown or place.uri}:{place.range.start.line + 1}"
