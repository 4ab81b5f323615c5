"""The stdio front of a daemon: passes messages on, and survives the daemon.

It remembers what a new daemon has to be told to be where the old one was: the handshake, the open documents with their changes, and
what has not been answered yet. When a daemon dies, the front starts another one, tells it all this and asks again: the editor
notices one slow answer. Where no daemon can be had, the server runs in this process, behind the same socket.

An editor waits for every import here: there are few, and none of a library.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, BinaryIO

from codeanatomy.daemon import place
from codeanatomy.lsp.frames import FrameError, frame, read_frame

_OURS = "codeanatomy-front-"
"""What the names of our own requests start with."""

_MOST_CHANGES = 400
_MOST_BYTES = 1 << 20
"""More changes of a document than this are replaced by the text that they led to."""

_MOST_DEATHS = 5
"""A daemon that dies more often than this in a minute is not started again."""

_EDITOR_S = 2.0
"""How often it is looked whether the editor still lives. Its end closes our input as a rule, and then nobody needs to look."""

_HEAD = b'{"jsonrpc":"2.0","id":'
_ID_BYTES = 256

_INVALID_REQUEST = -32600
_PARSE_ERROR = -32700
_NOT_INITIALIZED = -32002


def run(arguments: Sequence[str]) -> int | None:
    """Serve an editor on standard input and output; the exit code, or None if the arguments ask for another server."""
    if any(each != "--stdio" for each in arguments) or not place.is_supported():
        return None
    # The protocol gets descriptors of its own; whatever else prints ends up in the log.
    stdin, stdout = os.fdopen(os.dup(0), "rb"), os.dup(1)
    silence = os.open(os.devnull, os.O_RDONLY)
    os.dup2(silence, 0)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return Front(stdin, stdout, place.reach, _serve_here).serve()


class _Opened:
    """An open document or notebook, as the messages that made it."""

    def __init__(self, message: bytes, item: dict[str, Any]) -> None:
        self.messages = [message]
        self.size = len(message)
        self.item = item
        self.is_asked = False
        """Whether the text is on its way that replaces the messages."""


class Front:
    """One editor, from its first message to its last, whatever becomes of daemons."""

    def __init__(
        self,
        stdin: BinaryIO,
        stdout: int,
        reach: Callable[[place.Place], socket.socket],
        serve_here: Callable[[socket.socket], None],
    ) -> None:
        """`reach` finds or starts a daemon, `serve_here` serves a connection in this process until it ends."""
        self._stdin = stdin
        self._stdout = stdout
        self._reach = reach
        self._serve_here = serve_here
        self._lock = threading.Lock()
        """Held while something is remembered and sent, so that nothing is lost between two daemons."""
        self._connection: socket.socket | None = None
        self._place: place.Place | None = None
        self._over = False
        self._deaths: list[float] = []
        self._number = 0
        self._hello: dict[str, Any] = {}
        self._initialized = b""
        self._settings = b""
        self._folders: list[bytes] = []
        self._documents: dict[str, _Opened] = {}
        self._pending: dict[Any, bytes] = {}
        self._asked: dict[str, tuple[_Opened, int]] = {}
        self._has_said_goodbye = False

    def serve(self) -> int:
        """Serve until the editor says exit or goes away; the exit code."""
        said_exit = False
        try:
            while (body := read_frame(self._stdin)) is not None:
                message = _read(body)
                if message.get("method") == "exit" and "id" not in message:
                    said_exit = True
                    break
                if self._connection is None and message.get("method") != "initialize":
                    self._refuse(body, message)
                    continue
                with self._lock:
                    self._remember(body, message)
                    if self._connection is None:
                        self._begin()
                    else:
                        self._tell(body)
                        self._shorten_longest(message)
        except FrameError as error:
            _log(f"the input is no message any more: {error}")
            return 2
        finally:
            self._over = True
            if self._connection is not None:
                _end(self._connection)
        return 0 if said_exit and self._has_said_goodbye else 1

    def _begin(self) -> None:
        root = _root_of(self._hello)
        reason = "the editor has no folder open"
        if root:
            try:
                self._place = place.of(root)
            except place.DaemonError as error:
                reason = f"{error.code}: {error}"
        self._connect(reason)
        params = self._hello.get("params")
        editor = params.get("processId") if isinstance(params, dict) else None
        if isinstance(editor, int) and editor > 0 and _is_alive(editor):
            threading.Thread(
                target=self._outlive_nobody, args=(editor,), name="codeanatomy-editor", daemon=True
            ).start()
        threading.Thread(target=self._pass_back, name="codeanatomy-back", daemon=True).start()

    def _outlive_nobody(self, editor: int) -> None:
        """End with the process of the editor, also if somebody else holds our input open."""
        while _is_alive(editor):
            time.sleep(_EDITOR_S)
        _log("the editor is gone")
        with self._lock:
            self._over = True
            if self._connection is not None:
                _end(self._connection)
            os._exit(1)

    def _connect(self, reason: str) -> None:
        """Be connected, to a daemon if there can be one, and tell it what this editor said so far."""
        while self._place is not None:
            try:
                self._connection = self._reach(self._place)
            except (place.DaemonError, OSError) as error:
                reason = f"{getattr(error, 'code', 'daemon-unreachable')}: {error}"
                self._place = None
                break
            if self._tell(b'{"kind":"editor","identity":' + _json(self._place.identity) + b"}") and self._replay():
                return
            if self._dies_too_often():
                reason = "daemon-dies: it ends again and again"
                self._place = None
        _log(f"no daemon ({reason}); serving in this process")
        here, there = socket.socketpair()
        self._connection = here
        threading.Thread(target=self._serve_here, args=(there,), name="codeanatomy-own", daemon=True).start()
        self._replay()

    def _dies_too_often(self) -> bool:
        now = time.monotonic()
        self._deaths = [each for each in self._deaths if now - each < 60] + [now]
        return len(self._deaths) > _MOST_DEATHS

    def _remember(self, body: bytes, message: dict[str, Any]) -> None:
        """Keep what another daemon would have to be told."""
        method, params = message.get("method"), message.get("params")
        request = message.get("id")
        try:
            match method:
                case "initialize":
                    self._hello = self._hello or message
                case "initialized":
                    self._initialized = body
                case "workspace/didChangeConfiguration":
                    self._settings = body
                case "workspace/didChangeWorkspaceFolders":
                    self._folders.append(body)
                case "textDocument/didOpen":
                    item = params["textDocument"]  # pyright: ignore[reportOptionalSubscript] -- answered by TypeError below
                    self._documents[item["uri"]] = _Opened(body, item)
                case "textDocument/didChange":
                    self._remember_change(params["textDocument"]["uri"], body)  # pyright: ignore[reportOptionalSubscript]
                case "notebookDocument/didOpen":
                    uri = params["notebookDocument"]["uri"]  # pyright: ignore[reportOptionalSubscript]
                    self._documents[uri] = _Opened(body, {})
                case "notebookDocument/didChange":
                    self._remember_change(params["notebookDocument"]["uri"], body)  # pyright: ignore[reportOptionalSubscript]
                case "notebookDocument/didClose":
                    self._documents.pop(params["notebookDocument"]["uri"], None)  # pyright: ignore[reportOptionalSubscript]
                case "textDocument/didClose":
                    self._documents.pop(params["textDocument"]["uri"], None)  # pyright: ignore[reportOptionalSubscript]
                case "shutdown":
                    self._has_said_goodbye = True
                case _:
                    pass
            if method is not None and request is not None:
                self._pending[request] = body
        except (KeyError, TypeError):
            # No message of the protocol. The server says so.
            return

    def _remember_change(self, uri: str, body: bytes) -> None:
        document = self._documents.get(uri)
        if document is not None:
            document.messages.append(body)
            document.size += len(body)

    def _shorten_longest(self, message: dict[str, Any]) -> None:
        """Ask for the text of a document that was changed often. It holds every change before: both are taken in turn."""
        if message.get("method") not in ("textDocument/didChange", "notebookDocument/didChange"):
            return
        for uri, document in self._documents.items():
            is_long = len(document.messages) > _MOST_CHANGES or document.size > _MOST_BYTES + len(document.messages[0])
            if is_long and not document.is_asked:
                document.is_asked = True
                request = self._own_id()
                self._asked[request] = (document, len(document.messages))
                params = {"textDocument": {"uri": uri}}
                self._tell(_json({"jsonrpc": "2.0", "id": request, "method": "codeanatomy/text", "params": params}))

    def _own_id(self) -> str:
        self._number += 1
        return f"{_OURS}{self._number}"

    def _tell(self, body: bytes) -> bool:
        """Send to the daemon; whether it went. What did not is told to the next one."""
        assert self._connection is not None
        try:
            self._connection.sendall(frame(body))
        except OSError:
            return False
        return True

    def _replay(self) -> bool:
        """Tell a new daemon all that the old one knew, and ask again what was not answered."""
        request = self._hello.get("id")
        hello = dict(self._hello)
        if request not in self._pending:
            hello["id"] = self._own_id()
        messages = [_json(hello), self._initialized, self._settings, *self._folders]
        self._asked.clear()
        for document in self._documents.values():
            document.is_asked = False
            messages += document.messages
        messages += [body for each, body in self._pending.items() if each != request]
        return all(self._tell(body) for body in messages if body)

    def _pass_back(self) -> None:
        """Hand on what the daemon says, and get another daemon when it dies."""
        while not self._over:
            connection = self._connection
            assert connection is not None
            try:
                stream = connection.makefile("rb")
                while (body := read_frame(stream)) is not None:
                    self._deliver(body)
            except (OSError, FrameError):
                pass  # cut off in the middle of a message: the same as its end
            with self._lock:
                if self._over or (self._has_said_goodbye and not self._pending):
                    return
                if self._dies_too_often():
                    self._place = None
                self._connect("daemon-dies: it ends again and again")

    def _deliver(self, body: bytes) -> None:
        request, is_answer = _id_of(body)
        if is_answer:
            self._pending.pop(request, None)
            if isinstance(request, str) and request.startswith(_OURS):
                asked = self._asked.pop(request, None)
                if asked is not None:
                    self._shorten(*asked, body)
                return
        data = frame(body)
        try:
            while data:
                data = data[os.write(self._stdout, data) :]
        except OSError:
            # The editor has gone; the end of its input says so too.
            self._over = True

    def _shorten(self, document: _Opened, count: int, body: bytes) -> None:
        """Keep a text in place of the messages that made it."""
        result = _read(body).get("result")
        with self._lock:
            if not isinstance(result, dict):
                return
            method, params = "textDocument/didOpen", {"textDocument": document.item | result}
            if "notebookDocument" in result:
                method, params = "notebookDocument/didOpen", result
            opened = {"jsonrpc": "2.0", "method": method, "params": params}
            document.messages[:count] = [_json(opened)]
            document.size = sum(map(len, document.messages))
            document.is_asked = False

    def _refuse(self, body: bytes, message: dict[str, Any]) -> None:
        """Answer what comes before the handshake."""
        request = message.get("id")
        code, text, name = _NOT_INITIALIZED, "the server has not been initialized", "not-initialized"
        if not message:
            code, text, name = _fault(body)
        elif request is None or "method" not in message:
            return
        error = {"code": code, "message": text, "data": {"code": name}}
        os.write(self._stdout, frame(_json({"jsonrpc": "2.0", "id": request, "error": error})))


def _log(message: str) -> None:
    sys.stderr.write(f"codeanatomy: {message}\n")
    sys.stderr.flush()


def _serve_here(connection: socket.socket) -> None:
    from codeanatomy.daemon.outbox import Outbox
    from codeanatomy.lsp.server import Server

    Server(connection.makefile("rb"), Outbox(connection)).serve()
    _end(connection)


def _end(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):  # the other side may have been first
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()


def _read(body: bytes) -> dict[str, Any]:
    """A message, if it is one; else nothing."""
    try:
        message = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return message if isinstance(message, dict) else {}


def _fault(body: bytes) -> tuple[int, str, str]:
    try:
        json.loads(body)
    except (ValueError, RecursionError) as error:
        return _PARSE_ERROR, f"not JSON: {error}", "bad-message"
    return _INVALID_REQUEST, "not a message: expected an object", "bad-message"


def _id_of(body: bytes) -> tuple[Any, bool]:
    """The request that a message of our server is about, and whether it is the answer."""
    if not body.startswith(_HEAD):
        return None, False
    try:
        head = body[len(_HEAD) : len(_HEAD) + _ID_BYTES].decode("utf-8", "ignore")
        request, end = json.JSONDecoder().raw_decode(head)
        return request, not head.startswith(',"method"', end)
    except ValueError:
        message = _read(body)
        return message.get("id"), "method" not in message


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        # It belongs to somebody else, or is no number of a process: it is not ours to judge.
        return True
    return True


def _root_of(hello: dict[str, Any]) -> str:
    """The first folder that the editor has open, if it is one of this machine."""
    params = hello.get("params")
    if not isinstance(params, dict):
        return ""
    folders = params.get("workspaceFolders")
    first = folders[0] if isinstance(folders, list) and folders else None
    uri = (first.get("uri") if isinstance(first, dict) else None) or params.get("rootUri")
    path = params.get("rootPath")
    if isinstance(uri, str):
        path = uri.removeprefix("file://") if uri.startswith("file:///") else ""
        if "%" in path:
            from urllib.parse import unquote

            path = unquote(path)
    return path if isinstance(path, str) and os.path.isdir(path) else ""
