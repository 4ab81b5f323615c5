"""`codeanatomy lsp`: the language server on standard input and output."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from codeanatomy.cli.workspace_arguments import add_format

NAME = "lsp"
ALIASES = ()
DOC = """Serve an editor over standard input and output.

Speaks the Language Server Protocol. Standard output carries nothing else; the log goes to standard error."""


def add_arguments(parser: ArgumentParser) -> None:
    """How much the log says."""
    parser.add_argument(
        "--stdio", action="store_true", help="serve over standard input and output (the only way, and the default)"
    )
    parser.add_argument(
        "--log-level",
        choices=("error", "warning", "info", "debug"),
        default="warning",
        help="what is logged (default: warning)",
    )
    add_format(parser)


def run(arguments: Namespace) -> int:
    """Serve until the editor goes."""
    import logging
    import os
    import sys

    # The protocol gets descriptors of its own; whatever else prints, in Python or below it, ends up in the log.
    stdin = os.fdopen(os.dup(0), "rb")
    stdout = os.fdopen(os.dup(1), "wb")
    silence = os.open(os.devnull, os.O_RDONLY)
    os.dup2(silence, 0)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    logging.basicConfig(
        stream=sys.stderr, level=arguments.log_level.upper(), format="%(levelname)s %(name)s: %(message)s"
    )
    # Reader, writer and questions hand the interpreter to each other many times for each keystroke.
    sys.setswitchinterval(0.0005)

    from codeanatomy.lsp.server import Server

    return Server().serve(stdin, stdout)
