"""Which edges came and which went between two versions of a graph, and why.

Ids of uses count from the definition around them, so a line that is added renumbers those after it. Edges are therefore compared
by what they say (from where, to what, of which kind), and counted: three calls where there were two are one edge that came.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

from codeanatomy_incremental.history.contents import OUTSIDE, SOURCES
from codeanatomy_incremental.history.reader import Version
from codeanatomy_incremental.history.rows import Table, tuples

STRUCTURE = frozenset(
    {"contains", "defines", "reads", "writes", "returns", "yields", "passes", "has_value", "refers_to"}
)
"""Kinds of edges that say how code is written. The others say what depends on what."""

_EDGES = "cpg_edges"


class End(msgspec.Struct, frozen=True):
    """One end of an edge, as a person would name it."""

    name: str
    """Dotted, from its module on; of a use the definition around it and the word."""

    kind: str
    file: str = ""
    line: int = 0


class Proof(msgspec.Struct, frozen=True):
    """A row of evidence on which an edge stands."""

    table: str
    text: str
    file: str
    line: int
    change: Literal["added", "removed", "same"]


class Edge(msgspec.Struct, frozen=True):
    """An edge that one of two versions has and the other has not."""

    change: Literal["created", "removed"]
    kind: str
    rule: str
    confidence: float
    source: End
    target: End
    count: int
    cause: str
    evidence: tuple[Proof, ...]


class Definition(msgspec.Struct, frozen=True):
    """A class, function or module that one of two versions has and the other has not."""

    change: Literal["created", "removed"]
    kind: str
    name: str
    file: str
    line: int


class Difference(msgspec.Struct, frozen=True):
    """What differs between two versions."""

    files: dict[str, str]
    """Files whose source differs: added, removed or modified."""

    touched: tuple[str, ...]
    """Files whose source is the same and whose edges differ."""

    definitions: tuple[Definition, ...]
    summary: dict[str, dict[str, int]]
    """How many edges of each kind were created and removed."""

    edges: tuple[Edge, ...]


def between(before: Version, after: Version) -> Difference:
    """What differs."""
    sources = _files(before, after, SOURCES)
    files = {file: _how(before, after, file) for file in sources}
    changed = sorted({*_files(before, after, _EDGES), *_files(before, after, "cpg_nodes")} - {""})
    changed = [file for file in changed if not file.startswith(OUTSIDE)]
    old, new = _Side(before, changed), _Side(after, changed)
    both = _only(old.edges, new.edges), _only(new.edges, old.edges)
    ids = {each for rows in both for _, src, dst, *_ in rows for each in (src, dst)}
    for side in (old, new):
        side.name(ids)
    removed, created = (_by_meaning(side, rows) for side, rows in zip((old, new), both, strict=True))
    edges = [
        *_left(removed, created, "removed", old, new),
        *_left(created, removed, "created", new, old),
    ]
    summary: dict[str, dict[str, int]] = defaultdict(lambda: {"created": 0, "removed": 0})
    for edge in edges:
        summary[edge.kind][edge.change] += edge.count
    edges.sort(key=lambda edge: (edge.source.file, edge.source.line, edge.kind, edge.change, edge.target.name))
    return Difference(
        files=files,
        touched=tuple(file for file in _files(before, after, _EDGES) if file not in files),
        definitions=tuple(_definitions(old, new)),
        summary={kind: summary[kind] for kind in sorted(summary)},
        edges=tuple(edges),
    )


def with_edges(found: Difference, edges: Sequence[Edge]) -> Difference:
    """A difference that shows some of its edges only."""
    return msgspec.structs.replace(found, edges=tuple(edges))


class _Side:
    """One of two versions: the rows of the files that differ, and names for ids."""

    def __init__(self, version: Version, files: Sequence[str]) -> None:
        self.version = version
        self.files = files
        edges = version.table(_EDGES, files)
        columns = ("kind", "src", "dst", "rule_name", "confidence", "file")
        self.edges = Counter(zip(*(edges[name].to_pylist() for name in columns), strict=True))
        self.ends: dict[int, End] = {}
        self.proofs: dict[int, Proof] = {}
        self.leads: dict[tuple[str, str], set[str]] = defaultdict(set)
        self.bases: set[tuple[str, str]] = set()
        """Class and base of the edges that differ."""
        self.meant: Counter[str] = Counter()

    def name(self, wanted: set[int]) -> None:
        """Make names for ids of any file."""
        table = self.version.table
        nodes = table("cpg_nodes", ids=("id", wanted))
        files = {file for file in nodes["file"].to_pylist() if not file.startswith(OUTSIDE)} | set(self.files)
        scopes = _Scopes(table("scopes", files), table("files", files))
        calls = table("args", ids=("arg", wanted))
        around = table("exprs", ids=("expr", wanted | set(calls["call_expr"].to_pylist())))
        lines = dict(tuples(table("anchors", ids=("id", wanted | set(around["expr"].to_pylist()))), "id", "line"))
        words = self._called(around)
        within: dict[int, int] = {}
        for each, column in (
            ("names", "expr"),
            ("exprs", "expr"),
            ("imports", "expr"),
            ("imports", "binding"),
            ("bindings", "binding"),
        ):
            rows = table(each, ids=(column, wanted))
            within.update(zip(rows[column].to_pylist(), rows["scope"].to_pylist(), strict=True))
        holds = dict(tuples(around, "expr", "scope"))
        for arg, call, position, name, file in tuples(calls, "arg", "call_expr", "position", "name", "file"):
            within[arg] = holds.get(call, 0)
            called = f"argument {name or position + 1} of {words.get(call, 'a call')}"
            self.ends[arg] = End(f"{scopes.path(within[arg], file)}: {called}", "argument", file, lines.get(call, 0))
        for scope, (name, kind, file) in scopes.named.items():
            if scope in wanted:
                self.ends[scope] = End(name, kind, file, lines.get(scope, 0))
        variables = table("bindings", ids=("variable", wanted))
        for variable, scope, name, file in tuples(variables, "variable", "scope", "name", "file"):
            self.ends.setdefault(variable, End(f"{scopes.path(scope, file)}.{name}", "variable", file, 0))
        for id, kind, name, file in tuples(nodes, "id", "kind", "name", "file"):
            if file.startswith(OUTSIDE):
                module = file.removeprefix(OUTSIDE)
                self.ends[id] = End(module if kind == "module" else f"{module}.{name}", kind)
            elif kind in ("module", "module_name"):
                self.ends[id] = End(name, kind, file, lines.get(id, 0))
            elif kind != "keyword_argument":
                name = words.get(id, name)
                word = (
                    f"{scopes.path(within.get(id, 0), file)}.{name}" if name else scopes.path(within.get(id, 0), file)
                )
                self.ends[id] = End(word, kind, file, lines.get(id, 0))
            self.proofs[id] = Proof(
                _PROVED_BY.get(kind, "bindings"), f"{kind} {name}".strip(), file, lines.get(id, 0), "same"
            )

    def _called(self, exprs: Table) -> dict[int, str]:
        """What calls among expressions are of, as written."""
        bases = {expr: base for expr, kind, base in tuples(exprs, "expr", "kind", "base") if kind == "call"}
        named: dict[int, str] = {}
        for table in ("names", "exprs"):
            named |= dict(tuples(self.version.table(table, ids=("expr", set(bases.values()))), "expr", "name"))
        return {expr: f"{named.get(base) or ''}()" for expr, base in bases.items()}

    def end(self, id: int) -> End:
        """What an id is; of one that no table names its number."""
        return self.ends.get(id) or End(f"{id & 0xFFFFFFFFFFFFFFFF:x}", "unknown")


class _Scopes:
    """Dotted names of the scopes of some files."""

    def __init__(self, scopes: Table, files: Table) -> None:
        self._modules = dict(tuples(files, "file", "module"))
        self._scopes = {scope: rest for scope, *rest in tuples(scopes, "scope", "parent", "kind", "name", "file")}
        self.named = {scope: (self.path(scope, rest[3]), rest[1], rest[3]) for scope, rest in self._scopes.items()}

    def path(self, scope: int, file: str) -> str:
        """From the module down; scopes without a name, such as comprehensions, are passed over."""
        words: list[str] = []
        while scope in self._scopes:
            parent, kind, name, file = self._scopes[scope]
            if kind == "module":
                break
            words += [name or "<lambda>"] if kind in ("class", "function", "lambda") else []
            scope = parent
        return ".".join((self._modules.get(file, file), *reversed(words)))


_PROVED_BY = {
    "name": "names",
    "module": "files",
    "module_name": "module_refs",
    "import_name": "imports",
    "keyword_argument": "args",
    **dict.fromkeys(("attribute", "call", "subscript", "await", "literal", "tuple", "list", "dict", "lambda"), "exprs"),
    **dict.fromkeys(("conditional", "bool_op", "union", "binary", "unary", "starred"), "exprs"),
}

_Row = tuple[str, int, int, str, float, str]
_Meaning = tuple[str, str, str]


def _by_meaning(side: _Side, rows: Sequence[_Row]) -> dict[_Meaning, list[_Row]]:
    found: dict[_Meaning, list[_Row]] = defaultdict(list)
    for row in rows:
        source, target = side.end(row[1]), side.end(row[2])
        found[row[0], f"{source.kind} {source.name}", target.name].append(row)
        side.leads[row[0], source.name].add(target.name)
        if row[0] == "inherits":
            side.bases.add((source.name, target.name))
    return found


def _left(
    here: dict[_Meaning, list[_Row]],
    there: dict[_Meaning, list[_Row]],
    change: Literal["created", "removed"],
    side: _Side,
    other: _Side,
) -> Iterable[Edge]:
    """What one side says more often than the other."""
    for meaning, rows in here.items():
        more = len(rows) - len(there.get(meaning, ()))
        if more <= 0:
            continue
        # A use whose id is new is the likelier one to be what came.
        rows = sorted(rows, key=lambda row: (row[1] in other.ends, side.end(row[1]).line))
        kind, src, dst, rule, confidence, _ = rows[0]
        source, target = side.end(src), side.end(dst)
        yield Edge(
            change=change,
            kind=kind,
            rule=rule,
            confidence=round(confidence, 4),
            source=source,
            target=target,
            count=more,
            cause=_cause(change, kind, source, target, side, other),
            evidence=tuple(_evidence(change, (src, dst), side, other)),
        )


def _cause(change: str, kind: str, source: End, target: End, side: _Side, other: _Side) -> str:
    is_new = change == "created"
    if kind in ("inherits", "overrides", "implements") and _is_named(other, source) and _is_named(other, target):
        if kind == "inherits":
            before, after = (_bases(each, source) for each in ((other, side) if is_new else (side, other)))
            if before != after:
                return f"the bases of the class are ({after}), and were ({before})"
        else:
            # That of the class around, else that of some class in between.
            around = source.name.rpartition(".")[0]
            found = sorted(side.bases - other.bases, key=lambda pair: (pair[0] != around, pair))
            if found:
                return f"{found[0][0]} {'now derives' if is_new else 'no longer derives'} from {found[0][1]}"
    elsewhere = sorted(other.leads.get((kind, source.name), set()) - side.leads.get((kind, source.name), set()))
    if elsewhere:
        return f"{'it led' if is_new else 'it now leads'} to {', '.join(elsewhere[:3])} {'before' if is_new else 'instead'}"
    if target.file and target.file not in other.version.parts.get("files", {}):
        return f"the file {target.file} {'came' if is_new else 'is gone'}"
    if _is_named(other, target):
        if _uses(other, source) < _uses(side, source):
            return f"the {'use' if kind != 'inherits' else 'base'} {'is new' if is_new else 'is gone'}"
        return f"what the names on the way to it mean {'now leads' if is_new else 'no longer leads'} there"
    return f"{target.name} {'is new' if is_new else 'is gone'}"


def _bases(side: _Side, end: End) -> str:
    """The bases of a class as its statement names them."""
    table = side.version.table
    ids = [id for id, each in side.ends.items() if each == end or (each.name == end.name and each.kind == end.kind)]
    rows = sorted(tuples(table("class_bases", ids=("class", ids)), "position", "expr"))
    words: dict[int, str] = {}
    for each in ("names", "exprs"):
        words |= dict(tuples(table(each, ids=("expr", [expr for _, expr in rows])), "expr", "name"))
    return ", ".join(words.get(expr, "?") for _, expr in rows)


def _is_named(side: _Side, end: End) -> bool:
    """Whether a version has something of that name."""
    if not end.file or any(each.name == end.name for each in side.ends.values()):
        return True
    word = end.name.rpartition(".")[2]
    names = side.version.table("cpg_nodes", [end.file])["name"].to_pylist()
    return word in names or end.name in names


def _uses(side: _Side, end: End) -> int:
    """How often one version names a use so, of those that some edge that differs begins at."""
    if not side.meant:
        side.meant.update(f"{each.kind} {each.name}" for each in side.ends.values())
    return side.meant[f"{end.kind} {end.name}"]


def _evidence(change: str, ids: tuple[int, int], side: _Side, other: _Side) -> Iterable[Proof]:
    for id in ids:
        proof = side.proofs.get(id)
        if proof is not None and not proof.file.startswith(OUTSIDE):
            told: Literal["added", "removed", "same"] = "same"
            if id not in other.proofs:
                told = "added" if change == "created" else "removed"
            yield msgspec.structs.replace(proof, change=told)


def _definitions(old: _Side, new: _Side) -> Iterable[Definition]:
    sides = [_defined(side) for side in (old, new)]
    ways: tuple[tuple[Literal["created", "removed"], int], ...] = (("removed", 0), ("created", 1))
    for change, index in ways:
        here, there = sides[index], sides[1 - index]
        for (name, kind), (file, line) in sorted(here.items()):
            if (name, kind) not in there:
                yield Definition(change, kind, name, file, line)


def _defined(side: _Side) -> dict[tuple[str, str], tuple[str, int]]:
    """The classes and functions of the files that differ, by dotted name."""
    files = side.files
    scopes = _Scopes(side.version.table("scopes", files), side.version.table("files", files))
    anchors = dict(tuples(side.version.table("anchors", files), "id", "line"))
    return {
        (f"{scopes.path(scope, file)}.{name}", kind): (file, anchors.get(binding, 0))
        for binding, scope, kind, name, file in tuples(
            side.version.table("bindings", files), "binding", "scope", "kind", "name", "file"
        )
        if kind in ("class", "function")
    }


def _only(these: Counter[_Row], others: Counter[_Row]) -> list[_Row]:
    return list((these - others).elements())


def _files(before: Version, after: Version, table: str) -> list[str]:
    """The files whose rows of a table differ."""
    old, new = (side.parts.get(table, {}) for side in (before, after))
    digests = ({file: part.digest for file, part in parts.items()} for parts in (old, new))
    first, second = digests
    return sorted(file for file in first.keys() | second.keys() if first.get(file) != second.get(file))


def _how(before: Version, after: Version, file: str) -> str:
    if file not in before.parts.get(SOURCES, {}):
        return "added"
    return "modified" if file in after.parts.get(SOURCES, {}) else "removed"
