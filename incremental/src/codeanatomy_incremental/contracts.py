"""What may import what: contracts that a team declares, and the imports that break them.

Five kinds have the meaning that import-linter gives them, so that a team can switch: layers, independence, forbidden, protected and
acyclic. One is ours: modules that are pure decide, and reach no clock, lock, queue, network or store. Pure: contracts and imports in, violations out, each with the import that breaks the contract and the chain that shows
how. Reads no file and knows no snapshot.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence, Set
from typing import Literal

import msgspec

CODES = {
    "layer-import": "A module imports one of a layer above its own, or of a sibling that it must not know, perhaps through others.",
    "layer-unlisted": "A module lies in a container whose layers are all listed, and is in none of them.",
    "independence-import": "A module imports one that it shall be independent of, perhaps through others.",
    "forbidden-import": "A module imports what it must not, perhaps through others.",
    "protected-import": "A module imports what only others may import.",
    "impure-import": "A module that shall only decide reaches what acts or waits, perhaps through others.",
    "import-cycle": "Modules or packages that lie beside each other import each other in a circle.",
}
"""What the code of each violation means."""

IMPURE = {
    "clock": ("time", "sched"),
    "lock": ("threading", "_thread", "asyncio", "concurrent", "multiprocessing", "anyio", "trio", "filelock"),
    "queue": ("queue", "celery", "kombu", "rq", "pika"),
    "network": (
        "socket", "ssl", "socketserver", "http.client", "urllib.request", "smtplib", "ftplib", "requests", "httpx", "aiohttp",
        "urllib3",
    ),
    "store": ("sqlite3", "dbm", "shelve", "sqlalchemy", "psycopg", "psycopg2", "pymongo", "redis", "django.db", "boto3"),
    "process": ("subprocess", "signal", "tempfile", "shutil"),
    "retry": ("tenacity", "backoff", "retrying"),
    "chance": ("random", "secrets", "uuid"),
}  # fmt: skip
"""What a pure module must not reach, by what it is."""

_MOST_CHAINS = 50
"""More ways through others from one package to another tell a reader nothing new."""


class Contract(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A contract. Modules are dotted names that stand for everything below them; `*` is one word and `**` several."""

    type: Literal["layers", "independence", "forbidden", "protected", "acyclic", "pure"]
    """What it asks for."""

    name: str = ""
    """What messages call it."""

    order: tuple[str, ...] = ()
    """Of layers: from the top to the bottom. `a | b` are siblings that must not know each other, `a : b` siblings that may; a
    layer in brackets may be missing."""

    containers: tuple[str, ...] = ()
    """Of layers: packages in each of which the layers lie; left out, layers are named in full."""

    exhaustive: bool = False
    """Of layers in containers: every module of a container must lie in a layer."""

    exhaustive_ignores: tuple[str, ...] = ()
    """Modules of containers that need not lie in a layer."""

    modules: tuple[str, ...] = ()
    """Of independence: none of them imports another. Of forbidden: who must not import. Of protected: what is protected. Of
    acyclic: the packages whose children, and theirs, must not import each other in circles; left out, all. Of pure: who only
    decides."""

    forbidden: tuple[str, ...] = ()
    """Of forbidden: what must not be imported, packages of others too."""

    allowed: tuple[str, ...] = ()
    """Of protected: who may import. Of pure: what may be reached all the same."""

    direct_only: bool = False
    """Chains through other modules do not count."""

    exact: bool = False
    """Modules stand for themselves alone."""

    ignore: tuple[str, ...] = ()
    """Imports that do not count: `a.b -> c.d`."""

    type_checking: bool = True
    """Imports below `if TYPE_CHECKING:` count."""

    roots: tuple[str, ...] = ()
    """Packages whose modules chains may go through; left out, all of the workspace."""


class Import(msgspec.Struct, frozen=True):
    """That a module imports another."""

    importer: str
    imported: str
    type_checking: bool = False


class Violation(msgspec.Struct, frozen=True, order=True):
    """An import that breaks a contract."""

    contract: str
    code: str
    importer: str
    imported: str
    """What the importer imports itself; empty where a module is wrong by being there."""

    source: str
    """The layer or package that must not know the other."""

    target: str
    chain: tuple[str, ...]
    message: str


Graph = Mapping[str, Set[str]]


def violations(contracts: Iterable[Contract], imports: Iterable[Import], modules: Collection[str]) -> list[Violation]:
    """Every import that breaks a contract, sorted. `modules` are those of the workspace: what else is imported is the code of
    others and imports nothing."""
    edges = tuple(imports)
    return sorted(each for contract in contracts for each in _CHECKS[contract.type](*_seen(contract, edges, modules)))


def _seen(
    contract: Contract, imports: Sequence[Import], modules: Collection[str]
) -> tuple[Contract, dict[str, set[str]], set[str]]:
    """The imports and modules that a contract looks at."""
    inside = {each for each in modules if not contract.roots or _below_any(each, contract.roots)}
    ignored = [tuple(_pattern(side.strip()) for side in each.split("->")) for each in contract.ignore]
    graph: dict[str, set[str]] = {each: set() for each in inside}
    for edge in imports:
        if edge.importer not in inside or edge.importer == edge.imported:
            continue
        if edge.type_checking and not contract.type_checking:
            continue
        if any(pair[0].fullmatch(edge.importer) and pair[-1].fullmatch(edge.imported) for pair in ignored):
            continue
        graph[edge.importer].add(edge.imported)
    return contract, graph, inside


def _layers(contract: Contract, graph: dict[str, set[str]], modules: set[str]) -> Iterator[Violation]:
    for container in contract.containers or ("",):
        levels = [_siblings(level, container) for level in contract.order]
        for upper, (names, separate) in enumerate(levels):
            others = [(low, high) for lower in levels[upper + 1 :] for low in lower[0] for high in names]
            if separate:
                others += [(one, other) for one in names for other in names if one != other]
            layered = [name for level, _ in levels for name in level]
            for low, high in others:
                what = f"`{low}` must not know `{high}`"
                yield from _chains(contract, "layer-import", graph, low, high, layered, what)
        if contract.exhaustive and container:
            yield from _unlisted(contract, container, {name for level, _ in levels for name in level}, modules)


def _siblings(level: str, container: str) -> tuple[list[str], bool]:
    """The full names of the layers at one level, and whether they must not know each other."""
    names = [each.strip().strip("()").strip() for each in re.split(r"[|:]", level)]
    return [f"{container}.{name}" if container else name for name in names], "|" in level


def _unlisted(contract: Contract, container: str, listed: Set[str], modules: set[str]) -> Iterator[Violation]:
    children = {
        container + "." + each[len(container) + 1 :].partition(".")[0] for each in modules if _is_below(each, container)
    }
    free = {f"{container}.{each}" for each in contract.exhaustive_ignores}
    for module in sorted(children - listed - free - {f"{container}."}):
        message = f"`{module}` lies in no layer of `{container}`"
        yield Violation(_name(contract), "layer-unlisted", module, "", module, container, (), message)


def _independence(contract: Contract, graph: dict[str, set[str]], modules: set[str]) -> Iterator[Violation]:
    names = matching(contract.modules, modules)
    for one in names:
        for other in names:
            if one != other:
                what = f"`{one}` must not know `{other}`"
                yield from _chains(contract, "independence-import", graph, one, other, names, what)


def _forbidden(contract: Contract, graph: dict[str, set[str]], modules: set[str]) -> Iterator[Violation]:
    known = modules | {each for imported in graph.values() for each in imported}
    for source in matching(contract.modules, modules):
        for target in matching(contract.forbidden, known):
            if not _below_any(source, (target,)) and not _below_any(target, (source,)):
                what = f"`{source}` must not import `{target}`"
                yield from _chains(contract, "forbidden-import", graph, source, target, (), what)


def _protected(contract: Contract, graph: dict[str, set[str]], modules: set[str]) -> Iterator[Violation]:
    allowed = matching(contract.allowed, modules)
    for target in matching(contract.modules, modules):
        for importer in sorted(graph):
            if _belongs(importer, target, contract.exact) or any(
                _belongs(importer, each, contract.exact) for each in allowed
            ):
                continue
            for imported in sorted(graph[importer]):
                if _belongs(imported, target, contract.exact):
                    message = f"`{importer}` may not import `{imported}`: only {_listed(contract.allowed)} may"
                    chain = (importer, imported)
                    yield Violation(
                        _name(contract), "protected-import", importer, imported, importer, target, chain, message
                    )


def _acyclic(contract: Contract, graph: dict[str, set[str]], modules: set[str]) -> Iterator[Violation]:
    tops = (
        matching(contract.modules, modules)
        if contract.modules
        else sorted({each.partition(".")[0] for each in modules})
    )
    parents = {each.rpartition(".")[0] for each in modules} - {""}
    # Modules without a package lie beside each other too.
    whole = () if contract.modules else ("",)
    for parent in (*whole, *sorted(each for each in parents if _below_any(each, tops))):
        inner: dict[str, dict[str, tuple[str, str]]] = {}
        for importer in sorted(graph):
            for imported in sorted(graph[importer]):
                one, other = _child(importer, parent), _child(imported, parent)
                if one and other and one != other and imported in modules:
                    inner.setdefault(one, {}).setdefault(other, (importer, imported))
        for cycle in _cycles({one: set(others) for one, others in inner.items()}):
            importer, imported = inner[cycle[-1]][cycle[0]]
            shown = " → ".join(f"`{each}`" for each in (*cycle, cycle[0]))
            kind = "packages" if any(_is_below(each, one) for one in cycle for each in modules) else "modules"
            message = f"{kind} import each other in a circle: {shown}"
            chain = (*cycle, cycle[0])
            yield Violation(_name(contract), "import-cycle", importer, imported, cycle[-1], cycle[0], chain, message)


def _pure(contract: Contract, graph: dict[str, set[str]], modules: set[str]) -> Iterator[Violation]:
    outside = {each for imported in graph.values() for each in imported} - modules
    for source in matching(contract.modules, modules):
        for kind, names in IMPURE.items():
            for target in names:
                if target not in contract.allowed and any(_belongs(each, target, False) for each in outside):
                    what = f"`{source}` shall only decide, and `{target}` is a {kind}"
                    yield from _chains(contract, "impure-import", graph, source, target, (), what)


def _chains(
    contract: Contract,
    code: str,
    graph: dict[str, set[str]],
    source: str,
    target: str,
    layered: Collection[str],
    what: str,
) -> Iterator[Violation]:
    """The ways on which one package knows another, past all others that are listed, the shortest first: one for each import of
    the first package that such a way begins with."""
    avoided = {each for each in layered if each not in (source, target)}
    sources = sorted(each for each in graph if _belongs(each, source, contract.exact))
    cut: set[tuple[str, str]] = set()

    def broken(chain: Sequence[str]) -> Violation:
        importer, imported = chain[:2]
        cut.add((importer, imported))
        way = " → ".join(f"`{each}`" for each in chain)
        message = f"{what}: {way}" if len(chain) > 2 else f"{what}: `{importer}` imports `{imported}`"
        return Violation(_name(contract), code, importer, imported, source, target, tuple(chain), message)

    for module in sources:
        for imported in sorted(graph[module]):
            if _belongs(imported, target, contract.exact):
                yield broken((module, imported))
    for _ in range(0 if contract.direct_only else _MOST_CHAINS):
        chain = _shortest(graph, sources, target, avoided, cut, contract.exact)
        if not chain:
            return
        yield broken(chain)


def _shortest(
    graph: Graph,
    sources: Sequence[str],
    target: str,
    avoided: Set[str],
    cut: Set[tuple[str, str]],
    exact: bool,
) -> list[str]:
    """The shortest way from a module of a package out of it and into another; empty if there is none."""
    before: dict[str, str] = dict.fromkeys(sources, "")
    found = deque(sources)
    while found:
        module = found.popleft()
        for imported in sorted(graph.get(module, ())):
            if imported in before or (module, imported) in cut or _below_any(imported, avoided):
                continue
            before[imported] = module
            if _belongs(imported, target, exact):
                chain = [imported]
                while before[chain[-1]]:
                    chain.append(before[chain[-1]])
                return chain[::-1]
            found.append(imported)
    return []


def _cycles(graph: Graph) -> Iterator[tuple[str, ...]]:
    """One shortest circle of each set of nodes that reach each other, from its first node on."""
    backwards: dict[str, set[str]] = {}
    for node, following in graph.items():
        for each in following:
            backwards.setdefault(each, set()).add(node)
    seen: set[str] = set()
    for start in sorted(graph):
        if start in seen:
            continue
        before = _reached(graph, start)
        last = next((node for node in before if start in graph.get(node, ())), None)
        if last is None:
            continue
        circle = [last]
        while before[circle[-1]]:
            circle.append(before[circle[-1]])
        seen |= before.keys() & _reached(backwards, start).keys()
        yield tuple(reversed(circle))


def _reached(graph: Graph, start: str) -> dict[str, str]:
    """The nodes that a node leads to, nearest first, each with the one before it on the way."""
    before = {start: ""}
    found = deque([start])
    while found:
        node = found.popleft()
        for following in sorted(graph.get(node, ())):
            if following not in before:
                before[following] = node
                found.append(following)
    return before


def matching(names: Iterable[str], modules: Collection[str]) -> list[str]:
    """Modules that names mean, in the order of the names: one without a wildcard stands for itself."""
    found: dict[str, None] = {}
    for name in names:
        if "*" in name:
            pattern = _pattern(name)
            found.update(dict.fromkeys(sorted(each for each in modules if pattern.fullmatch(each))))
        else:
            found[name] = None
    return list(found)


def _pattern(name: str) -> re.Pattern[str]:
    parts = (
        r"[^.]+(?:\.[^.]+)*" if each == "**" else r"[^.]+" if each == "*" else re.escape(each)
        for each in name.split(".")
    )
    return re.compile(r"\.".join(parts))


def _belongs(module: str, package: str, exact: bool) -> bool:
    return module == package or (not exact and module.startswith(package + "."))


def _is_below(module: str, package: str) -> bool:
    return module.startswith(package + ".")


def _below_any(module: str, packages: Collection[str]) -> bool:
    """Whether a module is one of these or lies in one: looked up by its own packages, of which there are few."""
    while module:
        if module in packages:
            return True
        module = module.rpartition(".")[0]
    return False


def _child(module: str, parent: str) -> str:
    """The child of a package in which a module lies; empty if it lies elsewhere. The empty package holds all."""
    if not parent:
        return module.partition(".")[0]
    return f"{parent}.{module[len(parent) + 1 :].partition('.')[0]}" if _is_below(module, parent) else ""


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{each}`" for each in names) or "nobody"


def _name(contract: Contract) -> str:
    return contract.name or contract.type


_CHECKS: Mapping[str, Callable[[Contract, dict[str, set[str]], set[str]], Iterator[Violation]]] = {
    "layers": _layers,
    "independence": _independence,
    "forbidden": _forbidden,
    "protected": _protected,
    "acyclic": _acyclic,
    "pure": _pure,
}
