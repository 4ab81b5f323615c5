"""What to ask about a Python source tree: uses of names by kind, definitions by popularity, places to edit.

All of it is a pure function of the tree and a seed, so that every server gets the same questions, and is found with Python's
own parser, so that no program is asked what it should answer. Lines and columns count from 0, columns in characters.
"""

from __future__ import annotations

import ast
import random
import re
import sys
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path

import msgspec

KINDS = ("name", "attr", "attr_self", "import_name", "import_module", "keyword_arg")
BANDS = {"rare": (2, 6), "middle": (20, 100), "popular": (150, 5000)}
"""How often the name of a definition stands in files that import it."""

_SKIPPED = {".git", ".venv", "venv", "node_modules", "__pycache__", "build", "dist"}
_F_STRINGS_HAVE_PLACES = sys.version_info >= (3, 12)


class Token(msgspec.Struct, frozen=True):
    """One use of a name."""

    path: str
    line: int
    column: int
    text: str
    kind: str
    band: str = ""


class Pair(msgspec.Struct, frozen=True):
    """A file that imports from another one by the other's absolute name."""

    user: str
    target: str
    module: str


class Corpus:
    """The Python files under a root, read once."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @cached_property
    def texts(self) -> Mapping[str, str]:
        """Every file that is UTF-8 and that Python parses, by its path."""
        found: dict[str, str] = {}
        for file in sorted(self.root.rglob("*.py")):
            path = file.relative_to(self.root)
            if _SKIPPED.intersection(path.parts):
                continue
            try:
                text = file.read_bytes().decode("utf-8")
            except (OSError, UnicodeDecodeError):
                continue
            if _parsed(text) is not None:
                found[path.as_posix()] = text
        return found

    @cached_property
    def mentions(self) -> Counter[str]:
        """How often each name that is imported somewhere stands in the files that import it."""
        found: Counter[str] = Counter()
        for path, text in self.texts.items():
            uses = [use for use in _uses(path, text) if use.kind in ("name", "import_name")]
            imported = {use.text for use in uses if use.kind == "import_name"}
            found.update(use.text for use in uses if use.text in imported)
        return found

    def line(self, path: str, line: int) -> str:
        """A line of a file."""
        return self.texts[path].split("\n")[line]

    def uses(self, seed: int, positions: int, files: int) -> list[Token]:
        """Uses of names, spread evenly over some files; a file with few of them is left out."""
        chooser = random.Random(f"uses {seed}")
        paths = list(self.texts)
        chooser.shuffle(paths)
        share = -(-positions // files)
        found: list[Token] = []
        for path in paths:
            uses = list(_uses(path, self.texts[path]))
            if len(uses) >= max(20, share):
                found += sorted(chooser.sample(uses, share), key=lambda use: (use.line, use.column))
            if len(found) >= positions:
                break
        return found[:positions]

    def definitions(self, seed: int, of_each_band: int) -> list[Token]:
        """Functions and classes of modules whose name is defined once in the corpus, from rare to popular."""
        places: dict[str, list[Token]] = defaultdict(list)
        for path, text in self.texts.items():
            for token in _definitions(path, text):
                places[token.text].append(token)
        single = [each[0] for name, each in sorted(places.items()) if len(each) == 1 and len(name) > 3]
        chooser = random.Random(f"definitions {seed}")
        found: list[Token] = []
        for band, (low, high) in BANDS.items():
            fitting = [token for token in single if low <= self.mentions[token.text] <= high]
            if not fitting:
                taken = {each.text for each in found}
                others = [token for token in single if token.text not in taken]
                fitting = sorted(others, key=lambda token: -self.mentions[token.text])[: 2 * of_each_band]
            chosen = chooser.sample(fitting, min(of_each_band, len(fitting)))
            found += [msgspec.structs.replace(token, band=band) for token in chosen]
        return found

    def file_of_size(self, low: int, wanted: int, high: int) -> str | None:
        """The file whose size in bytes is nearest to the wanted one, if there is one between the limits."""
        sizes = ((abs(len(text.encode()) - wanted), len(text.encode()), path) for path, text in self.texts.items())
        return min(((gap, path) for gap, size, path in sizes if low <= size <= high), default=(0, None))[1]

    def statements(self, path: str, seed: int, wanted: int) -> list[int]:
        """Lines that hold a whole statement, after which a `)` is an error and nothing else."""
        lines = self.texts[path].split("\n")
        found = {
            node.lineno - 1
            for node in ast.walk(_parsed(self.texts[path]) or ast.Module([], []))
            if isinstance(node, ast.Assign | ast.Expr | ast.Return)
            and node.lineno == node.end_lineno
            and not isinstance(node.value, ast.Constant)
            and re.fullmatch(r"[^#;]*[\w)\]]", lines[node.lineno - 1])
        }
        return random.Random(f"statements {seed}").sample(sorted(found), min(wanted, len(found)))

    def pairs(self, seed: int) -> list[Pair]:
        """Files that import from one another."""
        modules = {module_of(path): path for path in self.texts}
        found = []
        for path, text in self.texts.items():
            if not 2_000 < len(text) < 80_000:
                continue
            for node in (_parsed(text) or ast.Module([], [])).body:
                if isinstance(node, ast.ImportFrom) and not node.level and node.module in modules:
                    target = modules[node.module]
                    if target != path and not target.endswith("__init__.py"):
                        found.append(Pair(path, target, node.module))
        random.Random(f"pairs {seed}").shuffle(found)
        return found


def convention_of(text: str, line: int, column: int) -> str:
    """What makes a place a reference by convention: `__all__`, a quoted annotation, a keyword argument, an import; else a use."""
    at = (line + 1, len(text.split("\n")[line][:column].encode()))
    for node in ast.walk(_parsed(text) or ast.Module([], [])):
        for part, kind in _conventional(node):
            if _holds(part, at):
                return kind
    return "use"


def module_of(path: str) -> str:
    """The name under which a file is imported from the root."""
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _conventional(node: ast.AST) -> Iterator[tuple[ast.expr | ast.keyword | ast.alias, str]]:
    """Parts of a node in which words are references by convention."""
    match node:
        case ast.Assign(targets=[ast.Name(id="__all__")], value=value):
            yield from _quoted(value, "`__all__`")
        case ast.AugAssign(target=ast.Name(id="__all__"), value=value):
            yield from _quoted(value, "`__all__`")
        case ast.AnnAssign(target=ast.Name(id="__all__"), value=ast.expr() as value):
            yield from _quoted(value, "`__all__`")
        case ast.arg(annotation=ast.expr() as said) | ast.AnnAssign(annotation=said):
            yield from _quoted(said, "quoted annotation")
        case ast.FunctionDef(returns=ast.expr() as said) | ast.AsyncFunctionDef(returns=ast.expr() as said):
            yield from _quoted(said, "quoted annotation")
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            yield from ((name, "import") for name in names)
        case ast.keyword(arg=str()):
            yield node, "keyword argument"
        case _:
            pass


def _quoted(value: ast.expr, kind: str) -> Iterator[tuple[ast.expr, str]]:
    for part in ast.walk(value):
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            yield part, kind


def _holds(part: ast.expr | ast.keyword | ast.alias, at: tuple[int, int]) -> bool:
    if isinstance(part, ast.keyword):
        return (part.lineno, part.col_offset) == at
    end = (part.end_lineno or part.lineno, part.end_col_offset or part.col_offset)
    return (part.lineno, part.col_offset) <= at < end


def _parsed(text: str) -> ast.Module | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _characters(line: str, column: int) -> int:
    return column if line.isascii() else len(line.encode()[:column].decode(errors="replace"))


def _nodes(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    for child in ast.iter_child_nodes(node):
        if _F_STRINGS_HAVE_PLACES or not isinstance(child, ast.JoinedStr):
            yield from _nodes(child)


def _uses(path: str, text: str) -> Iterator[Token]:
    lines = text.split("\n")
    for node in _nodes(_parsed(text) or ast.Module([], [])):
        for line, column, word, kind in _used(node, lines):
            start = _characters(lines[line - 1], column)
            if lines[line - 1].startswith(word, start):
                yield Token(path, line - 1, start, word, kind)


def _used(node: ast.AST, lines: Sequence[str]) -> Iterator[tuple[int, int, str, str]]:
    """Line from 1, byte column, word and kind of what a node uses by itself."""
    match node:
        case ast.Name(ctx=ast.Load()):
            yield node.lineno, node.col_offset, node.id, "name"
        case ast.Attribute(ctx=ast.Load(), end_lineno=int(line), end_col_offset=int(end)):
            own = isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")
            yield line, end - len(node.attr.encode()), node.attr, "attr_self" if own else "attr"
        case ast.keyword(arg=str(name)):
            yield node.lineno, node.col_offset, name, "keyword_arg"
        case ast.Import():
            for alias in node.names:
                head, _, last = alias.name.rpartition(".")
                start = alias.col_offset + len(head.encode()) + bool(head)
                yield alias.lineno, start, last, "import_module"
        case ast.ImportFrom():
            if node.module is not None:
                line = lines[node.lineno - 1]
                named = re.compile(r"from\s+\.*\s*([\w.]+)").match(line, _characters(line, node.col_offset))
                if named and named[1] == node.module:
                    last = node.module.rpartition(".")[2]
                    yield node.lineno, len(line[: named.end(1) - len(last)].encode()), last, "import_module"
            for alias in node.names:
                if alias.name != "*":
                    yield alias.lineno, alias.col_offset, alias.name, "import_name"


def _definitions(path: str, text: str) -> Iterator[Token]:
    lines = text.split("\n")
    for node in (_parsed(text) or ast.Module([], [])).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            start = lines[node.lineno - 1].find(f" {node.name}", node.col_offset)
            if start >= 0:
                yield Token(path, node.lineno - 1, start + 1, node.name, "definition")
