"""`codeanatomy daemon`: the process that keeps the graph of a workspace for editors and commands."""

from __future__ import annotations

import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from codeanatomy.cli.workspace_arguments import add_format
from codeanatomy.daemon.place import Place, holder

NAME = "daemon"
ALIASES = ()
DOC = """Start, stop or look at the daemon of a workspace, or print its log.

A daemon keeps the graph for all editors and commands. An editor starts it by itself; it ends when nobody was connected for a
while (option daemon.idle_s) or when the workspace is gone. `start` returns once it answers, also if it ran before; `stop` when it is
over. Exit code 5 if there is no daemon to stop or to look at."""

_STOP_S = 30.0


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
        if not log.exists():
            raise place.DaemonError("daemon-none", f"no daemon has run for {root}, so there is no log")
        print(log.read_text("utf-8", "replace"), end="")
        return Exit.OK
    if arguments.what == "start":
        place.begin(at)
    found = caller.control(at.root, arguments.what)
    if found is None:
        raise place.DaemonError("daemon-none", f"no daemon runs for {root}; `codeanatomy daemon start` starts one")
    if arguments.what == "stop" and not _has_ended(at):
        raise place.DaemonError("daemon-unreachable", f"process {found['pid']} has not ended yet; see {at.log}")
    if arguments.format == "json":
        print(json.dumps(found, indent=2))
    else:
        print("\n".join(_told(found) if arguments.what != "stop" else [f"process {found['pid']} has ended"]))
    return Exit.OK


def _around() -> Path:
    from codeanatomy_incremental.workspace import find_root

    return find_root(Path.cwd(), Path.cwd())


def _told(status: Mapping[str, Any]) -> Iterator[str]:
    """The status for a person: what there is to say, a line each."""
    waiting = f", {status['pending']} changes wait" if status["pending"] else ""
    lines = {
        "workspace": status["root"],
        "process": f"{status['pid']}, version {status['version']}, for {status['uptime_s']:,.0f} s",
        "state": f"{status['state']}, generation {status['generation']}{waiting}",
        "clients": f"{status['clients']}, with {status['graphs']} graphs",
        "memory": f"{status['memory_bytes'] / 2**20:,.0f} MB",
        "watching": status["watching"],
        "image": status["image"],
        "history": status["history"],
        "log": status["log"],
    }
    yield from (f"{name:<10} {value}" for name, value in lines.items() if value)
    for fault in status["faults"]:
        where = f"{fault['path']}: " if fault["path"] else ""
        yield f"{'fails':<10} {where}{fault['cause']} ({fault['code']}, {fault['count']} times)"


def _has_ended(at: Place) -> bool:
    deadline = time.monotonic() + _STOP_S
    while holder(at):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True
