"""`codeanatomy trust`: in which workspaces tools may be run when somebody asks for it."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from codeanatomy.cli.workspace_arguments import add_format, add_path, workspace

NAME = "trust"
ALIASES = ()
DOC = """Say which workspaces you trust: only there a tool may be run over files, when you ask for it.

`add` and `remove` write the file of the user, `list` prints what stands there, `ask` says whether a workspace is trusted and leaves
with 1 if it is not. A workspace that lies in a trusted folder is trusted. Nothing that a workspace says makes it trusted."""


def add_arguments(parser: ArgumentParser) -> None:
    """What to do."""
    acts = parser.add_subparsers(dest="act", metavar="ACT", required=True)
    add_format(acts.add_parser("list", help="print the folders that are trusted"))
    add_path(acts.add_parser("ask", help="whether a workspace is trusted; exit code 1 if it is not"))
    add_path(acts.add_parser("add", help="trust a workspace from now on"))
    add_path(acts.add_parser("remove", help="trust a workspace no more"))


def run(arguments: Namespace) -> int:
    """Write or print."""
    import os

    import msgspec

    from codeanatomy_incremental import trust

    from codeanatomy.cli.exits import Exit, InputError

    if arguments.act == "list":
        held = trust.folders(os.environ)
        if arguments.format == "json":
            print(msgspec.json.format(msgspec.json.encode(held)).decode())
        else:
            print("".join(f"{each}\n" for each in held), end="")
        return Exit.OK
    root = str(workspace(arguments))
    match arguments.act:
        case "add":
            trust.trust(root, os.environ)
        case "remove":
            if not trust.distrust(root, os.environ):
                raise InputError(f"`{root}` does not stand in {trust.place(os.environ)}")
        case _:
            pass
    is_trusted = trust.trusted(root, os.environ)
    print(f"{os.path.realpath(root)}: {'trusted' if is_trusted else 'not trusted'}")
    return Exit.OK if is_trusted or arguments.act == "remove" else Exit.FINDINGS
