"""Renames as an editor sees them: what it is offered depends on what it can do."""

from __future__ import annotations

import os
import urllib.parse
from typing import Any

import pytest

from bench.editor import Editor, ResponseError
from tests.support import shop

TARGET = shop.place("shop/tools.py", "discount(order)")
CAN_ALL = {
    "workspace": {
        "workspaceEdit": {
            "documentChanges": True,
            "resourceOperations": ["create", "rename", "delete"],
            "changeAnnotationSupport": {},
        }
    }
}


def begun(editor: Editor, capabilities: dict[str, Any]) -> Editor:
    editor.initialize(capabilities)
    return editor


def spans(edits: list[dict[str, Any]]) -> list[tuple[int, int, str]]:
    """Line, column and new text of edits."""
    return [(edit["range"]["start"]["line"], edit["range"]["start"]["character"], edit["newText"]) for edit in edits]


def apply(editor: Editor, edit: dict[str, Any]) -> None:
    """Do on disk what a workspace edit says, as an editor would."""
    for change in edit["documentChanges"]:
        if "kind" in change:
            os.rename(*(urllib.parse.unquote(change[uri].removeprefix("file://")) for uri in ("oldUri", "newUri")))
            continue
        path = urllib.parse.unquote(change["textDocument"]["uri"].removeprefix("file://"))
        with open(path, newline="") as file:
            lines = file.read().split("\n")
        for each in reversed(change["edits"]):
            start, end = each["range"]["start"], each["range"]["end"]
            line = lines[start["line"]]
            lines[start["line"]] = line[: start["character"]] + each["newText"] + line[end["character"] :]
        with open(path, "w", newline="") as file:
            file.write("\n".join(lines))


def test_a_rename_edits_open_documents_at_their_version_and_closed_files_too(editor: Editor) -> None:
    begun(editor, CAN_ALL)
    editor.open("shop/tools.py", shop.FILES["shop/tools.py"], 7)
    assert editor.ask("textDocument/prepareRename", "shop/tools.py", *TARGET)["placeholder"] == "discount"
    answer = editor.ask("textDocument/rename", "shop/tools.py", *TARGET, newName="rebate")
    found = {
        change["textDocument"]["uri"]: (change["textDocument"]["version"], spans(change["edits"]))
        for change in answer["documentChanges"]
    }
    assert found == {
        editor.uri("main.py"): (None, [(0, 17, "rebate"), (4, 11, "rebate")]),
        editor.uri("shop/tools.py"): (7, [(0, 12, "rebate"), (3, 4, "rebate"), (10, 15, "rebate")]),
    }
    assert "changeAnnotations" not in answer


def test_a_client_of_few_words_gets_plain_changes(editor: Editor) -> None:
    begun(editor, {})
    answer = editor.ask("textDocument/rename", "main.py", *shop.place("main.py", "discount", 1), newName="rebate")
    assert sorted(answer["changes"]) == [editor.uri("main.py"), editor.uri("shop/tools.py")]


def test_what_is_doubtful_is_confirmed_by_who_can_and_told_to_who_cannot(editor: Editor) -> None:
    text = "class A:\n    def go(self): ...\ndef f(z): z.go()\n"
    begun(editor, CAN_ALL)
    editor.open("main.py", text)
    answer = editor.ask("textDocument/rename", "main.py", 1, 9, newName="run")
    [change] = answer["documentChanges"]
    assert [edit.get("annotationId") for edit in change["edits"]] == [None, "unknown"]
    assert answer["changeAnnotations"]["unknown"]["needsConfirmation"] is True


def test_what_is_left_out_is_told(editor: Editor) -> None:
    begun(editor, {})
    editor.open("main.py", "class A:\n    def go(self): ...\ndef f(z): z.go()\n")
    answer = editor.ask("textDocument/rename", "main.py", 1, 9, newName="run")
    assert spans(answer["changes"][editor.uri("main.py")]) == [(1, 8, "run")]
    told = editor.wait_for(lambda message: message.get("method") == "window/showMessage")
    assert "main.py:3" in told["params"]["message"]


@pytest.mark.parametrize(
    ("word", "new", "code"),
    [("run", "discount", "rename-clash"), ("run", "class", "rename-invalid-name"), ("return", "x", "rename-no-name")],
)
def test_a_refusal_is_an_error_with_a_sentence_and_a_code(editor: Editor, word: str, new: str, code: str) -> None:
    begun(editor, CAN_ALL)
    with pytest.raises(ResponseError) as caught:
        editor.ask("textDocument/rename", "main.py", *shop.place("main.py", word), newName=new)
    assert (caught.value.code, caught.value.data["code"]) == (-32803, code)


def test_a_module_is_renamed_with_its_file_and_the_graph_follows(editor: Editor) -> None:
    begun(editor, CAN_ALL)
    place = shop.place("shop/__init__.py", "tools")
    answer = editor.ask("textDocument/rename", "shop/__init__.py", *place, newName="till")
    assert answer["documentChanges"][-1] == {
        "kind": "rename",
        "oldUri": editor.uri("shop/tools.py"),
        "newUri": editor.uri("shop/till.py"),
    }
    apply(editor, answer)
    moved = [{"uri": editor.uri(path), "type": kind} for path, kind in (("shop/tools.py", 3), ("shop/till.py", 1))]
    moved.append({"uri": editor.uri("shop/__init__.py"), "type": 2})
    editor.notify("workspace/didChangeWatchedFiles", {"changes": moved})
    [target] = editor.ask("textDocument/definition", "main.py", *shop.place("main.py", "discount", 1))
    assert target["uri"] == editor.uri("shop/till.py")


def test_a_module_stays_where_files_cannot_be_renamed(editor: Editor) -> None:
    begun(editor, {"workspace": {"workspaceEdit": {"documentChanges": True}}})
    with pytest.raises(ResponseError) as caught:
        editor.ask("textDocument/rename", "shop/__init__.py", *shop.place("shop/__init__.py", "tools"), newName="till")
    assert caught.value.data["code"] == "rename-files-unsupported"


def test_outside_every_folder_there_is_nothing_to_rename(editor: Editor) -> None:
    begun(editor, CAN_ALL)
    elsewhere = {"textDocument": {"uri": "untitled:one"}, "position": {"line": 0, "character": 0}}
    assert editor.request("textDocument/rename", elsewhere | {"newName": "x"}) is None
    assert editor.request("textDocument/prepareRename", elsewhere) is None


def test_a_file_that_moves_takes_its_imports_with_it(editor: Editor) -> None:
    begun(editor, CAN_ALL)
    files = [{"oldUri": editor.uri("shop/tools.py"), "newUri": editor.uri("store/till.py")}]
    answer = editor.request("workspace/willRenameFiles", {"files": files})
    [change] = answer["documentChanges"]
    assert change["textDocument"]["uri"] == editor.uri("shop/__init__.py")
    assert spans(change["edits"]) == [(2, 5, "store.till")]
    files = [{"oldUri": editor.uri("shop"), "newUri": editor.uri("store")}]
    answer = editor.request("workspace/willRenameFiles", {"files": files})
    assert spans(answer["documentChanges"][0]["edits"]) == [(0, 5, "store")]
    for old, new in (("untitled:a", "untitled:b"), (editor.uri("gone.py"), editor.uri("here.py"))):
        assert editor.request("workspace/willRenameFiles", {"files": [{"oldUri": old, "newUri": new}]}) is None
