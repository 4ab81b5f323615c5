"""`codeanatomy version`: what is installed."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from codeanatomy.cli.workspace_arguments import add_format

NAME = "version"
ALIASES = ()
DOC = "Print the versions of the program, its engine and Python."


def add_arguments(parser: ArgumentParser) -> None:
    """How it is printed."""
    add_format(parser)


def run(arguments: Namespace) -> int:
    """Print the versions."""
    import platform

    import msgspec

    import codeanatomy_engine

    from codeanatomy import __version__
    from codeanatomy.cli.exits import Exit

    versions = {
        "codeanatomy": __version__,
        "engine": codeanatomy_engine.__version__,
        "python": platform.python_version(),
    }
    if arguments.format == "json":
        print(msgspec.json.format(msgspec.json.encode(versions)).decode())
    else:
        print("\n".join(f"{name} {version}" for name, version in versions.items()))
    return Exit.OK
