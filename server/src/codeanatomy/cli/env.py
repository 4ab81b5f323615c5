"""`codeanatomy env`: the Python environment of a workspace, and where imports are looked up."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from codeanatomy.cli.workspace_arguments import add_format, add_root, overrides

NAME = "env"
ALIASES = ()
DOC = """Print the Python environment of a workspace, and every place where imports are looked up.

Read from files alone: no interpreter is run. Places that were passed over are listed with the reason."""


def add_arguments(parser: ArgumentParser) -> None:
    """Which workspace."""
    add_root(parser)
    add_format(parser)


def run(arguments: Namespace) -> int:
    """Discover and print."""
    import os

    import msgspec

    from codeanatomy_incremental import environment, options
    from codeanatomy_incremental.workspace import find_root

    from codeanatomy import report
    from codeanatomy.cli.exits import Exit, InputError

    root = Path(arguments.root).absolute() if arguments.root else find_root(Path.cwd(), Path.cwd())
    if not root.is_dir():
        raise InputError(f"there is no directory `{root}`")
    loaded = options.load(root, overrides(arguments))
    found = environment.discover(str(root), loaded.options.workspace.python, "", os.environ)
    if arguments.format == "json":
        print(msgspec.json.format(msgspec.json.encode(found)).decode())
        return Exit.OK
    facts = (
        ("interpreter", found.interpreter or "none", found.origin),
        ("version", ".".join(map(str, found.version)), found.version_origin),
        ("platform", found.platform, "layout of the environment"),
        ("standard library", found.standard_library or "only its stubs", ""),
    )
    print(report.table(("", "value", "origin"), facts))
    print()
    rows = (
        (place.kind, place.path if not place.module else f"{place.module} = {place.path}", place.reason, place.origin)
        for place in found.places
    )
    print(report.table(("kind", "place", "reason", "origin"), rows))
    return Exit.OK
