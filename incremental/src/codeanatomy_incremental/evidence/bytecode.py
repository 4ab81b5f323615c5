"""What the compiler makes of a text: instructions with their places, basic blocks, the ways between them, and which definition reaches
which use.

The text is compiled and never run. Blocks end where control may go elsewhere and begin where it may arrive; an exception may leave
from any instruction that a handler protects, so every definition of a protected block may reach the handler.
"""

from __future__ import annotations

import types
from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from codeanatomy_incremental.evidence import (
    PLACE,
    Evidence,
    Place,
    Row,
    Source,
    Table,
    bool_column,
    id_column,
    int_column,
    symbol_column,
    text_column,
)

if TYPE_CHECKING:
    import dis

TABLES = (
    Table(
        "code_objects",
        "The code objects that CPython compiles a file to.",
        "code",
        (
            id_column("code", "code", "", "code"),
            id_column("parent", "code", "code object that makes it; 0 for a module"),
            symbol_column("name", "as CPython names it, such as `<listcomp>`"),
            symbol_column("qualname", "with the names of what it stands in"),
            int_column("arguments", "parameters that are given one by one"),
            int_column("flags", "as `co_flags`"),
            int_column("stack", "depth of its stack"),
            int_column("line", "first line, from 1"),
        ),
    ),
    Table(
        "instructions",
        "Instructions, without the caches of the interpreter, each with the expression for which it was made.",
        "instruction",
        (
            id_column("instruction", "instruction", "", "instruction"),
            id_column("code", "code", "", "code"),
            id_column("block", "block", "", "block"),
            id_column("next", "instruction", "the one behind it in its block; 0 for the last"),
            int_column("offset", "byte in the code"),
            symbol_column("opname", "such as `LOAD_FAST`"),
            text_column("argument", "as `dis` shows it; at most 120 letters"),
            id_column("expr", "expr", "the expression of the graph at its place; 0 if none", "expr"),
            *PLACE,
        ),
    ),
    Table(
        "basic_blocks",
        "Runs of instructions that control enters at the first and leaves at the last.",
        "block",
        (
            id_column("block", "block", "", "block"),
            id_column("code", "code", "", "code"),
            id_column("first", "instruction", "its first instruction"),
            id_column("last", "instruction", "its last instruction"),
            int_column("position", "ordinal in the code"),
            bool_column("is_handler", "exceptions arrive here"),
            bool_column("is_reachable", "control may come here from the entry"),
        ),
    ),
    Table(
        "block_edges",
        "The ways of control between basic blocks.",
        "",
        (
            id_column("source", "block", "", "block"),
            id_column("target", "block", "the block that follows"),
            symbol_column("kind", "fallthrough, jump or exception"),
        ),
    ),
    Table(
        "def_use",
        "For each use of a local name or cell: the definitions that may reach it inside its code object.",
        "",
        (
            id_column("code", "code", "", "code"),
            symbol_column("name", "", "symbol"),
            symbol_column("kind", "local, cell, or name (of a module or class)"),
            id_column("definition", "instruction", "what binds it; of a parameter the entry of the function"),
            id_column("use", "instruction", "what loads it"),
            id_column("binding", "binding", "the binding of the graph at the definition; 0 if none", "binding"),
            id_column("expr", "name", "the name of the graph at the use; 0 if none", "expr"),
            bool_column("is_parameter", "it has the value that the function was called with"),
        ),
    ),
)

_LONGEST = 120
_MOST_FOLLOWED = 20_000
"""Of a code object with more instructions it is not told which definition reaches which use."""
_MOST_DEFINITIONS = 200
"""Nor of a name of a code object that is bound so often."""
_ENDS = ("RETURN_VALUE", "RETURN_CONST", "RAISE_VARARGS", "RERAISE", "JUMP_FORWARD", "JUMP_BACKWARD", "JUMP_BACKWARD_NO_INTERRUPT",
         "INTERPRETER_EXIT")  # fmt: skip
_KINDS = (("_FAST", "local"), ("_DEREF", "cell"), ("_NAME", "name"))


class _Block(NamedTuple):
    first: int
    """Position of its first instruction."""
    end: int
    """Past its last one."""


class _Step(NamedTuple):
    """What an instruction does to one variable."""

    at: int
    action: str
    """`use`, `bind` or `unbind`."""
    variable: tuple[str, str]
    """Kind and name."""


def extract(source: Source) -> Evidence:
    """The code of a text; nothing of one that CPython refuses."""
    try:
        given = source.text if source.is_edited else source.content
        top = compile(given, "<witness>", "exec", dont_inherit=True, optimize=0)
    except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError):
        # The witness `cpython` says so.
        return Evidence({})
    tables: dict[str, list[Row]] = {table.name: [] for table in TABLES}
    todo: list[tuple[types.CodeType, str | None]] = [(top, None)]
    number = 0
    while todo:
        code, parent = todo.pop()
        own = str(number)
        number += 1
        qualname = getattr(code, "co_qualname", code.co_name)
        counts = [
            code.co_argcount + code.co_kwonlyargcount,
            code.co_flags,
            code.co_stacksize,
            max(code.co_firstlineno, 1),
        ]
        tables["code_objects"].append([own, parent, code.co_name, qualname, *counts])
        _follow(source, code, own, tables)
        inner = [each for each in code.co_consts if isinstance(each, types.CodeType)]
        todo.extend((each, own) for each in reversed(inner))
    return Evidence(tables)


def _follow(source: Source, code: types.CodeType, own: str, tables: dict[str, list[Row]]) -> None:
    """The rows of one code object."""
    import dis

    instructions = list(dis.get_instructions(code))
    at = {each.offset: number for number, each in enumerate(instructions)}
    handlers = [
        (
            at.get(entry.start),
            [number for offset, number in at.items() if entry.start <= offset < entry.end],
            at.get(entry.target),
        )
        for entry in getattr(dis.Bytecode(code), "exception_entries", ())
    ]
    protected: dict[int, list[int]] = defaultdict(list)
    for _, covered, target in handlers:
        for number in covered:
            if target is not None:
                protected[number].append(target)
    blocks = _blocks(instructions, at, [(covered, target) for _, covered, target in handlers])
    block_of = {number: which for which, block in enumerate(blocks) for number in range(block.first, block.end)}
    ways = _ways(instructions, at, blocks, block_of, protected)
    reachable = _reachable(ways)
    entered = {target for _, _, target in handlers}
    places = [_place(source, each) for each in instructions]

    def instruction(number: int) -> str:
        return f"{own}.{number}"

    for which, block in enumerate(blocks):
        name = f"{own}.{which}"
        ends = [instruction(block.first), instruction(block.end - 1)]
        tables["basic_blocks"].append([name, own, *ends, which, block.first in entered, which in reachable])
        tables["block_edges"] += [[name, f"{own}.{target}", kind] for kind, target in ways[which]]
        for number in range(block.first, block.end):
            each, place = instructions[number], places[number]
            following = instruction(number + 1) if number + 1 < block.end else None
            argument = (
                each.argrepr[:_LONGEST]
                if not isinstance(each.argval, types.CodeType)
                else f"code {each.argval.co_name}"
            )
            shown = [*place, source.line(place[0])] if place else [0, 0, 0]
            argument = argument.encode("utf-8", "replace").decode()
            row = [instruction(number), own, name, following, each.offset, each.opname, argument, place, *shown]
            tables["instructions"].append(row)
    if len(instructions) <= _MOST_FOLLOWED:
        for variable, definition, use in _reaching(code, instructions, blocks, ways):
            kind, name = variable
            is_parameter = definition < 0
            bound = None if is_parameter else _word(source, places[definition], name)
            used = _word(source, places[use], name)
            shown = [instruction(max(definition, 0)), instruction(use), bound, used, is_parameter]
            tables["def_use"].append([own, name, kind, *shown])


def _place(source: Source, instruction: dis.Instruction) -> Place | None:
    where = instruction.positions
    if where is None or where.lineno is None or where.col_offset is None:
        return None
    end = (where.end_lineno or where.lineno, where.end_col_offset or where.col_offset)
    return [source.offset(where.lineno, where.col_offset), source.offset(*end)]


def _word(source: Source, place: Place | None, name: str) -> Place | None:
    """The place of an instruction, if the name alone stands there."""
    if place is None:
        return None
    written = source.data[place[0] : place[1]].decode("utf-8", "replace")
    return place if written == name or (written.startswith("__") and name.endswith(written)) else None


def _is_jump(instruction: dis.Instruction) -> bool:
    import dis

    return instruction.opcode in dis.hasjrel or instruction.opcode in dis.hasjabs


def _blocks(
    instructions: list[dis.Instruction], at: dict[int, int], handlers: list[tuple[list[int], int | None]]
) -> list[_Block]:
    starts = {0}
    for number, each in enumerate(instructions):
        if _is_jump(each):
            starts.add(at.get(each.argval, number + 1))
        if _is_jump(each) or each.opname in _ENDS:
            starts.add(number + 1)
    for covered, target in handlers:
        starts |= {covered[0], covered[-1] + 1} if covered else set()
        starts |= {target} if target is not None else set()
    ordered = sorted(start for start in starts if start < len(instructions))
    return [_Block(first, end) for first, end in zip(ordered, [*ordered[1:], len(instructions)], strict=True)]


def _ways(
    instructions: list[dis.Instruction],
    at: dict[int, int],
    blocks: list[_Block],
    block_of: dict[int, int],
    protected: dict[int, list[int]],
) -> list[list[tuple[str, int]]]:
    """For each block the kinds and targets of the ways out of it."""
    ways: list[list[tuple[str, int]]] = []
    for block in blocks:
        last = instructions[block.end - 1]
        out: list[tuple[str, int]] = []
        if last.opname not in _ENDS and block.end < len(instructions):
            out.append(("fallthrough", block_of[block.end]))
        if _is_jump(last) and last.argval in at:
            out.append(("jump", block_of[at[last.argval]]))
        out += [("exception", block_of[target]) for target in protected.get(block.first, ())]
        ways.append(sorted(set(out)))
    return ways


def _reachable(ways: list[list[tuple[str, int]]]) -> set[int]:
    reached, todo = {0}, [0]
    while todo:
        for _, target in ways[todo.pop()] if ways else ():
            if target not in reached:
                reached.add(target)
                todo.append(target)
    return reached


def _steps(instructions: list[dis.Instruction]) -> Iterator[_Step]:
    """What instructions do to variables, in order. One instruction of newer versions may stand for two."""
    for number, each in enumerate(instructions):
        kind = next((kind for part, kind in _KINDS if part in each.opname), None)
        if kind is None:
            continue
        words = [word for word in each.opname.split("_") if word in ("LOAD", "STORE", "DELETE")]
        names = each.argval if isinstance(each.argval, tuple) else (each.argval,) * len(words)
        for word, name in zip(words, names, strict=False):
            action = {"LOAD": "use", "STORE": "bind", "DELETE": "unbind"}[word]
            yield _Step(number, action, (kind, str(name)))


def _reaching(
    code: types.CodeType,
    instructions: list[dis.Instruction],
    blocks: list[_Block],
    ways: list[list[tuple[str, int]]],
) -> Iterator[tuple[tuple[str, str], int, int]]:
    """Variable, definition and use, for each definition that may reach the use; -1 for the value of a parameter."""
    by_block: dict[int, list[_Step]] = defaultdict(list)
    owner = {number: which for which, block in enumerate(blocks) for number in range(block.first, block.end)}
    counts: dict[tuple[str, str], int] = defaultdict(int)
    for step in _steps(instructions):
        by_block[owner[step.at]].append(step)
        counts[step.variable] += step.action == "bind"
    too_many = {variable for variable, count in counts.items() if count > _MOST_DEFINITIONS}
    count = code.co_argcount + code.co_kwonlyargcount + bool(code.co_flags & 4) + bool(code.co_flags & 8)
    parameters = code.co_varnames[:count]
    entry: dict[tuple[str, str], frozenset[int]] = {}
    for name in parameters:
        entry["local", name] = entry["cell", name] = frozenset([-1])
    before: list[dict[tuple[str, str], frozenset[int]]] = [{} for _ in blocks]
    if blocks:
        before[0] = entry
    todo = list(range(len(blocks)))
    while todo:
        which = todo.pop()
        state = dict(before[which])
        anywhere = dict(state)
        for step in by_block[which]:
            if step.action != "use" and step.variable not in too_many:
                state[step.variable] = frozenset([step.at]) if step.action == "bind" else frozenset()
                anywhere[step.variable] = anywhere.get(step.variable, frozenset()) | state[step.variable]
        for kind, target in ways[which]:
            handed = anywhere if kind == "exception" else state
            known = before[target]
            is_new = False
            for variable, definitions in handed.items():
                merged = known.get(variable, frozenset()) | definitions
                if merged != known.get(variable):
                    known[variable] = merged
                    is_new = True
            if is_new:
                todo.append(target)
    for which in range(len(blocks)):
        state = dict(before[which])
        for step in by_block[which]:
            if step.action == "use":
                for definition in sorted(state.get(step.variable, ())):
                    yield step.variable, definition, step.at
            elif step.variable not in too_many:
                state[step.variable] = frozenset([step.at]) if step.action == "bind" else frozenset()
