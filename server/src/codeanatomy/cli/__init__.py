"""The command line: one file per command, results on standard output, everything else on standard error.

Commands import what they need when they run, so that each starts as fast as its own work allows. The server of an editor is
looked for before anything else is loaded: a person waits for it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; its exit code."""
    words = sys.argv[1:] if argv is None else list(argv)
    if words[:1] == ["lsp"]:
        from codeanatomy.daemon import front

        code = front.run(words[1:])
        if code is not None:
            return code
    from codeanatomy.cli import commands

    return commands.main(words)
