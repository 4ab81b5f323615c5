"""`codeanatomy index`: bring a whole workspace into the graph and say what was found."""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser, Namespace

from codeanatomy.cli.workspace_arguments import add_format, add_overrides, add_path, workspace

NAME = "index"
ALIASES = ("build",)
DOC = """Index a workspace and print what was found.

Prints files, parse errors, nodes and edges by kind, the seconds of each stage, and peak memory."""


def add_arguments(parser: ArgumentParser) -> None:
    """Which workspace."""
    add_path(parser)
    add_overrides(parser)
    add_format(parser)


def run(arguments: Namespace) -> int:
    """Index and print."""
    import msgspec

    from codeanatomy_engine import CancelToken

    from codeanatomy_incremental.live import Progress

    from codeanatomy import report
    from codeanatomy.cli import graph, progress
    from codeanatomy.cli.exits import Exit

    root = workspace(arguments)
    show = progress.on_terminal()
    began = time.perf_counter()
    ends: dict[str, float] = {}

    def on_progress(now: Progress) -> None:
        ends[now.stage] = now.seconds
        show(now)

    opened = graph.opened(root, arguments)
    compiled = time.perf_counter() - began
    opened.index(on_progress, CancelToken())
    stats = msgspec.json.decode(opened.engine.snapshot().stats())
    read = ends.get("graph", 0.0)
    summary = {
        "root": str(root),
        "files": stats["files"],
        "library_files": stats["tables"]["files"]["rows"] - stats["files"],
        "parse_errors": stats["parse_errors"],
        "nodes": stats["nodes"],
        "edges": stats["edges"],
        "seconds": {
            "compile rules": compiled,
            "read and extract": read,
            "relate": ends["done"] - read,
            "total": compiled + ends["done"],
        },
        "peak_memory_bytes": peak_memory(),
    }
    if arguments.format == "json":
        print(msgspec.json.format(msgspec.json.encode(summary | {"tables": stats["tables"]})).decode())
    else:
        print(report.index(summary))
    return Exit.OK


def peak_memory() -> int:
    """The most memory that this process ever held, in bytes; 0 where the system does not say."""
    try:
        import resource
    except ImportError:
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
