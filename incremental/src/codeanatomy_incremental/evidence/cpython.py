"""What CPython itself says of a text: whether it takes it, and its syntax tree.

The verdict is that of the compiler (`compile`, nothing is run), so it includes what only the symbol table and the code generator know:
`return` outside a function, `nonlocal` without a binding. A notebook is judged cell by cell, as it is run. The Python that judges is the one that runs CodeAnatomy. A text for an older
Python is parsed with `feature_version` first; of a text for a newer one a refusal proves nothing, so it is told in the table and is no verdict.
"""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from codeanatomy_incremental.evidence import (
    PLACE,
    Evidence,
    Place,
    Row,
    Source,
    Table,
    Verdict,
    bool_column,
    id_column,
    int_column,
    symbol_column,
    text_column,
)
from codeanatomy_incremental.notebook import cells_in, is_notebook

if TYPE_CHECKING:
    import ast

TABLES = (
    Table(
        "cpython_verdicts",
        "Whether CPython takes a file, one row a file.",
        "",
        (
            bool_column("accepts", "the compiler takes it"),
            symbol_column("kind", "class of the exception; empty if there is none"),
            text_column("message", "what CPython says"),
            *PLACE,
            symbol_column("judge", "version of the Python that judged, such as `3.11`"),
            symbol_column("target", "version of Python that the workspace is for"),
            symbol_column(
                "feature_version", "version whose grammar was asked for; empty if the judge has only its own"
            ),
            bool_column(
                "counts", "it is the verdict of the editor; not if the judge is older than the target and refuses"
            ),
        ),
    ),
    Table(
        "ast",
        "The nodes of CPython's `ast`, without contexts.",
        "node",
        (
            id_column("node", "ast", "", "ast"),
            id_column("parent", "ast", "the node that holds it; 0 for a module"),
            symbol_column("kind", "class of the node, such as `Call`"),
            symbol_column("field", "field of the parent that holds it"),
            int_column("position", "ordinal in a field that is a list"),
            text_column("value", "identifier, operator or constant that it holds; at most 120 letters"),
            id_column("expr", "expr", "the expression of the graph that stands there; 0 if none", "expr"),
            id_column("binding", "binding", "the binding of the graph that the node makes; 0 if none", "binding"),
            *PLACE,
        ),
    ),
)

_REFUSALS = (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError)
_LONGEST = 120
_NAMED = re.compile(rb"(?:async\s+)?(?:def|class)(?:\s|\\\r?\n)+(\w+)")
_OPERATORS = ("boolop", "cmpop", "operator", "unaryop")


def extract(source: Source) -> Evidence:
    """The verdict and the tree; without a tree if CPython refuses the grammar."""
    import ast

    target, own = source.target, sys.version_info[:2]
    older = target if target < own else None
    refused: BaseException | None = None
    try:
        for given, flags in _given_parts(source):
            if older is not None:
                ast.parse(given, feature_version=older)
            compile(given, "<witness>", "exec", flags, dont_inherit=True)
    except _REFUSALS as error:
        refused = error
    place, message = ([0, 0], "") if refused is None else _told(source, refused)
    counts = refused is None or target <= own
    shown = [".".join(map(str, each)) if each else "" for each in (own, target, older)]
    line = 1 if refused is None else _line(source, refused)
    kind = "" if refused is None else type(refused).__name__
    verdicts: list[Row] = [[refused is None, kind, message, *place, line, *shown, counts]]
    verdict = (
        Verdict(refused is None, place[0], place[1], message) if counts and not source.path.endswith(".pyi") else None
    )
    tables: dict[str, list[Row]] = {"cpython_verdicts": verdicts}
    if not source.is_brief:
        # A text may have a tree that the compiler refuses.
        with contextlib.suppress(*_REFUSALS):
            tables["ast"] = list(_nodes(source, ast.parse(_given(source))))
    return Evidence(tables, verdict)


def _given(source: Source) -> str | bytes:
    """What is compiled: the bytes of a file, and the text of an editor, whose encoding is its own affair once it is known."""
    return source.text if source.is_edited else source.content


def _given_parts(source: Source) -> Iterator[tuple[str | bytes, int]]:
    """What is compiled for the verdict, and with which flags: a module as a whole, a notebook cell by cell, each in its own lines. Cells may
    await at the top level."""
    import ast

    if not is_notebook(source.path):
        yield _given(source), 0
        return
    for line, cell in cells_in(source.text):
        yield "\n" * line + cell, ast.PyCF_ALLOW_TOP_LEVEL_AWAIT


def _line(source: Source, error: BaseException) -> int:
    return max(1, (isinstance(error, SyntaxError) and error.lineno) or 1)


def _told(source: Source, error: BaseException) -> tuple[Place, str]:
    """Where CPython gave up and what it says, in the bytes of the text."""
    if not isinstance(error, SyntaxError):
        said = str(error) or "the text is nested too deep for CPython"
        return [0, 0], said if isinstance(error, ValueError) else f"{type(error).__name__}: {said}"
    message = error.msg or "invalid syntax"
    try:
        lines = len(source.data)
    except SyntaxError:
        return [0, 0], message
    line = _line(source, error)
    start = source.offset(line, _column(source, line, error.offset))
    end_line, end_column = getattr(error, "end_lineno", None), getattr(error, "end_offset", None)
    end = source.offset(end_line, _column(source, end_line, end_column)) if end_line and end_column else start
    stop = source.offset(line, len(source.line_bytes(line)))
    if end <= start:
        # CPython names a point: the word there, or what is left of the line.
        word = re.match(rb"\w+|[^\w\s]", source.data[start:stop])
        end = start + (word.end() if word else 0)
    if end <= start:
        start = max(source.offset(line, 0), min(start, stop) - 1)
        end = stop
    return [min(start, lines), min(max(end, start), lines)], message


def _column(source: Source, line: int, offset: int | None) -> int:
    """The column in bytes of an offset in letters, from 1, in a line."""
    before = source.line_bytes(line).decode("utf-8", "surrogatepass")[: max((offset or 1) - 1, 0)]
    return len(before.encode("utf-8", "surrogatepass"))


def _nodes(source: Source, tree: ast.Module) -> Iterator[Row]:
    """A row for each node, each after the one that holds it."""
    import ast

    skipped = tuple(getattr(ast, name) for name in (*_OPERATORS, "expr_context"))
    number = 0
    todo: list[tuple[ast.AST, str | None, str, int]] = [(tree, None, "", 0)]
    while todo:
        node, parent, field, position = todo.pop()
        own = str(number)
        number += 1
        place = source.place(node)
        start, end = place or (0, len(source.data) if parent is None else 0)
        kind = type(node).__name__
        expr = place if isinstance(node, ast.expr) else None
        shown = [start, end, source.line(start) if place else 0]
        yield [own, parent, kind, field, position, _value(node), expr, _binding(source, node, place), *shown]
        children: list[tuple[ast.AST, str | None, str, int]] = []
        for name, value in ast.iter_fields(node):
            held: list[Any] = value if isinstance(value, list) else [value]
            children += [
                (each, own, name, at)
                for at, each in enumerate(held)
                if isinstance(each, ast.AST) and not isinstance(each, skipped)
            ]
        todo.extend(reversed(children))


def _value(node: ast.AST) -> str:
    """What a node holds besides other nodes."""
    import ast

    match node:
        case ast.Constant(value=value):
            said = repr(value)
        case ast.Name(id=name) | ast.Attribute(attr=name):
            said = name
        case ast.arg(arg=name) | ast.alias(name=name):
            said = name
        case ast.keyword(arg=name) | ast.ImportFrom(module=name):
            said = name or ""
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            said = name
        case ast.BinOp(op=op) | ast.UnaryOp(op=op) | ast.BoolOp(op=op) | ast.AugAssign(op=op):
            said = type(op).__name__
        case ast.Compare(ops=ops):
            said = " ".join(type(op).__name__ for op in ops)
        case ast.Global(names=names) | ast.Nonlocal(names=names):
            said = " ".join(names)
        case ast.ExceptHandler(name=name) | ast.MatchAs(name=name) | ast.MatchStar(name=name):
            said = name or ""
        case _:
            said = ""
    return said.encode("utf-8", "replace").decode()[:_LONGEST]


def _binding(source: Source, node: ast.AST, place: Place | None) -> Place | None:
    """The word that a node binds."""
    import ast

    match node:
        case ast.Name(ctx=ast.Store()):
            return place
        case ast.arg(arg=name) if place is not None:
            return [place[0], place[0] + len(name.encode())]
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef() if place is not None:
            found = _NAMED.match(source.data, place[0])
            return list(found.span(1)) if found else None
        case _:
            return None
