"""No client, whatever it sends and however it goes, takes the server down or leaves a request without its answer."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.editor import FRONT, PATIENCE_S, SERVER, Editor, ResponseError
from codeanatomy.daemon import place
from tests.support import shop

CALL = shop.place("main.py", "discount", 1)
MAIN = shop.FILES["main.py"]
BOTH = pytest.mark.parametrize("command", [SERVER, FRONT], ids=["in process", "daemon"])


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    made = shop.build(tmp_path_factory.mktemp("robust") / "ws")
    yield made
    pid = place.holder(place.of(str(made)))
    if pid:
        os.kill(pid, 9)


def begun(root: Path, command: tuple[str, ...]) -> Editor:
    editor = Editor(root, command)
    editor.initialize()
    return editor


def is_well(editor: Editor) -> bool:
    return len(editor.ask("textDocument/definition", "main.py", *CALL)) == 1


def insert(line: int, text: str) -> dict[str, Any]:
    start = {"line": line, "character": 0}
    return {"range": {"start": start, "end": start}, "text": text}


NO_MESSAGES = (
    b"",
    b"{",
    b"null",
    b"\xff\xfe\x00",
    b"[1,2]",
    b'"text"',
    b'{"jsonrpc":"1.0","id":{"a":1},"method":"x"}',
    b'{"jsonrpc":"2.0","id":5,"method":7}',
    b"[" * 100_000,
    b'{"jsonrpc":"2.0","id":"' + b"x" * 3000 + b'","method":',
)


@BOTH
def test_what_is_no_message_is_refused(root: Path, command: tuple[str, ...]) -> None:
    with begun(root, command) as editor:
        for body in NO_MESSAGES:
            editor.send_bytes(body)
            with pytest.raises(ResponseError) as caught:
                editor.answer_of(None)
            assert caught.value.code in (-32700, -32600), body[:40]
        assert is_well(editor)
        assert editor.shut_down() == 0
        assert editor.stray == b""


@BOTH
def test_news_that_come_twice_late_or_never_are_survived(root: Path, command: tuple[str, ...]) -> None:
    with begun(root, command) as editor:
        editor.change("main.py", 2, {"text": "x"})
        editor.close("main.py")
        editor.open("main.py", "f(\n", 5)
        editor.open("main.py", MAIN, 1)
        editor.notify("initialized", {})
        editor.change("main.py", 1, insert(0, ""))
        editor.change("main.py", 3, insert(10_000, "y"), {"range": None, "text": 5})
        editor.change("main.py", 3, {"text": MAIN})
        editor.notify("textDocument/didSave", {"textDocument": {"uri": editor.uri("nowhere.py")}})
        editor.notify("workspace/didChangeWatchedFiles", {"changes": [{"uri": "no uri", "type": 9}]})
        editor.notify("$/cancelRequest", {"id": []})
        editor.notify("$/setTrace", None)
        editor.send({"jsonrpc": "2.0", "id": 77, "result": None})
        editor.send({"jsonrpc": "2.0", "id": "never asked", "error": {"code": 1, "message": "no"}})
        assert is_well(editor)
        editor.close("main.py")
        editor.close("main.py")
        assert is_well(editor)
        with pytest.raises(ResponseError) as caught:
            editor.request("initialize", {"capabilities": {}})
        assert caught.value.code == -32600
        assert editor.shut_down() == 0


@BOTH
def test_ids_of_any_kind_come_back_as_they_were(root: Path, command: tuple[str, ...]) -> None:
    params = {"textDocument": {"uri": (root / "main.py").as_uri()}, "position": {"line": CALL[0], "character": CALL[1]}}
    with begun(root, command) as editor:
        for name in ("a", 'quote " and \\', "\u00e4\U0001f600", "x" * 2000, 2**31 - 1, -5, "codeanatomy-front"):
            editor.send({"params": params, "id": name, "method": "textDocument/definition", "jsonrpc": "2.0"})
            assert len(editor.answer_of(name)) == 1


@BOTH
def test_a_flood_of_questions_is_answered_and_cancelled_ones_are_refused(root: Path, command: tuple[str, ...]) -> None:
    with begun(root, command) as editor:
        where = {"textDocument": {"uri": editor.uri("main.py")}, "position": {"line": CALL[0], "character": CALL[1]}}
        asked = [editor.send_request("textDocument/definition", where) for _ in range(1_000)]
        for request in asked[1::2]:
            editor.notify("$/cancelRequest", {"id": request})
        answered = cancelled = 0
        for request in asked:
            try:
                answered += len(editor.answer_of(request))
            except ResponseError as error:
                assert error.code == -32800
                cancelled += 1
        assert answered + cancelled == 1_000
        assert answered >= 500


@BOTH
def test_ten_thousand_edits_in_a_row_end_in_the_newest_text(root: Path, command: tuple[str, ...]) -> None:
    with begun(root, command) as editor:
        editor.open("shop/tools.py", shop.FILES["shop/tools.py"])
        line = editor.ask("textDocument/definition", "main.py", *CALL)[0]["range"]["start"]["line"]
        edits = []
        for version in range(2, 10_002):
            document = {"uri": editor.uri("shop/tools.py"), "version": version}
            params = {"textDocument": document, "contentChanges": [insert(0, "\n" if version % 2 else "#")]}
            body = json.dumps({"jsonrpc": "2.0", "method": "textDocument/didChange", "params": params}).encode()
            edits.append(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        assert editor.process.stdin is not None
        editor.process.stdin.write(b"".join(edits))
        editor.process.stdin.flush()
        found = editor.ask("textDocument/definition", "main.py", *CALL)
        assert [each["range"]["start"]["line"] for each in found] == [line + 5_000]


@BOTH
@pytest.mark.parametrize("rest", [b"", b"Content-Le", b"Content-Length: 50\r\n\r\n{", b"Content-Length: x\r\n\r\n"])
def test_an_editor_that_goes_in_the_middle_of_a_word_takes_its_server_along(
    root: Path, command: tuple[str, ...], rest: bytes
) -> None:
    with begun(root, command) as editor:
        assert editor.process.stdin is not None
        editor.process.stdin.write(rest)
        editor.process.stdin.close()
        assert editor.process.wait(PATIENCE_S) in (1, 2)


@BOTH
def test_an_editor_that_does_not_listen_any_more_is_no_error(root: Path, command: tuple[str, ...]) -> None:
    process = subprocess.Popen(list(command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    for message in (
        {"id": 1, "method": "initialize", "params": {"rootUri": root.as_uri(), "capabilities": {}}},
        {"method": "initialized", "params": {}},
        {"id": 2, "method": "workspace/symbol", "params": {"query": "d"}},
        {"id": 3, "method": "shutdown"},
    ):
        body = json.dumps({"jsonrpc": "2.0"} | message).encode()
        process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
    process.stdin.close()
    with process.stderr as stderr:
        assert b"Traceback" not in stderr.read()
    assert process.wait(PATIENCE_S) == 1


def test_whoever_speaks_to_a_daemon_without_a_greeting_is_turned_away(root: Path) -> None:
    with begun(root, FRONT) as editor:
        at = place.of(str(root))
        for said in (
            b"",
            b"\x00" * 5000,
            b"GET / HTTP/1.1\r\n\r\n",
            b"Content-Length: 2\r\n\r\n{}",
            b"Content-Length: 1\r\n\r\n[",
        ):
            connection = place.connect(at)
            assert connection is not None
            with connection:
                connection.sendall(said)
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(65536):
                    pass
        greeting = json.dumps({"kind": "command", "identity": at.identity, "root": "/nowhere"}).encode()
        for asked in (
            b"{}",
            b'{"ask":"__class__","arguments":[]}',
            b'{"ask":"query","arguments":["DROP TABLE files",1]}',
        ):
            connection = place.connect(at)
            assert connection is not None
            with connection:
                for body in (greeting, asked):
                    connection.sendall(b"Content-Length: %d\r\n\r\n" % len(body) + body)
                connection.shutdown(socket.SHUT_WR)
                answer = b"".join(iter(lambda connection=connection: connection.recv(65536), b""))
            assert b"\r\n\r\n+" not in answer
        assert is_well(editor)


def test_a_front_needs_few_imports() -> None:
    script = "import sys, codeanatomy.cli, codeanatomy.daemon.front; print(*sorted(sys.modules), sep='\\n')"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    heavy = {
        "codeanatomy_engine",
        "codeanatomy_incremental",
        "msgspec",
        "argparse",
        "logging",
        "asyncio",
        "pathlib",
        "typing",
    }
    assert heavy & set(loaded) <= {"pathlib", "typing"} & heavy
    assert len(loaded) < 110
