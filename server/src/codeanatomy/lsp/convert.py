"""Conversion at the border of the protocol: URIs and paths, parameters and values, and Markdown.

Positions pass through as they come: the engine counts in the encoding that was agreed on.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar, cast
from urllib.parse import quote, unquote, urlsplit

import msgspec

T = TypeVar("T")
Count = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]

_BREAK = re.compile(r"\r\n|\r|\n")
_SPECIAL = re.compile(r"([\\`*_{}\[\]()<>#+\-!|~&$])")


class InvalidParams(Exception):
    """The parameters of a message are not what the protocol says."""


class Document(msgspec.Struct, frozen=True):
    """A reference to a document."""

    uri: str


class Position(msgspec.Struct, frozen=True):
    """A place in a document, in the agreed encoding."""

    line: Count
    character: Count


class At(msgspec.Struct, frozen=True, rename="camel"):
    """The parameters of every question about a place."""

    text_document: Document
    position: Position


class About(msgspec.Struct, frozen=True, rename="camel"):
    """The parameters of every question about a document."""

    text_document: Document


class Range(msgspec.Struct, frozen=True):
    """A stretch of a document, in the agreed encoding."""

    start: Position
    end: Position

    @property
    def ends(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """Line and character of both ends."""
        return (self.start.line, self.start.character), (self.end.line, self.end.character)


class Location(msgspec.Struct, frozen=True):
    """A piece of a document that may be another one."""

    uri: str
    range: Range


class TextChange(msgspec.Struct, frozen=True):
    """One entry of `contentChanges`: a piece of a text, or the whole of it where no range is given."""

    text: str
    range: Range | None = None


class _ItemData(msgspec.Struct, frozen=True):
    id: str = ""


class Item(msgspec.Struct, frozen=True, rename="camel"):
    """An item of a call or type hierarchy that comes back."""

    uri: str
    selection_range: Range
    data: _ItemData | None = None

    @property
    def number(self) -> int:
        """The id of its definition; 0 if it carries none."""
        return number_of(self.data.id if self.data is not None else "")


class OfItem(msgspec.Struct, frozen=True):
    """The parameters of every question about an item of a hierarchy."""

    item: Item


class LensData(msgspec.Struct, frozen=True):
    """What a lens carries from one request to the next."""

    uri: str
    id: str
    kind: str
    title: str

    @property
    def number(self) -> int:
        """The id of its definition."""
        return number_of(self.id)


class Within(msgspec.Struct, frozen=True, rename="camel"):
    """The parameters of every question about a stretch of a document."""

    text_document: Document
    range: Range


class _Tokens(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    data: msgspec.Raw
    result_id: str = ""


class _TokenEdits(msgspec.Struct, frozen=True, rename="camel"):
    result_id: str
    edits: msgspec.Raw


class _Link(msgspec.Struct, frozen=True, rename="camel"):
    target_uri: str
    target_selection_range: msgspec.Raw


def interpreter_of(settings: object) -> str:
    """The interpreter or environment that settings of an editor name; empty if they name none.

    Settings are nested objects or have dotted names. Our own one wins; a bare command of the Python extension, its default,
    names nothing.
    """
    for names in (("codeanatomy", "python"), ("python", "defaultInterpreterPath"), ("python", "pythonPath")):
        value = _setting(settings, names)
        if not isinstance(value, str) or "${" in value or "\0" in value:
            continue
        is_path = "/" in value or "\\" in value or value.startswith("~")
        if is_path or (value and names[0] == "codeanatomy"):
            return value
    return ""


def _setting(settings: object, names: tuple[str, ...]) -> object:
    found: Any = settings
    dotted = ".".join(names)
    if isinstance(found, dict) and dotted in found:
        return cast(Any, found)[dotted]
    for name in names:
        found = cast(Any, found).get(name) if isinstance(found, dict) else None
    return found


def decode(params: bytes, shape: type[T]) -> T:
    """Parameters as a value; raises `InvalidParams`."""
    try:
        return msgspec.json.decode(params, type=shape)
    except msgspec.MsgspecError as error:
        raise InvalidParams(str(error)) from error


def number_of(text: str) -> int:
    """The id that a text names; 0, which is nobody's, if it names none. Ids are text outside, where numbers have 53 bits."""
    number = int(text) if text.isascii() and text.isdecimal() and len(text) <= 20 else 0
    return number if number < 2**64 else 0


def path_of(uri: str) -> str | None:
    """The absolute path that a URI names, if it names a file."""
    try:
        parts = urlsplit(uri)
    except ValueError:
        return None
    if parts.scheme != "file":
        return None
    path = unquote(parts.path)
    if os.name == "nt":
        path = path.lstrip("/") if re.match(r"^/[A-Za-z]:", path) else f"//{parts.netloc}{path}"
    if not path or "\0" in path:
        return None
    return os.path.normpath(path)


def uri_of(root_uri: str, path: str) -> str:
    """The URI of a file of the graph; library files have one already."""
    return path if "://" in path else f"{root_uri.rstrip('/')}/{quote(path)}"


def file_uri(path: str) -> str:
    """The URI of an absolute path."""
    return Path(path).as_uri()


def range_in_line(line: int, start: int, end: int) -> dict[str, dict[str, int]]:
    """The range of some letters of a line of ASCII, where all encodings count alike."""
    return {"start": {"line": line, "character": start}, "end": {"line": line, "character": end}}


def column_of(text: str, at: Position, encoding: str) -> int:
    """The number of letters before a place in its line; 0 behind the last line."""
    lines = text.split("\n")
    line = lines[at.line] if at.line < len(lines) else ""
    if encoding == "utf-32":
        return min(at.character, len(line))
    size = 2 if encoding == "utf-16" else 1
    data = line.encode("utf-16-le" if size == 2 else "utf-8", "surrogatepass")[: at.character * size]
    return len(data.decode("utf-16-le" if size == 2 else "utf-8", "ignore"))


def units(text: str, encoding: str) -> int:
    """The length of a text as positions count it."""
    if encoding == "utf-32":
        return len(text)
    if encoding == "utf-8":
        return len(text.encode("utf-8", "surrogatepass"))
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def changed(text: str, changes: Sequence[TextChange], encoding: str) -> str:
    """A text after changes, each of which speaks of what the one before has made; what is behind the end is the end."""
    for change in changes:
        if change.range is None:
            text = change.text
            continue
        starts = [0, *(each.end() for each in _BREAK.finditer(text))]

        def offset(at: Position, text: str = text, starts: list[int] = starts) -> int:
            if at.line >= len(starts):
                return len(text)
            end = starts[at.line + 1] if at.line + 1 < len(starts) else len(text)
            line = text[starts[at.line] : end].rstrip("\r\n")
            return starts[at.line] + column_of(line, Position(0, at.character), encoding)

        start = offset(change.range.start)
        text = text[:start] + change.text + text[max(start, offset(change.range.end)) :]
    return text


def range_of(text: str, start: int, end: int, encoding: str) -> Range:
    """The stretch between two bytes of a text."""
    data = text.encode("utf-8", "surrogatepass")

    def position(offset: int) -> Position:
        before = data[:offset]
        line = before[before.rfind(b"\n") + 1 :].decode("utf-8", "replace")
        size = {"utf-8": 1, "utf-16": 2, "utf-32": 4}[encoding]
        encoded = line.encode("utf-8") if size == 1 else line.encode(f"{encoding}-le")
        return Position(before.count(b"\n"), len(encoded) // size)

    return Range(position(start), position(end))


def locations(links: bytes) -> bytes:
    """`LocationLink[]` as `Location[]`, for clients that know no links."""
    return msgspec.json.encode(
        [
            {"uri": link.target_uri, "range": link.target_selection_range}
            for link in msgspec.json.decode(links, type=list[_Link])
        ]
    )


def tokens(data: bytes, result_id: str = "") -> bytes:
    """`SemanticTokens` of the given data."""
    return json(_Tokens(data=msgspec.Raw(data), result_id=result_id))


def token_edits(edits: bytes, result_id: str) -> bytes:
    """`SemanticTokensDelta` of the given edits."""
    return json(_TokenEdits(result_id=result_id, edits=msgspec.Raw(edits)))


def joined(lists: list[bytes]) -> bytes:
    """Several JSON arrays as one."""
    return b"[" + b",".join(each[1:-1] for each in lists if each.strip(b" []")) + b"]"


def escaped(text: str) -> str:
    """Text that Markdown shows as it is written, line by line, and in which nothing can be clicked or run."""
    lines = (_SPECIAL.sub(r"\\\1", line.strip("\r")) for line in text.split("\n"))
    return "  \n".join(re.sub(r"^[ \t]+", lambda found: "\u00a0" * len(found[0].expandtabs(4)), line) for line in lines)


def code(text: str) -> str:
    """A piece of code within a line."""
    text = " ".join(text.split())
    fence = "`" * (_longest_run(text) + 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{pad}{text}{pad}{fence}" if text else ""


def code_block(text: str) -> str:
    """A block of Python."""
    fence = "`" * max(3, _longest_run(text) + 1)
    return f"{fence}python\n{text}\n{fence}"


def link(text: str, uri: str, line: int) -> str:
    """A link to a line of a file, counted from 1."""
    return f"[{escaped(text)}](<{uri}#L{line}>)"


def json(value: Any) -> bytes:
    """A value as JSON."""
    return msgspec.json.encode(value)


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall(r"`+", text)), default=0)
