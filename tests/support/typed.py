"""Texts with a cursor, as an editor has them open while a person types."""

from __future__ import annotations

from pathlib import Path

from codeanatomy_engine import CancelToken, Snapshot

from codeanatomy_incremental.live import Graph

from tests.support import graphs

CURSOR = "‸"


def at_cursor(marked: str) -> tuple[str, int, int]:
    """The text without its cursor, and the line and character, from 0, where that stood."""
    before, _, after = marked.partition(CURSOR)
    return before + after, before.count("\n"), len(before) - (before.rfind("\n") + 1)


def opened(root: Path, files: dict[str, str], encoding: str = "utf-16") -> Graph:
    """The graph of a workspace of these files, each of them open in an editor."""
    for path, text in files.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    graph = graphs.opened(root, encoding=encoding)
    graph.index(graphs.no_progress, CancelToken())
    for path, text in files.items():
        graph.open(path, text, 1)
    graph.commit(CancelToken())
    return graph


def snapshot(root: Path, files: dict[str, str], encoding: str = "utf-16") -> Snapshot:
    """The snapshot of a workspace of these files, each of them open in an editor."""
    return opened(root, files, encoding).engine.snapshot()
