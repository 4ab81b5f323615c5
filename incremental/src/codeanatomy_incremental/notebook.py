"""Notebooks as source: the code cells of an `.ipynb` file as one Python text, and the way back from a line of it to the file.

A notebook is one source. Its text is its Python cells in order, each ended by `END`, which is a blank to every grammar; so a name of an
earlier cell is visible in a later one, and a line of the text is a line of a cell. What a notebook allows and Python does not (magics,
shell lines, questions) is replaced letter by letter: no line and no column moves. `await` at the top level stays; whoever judges syntax
judges each cell alone, as the loop that runs it does.

Pure: reads no file, knows no protocol. A place in a notebook that no editor has open is a place in the JSON that lies on disk, because
that is the document that its URI names.
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterator, Sequence

import msgspec

SUFFIX = ".ipynb"
END = "\f"
"""What ends each cell of a text. Behind it, in the same line, stands what closes for a parser of the whole what the cell leaves open."""

_LINE = re.compile(r"\r\n|\r|\n")
_LINES = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|\Z)")
_PLAIN = re.compile(r"(?:[^\r\n%!?\"'\[({\\]*(?:\r\n|\r|\n))+")
"""Lines in which nothing special can stand, and that leave nothing open."""
_PYTHON_CELLS = frozenset({"time", "timeit", "capture", "prun", "memit", "debug"})
"""Cell magics below which there is Python that shares the names of the notebook."""

_CELL_MAGIC = re.compile(r"\s*%%(\w*)")
_STATEMENT = re.compile(
    r"%(?:time|timeit|prun|memit)[ \t]+(?=[^\s\-!%?@])(?!(?:for|while|if|with|try|def|class|async|match)\b)"
)
"""A line magic before a statement that runs among the names of the notebook."""

_ASSIGNED = re.compile(r"[ \t]*[\w.,\[\]'\" \t*]+(?<![=!<>])=[ \t]*(?=[!%]\S)")
_QUESTION = re.compile(r"[ \t]*%{0,2}[\w.*]+[ \t]*(\?{1,2})[ \t]*;?[ \t]*(?=[\r\n]|\Z)")
_WORD = re.compile(
    r"""
    (?P<string>\"\"\"(?:[^\\]|\\.)*?\"\"\" | '''(?:[^\\]|\\.)*?''')
    | (?P<unended>(?:\"\"\"|''').*\Z)
    | (?P<line>"(?:[^"\\\r\n]|\\.)*"? | '(?:[^'\\\r\n]|\\.)*'?)
    | (?P<comment>\#[^\r\n]*)
    | (?P<open>[(\[{]) | (?P<close>[)\]}])
    | (?P<carried>\\(?:\r\n|\r|\n)) | (?P<end>\r\n|\r|\n)
    | (?P<other>[^"'\#()\[\]{}\\\r\n]+|.)
    """,
    re.VERBOSE | re.DOTALL,
)


class Cell(msgspec.Struct, frozen=True):
    """A Python cell of a notebook."""

    ordinal: int
    """Its place among all cells of the notebook, from 0."""

    id: str
    """As the notebook names it; empty before nbformat 4.5."""

    first_line: int
    """Of the text of the notebook, from 0."""

    lines: int


class Notebook(msgspec.Struct, frozen=True):
    """A notebook as source."""

    text: str
    cells: tuple[Cell, ...]
    """In order."""

    def cell_at(self, line: int) -> int:
        """The position in `cells` of the cell that a line of the text is in; -1 if there is no cell."""
        return cell_at([cell.first_line for cell in self.cells], line)


class Spot(msgspec.Struct, frozen=True):
    """A place in a file; line and column count from 0, columns in letters."""

    line: int
    column: int


def is_notebook(path: str) -> bool:
    """Whether a path is that of a notebook."""
    return path.endswith(SUFFIX)


def source_of(path: str, content: bytes | None, error: str, limit: int) -> tuple[bytes | None, str]:
    """The bytes of a file as source, or the code that says why there are none: of a notebook its text, of all else what is given."""
    if content is None or not is_notebook(path):
        return content, error
    found = read(content)
    if isinstance(found, str):
        return None, found
    text = found.text.encode("utf-8", "replace")
    return (None, "source-too-large") if len(text) > limit else (text, "")


def read(content: bytes) -> Notebook | str:
    """The notebook that bytes are, or the code that says why they are none: `notebook-malformed`, `notebook-version` or
    `notebook-language`. Nothing at all is a notebook without cells, as it is to editors."""
    content = content.removeprefix(b"\xef\xbb\xbf")
    if not content.strip():
        return Notebook("", ())
    try:
        if msgspec.json.decode(content, type=_Version).nbformat != 4:
            return "notebook-version"
        written = msgspec.json.decode(content, type=_Written)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return "notebook-malformed"
    if "python" not in _language(written.metadata):
        return "notebook-language"
    found = [(place, cell) for place, cell in enumerate(written.cells) if cell.is_python]
    texts = [source_text(cell.text) for _, cell in found]
    firsts = first_lines(texts)
    cells = (
        Cell(place, cell.id, first, line_count(text) - 1)
        for (place, cell), first, text in zip(found, firsts, texts, strict=True)
    )
    return Notebook("".join(texts), tuple(cells))


def source_text(cell: str) -> str:
    """A cell as a part of the text of its notebook, up to the end of the line that `END` is in."""
    python = python_of(cell)
    return f"{python}{END}{_left_open(python)}\n"


def cells_in(text: str) -> list[tuple[int, str]]:
    """The cells of the text of a notebook, each with the line in which it begins."""
    parts = text.split(END)
    firsts = first_lines(parts)
    return [
        # What closes the cell before comes first, up to the end of its line.
        (0, part) if at == 0 else (firsts[at] + 1, part.partition("\n")[2])
        for at, part in enumerate(parts)
        if at == 0 or "\n" in part
    ]


def _left_open(python: str) -> str:
    """What closes the brackets and the string that are open at the end of a cell."""
    if not any(mark in python for mark in "([{\"'"):
        return ""
    closing: list[str] = []
    for word in _WORD.finditer(python):
        match word.lastgroup:
            case "open":
                closing.append({"(": ")", "[": "]", "{": "}"}[word[0]])
            case "close" if closing and closing[-1] == word[0]:
                closing.pop()
            case "unended":
                closing.append(word[0][:3])
            case _:
                pass
    return "".join(reversed(closing))


def first_lines(texts: Sequence[str]) -> list[int]:
    """The line of the whole text in which each of its parts begins."""
    firsts: list[int] = []
    line = 0
    for text in texts:
        firsts.append(line)
        line += line_count(text) - 1
    return firsts


def cell_at(firsts: Sequence[int], line: int) -> int:
    """Which part of a text a line is in, of parts that begin in these lines; -1 if there is none."""
    return bisect.bisect_right(firsts, line) - 1


def line_count(text: str) -> int:
    """How many lines an editor shows of a text."""
    return (len(_LINE.findall(text)) if "\r" in text else text.count("\n")) + 1


def python_of(cell: str) -> str:
    """The code of a cell as Python of the same lines and columns."""
    cell = cell.replace("\f", " ")
    if not any(mark in cell for mark in "%!?"):
        return cell
    magic = _CELL_MAGIC.match(cell)
    if magic is None:
        return "".join(_python(cell))
    head = magic.start(1) - 2
    if magic[1] not in _PYTHON_CELLS:
        return cell[:head] + "".join(_commented(line) for line in _LINES.findall(cell[head:]))
    line = _LINES.match(cell, head)
    assert line is not None
    return cell[:head] + _commented(line[0]) + "".join(_python(cell[line.end() :]))


def _commented(line: str) -> str:
    return line if not line.strip() else f"#{line[1:]}"


def _python(code: str) -> Iterator[str]:
    """The pieces of code without what only a notebook allows: looked for where a logical line begins."""
    at, depth, begins = 0, 0, True
    while at < len(code):
        if begins:
            plain = _PLAIN.match(code, at)
            if plain is not None:
                yield plain[0]
                at = plain.end()
                continue
            told = _special(code, at)
            if told:
                yield told
                at += len(told)
                continue
        word = _WORD.match(code, at)
        assert word is not None
        at = word.end()
        match word.lastgroup:
            case "open":
                depth += 1
            case "close":
                depth = max(depth - 1, 0)
            case _:
                pass
        begins = word.lastgroup == "end" and depth == 0
        yield word[0]


def _special(code: str, at: int) -> str:
    """What stands for a line that only a notebook allows, up to its end; empty if it is a line of Python."""
    line = _carried(code, at)
    if not any(mark in line for mark in "%!?"):
        return ""
    body = line.lstrip(" \t")
    indent = line[: len(line) - len(body)]
    if body[:1] in ("%", "!", "?"):
        statement = _STATEMENT.match(body)
        if statement is not None:
            return f"{indent}0;{' ' * (statement.end() - 2)}{body[statement.end() :]}"
        # An indented line may be all that its block has.
        mark = "0#" if indent and len(body.rstrip()) > 1 else "0" if indent else "#"
        rest = _LINES.findall(mark + body[len(mark) :])
        return indent + rest[0] + "".join(map(_commented, rest[1:]))
    assigned = _ASSIGNED.match(line)
    if assigned is not None:
        is_shell = line[assigned.end()] == "!"
        value = "[]" if is_shell else "_ "
        rest = _LINES.findall(line[assigned.end() + 2 :])
        tail = f"#{rest[0][1:]}" if rest[0].rstrip("\r\n") else rest[0]
        return line[: assigned.end()] + value + tail + "".join(map(_commented, rest[1:]))
    question = _QUESTION.match(line)
    if question is not None:
        return f"{line[: question.start(1)]}#{line[question.start(1) + 1 :]}"
    return ""


def _carried(code: str, at: int) -> str:
    """The line that begins at a place, with those that a backslash at its end carries on to, without its line break."""
    end = at
    while True:
        line = _LINES.match(code, end)
        assert line is not None
        bare = line[0].rstrip("\r\n")
        if not bare.endswith("\\") or line.end() == len(code):
            return code[at : line.start() + len(bare)]
        end = line.end()


def _language(metadata: dict[str, object]) -> str:
    """The language of the kernel; Python if nothing names one."""
    for part, key in (("kernelspec", "language"), ("language_info", "name")):
        table = metadata.get(part)
        name = table.get(key) if isinstance(table, dict) else None
        if isinstance(name, str) and name:
            return name.lower()
    return "python"


class _Version(msgspec.Struct, frozen=True):
    nbformat: int


class _WrittenCell(msgspec.Struct, frozen=True):
    cell_type: str
    source: str | list[str] = ""
    id: str = ""
    metadata: dict[str, object] = {}

    @property
    def text(self) -> str:
        return self.source if isinstance(self.source, str) else "".join(self.source)

    @property
    def is_python(self) -> bool:
        editor = self.metadata.get("vscode")
        language = editor.get("languageId", "python") if isinstance(editor, dict) else "python"
        return self.cell_type == "code" and language == "python"


class _Written(msgspec.Struct, frozen=True):
    cells: list[_WrittenCell]
    metadata: dict[str, object] = {}


_JSON = re.compile(
    r'[\s,:]*(?:(?P<open>[\[{])|(?P<close>[\]}])|(?P<text>"[^"\\]*(?:\\.[^"\\]*)*")|[^\s,:\[\]{}"]+)', re.DOTALL
)
_LETTER = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\.|[^\\]", re.DOTALL
)


class Written:
    """Where the letters of the cells stand in the JSON of a notebook."""

    def __init__(self, content: bytes) -> None:
        """`content` is what `read` takes as a notebook."""
        self._json = content.decode("utf-8", "replace")
        self._notebook = read(content)
        self._sources = _sources(self._json)
        self._starts = [0, *(each.end() for each in _LINE.finditer(self._json))]
        self._letters: dict[int, tuple[list[int], list[int]]] = {}

    @property
    def notebook(self) -> Notebook | None:
        """The notebook, if it is one."""
        return self._notebook if isinstance(self._notebook, Notebook) else None

    def line(self, line: int) -> str:
        """A line of the JSON, from 0; empty if there is none."""
        return self._json[self._starts[line] :].partition("\n")[0] if line < len(self._starts) else ""

    def spot(self, line: int, column: int) -> Spot:
        """Where a place in the text of the notebook stands in the JSON; the beginning of the file if there is no such place."""
        notebook = self.notebook
        at = notebook.cell_at(line) if notebook is not None else -1
        if notebook is None or at < 0:
            return Spot(0, 0)
        cell = notebook.cells[at]
        places, firsts = self._of(cell.ordinal)
        if not places:
            return Spot(0, 0)
        within = line - cell.first_line
        start = firsts[within] if within < len(firsts) else len(places) - 1
        offset = places[min(start + column, len(places) - 1)]
        row = bisect.bisect_right(self._starts, offset) - 1
        return Spot(row, offset - self._starts[row])

    def place(self, spot: Spot) -> Spot | None:
        """Where a place in the JSON stands in the text of the notebook; None outside of the code of Python cells."""
        notebook = self.notebook
        if notebook is None or spot.line >= len(self._starts):
            return None
        offset = self._starts[spot.line] + spot.column
        for cell in notebook.cells:
            places, firsts = self._of(cell.ordinal)
            if places and places[0] <= offset <= places[-1]:
                at = bisect.bisect_right(places, offset) - 1
                line = bisect.bisect_right(firsts, at) - 1
                return Spot(cell.first_line + line, at - firsts[line])
        return None

    def _of(self, ordinal: int) -> tuple[list[int], list[int]]:
        """Where each letter of a cell stands, and the end; and which letter begins each of its lines."""
        if ordinal not in self._letters:
            places: list[int] = []
            letters: list[str] = []
            end = -1
            for start, stop in self._sources.get(ordinal, ()):
                for each in _LETTER.finditer(self._json, start + 1, stop - 1):
                    places.append(each.start())
                    letters.append(each[0] if len(each[0]) == 1 else {"\\n": "\n", "\\r": "\r"}.get(each[0], "x"))
                end = stop - 1
            if end >= 0:
                places.append(end)
            firsts = [0, *(each.end() for each in _LINE.finditer("".join(letters)))]
            self._letters[ordinal] = places, firsts
        return self._letters[ordinal]


def _sources(text: str) -> dict[int, list[tuple[int, int]]]:
    """Where the strings stand that are the source of each cell, by its ordinal."""
    found: dict[int, list[tuple[int, int]]] = {}
    stack: list[_Level] = []
    for token in _JSON.finditer(text):
        top = stack[-1] if stack else None
        kind = token.lastgroup
        if kind == "close":
            del stack[-1:]
            if stack:
                stack[-1].after()
            continue
        if top is not None and top.is_object and top.key is None:
            top.key = token["text"][1:-1] if kind == "text" else ""
            continue
        if kind == "text" and _is_source(stack):
            found.setdefault(stack[1].count, []).append(token.span("text"))
        if kind == "open":
            stack.append(_Level(token["open"] == "{"))
        elif top is not None:
            top.after()
    return found


class _Level:
    """An object or a list that is being read."""

    def __init__(self, is_object: bool) -> None:
        self.is_object = is_object
        self.key: str | None = None
        """Of the value that comes next in an object."""
        self.count = 0
        """How many values of a list came before."""

    def after(self) -> None:
        """A value has been read."""
        self.key = None
        self.count += 1


def _is_source(stack: Sequence[_Level]) -> bool:
    """Whether what comes next is the source of a cell or a piece of it: `cells[n].source`, or an item of that."""
    if len(stack) not in (3, 4) or not stack[0].is_object or stack[0].key != "cells" or stack[2].key != "source":
        return False
    return len(stack) == 3 or not stack[3].is_object
