"""Notebooks at the border of the protocol: cells are documents to an editor, and one text to the graph.

An open notebook is a table of its Python cells, each with its URI (which means nothing to us) and the line of the notebook's text in which it
begins. What comes in about a cell is told of the notebook's text, and what goes out about that text is told of the cell; nothing behind
this border knows of cells. A place in a notebook that is not open is told as a place in its file: the JSON is the document that its URI
names, so any editor can open it, and an edit of it is an edit of that text.
"""

from __future__ import annotations

import os
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from codeanatomy_incremental import disk
from codeanatomy_incremental.notebook import (
    SUFFIX,
    Spot,
    Written,
    first_lines,
    line_count,
    source_text,
)

from codeanatomy.lsp import convert

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)")
"""A line of a text whose last line is ended too."""

_PYTHON = "python"
_CODE = 2

_OF_ONE_CELL = frozenset(
    {
        "textDocument/codeLens",
        "textDocument/documentHighlight",
        "textDocument/documentSymbol",
        "textDocument/foldingRange",
        "textDocument/inlayHint",
    }
)
"""Requests whose answers are lists of places in the document that is asked about."""

_NOWHERE = {"line": 2**31 - 1, "character": 0}
"""Behind the end of every text."""

_MOST_WRITTEN = 64
"""So many closed notebooks are kept as places in their files."""

_MOST_BYTES = 1 << 27
"""A larger file is no notebook."""

_ENDS = SUFFIX.encode()
_LINK = re.compile(re.escape(_ENDS) + rb"#L\d+")


class TextCell(msgspec.Struct, frozen=True):
    """A cell as an editor has it."""

    uri: str
    kind: int
    language: str
    version: int
    text: str

    @property
    def is_python(self) -> bool:
        """Whether it is part of the notebook's text."""
        return self.kind == _CODE and self.language == _PYTHON


class CellItem(msgspec.Struct, frozen=True):
    """A cell in a message: what it is, and the URI of its text."""

    kind: int
    document: str


class CellText(msgspec.Struct, frozen=True, rename="camel"):
    """The text of a cell in a message."""

    uri: str
    language_id: str
    version: int
    text: str


def cells_of(
    items: Iterable[CellItem], texts: Iterable[CellText], known: Mapping[str, TextCell] | None = None
) -> list[TextCell]:
    """Cells with their texts; a cell that came without one keeps the one that is `known`, and without that is no code."""
    said = {each.uri: each for each in texts}
    cells: list[TextCell] = []
    for item in items:
        text, before = said.get(item.document), (known or {}).get(item.document)
        if text is not None:
            cells.append(TextCell(item.document, item.kind, text.language_id, text.version, text.text))
        elif before is not None:
            cells.append(msgspec.structs.replace(before, kind=item.kind))
        else:
            cells.append(TextCell(item.document, item.kind, "", 0, ""))
    return cells


class Table(msgspec.Struct, frozen=True):
    """The cells of an open notebook at one moment."""

    uri: str
    """Of the notebook."""

    version: int
    """Counts changes, as the engine is told it."""

    cells: tuple[TextCell, ...]
    """All of them, in order."""

    parts: tuple[TextCell, ...]
    """Those of Python."""

    texts: tuple[str, ...]
    """Of each part, as the graph has it."""

    firsts: tuple[int, ...]
    """The line in which each part begins."""

    @classmethod
    def of(cls, uri: str, version: int, cells: Sequence[TextCell], before: Table | None = None) -> Table:
        """The table of these cells; what `before` says of cells that did not change is taken over."""
        known = dict(zip(before.parts, before.texts, strict=True)) if before is not None else {}
        parts = tuple(cell for cell in cells if cell.is_python)
        texts = tuple(known.get(cell) or source_text(cell.text) for cell in parts)
        return cls(uri, version, tuple(cells), parts, texts, tuple(first_lines(texts)))

    @property
    def key(self) -> str:
        """The path of a notebook that belongs to no folder: it says that it is one."""
        return self.uri if self.uri.endswith(SUFFIX) else f"{self.uri}#{SUFFIX}"

    @property
    def text(self) -> str:
        """The text of the notebook."""
        return "".join(self.texts)

    def opened(self) -> dict[str, Any]:
        """The parameters of a message that opens the notebook as it is now."""
        texts = (CellText(cell.uri, cell.language, cell.version, cell.text) for cell in self.cells)
        cells = [CellItem(cell.kind, cell.uri) for cell in self.cells]
        notebook = {"uri": self.uri, "notebookType": "jupyter-notebook", "version": self.version, "cells": cells}
        return {"notebookDocument": notebook, "cellTextDocuments": list(texts)}

    def part_at(self, line: int) -> int:
        """Which part a line of the text is in; -1 if there is none."""
        return bisect_right(self.firsts, line) - 1

    def change_from(self, before: Table) -> bytes | None:
        """`contentChanges` that make the text of this table from that of another; None if it is the same text."""
        old, new = before.texts, self.texts
        head = _common(old, new)
        tail = _common(old[head:][::-1], new[head:][::-1])
        gone, come = "".join(old[head : len(old) - tail]), "".join(new[head : len(new) - tail])
        if gone == come:
            return None
        first = sum(line_count(each) - 1 for each in old[:head])
        lines, others = _LINE.findall(gone), _LINE.findall(come)
        same = _common(lines, others)
        rest = _common(lines[same:][::-1], others[same:][::-1])
        start, end = first + same, first + len(lines) - rest
        span = {"start": {"line": start, "character": 0}, "end": {"line": end, "character": 0}}
        return convert.json([{"range": span, "text": "".join(others[same : len(others) - rest])}])


class Asked(msgspec.Struct, frozen=True):
    """What the places of a request and of its answer are places in: a cell of an open notebook, or a closed notebook."""

    table: Table | None
    part: int
    uri: str
    """Of the cell, or of the closed notebook."""


class Notebooks:
    """The open notebooks of a session, and the way of messages through its border."""

    def __init__(self, encoding: Callable[[], str]) -> None:
        """`encoding` says how the editor counts."""
        self._encoding = encoding
        self._tables: dict[str, Table] = {}
        self._cells: dict[str, str] = {}
        self._written: dict[tuple[str, int, int], Written] = {}

    def table(self, uri: str) -> Table | None:
        """The cells of a notebook, if it is open."""
        return self._tables.get(uri)

    def put(self, table: Table) -> None:
        """Remember the cells of a notebook in place of those before."""
        self._forget_cells(table.uri)
        self._tables[table.uri] = table
        self._cells.update((cell.uri, table.uri) for cell in table.cells)

    def drop(self, uri: str) -> None:
        """Forget a notebook."""
        self._forget_cells(uri)
        self._tables.pop(uri, None)

    def _forget_cells(self, uri: str) -> None:
        before = self._tables.get(uri)
        for cell in before.cells if before is not None else ():
            self._cells.pop(cell.uri, None)

    def asked(self, params: bytes) -> tuple[bytes, Asked | None]:
        """The parameters of a request as the rest of the server takes them, and how its answer is told."""
        if not self._cells and _ENDS not in params:
            return params, None
        try:
            said = msgspec.json.decode(params)
        except msgspec.DecodeError:
            # Whoever answers says so.
            return params, None
        uri = _uri_in(said)
        table = self._tables.get(self._cells.get(uri, ""))
        if table is not None:
            part = next((at for at, cell in enumerate(table.parts) if cell.uri == uri), -1)
            if part < 0:
                # A cell of another language: nothing is known of it.
                return _replaced(said, uri, "", lambda _: dict(_NOWHERE)), Asked(table, -1, uri)
            first = table.firsts[part]

            def shifted(place: dict[str, Any]) -> dict[str, Any]:
                last = first + line_count(table.texts[part]) - 2
                return {"line": min(first + place["line"], last), "character": place["character"]}

            return _replaced(said, uri, table.uri, shifted), Asked(table, part, uri)
        written = self._closed(uri)
        if written is None:
            return params, None
        return _replaced(said, uri, uri, lambda place: self._read(written, place)), Asked(None, 0, uri)

    def told(self, answer: bytes, asked: Asked | None, method: str) -> bytes:
        """An answer as the editor takes it."""
        if asked is None and _ENDS not in answer and not self._has_odd(answer):
            return answer
        said = msgspec.json.decode(answer)
        if asked is not None and asked.table is not None:
            said = self._of_cell(said, asked, asked.table, method)
        told = convert.json(_Telling(self, asked).tell(said, self._frame(asked)))
        # The line in a link is one of the text; without it, it leads to the notebook.
        return _LINK.sub(_ENDS, told) if method == "textDocument/hover" else told

    def location(self, place: convert.Location) -> convert.Location:
        """A place as the editor takes it."""
        told = self.told(convert.json(place), None, "")
        return convert.decode(told, convert.Location)

    def by_cell(self, table: Table, found: bytes) -> list[tuple[TextCell, bytes]]:
        """Diagnostics of a notebook's text as those of each Python cell."""
        by_part: dict[int, list[Any]] = {}
        for each in msgspec.json.decode(found):
            by_part.setdefault(table.part_at(each["range"]["start"]["line"]), []).append(each)
        told: list[tuple[TextCell, bytes]] = []
        for part, cell in enumerate(table.parts):
            said = b"[]"
            if part in by_part:
                asked = Asked(table, part, cell.uri)
                said = convert.json(_Telling(self, asked).tell(by_part[part], self._frame(asked)))
            told.append((cell, said))
        return told

    def _has_odd(self, answer: bytes) -> bool:
        """Whether an answer speaks of an open notebook whose URI does not say that it is one."""
        return any(not uri.endswith(SUFFIX) and uri.encode() in answer for uri in tuple(self._tables))

    def _of_cell(self, said: Any, asked: Asked, table: Table, method: str) -> Any:
        """The part of an answer about a whole notebook that is about one cell."""

        def is_here(each: Any) -> bool:
            line = _line_of(each)
            return line is None or table.part_at(line) == asked.part

        match said:
            case list() if method in _OF_ONE_CELL:
                return [each for each in said if is_here(each)]
            case list() if method == "textDocument/selectionRange":
                return [self._inside(each, is_here) for each in said]
            case {"items": list(items), "kind": _}:
                return said | {"items": [each for each in items if is_here(each)]}
            case {"data": list(data), **_rest} if method.startswith("textDocument/semanticTokens"):
                # No name of them is given out: an editor that knows none asks for all of them again.
                return {"data": _tokens_of(data, table, asked.part)}
            case {"items": list(items)}:
                return said | {"items": [self._with_import_here(each, asked, table) for each in items]}
            case {"additionalTextEdits": _}:
                return self._with_import_here(said, asked, table)
            case _:
                return said

    def _inside(self, said: Any, is_here: Callable[[Any], bool]) -> Any:
        """A selection that grows no further than its cell."""
        if not isinstance(said, dict) or not isinstance(said.get("parent"), dict):
            return said
        if not is_here(said["parent"]):
            return {"range": said["range"]}
        return said | {"parent": self._inside(said["parent"], is_here)}

    def _with_import_here(self, item: dict[str, Any], asked: Asked, table: Table) -> dict[str, Any]:
        """A completion whose import is written into the cell that is typed in: it cannot change another one."""
        edits = item.get("additionalTextEdits")
        if not edits or all(table.part_at(each["range"]["start"]["line"]) == asked.part for each in edits):
            return item
        cell = table.parts[asked.part].text
        first = table.firsts[asked.part] + (1 if cell.lstrip().startswith("%%") else 0)
        place = {"line": first, "character": 0}
        lines = [line for each in edits for line in each["newText"].splitlines() if line.strip()]
        if not all(line.lstrip().startswith(("import ", "from ")) for line in lines):
            # It would have changed an import that another cell has.
            return {key: value for key, value in item.items() if key != "additionalTextEdits"}
        new = "".join(f"{line}\n" for line in lines)
        return item | {"additionalTextEdits": [{"range": {"start": place, "end": place}, "newText": new}]}

    def _frame(self, asked: Asked | None) -> _Frame | None:
        if asked is None:
            return None
        if asked.table is not None:
            return _OfTable(asked.table, max(asked.part, 0), self._encoding())
        return self.frame(asked.uri)

    def frame(self, uri: str) -> _Frame | None:
        """What places in the text of a document are told as; None for what is no notebook."""
        table = self._tables.get(uri)
        if table is not None:
            return _OfTable(table, -1, self._encoding())
        written = self._closed(uri)
        return _OfFile(uri, written, self._encoding()) if written is not None else None

    def _closed(self, uri: str) -> Written | None:
        """A notebook on disk that no editor has open."""
        if not uri.endswith(SUFFIX) or uri in self._tables:
            return None
        path = convert.path_of(uri)
        try:
            status = os.stat(path or "")
        except OSError:
            # It has gone: its places are as good as any.
            return None
        key = (uri, status.st_mtime_ns, status.st_size)
        written = self._written.get(key)
        if written is None:
            content, _ = disk.read(path or "", _MOST_BYTES)
            if content is None:
                return None
            written = Written(content)
            if len(self._written) >= _MOST_WRITTEN:
                self._written.pop(next(iter(self._written)), None)
            self._written[key] = written
        return written

    def _read(self, written: Written, place: dict[str, Any]) -> dict[str, Any]:
        """A place in the file of a closed notebook as one in its text."""
        encoding = self._encoding()
        at = convert.Position(0, place["character"])
        found = written.place(Spot(place["line"], convert.column_of(written.line(place["line"]), at, encoding)))
        if found is None or written.notebook is None:
            return dict(_NOWHERE)
        line = written.notebook.text.split("\n")[found.line]
        return {"line": found.line, "character": convert.units(line[: found.column], encoding)}


class _Frame:
    """How places in the text of one document are told."""

    def uri(self, line: int | None) -> str:
        """The URI of the document that a line is in; without one, of the document that is asked about."""
        raise NotImplementedError

    def place(self, place: dict[str, Any], start: int) -> dict[str, Any]:
        """A place; `start` is the line in which what it is the end of begins."""
        raise NotImplementedError

    def text(self, text: str) -> str:
        """A text that takes the place of another."""
        return text

    def version(self, _line: int) -> int | None:
        """The version of the document that a line is in, if it is open."""
        return None


class _OfTable(_Frame):
    def __init__(self, table: Table, part: int, encoding: str) -> None:
        self._table = table
        self._part = part
        self._encoding = encoding

    def uri(self, line: int | None) -> str:
        part = self._part if line is None else self._table.part_at(line)
        return self._table.parts[part].uri if 0 <= part < len(self._table.parts) else self._table.uri

    def place(self, place: dict[str, Any], start: int) -> dict[str, Any]:
        table = self._table
        part = table.part_at(start)
        if part < 0:
            return place
        cell, line = table.parts[part], place["line"] - table.firsts[part]
        last = line_count(cell.text) - 1
        if line < last:
            return {"line": line, "character": place["character"]}
        # The mark at the end of a cell is no part of it.
        end = convert.units(cell.text[max(cell.text.rfind("\n"), cell.text.rfind("\r")) + 1 :], self._encoding)
        return {"line": last, "character": min(place["character"], end) if line == last else end}

    def version(self, line: int) -> int | None:
        part = self._table.part_at(line)
        return self._table.parts[part].version if part >= 0 else None


class _OfFile(_Frame):
    def __init__(self, uri: str, written: Written, encoding: str) -> None:
        self._uri = uri
        self._written = written
        self._encoding = encoding
        self._lines = written.notebook.text.split("\n") if written.notebook is not None else []

    def uri(self, line: int | None) -> str:
        return self._uri

    def place(self, place: dict[str, Any], start: int) -> dict[str, Any]:
        line = place["line"]
        text = self._lines[line] if line < len(self._lines) else ""
        column = convert.column_of(text, convert.Position(0, place["character"]), self._encoding)
        spot = self._written.spot(line, column)
        before = self._written.line(spot.line)[: spot.column]
        return {"line": spot.line, "character": convert.units(before, self._encoding)}

    def text(self, text: str) -> str:
        return convert.json(text)[1:-1].decode()


class _Telling:
    """The way of one answer through the border: each place is told in the frame of the document that it is in."""

    def __init__(self, notebooks: Notebooks, asked: Asked | None) -> None:
        self._notebooks = notebooks
        self._asked = asked
        self._frames: dict[str, _Frame | None] = {}

    def tell(self, said: Any, frame: _Frame | None) -> Any:
        """What is said, as the editor takes it."""
        match said:
            case list():
                return [self.tell(each, frame) for each in said]
            case {"line": int(line), "character": int()} if len(said) == 2:
                return frame.place(said, line) if frame is not None else said
            case {"start": {"line": int(line), "character": int()}, "end": {"line": int()}} if len(said) == 2:
                if frame is None:
                    return said
                return {"start": frame.place(said["start"], line), "end": frame.place(said["end"], line)}
            case {"startLine": int(line), "endLine": int(end)}:
                return self._fold(said, line, end, frame)
            case dict():
                return self._object(said, frame)
            case _:
                return said

    def _fold(self, said: dict[str, Any], line: int, end: int, frame: _Frame | None) -> dict[str, Any]:
        if frame is None:
            return said
        ends = [(line, said.get("startCharacter", 0)), (end, said.get("endCharacter", 0))]
        start, stop = (frame.place({"line": at, "character": column}, line) for at, column in ends)
        told = said | {"startLine": start["line"], "endLine": stop["line"]}
        columns = {"startCharacter": start["character"], "endCharacter": stop["character"]}
        return told | {key: value for key, value in columns.items() if key in said}

    def _object(self, said: dict[str, Any], frame: _Frame | None) -> dict[str, Any]:
        if isinstance(said.get("changes"), dict) and all(isinstance(each, list) for each in said["changes"].values()):
            said = said | {"changes": self._changes(said["changes"])}
            return {key: value if key == "changes" else self.tell(value, frame) for key, value in said.items()}
        if isinstance(said.get("documentChanges"), list):
            changes = [told for each in said["documentChanges"] for told in self._document_change(each)]
            return said | {"documentChanges": changes}
        own = self._frame(said["uri"]) if isinstance(said.get("uri"), str) else frame
        told: dict[str, Any] = {}
        for key, value in said.items():
            match key:
                case "targetRange" | "targetSelectionRange":
                    told[key] = self.tell(value, self._frame(said.get("targetUri", "")))
                case "fromRanges":
                    caller = said.get("from")
                    told[key] = self.tell(value, self._frame(caller["uri"]) if isinstance(caller, dict) else frame)
                case "arguments" if isinstance(value, list) and value and isinstance(value[0], str):
                    told[key] = self._arguments(value)
                case _:
                    told[key] = self.tell(value, own)
        if isinstance(said.get("uri"), str) and own is not None:
            told["uri"] = self._uri(said["uri"], own, _line_of(said))
        if "targetUri" in said and (target := self._frame(said["targetUri"])) is not None:
            told["targetUri"] = target.uri(_line_of({"range": said.get("targetSelectionRange")}))
        return told

    def _uri(self, uri: str, frame: _Frame, line: int | None) -> str:
        asked = self._asked
        if line is None and asked is not None and asked.table is not None and asked.table.uri == uri:
            return asked.uri
        return frame.uri(line)

    def _arguments(self, said: list[Any]) -> list[Any]:
        """Of a command that takes a URI, a place in it, and places anywhere."""
        frame = self._frame(said[0])
        if frame is None:
            return [self.tell(each, None) for each in said]
        line = next((each["line"] for each in said[1:] if isinstance(each, dict) and "line" in each), None)
        return [self._uri(said[0], frame, line), *(self.tell(each, frame) for each in said[1:])]

    def _changes(self, changes: dict[str, list[Any]]) -> dict[str, list[Any]]:
        told: dict[str, list[Any]] = {}
        for uri, edits in changes.items():
            frame = self._frame(uri)
            if frame is None:
                told[uri] = edits
                continue
            for edit in edits:
                told.setdefault(frame.uri(_line_of(edit)), []).append(self._edit(edit, frame))
        return told

    def _document_change(self, change: Any) -> Iterable[Any]:
        match change:
            case {"textDocument": {"uri": str(uri)}, "edits": list(edits)}:
                frame = self._frame(uri)
                if frame is None:
                    return [change]
                by_document: dict[str, tuple[int | None, list[Any]]] = {}
                for edit in edits:
                    line = _line_of(edit) or 0
                    of = by_document.setdefault(frame.uri(line), (frame.version(line), []))
                    of[1].append(self._edit(edit, frame))
                return [
                    {"textDocument": {"uri": each, "version": version}, "edits": told}
                    for each, (version, told) in by_document.items()
                ]
            case _:
                return [change]

    def _edit(self, edit: dict[str, Any], frame: _Frame) -> dict[str, Any]:
        return edit | {"range": self.tell(edit["range"], frame), "newText": frame.text(edit["newText"])}

    def _frame(self, uri: str) -> _Frame | None:
        if uri not in self._frames:
            self._frames[uri] = self._notebooks.frame(uri)
        return self._frames[uri]


def _uri_in(said: Any) -> str:
    """The document that a request is about."""
    match said:
        case {"textDocument": {"uri": str(uri)}} | {"item": {"uri": str(uri)}} | {"data": {"uri": str(uri)}}:
            return uri
        case {"arguments": [{"uri": str(uri)}, *_]}:
            return uri
        case _:
            return ""


def _replaced(said: Any, uri: str, with_uri: str, place: Callable[[dict[str, Any]], dict[str, Any]]) -> bytes:
    """Parameters with another URI and other places."""

    def replaced(value: Any) -> Any:
        match value:
            case list():
                return [replaced(each) for each in value]
            case {"line": int(line), "character": int(character)} if len(value) == 2 and min(line, character) >= 0:
                return place(value)
            case dict():
                return {
                    key: with_uri if key == "uri" and each == uri else replaced(each) for key, each in value.items()
                }
            case _:
                return value

    return convert.json(replaced(said))


def _line_of(said: Any) -> int | None:
    """The line in which that begins which an answer speaks of."""
    match said:
        case {"selectionRange": {"start": {"line": int(line)}}} | {"range": {"start": {"line": int(line)}}}:
            return line
        case {"position": {"line": int(line)}} | {"startLine": int(line)}:
            return line
        case _:
            return None


def _tokens_of(data: list[int], table: Table, part: int) -> list[int]:
    """The semantic tokens of one cell, of those of a notebook's text."""
    first = table.firsts[part] if 0 <= part < len(table.firsts) else 0
    last = first + line_count(table.texts[part]) - 1 if 0 <= part < len(table.texts) else 0
    told: list[int] = []
    line = character = 0
    before = (0, 0)
    for at in range(0, len(data) - 4, 5):
        line, character = line + data[at], data[at + 1] + (0 if data[at] else character)
        if first <= line < last:
            here = (line - first, character)
            step = here[0] - before[0]
            told += [step, here[1] if step else here[1] - before[1], *data[at + 2 : at + 5]]
            before = here
    return told


def _common(left: Sequence[str], right: Sequence[str]) -> int:
    """How many items two lists begin with in common."""
    pairs = zip(left, right, strict=False)
    return next((at for at, (one, other) in enumerate(pairs) if one != other), min(len(left), len(right)))
