"""`codeanatomy config`: the options in force and where each one came from."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from codeanatomy.cli.workspace_arguments import add_format, add_root, overrides

NAME = "config"
ALIASES = ()
DOC = """Print the options in force and where each one came from.

With --reference: the reference page of all options, in Markdown."""


def add_arguments(parser: ArgumentParser) -> None:
    """Which workspace, or the page."""
    parser.add_argument("--reference", action="store_true", help="print the reference page of all options instead")
    add_root(parser)
    add_format(parser)


def run(arguments: Namespace) -> int:
    """Print the options."""
    import msgspec

    from codeanatomy_incremental import options
    from codeanatomy_incremental.workspace import find_root

    from codeanatomy import report
    from codeanatomy.cli.exits import Exit, InputError

    if arguments.reference:
        print(options.reference(), end="")
        return Exit.OK
    root = Path(arguments.root).absolute() if arguments.root else find_root(Path.cwd(), Path.cwd())
    if not root.is_dir():
        raise InputError(f"there is no directory `{root}`")
    loaded = options.load(root, overrides(arguments))
    if arguments.format == "json":
        settings = {each.key: {"value": each.value, "origin": each.origin} for each in loaded.settings}
        whole = {"root": str(root), "settings": settings}
        print(msgspec.json.format(msgspec.json.encode(whole)).decode())
    else:
        rows = [(each.key, msgspec.json.encode(each.value).decode(), each.origin) for each in loaded.settings]
        print(report.table(("option", "value", "origin"), rows))
    return Exit.OK
