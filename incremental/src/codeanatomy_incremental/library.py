"""From the name of a module to the file of a library: typeshed for the standard library, the search path for the rest.

The order is that of type checkers: stubs of typeshed, then stub packages, then what is installed, a stub before the source
beside it. Only files are looked at, and only those that some import asks for. The path of a library file in the graph is its
URI: it lies outside the workspace, and an editor opens it where it is.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec

from codeanatomy_incremental import disk
from codeanatomy_incremental.distributions import Distribution, Distributions
from codeanatomy_incremental.environment import Environment, Place

NEEDED = (
    "builtins", "typing", "types", "typing_extensions", "collections", "collections.abc", "abc", "enum", "dataclasses",
    "functools", "_typeshed",
)  # fmt: skip
"""Modules that rules ask about in every workspace, whatever it imports."""

_BEHIND_THE_WORKSPACE = 10_000
"""A search rank that no root of a workspace reaches."""

_BEHIND_EVERYTHING = 20_000
"""The search rank of a file that no import leads to."""

_COMPILED = (".so", ".pyd")


class LibraryFile(msgspec.Struct, frozen=True):
    """A file of a library, as the engine takes it."""

    uri: str
    path: str
    identity: str
    """What its ids hash: the release that it is part of, wherever that is installed; the path, if nothing names a release."""

    module: str
    package: str
    is_package: bool
    is_stub: bool
    partition: str
    search_rank: int
    source: str = ""
    """The source that a stub describes, if it is there."""

    distribution: str = ""
    version: str = ""


class Missing(msgspec.Struct, frozen=True):
    """Why no file of a module is in the graph."""

    reason: str
    exists: bool = False
    """Whether there is a file that must stay out."""


class _Part(NamedTuple):
    """A folder in which the modules of a package lie."""

    folder: str
    kind: Literal["typeshed", "source", "stubs", "packages"]
    base: str
    """The place of the search path under which it was found."""


class _Found(NamedTuple):
    """What the search path has for a name."""

    stub: str = ""
    source: str = ""
    part: _Part | None = None
    """The place of the stub if there is one, else that of the source."""

    is_package: bool = False
    parts: tuple[_Part, ...] = ()
    reason: str = ""


class Library:
    """The search path of one environment. What was looked up is remembered; a changed environment needs a new one."""

    def __init__(self, environment: Environment, standard_library: bool = True, packages: bool = True) -> None:
        self._version = environment.version
        self._typeshed = _home() if standard_library else None
        self._stubs = Distribution("typeshed", _version_of_stubs())
        self._versions = _versions(self._typeshed / "VERSIONS") if self._typeshed else {}
        self._tops: list[_Part] = []
        if self._typeshed is not None:
            self._tops.append(_Part(str(self._typeshed), "typeshed", str(self._typeshed)))
        if environment.standard_library and standard_library:
            self._tops.append(_Part(environment.standard_library, "source", environment.standard_library))
        used = [place for place in environment.places if place.used and packages]
        folders = [place.path for place in used if place.kind in ("site-packages", "path-line")]
        self._tops += [_Part(folder, "packages", folder) for folder in dict.fromkeys(folders)]
        self._editable = {place.module: place.path for place in used if place.kind == "editable"}
        self._names: dict[str, dict[str, bool]] = {}
        self._compiled: dict[str, frozenset[str]] = {}
        self._known: dict[str, _Found] = {}
        self._distributions: dict[str, Distributions] = {}

    def resolve(self, module: str) -> LibraryFile | Missing:
        """The file that a module is, or why there is none."""
        found = self._find(module)
        path = found.stub or found.source
        if not path or found.part is None:
            return Missing(found.reason or "no place of the search path has it")
        is_standard = found.part.kind == "typeshed"
        distribution = self._distribution(path, found.part)
        relative = os.path.relpath(path, found.part.base).replace(os.sep, "/")
        return LibraryFile(
            uri=Path(path).as_uri(),
            path=path,
            identity=f"{distribution.name}@{distribution.version}/{relative}" if distribution.name else "",
            module=module,
            package=module if found.is_package else module.rpartition(".")[0],
            is_package=found.is_package,
            is_stub=bool(found.stub),
            partition="stdlib" if is_standard else "library",
            search_rank=_BEHIND_THE_WORKSPACE + bool(found.stub),
            source=found.source if found.stub else "",
            distribution=distribution.name,
            version=distribution.version,
        )

    def at(self, path: str) -> LibraryFile | None:
        """The file of the search path that lies at a path, if one does.

        A file that no import leads to, such as source that a stub describes, gets the name of a module that none can name: it
        can be asked about and changes no other answer.
        """
        for part in (*self._tops, *(_Part(os.path.dirname(each), "packages", "") for each in self._editable.values())):
            folder = part.folder.rstrip(os.sep) + os.sep
            stem, suffix = os.path.splitext(path)
            if not path.startswith(folder) or suffix not in (".py", ".pyi"):
                continue
            names = stem[len(folder) :].split(os.sep)
            is_package = names[-1] == "__init__"
            names = names[:-1] if is_package else names
            if not names or not all(name.removesuffix("-stubs").isidentifier() for name in names):
                continue
            module = ".".join((names[0].removesuffix("-stubs"), *names[1:]))
            found = self.resolve(module)
            if isinstance(found, LibraryFile) and found.path == path:
                return found
            return LibraryFile(
                uri=Path(path).as_uri(),
                path=path,
                identity="",
                module=f"{module} at {path}",
                package=module if is_package else module.rpartition(".")[0],
                is_package=is_package,
                is_stub=suffix == ".pyi",
                partition="library",
                search_rank=_BEHIND_EVERYTHING,
            )
        return None

    def _find(self, module: str) -> _Found:
        found = self._known.get(module)
        if found is None:
            found = self._known[module] = self._search(module)
        return found

    def _search(self, module: str) -> _Found:
        if not module or not all(part.isidentifier() for part in module.split(".")):
            return _Found(reason="it is no name of a module")
        parent, _, name = module.rpartition(".")
        if module in self._editable:
            path = self._editable[module]
            part = _Part(os.path.dirname(path), "packages", os.path.dirname(path))
            return self._chosen(module, [self._look(part, os.path.splitext(os.path.basename(path))[0])])
        if parent:
            parts = list(self._find(parent).parts)
            if not parts:
                return _Found(reason=f"`{parent}` is no package that the search path has")
            return self._chosen(module, [self._look(part, name) for part in parts])
        standard = [part for part in self._tops if part.kind in ("typeshed", "source")]
        found = self._chosen(module, [self._look(part, name) for part in standard])
        if found.part is not None or found.source or found.parts:
            return found
        installed = [part for part in self._tops if part.kind == "packages"]
        stubs = [
            self._look(_Part(part.folder, "stubs", part.base), f"{name}-stubs")
            for part in installed
            if f"{name}-stubs" in self._listed(part.folder)
        ]
        below = self._chosen(module, [*stubs, *(self._look(part, name) for part in installed)])
        return below if below.part is not None or not found.reason else below._replace(reason=found.reason)

    def _look(self, part: _Part, name: str) -> _Found:
        """What one folder has for a name."""
        names = self._listed(part.folder)
        folder = os.path.join(part.folder, name)
        if names.get(name):
            inside = self._listed(folder)
            stub, source = (inside.get(f"__init__{suffix}") is False for suffix in (".pyi", ".py"))
            if stub or source:
                return _Found(
                    stub=os.path.join(folder, "__init__.pyi") if stub else "",
                    source=os.path.join(folder, "__init__.py") if source else "",
                    part=part,
                    is_package=True,
                    parts=(part._replace(folder=folder),),
                )
        stub, source = (names.get(f"{name}{suffix}") is False for suffix in (".pyi", ".py"))
        if stub or source:
            return _Found(
                stub=os.path.join(part.folder, f"{name}.pyi") if stub else "",
                source=os.path.join(part.folder, f"{name}.py") if source else "",
                part=part,
            )
        if name in self._compiled_in(part.folder):
            return _Found(reason="it is compiled, and no stub describes it")
        if names.get(name):
            return _Found(parts=(part._replace(folder=folder),), reason="it is a package without a file of its own")
        return _Found()

    def _chosen(self, module: str, found: list[_Found]) -> _Found:
        """What several folders have together, in their order: the first stub, the first source, and where to look below."""
        stub: _Found | None = None
        source: _Found | None = None
        parts: list[_Part] = []
        namespaces: list[_Part] = []
        reason = ""
        for each in found:
            reason = reason or each.reason
            if each.part is None:
                namespaces += each.parts
                continue
            if each.part.kind == "typeshed" and not self._is_in_version(module):
                reason = f"Python {self._version[0]}.{self._version[1]} does not have it"
                continue
            described = each.part.kind in ("typeshed", "stubs")
            if not described and source is not None:
                continue
            if each.stub and stub is None:
                stub = each
            if each.source:
                source = each
            parts += each.parts
            if not described:
                # A package of its own hides what lies further down the path.
                source = source or each
        best = stub or (source if source is not None and source.part and source.part.kind != "source" else None)
        if best is None:
            if source is not None:
                reason = "the standard library has it, and no stub describes it"
            return _Found(source="", parts=(*parts, *namespaces), reason=reason)
        has_source = source is not None and bool(source.source)
        # Source of a namespace that another folder has is reached only where no package is.
        below = (*parts, *namespaces) if not any(part.kind == "packages" for part in parts) else tuple(parts)
        return _Found(
            stub=stub.stub if stub else "",
            source=source.source if has_source and source is not None else "",
            part=best.part,
            is_package=best.is_package,
            parts=below,
        )

    def _listed(self, folder: str) -> dict[str, bool]:
        names = self._names.get(folder)
        if names is None:
            names = self._names[folder] = disk.names(folder)
        return names

    def _compiled_in(self, folder: str) -> frozenset[str]:
        """Names of the modules in a folder that are compiled."""
        found = self._compiled.get(folder)
        if found is None:
            names = (name.partition(".")[0] for name in self._listed(folder) if name.endswith(_COMPILED))
            found = self._compiled[folder] = frozenset(names)
        return found

    def _is_in_version(self, module: str) -> bool:
        """Whether the version of the environment has a module of typeshed: the nearest listed package decides."""
        name = module
        while name:
            if name in self._versions:
                first, last = self._versions[name]
                return first <= self._version <= last
            name = name.rpartition(".")[0]
        return True

    def _distribution(self, path: str, part: _Part) -> Distribution:
        if part.kind == "typeshed":
            return self._stubs
        base = part.base
        if base not in self._distributions:
            self._distributions[base] = Distributions(base)
        return self._distributions[base].of(os.path.relpath(path, base).replace(os.sep, "/"))


def is_library(path: str) -> bool:
    """Whether a path of the graph lies outside the workspace; it is a URI then."""
    return "://" in path


def places(environment: Environment) -> tuple[Place, ...]:
    """The whole search path behind the workspace: stubs of the standard library, then the environment."""
    home = _home()
    if home is None:
        return environment.places
    said = f"mypy {_version_of_stubs()}, installed with CodeAnatomy"
    return (Place(str(home), "typeshed", said, "stubs of the standard library"), *environment.places)


def _home() -> Path | None:
    # mypy carries typeshed as it is and follows it closely; only its data is used, and it is never imported.
    found = importlib.util.find_spec("mypy")
    if found is None or not found.submodule_search_locations:
        return None
    home = Path(found.submodule_search_locations[0]) / "typeshed" / "stdlib"
    return home if home.is_dir() else None


def _version_of_stubs() -> str:
    # Loads the machinery of e-mail; not before it is asked for.
    import importlib.metadata

    try:
        return importlib.metadata.version("mypy")
    except importlib.metadata.PackageNotFoundError:
        return "unknown"


def _versions(file: Path) -> Mapping[str, tuple[tuple[int, int], tuple[int, int]]]:
    """Module to first and last version of Python that has it, as `module: 3.0-3.11` says."""
    table: dict[str, tuple[tuple[int, int], tuple[int, int]]] = {}
    for line in file.read_text("utf-8").splitlines():
        module, colon, span = line.partition("#")[0].partition(":")
        if colon:
            first, _, last = span.strip().partition("-")
            table[module.strip()] = (_pair(first), _pair(last) if last else (99, 0))
    return table


def _pair(text: str) -> tuple[int, int]:
    major, _, minor = text.strip().partition(".")
    return int(major), int(minor or 0)
