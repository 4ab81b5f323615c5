"""`codeanatomy daemon`: the process that keeps the graph of a workspace for editors and commands."""

from __future__ import annotations

import time
from argparse import ArgumentParser, Namespace
from pathlib import Path

from codeanatomy.cli.workspace_arguments import add_format
from codeanatomy.daemon.place import Place, holder

NAME = "daemon"
ALIASES = ()
DOC = """Start, stop or look at the daemon of a workspace, or print its log.

A daemon keeps the graph for all editors and commands. An editor starts it by itself; it ends when nobody was connected for a
while (option daemon.idle_s) or when the workspace is gone. `start` returns at once, `stop` when it is over. Exit code 5 if there
is no daemon to stop or to look at."""

_STOP_S = 10.0


def add_arguments(parser: ArgumentParser) -> None:
    """What to do, and with which workspace."""
    parser.add_argument("what", choices=("start", "stop", "status", "logs"), help="what to do")
    parser.add_argument("--root", metavar="DIR", help="the workspace; found from the current directory if left out")
    add_format(parser)


def run(arguments: Namespace) -> int:
    """Do it and say what is so now."""
    import json
    import os

    from codeanatomy.cli.exits import Exit, InputError
    from codeanatomy.daemon import caller, place

    root = Path(arguments.root).absolute() if arguments.root else _around()
    if not root.is_dir():
        raise InputError(f"there is no directory `{root}`")
    at = place.of(os.fspath(root))
    if arguments.what == "logs":
        log = Path(at.log)
        print(log.read_text("utf-8", "replace") if log.exists() else "", end="")
        return Exit.OK
    if arguments.what == "start":
        place.begin(at)
    found = caller.control(at.root, arguments.what)
    if found is None:
        raise place.DaemonError("daemon-none", f"no daemon runs for {root}")
    if arguments.what == "stop":
        _wait_for_end(at)
    if arguments.format == "json":
        print(json.dumps(found, indent=2))
    else:
        from codeanatomy import report

        faults = found.pop("faults", [])
        print(report.table(("", "value"), [(name, str(value)) for name, value in found.items()]))
        for fault in faults:
            where = f"{fault['path']}: " if fault["path"] else ""
            print(f"fails, {fault['count']} x: {where}{fault['cause']} ({fault['code']})")
    return Exit.OK


def _around() -> Path:
    from codeanatomy_incremental.workspace import find_root

    return find_root(Path.cwd(), Path.cwd())


def _wait_for_end(at: Place) -> None:
    deadline = time.monotonic() + _STOP_S
    while holder(at) and time.monotonic() < deadline:
        time.sleep(0.01)
