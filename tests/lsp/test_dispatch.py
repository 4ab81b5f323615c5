"""Questions about a file do not stand in line behind those that wait for the whole workspace."""

from __future__ import annotations

import io
import json
import threading
from types import SimpleNamespace
from typing import Any

import pytest

from bench.editor import PATIENCE_S
from codeanatomy.lsp import server
from codeanatomy.lsp.frames import read_frame


def answers(stream: io.BytesIO) -> list[Any]:
    copy = io.BytesIO(stream.getvalue())
    return [json.loads(body) for body in iter(lambda: read_frame(copy), None)]


def test_a_definition_overtakes_what_waits_for_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    go_on, answered = threading.Event(), threading.Event()

    def wait(*_: object) -> bytes:
        go_on.wait(2 * PATIENCE_S)
        return b"[]"

    def at_once(*_: object) -> bytes:
        answered.set()
        return b"[1]"

    monkeypatch.setitem(server.QUESTIONS, "textDocument/references", SimpleNamespace(answer=wait))
    monkeypatch.setitem(server.QUESTIONS, "textDocument/definition", SimpleNamespace(answer=at_once))
    out = io.BytesIO()
    served = server.Server(io.BytesIO(), out)

    def ask(number: int, method: str) -> None:
        served.receive(json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": {}}).encode())

    ask(0, "initialize")
    for number in range(1, 41):
        ask(number, "textDocument/references")
    ask(41, "textDocument/definition")
    assert answered.wait(PATIENCE_S)
    assert not [each for each in answers(out) if 0 < each["id"] < 41]
    go_on.set()
    served.serve()
