"""Rules of a workspace while a person writes them: what is wrong stands in the file, what is right is in force."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.editor import Editor
from tests.support import shop

RULE = """doc = "Holds if `discount` is named."
kind = "diagnostic"
match = "names(expr, file, name='discount')"
severity = "information"
code = "own-word"
message = "here"
example = "`discount`."
"""
MAIN = "from shop import discount\n\ndiscount(1)\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = shop.build(tmp_path / "ws")
    own = root / "own"
    own.mkdir()
    (root / "codeanatomy.toml").write_text('[workspace]\nstandard_library = false\n[rules]\npaths = ["own"]\n')
    (own / "pack.toml").write_text('name = "own"\nversion = "1"\ndoc = "Ours."\n')
    (own / "word.toml").write_text(RULE)
    return root


@pytest.fixture
def editor(root: Path) -> Iterator[Editor]:
    with Editor(root) as started:
        started.initialize()
        yield started


def codes(
    editor: Editor, path: str, holds: Callable[[list[dict[str, Any]]], bool], since: int = 0
) -> list[dict[str, Any]]:
    """The first diagnostics of a file, since so many messages had come, of which something holds."""

    def told(message: dict[str, Any]) -> bool:
        return (
            message.get("method") == "textDocument/publishDiagnostics"
            and message["params"]["uri"] == editor.uri(path)
            and any(message is each for _, each in editor.messages[since:])
            and holds(message["params"]["diagnostics"])
        )

    return editor.wait_for(told)["params"]["diagnostics"]


def saved(editor: Editor, root: Path, path: str, text: str) -> None:
    (root / path).write_text(text)
    editor.notify("textDocument/didSave", {"textDocument": {"uri": editor.uri(path)}})


def test_saving_a_rule_brings_it_into_force_and_a_wrong_one_says_so(editor: Editor, root: Path) -> None:
    editor.open("main.py", MAIN)
    assert codes(editor, "main.py", bool)[0]["code"] == "own-word"
    editor.open("own/word.toml", RULE)
    # Typed and not saved: the text of the editor outlives the change of rules.
    editor.change("main.py", 2, {"text": "\n" + MAIN})
    saved(editor, root, "own/word.toml", RULE.replace("own-word", "new-word"))
    found = codes(editor, "main.py", lambda all_: any(each["code"] == "new-word" for each in all_))
    assert {each["range"]["start"]["line"] for each in found} <= {1, 3}
    saved(editor, root, "own/word.toml", RULE.replace('"names(', '"nams('))
    [wrong] = codes(editor, "own/word.toml", bool)
    assert (wrong["code"], wrong["range"]["start"]["line"]) == ("rule-unknown-relation", 2)
    assert "nams" in wrong["message"]
    # The last good program answers.
    since = len(editor.messages)
    editor.change("main.py", 3, {"text": "discount\n"})
    [found] = codes(editor, "main.py", lambda all_: bool(all_) and all_[0]["range"]["start"]["line"] == 0, since)
    assert found["code"] == "new-word"
    since = len(editor.messages)
    saved(editor, root, "own/word.toml", RULE.replace("'discount'", "'nobody'"))
    assert codes(editor, "own/word.toml", lambda all_: not all_, since) == []
    assert codes(editor, "main.py", lambda all_: not all_, since) == []
    assert editor.shut_down() == 0


def test_what_is_typed_into_a_rule_is_looked_at_at_once(editor: Editor) -> None:
    editor.open("own/word.toml", RULE)
    editor.change("own/word.toml", 2, {"text": RULE.replace("match =", "mtach =")})
    [wrong] = codes(editor, "own/word.toml", bool)
    assert (wrong["code"], wrong["range"]["start"]["line"]) == ("rule-decode", 2)
    assert "did you mean `match`?" in wrong["message"]
    since = len(editor.messages)
    editor.change("own/word.toml", 3, {"text": RULE})
    assert codes(editor, "own/word.toml", lambda all_: not all_, since) == []


def test_a_rule_file_completes_and_explains_its_words(editor: Editor) -> None:
    editor.open("own/word.toml", RULE.replace("expr, file", "expr, "))
    found = editor.ask("textDocument/completion", "own/word.toml", 2, len('match = "names(expr, '))
    assert {"expr", "name", "reaching"} <= {each["label"] for each in found["items"]}
    told = editor.ask("textDocument/hover", "own/word.toml", 2, len('match = "na'))
    assert "Columns: `expr`" in told["contents"]["value"]
    assert editor.ask("textDocument/hover", "own/word.toml", 50, 0) is None


def test_an_import_that_breaks_a_layer_is_shown_while_it_is_typed(root: Path) -> None:
    (root / "codeanatomy.toml").write_text(
        '[workspace]\nstandard_library = false\n[layers]\norder = ["main", "shop"]\n'
    )
    with Editor(root) as editor:
        editor.initialize()
        editor.open("shop/tools.py", "def discount(order): ...\n")
        editor.change("shop/tools.py", 2, {"text": "def discount(order):\n    é = 1; import main\n"})
        [found] = codes(editor, "shop/tools.py", bool)
        assert (found["code"], found["message"]) == (
            "layer-import",
            "`shop` must not know `main`: `shop.tools` imports `main`\nlayers",
        )
        assert found["range"] == {"start": {"line": 1, "character": 18}, "end": {"line": 1, "character": 22}}
        since = len(editor.messages)
        saved(editor, root, "codeanatomy.toml", '[workspace]\nstandard_library = false\n[layers]\norder = ["shop"]\n')
        assert codes(editor, "shop/tools.py", lambda all_: not all_, since) == []
