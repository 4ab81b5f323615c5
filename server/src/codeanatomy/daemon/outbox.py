"""What is on its way to one client: writing never waits for the client, and one that does not read is given up."""

from __future__ import annotations

import socket
import threading
from collections import deque

MOST_BYTES = 256 << 20
"""A client that lets more than this pile up is gone in all but name."""


class Outbox:
    """The way out of a connection, from any thread."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._condition = threading.Condition()
        self._parts: deque[bytes] = deque()
        self._waiting = 0
        self._over = False
        self._thread = threading.Thread(target=self._send, name="codeanatomy-outbox", daemon=True)
        self._thread.start()

    def write(self, data: bytes, /) -> int:
        """Put bytes on their way; raises `BrokenPipeError` once the client is gone."""
        with self._condition:
            if self._over:
                raise BrokenPipeError("the client is gone")
            if self._waiting > MOST_BYTES:
                self._over = True
                self._connection.shutdown(socket.SHUT_RDWR)
                raise BrokenPipeError("the client does not read")
            self._parts.append(data)
            self._waiting += len(data)
            self._condition.notify()
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """Send what is on its way and end."""
        with self._condition:
            self._over = True
            self._condition.notify()
        self._thread.join(timeout=1)

    def _send(self) -> None:
        while True:
            with self._condition:
                self._condition.wait_for(lambda: bool(self._parts) or self._over)
                if not self._parts:
                    return
                data = b"".join(self._parts)
                self._parts.clear()
            try:
                self._connection.sendall(data)
            except OSError:
                with self._condition:
                    self._over = True
                    self._parts.clear()
                return
            with self._condition:
                self._waiting -= len(data)
