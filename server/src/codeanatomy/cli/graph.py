"""Gets the graph of a workspace for one command: from a daemon if one runs, else by its own work."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, cast

import msgspec

from codeanatomy_engine import CancelToken, EngineError, Snapshot

from codeanatomy_incremental.live import Graph
from codeanatomy_incremental.workspace import SourceBytes, find_root

from codeanatomy import config
from codeanatomy.cli import progress
from codeanatomy.cli.exits import InputError
from codeanatomy.cli.workspace_arguments import overrides
from codeanatomy.daemon import caller


class Answering(NamedTuple):
    """What answers the questions of a command."""

    snapshot: Snapshot
    source_line: Callable[[str, int], str]
    """A line of a file on disk, counted from 1."""

    sources: Callable[[], dict[str, SourceBytes]]
    """The bytes from which each file of the snapshot was made."""

    hear: Callable[[Sequence[str], Sequence[str], bool], Snapshot]
    """Asks witnesses about files; the snapshot that knows what they said."""


def answering(root: Path, arguments: Namespace) -> Answering:
    """A snapshot of the workspace as it is on disk, from a running daemon unless the arguments want their own."""
    asked = remote(root, arguments)
    if asked is None:
        graph = indexed(root, arguments)

        def hear(names: Sequence[str], paths: Sequence[str], is_brief: bool) -> Snapshot:
            graph.hear_all(names, paths, CancelToken(), is_brief)
            return graph.engine.snapshot()

        return Answering(graph.engine.snapshot(), graph.source_line, graph.sources, hear)
    return asked


def remote(root: Path, arguments: Namespace) -> Answering | None:
    """The same from a running daemon only."""
    asked = None if arguments.no_daemon or arguments.set else caller.begun(os.fspath(root))
    if asked is None:
        return None
    answers = caller.RemoteSnapshot(asked)

    def source_line(path: str, line: int) -> str:
        return asked.ask("source_line", path, line).decode("utf-8", "surrogatepass")

    def sources() -> dict[str, SourceBytes]:
        return msgspec.json.decode(asked.ask("sources"), type=dict[str, SourceBytes])

    def hear(names: Sequence[str], paths: Sequence[str], is_brief: bool) -> Snapshot:
        answers.hear(names, paths, is_brief)
        return cast(Snapshot, answers)

    # It has those of the methods that commands use.
    return Answering(cast(Snapshot, answers), source_line, sources, hear)


def root_of(arguments: Namespace, start: Path) -> Path:
    """The workspace that a command works on: the one given, else the one around a file or directory."""
    root = Path(arguments.root).absolute() if arguments.root else find_root(start, Path.cwd())
    if not root.is_dir():
        raise InputError(f"there is no directory `{root}`")
    return root


def opened(root: Path, arguments: Namespace) -> Graph:
    """The graph of a workspace, not yet indexed. Columns count characters, as editors and compilers show them."""
    settings = config.load(root, overrides(arguments))
    try:
        graph = Graph(root, settings.options, settings.program, encoding="utf-32", image=True)
        graph.engine.ready()
    except EngineError as error:
        raise config.pack_error(settings.program, error) from error
    return graph


def indexed(root: Path, arguments: Namespace) -> Graph:
    """The graph of a workspace with everything in it."""
    graph = opened(root, arguments)
    graph.index(progress.on_terminal(), CancelToken())
    return graph
