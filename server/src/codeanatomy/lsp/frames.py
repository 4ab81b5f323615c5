"""Frames of the base protocol on byte streams: whole messages, in and out.

Knows lengths and headers and no JSON. Imports nothing: the front of a daemon begins with this.
"""

from __future__ import annotations

from typing import BinaryIO

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


def frame(body: bytes) -> bytes:
    """A message as it goes over the wire."""
    return b"Content-Length: %d\r\n\r\n" % len(body) + body
