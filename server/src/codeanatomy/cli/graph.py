"""Opens the graph of a workspace for one command: root, configuration, engine, first index."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from codeanatomy_engine import CancelToken, EngineError

from codeanatomy_incremental.live import Graph
from codeanatomy_incremental.workspace import find_root

from codeanatomy import config
from codeanatomy.cli import progress
from codeanatomy.cli.exits import InputError
from codeanatomy.cli.workspace_arguments import overrides


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
        graph = Graph(root, settings.options, settings.program, encoding="utf-32")
        graph.engine.ready()
    except EngineError as error:
        raise config.pack_error(settings.program, error) from error
    return graph


def indexed(root: Path, arguments: Namespace) -> Graph:
    """The graph of a workspace with everything in it."""
    graph = opened(root, arguments)
    graph.index(progress.on_terminal(), CancelToken())
    return graph
