"""Writes messages from any thread: puts the envelope around JSON that is ready."""

from __future__ import annotations

import threading
from typing import Protocol

import msgspec

from codeanatomy.lsp.frames import frame


class Sink(Protocol):
    """Where messages are written to."""

    def write(self, data: bytes, /) -> object:
        """Take all of the bytes; raises `OSError` or `ValueError` once nobody reads any more."""
        ...

    def flush(self) -> object:
        """Let what was written be on its way."""
        ...


class Writer:
    """Writes messages, each whole, from any thread."""

    def __init__(self, stream: Sink) -> None:
        self._stream = stream
        self._lock = threading.Lock()
        self._broken = False

    def _write(self, data: bytes) -> None:
        """Write a frame; nothing happens any more once the reader has gone."""
        with self._lock:
            if self._broken:
                return
            try:
                self._stream.write(data)
                self._stream.flush()
            except (OSError, ValueError):
                # The editor has gone. The end of its input will tell the server; until then answers go nowhere.
                self._broken = True

    def close(self) -> None:
        """Write nothing any more."""
        with self._lock:
            self._broken = True

    def result(self, request: int | str, result: bytes) -> None:
        """Answer a request with JSON that is ready."""
        self._send(b'{"jsonrpc":"2.0","id":' + msgspec.json.encode(request) + b',"result":' + result + b"}")

    def error(self, request: int | str | None, code: int, message: str, data: dict[str, str]) -> None:
        """Answer a request with an error."""
        error = msgspec.json.encode({"code": code, "message": message, "data": data})
        self._send(b'{"jsonrpc":"2.0","id":' + msgspec.json.encode(request) + b',"error":' + error + b"}")

    def request(self, request: int | str, method: str, params: bytes) -> None:
        """Ask the other side something, with JSON that is ready."""
        name = msgspec.json.encode(method)
        number = msgspec.json.encode(request)
        self._send(b'{"jsonrpc":"2.0","id":' + number + b',"method":' + name + b',"params":' + params + b"}")

    def notify(self, method: str, params: bytes) -> None:
        """Send a notification with JSON that is ready."""
        name = msgspec.json.encode(method)
        self._send(b'{"jsonrpc":"2.0","method":' + name + b',"params":' + params + b"}")

    def _send(self, body: bytes) -> None:
        self._write(frame(body))
