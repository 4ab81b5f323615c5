"""What goes wrong between an editor and the server has a code."""

from __future__ import annotations

import io
import json
import socket
from types import SimpleNamespace
from typing import Any

import pytest

from codeanatomy.daemon import caller, place
from codeanatomy.lsp import server
from codeanatomy.lsp.frames import read_frame

INITIALIZE = {"id": 1, "method": "initialize", "params": {"capabilities": {}}}
SHUTDOWN = {"id": 2, "method": "shutdown"}


def codes(*messages: object) -> list[str]:
    """The codes of the errors that a server answers these messages with."""
    out = io.BytesIO()
    served = server.Server(io.BytesIO(), out)
    for message in messages:
        served.receive(message if isinstance(message, bytes) else json.dumps(message).encode())
    for pool in (served._of_a_file, served._of_all):  # pyright: ignore[reportPrivateUsage]
        pool.shutdown()
    written = io.BytesIO(out.getvalue())
    answers: list[Any] = [json.loads(body) for body in iter(lambda: read_frame(written), None)]
    return [answer["error"]["data"]["code"] for answer in answers if "error" in answer]


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        ((b"{",), "bad-message"),
        ((b"[]",), "bad-message"),
        (({"id": 1, "method": "initialize", "params": 5},), "bad-params"),
        (({"id": 1, "method": "textDocument/hover"},), "not-initialized"),
        ((INITIALIZE, INITIALIZE), "initialized-already"),
        ((INITIALIZE, {"id": 3, "method": "textDocument/tea"}), "unknown-method"),
        ((INITIALIZE, SHUTDOWN, {"id": 3, "method": "textDocument/hover"}), "shut-down"),
    ],
)
def test_a_message_that_cannot_be_answered(messages: tuple[object, ...], code: str) -> None:
    assert codes(*messages) == [code]


def test_a_mistake_of_the_server_is_told_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> bytes:
        raise ZeroDivisionError("nobody thought of this")

    monkeypatch.setitem(server.QUESTIONS, "textDocument/hover", SimpleNamespace(answer=fail))
    assert codes(INITIALIZE, {"id": 3, "method": "textDocument/hover", "params": {}}) == ["server-internal"]


def test_a_daemon_that_goes_away_is_told_of(tmp_path: Any) -> None:
    ours, theirs = socket.socketpair()
    asked = caller.Asked(ours, place.of(str(tmp_path)), "command")
    theirs.close()
    with pytest.raises(caller.CallError) as gone:
        asked.ask("begin")
    assert gone.value.code == "daemon-gone"


def test_a_socket_of_somebody_else_is_not_spoken_to(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    at = place.of(str(tmp_path))._replace(base=str(tmp_path / "socket"))
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(at.socket)
    listener.listen()
    monkeypatch.setattr(place, "is_ours", lambda _: False)
    with pytest.raises(place.DaemonError) as refused:
        place.connect(at)
    assert refused.value.code == "daemon-not-ours"
    listener.close()


def test_a_daemon_that_does_not_begin_is_given_up(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(place, "_BEGIN_S", 0.01)
    with pytest.raises(place.DaemonError) as refused:
        place._reach(place.of(str(tmp_path)), lambda _: True)  # pyright: ignore[reportPrivateUsage]
    assert refused.value.code == "daemon-unreachable"


def test_a_system_without_such_sockets_has_no_daemon(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(place, "is_supported", lambda: False)
    with pytest.raises(place.DaemonError) as refused:
        place.of(str(tmp_path))
    assert refused.value.code == "daemon-unsupported"
