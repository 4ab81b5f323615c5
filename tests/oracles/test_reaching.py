"""Every binding that reaches a use in CPython's bytecode reaches it here too.

The oracle follows each function's instructions along jumps and exception tables and asks which `STORE_FAST` can be the last
before a `LOAD_FAST`. Over the standard library and over functions made at random. We may say more (any statement of a `try`
may raise here, where the compiler knows that a constant cannot); how much more is bounded too.
"""

from __future__ import annotations

import dis
import random
import sys
import types
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

Dump = dict[str, Any]
Place = tuple[int, int]

TOLD = 32
"""How many bindings of a use are told."""

LEAVES = {"exit", "quit", "_exit", "abort", "assert_never", "fail", "skip", "xfail"}
"""A function that calls one of these by name may go on to CPython; here it does not."""

SYSTEMS = ({"sys", "platform"}, {"sys", "version_info"}, {"os", "name"})
"""A function that names both may ask for its system: CPython compiles for every one, here one branch never runs."""

pytestmark = pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="instructions differ between versions")

ENDS = {"RETURN_VALUE", "RAISE_VARARGS", "RERAISE", "JUMP_FORWARD", "JUMP_BACKWARD", "JUMP_BACKWARD_NO_INTERRUPT"}


def codes(code: types.CodeType) -> Iterator[types.CodeType]:
    """The code objects of functions and comprehensions below one."""
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield constant
            yield from codes(constant)


def stores_and_loads(code: types.CodeType) -> tuple[dict[int, tuple[str, Any]], list[tuple[str, Any, set[int]]]]:
    """The stores of a function by number (name and place; -1 - n for parameters), and each load with those that reach it."""
    instructions = list(dis.get_instructions(code))
    at = {instruction.offset: number for number, instruction in enumerate(instructions)}
    entries = dis.Bytecode(code).exception_entries
    stores: dict[int, tuple[str, Any]] = {}
    count = code.co_argcount + code.co_kwonlyargcount + bool(code.co_flags & 4) + bool(code.co_flags & 8)
    start: dict[str, frozenset[int]] = {}
    for number, name in enumerate(code.co_varnames[:count]):
        stores[-1 - number] = name, None
        start[name] = frozenset([-1 - number])
    handlers: list[list[int]] = [[] for _ in instructions]
    for entry in entries:
        for number, instruction in enumerate(instructions):
            if entry.start <= instruction.offset < entry.end:
                handlers[number].append(at[entry.target])
    arriving: list[dict[str, frozenset[int]] | None] = [None] * len(instructions)
    todo: list[tuple[int, dict[str, frozenset[int]]]] = [(0, start)]
    while todo:
        number, new = todo.pop()
        old = arriving[number]
        if old is None:
            state = dict(new)
        else:
            state = {name: old.get(name, frozenset()) | new.get(name, frozenset()) for name in old.keys() | new.keys()}
            if state == old:
                continue
        arriving[number] = state
        instruction = instructions[number]
        after = state
        if instruction.opname == "STORE_FAST":
            place = instruction.positions
            # `except ... as e` ends with `e = None; del e`, which nobody wrote.
            before = instructions[number - 1]
            is_end = before.opname == "LOAD_CONST" and before.argval is None and (
                number + 1 < len(instructions) and instructions[number + 1].opname == "DELETE_FAST"
                and instructions[number + 1].argval == instruction.argval
            )  # fmt: skip
            if is_end:
                after = {**state, instruction.argval: frozenset()}
            else:
                stores[number] = instruction.argval, place
                after = {**state, instruction.argval: frozenset([number])}
        elif instruction.opname == "DELETE_FAST":
            after = {**state, instruction.argval: frozenset()}
        for handler in handlers[number]:
            todo.append((handler, state))
        if instruction.opname not in ENDS and number + 1 < len(instructions):
            todo.append((number + 1, after))
        if instruction.opcode in dis.hasjrel or instruction.opcode in dis.hasjabs:
            todo.append((at[instruction.argval], after))
    loads = [
        (instruction.argval, instruction.positions, set(state.get(instruction.argval, ())))
        for instruction, state in zip(instructions, arriving, strict=True)
        if instruction.opname == "LOAD_FAST" and state is not None
    ]
    return stores, loads


class Ours:
    """What the dump says of one file, by place."""

    def __init__(self, dump: Dump) -> None:
        self.names: dict[Place, int] = {}
        self.dump = dump
        self.bindings: dict[str, list[tuple[Place, int]]] = defaultdict(list)
        self.by_occurrence: dict[tuple[int, str, int], int] = {}
        self.count: Counter[tuple[int, str]] = Counter()
        for number, (name, kind, scope, place, occurrence) in enumerate(dump["bindings"]):
            self.bindings[name].append((tuple(place), number))
            if kind != "self_attr":
                self.by_occurrence[scope, name, occurrence] = number
                self.count[scope, name] += 1
        for number, name in enumerate(dump["names"]):
            self.names[tuple(name[4])] = number
        self.reaching: dict[int, set[int]] = defaultdict(set)
        for name, binding in dump["reaching"]:
            self.reaching[name].add(binding)

    def binding(self, name: str, place: Any) -> int | None:
        """Our binding where CPython stores, if there is exactly one there."""
        start, end = (place.lineno - 1, place.col_offset), (place.end_lineno - 1, place.end_col_offset)
        inside = [number for at, number in self.bindings[name] if start <= at < end]
        return inside[0] if len(inside) == 1 else None

    def seen(self, place: Any) -> set[int] | None:
        """The bindings that a use sees here; none if there is one binding only, or no such use."""
        number = self.names.get((place.lineno - 1, place.col_offset))
        if number is None:
            return None
        name, _context, _scope, target, _place, reaching = self.dump["names"][number]
        if self.count[target, name] < 2:
            return None
        if number in self.reaching:
            return self.reaching[number]
        return {self.by_occurrence[target, name, reaching - 1]} if reaching else set()


def compare(source: bytes, dump: Dump, counts: Counter[str]) -> list[str]:
    """A line for each store that reaches a load and is not told here."""
    ours = Ours(dump)
    wrong = []
    for code in codes(compile(source, dump["path"], "exec", dont_inherit=True)):
        words = set(code.co_names)
        if LEAVES & words or any(system <= words for system in SYSTEMS):
            continue
        # After `except*` the instructions go on even where no clause matched; Python raises there.
        if any(row.opname == "CHECK_EG_MATCH" for row in dis.get_instructions(code)):
            continue
        stores, loads = stores_and_loads(code)
        numbers = {number: ours.binding(name, place) for number, (name, place) in stores.items() if place is not None}
        # The compiler repeats the condition of a loop and the body of a `finally`: one use may be several loads.
        uses: dict[tuple[str, Any], set[int]] = defaultdict(set)
        for name, place, reaching in loads:
            uses[name, place] |= reaching
        for (name, place), reaching in uses.items():
            seen = ours.seen(place)
            if seen is None or len(seen) == TOLD:
                continue
            expected = {numbers[store] for store in reaching if store >= 0}
            if None in expected:
                counts["unplaced"] += 1
                continue
            counts["uses"] += 1
            counts["told"] += len(seen)
            params = {number for number in seen if dump["bindings"][number][1] == "param"}
            counts["more"] += len(seen - expected - params)
            if any(store < 0 for store in reaching) and not params:
                wrong.append(f"{dump['path']}:{place.lineno}:{place.col_offset} {name}: the parameter is missing")
            for binding in expected - seen:
                where = dump["bindings"][binding][3]
                wrong.append(f"{dump['path']}:{place.lineno}:{place.col_offset} {name}: not from {where[0] + 1}")
    return wrong


def test_what_reaches_in_cpython_reaches_here(compiled: dict[Path, bytes], stdlib_dumps: dict[Path, Dump]) -> None:
    counts: Counter[str] = Counter()
    wrong = []
    for path, source in compiled.items():
        wrong += compare(source, stdlib_dumps[path], counts)
    print(dict(counts))
    assert wrong == [], f"{len(wrong)} of {dict(counts)}:\n" + "\n".join(wrong[:40])
    assert counts["uses"] > 50_000
    assert counts["more"] < 0.02 * counts["told"]


class Maker:
    """Functions at random: every statement that moves control, over three names."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)

    def function(self, number: int) -> str:
        return f"def f{number}(x, a):\n" + "\n".join(self.block(1, 0, False))

    def name(self) -> str:
        return self.dice.choice("xyz")

    def expression(self) -> str:
        name, other = self.name(), self.name()
        return self.dice.choice(
            [name, f"a({name})", f"{name} and ({other} := a({other}))", f"a({name} if {other} else {name})", f"[{other} for {other} in {name}]",
             f"not ({name} or a({other}))", f"[({name} := {other}) for w in a if {name}]", f"a(lambda: a) or {name}"]
        )  # fmt: skip

    def block(self, depth: int, nesting: int, in_loop: bool) -> list[str]:
        lines: list[str] = []
        for _ in range(self.dice.randint(1, 3)):
            lines += self.statement(depth, nesting, in_loop)
        return lines

    def statement(self, depth: int, nesting: int, in_loop: bool) -> list[str]:
        pad = "    " * depth
        kinds = ["assign", "assign", "use", "leave", "del"]
        if nesting < 3:
            kinds += ["if", "if", "while", "for", "try", "try", "with", "match"]

        def inner(loop: bool = in_loop) -> list[str]:
            return self.block(depth + 1, nesting + 1, loop)

        match self.dice.choice(kinds):
            case "assign":
                return [f"{pad}{self.name()} {self.dice.choice(['=', '=', '+='])} {self.expression()}"]
            case "use":
                return [f"{pad}a({self.name()}, {self.expression()})"]
            case "del":
                return [f"{pad}del {self.name()}"] if self.dice.random() < 0.2 else [f"{pad}a({self.name()})"]
            case "leave":
                if self.dice.random() < 0.5:
                    return [f"{pad}a({self.name()})"]
                ways = ["return", f"raise a({self.name()})"] + (["break", "continue"] * 2 if in_loop else [])
                return [f"{pad}{self.dice.choice(ways)}"]
            case "if":
                lines = [f"{pad}if {self.expression()}:", *inner()]
                if self.dice.random() < 0.4:
                    lines += [f"{pad}elif {self.expression()}:", *inner()]
                if self.dice.random() < 0.6:
                    lines += [f"{pad}else:", *inner()]
                return lines
            case "while" | "for" as kind:
                head = f"for {self.name()} in {self.expression()}" if kind == "for" else f"while {self.expression()}"
                if kind == "while" and self.dice.random() < 0.3:
                    head = "while True"
                lines = [f"{pad}{head}:", *inner(True)]
                if self.dice.random() < 0.4:
                    lines += [f"{pad}else:", *inner()]
                return lines
            case "try":
                lines = [f"{pad}try:", *inner()]
                handlers = self.dice.randint(0, 2)
                for _ in range(handlers):
                    alias = f" as {self.name()}" if self.dice.random() < 0.4 else ""
                    lines += [f"{pad}except a.E{alias}:", *inner()]
                if handlers and self.dice.random() < 0.4:
                    lines += [f"{pad}else:", *inner()]
                if not handlers or self.dice.random() < 0.4:
                    lines += [f"{pad}finally:", *inner()]
                return lines
            case "with":
                alias = f" as {self.name()}" if self.dice.random() < 0.5 else ""
                return [f"{pad}with {self.expression()}{alias}:", *inner()]
            case _:
                lines = [f"{pad}match {self.expression()}:"]
                for _ in range(self.dice.randint(1, 3)):
                    guard = f" if {self.expression()}" if self.dice.random() < 0.3 else ""
                    pattern = self.dice.choice(["1", f"a.C(b={self.name()})", f"[{self.name()}, *_]", "a.C() | a.D()"])
                    lines += [f"{pad}    case {pattern}{guard}:", *self.block(depth + 2, nesting + 1, in_loop)]
                if self.dice.random() < 0.4:
                    lines += [
                        f"{pad}    case {self.dice.choice(['_', self.name()])}:",
                        *self.block(depth + 2, nesting + 1, in_loop),
                    ]
                return lines


def test_functions_made_at_random(tmp_path: Path, dump_files: Callable[[list[Path]], list[Dump]]) -> None:
    maker = Maker(11)
    paths = []
    for file in range(40):
        path = tmp_path / f"made{file}.py"
        path.write_text("\n\n".join(maker.function(number) for number in range(30)) + "\n")
        paths.append(path)
    counts: Counter[str] = Counter()
    wrong = []
    for path, dump in zip(paths, dump_files(paths), strict=True):
        wrong += compare(path.read_bytes(), dump, counts)
    print(dict(counts))
    assert wrong == [], f"{len(wrong)} of {dict(counts)}:\n" + "\n".join(wrong[:40])
    assert counts["uses"] > 3_000
