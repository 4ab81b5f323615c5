"""Call books: programs in Markdown whose lines say what they call, what Python says to that, and what the graph says.

A book is a `.md` file. A heading `## A sentence` begins a program; its files are fences of `py`: `main.py`, unless a path in backticks
and a colon stands on the line before; all else is prose. A comment `# calls NAME, NAME` at the end of a line names every function that
Python enters because of that line; a line without one calls nothing. A name is qualified as in its file, `Order.pay`, and with
its module before a colon where that is another file: `tools:Order.pay`, `json:dumps`.

Python is the judge: `python_calls` runs the programs in another process and sees every call. What the graph says are the rows
of its relation `enters`.
"""

from __future__ import annotations

import ast
import importlib
import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from types import BuiltinFunctionType, WrapperDescriptorType
from urllib.parse import unquote, urlparse

import msgspec

from codeanatomy_incremental.libraries import Libraries
from codeanatomy_incremental.options import WorkspaceOptions

from tests.support.memory import Memory, program, rows

Call = tuple[str, int, str]
"""Path of a file of the program, line from 1, and `module:qualified.name` of what the line calls."""

_PROFILER = Path(__file__).with_name("profiled.py")
_FILE = re.compile(r"`(?P<path>[^`]+\.py)`:$")
_CALLS = re.compile(r"\s+# calls (?P<names>.+)$")


class Program(msgspec.Struct, frozen=True):
    """A program and what its lines say that they call."""

    category: str
    line: int
    title: str
    prose: str
    """What the book says about it, such as why the graph does not find a call."""

    texts: Mapping[str, str]
    calls: frozenset[Call]


class Score(msgspec.Struct, frozen=True):
    """How the calls of the graph compare with those that Python makes."""

    expected: int
    found: int
    right: int

    @property
    def precision(self) -> float:
        """The share of what the graph says that is so; 1 if it says nothing."""
        return self.right / self.found if self.found else 1.0

    @property
    def recall(self) -> float:
        """The share of what is so that the graph says; 1 if nothing is."""
        return self.right / self.expected if self.expected else 1.0


def read(book: Path) -> list[Program]:
    """The programs of a book."""
    lines = book.read_text("utf-8").splitlines()
    heads = [number for number, line in enumerate(lines) if line.startswith("## ")]
    found: list[Program] = []
    for head, stop in zip(heads, [*heads[1:], len(lines)], strict=True):
        texts = {
            path: "".join(f"{line}\n" for line in lines[start:end]) for path, start, end in _files(lines, head, stop)
        }
        calls = {call for path, text in texts.items() for call in _claimed(path, text)}
        title, prose = lines[head][3:].strip(), " ".join(_prose(lines, head, stop))
        found.append(Program(book.stem, head + 1, title, prose, texts, frozenset(calls)))
    return found


def python_calls(programs: Sequence[Program]) -> list[set[Call]]:
    """What Python calls in each of the programs."""
    told = subprocess.run(
        [sys.executable, _PROFILER],
        input=json.dumps([dict(each.texts) for each in programs]),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=600,
    )
    return [{(path, line, callee) for path, line, callee in calls} for calls in json.loads(told.stdout)]


def annotated(book: Path) -> str:
    """The text of a book with the comments that Python would write. Read the difference like a reviewer."""
    lines = [_CALLS.sub("", line) for line in book.read_text("utf-8").splitlines()]
    heads = [number for number, line in enumerate(lines) if line.startswith("## ")]
    for (head, stop), calls in zip(
        zip(heads, [*heads[1:], len(lines)], strict=True), python_calls(read(book)), strict=True
    ):
        for path, start, _ in _files(lines, head, stop):
            for line in sorted({line for at, line, _ in calls if at == path}):
                own = f"{_module(path)}:"
                names = [
                    callee.removeprefix(own) for at, number, callee in sorted(calls) if (at, number) == (path, line)
                ]
                lines[start + line - 1] += f"  # calls {', '.join(names)}"
    return "".join(f"{line}\n" for line in lines)


class Graph:
    """One live graph that holds the standard library and one program at a time."""

    def __init__(self) -> None:
        self._memory = Memory(program())
        self._libraries = Libraries("", WorkspaceOptions(packages=False), "", {})

    def calls(self, of: Program) -> set[Call]:
        """What the graph says that a program calls; classes are left out, because what Python enters is a method of theirs."""
        self._memory.write(dict.fromkeys(self._memory.texts.keys() - of.texts.keys()) | dict(of.texts))
        self._libraries.complete(self._memory.engine, of.texts)
        self._memory.commit()
        found = rows(
            self._memory.snapshot(),
            """SELECT at.file AS path, at.line AS line, target.file AS file, target.line AS target
            FROM enters JOIN anchors AS at ON at.id = enters.expr JOIN anchors AS target ON target.id = enters.target
            JOIN files ON files.file = at.file WHERE files.partition = 'user' AND enters.kind <> 'class'""",
        )
        calls = {(row["path"], row["line"], self._name(of, row["file"], row["target"])) for row in found}
        return {(path, line, _own_name(callee)) for path, line, callee in calls if _is_seen(callee)}

    def _name(self, of: Program, file: str, line: int) -> str:
        if file in of.texts:
            return f"{_module(file)}:{_functions(of.texts[file]).get(line, f'<lambda {line}>')}"
        path = Path(unquote(urlparse(file).path))
        module = re.sub(r"^.*/stdlib/", "", str(path)).removesuffix(".pyi").removesuffix("/__init__").replace("/", ".")
        return f"{module.lstrip('_')}:{_functions(path.read_text('utf-8')).get(line, line)}"


def scores(compared: Iterable[tuple[Program, set[Call]]]) -> dict[str, Score]:
    """The score of each category and of `all`, from programs with what the graph says about them."""
    counts: dict[str, Counter[str]] = {}
    for each, found in compared:
        for category in (each.category, "all"):
            counts.setdefault(category, Counter()).update(
                expected=len(each.calls), found=len(found), right=len(each.calls & found)
            )
    return {
        name: Score(**count) for name, count in sorted(counts.items(), key=lambda item: (item[0] == "all", item[0]))
    }


@lru_cache(maxsize=1024)
def _is_seen(callee: str) -> bool:
    """Whether Python tells a profiler about a callee: of constructors and operators written in C it does not."""
    module, _, name = callee.partition(":")
    if module.partition(".")[0] not in sys.stdlib_module_names:
        return True
    found: object = importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    is_new = name.endswith(".__new__") and isinstance(found, BuiltinFunctionType)
    return not (found is None or is_new or isinstance(found, WrapperDescriptorType))


@lru_cache(maxsize=1024)
def _own_name(callee: str) -> str:
    """A callee of the standard library by the name that its class has: a stub may give it that of an alias."""
    module, _, name = callee.partition(":")
    head, dot, rest = name.partition(".")
    if not dot or module.partition(".")[0] not in sys.stdlib_module_names:
        return callee
    owner = getattr(importlib.import_module(module), head, None)
    is_alias = isinstance(owner, type) and owner.__module__ == module
    return f"{module}:{owner.__qualname__}.{rest}" if is_alias else callee


def _files(lines: Sequence[str], head: int, stop: int) -> list[tuple[str, int, int]]:
    """Path, first line and line after the last one of each file of a program."""
    found: list[tuple[str, int, int]] = []
    path, start = "main.py", None
    for number in range(head + 1, stop):
        if start is not None:
            if lines[number] == "```":
                found.append((path, start, number))
                start = None
        elif lines[number] == "```py":
            start = number + 1
        elif named := _FILE.match(lines[number]):
            path = named["path"]
    return found


def _prose(lines: Sequence[str], head: int, stop: int) -> Iterable[str]:
    in_code = {number for _, start, end in _files(lines, head, stop) for number in range(start - 1, end + 1)}
    for number in range(head + 1, stop):
        if number not in in_code and lines[number].strip() and not _FILE.match(lines[number]):
            yield lines[number].strip()


def _claimed(path: str, text: str) -> Iterable[Call]:
    for number, line in enumerate(text.splitlines(), 1):
        for name in said["names"].split(", ") if (said := _CALLS.search(line)) else ():
            yield path, number, name if ":" in name else f"{_module(path)}:{name}"


def _module(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


@lru_cache(maxsize=1024)
def _functions(text: str) -> Mapping[int, str]:
    """The qualified names of functions by the line that names them."""
    found: dict[int, str] = {}

    def walk(node: ast.AST, prefix: str) -> None:
        for child in ast.iter_child_nodes(node):
            match child:
                case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                    found[child.lineno] = prefix + name
                    walk(child, f"{prefix}{name}.")
                case _:
                    walk(child, prefix)

    walk(ast.parse(text), "")
    return found
