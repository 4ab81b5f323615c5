"""`codeanatomy why`: why a word means what it means."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from codeanatomy.cli.workspace_arguments import add_format, add_no_daemon, add_root

NAME = "why"
ALIASES = ()
DOC = """Explain why the word at a place means what it means.

Prints the target, the rules and the evidence that lead to it, how sure that is, the candidates that were beaten, or why the
word is open."""


def add_arguments(parser: ArgumentParser) -> None:
    """Which place."""
    parser.add_argument(
        "place",
        metavar="FILE:LINE:COL",
        help="the place; line and column count from 1; of a notebook also FILE:cell N:LINE:COL",
    )
    add_root(parser)
    add_no_daemon(parser)
    add_format(parser)


def run(arguments: Namespace) -> int:
    """Explain and print."""
    import msgspec

    from codeanatomy import report
    from codeanatomy.cli import graph, place
    from codeanatomy.cli.cells import Cells
    from codeanatomy.cli.exits import Exit, InputError
    from codeanatomy.ide.explain import explain, explanation
    from codeanatomy.ide.hover import of_explanation

    where = place.parse(arguments.place)
    root = graph.root_of(arguments, where.file)
    path = place.within(where, root)
    line, column = Cells(root).asked(path, where)
    snapshot = graph.answering(root, arguments).snapshot
    if arguments.format == "json":
        print(msgspec.json.format(explain(snapshot, path, line, column)).decode())
        return Exit.OK
    found = explanation(snapshot, path, line, column)
    if found is None:
        raise InputError(f"there is no word at {arguments.place}")
    print(report.hover(of_explanation(found)))
    return Exit.OK
