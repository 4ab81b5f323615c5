"""A workspace with a graph and a history, driven by hand."""

from __future__ import annotations

import subprocess
from functools import cached_property
from pathlib import Path

import pyarrow as pa
import pytest

from codeanatomy_engine import CancelToken

from codeanatomy_incremental.change import Work
from codeanatomy_incremental.history import checkpoint, contents, manifest
from codeanatomy_incremental.history.delta import Place
from codeanatomy_incremental.history.manifest import Manifest, Origin
from codeanatomy_incremental.history.reader import Version
from codeanatomy_incremental.live import Graph

from tests.support import graphs, shop


class Kept:
    """A workspace whose graph is kept."""

    def __init__(self, root: Path, at: Path) -> None:
        self.root = shop.build(root)
        self.place = Place(str(at))

    @cached_property
    def graph(self) -> Graph:
        """The graph of the workspace, indexed when it is asked for."""
        return graphs.indexed(self.root)

    def write(self, path: str, text: str | None) -> None:
        """Let a file have a text, or be gone."""
        graph = self.graph
        if text is None:
            (self.root / path).unlink()
        else:
            (self.root / path).write_text(text)
        graph.apply(Work(rescan="test"), CancelToken())

    def tables(self) -> list[tuple[str, pa.Table]]:
        """What the history keeps of the graph as it is."""
        return list(contents.tables(self.graph.engine.snapshot(), self.graph.sources()))

    def checkpoint(self, commit: str = "") -> Manifest | None:
        """Add a version."""
        return checkpoint.write(self.place, self.tables(), Origin(commit=commit))

    def at(self, name: str | int) -> Version:
        """A version."""
        manifests = manifest.load(self.place)
        found = manifest.find(manifests, str(name))
        assert found is not None
        return Version(self.place, found, manifests[-1])

    def versions(self) -> list[int]:
        """The versions that can be read."""
        return [each.version for each in manifest.checkpoints(manifest.load(self.place))]


def shown(tables: list[tuple[str, pa.Table]]) -> dict[str, list[str]]:
    """Every row of every table, in an order that depends on nothing but the rows."""
    return {name: sorted(map(repr, (sorted(row.items()) for row in table.to_pylist()))) for name, table in tables}


def shown_version(version: Version) -> dict[str, list[str]]:
    """The same of a version of a history."""
    return shown([(name, version.table(name)) for name in version.names()])


def git(root: Path, *words: str) -> str:
    """Run git for a test."""
    named = (
        "-c",
        "user.name=a",
        "-c",
        "user.email=a@example.org",
        "-c",
        "init.defaultBranch=main",
        "-c",
        "commit.gpgsign=false",
    )
    return subprocess.run(
        ("git", *named, "-C", root, *words), check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path / "ws", tmp_path / "history")


SOME = ("files", "bindings", "names", "cpg_nodes", "cpg_edges", "sources")
"""Enough tables for a writer to be killed in between."""


def states(root: Path, at: Path) -> list[list[tuple[str, pa.Table]]]:
    """A few graphs, each an edit after the one before."""
    kept = Kept(root, at)
    found = [kept.tables()]
    for path, text in (
        ("shop/tools.py", shop.FILES["shop/tools.py"].replace("discount", "rebate")),
        ("main.py", None),
        ("main.py", shop.FILES["main.py"] + "\n\ndef more():\n    return run(2)\n"),
    ):
        kept.write(path, text)
        found.append(kept.tables())
    return [[(name, table) for name, table in state if name in SOME] for state in found]
