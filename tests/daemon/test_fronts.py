"""A front is a language server like any other, and survives its daemon; what clients see of each other is the disk alone."""

from __future__ import annotations

import os
import signal
from typing import Any

from bench.editor import Editor
from codeanatomy.daemon import caller
from tests.daemon.conftest import Home, until
from tests.support import shop
from tests.support.notebooks import notebook

CALL = shop.place("main.py", "discount", 1)
TOOLS = shop.FILES["shop/tools.py"]
LINE = next(number for number, line in enumerate(TOOLS.splitlines()) if line.startswith("def discount"))


def lines(found: Any) -> list[int]:
    return [(each.get("targetSelectionRange") or each["range"])["start"]["line"] for each in found]


def definition(editor: Editor) -> list[int]:
    return lines(editor.ask("textDocument/definition", "main.py", *CALL))


def insert(line: int, text: str) -> dict[str, Any]:
    start = {"line": line, "character": 0}
    return {"range": {"start": start, "end": start}, "text": text}


def test_editors_share_one_graph(home: Home) -> None:
    with home.editor() as first, home.editor() as second:
        first.initialize()
        second.initialize()
        assert definition(first) == definition(second) == [LINE]
        first.open("main.py", shop.FILES["main.py"], 1)
        second.open("main.py", shop.FILES["main.py"], 7)
        assert definition(first) == definition(second) == [LINE]
        assert first.diagnostics("main.py", 1) == second.diagnostics("main.py", 7) == []
        status = home.status()
        assert (status["clients"], status["graphs"]) == (2, 1)
        assert first.shut_down() == second.shut_down() == 0
    until(lambda: home.status()["clients"] == 0)


def test_each_editor_is_answered_about_its_own_text(home: Home) -> None:
    with home.editor() as first, home.editor() as second:
        for editor in (first, second):
            editor.initialize()
            editor.open("main.py", shop.FILES["main.py"])
            editor.open("shop/tools.py", TOOLS)
            assert definition(editor) == [LINE]
        first.change("shop/tools.py", 2, insert(0, "\n\n"))
        assert definition(first) == [LINE + 2]
        assert definition(second) == [LINE]
        second.change("shop/tools.py", 2, insert(0, "\n"), insert(0, "f(\n"))
        assert [each["code"] for each in second.diagnostics("shop/tools.py", 2)] == ["syntax-unclosed"]
        second.change("shop/tools.py", 3, insert(0, "\n"))
        first.change("shop/tools.py", 3, insert(0, "\n"))
        assert definition(first) == [LINE + 3]
        assert home.status()["graphs"] == 2
        # What the second one sees is the disk again: it goes back, and its graph goes.
        second.change("shop/tools.py", 4, {"text": TOOLS})
        (home.root / "shop/tools.py").write_text("\n\n\n" + TOOLS)
        second.change("shop/tools.py", 5, {"text": "\n\n\n" + TOOLS})
        assert definition(second) == definition(first) == [LINE + 3]
        until(lambda: home.status()["graphs"] == 1)
        assert not [each for each in first.messages if (each[1].get("params") or {}).get("diagnostics")]


def test_text_that_is_not_saved_is_nobody_elses(home: Home) -> None:
    with home.editor() as first, home.editor() as second:
        first.initialize()
        second.initialize()
        first.open("shop/tools.py", "\n\n\n\n" + TOOLS)
        assert definition(first) == [LINE + 4]
        assert definition(second) == [LINE]
        assert home.status()["graphs"] == 2
        first.close("shop/tools.py")
        assert definition(first) == definition(second) == [LINE]
        first.process.kill()
        until(lambda: home.status()["clients"] == 1)
        assert definition(second) == [LINE]
        until(lambda: home.status()["graphs"] == 1)


def test_an_editor_that_is_killed_leaves_nothing_behind(home: Home) -> None:
    with home.editor() as first, home.editor() as second:
        first.initialize()
        second.initialize()
        first.open("shop/tools.py", "\n" + TOOLS)
        assert definition(first) == [LINE + 1]
        first.process.kill()
        until(lambda: home.status()["clients"] == 1)
        assert definition(second) == [LINE]
        until(lambda: home.status()["graphs"] == 1)


def test_a_front_survives_its_daemon(home: Home) -> None:
    with home.editor() as editor:
        editor.initialize()
        editor.open("main.py", shop.FILES["main.py"])
        editor.open("shop/tools.py", TOOLS)
        for version in range(2, 8):
            editor.change("shop/tools.py", version, insert(0, "\n"))
        assert definition(editor) == [LINE + 6]
        killed = home.kill()
        assert definition(editor) == [LINE + 6]
        assert home.pid not in (0, killed)
        # It is killed while it thinks: what was asked is answered all the same, once.
        pid = home.pid
        os.kill(pid, signal.SIGSTOP)
        where = {"textDocument": {"uri": editor.uri("main.py")}, "position": {"line": CALL[0], "character": CALL[1]}}
        asked = [editor.send_request("textDocument/definition", where) for _ in range(20)]
        editor.change("shop/tools.py", 8, insert(0, "\n"))
        last = editor.send_request("textDocument/definition", where)
        os.kill(pid, signal.SIGKILL)
        assert lines(editor.answer_of(last)) == [LINE + 7]
        assert all(len(editor.answer_of(request)) == 1 for request in asked)
        editor.close("shop/tools.py")
        assert definition(editor) == [LINE]
        assert editor.shut_down() == 0
        assert editor.stray == b""


def test_a_new_daemon_is_told_a_text_and_not_its_thousand_changes(home: Home) -> None:
    with home.editor() as editor:
        editor.initialize()
        editor.open("shop/tools.py", TOOLS)
        for version in range(2, 1_002):
            editor.change("shop/tools.py", version, insert(0, "\n"))
        assert definition(editor) == [LINE + 1_000]
        home.kill()
        assert definition(editor) == [LINE + 1_000]
        editor.change("shop/tools.py", 1_002, insert(0, "\n"))
        assert definition(editor) == [LINE + 1_001]


def test_a_daemon_that_dies_again_and_again_is_done_without(home: Home) -> None:
    with (home.root.parent / "log").open("wb") as log, home.editor(stderr=log) as editor:
        editor.initialize()
        assert definition(editor) == [LINE]
        for _ in range(6):
            # Six within a minute, also on a machine that has much else to do: nothing is asked in between.
            until(lambda: _clients(home) == 1)
            home.kill()
        assert definition(editor) == [LINE]
        assert home.pid == 0
        assert editor.shut_down() == 0
    assert "daemon-dies" in (home.root.parent / "log").read_text()


def _clients(home: Home) -> int:
    """How many clients the daemon has, if there is one."""
    try:
        status = caller.control(str(home.root), "status")
    except caller.CallError:
        return 0
    return status["clients"] if status is not None else 0


def test_a_new_daemon_is_told_the_cells_of_notebooks(home: Home) -> None:
    (home.root / "a.ipynb").write_text(notebook("x = 1"))
    with home.editor() as editor:
        editor.initialize()
        uri, cells = editor.uri("a.ipynb"), ["cell:0", "cell:1"]
        texts = ["def f(): pass\n", "f()"]
        document = {"uri": uri, "notebookType": "jupyter-notebook", "version": 1}
        document["cells"] = [{"kind": 2, "document": each} for each in cells]
        items = [
            {"uri": each, "languageId": "python", "version": 1, "text": text}
            for each, text in zip(cells, texts, strict=True)
        ]
        editor.notify("notebookDocument/didOpen", {"notebookDocument": document, "cellTextDocuments": items})
        for version in range(2, 502):
            content = [{"document": {"uri": cells[0], "version": version}, "changes": [insert(0, "\n")]}]
            change = {"cells": {"textContent": content}}
            editor.notify(
                "notebookDocument/didChange", {"notebookDocument": {"uri": uri, "version": version}, "change": change}
            )

        def found() -> list[tuple[str, int]]:
            where = {"textDocument": {"uri": cells[1]}, "position": {"line": 0, "character": 0}}
            places = editor.request("textDocument/definition", where)
            return [(each["uri"], each["range"]["start"]["line"]) for each in places]

        assert found() == [(cells[0], 500)]
        home.kill()
        assert found() == [(cells[0], 500)]
        assert editor.shut_down() == 0


def test_a_folder_that_is_removed_is_let_go_by_the_daemon(home: Home) -> None:
    other = home.root.parent / "other"
    other.mkdir()
    (other / "o.py").write_text("def weigh(): pass\n")
    folder = {"uri": other.as_uri(), "name": "other"}
    with home.editor() as editor:
        editor.initialize()
        assert definition(editor) == [LINE]
        editor.notify("workspace/didChangeWorkspaceFolders", {"event": {"added": [folder], "removed": []}})
        assert [each["name"] for each in editor.request("workspace/symbol", {"query": "weigh"})] == ["weigh"]
        assert home.status()["graphs"] == 2
        home.kill()
        assert [each["name"] for each in editor.request("workspace/symbol", {"query": "weigh"})] == ["weigh"]
        assert home.status()["graphs"] == 2
        editor.notify("workspace/didChangeWorkspaceFolders", {"event": {"added": [], "removed": [folder]}})
        assert definition(editor) == [LINE]
        until(lambda: home.status()["graphs"] == 1)
