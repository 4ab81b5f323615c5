"""`codeanatomy check`: everything that is wrong with a workspace, for continuous integration."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from codeanatomy.cli.workspace_arguments import add_format, add_overrides

NAME = "check"
ALIASES = ()
DOC = """Print everything that is wrong with a workspace.

Exit code 1 if there are errors or warnings; information and hints do not count."""

_SEVERITIES = {1: "error", 2: "warning", 3: "information", 4: "hint"}


def add_arguments(parser: ArgumentParser) -> None:
    """Which workspace."""
    parser.add_argument(
        "path", nargs="?", default=".", metavar="PATH", help="the workspace (default: the current directory)"
    )
    add_overrides(parser)
    add_format(parser)


def run(arguments: Namespace) -> int:
    """Check and print."""
    import msgspec

    from codeanatomy.cli import graph
    from codeanatomy.cli.exits import Exit, InputError
    from codeanatomy.ide.diagnostics import diagnostics

    root = Path(arguments.path).absolute()
    if not root.is_dir():
        raise InputError(f"there is no directory `{arguments.path}`")
    snapshot = graph.indexed(root, arguments).engine.snapshot()
    rows = [
        {
            "path": path,
            "line": found["range"]["start"]["line"] + 1,
            "column": found["range"]["start"]["character"] + 1,
            "severity": _SEVERITIES[found.get("severity", 1)],
            "code": found.get("code", ""),
            "message": found["message"],
        }
        for path in snapshot.paths()
        for found in msgspec.json.decode(diagnostics(snapshot, path))
    ]
    if arguments.format == "json":
        print(msgspec.json.format(msgspec.json.encode(rows)).decode())
    else:
        for row in rows:
            print(f"{row['path']}:{row['line']}:{row['column']}: {row['severity']}[{row['code']}]: {row['message']}")
    counts = any(row["severity"] in ("error", "warning") for row in rows)
    return Exit.FINDINGS if counts else Exit.OK
