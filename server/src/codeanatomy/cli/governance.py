"""`codeanatomy governance`: decisions about parts of a workspace, recorded and asked for."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from codeanatomy.cli.workspace_arguments import add_format, add_root

NAME = "governance"
ALIASES = ()
DOC = """Record decisions about parts of a workspace, and ask for them before work starts.

`list` prints the signals of `governance.toml`, `record` writes one behind the others, and `ask PATH ...` prints the one that counts
for each file and leaves with 1 if any is BLOCKED or PENDING. Of the signals that cover a file and have not expired the one with the
narrowest scope counts, of several the last; a file that none covers is CLEAN."""


def add_arguments(parser: ArgumentParser) -> None:
    """What to do."""
    acts = parser.add_subparsers(dest="act", metavar="ACT", required=True)
    listed = acts.add_parser("list", help="print all signals")
    add_root(listed)
    add_format(listed)
    asked = acts.add_parser("ask", help="print the signal that counts for each file; exit code 1 if work must wait")
    asked.add_argument("paths", nargs="+", metavar="PATH", help="files, relative to the workspace")
    add_root(asked)
    add_format(asked)
    recorded = acts.add_parser("record", help="write a signal")
    recorded.add_argument("status", choices=("CLEAN", "BLOCKED", "WARN", "PENDING"))
    recorded.add_argument("scope", metavar="SCOPE", help="a dotted module, a path or pattern of paths, or '*'")
    recorded.add_argument("reason", metavar="REASON", help="why, in a sentence")
    recorded.add_argument("--by", metavar="NAME", default="", help="who decides (default: the user)")
    recorded.add_argument(
        "--expires", metavar="DATE", default="", help="the last day on which it counts, as 2027-01-31"
    )
    add_root(recorded)


def run(arguments: Namespace) -> int:
    """Record or print."""
    import datetime
    import getpass

    import msgspec

    from codeanatomy_incremental import governance, options, workspace

    from codeanatomy import report
    from codeanatomy.cli import graph
    from codeanatomy.cli.exits import Exit, InputError

    root = graph.root_of(arguments, Path.cwd())
    today = datetime.date.today()
    if arguments.act == "record":
        try:
            expires = datetime.date.fromisoformat(arguments.expires) if arguments.expires else None
        except ValueError as error:
            raise InputError(f"`{arguments.expires}` is no date such as 2027-01-31") from error
        governance.read(root, today)
        by = arguments.by or getpass.getuser()
        governance.record(root, governance.Signal(arguments.status, arguments.scope, arguments.reason, by, expires))
        print(f"{arguments.status} {arguments.scope}: recorded in {governance.FILE}")
        return Exit.OK
    signals = governance.read(root, today)
    if arguments.act == "list":
        if arguments.format == "json":
            print(msgspec.json.format(governance.rows(signals)).decode())
            return Exit.OK
        shown = (
            (each.signal.status, each.signal.scope, each.signal.reason, each.signal.recorded_by,
             str(each.signal.expires_at or ""), "yes" if each.in_force else "expired")
            for each in signals
        )  # fmt: skip
        print(report.table(("status", "scope", "reason", "recorded by", "expires", "counts"), shown))
        return Exit.OK
    files = workspace.Workspace(root=str(root), options=options.load(root).options.workspace)
    listing = workspace.list_files(files)
    found = [
        (path, governance.decided(signals, path, workspace.place(files, listing, path).module))
        for path in arguments.paths
    ]
    if arguments.format == "json":
        told = [
            {
                "path": path,
                "status": "CLEAN" if signal is None else signal.status,
                "scope": "" if signal is None else signal.scope,
                "reason": "" if signal is None else signal.reason,
                "recorded_by": "" if signal is None else signal.recorded_by,
            }
            for path, signal in found
        ]
        print(msgspec.json.format(msgspec.json.encode(told)).decode())
    else:
        for path, signal in found:
            print(
                f"{path}: CLEAN"
                if signal is None
                else f"{path}: {signal.status}: {signal.reason} ({signal.recorded_by})"
            )
    waits = any(signal is not None and signal.status in ("BLOCKED", "PENDING") for _, signal in found)
    return Exit.FINDINGS if waits else Exit.OK
