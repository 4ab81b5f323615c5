"""What an editor is told of syntax: at once by us, and by CPython when the text rests."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from bench.editor import PATIENCE_S, Editor
from tests.support import shop

ONLY_CPYTHON = "def pay():\n    nonlocal price\n    price = 1\n"
"""Nothing but the symbol table of CPython refuses it."""

WORDS = "no binding for nonlocal 'price' found"


def published(editor: Editor, path: str, version: int) -> list[list[dict[str, Any]]]:
    return [
        message["params"]["diagnostics"]
        for _, message in editor.messages
        if message.get("method") == "textDocument/publishDiagnostics"
        and message["params"]["uri"] == editor.uri(path)
        and message["params"].get("version") == version
    ]


def wait_until(editor: Editor, path: str, version: int, message: str) -> dict[str, Any]:
    def has_it(sent: dict[str, Any]) -> bool:
        params = sent.get("params") or {}
        return (
            sent.get("method") == "textDocument/publishDiagnostics"
            and params["uri"] == editor.uri(path)
            and params.get("version") == version
            and any(each["message"] == message for each in params["diagnostics"])
        )

    [found] = editor.arrival(has_it, 0, PATIENCE_S)[1]["params"]["diagnostics"]
    return found


def test_what_only_cpython_refuses_is_told_when_the_text_rests(editor: Editor) -> None:
    editor.initialize()
    editor.open("main.py", ONLY_CPYTHON)
    found = wait_until(editor, "main.py", 1, WORDS)
    assert published(editor, "main.py", 1)[0] == []
    assert found["code"] == "syntax-refused"
    assert found["range"] == {"start": {"line": 1, "character": 4}, "end": {"line": 1, "character": 18}}


def test_the_message_of_cpython_takes_the_place_of_ours(editor: Editor) -> None:
    editor.initialize()
    editor.open("main.py", "print 'x'\n")
    found = wait_until(editor, "main.py", 1, "Missing parentheses in call to 'print'. Did you mean print(...)?")
    [at_once] = published(editor, "main.py", 1)[0]
    assert at_once["code"] == found["code"] == "syntax-statement"
    assert at_once["message"] != found["message"]


def test_an_edit_takes_the_verdict_back(editor: Editor) -> None:
    editor.initialize()
    editor.open("main.py", ONLY_CPYTHON)
    wait_until(editor, "main.py", 1, WORDS)
    whole = {"text": ONLY_CPYTHON.replace("nonlocal", "global  ")}
    editor.change("main.py", 2, whole)
    assert editor.diagnostics("main.py", 2) == []
    editor.change("main.py", 3, {"text": ONLY_CPYTHON})
    wait_until(editor, "main.py", 3, WORDS)


def test_an_editor_that_asks_is_told_when_to_ask_again(editor: Editor) -> None:
    editor.initialize(
        {
            "workspace": {"diagnostics": {"refreshSupport": True}},
            "textDocument": {"diagnostic": {"dynamicRegistration": False}},
        }
    )
    editor.open("main.py", ONLY_CPYTHON)

    def asked() -> list[dict[str, Any]]:
        document = {"textDocument": {"uri": editor.uri("main.py")}}
        return editor.request("textDocument/diagnostic", document)["items"]

    seen, deadline = 0, time.monotonic() + PATIENCE_S
    while not any(each["message"] == WORDS for each in asked()):
        assert time.monotonic() < deadline
        _, _ = editor.arrival(lambda sent: sent.get("method") == "workspace/diagnostic/refresh", seen, PATIENCE_S)
        seen += 1


@pytest.fixture
def without(tmp_path: Path) -> Any:
    root = shop.build(tmp_path / "ws")
    (root / "codeanatomy.toml").write_text("[witnesses]\nsyntax = false\nat_rest = []\n")
    with Editor(root) as started:
        yield started


def test_who_turns_it_off_hears_only_what_is_known_at_once(without: Editor) -> None:
    without.initialize()
    without.open("main.py", ONLY_CPYTHON)
    assert without.diagnostics("main.py", 1) == []
    without.request("workspace/symbol", {"query": "pay"})
    assert all(each == [] for each in published(without, "main.py", 1))
