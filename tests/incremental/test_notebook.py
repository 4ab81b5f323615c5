"""A notebook as source: one text of the same lines and columns, and the way back into its file."""

from __future__ import annotations

import json

import pytest

from codeanatomy_incremental.notebook import Notebook, Spot, Written, cells_in, python_of, read, source_of, source_text

from tests.support.notebooks import cell, notebook


@pytest.mark.parametrize(
    ("written", "python"),
    [
        ("%matplotlib inline\nx = 1", "#matplotlib inline\nx = 1"),
        ("x = 7 % 3\ny %= 2\nprint(x != 3)", "x = 7 % 3\ny %= 2\nprint(x != 3)"),
        ("!ls \\\n  -la\nx = 1", "#ls \\\n# -la\nx = 1"),
        ("if a:\n    !ls\nelse:\n    %cd x", "if a:\n    0#s\nelse:\n    0#d x"),
        ("%time y = f()", "0;    y = f()"),
        ("%timeit -n 3 f()", "#timeit -n 3 f()"),
        ("%time for i in x: pass", "#time for i in x: pass"),
        ("files = !ls -la\nt = %timeit -o f()", "files = []# -la\nt = _ #meit -o f()"),
        ("f?\n?f\na.b??", "f#\n#f\na.b#?"),
        ("x = (1\n%  2)\ny = '''\n%no\n!no\n'''", "x = (1\n%  2)\ny = '''\n%no\n!no\n'''"),
        ("%%bash\nls\n\n  cd x", "#%bash\n#s\n\n# cd x"),
        ("\n%%time\nx = 1\n!ls", "\n#%time\nx = 1\n#ls"),
        ("x = 1\f", "x = 1 "),
    ],
)
def test_what_only_a_notebook_allows_is_replaced_letter_by_letter(written: str, python: str) -> None:
    assert python_of(written) == python
    assert len(written) == len(python)
    compile(python, "cell", "exec")


def test_a_notebook_is_its_python_cells_in_order() -> None:
    other = cell("puts 1", metadata={"vscode": {"languageId": "ruby"}})
    found = read(notebook(cell("# title", "markdown"), "x = 1", other, "y = x\n", "").encode())
    assert isinstance(found, Notebook)
    assert found.text == "x = 1\f\ny = x\n\f\n\f\n"
    assert [(each.ordinal, each.id, each.first_line, each.lines) for each in found.cells] == [
        (1, "c1", 0, 1),
        (3, "c3", 1, 2),
        (4, "c4", 3, 1),
    ]
    assert [found.cell_at(line) for line in range(4)] == [0, 1, 1, 2]


@pytest.mark.parametrize(
    ("cell", "closing"),
    [("x = [(", ")]"), ("f(''' (", "''')"), ("x = '(", ""), ('"""a\\"""', '"""'), ("# (", ""), ("x)", "")],
)
def test_what_a_cell_leaves_open_is_closed_behind_its_end(cell: str, closing: str) -> None:
    text = source_text(cell) + source_text("y\nz")
    assert text == f"{cell}\f{closing}\ny\nz\f\n"
    assert cells_in(text)[:2] == [(0, cell), (1, "y\nz")]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"{", "notebook-malformed"),
        (b"[" * 100_000, "notebook-malformed"),
        (b"\xff\xfe\x00", "notebook-malformed"),
        (b'{"nbformat": 4}', "notebook-malformed"),
        (b'{"nbformat": 4, "cells": [{"cell_type": "code", "source": 3}]}', "notebook-malformed"),
        (b'{"nbformat": 4, "cells": [{"cell_type": "code", "source": "\\ud800"}]}', "notebook-malformed"),
        (b'{"nbformat": 3, "worksheets": []}', "notebook-version"),
        (notebook("x", language="R").encode(), "notebook-language"),
    ],
)
def test_what_is_no_notebook_of_python_has_a_code(content: bytes, code: str) -> None:
    assert read(content) == code
    assert source_of("n.ipynb", content, "", 1000) == (None, code)
    assert Written(content).notebook is None
    assert Written(content).place(Spot(0, 0)) is None
    assert Written(content).spot(3, 3) == Spot(0, 0)


def test_an_empty_file_is_an_empty_notebook_and_a_long_one_is_too_large() -> None:
    assert read(b"") == Notebook("", ())
    assert source_of("n.ipynb", notebook("x = 1\n" * 300).encode(), "", 1000) == (None, "source-too-large")
    assert source_of("n.py", b"{", "", 1000) == (b"{", "")


@pytest.mark.parametrize("style", [{"indent": 1}, {}, {"indent": 1, "ensure_ascii": False}])
def test_every_letter_of_a_cell_is_found_in_the_file_and_back(style: dict[str, object]) -> None:
    cells = json.loads(notebook("x = 'é\"😀\\t'; y\nz", cell("raw", "raw"), "def f():\n    pass\n", ""))
    content = json.dumps(cells, **style)  # type: ignore[arg-type]
    written = Written(content.encode())
    assert written.notebook is not None
    lines = content.split("\n")
    for row, line in enumerate(written.notebook.text.replace("\f", "").split("\n")):
        for column, letter in enumerate(line):
            spot = written.spot(row, column)
            there = lines[spot.line][spot.column]
            assert there == letter or (there == "\\" and letter in 'é"😀\\')
            assert written.place(spot) == Spot(row, column)
    assert written.place(Spot(0, 0)) is None
