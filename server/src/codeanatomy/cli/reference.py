"""The reference page of the command line, written from its parser."""

from __future__ import annotations

from argparse import Action, ArgumentParser
from collections.abc import Iterator
from types import ModuleType

from codeanatomy.cli.commands import COMMANDS, parser


def reference() -> str:
    """The page in Markdown."""
    lines = [
        "# Command line",
        "",
        "<!-- Made by `python -m codeanatomy.cli.reference` from the parser. Do not edit. -->",
        "",
        "Results go to standard output, everything else to standard error.",
        "",
        parser().epilog or "",
    ]
    for command in COMMANDS:
        lines += _command(command)
    return "\n".join(lines) + "\n"


def _arguments(parser: ArgumentParser) -> Iterator[str]:
    """The table of the arguments of a command, and one for each of its actions."""
    actions = parser._actions  # pyright: ignore[reportPrivateUsage] -- there is no public way to list arguments
    below = [each for each in actions if isinstance(each.choices, dict)]
    rows = [_row(each) for each in actions if each not in below and each.dest != "help"]
    if rows:
        yield from ("", "| argument | meaning |", "|---|---|", *rows)
    for each in below:
        for name, action in dict(each.choices or {}).items():
            yield from ("", f"### {name}")
            yield from _arguments(action)


def _command(command: ModuleType) -> list[str]:
    alone = ArgumentParser(add_help=False)
    command.add_arguments(alone)
    lines = ["", f"## codeanatomy {command.NAME}", "", command.DOC]
    if command.ALIASES:
        lines += ["", f"The same as {', '.join(f'`codeanatomy {alias}`' for alias in command.ALIASES)}."]
    return [*lines, *_arguments(alone)]


def _row(action: Action) -> str:
    name = ", ".join(action.option_strings) or str(action.metavar or action.dest)
    if action.choices is not None:
        values = " ".join(str(choice) for choice in action.choices)
        name = f"{name} {values}" if action.option_strings else values
    elif action.option_strings and action.nargs != 0:
        name = f"{name} {action.metavar}"
    return f"| `{name}` | {action.help} |"


if __name__ == "__main__":
    print(reference(), end="")
