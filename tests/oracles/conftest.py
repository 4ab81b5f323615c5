"""The standard library and what the syntax crate reads from it, once per session.

The dump program is built by `cargo build --profile quick -p anatomy_syntax --example syntax_dump`; no Python extension
is needed. `CARGO_TARGET_DIR` says where, as it does for cargo.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Dump = dict[str, Any]


def target_directory() -> Path:
    """The target directory of cargo: the variable, or `target` beside the workspace manifest."""
    chosen = os.environ.get("CARGO_TARGET_DIR")
    return Path(chosen) if chosen else Path(__file__).parents[2] / "target"


@pytest.fixture(scope="session")
def dump_program() -> Path:
    """The dump program."""
    program = target_directory() / "quick" / "examples" / "syntax_dump"
    assert program.exists(), f"{program} is not built; see this file's docstring"
    return program


@pytest.fixture(scope="session")
def stdlib_files() -> list[Path]:
    """Every Python file of the standard library that runs this test, bad test data included."""
    root = Path(sys.base_prefix) / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}"
    files = [path for path in sorted(root.rglob("*.py")) if "site-packages" not in path.parts]
    assert len(files) > 1000, f"{root} holds no whole standard library"
    return files


@pytest.fixture(scope="session")
def compiled(stdlib_files: list[Path]) -> dict[Path, bytes]:
    """The files that CPython compiles, with their bytes."""
    found = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for path in stdlib_files:
            source = path.read_bytes()
            try:
                compile(source, str(path), "exec", dont_inherit=True)
            except (SyntaxError, ValueError, RecursionError):
                continue
            found[path] = source
    return found


@pytest.fixture(scope="session")
def dump_files(dump_program: Path) -> Callable[[list[Path]], list[Dump]]:
    """What the program prints for each path, in order."""

    def dump(paths: list[Path]) -> list[Dump]:
        ran = subprocess.run(
            [dump_program], input="\n".join(map(str, paths)), capture_output=True, text=True, check=True, timeout=300
        )
        lines = ran.stdout.splitlines()
        assert len(lines) == len(paths)
        return [json.loads(line) for line in lines]

    return dump


@pytest.fixture(scope="session")
def stdlib_dumps(dump_files: Callable[[list[Path]], list[Dump]], compiled: dict[Path, bytes]) -> dict[Path, Dump]:
    """What the program prints for each file that CPython compiles."""
    paths = list(compiled)
    return dict(zip(paths, dump_files(paths), strict=True))
