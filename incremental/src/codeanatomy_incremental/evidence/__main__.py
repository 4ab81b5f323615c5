"""The process of extractors: asked about one text after the other on standard input, until it is closed.

A question is a line of JSON (path, stamp, witness, target, edited, brief, size, attached) and so many bytes of text
and of what is attached; an answer is eight bytes of length
and JSON for `Engine.hear`. Once everything that extractors need is loaded, opening files, sockets and processes, importing and running
code is refused to whatever comes later (audit hook), and memory and files are limited by the system where it can.
"""

from __future__ import annotations

import contextlib
import encodings
import importlib
import json
import os
import pkgutil
import sys
import time
import traceback
import warnings
from typing import Any

from codeanatomy_incremental import evidence
from codeanatomy_incremental.evidence import Evidence, MissingError, Source

_MOST_MEMORY = 3 << 30
_MOST_DEPTH = 20_000
_NEEDS = ("ast", "dis", "io", "re", "symtable", "tokenize")
_REFUSED = (
    "import",
    "exec",
    "open",
    "os.",
    "socket.",
    "subprocess.",
    "ctypes.",
    "shutil.",
    "pty.",
    "urllib.",
    "marshal.",
)
_STAYS_OPEN = frozenset({"os.listdir"})


def main() -> None:
    """Answer until nobody asks any more."""
    if hasattr(os, "nice"):
        # Whoever waits for an answer of the graph comes first.
        os.nice(5)
    questions, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    # Whatever prints must not print into an answer.
    os.dup2(2, 1)
    warnings.simplefilter("ignore")
    loaded = {name: evidence.module(name) for name in sys.argv[1:] or evidence.witnesses()}
    # A text may declare any of them.
    declared = (f"encodings.{each.name}" for each in pkgutil.iter_modules(encodings.__path__))
    for need in (*_NEEDS, *declared, *(need for each in loaded.values() for need in getattr(each, "NEEDS", ()))):
        # What is not installed is reported by whoever needs it.
        with contextlib.suppress(ImportError):
            importlib.import_module(need)
    _limit()
    answers.write(len(b"{}").to_bytes(8, "little") + b"{}")
    answers.flush()
    while line := questions.readline():
        asked = json.loads(line)
        content = questions.read(asked["size"])
        attachment = questions.read(asked["attached"])
        body = json.dumps(
            [_answer(loaded, asked, content, attachment)], ensure_ascii=True, separators=(",", ":")
        ).encode()
        answers.write(len(body).to_bytes(8, "little") + body)
        answers.flush()


def _answer(loaded: dict[str, Any], asked: dict[str, Any], content: bytes, attachment: bytes) -> dict[str, Any]:
    began = time.monotonic()
    said: dict[str, Any] = {"path": asked["path"], "witness": asked["witness"], "stamp": asked["stamp"]}
    source = Source(asked["path"], content, tuple(asked["target"]), asked["edited"], asked["brief"], attachment)
    try:
        found: Evidence = loaded[asked["witness"]].extract(source)
        said["tables"] = found.tables
        if found.verdict is not None:
            said["verdict"] = found.verdict._asdict()
    except MissingError as error:
        said["error"] = {"code": "witness-missing", "message": str(error)}
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        message = f"{type(error).__name__}: {error} ({os.path.basename(where.filename)}:{where.lineno})"
        said["error"] = {"code": "witness-failed", "message": message}
    said["micros"] = int((time.monotonic() - began) * 1e6)
    return said


def _limit() -> None:
    """Take from this process what reading one text does not need."""
    sys.setrecursionlimit(_MOST_DEPTH // 10)
    try:
        import resource
    except ImportError:
        # No such limits on this system; the refusals below hold everywhere.
        pass
    else:
        for what, most in ((resource.RLIMIT_AS, _MOST_MEMORY), (resource.RLIMIT_FSIZE, 0), (resource.RLIMIT_CORE, 0)):
            with contextlib.suppress(ValueError, OSError):
                resource.setrlimit(what, (most, most))

    def refuse(event: str, arguments: tuple[Any, ...]) -> None:
        if event.startswith(_REFUSED) and event not in _STAYS_OPEN:
            raise PermissionError(f"a witness reads one text and does nothing else: {event}")

    sys.addaudithook(refuse)


if __name__ == "__main__":
    main()
