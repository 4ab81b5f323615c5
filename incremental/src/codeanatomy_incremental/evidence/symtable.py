"""Scopes and symbols as the symbol table of CPython has them: the truth about what a name means inside a file.

`symtable` says kind, name and line of a scope and no place. Its scopes come in the order in which the compiler meets them, so a walk of
`ast` in that order names the node of each, and with it the scope of the graph. In the order of the compiler, decorators, defaults, annotations and
the first iterable of a comprehension come before the scope that they belong to.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from codeanatomy_incremental.evidence import (
    WHOLE,
    Evidence,
    Place,
    Row,
    Source,
    Table,
    bool_column,
    id_column,
    int_column,
    symbol_column,
)

if TYPE_CHECKING:
    import ast
    import symtable

TABLES = (
    Table(
        "symtable_scopes",
        "The scopes of a file as CPython's symbol table has them.",
        "symtable_scope",
        (
            id_column("symtable_scope", "symtable", "", "symtable"),
            id_column("parent", "symtable", "enclosing scope; 0 for a module"),
            symbol_column("kind", "module class function lambda comprehension annotation type_params"),
            symbol_column("name", "name of the definition; empty for anonymous scopes"),
            id_column("scope", "scope", "the same scope of the graph; 0 if it has none there", "scope"),
            bool_column("is_nested", "inside a function"),
            bool_column("is_optimized", "its locals are slots, not names"),
            int_column("line", "line, from 1"),
        ),
    ),
    Table(
        "symtable_symbols",
        "The names of each scope as CPython's symbol table has them, with the scope that each one means.",
        "",
        (
            id_column("symtable_scope", "symtable", "scope in which it is used or bound", "symtable"),
            id_column("scope", "scope", "that scope in the graph", "scope"),
            symbol_column("name", "as it is written", "symbol"),
            symbol_column("mangled", "as the compiler knows it"),
            symbol_column(
                "means",
                "local, global (of the module), free (of an enclosing function), builtin (bound nowhere in the file)",
            ),
            id_column(
                "target_scope", "scope", "scope of the graph whose binding it means; 0: bound nowhere in the file"
            ),
            bool_column("is_referenced", "its value is used"),
            bool_column("is_assigned", "something binds it there"),
            bool_column("is_parameter", ""),
            bool_column("is_imported", ""),
            bool_column("is_annotated", ""),
            bool_column("is_declared_global", "by `global`"),
            bool_column("is_declared_nonlocal", "by `nonlocal`"),
            bool_column("is_early", "in a class that binds it: before it does, the module is asked"),
        ),
    ),
)

_ANONYMOUS = {"lambda": "lambda", "listcomp": "comprehension", "setcomp": "comprehension", "dictcomp": "comprehension",
              "genexpr": "comprehension"}  # fmt: skip


def extract(source: Source) -> Evidence:
    """The symbol table; nothing of a text that CPython refuses."""
    import ast
    import symtable

    try:
        # It takes bytes too, and decodes them as the compiler does.
        given: Any = source.text if source.is_edited else source.content
        top = symtable.symtable(given, "<witness>", "exec")
        tree = ast.parse(given)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        # The witness `cpython` says so.
        return Evidence({})
    tables = list(_walk(top, None))
    numbers = {table.get_id(): number for number, (table, _) in enumerate(tables)}
    places = _places(source, tree, top)
    parents = {table.get_id(): parent for table, parent in tables}
    module_names = _module_names(top, [table for table, _ in tables])
    scopes: list[Row] = []
    symbols: list[Row] = []
    for number, (table, parent) in enumerate(tables):
        kind, name = _kind(table)
        place = places.get(table.get_id())
        above = None if parent is None else str(numbers[parent.get_id()])
        shown = [table.is_nested(), table.is_optimized(), max(table.get_lineno(), 1)]
        scopes.append([str(number), above, kind, name, place, *shown])
        for symbol in table.get_symbols():
            means, target = _meaning(top, table, symbol, parents, module_names)
            found = places.get(target.get_id()) if target is not None else None
            flags = [symbol.is_referenced(), symbol.is_assigned(), symbol.is_parameter(), symbol.is_imported()]
            flags += [symbol.is_annotated(), symbol.is_declared_global(), symbol.is_nonlocal()]
            is_early = kind == "class" and symbol.is_referenced() and _binds(symbol)
            for written in _written(source, table, symbol.get_name(), parents):
                symbols.append([str(number), place, written, symbol.get_name(), means, found, *flags, is_early])
    return Evidence({"symtable_scopes": scopes, "symtable_symbols": symbols})


def _walk(
    table: symtable.SymbolTable, parent: symtable.SymbolTable | None
) -> Iterator[tuple[symtable.SymbolTable, symtable.SymbolTable | None]]:
    yield table, parent
    for child in table.get_children():
        yield from _walk(child, table)


def _kind(table: symtable.SymbolTable) -> tuple[str, str]:
    name = table.get_name()
    # `get_type` is a string, and from 3.13 on a member of an enumeration that is one.
    kind = str(getattr(table.get_type(), "value", table.get_type())).replace(" ", "_")
    if name == "lambda" or (name in _ANONYMOUS and ".0" in table.get_identifiers()):
        return _ANONYMOUS[name], ""
    if kind in ("type_parameters", "type_parameter", "TypeVar_bound", "type_variable"):
        return "type_params", name
    return kind, "" if kind == "module" else name


def _binds(symbol: symtable.Symbol) -> bool:
    return symbol.is_assigned() or symbol.is_imported() or symbol.is_parameter()


def _module_names(top: symtable.SymbolTable, tables: Iterable[symtable.SymbolTable]) -> set[str]:
    """The names that something in the file binds in the module."""
    names = {symbol.get_name() for symbol in top.get_symbols() if _binds(symbol)}
    for table in tables:
        if table is not top:
            names |= {each.get_name() for each in table.get_symbols() if each.is_declared_global() and _binds(each)}
    return names


def _meaning(
    top: symtable.SymbolTable,
    table: symtable.SymbolTable,
    symbol: symtable.Symbol,
    parents: dict[int, symtable.SymbolTable | None],
    module_names: set[str],
) -> tuple[str, symtable.SymbolTable | None]:
    """What a name means, and the table whose binding that is."""
    name = symbol.get_name()
    if symbol.is_free():
        outer = parents[table.get_id()]
        while outer is not None and not (_is_function(outer) and _has_local(outer, name)):
            outer = parents[outer.get_id()]
        return "free", outer
    # Before 3.12 `symtable` takes a function named `top` for the module: ask for locals first.
    if table is not top and symbol.is_local():
        return "local", table
    if name in module_names:
        return ("local" if table is top else "global"), top
    return "builtin", None


def _is_function(table: symtable.SymbolTable) -> bool:
    return _kind(table)[0] in ("function", "lambda", "comprehension", "type_params")


def _has_local(table: symtable.SymbolTable, name: str) -> bool:
    try:
        return table.lookup(name).is_local()
    except KeyError:
        return False


def _written(
    source: Source, table: symtable.SymbolTable, name: str, parents: dict[int, symtable.SymbolTable | None]
) -> list[str]:
    """How a name is written in the source, if it is: private names are known to the compiler with their class."""
    if name.startswith("."):
        return []
    owner: symtable.SymbolTable | None = table
    while owner is not None and _kind(owner)[0] != "class":
        owner = parents[owner.get_id()]
    start = f"_{owner.get_name().lstrip('_')}__" if owner is not None else ""
    if not start or not name.startswith(start):
        return [name]
    private = name[len(start) - 2 :]
    both = [each for each in (private, name) if re.search(rf"(?<!\w){re.escape(each)}(?!\w)", source.text)]
    return both or [name]


def _places(source: Source, tree: ast.Module, top: symtable.SymbolTable) -> dict[int, Place]:
    """The place of the node that opens each scope, by the number of its table."""
    places = {top.get_id(): WHOLE}
    todo: list[tuple[ast.AST, symtable.SymbolTable]] = [(tree, top)]
    while todo:
        node, table = todo.pop()
        openers: dict[tuple[str, str, int], list[ast.AST]] = defaultdict(list)
        for opener in _inside(node):
            openers[_key(opener)].append(opener)
        for child in _plain(table):
            found = openers.get((*_kind(child), child.get_lineno()))
            if found:
                opener = found.pop(0)
                place = source.place(opener)
                if place is not None:
                    places[child.get_id()] = place
                todo.append((opener, child))
    return places


def _plain(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    """The scopes below one that statements open; those of annotations and type parameters are looked through."""
    for child in table.get_children():
        if _kind(child)[0] in ("annotation", "type_params", "type_alias"):
            yield from _plain(child)
        else:
            yield child


def _key(node: ast.AST) -> tuple[str, str, int]:
    import ast

    line = getattr(node, "lineno", 0)
    match node:
        case ast.ClassDef(name=name):
            return "class", name, line
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            return "function", name, line
        case ast.Lambda():
            return "lambda", "", line
        case _:
            return "comprehension", "", line


def _inside(opener: ast.AST) -> Iterator[ast.AST]:
    """The nodes that open scopes directly below one, in the order of the compiler."""
    import ast

    match opener:
        case ast.Module(body=body) | ast.ClassDef(body=body):
            yield from _found(body)
        case ast.FunctionDef(body=body) | ast.AsyncFunctionDef(body=body):
            yield from _found(body)
        case ast.Lambda(body=body):
            yield from _found([body])
        case ast.ListComp(elt=elt, generators=generators) | ast.SetComp(elt=elt, generators=generators):
            yield from _found(_comprehended(generators, [elt]))
        case ast.GeneratorExp(elt=elt, generators=generators):
            yield from _found(_comprehended(generators, [elt]))
        case ast.DictComp(key=key, value=value, generators=generators):
            yield from _found(_comprehended(generators, [value, key]))
        case _:
            return


def _comprehended(generators: list[ast.comprehension], made: list[ast.expr]) -> list[ast.AST]:
    """What stands in the scope of a comprehension: all but the first iterable."""
    parts: list[ast.AST] = []
    for number, generator in enumerate(generators):
        parts += [generator.target, *([generator.iter] if number else []), *generator.ifs]
    return [*parts, *made]


def _found(nodes: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """The nodes that open scopes in some nodes and not in scopes below these, in the order of the compiler."""
    import ast

    for node in nodes:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                arguments = node.args
                every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
                every += [each for each in (arguments.vararg, arguments.kwarg) if each is not None]
                hints = [each.annotation for each in every if each.annotation is not None]
                defaults = [*arguments.defaults, *(each for each in arguments.kw_defaults if each is not None)]
                yield from _found([*defaults, *hints, *([node.returns] if node.returns else []), *node.decorator_list])
                yield node
            case ast.ClassDef():
                yield from _found([*node.bases, *node.keywords, *node.decorator_list])
                yield node
            case ast.Lambda():
                arguments = node.args
                yield from _found([*arguments.defaults, *(each for each in arguments.kw_defaults if each is not None)])
                yield node
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                yield from _found([node.generators[0].iter])
                yield node
            case _:
                yield from _found(ast.iter_child_nodes(node))
