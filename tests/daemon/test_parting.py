"""A daemon keeps nothing of clients that have left: it does not grow with the number of those that it has seen."""

from __future__ import annotations

import gc
import json
import os
import socket
import threading
from pathlib import Path

import pytest

from codeanatomy.daemon import place, serve
from codeanatomy.lsp.frames import frame, read_frame
from codeanatomy.lsp.server import Server
from tests.support import shop

CLIENTS = 12


class Visitor:
    """An editor of a daemon in this process."""

    def __init__(self, daemon: serve.Daemon, at: place.Place) -> None:
        self._connection, theirs = socket.socketpair()
        self._thread = threading.Thread(target=daemon._serve, args=(theirs,))
        self._thread.start()
        self._stream = self._connection.makefile("rb")
        self._say({"kind": "editor", "identity": at.identity})
        self.ask("initialize", {"rootUri": Path(at.root).as_uri(), "capabilities": {}})
        self._say({"jsonrpc": "2.0", "method": "initialized", "params": {}})

    def ask(self, method: str, params: object) -> object:
        """The answer to a question."""
        self._say({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
        while body := read_frame(self._stream):
            message = json.loads(body)
            if "method" not in message:
                return message.get("result")
        raise AssertionError("the daemon said no more")

    def open(self, at: place.Place, path: str, text: str) -> None:
        """Open a file with a text."""
        uri = Path(at.root, path).as_uri()
        document = {"uri": uri, "languageId": "python", "version": 1, "text": text}
        self._say({"jsonrpc": "2.0", "method": "textDocument/didOpen", "params": {"textDocument": document}})

    def leave(self) -> None:
        """Go without a word, and wait until the daemon has noticed."""
        self._connection.shutdown(socket.SHUT_RDWR)
        self._connection.close()
        self._stream.close()
        self._thread.join()

    def _say(self, message: object) -> None:
        self._connection.sendall(frame(json.dumps(message).encode()))


def servers() -> int:
    return sum(isinstance(each, Server) for each in gc.get_objects())


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="nobody says which descriptors are open")
def test_what_was_held_for_those_who_left_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve, "_TIDY_S", 0.0)
    at = place.of(str(shop.build(tmp_path / "ws")))
    call = {"line": shop.place("main.py", "discount", 1)[0], "character": shop.place("main.py", "discount", 1)[1]}
    before = servers()
    with socket.socket() as unused:
        daemon = serve.Daemon(at, unused)
        stays = Visitor(daemon, at)
        where = {"textDocument": {"uri": Path(at.root, "main.py").as_uri()}, "position": call}
        assert stays.ask("textDocument/definition", where)
        opened, threads = descriptors(), threading.active_count()
        for number in range(CLIENTS):
            goes = Visitor(daemon, at)
            goes.open(at, "shop/tools.py", "\n" * number + shop.FILES["shop/tools.py"])
            assert goes.ask("textDocument/definition", where)
            goes.leave()
        # Some threads end a moment after their work.
        for thread in threading.enumerate():
            if thread.name.startswith(("codeanatomy-question", "codeanatomy-far", "codeanatomy-outbox")):
                thread.join(0.5)
        assert daemon._has_parted
        daemon._tidy()
        assert servers() - before == 1
        assert descriptors() <= opened + 2
        assert threading.active_count() <= threads + 16 + 8
        assert daemon.status()["graphs"] == 1
        stays.leave()
        for graph in daemon._graphs.all():
            graph.stop()
