"""Notebooks as an editor has them: cells with URIs of their own, each answered in its own lines."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.editor import FRONT, SERVER, Editor, ResponseError
from tests.support.notebooks import cell, notebook

SHOP = 'def discount(order, rate=1):\n    """Less."""\n    return order\n\n\nasync def fetch():\n    return 1\n'
FIRST = "%matplotlib inline\nfrom shop import discount, fetch"
SECOND = "é = '😀'; def_ = 1\ndef total(xs):\n    for x in xs:\n        print(x)\n    return discount(sum(xs))\n\nvalue = await fetch()"
THIRD = "total([1])\ntot"
CLOSED = notebook(cell("# title", "markdown"), "from shop import discount\nx = '\"é'; discount(1)")
LINKS = {"textDocument": {"definition": {"linkSupport": True}}}
Position = tuple[int, int]


class Cells:
    """An editor with a notebook of cells, named by their places in it."""

    def __init__(self, editor: Editor, scheme: str = "vscode-notebook-cell") -> None:
        self.editor = editor
        self.scheme = scheme
        self.notebook = editor.uri("nb/a.ipynb")
        self.version = 1

    def uri(self, at: int) -> str:
        return f"{self.scheme}:{(self.editor.root / 'nb/a.ipynb').as_posix()}#W{at}sZmlsZQ=="

    def text(self, at: int, text: str, language: str = "python") -> dict[str, Any]:
        return {"uri": self.uri(at), "languageId": language, "version": 1, "text": text}

    def open(self, *texts: str) -> None:
        cells = [{"kind": 2, "document": self.uri(at)} for at in range(len(texts))]
        document = {"uri": self.notebook, "notebookType": "jupyter-notebook", "version": 1, "cells": cells}
        documents = [self.text(at, text) for at, text in enumerate(texts)]
        self.editor.notify("notebookDocument/didOpen", {"notebookDocument": document, "cellTextDocuments": documents})

    def change(self, **cells: Any) -> None:
        self.version += 1
        document = {"uri": self.notebook, "version": self.version}
        self.editor.notify("notebookDocument/didChange", {"notebookDocument": document, "change": {"cells": cells}})

    def type(self, at: int, start: Position, end: Position, text: str, version: int = 2) -> None:
        span = {"start": {"line": start[0], "character": start[1]}, "end": {"line": end[0], "character": end[1]}}
        document = {"uri": self.uri(at), "version": version}
        self.change(textContent=[{"document": document, "changes": [{"range": span, "text": text}]}])

    def ask(self, method: str, at: int, *place: int, **more: Any) -> Any:
        params: dict[str, Any] = {"textDocument": {"uri": self.uri(at)}} | more
        if place:
            params["position"] = {"line": place[0], "character": place[1]}
        return self.editor.request(f"textDocument/{method}", params)

    def diagnostics(self, at: int) -> list[dict[str, Any]]:
        """The newest that were published for a cell, once everything before is answered."""
        self.ask("documentSymbol", 0)
        told = [message["params"] for _, message in self.editor.messages if message["method"].endswith("Diagnostics")]
        return [each for each in told if each["uri"] == self.uri(at)][-1]["diagnostics"]


@pytest.fixture(params=[SERVER, FRONT], ids=["in-process", "daemon"])
def cells(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Cells]:
    root = tmp_path / "ws"
    (root / "nb").mkdir(parents=True)
    (root / "shop.py").write_text(SHOP)
    (root / "nb/a.ipynb").write_text(notebook(FIRST))
    (root / "nb/closed.ipynb").write_text(CLOSED)
    (root / "codeanatomy.toml").write_text("[workspace]\nstandard_library = false\npackages = false\n")
    with Editor(root, request.param) as editor:
        yield Cells(editor)


def _place(found: dict[str, Any]) -> tuple[str, int, int]:
    start = found["range"]["start"]
    return found["uri"].rpartition("/")[2], start["line"], start["character"]


def _begun(cells: Cells, *texts: str, **capabilities: Any) -> Cells:
    answer = cells.editor.initialize(capabilities)
    assert answer["capabilities"]["notebookDocumentSync"]["notebookSelector"][0]["notebook"] == "jupyter-notebook"
    cells.open(*(texts or (FIRST, SECOND, THIRD)))
    return cells


def test_a_cell_is_asked_and_answered_in_its_own_lines(cells: Cells) -> None:
    _begun(cells, textDocument=LINKS["textDocument"])
    [link] = cells.ask("definition", 2, 0, 1)
    assert link["targetUri"] == cells.uri(1)
    assert link["targetSelectionRange"]["start"] == {"line": 1, "character": 4}
    assert link["originSelectionRange"]["end"] == {"line": 0, "character": 5}
    [link] = cells.ask("definition", 1, 4, 13)
    assert link["targetUri"] == cells.editor.uri("shop.py")
    hover = cells.ask("hover", 1, 4, 13)
    assert "Less" in hover["contents"]["value"]
    assert hover["range"]["start"] == {"line": 4, "character": 11}
    labels = [each["label"] for each in cells.ask("completion", 2, 1, 3)["items"]]
    assert "total" in labels
    assert cells.ask("signatureHelp", 1, 4, 20)["signatures"][0]["label"].startswith("discount(")
    symbols = cells.ask("documentSymbol", 1)
    assert [(each["name"], each["range"]["start"]["line"]) for each in symbols if each["name"] == "total"] == [
        ("total", 1)
    ]
    assert cells.ask("documentSymbol", 0) == [] or all(
        each["name"] != "total" for each in cells.ask("documentSymbol", 0)
    )
    assert [each["range"]["start"]["line"] for each in cells.ask("documentHighlight", 1, 1, 5)] == [1]
    assert [each["range"]["start"]["line"] for each in cells.ask("documentHighlight", 2, 0, 1)] == [0]
    folds = cells.ask("foldingRange", 1)
    assert (1, 4) in [(each["startLine"], each["endLine"]) for each in folds]
    assert cells.ask("foldingRange", 2) == []
    grown = cells.ask("selectionRange", 2, positions=[{"line": 0, "character": 1}])[0]
    while "parent" in grown:
        grown = grown["parent"]
    assert grown["range"]["start"] == {"line": 0, "character": 0}


def test_tokens_hints_and_lenses_are_those_of_the_cell(cells: Cells) -> None:
    _begun(cells, FIRST, SECOND, "total([1])\nz = total([2])", workspace={})
    data = cells.ask("semanticTokens/full", 2)["data"]
    assert data[:3] == [0, 0, 5]
    assert sum(data[::5]) == 1
    assert "resultId" not in cells.ask("semanticTokens/full", 2)
    assert cells.ask("semanticTokens/full/delta", 2, previousResultId="x")["data"] == data
    span = {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 99}}
    assert cells.ask("semanticTokens/range", 2, range=span)["data"][:3] == [0, 0, 5]
    hints = cells.ask("inlayHint", 2, range=span | {"end": {"line": 2, "character": 0}})
    assert {each["position"]["line"] for each in hints} <= {0, 1}
    lenses = [each for each in cells.ask("codeLens", 1) if "reference" in each["command"]["title"]]
    assert [(each["range"]["start"]["line"], each["command"]["title"]) for each in lenses] == [(1, "2 references")]
    assert lenses[0]["data"]["uri"] == cells.uri(1)
    cells.editor.request(
        "workspace/executeCommand", {key: lenses[0]["command"][key] for key in ("command", "arguments")}
    )
    asked = cells.editor.wait_for(lambda message: message["method"] == "window/showMessageRequest")
    assert len(asked["params"]["actions"]) == 2


def test_diagnostics_stand_in_their_cells_and_magics_and_await_are_none(cells: Cells) -> None:
    _begun(
        cells, FIRST, SECOND, "%%bash\nls -la | grep x", "from __future__ import annotations\nx = (", "y = 1\n!ls\ny?"
    )
    assert [cells.diagnostics(at) for at in (0, 1, 2, 4)] == [[], [], [], []]
    [wrong] = cells.diagnostics(3)
    assert (wrong["code"], wrong["range"]["start"]) == ("syntax-unclosed", {"line": 1, "character": 4})
    assert [cells.diagnostics(at) for at in (0, 1, 2, 4)] == [[], [], [], []]
    cells.type(3, (1, 4), (1, 5), "1")
    assert cells.diagnostics(3) == []


def test_cpython_judges_cell_by_cell_once_a_cell_rests(cells: Cells) -> None:
    _begun(cells, FIRST, SECOND, "def f():\n    x = 1\n    global x", "z = await fetch()\n!ls")
    told = cells.editor.wait_for(
        lambda message: (
            message["method"] == "textDocument/publishDiagnostics"
            and [each["code"] for each in message["params"]["diagnostics"]] == ["syntax-refused"]
        )
    )
    assert told["params"]["uri"] == cells.uri(2)
    assert told["params"]["diagnostics"][0]["range"]["start"]["line"] == 2
    assert [cells.diagnostics(at) for at in (0, 1, 3)] == [[], [], []]


def test_an_editor_that_asks_for_diagnostics_gets_those_of_the_cell(cells: Cells) -> None:
    _begun(cells, FIRST, "x = (", textDocument={"diagnostic": {}})
    assert cells.ask("diagnostic", 0)["items"] == []
    [wrong] = cells.ask("diagnostic", 1)["items"]
    assert wrong["range"]["start"] == {"line": 0, "character": 4}


def test_cells_come_go_move_and_change_their_kind(cells: Cells) -> None:
    _begun(cells, textDocument=LINKS["textDocument"])
    cells.type(0, (1, 0), (1, 0), "import os\n")
    assert cells.ask("definition", 2, 0, 1)[0]["targetSelectionRange"]["start"] == {"line": 1, "character": 4}
    new = {"kind": 2, "document": cells.uri(9)}
    cells.change(
        structure={
            "array": {"start": 1, "deleteCount": 0, "cells": [new]},
            "didOpen": [cells.text(9, "def total(): pass\n\n\nfrom nowhere import (")],
        }
    )
    found = cells.ask("definition", 2, 0, 1)
    assert [each["targetUri"] for each in found] == [cells.uri(1)]
    assert cells.diagnostics(9) != []
    gone = {"array": {"start": 1, "deleteCount": 2, "cells": [new]}, "didClose": [{"uri": cells.uri(1)}]}
    cells.change(structure=gone)
    assert [each["targetUri"] for each in cells.ask("definition", 2, 0, 1)] == [cells.uri(9)]
    cells.change(data=[{"kind": 1, "document": cells.uri(9)}])
    assert cells.ask("definition", 2, 0, 1) == []
    assert cells.diagnostics(9) == []
    assert cells.ask("hover", 9, 0, 5) is None
    cells.change(data=[{"kind": 2, "document": cells.uri(9)}])
    moved = {"array": {"start": 1, "deleteCount": 2, "cells": [{"kind": 2, "document": cells.uri(2)}, new]}}
    cells.change(structure=moved)
    assert [each["targetUri"] for each in cells.ask("definition", 2, 0, 1)] == [cells.uri(9)]


def test_references_speak_of_open_cells_and_of_files_of_closed_notebooks(cells: Cells) -> None:
    _begun(cells)
    context = {"includeDeclaration": False}
    found = sorted(map(_place, cells.editor.ask("textDocument/references", "shop.py", 0, 5, context=context)))
    lines = CLOSED.split("\n")
    inside = [each for each in found if each[0] == "closed.ipynb"]
    assert [lines[line][column : column + 8] for _, line, column in inside] == ["discount", "discount"]
    assert [each for each in found if each not in inside] == [
        ("a.ipynb#W0sZmlsZQ==", 1, 17),
        ("a.ipynb#W1sZmlsZQ==", 4, 11),
    ]
    where = inside[1]
    back = cells.editor.ask("textDocument/definition", "nb/closed.ipynb", where[1], where[2] + 1)
    assert [_place(each) for each in back] == [("shop.py", 0, 4)]
    assert cells.editor.ask("textDocument/definition", "nb/closed.ipynb", 0, 0) == []
    symbols = cells.editor.request("workspace/symbol", {"query": "total"})
    assert [each["location"]["uri"] for each in symbols if each["name"] == "total"] == [cells.uri(1)]


@pytest.mark.parametrize("versioned", [True, False])
def test_a_rename_edits_open_cells_and_the_file_of_a_closed_notebook(cells: Cells, versioned: bool) -> None:
    _begun(cells, workspace={"workspaceEdit": {"documentChanges": versioned}})
    answer = cells.editor.ask("textDocument/rename", "shop.py", 0, 5, newName="ermäßigt")
    if versioned:
        edits = {each["textDocument"]["uri"]: each["edits"] for each in answer["documentChanges"]}
        versions = {each["textDocument"]["uri"]: each["textDocument"]["version"] for each in answer["documentChanges"]}
        assert versions[cells.uri(1)] == 1
        assert versions[cells.editor.uri("nb/closed.ipynb")] is None
    else:
        edits = answer["changes"]
    assert edits.keys() == {
        cells.uri(0), cells.uri(1), cells.editor.uri("shop.py"), cells.editor.uri("nb/closed.ipynb"),
    }  # fmt: skip
    lines = CLOSED.split("\n")
    for each in reversed(edits[cells.editor.uri("nb/closed.ipynb")]):
        start, end = each["range"]["start"], each["range"]["end"]
        line = lines[start["line"]]
        lines[start["line"]] = line[: start["character"]] + each["newText"] + line[end["character"] :]
    source = json.loads("\n".join(lines))["cells"][1]["source"]
    assert "".join(source) == "from shop import ermäßigt\nx = '\"é'; ermäßigt(1)"


def test_calls_are_followed_out_of_and_into_cells(cells: Cells) -> None:
    _begun(cells)
    [item] = cells.ask("prepareCallHierarchy", 1, 1, 5)
    assert (item["uri"], item["selectionRange"]["start"]["line"]) == (cells.uri(1), 1)
    calls = cells.editor.request("callHierarchy/incomingCalls", {"item": item})
    assert [each["fromRanges"][0]["start"] for each in calls] == [{"line": 0, "character": 0}]
    calls = cells.editor.request("callHierarchy/outgoingCalls", {"item": item})
    assert ("discount", {"line": 4, "character": 11}) in [
        (each["to"]["name"], each["fromRanges"][0]["start"]) for each in calls
    ]


def test_a_completion_imports_into_the_cell_that_is_typed_in(cells: Cells) -> None:
    _begun(cells, "x = 1", "%%time\nfetc")
    item = next(each for each in cells.ask("completion", 1, 1, 4)["items"] if each["label"] == "fetch")
    item = cells.editor.request("completionItem/resolve", item)
    [edit] = item["additionalTextEdits"]
    assert (edit["newText"], edit["range"]["start"]) == ("from shop import fetch\n", {"line": 1, "character": 0})


def test_a_notebook_that_was_never_saved_and_one_open_as_text_are_served(cells: Cells) -> None:
    cells.editor.initialize({})
    cells.notebook = "untitled:Untitled-1?jupyter-notebook"
    cells.open("await f()", "y = (")
    assert cells.diagnostics(0) == []
    assert len(cells.diagnostics(1)) == 1
    assert cells.ask("definition", 0, 0, 7) == []
    cells.editor.open("nb/closed.ipynb", CLOSED)
    cells.editor.change("nb/closed.ipynb", 2, {"text": "{"})
    line = next(at for at, line in enumerate(CLOSED.split("\n")) if "; discount" in line)
    column = CLOSED.split("\n")[line].index("discount(")
    found = cells.editor.ask("textDocument/definition", "nb/closed.ipynb", line, column)
    assert [_place(each) for each in found] == [("shop.py", 0, 4)]
    cells.editor.close("nb/closed.ipynb")
    cells.editor.notify("notebookDocument/didClose", {"notebookDocument": {"uri": cells.notebook}})
    assert cells.editor.shut_down() == 0


def test_a_closed_notebook_is_what_lies_on_disk_and_a_saved_one_stays_open(cells: Cells) -> None:
    _begun(cells)
    cells.editor.notify("notebookDocument/didSave", {"notebookDocument": {"uri": cells.notebook}})
    context = {"includeDeclaration": False}
    cells.editor.notify("notebookDocument/didClose", {"notebookDocument": {"uri": cells.notebook}})
    found = sorted(map(_place, cells.editor.ask("textDocument/references", "shop.py", 0, 5, context=context)))
    names = [each[0] for each in found]
    assert names == ["a.ipynb", "closed.ipynb", "closed.ipynb"]


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("didOpen", {}),
        ("didOpen", {"notebookDocument": {"uri": 3}}),
        ("didChange", {"notebookDocument": {"uri": "file:///none.ipynb"}, "change": {}}),
        ("didChange", {"change": {"cells": {"structure": {"array": {"start": -1, "deleteCount": 0}}}}}),
        ("didClose", {"notebookDocument": {"uri": "file:///none.ipynb"}}),
    ],
)
def test_a_bad_message_is_logged_and_nothing_else(cells: Cells, method: str, params: dict[str, Any]) -> None:
    _begun(cells)
    cells.editor.notify(f"notebookDocument/{method}", params)
    structure = {"array": {"start": 70, "deleteCount": 90, "cells": [{"kind": 2, "document": "x:y"}]}}
    cells.change(structure=structure)
    cells.change(textContent=[{"document": {"uri": "z:z", "version": 1}, "changes": [{"text": "x"}]}])
    cells.type(2, (50, 7), (60, 1), "\nq")
    assert cells.ask("hover", 1, 99, 99) is None
    with pytest.raises(ResponseError):
        cells.ask("hover", 1, -1, 0)
    assert cells.ask("hover", 1, 4, 13)["range"]["start"]["line"] == 4


def test_cell_uris_mean_nothing_to_the_server(cells: Cells) -> None:
    cells.scheme = "odd+scheme"
    _begun(cells)
    found = cells.ask("definition", 2, 0, 1)
    assert [each["uri"] for each in found] == [cells.uri(1)]


def test_a_pipe_that_is_called_a_notebook_keeps_nobody_waiting(cells: Cells) -> None:
    os.mkfifo(cells.editor.root / "pipe.ipynb")
    _begun(cells)
    assert cells.editor.ask("textDocument/definition", "pipe.ipynb", 0, 0) == []
    assert cells.ask("hover", 1, 4, 13) is not None
