"""One server with one workspace, measured: what an editor would see, in seconds, processor time and memory.

A time runs from handing a message over until its answer has come and is decoded. Memory and processor time are those of the server
and of every process that it started, read from `/proc`; where there is no `/proc`, they are unknown.
"""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self
from urllib.parse import unquote, urlparse

from bench.editor import Editor, ResponseError
from bench.peers import Peer

CLIENT: dict[str, Any] = {
    "general": {"positionEncodings": ["utf-8", "utf-32", "utf-16"]},
    "textDocument": {
        "definition": {"linkSupport": True},
        "hover": {"contentFormat": ["markdown", "plaintext"]},
        "documentSymbol": {"hierarchicalDocumentSymbolSupport": True},
        "publishDiagnostics": {"versionSupport": True},
    },
}
TIMEOUT_S = 60.0

Place = tuple[str, int]
"""File and line from 0; the path is relative inside the workspace and absolute outside of it."""

Point = tuple[str, int, int]
"""File, line and column in characters, from 0."""

Diagnostics = list[dict[str, Any]]


class ProcessTree:
    """A process and all that it started."""

    def __init__(self, pid: int) -> None:
        self.pid = pid

    def cpu_seconds(self) -> float:
        """Processor time so far, of children that have ended as well."""
        ticks = 0
        for pid in self._pids():
            try:
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                ticks += sum(map(int, fields[11:15]))
            except (OSError, ValueError):
                continue  # it ended between two looks
        return ticks / os.sysconf("SC_CLK_TCK")

    def memory(self) -> int:
        """Resident bytes now."""
        pages = 0
        for pid in self._pids():
            try:
                pages += int(Path(f"/proc/{pid}/statm").read_text().split()[1])
            except (OSError, ValueError):
                continue  # it ended between two looks
        return pages * os.sysconf("SC_PAGE_SIZE")

    def _pids(self) -> list[int]:
        found, rest = [], [self.pid]
        while rest:
            pid = rest.pop()
            found.append(pid)
            for children in Path(f"/proc/{pid}/task").glob("*/children"):
                try:
                    rest += map(int, children.read_text().split())
                except (OSError, ValueError):
                    continue  # it ended between two looks
        return found


class Session:
    """A running server with the texts that its editor has open."""

    def __init__(
        self,
        peer: Peer,
        root: Path,
        environment: Mapping[str, str] | None = None,
        settings: Mapping[str, Any] | None = None,
        client: Mapping[str, Any] | None = None,
    ) -> None:
        """`client` is what the editor can do beside the usual."""
        self.peer = peer
        self.root = root
        self.capabilities: dict[str, Any] = {}
        """What the server said it can do."""
        self._client = CLIENT | {name: CLIENT.get(name, {}) | more for name, more in (client or {}).items()}
        if settings:
            self._client["workspace"] = self._client.get("workspace", {}) | {"configuration": True}
        self.encoding = "utf-16"
        self.peak_memory = 0
        self.failures = 0
        self._texts: dict[str, list[str]] = {}
        self._versions: dict[str, int] = {}
        self._over = threading.Event()
        self.began = time.perf_counter()
        self.editor = Editor(root, peer.command, TIMEOUT_S, subprocess.DEVNULL, environment, settings)
        self.tree = ProcessTree(self.editor.process.pid)
        self._sampler = threading.Thread(target=self._sample, daemon=True)
        self._sampler.start()

    def __enter__(self) -> Self:
        self.capabilities = self.editor.initialize(self._client)["capabilities"]
        self.encoding = self.capabilities.get("positionEncoding", "utf-16")
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.editor.shut_down()
        except (OSError, TimeoutError, ResponseError, ValueError):
            self.failures += 1
        self._over.set()
        self._sampler.join()
        self.editor.__exit__()

    @property
    def seconds(self) -> float:
        """Since the server was started."""
        return time.perf_counter() - self.began

    def open(self, path: str) -> None:
        """Open a file with its text on disk, unless it is open."""
        if path not in self._texts:
            text = (self.root / path).read_bytes().decode("utf-8")
            self._texts[path] = text.split("\n")
            self._versions[path] = 1
            self.editor.open(path, text)

    def length(self, path: str) -> int:
        """The number of lines of an open file."""
        return len(self._texts[path])

    def line(self, path: str, line: int) -> str:
        """A line of an open file."""
        return self._texts[path][line]

    def change(self, path: str, line: int, start: int, end: int, text: str) -> float:
        """Replace columns of one line; the time at which the change was handed over."""
        lines = self._texts[path]
        span = {"start": self.position(path, line, start), "end": self.position(path, line, end)}
        old = lines[line]
        lines[line : line + 1] = f"{old[:start]}{text}{old[end:]}".split("\n")
        self._versions[path] += 1
        sent = time.perf_counter()
        self.editor.change(path, self._versions[path], {"range": span, "text": text})
        return sent

    def remove_line(self, path: str, line: int) -> float:
        """Take a line out; the time at which the change was handed over."""
        del self._texts[path][line]
        self._versions[path] += 1
        span = {"start": {"line": line, "character": 0}, "end": {"line": line + 1, "character": 0}}
        sent = time.perf_counter()
        self.editor.change(path, self._versions[path], {"range": span, "text": ""})
        return sent

    def append(self, path: str, text: str) -> tuple[float, int]:
        """Add lines at the end; the time at which the change was handed over, and the first new line."""
        last = self.length(path) - 1
        end = len(self.line(path, last))
        return self.change(path, last, end, end, f"\n{text}"), last + 1

    def ask(self, method: str, path: str, line: int, column: int, **more: Any) -> tuple[Any, float]:
        """Ask about a place of a file; the answer, None if it failed, and its seconds."""
        self.open(path)
        document = {"textDocument": {"uri": self.editor.uri(path)}, "position": self.position(path, line, column)}
        return self.request(method, document | more)

    def request(self, method: str, params: dict[str, Any]) -> tuple[Any, float]:
        """Ask; the answer, None if it failed, and its seconds."""
        sent = time.perf_counter()
        try:
            answer = self.editor.request(method, params)
        except (ResponseError, TimeoutError):
            self.failures += 1
            answer = None
        return answer, time.perf_counter() - sent

    def published(self, path: str, sent: float, fits: Callable[[Diagnostics], bool], timeout: float) -> float | None:
        """Seconds from a change until diagnostics that fit it were published, if they were."""
        uri = self.editor.uri(path)

        def is_wanted(message: dict[str, Any]) -> bool:
            params = message.get("params") or {}
            return (
                message.get("method") == "textDocument/publishDiagnostics"
                and unquote(params["uri"]) == unquote(uri)
                and params.get("version", self._versions[path]) == self._versions[path]
                and fits(params["diagnostics"])
            )

        with_older = sum(at < sent for at, _ in self.editor.messages)
        try:
            return self.editor.arrival(is_wanted, with_older, timeout)[0] - sent
        except TimeoutError:
            return None

    def places(self, answer: Any) -> set[Place]:
        """The lines that an answer names."""
        return {(path, start["line"]) for path, start in self._starts(answer)}

    def points(self, answer: Any, line_of: Callable[[str, int], str]) -> set[Point]:
        """The places of an answer inside the workspace, with columns in characters."""
        return {
            (path, start["line"], _characters(line_of(path, start["line"]), start["character"], self.encoding))
            for path, start in self._starts(answer)
            if not path.startswith("/")
        }

    def _starts(self, answer: Any) -> Sequence[tuple[str, dict[str, int]]]:
        found = []
        for each in answer if isinstance(answer, list) else [answer] if answer else []:
            uri = each.get("targetUri") or each["uri"]
            span = each.get("targetSelectionRange") or each["range"]
            file = Path(unquote(urlparse(uri).path))
            inside = file.is_relative_to(self.root)
            found.append(((file.relative_to(self.root) if inside else file).as_posix(), span["start"]))
        return found

    def position(self, path: str, line: int, column: int) -> dict[str, int]:
        """A place of an open file as the server counts."""
        head = self._texts[path][line][:column]
        if self.encoding == "utf-8":
            column = len(head.encode())
        elif self.encoding == "utf-16":
            column = len(head.encode("utf-16-le")) // 2
        return {"line": line, "character": column}

    def _sample(self) -> None:
        while not self._over.wait(0.05):
            self.peak_memory = max(self.peak_memory, self.tree.memory())


def _characters(line: str, units: int, encoding: str) -> int:
    if encoding == "utf-8":
        return len(line.encode()[:units].decode(errors="replace"))
    if encoding == "utf-16":
        return len(line.encode("utf-16-le")[: 2 * units].decode("utf-16-le", errors="replace"))
    return units
