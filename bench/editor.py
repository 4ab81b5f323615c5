"""A small language client: what an editor does, with nothing between the program and the bytes.

Drives `codeanatomy lsp` as a subprocess and notes the time of each message. Used by the benchmarks and by tests that must send
what no proper client would.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Self

SERVER = (sys.executable, "-m", "codeanatomy", "lsp", "--in-process")
"""A server that ends with its editor, and whose memory and time can be measured as its own."""

FRONT = (sys.executable, "-m", "codeanatomy", "lsp")
"""The front of a daemon."""

PATIENCE_S = 120.0
"""How long an answer is waited for: a machine may have much else to do, and who waits in vain has failed anyway."""


class ResponseError(Exception):
    """The server answered a request with an error."""

    def __init__(self, error: dict[str, Any]) -> None:
        self.code: int = error["code"]
        self.data: dict[str, str] = error.get("data") or {}
        super().__init__(f"{error['code']}: {error['message']}")


class Editor:
    """One editor with one server."""

    def __init__(
        self,
        root: Path,
        command: Sequence[str] = SERVER,
        timeout: float = PATIENCE_S,
        stderr: BinaryIO | int | None = None,
        environment: Mapping[str, str] | None = None,
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        self.root = root
        self.settings = settings or {}
        """What the server is told when it asks for the configuration, by section."""
        self.timeout = timeout
        self.messages: list[tuple[float, dict[str, Any]]] = []
        """Every message from the server, with the time at which it came."""
        self.stray = b""
        """Bytes on standard output that are no messages."""
        self._responses: dict[int | str | None, dict[str, Any]] = {}
        self._condition = threading.Condition()
        self._next = 0
        self._closed = False
        self.process = subprocess.Popen(
            list(command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, env=environment
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        # It ends with the output of the process; a stream must not be closed below it.
        self._reader.join(self.timeout)
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()

    def initialize(self, capabilities: dict[str, Any] | None = None, **params: Any) -> dict[str, Any]:
        """Shake hands; the answer of the server."""
        uri = self.root.as_uri()
        answer = self.request(
            "initialize",
            {
                "processId": None,
                "rootUri": uri,
                "workspaceFolders": [{"uri": uri, "name": self.root.name}],
                "capabilities": capabilities or {},
            }
            | params,
        )
        self.notify("initialized", {})
        return answer

    def shut_down(self) -> int:
        """Say goodbye; the exit code of the server."""
        self.request("shutdown", None)
        self.notify("exit", None)
        return self.process.wait(self.timeout)

    def uri(self, path: str) -> str:
        """The URI of a file of the workspace."""
        return (self.root / path).as_uri()

    def open(self, path: str, text: str, version: int = 1) -> None:
        """Open a file with a text."""
        document = {"uri": self.uri(path), "languageId": "python", "version": version, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": document})

    def change(self, path: str, version: int, *changes: dict[str, Any]) -> None:
        """Send content changes."""
        document = {"uri": self.uri(path), "version": version}
        self.notify("textDocument/didChange", {"textDocument": document, "contentChanges": list(changes)})

    def close(self, path: str) -> None:
        """Give a file back to the disk."""
        self.notify("textDocument/didClose", {"textDocument": {"uri": self.uri(path)}})

    def ask(self, method: str, path: str, line: int, character: int, **more: Any) -> Any:
        """Ask about a place."""
        return self.request(
            method,
            {"textDocument": {"uri": self.uri(path)}, "position": {"line": line, "character": character}} | more,
        )

    def diagnostics(self, path: str, version: int) -> list[dict[str, Any]]:
        """The first diagnostics that are published for a version of a file."""
        uri = self.uri(path)

        def published(message: dict[str, Any]) -> bool:
            params = message.get("params") or {}
            return (
                message.get("method") == "textDocument/publishDiagnostics"
                and params["uri"] == uri
                and params.get("version") == version
            )

        return self.wait_for(published)["params"]["diagnostics"]

    def request(self, method: str, params: Any) -> Any:
        """Ask and wait for the answer; raises `ResponseError`."""
        return self.answer_of(self.send_request(method, params))

    def send_request(self, method: str, params: Any) -> int:
        """Ask without waiting; the id of the request."""
        self._next += 1
        self.send({"jsonrpc": "2.0", "id": self._next, "method": method, "params": params})
        return self._next

    def answer_of(self, request: int | str | None) -> Any:
        """Wait for an answer; raises `ResponseError`."""
        response = self._wait(lambda: self._responses.pop(request, None))
        if "error" in response:
            raise ResponseError(response["error"])
        return response["result"]

    def notify(self, method: str, params: Any) -> None:
        """Tell the server something."""
        self.send({"jsonrpc": "2.0", "method": method, "params": params})

    def send(self, message: Any) -> None:
        """Send a message as it is."""
        self.send_bytes(json.dumps(message).encode())

    def send_together(self, *messages: Any) -> None:
        """Send messages in one go: nothing that this process has to wait for comes between them."""
        self._write(b"".join(_framed(json.dumps(each).encode()) for each in messages))

    def send_bytes(self, body: bytes) -> None:
        """Send bytes in a frame, whatever they are."""
        self._write(_framed(body))

    def _write(self, data: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def wait_for(self, matches: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The first message that matches, whether it has come or will come."""
        return self._wait(lambda: next((message for _, message in self.messages if matches(message)), None))

    def arrival(
        self, matches: Callable[[dict[str, Any]], bool], after: int, timeout: float
    ) -> tuple[float, dict[str, Any]]:
        """The first message that matches among those after the first `after` ones, with the time at which it came."""
        return self._wait(
            lambda: next(((at, message) for at, message in self.messages[after:] if matches(message)), None), timeout
        )

    def _wait(self, look: Callable[[], Any], timeout: float | None = None) -> Any:
        deadline = time.monotonic() + (self.timeout if timeout is None else timeout)
        with self._condition:
            while (found := look()) is None:
                rest = deadline - time.monotonic()
                if rest <= 0 or (self._closed and look() is None):
                    raise TimeoutError(
                        "the server closed its output" if self._closed else "the server did not answer in time"
                    )
                self._condition.wait(rest)
            return found

    def _read(self) -> None:
        stream = self.process.stdout
        assert stream is not None
        length = None
        while line := stream.readline():
            if line.startswith(b"Content-Length: "):
                length = int(line.split(b":")[1])
            elif line == b"\r\n" and length is not None:
                self._arrived(json.loads(stream.read(length)))
                length = None
            elif not line.startswith(b"Content-Type: "):
                self.stray += line
        with self._condition:
            self._closed = True
            self._condition.notify_all()

    def _arrived(self, message: dict[str, Any]) -> None:
        if "method" in message and "id" in message:
            self.send({"jsonrpc": "2.0", "id": message["id"], "result": self._told(message)})
        with self._condition:
            if "method" in message:
                self.messages.append((time.perf_counter(), message))
            else:
                self._responses[message.get("id")] = message
            self._condition.notify_all()

    def _told(self, request: dict[str, Any]) -> Any:
        """What a server gets that asks its client something: settings if it asks for them, nothing else."""
        if request["method"] != "workspace/configuration" or not self.settings:
            return None
        return [self.settings.get(item.get("section", "")) for item in request["params"]["items"]]


def _framed(body: bytes) -> bytes:
    return b"Content-Length: %d\r\n\r\n" % len(body) + body
