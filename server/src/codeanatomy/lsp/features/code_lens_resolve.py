"""`codeLens/resolve`: the places of a lens, for a client that can show a list of them."""

from __future__ import annotations

from typing import Any

import msgspec

from codeanatomy.ide.lens_places import lens_places
from codeanatomy.lsp import convert
from codeanatomy.lsp.features.code_lens import SHOW
from codeanatomy.lsp.session import Question, Session

METHOD = "codeLens/resolve"


class _Lens(msgspec.Struct, frozen=True):
    range: convert.Range
    data: convert.LensData


def answer(session: Session, question: Question) -> bytes:
    """The lens with its command."""
    lens = convert.decode(question.params, _Lens)
    data = lens.data
    place = session.place(data.uri)
    command: dict[str, Any] = {"title": data.title, "command": SHOW, "arguments": [data]}
    if place is not None and session.client.shows_places:
        places = lens_places(session.snapshot(question, place.folder), place.path, data.number, data.kind)
        command["command"] = session.client.shows_places
        command["arguments"] = [data.uri, lens.range.start, msgspec.Raw(places)]
    return convert.json({"range": lens.range, "data": data, "command": command})
