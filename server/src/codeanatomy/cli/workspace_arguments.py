"""Arguments that every command about a workspace takes. Imports little, so that `--help` is quick."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from codeanatomy.cli.exits import InputError


def add_root(parser: ArgumentParser) -> None:
    """Which workspace, and with which options."""
    parser.add_argument(
        "--root", metavar="DIR", help="the workspace; found from the file or the current directory if left out"
    )
    add_overrides(parser)


def add_path(parser: ArgumentParser) -> None:
    """Which workspace, by its place alone."""
    parser.add_argument(
        "path", nargs="?", default=".", metavar="PATH", help="the workspace (default: the current directory)"
    )


def workspace(arguments: Namespace) -> Path:
    """The workspace given by `add_path`; raises `InputError` if it is no directory."""
    root = Path(arguments.path).absolute()
    if not root.is_dir():
        raise InputError(f"there is no directory `{arguments.path}`")
    return root


def add_overrides(parser: ArgumentParser) -> None:
    """Options in place of those of `codeanatomy.toml`."""
    parser.add_argument(
        "--set",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        help="an option in place of the one in codeanatomy.toml, such as rules.packs='[\"python\"]'; may be repeated",
    )


def add_no_daemon(parser: ArgumentParser) -> None:
    """Who answers."""
    parser.add_argument(
        "--no-daemon",
        action="store_true",
        help="do the work here, even if a daemon of the workspace runs; `--set` does so too",
    )


def add_format(parser: ArgumentParser, *more: str) -> None:
    """How the result is written."""
    parser.add_argument(
        "--format", choices=("text", "json", *more), default="text", help="how the result is written (default: text)"
    )


def overrides(arguments: Namespace) -> dict[str, str]:
    """The options given by `--set`; raises `InputError` if one has no value."""
    pairs: dict[str, str] = {}
    for pair in arguments.set:
        key, equals, value = pair.partition("=")
        if not equals:
            raise InputError(f"`--set {pair}` is not SECTION.KEY=VALUE")
        pairs[key.strip()] = value.strip()
    return pairs
