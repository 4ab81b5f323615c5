"""Quick fixes: the import of a name that nothing binds."""

from __future__ import annotations

from typing import Any

from bench.editor import Editor

CLIENT = {
    "general": {"positionEncodings": ["utf-8"]},
    "textDocument": {"codeAction": {"codeActionLiteralSupport": {"codeActionKind": {"valueSet": ["quickfix"]}}}},
}
TEXT = '"""Runs."""\n\n\ndef run():\n    till = Till()\n    return till, discount(1), tools, unheard\n'


def actions(editor: Editor, line: int, start: int, end: int, **context: Any) -> list[dict[str, Any]]:
    span = {"start": {"line": line, "character": start}, "end": {"line": line, "character": end}}
    params = {"textDocument": {"uri": editor.uri("main.py")}, "range": span, "context": {"diagnostics": []} | context}
    return editor.request("textDocument/codeAction", params)


def test_a_name_that_nothing_binds_is_imported(editor: Editor) -> None:
    provider = editor.initialize(CLIENT)["capabilities"]["codeActionProvider"]
    assert provider == {"codeActionKinds": ["quickfix"]}
    editor.open("main.py", TEXT)
    (found,) = actions(editor, 4, 13, 13)
    assert found["title"] == 'Add "from shop.tools import Till"'
    assert found["kind"] == "quickfix"
    assert found["isPreferred"] is True
    (edit,) = found["edit"]["changes"][editor.uri("main.py")]
    assert edit["range"]["start"] == edit["range"]["end"]
    assert edit["newText"].strip() == "from shop.tools import Till"
    titles = [each["title"] for each in actions(editor, 5, 0, 40)]
    assert 'Add "from shop import discount"' in titles
    assert not any("unheard" in title for title in titles)


def test_bound_names_other_kinds_and_closed_files_have_no_fix(editor: Editor) -> None:
    editor.initialize(CLIENT)
    assert actions(editor, 4, 8, 8) == []
    editor.open("main.py", TEXT)
    assert actions(editor, 4, 5, 5) == []
    assert actions(editor, 4, 13, 13, only=["source.organizeImports"]) == []
    assert len(actions(editor, 4, 13, 13, only=["quickfix"])) == 1


def test_an_editor_that_takes_commands_only_gets_none(editor: Editor) -> None:
    editor.initialize({})
    editor.open("main.py", TEXT)
    assert actions(editor, 4, 13, 13) == []
