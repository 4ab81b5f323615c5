"""Frames of the base protocol on byte streams: reading whole messages, writing them from any thread.

Knows lengths and headers, no JSON beyond the envelope that it puts around ready bytes.
"""

from __future__ import annotations

import threading
from typing import BinaryIO

import msgspec

MAX_BYTES = 1 << 30
"""A longer message is a broken header, not a message."""


class FrameError(Exception):
    """The stream is not in the base protocol any more."""


def read_frame(stream: BinaryIO) -> bytes | None:
    """The body of the next message, or None at the end of the stream. Header lines that it does not know are passed over."""
    length: int | None = None
    while True:
        line = stream.readline(4096)
        if not line:
            return None
        if line in (b"\r\n", b"\n"):
            if length is None:
                continue
            break
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            if not value.strip().isdigit() or int(value) > MAX_BYTES:
                raise FrameError(f"not a length: {value.strip()[:40]!r}")
            length = int(value)
    body = stream.read(length)
    return body if len(body) == length else None


class Writer:
    """Writes messages, each whole, from any thread."""

    def __init__(self, stream: BinaryIO) -> None:
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
        self._write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
