"""`completionItem/resolve`: documentation, detail and import of the item that somebody looks at."""

from __future__ import annotations

from typing import Any

import msgspec

from codeanatomy.ide.completion_resolve import completion_resolve
from codeanatomy.lsp import convert
from codeanatomy.lsp.session import Question, Session

METHOD = "completionItem/resolve"


class _Data(msgspec.Struct, frozen=True):
    uri: str = ""


class _Item(msgspec.Struct, frozen=True, rename="camel"):
    data: msgspec.Raw = msgspec.Raw(b"{}")


def answer(session: Session, question: Question) -> bytes:
    """The item with what was left out of it. One that is not ours, or whose file is gone, comes back as it was."""
    data = convert.decode(question.params, _Item).data
    place = session.place(convert.decode(bytes(data), _Data).uri)
    if place is None:
        return question.params
    item: dict[str, Any] = convert.decode(question.params, dict[str, Any])
    found = completion_resolve(session.snapshot(question, place.folder), bytes(data))
    if found.detail and "detail" not in item:
        item["detail"] = found.detail
    if found.documentation:
        markdown = session.client.completes.markdown
        value = convert.escaped(found.documentation) if markdown else found.documentation
        item["documentation"] = {"kind": "markdown" if markdown else "plaintext", "value": value}
    edits: list[Any] = msgspec.json.decode(found.edits)
    if edits and "additionalTextEdits" not in item:
        item["additionalTextEdits"] = edits
    return convert.json(item)
