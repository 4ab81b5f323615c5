"""The standard library as the graph sees it: the stubs of typeshed, in a partition of their own.

They come with a package of the installation, so nothing of the workspace or of any interpreter is run or read. Their paths
are URIs of files: they lie outside the workspace, and an editor opens them where they are. Stubs of modules that the target
version of Python does not have are left out, as the table `VERSIONS` of typeshed says.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from codeanatomy_engine import SourceFile

PARTITION = "stdlib"
_BEHIND_THE_WORKSPACE = 10_000
"""A search rank that no root of a workspace reaches."""

_SKIPPED = "_typeshed"


def standard_library(version: tuple[int, int] = sys.version_info[:2]) -> Iterator[SourceFile]:
    """The stubs of the standard library of a version of Python; none if the package with them is not installed."""
    home = _home()
    if home is None:
        return
    table = _versions(home / "VERSIONS")
    for folder, folders, names in os.walk(home):
        folders.sort()
        for name in sorted(names):
            if name.endswith(".pyi"):
                file = Path(folder, name)
                module = _module(file.relative_to(home))
                if _is_in(module, table, version):
                    yield _source(file, module, name == "__init__.pyi")


def _home() -> Path | None:
    # mypy carries typeshed as it is and follows it closely; only its data is used, and it is never imported.
    found = importlib.util.find_spec("mypy")
    if found is None or not found.submodule_search_locations:
        return None
    home = Path(found.submodule_search_locations[0]) / "typeshed" / "stdlib"
    return home if home.is_dir() else None


def _module(path: Path) -> str:
    parts = list(path.with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


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


def _is_in(module: str, table: Mapping[str, tuple[tuple[int, int], tuple[int, int]]], version: tuple[int, int]) -> bool:
    """Whether a version has a module: the nearest listed package decides."""
    name = module
    while name:
        if name in table:
            first, last = table[name]
            return first <= version <= last
        name = name.rpartition(".")[0]
    return module.startswith(_SKIPPED)


def _source(file: Path, module: str, is_package: bool) -> SourceFile:
    return SourceFile(
        path=file.as_uri(),
        module=module,
        package=module if is_package else module.rpartition(".")[0],
        is_package=is_package,
        is_stub=True,
        partition=PARTITION,
        search_rank=_BEHIND_THE_WORKSPACE,
        content=file.read_bytes(),
    )
