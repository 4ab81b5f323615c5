"""`codeanatomy lsp`: the language server on standard input and output."""

from __future__ import annotations

import logging
import os
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from codeanatomy.cli.workspace_arguments import add_format

if TYPE_CHECKING:
    from codeanatomy_engine import Compiling

NAME = "lsp"
ALIASES = ()
DOC = """Serve an editor over standard input and output.

Speaks the Language Server Protocol. Standard output carries nothing else. The graph is kept by the daemon of the workspace,
which is started if it does not run; the log is that of the daemon (`codeanatomy daemon logs`). With --in-process, and with any
option below it, the server runs in this process and ends with it; its log goes to standard error, with --format json one object
a line."""


def add_arguments(parser: ArgumentParser) -> None:
    """How much the log says."""
    parser.add_argument(
        "--stdio", action="store_true", help="serve over standard input and output (the only way, and the default)"
    )
    parser.add_argument(
        "--in-process", action="store_true", help="keep the graph in this process instead of in a daemon"
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
    import os
    import sys

    # The protocol gets descriptors of its own; whatever else prints, in Python or below it, ends up in the log.
    stdin = os.fdopen(os.dup(0), "rb")
    stdout = os.fdopen(os.dup(1), "wb")
    silence = os.open(os.devnull, os.O_RDONLY)
    os.dup2(silence, 0)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    log = logging.StreamHandler(sys.stderr)
    log.setFormatter(
        _JsonLines() if arguments.format == "json" else logging.Formatter("%(levelname)s %(name)s: %(message)s")
    )
    logging.basicConfig(handlers=[log], level=arguments.log_level.upper())
    # Reader, writer and questions hand the interpreter to each other many times for each keystroke.
    sys.setswitchinterval(0.0005)

    ahead = _compile_ahead()

    from codeanatomy.lsp.server import Server
    from codeanatomy.lsp.session import OwnGraphs

    code = Server(stdin, stdout, OwnGraphs(ahead)).serve()
    # A graph that is still on its way to its end is left there.
    logging.shutdown()
    os._exit(code)


def _compile_ahead() -> Compiling:
    """The program of a workspace without rules of its own: compiled while the rest of the server is loaded. Editors start a
    server in the folder that they have open, so its framework packs are taken from there, and the names of its image."""
    from codeanatomy_engine import Compiling

    from codeanatomy_incremental import image
    from codeanatomy_incremental.options import RulesOptions
    from codeanatomy_incremental.packs import load as packs

    from codeanatomy import config

    image.name_first(os.getcwd(), os.environ)
    return Compiling(packs.load(config.packs_of(Path.cwd(), RulesOptions()), Path(), ()).document)


class _JsonLines(logging.Formatter):
    """A log that programs read: one object a line."""

    def format(self, record: logging.LogRecord) -> str:
        import msgspec

        trace = self.formatException(record.exc_info) if record.exc_info else ""
        line = {
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "trace": trace,
        }
        return msgspec.json.encode(line).decode()
