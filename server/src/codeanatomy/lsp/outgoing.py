"""What the server sends of its own accord: requests to the editor, with their answers, and words for a person.

An answer goes to the function that waits for it, in the thread that reads. What an editor refuses is logged and nothing more:
each of these requests is a courtesy, and no answer of ours depends on it.
"""

from __future__ import annotations

import itertools
import logging
import threading
from collections.abc import Callable

import msgspec

from codeanatomy.lsp import convert, transport

logger = logging.getLogger(__name__)

_ERROR, _WARNING = 1, 2


class _Response(msgspec.Struct):
    id: int | str | None = None
    result: msgspec.Raw = msgspec.Raw(b"null")
    error: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class Outgoing:
    """The way to the editor, from any thread."""

    def __init__(self, out: transport.Writer, name: str = "") -> None:
        """Requests are numbered, or named if there is a name."""
        self._out = out
        self._name = name
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._waiting: dict[int | str | None, tuple[str, Callable[[bytes], None] | None]] = {}

    def notify(self, method: str, params: object) -> None:
        """Tell the editor something."""
        self._out.notify(method, msgspec.json.encode(params))

    def log(self, message: str) -> None:
        """Write a line into the log that the editor shows."""
        self.notify("window/logMessage", {"type": _WARNING, "message": message})

    def show_error(self, message: str) -> None:
        """Show a person what went wrong."""
        self.notify("window/showMessage", {"type": _ERROR, "message": message})

    def ask(self, method: str, params: object, then: Callable[[bytes], None] | None = None) -> None:
        """Ask the editor; `then` gets the result (JSON) if there is one."""
        number = next(self._numbers)
        request = f"{self._name}-{number}" if self._name else number
        with self._lock:
            self._waiting[request] = (method, then)
        self._out.request(request, method, msgspec.json.encode(params))

    def answered(self, body: bytes) -> None:
        """Hand an answer of the editor to what waits for it; never raises for what an editor sends."""
        try:
            response = msgspec.json.decode(body, type=_Response)
        except msgspec.MsgspecError as error:
            logger.warning("a message that cannot be read: %s", error)
            return
        with self._lock:
            method, then = self._waiting.pop(response.id, ("", None))
        if not method:
            logger.warning("an answer to no question of ours")
        elif response.error is not msgspec.UNSET and bytes(response.error) != b"null":
            logger.info("the editor refuses %s: %s", method, bytes(response.error).decode("utf-8", "replace"))
        elif then is not None:
            try:
                then(bytes(response.result))
            except (convert.InvalidParams, LookupError) as error:
                logger.warning("the answer to %s cannot be read: %s", method, error)
