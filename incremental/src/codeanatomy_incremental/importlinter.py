"""Contracts that a team has written for import-linter, read from where it reads them.

`setup.cfg`, `.importlinter` and `pyproject.toml`, in that order; nothing is run. Contracts of a team's own types are left out, and
so are options that only change what import-linter prints.
"""

from __future__ import annotations

import configparser
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from codeanatomy_incremental.contracts import Contract

_ALLOW = "allow_indirect_imports"


def contracts(root: Path) -> tuple[Contract, ...]:
    """The contracts below a root; none where there is no configuration, or none that can be read."""
    for name in ("setup.cfg", ".importlinter", "pyproject.toml"):
        session, found = _toml(root / name) if name.endswith(".toml") else _ini(root / name)
        if session:
            roots = _words(session.get("root_packages")) or _words(session.get("root_package"))
            checked = _truth(session.get("exclude_type_checking_imports"))
            return tuple(made for each in found if (made := _contract(each, roots, not checked)) is not None)
    return ()


def _toml(file: Path) -> tuple[Mapping[str, Any], list[Mapping[str, Any]]]:
    try:
        table = tomllib.loads(file.read_text("utf-8")).get("tool", {}).get("importlinter", {})
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        # Whoever wrote it hears of it from import-linter itself.
        return {}, []
    return table, list(table.get("contracts", []))


def _ini(file: Path) -> tuple[Mapping[str, Any], list[Mapping[str, Any]]]:
    parser = configparser.ConfigParser()
    try:
        parser.read_string(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, configparser.Error):
        return {}, []
    if not parser.has_section("importlinter"):
        return {}, []
    named = [each for each in parser.sections() if each.startswith("importlinter:contract:")]
    return dict(parser["importlinter"]), [dict(parser[each]) for each in named]


def _contract(said: Mapping[str, Any], roots: tuple[str, ...], type_checking: bool) -> Contract | None:
    name = str(said.get("name", ""))
    ignore = tuple(_lines(said.get("ignore_imports")))
    shared: dict[str, Any] = {"name": name, "ignore": ignore, "type_checking": type_checking, "roots": roots}
    match said.get("type"):
        case "layers":
            return Contract(
                type="layers",
                order=tuple(_lines(said.get("layers"))),
                containers=_words(said.get("containers")),
                exhaustive=_truth(said.get("exhaustive")),
                exhaustive_ignores=_words(said.get("exhaustive_ignores")),
                **shared,
            )
        case "independence":
            return Contract(type="independence", modules=_words(said.get("modules")), **shared)
        case "forbidden":
            return Contract(
                type="forbidden",
                modules=_words(said.get("source_modules")),
                forbidden=_words(said.get("forbidden_modules")),
                direct_only=_truth(said.get(_ALLOW)),
                exact=not _truth(said.get("as_packages", True)),
                **shared,
            )
        case "protected":
            return Contract(
                type="protected",
                modules=_words(said.get("protected_modules")),
                allowed=_words(said.get("allowed_importers")),
                exact=not _truth(said.get("as_packages", True)),
                **shared,
            )
        case "acyclic_siblings":
            return Contract(type="acyclic", modules=_words(said.get("ancestors")), **shared)
        case _:
            return None


def _lines(said: object) -> Iterator[str]:
    """The values of a list: of a text one on each line."""
    for each in said if isinstance(said, list) else str(said or "").splitlines():
        if str(each).strip():
            yield str(each).strip()


def _words(said: object) -> tuple[str, ...]:
    return tuple(_lines(said))


def _truth(said: object) -> bool:
    return str(said).strip().lower() in ("true", "yes", "1", "on")
