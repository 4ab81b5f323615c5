"""The law for open notebooks: whatever became of the cells, the graph is that of the notebook they make, written to disk."""

from __future__ import annotations

import random
from pathlib import Path

import msgspec
import pytest

from codeanatomy_engine import CancelToken

from codeanatomy.lsp import convert
from codeanatomy.lsp.notebooks import Table, TextCell
from tests.support import graphs
from tests.support.notebooks import notebook

PIECES = (
    "from shop import discount\n", "def total(xs):\n    return discount(xs)\n", "total([1])", "!ls\n", "%%bash\n", "x = (", "'''",
    "😀 = é\r\n", "\f", "class C:\n    def f(self): return total\n", "await C().f()", "\r", ")", "?", "",
)  # fmt: skip


def _moved(cells: list[TextCell], draw: random.Random, number: int) -> list[TextCell]:
    """The cells after one thing that a person does."""
    after = list(cells)
    at = draw.randrange(len(after)) if after else 0
    match draw.randrange(7) if after else 0:
        case 0 | 1:
            after.insert(at, TextCell(f"cell:{number}", 2, "python", 1, "".join(draw.choices(PIECES, k=2))))
        case 2:
            del after[at : at + draw.randrange(1, 3)]
        case 3:
            after.insert(draw.randrange(len(after)), after.pop(at))
        case 4:
            after[at] = msgspec.structs.replace(after[at], kind=3 - after[at].kind)
        case _:
            text, encoding = after[at].text, "utf-16"
            lines = text.split("\n")
            line = draw.randrange(len(lines))
            start = convert.Position(line, draw.randrange(len(lines[line]) + 1))
            end = convert.Position(line + draw.randrange(2), draw.randrange(9))
            if (end.line, end.character) < (start.line, start.character):
                end = start
            change = convert.TextChange(draw.choice(PIECES), convert.Range(start, end))
            after[at] = msgspec.structs.replace(after[at], text=convert.changed(text, [change], encoding))
    return after


@pytest.mark.parametrize("seed", range(4))
def test_an_open_notebook_is_the_notebook_that_its_cells_make(tmp_path: Path, seed: int) -> None:
    draw = random.Random(seed)
    (tmp_path / "shop.py").write_text("def discount(x): return x\n")
    graph = graphs.indexed(tmp_path)
    table = Table.of("file:///n.ipynb", 1, [])
    graph.open("n.ipynb", table.text, 1)
    for number in range(60):
        after = Table.of(table.uri, table.version + 1, _moved(list(table.cells), draw, number), table)
        changes = after.change_from(table)
        table = after
        if changes is not None:
            graph.engine.edit_document("n.ipynb", table.version, changes)
        assert graph.engine.document_text("n.ipynb") == table.text
        assert [table.part_at(first) for first in table.firsts] == list(range(len(table.parts)))
        if draw.random() < 0.3:
            graph.commit(CancelToken())
    graph.commit(CancelToken())
    live = graphs.everything(graph.engine.snapshot())
    (tmp_path / "n.ipynb").write_text(notebook(*(cell.text for cell in table.parts)), newline="")
    assert live == graphs.everything(graphs.indexed(tmp_path).engine.snapshot())
