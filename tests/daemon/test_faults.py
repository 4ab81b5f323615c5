"""What breaks is told and done without: questions are answered on, the cause is a row of `faults` and part of the status."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from bench.editor import Editor, ResponseError
from codeanatomy.daemon import caller
from tests.daemon.conftest import Home, until
from tests.support import shop
from tests.support.environments import write

CALL = shop.place("main.py", "discount", 1)
CLASSES = "class Base:\n    def pay(self): ...\n\n\nclass Card(Base):\n    def pay(self): ...\n"
SETTINGS = "[workspace]\nstandard_library = false\npackages = false\n[history]\nidle_s = 0\n[incremental]\nimage_idle_s = 0.05\n"


RULE = """doc = "Holds if a name is bound, with a number that does not exist for `by_zero`."
kind = "derive"
match = "bindings(binding, file, name=_name), share := 1 / (CASE WHEN _name = 'by_zero' THEN 0 ELSE 1 END)"
grain = ["binding"]
example = "`x = 1`."
"""


def begun(home: Home, faults: str, cache: Path, settings: str = "") -> Editor:
    """An editor whose daemon fails where it is told to, and whose images lie in a folder."""
    write(home.root, {"order.py": CLASSES, "codeanatomy.toml": SETTINGS + settings})
    editor = home.editor(environment=os.environ | {"FAILPOINTS": faults, "CODEANATOMY_CACHE_DIR": str(cache)})
    editor.initialize()
    return editor


def answered(editor: Editor) -> list[int]:
    """Where a call leads, asked until there is an answer."""
    found: list[Any] = []

    def ask() -> bool:
        try:
            found.append(editor.ask("textDocument/definition", "main.py", *CALL))
        except ResponseError:
            return False
        return True

    until(ask)
    return [each["range"]["start"]["line"] for each in found[-1]]


def rows(home: Home, sql: str) -> list[dict[str, Any]]:
    asked = caller.begun(str(home.root))
    assert asked is not None
    try:
        return pa.ipc.open_stream(caller.RemoteSnapshot(asked).query(sql, 1_000)).read_all().to_pylist()
    finally:
        asked.close()


def edges(home: Home) -> dict[str, int]:
    counted = rows(home, "SELECT kind, count(*) AS n FROM cpg_edges GROUP BY kind")
    return {row["kind"]: row["n"] for row in counted}


def test_a_rule_that_fails_is_done_without_and_told_until_it_works_again(home: Home, tmp_path: Path) -> None:
    own = {"own/pack.toml": 'name = "own"\nversion = "1"\ndoc = "Ours."\n', "own/share.toml": RULE}
    write(home.root, own)
    with begun(home, "", tmp_path / "cache", '[rules]\npaths = ["own"]\n') as editor:
        line = answered(editor)
        before = edges(home)
        shares = rows(home, "SELECT count(*) AS n FROM share")[0]["n"]
        assert shares > 0
        editor.open("order.py", CLASSES)
        editor.change("order.py", 2, {"text": CLASSES + "\n\nby_zero = 1\n"})
        assert answered(editor) == line
        shown = editor.wait_for(lambda message: message.get("method") == "window/showMessage")
        assert "`share`" in shown["params"]["message"]
        # Nobody is kept from anything else, and what is typed meanwhile counts.
        editor.open("main.py", "\n\n" + shop.FILES["main.py"])
        found = editor.ask("textDocument/definition", "main.py", CALL[0] + 2, CALL[1])
        assert [each["range"]["start"]["line"] for each in found] == line
        editor.close("main.py")
        (home.root / "order.py").write_text(CLASSES + "\n\nby_zero = 1\n")
        assert rows(home, "SELECT count(*) AS n FROM share") == [{"n": 0}]
        assert edges(home) == before | {"defines": before["defines"] + 1, "writes": before["writes"] + 1}
        [fault] = rows(home, "SELECT * FROM faults")
        assert (fault["code"], fault["stage"], fault["until"]) == ("engine-internal", "run", 0)
        assert fault["path"].endswith("share.toml")
        assert "`share` failed" in fault["cause"]
        assert fault["count"] >= 3
        assert fault["since"] > 0
        status = home.status()
        assert status["state"] == "live"
        assert [each["path"] for each in status["faults"]] == [fault["path"]]
        # The source does not ask for it any more: the rule is tried again by itself, and is back with all that it says.
        (home.root / "order.py").write_text(CLASSES)
        editor.change("order.py", 3, {"text": CLASSES})
        until(lambda: not home.status()["faults"])
        assert rows(home, "SELECT count(*) AS n FROM share") == [{"n": shares}]
        [fault] = rows(home, "SELECT * FROM faults")
        assert fault["until"] > fault["since"]


@pytest.mark.parametrize("what", ["full", "io"])
def test_a_disk_that_takes_no_image_is_told(home: Home, tmp_path: Path, what: str) -> None:
    with begun(home, f"image.create=return({what})", tmp_path / "cache") as editor:
        answered(editor)
        until(lambda: bool(home.status()["faults"]))
        [fault] = rows(home, "SELECT * FROM faults")
        assert (fault["code"], fault["stage"], fault["until"], fault["count"]) == ("image-not-written", "persist", 0, 1)
        assert fault["path"].startswith(str(tmp_path / "cache"))
        assert answered(editor)


def test_an_image_that_is_torn_is_told_and_not_used(home: Home, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    with begun(home, "", cache) as editor:
        line = answered(editor)
        until(lambda: bool(images(cache)))
    home.kill()
    [image] = images(cache)
    content = bytearray(image.read_bytes())
    content[len(content) // 2] ^= 0xFF
    image.write_bytes(content)
    with begun(home, "", cache) as editor:
        assert answered(editor) == line
        [fault] = rows(home, "SELECT * FROM faults")
        assert (fault["code"], fault["path"]) == ("image-refused", str(image))


def images(cache: Path) -> list[Path]:
    return [each for each in cache.glob("images/*.image") if each.name[0] != "."]
