"""Installed packages in an editor: where they lie is read off the environment that the editor has chosen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.editor import Editor
from tests.support.environments import distribution, interpreter, virtual, write

KIT = {
    "kit/__init__.py": "from .core import make\n",
    "kit/core.py": "def make():\n    ...\n\n\ndef use():\n    return make()\n",
}
MAIN = "import json\nfrom kit import make\n\nmake()\njson.loads('1')\n"
SOURCES = {"json/__init__.py": '\n\ndef loads(s):\n    """Read a text."""\n'}


@pytest.fixture
def ws(tmp_path: Path) -> Path:
    base = interpreter(tmp_path / "python", files=SOURCES)
    virtual(tmp_path / "chosen", base, files=distribution("kit", "1", KIT))
    virtual(tmp_path / "bare", base)
    return write(tmp_path / "ws", {"main.py": MAIN, "codeanatomy.toml": ""})


def definition(editor: Editor, uri: str, line: int, character: int) -> list[tuple[str, int]]:
    params = {"textDocument": {"uri": uri}, "position": {"line": line, "character": character}}
    links: list[dict[str, Any]] = editor.request("textDocument/definition", params)
    return [
        ("/".join(each["uri"].split("/")[-2:]), each["range"]["start"]["line"])
        if "uri" in each
        else ("/".join(each["targetUri"].split("/")[-2:]), each["targetSelectionRange"]["start"]["line"])
        for each in links
    ]


def test_the_interpreter_of_the_editor_decides_and_may_change(ws: Path, tmp_path: Path) -> None:
    main = (ws / "main.py").as_uri()
    with Editor(ws) as editor:
        editor.initialize(
            initializationOptions={"python": {"defaultInterpreterPath": str(tmp_path / "bare/bin/python")}}
        )
        assert definition(editor, main, 3, 1) == [("ws/main.py", 1)]
        settings = {"codeanatomy": {"python": str(tmp_path / "chosen")}}
        editor.notify("workspace/didChangeConfiguration", {"settings": settings})
        assert definition(editor, main, 3, 1) == [("kit/core.py", 0)]
        assert definition(editor, main, 4, 6)[0] == ("json/__init__.py", 2)
        core = (tmp_path / "chosen/lib/python3.12/site-packages/kit/core.py").as_uri()
        assert definition(editor, core, 5, 12) == [("kit/core.py", 0)]
        hover = editor.ask("textDocument/hover", "main.py", 4, 6)["contents"]["value"]
        assert "Read a text" in hover
        assert "described by the stub" in hover
        assert editor.shut_down() == 0


def test_the_editor_is_asked_for_its_settings(ws: Path, tmp_path: Path) -> None:
    settings = {"python": {"defaultInterpreterPath": str(tmp_path / "chosen/bin/python")}}
    with Editor(ws, settings=settings) as editor:
        editor.initialize({"workspace": {"configuration": True}})
        asked = editor.wait_for(lambda message: message.get("method") == "workspace/configuration")
        assert [each["section"] for each in asked["params"]["items"]] == ["codeanatomy", "python"]
        assert definition(editor, (ws / "main.py").as_uri(), 3, 1) == [("kit/core.py", 0)]
        assert editor.shut_down() == 0


BODY = """\
class Tool:
    def _weigh(self):
        return 1

    def use(self):
        weight = self._weigh()
        return weight


def make():
    tool = Tool()
    tool.use()
    return 1
"""


@pytest.fixture
def opened(ws: Path, tmp_path: Path) -> Iterator[tuple[Editor, Path]]:
    """An editor with a library file open: what it lies in, and the file."""
    site = tmp_path / "chosen/lib/python3.12/site-packages"
    (site / "kit/core.py").write_text(BODY)
    with Editor(ws) as editor:
        editor.initialize(initializationOptions={"codeanatomy": {"python": str(tmp_path / "chosen")}})
        main = (ws / "main.py").as_uri()
        assert definition(editor, main, 3, 1) == [("kit/core.py", 9)]
        core = site / "kit/core.py"
        uri = core.as_uri()
        editor.notify(
            "textDocument/didOpen", {"textDocument": {"uri": uri, "languageId": "python", "version": 1, "text": BODY}}
        )
        yield editor, core
        assert editor.shut_down() == 0


def at(editor: Editor, method: str, uri: str, line: int, character: int, **more: Any) -> Any:
    params = {"textDocument": {"uri": uri}, "position": {"line": line, "character": character}} | more
    return editor.request(f"textDocument/{method}", params)


def test_an_open_library_file_has_answers_inside_its_functions(opened: tuple[Editor, Path]) -> None:
    editor, core = opened
    uri = core.as_uri()
    assert definition(editor, uri, 10, 12) == [("kit/core.py", 0)]
    assert definition(editor, uri, 11, 10) == [("kit/core.py", 4)]
    assert definition(editor, uri, 5, 24) == [("kit/core.py", 1)]
    assert "def _weigh(self)" in at(editor, "hover", uri, 5, 24)["contents"]["value"]
    uses = at(editor, "references", uri, 1, 10, context={"includeDeclaration": False})
    assert [each["range"]["start"]["line"] for each in uses] == [5]
    members = at(editor, "completion", uri, 11, 9)
    assert {"use", "_weigh"} <= {each["label"] for each in members["items"]}
    main = core.parents[5] / "ws/main.py"
    assert definition(editor, main.as_uri(), 3, 1) == [("kit/core.py", 9)]


def test_an_open_library_file_is_asked_about_as_the_editor_shows_it(opened: tuple[Editor, Path]) -> None:
    editor, core = opened
    uri = core.as_uri()
    top = {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 0}}
    document = {"uri": uri, "version": 2}
    editor.notify(
        "textDocument/didChange", {"textDocument": document, "contentChanges": [{"range": top, "text": "\n"}]}
    )
    assert definition(editor, uri, 12, 10) == [("kit/core.py", 5)]
    main = core.parents[5] / "ws/main.py"
    assert definition(editor, main.as_uri(), 3, 1) == [("kit/core.py", 10)]
    editor.notify("textDocument/didClose", {"textDocument": {"uri": uri}})
    assert definition(editor, main.as_uri(), 3, 1) == [("kit/core.py", 9)]
    assert definition(editor, uri, 11, 10) == []


def test_source_that_a_stub_describes_can_be_opened_and_changes_nothing_else(opened: tuple[Editor, Path]) -> None:
    editor, core = opened
    main = core.parents[5] / "ws/main.py"
    before = definition(editor, main.as_uri(), 4, 6)
    source = core.parents[5] / "python/lib/python3.12/json/__init__.py"
    text = "def _cut(s):\n    return s\n\n\ndef loads(s):\n    return _cut(s)\n"
    editor.notify(
        "textDocument/didOpen",
        {"textDocument": {"uri": source.as_uri(), "languageId": "python", "version": 1, "text": text}},
    )
    assert definition(editor, source.as_uri(), 5, 12) == [("json/__init__.py", 0)]
    after = definition(editor, main.as_uri(), 4, 6)
    assert [path for path, _ in after] == [path for path, _ in before]
    assert before[1:] == after[1:]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"codeanatomy": {"python": ".venv"}}, ".venv"),
        ({"codeanatomy.python": ".venv", "python": {"pythonPath": "/x"}}, ".venv"),
        ({"python": {"defaultInterpreterPath": "/usr/bin/python3"}}, "/usr/bin/python3"),
        ({"python.pythonPath": "~/env/bin/python"}, "~/env/bin/python"),
        ({"python": {"defaultInterpreterPath": "python"}}, ""),
        ({"python": {"defaultInterpreterPath": "${workspaceFolder}/.venv"}}, ""),
        ({"python": "odd", "codeanatomy": ["odd"]}, ""),
        (None, ""),
        ([], ""),
    ],
)
def test_settings_name_an_interpreter_in_many_ways(settings: object, expected: str) -> None:
    from codeanatomy.lsp.convert import interpreter_of

    assert interpreter_of(settings) == expected
