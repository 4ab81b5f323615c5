"""Slow extractors: what other readers of Python say about one text. Knows no graph, no rule and no workspace.

An extractor is a module of this package with two names: `TABLES`, the contracts of what it fills, and `extract`, a function from a
`Source` to `Evidence`. A module that has both is found; nothing else needs to be told of it. Extractors run in processes of their own
(`python -m codeanatomy_incremental.evidence`), over text that an editor has let rest or that lies on disk, and never at a keystroke.
They parse and compile what they are given, and never import or run it.

A cell of an id column is a text that tells the thing from others of its kind in the file, `None`, or `[start, end]`: the place in bytes
of a thing of the graph, whose id is meant (`of`: `expr`, `name`, `binding` or `scope`).
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from bisect import bisect_right
from collections.abc import Callable
from functools import cached_property
from types import ModuleType
from typing import Any, Literal, NamedTuple

Kind = Literal["id", "symbol", "int", "bool", "text", "float"]
Row = list[Any]
Place = list[int]
"""`[start, end]` in bytes of the text as UTF-8."""

_LINE_END = re.compile(rb"\r\n|\r|\n")


WHOLE: Place = [0, 0xFFFF_FFFF]
"""The place of the scope of a file."""


class Column(NamedTuple):
    """One column of a table that an extractor fills."""

    name: str
    kind: Kind
    role: str
    """What joins go by; empty for a plain value."""
    of: str
    """Of an id: what it is an id of."""
    doc: str


class Table(NamedTuple):
    """A table that an extractor fills. A column `file` stands before the others."""

    name: str
    doc: str
    key: str
    columns: tuple[Column, ...]


class Verdict(NamedTuple):
    """Whether Python takes a text, and where it gave up if it does not."""

    accepts: bool
    start: int = 0
    end: int = 0
    message: str = ""


class Evidence(NamedTuple):
    """What an extractor says of a text."""

    tables: dict[str, list[Row]]
    verdict: Verdict | None = None


class MissingError(Exception):
    """What an extractor needs is not installed."""


def id_column(name: str, of: str, doc: str, role: str = "") -> Column:
    """A column of ids."""
    return Column(name, "id", role, of, doc)


def symbol_column(name: str, doc: str, role: str = "") -> Column:
    """A column of texts that are often the same."""
    return Column(name, "symbol", role, "", doc)


def int_column(name: str, doc: str) -> Column:
    """A column of numbers."""
    return Column(name, "int", "", "", doc)


def bool_column(name: str, doc: str) -> Column:
    """A column of truths."""
    return Column(name, "bool", "", "", doc)


def text_column(name: str, doc: str) -> Column:
    """A column of texts that are seldom the same."""
    return Column(name, "text", "", "", doc)


PLACE = (
    int_column("start", "first byte"),
    int_column("end", "past the last byte"),
    int_column("line", "line of the first byte, from 1"),
)
"""Where something stands in the text that the witness read."""


SYNTAX_ERRORS = Table(
    "syntax_errors",
    "What is known at once to be wrong with the syntax of files, without any witness: for rules that compare.",
    "",
    (
        symbol_column("code", "as of the diagnostic"),
        symbol_column("severity", "error or warning"),
        text_column("message", "what a person reads"),
        *PLACE,
    ),
)


class Source:
    """A text that a witness is asked about."""

    def __init__(
        self,
        path: str,
        content: bytes,
        target: tuple[int, int],
        is_edited: bool = False,
        is_brief: bool = False,
        attachment: bytes = b"",
    ) -> None:
        """`target` is the version of Python that the workspace is written for. What is edited comes from an editor: its text is
        UTF-8, whatever it declares. Who asks briefly wants the verdict and no tables. What is attached is what somebody else says of
        the text."""
        self.path = path
        self.content = content
        self.target = target
        self.is_edited = is_edited
        self.is_brief = is_brief
        self.attachment = attachment

    @cached_property
    def text(self) -> str:
        """The text as Python decodes it; raises `SyntaxError` where it refuses to."""
        import io
        import tokenize

        encoding, _ = tokenize.detect_encoding(io.BytesIO(self.content).readline)
        body = self.content.removeprefix(b"\xef\xbb\xbf")
        try:
            return body.decode("utf-8" if self.is_edited or encoding == "utf-8-sig" else encoding)
        except (UnicodeError, LookupError) as error:
            raise SyntaxError(str(error)) from error

    @cached_property
    def data(self) -> bytes:
        """The text as UTF-8, without a mark of its byte order."""
        return self.text.encode("utf-8", "surrogatepass")

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *(end.end() for end in _LINE_END.finditer(self.data))]

    def line(self, offset: int) -> int:
        """The line of a byte, from 1."""
        return bisect_right(self._starts, offset)

    def offset(self, line: int, column: int) -> int:
        """The byte of a line, from 1, and a column in bytes, from 0."""
        at = min(max(line, 1), len(self._starts)) - 1
        return min(self._starts[at] + max(column, 0), len(self.data))

    def line_bytes(self, line: int) -> bytes:
        """A line, from 1, without its end."""
        at = min(max(line, 1), len(self._starts)) - 1
        stop = self._starts[at + 1] if at + 1 < len(self._starts) else len(self.data)
        return self.data[self._starts[at] : stop].rstrip(b"\r\n")

    def place(self, node: Any) -> Place | None:
        """The place of a node of `ast`, if it has one."""
        line = getattr(node, "lineno", None)
        if line is None:
            return None
        end = (getattr(node, "end_lineno", None) or line, getattr(node, "end_col_offset", None) or 0)
        return [self.offset(line, node.col_offset), self.offset(*end)]


Extract = Callable[[Source], Evidence]


def witnesses() -> tuple[str, ...]:
    """The names of all extractors, sorted."""
    names = sorted(each.name for each in pkgutil.iter_modules(__path__) if not each.name.startswith("_"))
    return tuple(name for name in names if hasattr(module(name), "TABLES"))


def module(name: str) -> ModuleType:
    """The module of an extractor. What it needs besides the standard library it imports when it runs."""
    return importlib.import_module(f"{__name__}.{name}")


def tables() -> tuple[Table, ...]:
    """The contracts of all tables, in the order of extractors; the first is filled without any."""
    return (SYNTAX_ERRORS, *(table for name in witnesses() for table in module(name).TABLES))
