"""Entry points of `pyproject.toml` and `setup.cfg` lead to what they name."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.editor import Editor
from codeanatomy.ide import entry_points
from tests.support.memory import Memory, program

PROJECT = """[project]
name = "shop"
dependencies = ["click"]
[project.scripts]
shop = "shop.cli:main"  # runs it
other = "shop.cli"
broken = "not an entry"
[project.entry-points."pytest11"]
tills = "shop.tools:Till.ring [fast]"
[tool.other]
no = "shop.cli:main"
"""
TEXTS = {
    "shop/__init__.py": "",
    "shop/cli.py": "from shop.tools import main\n",
    "shop/tools.py": "def main(): ...\nclass Till:\n    def ring(self): ...\n",
}


def test_lines_of_some_sections_name_entry_points() -> None:
    assert [(each.module, each.attribute, each.range.line) for each in entry_points.entries(PROJECT)] == [
        ("shop.cli", "main", 4),
        ("shop.cli", "", 5),
        ("shop.tools", "Till.ring", 8),
    ]
    found = entry_points.entries("[options.entry_points]\nconsole_scripts =\n    shop = shop.cli:main\n")
    assert [(each.module, each.attribute, each.range.start) for each in found] == [("shop.cli", "main", 11)]
    assert entry_points.entries("[project.scripts\nx = ") == []


@pytest.mark.parametrize(
    ("line", "path", "place"), [(4, "shop/tools.py", (0, 4)), (5, "shop/cli.py", (0, 0)), (8, "shop/tools.py", (2, 8))]
)
def test_an_entry_leads_to_what_it_names_imports_followed(line: int, path: str, place: tuple[int, int]) -> None:
    memory = Memory(program())
    memory.write(TEXTS)
    memory.commit()
    entry = entry_points.entry_at(PROJECT, line, 12)
    assert entry is not None
    target = entry_points.target(memory.snapshot(), entry)
    assert target is not None
    start = target.selection["start"]
    assert (target.path, (start["line"], start["character"])) == (path, place)
    gone = entry_points.Entry("shop.cli", "nothing", entry.range)
    assert entry_points.target(memory.snapshot(), gone) is None


def test_the_last_name_of_an_entry_has_its_place() -> None:
    names = [each.last for each in entry_points.entries(PROJECT)]
    assert [(name, PROJECT.split("\n")[at.line][at.start : at.end]) for name, at in names] == [
        ("main", "main"),
        ("cli", "cli"),
        ("ring", "ring"),
    ]


def test_a_rename_takes_entry_points_along_that_say_the_name(tmp_path: Path) -> None:
    texts = TEXTS | {
        "pyproject.toml": PROJECT.replace("[tool.other]", 'alias = "shop.alias:run"\n[tool.other]'),
        "shop/alias.py": "from shop.tools import main as run\n",
        "codeanatomy.toml": "[workspace]\nstandard_library = false\n",
    }
    for path, text in texts.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    with Editor(tmp_path, timeout=60) as editor:
        editor.initialize()
        editor.open("shop/tools.py", TEXTS["shop/tools.py"])
        edit = editor.ask("textDocument/rename", "shop/tools.py", 0, 5, newName="start")
        files = edit.get("changes") or {each["textDocument"]["uri"]: each["edits"] for each in edit["documentChanges"]}
        told = {uri.rpartition("/")[2]: edits for uri, edits in files.items()}
        assert set(told) == {"tools.py", "cli.py", "alias.py", "pyproject.toml"}
        lines = texts["pyproject.toml"].split("\n")
        [edit] = told["pyproject.toml"]
        at = edit["range"]
        assert at["start"]["line"] == 4
        assert lines[4][at["start"]["character"] : at["end"]["character"]] == "main"
        assert edit["newText"] == "start"
        assert editor.shut_down() == 0


def test_an_editor_goes_there_and_back(tmp_path: Path) -> None:
    for path, text in (
        TEXTS | {"pyproject.toml": PROJECT, "codeanatomy.toml": "[workspace]\nstandard_library = false\n"}
    ).items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    with Editor(tmp_path) as editor:
        editor.initialize()
        editor.open("pyproject.toml", PROJECT)
        editor.open("shop/tools.py", TEXTS["shop/tools.py"])
        [found] = editor.ask("textDocument/definition", "pyproject.toml", 4, 20)
        assert (found.get("targetUri") or found["uri"]).endswith("shop/tools.py")
        assert editor.ask("textDocument/definition", "pyproject.toml", 1, 9) == []
        for path, line, column in (("shop/tools.py", 0, 5), ("pyproject.toml", 4, 20)):
            uses = editor.ask("textDocument/references", path, line, column, context={"includeDeclaration": False})
            assert [(each["uri"].rpartition("/")[2], each["range"]["start"]["line"]) for each in uses] == [
                ("cli.py", 0),
                ("pyproject.toml", 4),
            ]
        assert editor.ask("textDocument/references", "pyproject.toml", 1, 9, context={"includeDeclaration": True}) == []
        assert editor.shut_down() == 0
