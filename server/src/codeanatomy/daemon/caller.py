"""What a command asks a running daemon: the questions of a snapshot, over a socket.

A command sees the files as they are on disk: the daemon compares before it answers, and texts that an editor has not saved are no
part of the answer. Nothing is started for a command; without a daemon it does its own work.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Sequence
from typing import Any, BinaryIO

from codeanatomy.daemon import place
from codeanatomy.lsp.frames import FrameError, frame, read_frame


class CallError(Exception):
    """What a daemon refuses to answer, as the engine would."""

    def __init__(self, code: str, message: str, hint: str, stage: str, where: str) -> None:
        self.code = code
        self.hint = hint
        self.stage = stage
        self.where = where
        super().__init__(message)


class Asked:
    """A connection on which questions are asked one after the other."""

    def __init__(self, connection: socket.socket, at: place.Place, kind: str) -> None:
        self._connection = connection
        self._stream: BinaryIO = connection.makefile("rb")
        self._say({"kind": kind, "identity": at.identity, "root": at.root})

    def ask(self, what: str, *arguments: object) -> bytes:
        """The answer; raises `CallError`."""
        self._say({"ask": what, "arguments": arguments})
        return self.answer()

    def answer(self) -> bytes:
        """The next answer; raises `CallError`."""
        try:
            body = read_frame(self._stream)
        except (FrameError, OSError):
            body = None
        if not body:
            raise CallError("daemon-gone", "the daemon ended before it answered", "ask again", "answer", "")
        if body[:1] == b"+":
            return body[1:]
        raise CallError(**json.loads(body[1:]))

    def close(self) -> None:
        """Ask nothing more."""
        self._stream.close()
        self._connection.close()

    def _say(self, message: dict[str, Any]) -> None:
        try:
            self._connection.sendall(frame(json.dumps(message).encode()))
        except OSError as error:
            raise CallError("daemon-gone", f"the daemon ended: {error}", "ask again", "answer", "") from error


class RemoteSnapshot:
    """A snapshot of a daemon, the same for all questions. Columns count characters."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked

    def definition(self, path: str, line: int, character: int) -> bytes:
        """LSP `LocationLink[]`, best first."""
        return self._asked.ask("definition", path, line, character)

    def references(self, path: str, line: int, character: int, include_declaration: bool) -> bytes:
        """LSP `Location[]`."""
        return self._asked.ask("references", path, line, character, include_declaration)

    def explain(self, path: str, line: int, character: int) -> bytes:
        """Why the word at a place means what it means, or `null`."""
        return self._asked.ask("explain", path, line, character)

    def diagnostics(self, path: str) -> bytes:
        """LSP `Diagnostic[]`."""
        return self._asked.ask("diagnostics", path)

    def paths(self) -> list[str]:
        """The files of the graph, sorted."""
        return json.loads(self._asked.ask("paths"))

    def bundle(self, view: str | None, tier: int) -> bytes:
        """What the program was compiled to, up to a tier."""
        return self._asked.ask("bundle", view, tier)

    def outputs(self) -> bytes:
        """Every table and view by content."""
        return self._asked.ask("outputs")

    def plan(self, view: str | None) -> bytes:
        """All views and their order, or the plans of one view."""
        return self._asked.ask("plan", view)

    def stats(self) -> bytes:
        """Counts of files, nodes, edges, tables and symbols."""
        return self._asked.ask("stats")

    def hear(self, names: Sequence[str], paths: Sequence[str], is_brief: bool) -> int:
        """Ask witnesses about files; how many answered. What is asked of the snapshot afterwards knows what they said."""
        return int(self._asked.ask("hear", list(names), list(paths), is_brief))

    def query(self, sql: str, max_rows: int, max_seconds: float | None = None, max_bytes: int | None = None) -> bytes:
        """The rows of a read-only query, as an Arrow IPC stream."""
        return self._asked.ask("query", sql, max_rows, max_seconds, max_bytes)


def begun(root: str) -> Asked | None:
    """A connection to the daemon of a workspace that has a snapshot ready, if one runs and can."""
    asked = _asked(root, "command")
    if asked is None:
        return None
    try:
        asked.ask("begin")
    except CallError:
        # Whatever is wrong with the workspace, the command finds out by itself.
        return None
    return asked


def control(root: str, what: str) -> dict[str, Any] | None:
    """The answer of the daemon of a workspace to `status` or `stop`, if one runs."""
    connection = _asked(root, what)
    return json.loads(connection.answer()) if connection is not None else None


def _asked(root: str, kind: str) -> Asked | None:
    try:
        at = place.of(root)
        connection = place.connect(at)
    except place.DaemonError:
        return None
    return Asked(connection, at, kind) if connection is not None else None
