"""The first seconds of a session: what is asked at once is answered rightly, and what needs everything is complete."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from bench.editor import PATIENCE_S, Editor, ResponseError
from tests.support import shop
from tests.support.environments import write

USERS = 120


def build(root: Path) -> Path:
    shop.build(root)
    return write(root, {f"users/u{n}.py": "from shop import discount\n\ndiscount(1)\n" for n in range(USERS)})


def at(editor: Editor, path: str, where: tuple[int, int]) -> dict[str, Any]:
    return {"textDocument": {"uri": editor.uri(path)}, "position": {"line": where[0], "character": where[1]}}


def test_whatever_is_asked_first_has_the_answer_of_the_whole(tmp_path: Path) -> None:
    """Questions that leave before the server has read a file; each must be what it will be for ever."""
    call = shop.place("main.py", "discount", 1)
    questions: tuple[tuple[str, dict[str, Any]], ...] = (
        ("textDocument/definition", {}),
        ("textDocument/hover", {}),
        ("textDocument/references", {"context": {"includeDeclaration": False}}),
        ("textDocument/documentSymbol", {}),
        ("textDocument/typeDefinition", {}),
        ("workspace/symbol", {"query": "discount"}),
    )
    with Editor(build(tmp_path)) as editor:
        editor.initialize()
        editor.open("main.py", shop.FILES["main.py"])
        asked = [editor.send_request(method, at(editor, "main.py", call) | more) for method, more in questions]
        first = [editor.answer_of(request) for request in asked]
        later = [editor.request(method, at(editor, "main.py", call) | more) for method, more in questions]
        assert first == later
        assert len(first[2]) == 2 * USERS + 4
        assert editor.shut_down() == 0


def test_completions_that_may_be_few_are_asked_for_again(tmp_path: Path) -> None:
    with Editor(build(tmp_path)) as editor:
        editor.initialize()
        editor.open("main.py", "from shop import discount\n\ndisc")
        found = editor.ask("textDocument/completion", "main.py", 2, 4)
        assert "discount" in [item["label"] for item in found["items"]]
        whole = editor.ask("textDocument/completion", "main.py", 2, 4)
        assert {item["label"] for item in found["items"]} <= {item["label"] for item in whole["items"]}
        assert found["isIncomplete"] or found == whole


def test_rules_that_do_not_compile_are_shown_and_all_else_is_served(tmp_path: Path) -> None:
    root = write(
        shop.build(tmp_path),
        {
            "codeanatomy.toml": '[workspace]\nstandard_library = false\n[rules]\npaths = ["own"]\n',
            "own/pack.toml": 'name = "own"\nversion = "1"\ndoc = "Ours."\n',
            "own/wrong.toml": 'doc = "Wrong."\nkind = "derive"\nexample = "x"\nmatch = "nothing_of_that_name(expr)"\n',
        },
    )
    with Editor(root) as editor:
        editor.initialize()
        editor.open("main.py", "f(\n")
        shown = editor.wait_for(lambda message: message.get("method") == "window/showMessage")
        assert "wrong.toml" in shown["params"]["message"]
        assert "left out" in shown["params"]["message"]
        assert editor.diagnostics("main.py", 1)
        editor.change("main.py", 2, {"text": "def f(): ...\nf()\n"})
        assert editor.diagnostics("main.py", 2) == []
        [found] = editor.ask("textDocument/definition", "main.py", 1, 0)
        assert found["range"]["start"]["line"] == 0
        assert editor.shut_down() == 0


def test_an_index_that_is_cancelled_serves_what_is_open(tmp_path: Path) -> None:
    with Editor(build(tmp_path)) as editor:
        editor.initialize({"window": {"workDoneProgress": True}})
        created = editor.wait_for(lambda message: message.get("method") == "window/workDoneProgress/create")
        editor.notify("window/workDoneProgress/cancel", {"token": created["params"]["token"]})
        editor.notify("window/workDoneProgress/cancel", {"token": "of somebody else"})
        editor.open("main.py", "def own(): ...\n\nown()\n")
        found = _patiently(editor, "textDocument/definition", at(editor, "main.py", (2, 1)))
        assert [place["range"]["start"]["line"] for place in found] == [0]


def _patiently(editor: Editor, method: str, params: dict[str, Any]) -> Any:
    """An answer, however often the server says that it is cancelled."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            return editor.request(method, params)
        except ResponseError as error:
            assert error.data["code"] == "cancelled"
            assert time.monotonic() < deadline, "the server never recovers"
