"""Every name of the standard library means the scope that CPython's symbol table says.

Both ways: each of our names has the scope of `symtable`, and each name that `symtable` calls referenced is one of ours.
Names inside quoted annotations and type comments are ours alone, since CPython does not read them; they are counted and
checked to stand inside a string or comment.
"""

from __future__ import annotations

import ast
import io
import symtable
import sys
import tokenize
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

Dump = dict[str, Any]

ANONYMOUS = {"lambda": "lambda", "listcomp": "comprehension", "setcomp": "comprehension", "dictcomp": "comprehension",
             "genexpr": "comprehension"}  # fmt: skip

EXCEPTIONS = {
    "__class__": "the cell that the compiler makes for `super()`: bound by no statement, so it means nothing in a file",
    "literal": "a name inside a quoted annotation or type comment: CPython does not read these, we do",
    "postponed": "an annotation under `from __future__ import annotations`: this CPython leaves it out of its tables",
    "made": "a class that a call makes, such as `namedtuple`: it has a scope here, in which no name stands",
    "early": "a name that the body of a class uses before it binds it: Python looks it up in the module then, and so do we",
}
"""Names that differ by design, by reason; everything else must be equal."""


class Oracle:
    """The symbol tables of one file, as a flat list in the order of our scopes."""

    def __init__(self, top: symtable.SymbolTable) -> None:
        self.top = top
        self.parents: dict[int, symtable.SymbolTable] = {}
        self.module_names = {symbol.get_name() for symbol in top.get_symbols() if binds(symbol)}
        for table in walk(top):
            for child in table.get_children():
                self.parents[child.get_id()] = table
            if table is not top:
                for symbol in table.get_symbols():
                    if symbol.is_declared_global() and binds(symbol):
                        self.module_names.add(symbol.get_name())

    def meaning(self, table: symtable.SymbolTable, name: str) -> symtable.SymbolTable | None:
        """The table whose binding a name of a table means, none for builtins. KeyError if the table lacks the name."""
        try:
            symbol = table.lookup(name)
        except KeyError:
            name = self.mangled(table, name)
            symbol = table.lookup(name)
        if symbol.is_free():
            outer = self.parents[table.get_id()]
            while outer.get_type() != "function" or not has_local(outer, name):
                outer = self.parents[outer.get_id()]
            return outer
        # Before 3.12 `symtable` takes a function named `top` for the module: ask for locals first.
        if table is not self.top and symbol.is_local():
            return table
        return self.top if name in self.module_names else None

    def mangled(self, table: symtable.SymbolTable, name: str) -> str:
        """A private name as the compiler knows it."""
        while table.get_type() != "class":
            if table is self.top:
                raise KeyError(name)
            table = self.parents[table.get_id()]
        return f"_{table.get_name().lstrip('_')}{name}"


def walk(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    yield table
    for child in table.get_children():
        yield from walk(child)


def binds(symbol: symtable.Symbol) -> bool:
    return symbol.is_assigned() or symbol.is_imported() or symbol.is_parameter()


def has_local(table: symtable.SymbolTable, name: str) -> bool:
    try:
        return table.lookup(name).is_local()
    except KeyError:
        return False


def key_of(table: symtable.SymbolTable) -> tuple[str, str, int]:
    name = table.get_name()
    if name == "lambda" or (name in ANONYMOUS and ".0" in table.get_identifiers()):
        return ANONYMOUS[name], "", table.get_lineno()
    return table.get_type(), name, table.get_lineno()


def paired(scopes: list[list[Any]], top: symtable.SymbolTable) -> dict[int, symtable.SymbolTable]:
    """Our scopes by number, each with its table: children of a pair are paired by kind, name and line, in order."""
    children = defaultdict(list)
    for number, (parent, *_rest) in enumerate(scopes):
        children[parent].append(number)
    pairs = {0: top}
    todo = [0]
    while todo:
        number = todo.pop()
        tables = defaultdict(list)
        for table in pairs[number].get_children():
            tables[key_of(table)].append(table)
        for child in children[number]:
            _, kind, name, place = scopes[child]
            line = place[0] + 1
            candidates = tables.get((kind, name, line))
            if candidates:
                pairs[child] = candidates.pop(0)
                todo.append(child)
    return pairs


@lru_cache(maxsize=1)
def literal_spans(source: bytes) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Where strings and comments stand, by line and byte column."""
    lines = source.splitlines(keepends=True)
    spans = []
    for token in tokenize.tokenize(io.BytesIO(source).readline):
        if token.type in (tokenize.STRING, tokenize.COMMENT):
            (line, column), (end_line, end_column) = token.start, token.end
            start = len(lines[line - 1].decode()[:column].encode())
            end = len(lines[end_line - 1].decode()[:end_column].encode())
            spans.append(((line - 1, start), (end_line - 1, end)))
    return spans


@lru_cache(maxsize=1)
def postponed_spans(source: bytes) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Where annotations stand, if `from __future__ import annotations` postpones them."""
    tree = ast.parse(source)
    futures = [node for node in tree.body if isinstance(node, ast.ImportFrom) and node.module == "__future__"]
    if not any(alias.name == "annotations" for node in futures for alias in node.names):
        return []
    spans = []
    for node in ast.walk(tree):
        for annotation in (getattr(node, "annotation", None), getattr(node, "returns", None)):
            if isinstance(annotation, ast.expr):
                end = (annotation.end_lineno or 0) - 1, annotation.end_col_offset or 0
                spans.append(((annotation.lineno - 1, annotation.col_offset), end))
    return spans


def reason(name: str, place: tuple[int, int], source: bytes) -> str | None:
    """Why CPython has no such name there, if that is by design."""
    if name == "__class__":
        return name
    for why, spans in (("literal", literal_spans(source)), ("postponed", postponed_spans(source))):
        if any(start <= place < end for start, end in spans):
            return why
    return None


def is_early(dump: Dump, scope: int, name: str, target: int) -> bool:
    """True for a use in the body of a class that binds the name, where we look beyond the class."""
    while dump["scopes"][scope][1] == "comprehension":
        scope = dump["scopes"][scope][0]
    is_bound = any(row[:3:2] == [name, scope] for row in dump["bindings"])
    return dump["scopes"][scope][1] == "class" and is_bound and target in (0, -1)


def is_made(source: bytes, scope: list[Any]) -> bool:
    """True for the scope of a class that a call makes."""
    _, kind, _, place = scope
    line = source.splitlines()[place[0]].decode(errors="replace")
    makers = ("namedtuple(", "NamedTuple(", "TypedDict(", "Enum(", "Flag(")
    return kind == "class" and not line.lstrip().startswith("class ") and any(maker in line for maker in makers)


def compare(path: Path, source: bytes, dump: Dump) -> tuple[Counter[str], list[str]]:
    """What agreed, and a line for each name that did not."""
    top = symtable.symtable(source, str(path), "exec")
    oracle = Oracle(top)
    pairs = paired(dump["scopes"], top)
    numbers = {table.get_id(): number for number, table in pairs.items()}
    counts: Counter[str] = Counter()
    wrong = []
    missing_tables = sum(1 for _ in walk(top)) - len(pairs)
    made = sum(number not in pairs and is_made(source, scope) for number, scope in enumerate(dump["scopes"]))
    counts["made"] += made
    if missing_tables or len(pairs) + made != len(dump["scopes"]):
        wrong.append(f"{path}: {len(dump['scopes'])} scopes here, {missing_tables} tables of CPython without one")
    seen: set[tuple[int, str]] = set()
    for name, _context, scope, target, place, _reaching in dump["names"]:
        where = f"{path}:{place[0] + 1}:{place[1]} {name}"
        if scope not in pairs:
            wrong.append(f"{where}: in a scope that CPython does not have")
            continue
        seen.add((scope, name))
        try:
            meant = oracle.meaning(pairs[scope], name)
        except KeyError:
            why = reason(name, tuple(place), source)
            if why is None:
                wrong.append(f"{where}: CPython has no such name there")
            else:
                counts[why] += 1
            continue
        expected = -1 if meant is None else numbers.get(meant.get_id(), -2)
        if name == "__class__":
            counts[name] += 1
        elif expected != target and is_early(dump, scope, name, target):
            counts["early"] += 1
        elif expected != target:
            wrong.append(f"{where}: means scope {target} here, {expected} to CPython")
        else:
            counts["equal"] += 1
    for number, table in pairs.items():
        for symbol in table.get_symbols():
            name = symbol.get_name()
            names = {name} | ({"__" + name.split("__", 1)[1]} if "__" in name else set())
            if not symbol.is_referenced() or name == ".0" or any((number, each) in seen for each in names):
                continue
            if name == "__class__" and (number, "super") in seen:
                counts[name] += 1
            else:
                wrong.append(f"{path}: scope {number} uses {name}, which is no name here")
    return counts, wrong


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="comprehensions are inlined: their tables are gone")
def test_every_name_means_what_cpython_says(compiled: dict[Path, bytes], stdlib_dumps: dict[Path, Dump]) -> None:
    total: Counter[str] = Counter()
    wrong: list[str] = []
    for path, source in compiled.items():
        counts, differences = compare(path, source, stdlib_dumps[path])
        total += counts
        wrong += differences
    print(dict(total))
    assert wrong == [], f"{len(wrong)} differences, {dict(total)}:\n" + "\n".join(wrong[:40])
    assert total["equal"] > 500_000
    assert set(total) - {"equal"} == set(EXCEPTIONS)
