"""The configuration of one workspace: its root, its options with their origin, and its program.

The one place where options and rule packs are brought together, for the command line and the language server alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from codeanatomy_engine import EngineError

from codeanatomy_incremental import importlinter, options
from codeanatomy_incremental.contracts import Contract
from codeanatomy_incremental.packs import load as packs


class Configuration(msgspec.Struct, frozen=True):
    """Everything that is decided before a workspace is read."""

    root: Path
    loaded: options.Loaded
    program: packs.Program

    @property
    def options(self) -> options.Options:
        """The options in force."""
        return self.loaded.options


def load(root: Path, overrides: Mapping[str, str] | None = None) -> Configuration:
    """The configuration of the workspace at `root`; raises `TomlError` or `PackError` if it is wrong."""
    loaded = options.load(root, overrides)
    program = packs.load(packs_of(root, loaded.options.rules), root, loaded.options.rules.paths)
    return Configuration(root=root, loaded=loaded, program=program)


def packs_of(root: Path, rules: options.RulesOptions) -> tuple[str, ...]:
    """The packs of the installation that a workspace uses: those asked for, then those detected."""
    found = packs.detected(root) if rules.detect else {}
    return (*rules.packs, *(name for name in found if name not in rules.packs))


def contracts_of(root: Path, layers: options.LayersOptions) -> tuple[Contract, ...]:
    """The contracts that a workspace declares: its layers, its further contracts, and those that it wrote for import-linter."""
    own = (Contract(type="layers", name="layers", order=layers.order),) if layers.order else ()
    return (*own, *layers.contracts, *(importlinter.contracts(root) if layers.import_linter else ()))


def pack_error(program: packs.Program, error: EngineError) -> packs.PackError:
    """What the engine says of a program, with the line of the rule file that it means."""
    file, _, key = error.where.partition(": ")
    line = packs.line_of(program, error.where)
    return packs.PackError(error.code, file or "program", line, key, str(error), error.hint)
