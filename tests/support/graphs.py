"""Graphs for tests: opened, indexed, compared."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa

from codeanatomy_engine import CancelToken, Snapshot

from codeanatomy_incremental import options
from codeanatomy_incremental.live import Graph, Progress
from codeanatomy_incremental.packs import load as packs

from bench.editor import PATIENCE_S

QUIET = {
    "incremental.watch": "false",
    "incremental.reconcile_s": "0",
    "incremental.poll_s": "0",
    "workspace.standard_library": "false",
    "workspace.packages": "false",
    "witnesses.syntax": "false",
    "witnesses.at_rest": "[]",
}
"""Nothing happens that a test does not ask for, and nothing is there that it did not write."""


def opened(root: Path, overrides: dict[str, str] | None = None, encoding: str = "utf-16") -> Graph:
    """The graph of a workspace, not yet indexed."""
    loaded = options.load(root, QUIET | (overrides or {}))
    rules = loaded.options.rules
    return Graph(root, loaded.options, packs.load(rules.packs, root, rules.paths), encoding)


def indexed(root: Path, overrides: dict[str, str] | None = None) -> Graph:
    """The graph of a workspace with everything in it."""
    graph = opened(root, overrides)
    graph.index(no_progress, CancelToken())
    return graph


def no_progress(_progress: Progress) -> None:
    """Progress that nobody looks at."""


def rows(snapshot: Snapshot, sql: str) -> list[dict[str, Any]]:
    """The rows of a query."""
    return pa.ipc.open_stream(snapshot.query(sql, 1_000_000)).read_all().to_pylist()


def everything(snapshot: Snapshot) -> dict[str, list[str]]:
    """Every row of every table and view, in an order that depends on nothing but the rows."""
    tables = msgspec.json.decode(snapshot.stats())["tables"]
    return {name: sorted(map(repr, rows(snapshot, f'SELECT * FROM "{name}"'))) for name in sorted(tables)}


def targets(links: bytes) -> list[tuple[str, int]]:
    """File name and line, from 0, of each definition."""
    return [
        (link["targetUri"].rpartition("/")[2], link["targetSelectionRange"]["start"]["line"])
        for link in msgspec.json.decode(links)
    ]


def eventually(holds: Callable[[], bool], seconds: float = PATIENCE_S) -> bool:
    """Whether something comes true before a deadline."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True
