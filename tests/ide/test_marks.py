"""Marks of pytest lead to where they are declared, and to what bears them."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.editor import Editor
from codeanatomy.ide import marks

TESTS = """import pytest
note = "é"; slow = pytest.mark.slow
@pytest.mark.slow
@pytest.mark.net("x")
def test_a(): ...
@pytest.mark.unknown
def test_b(): ...
"""
FILES = {
    "codeanatomy.toml": "[workspace]\nstandard_library = false\n",
    "pyproject.toml": '[project]\ndependencies = ["pytest"]\n[tool.pytest.ini_options]\nmarkers = [\n    "fast: no",\n    "slow: takes long",\n]\n',
    "conftest.py": 'def pytest_configure(config):\n    config.addinivalue_line("markers", "net(host): needs it")\n',
    "test_a.py": TESTS,
}


@pytest.mark.parametrize(
    ("text", "name", "place"),
    [
        ("[pytest]\nmarkers =\n    slow: takes long\n    net\n", "slow", (2, 4, 8)),
        ("[pytest]\nmarkers =\n    slow: takes long\n    net\n", "net", (3, 4, 7)),
        ('markers = ["slow: takes", "net(host): needs"]\n', "net", (0, 27, 30)),
        ('markers = ["slow"]\n[other]\nnet = "net: no"\n', "net", None),
        ('markers = ["slow: is not net: at all"]\n', "is", None),
        ("", "slow", None),
    ],
)
def test_files_of_projects_declare_marks(text: str, name: str, place: tuple[int, int, int] | None) -> None:
    found = marks.declared("pytest.ini", text, name)
    assert (None if found is None else (found.line, found.start, found.end)) == place


def test_a_mark_is_a_word_behind_mark() -> None:
    line = "@pytest.mark.slow"
    assert [marks.mark_at(line, each) for each in (3, 9, 13, 17)] == ["", "", "slow", "slow"]


def test_an_editor_goes_to_the_declaration_and_finds_what_bears_a_mark(tmp_path: Path) -> None:
    for path, text in FILES.items():
        (tmp_path / path).write_text(text)
    with Editor(tmp_path, timeout=60) as editor:
        editor.initialize()
        editor.open("test_a.py", TESTS)

        def led(line: int, column: int) -> list[tuple[str, int]]:
            found = editor.ask("textDocument/definition", "test_a.py", line, column)
            places = [
                (each.get("targetUri") or each["uri"], each.get("targetRange") or each["range"]) for each in found
            ]
            return [(uri.rpartition("/")[2], place["start"]["line"]) for uri, place in places]

        assert led(2, 15) == [("pyproject.toml", 5)]
        assert led(3, 14) == [("conftest.py", 1)]
        assert not {file for file, _ in led(5, 16)} & set(FILES), "nobody declares it"
        uses = editor.ask("textDocument/references", "test_a.py", 2, 15, context={"includeDeclaration": False})
        starts = [(each["range"]["start"]["line"], each["range"]["start"]["character"]) for each in uses]
        assert starts == [(1, TESTS.split("\n")[1].index("mark.slow") + 5), (2, 13)]
        assert editor.shut_down() == 0
