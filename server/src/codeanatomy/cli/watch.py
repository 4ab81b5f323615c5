"""`codeanatomy watch`: follow a workspace in the foreground and print what each change did and cost."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from codeanatomy.cli.workspace_arguments import add_format, add_overrides, add_path, workspace

if TYPE_CHECKING:
    from codeanatomy_incremental.live import Report

NAME = "watch"
ALIASES = ()
DOC = """Follow a workspace and print what each change did to the graph and what it cost.

Runs until it is interrupted. With --format json each change is one line."""

_PATIENCE_S = 3.0
"""Who interrupts waits so long at most, also when an image is being written to a slow disk: half an image is none."""


def add_arguments(parser: ArgumentParser) -> None:
    """Which workspace."""
    add_path(parser)
    add_overrides(parser)
    add_format(parser)


def run(arguments: Namespace) -> int:
    """Follow and print."""
    import logging
    import queue
    import sys

    from codeanatomy_incremental.live import LiveGraph

    from codeanatomy.cli import graph, progress
    from codeanatomy.cli.exits import Exit

    logging.basicConfig(stream=sys.stderr, level="WARNING", format="%(levelname)s: %(message)s")
    root = workspace(arguments)
    live = LiveGraph(graph.opened(root, arguments))
    reports: queue.SimpleQueue[Report] = queue.SimpleQueue()
    live.subscribe(reports.put)
    live.start(progress.on_terminal())
    write = _json if arguments.format == "json" else _text
    try:
        while True:
            report = reports.get()
            if report.files or any(view.inserted or view.deleted for view in report.views):
                print(write(report), flush=True)
    except KeyboardInterrupt:
        return Exit.OK
    finally:
        live.stop(_PATIENCE_S)


def _json(report: Report) -> str:
    import msgspec

    return msgspec.json.encode(report).decode()


def _text(report: Report) -> str:
    """One change as text: what was extracted, what ran, what it cost."""
    files = ", ".join(report.files[:3]) + (f" and {len(report.files) - 3} more" if len(report.files) > 3 else "")
    cost = f"extract {report.extract_micros / 1000:.1f} ms  views {report.micros / 1000:.1f} ms"
    lines = [f"{report.generation:>6}  {report.mode:<6} {files or 'no file'}    {cost}"]
    lines += [
        f"        {view.view:<32} {view.keys:>7} keys  +{view.inserted:<6} -{view.deleted:<6} {view.micros / 1000:.1f} ms"
        for view in report.views
        if view.inserted or view.deleted
    ]
    return "\n".join(lines)
