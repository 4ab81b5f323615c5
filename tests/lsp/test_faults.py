"""What breaks inside costs an answer at most, never the server."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from bench.editor import PATIENCE_S, SERVER, Editor, ResponseError
from tests.support import shop

CALL = shop.place("main.py", "discount", 1)


def begun(root: Path, faults: str) -> Editor:
    environment = os.environ | {"FAILPOINTS": faults}
    editor = Editor(root, SERVER, stderr=subprocess.DEVNULL, environment=environment)
    editor.initialize()
    return editor


def answer_within(editor: Editor, seconds: float) -> object:
    """The definition of a call, asked until there is one."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            found = editor.ask("textDocument/definition", "main.py", *CALL)
        except ResponseError:
            found = None
        if found or time.monotonic() > deadline:
            return found
        time.sleep(0.05)


@pytest.mark.parametrize("what", ["panic", "return(io)"])
@pytest.mark.parametrize("spared", [0, 40])
def test_a_rule_that_breaks_once_in_the_first_index_is_run_again(tmp_path: Path, what: str, spared: int) -> None:
    with begun(shop.build(tmp_path), f"engine.view={spared}*off->1*{what}") as editor:
        assert answer_within(editor, PATIENCE_S)
        assert editor.shut_down() == 0
        assert editor.stray == b""


def test_a_rule_that_breaks_after_an_edit_is_run_again(tmp_path: Path) -> None:
    root = shop.build(tmp_path)
    # More views than there are run in the first index; the edits after it break, three in a row.
    with begun(root, "engine.view=300*off->3*panic") as editor:
        assert answer_within(editor, PATIENCE_S)
        editor.open("main.py", shop.FILES["main.py"])
        for version in range(2, 30):
            editor.change("main.py", version, {"text": f"# {version}\n" * version + shop.FILES["main.py"]})
            line, character = CALL
            deadline = time.monotonic() + PATIENCE_S
            while True:
                try:
                    found = editor.ask("textDocument/definition", "main.py", line + version, character)
                    break
                except ResponseError:
                    assert time.monotonic() < deadline
                    time.sleep(0.05)
            assert found


def test_an_image_that_cannot_be_read_or_written_is_done_without(tmp_path: Path) -> None:
    root = shop.build(tmp_path)
    with begun(root, "image.create=return(full);image.verify=return(io)") as editor:
        assert answer_within(editor, PATIENCE_S)
