"""Notebooks on disk are files of the graph: evidence, uses, changes and failures."""

from __future__ import annotations

import random
from pathlib import Path

import msgspec

from codeanatomy_engine import CancelToken

from codeanatomy_incremental.change import Work

from codeanatomy.ide.completion import Wishes, completion
from tests.support import graphs
from tests.support.notebooks import cell, notebook

SHOP = "def discount(order):\n    return order\n\n\nasync def fetch():\n    return 1\n"
FIRST = "%matplotlib inline\nfrom shop import discount, fetch\nimport helpers"
SECOND = "def total(xs):\n    return discount(sum(xs))\n\nvalue = await fetch()"


def _workspace(root: Path) -> None:
    (root / "nb").mkdir()
    (root / "shop.py").write_text(SHOP)
    (root / "nb/helpers.py").write_text("def local(): pass\n")
    cells = (cell("# title", "markdown"), FIRST, SECOND, "total([1])\nhelpers.local()")
    (root / "nb/a.ipynb").write_text(notebook(*cells))


def test_names_of_earlier_cells_imports_and_uses_are_known(tmp_path: Path) -> None:
    _workspace(tmp_path)
    snapshot = graphs.indexed(tmp_path).engine.snapshot()
    assert snapshot.paths() == ["nb/a.ipynb", "nb/helpers.py", "shop.py"]
    assert snapshot.diagnostics("nb/a.ipynb") == b"[]"
    uses = msgspec.json.decode(snapshot.references("shop.py", 0, 5, False))
    places = [(each["uri"].rpartition("/")[2], each["range"]["start"]["line"]) for each in uses]
    assert places == [("a.ipynb", 1), ("a.ipynb", 4)]
    assert graphs.targets(snapshot.definition("nb/a.ipynb", 7, 1)) == [("a.ipynb", 3)]
    assert graphs.targets(snapshot.definition("nb/a.ipynb", 8, 10)) == [("helpers.py", 0)]


def test_a_file_that_is_no_notebook_of_python_is_a_coded_row(tmp_path: Path) -> None:
    _workspace(tmp_path)
    (tmp_path / "bad.ipynb").write_text("{")
    (tmp_path / "old.ipynb").write_text('{"nbformat": 3}')
    (tmp_path / "r.ipynb").write_text(notebook("x <- 1", language="R"))
    (tmp_path / "long.ipynb").write_text(notebook("x = 1\n" * 2000))
    graph = graphs.indexed(tmp_path, {"workspace.max_file_bytes": "8000"})
    found = graphs.rows(graph.engine.snapshot(), "SELECT file, code FROM extract_errors ORDER BY file")
    assert [(each["file"], each["code"]) for each in found] == [
        ("bad.ipynb", "notebook-malformed"),
        ("long.ipynb", "source-too-large"),
        ("old.ipynb", "notebook-version"),
        ("r.ipynb", "notebook-language"),
    ]
    (tmp_path / "bad.ipynb").write_text(notebook("x = 1"))
    graph.apply(Work(rescan="test"), CancelToken())
    assert len(graphs.rows(graph.engine.snapshot(), "SELECT * FROM extract_errors")) == 3


def test_a_cell_that_ran_again_is_not_extracted_again(tmp_path: Path) -> None:
    _workspace(tmp_path)
    graph = graphs.indexed(tmp_path)
    file = tmp_path / "nb/a.ipynb"
    file.write_text(file.read_text().replace('"x"', '"printed anew"'))
    assert graph.apply(Work(rescan="test"), CancelToken()).files == ()
    file.write_text(file.read_text().replace("total([1])", "total([2]); total"))
    assert graph.apply(Work(disk=("nb/a.ipynb",)), CancelToken()).files == ("nb/a.ipynb",)


def test_the_living_graph_equals_a_fresh_one_after_changes_of_notebooks(tmp_path: Path) -> None:
    _workspace(tmp_path)
    graph = graphs.indexed(tmp_path)
    draw = random.Random(7)
    sources = [
        FIRST,
        SECOND,
        "total([1])",
        "%%bash\nls",
        "x = (",
        "class C(total): pass",
        "!ls",
        "from shop import *",
        "await x",
    ]
    for _ in range(30):
        path = draw.choice(("nb/a.ipynb", "b.ipynb", "other/c.ipynb"))
        file = tmp_path / path
        file.parent.mkdir(exist_ok=True)
        match draw.randrange(8):
            case 0:
                file.unlink(missing_ok=True)
            case 1:
                file.write_text("{")
            case _:
                file.write_text(notebook(*draw.choices(sources, k=draw.randrange(5))))
        graph.apply(Work(disk=(path,)), CancelToken())
    fresh = graphs.everything(graphs.indexed(tmp_path).engine.snapshot())
    assert graphs.everything(graph.engine.snapshot()) == fresh


def test_a_notebook_that_an_editor_holds_is_told_from_its_file(tmp_path: Path) -> None:
    _workspace(tmp_path)
    graph = graphs.indexed(tmp_path)
    assert graph.disk_has(
        "nb/a.ipynb", "\n".join((FIRST.replace("%", "#") + "\f", SECOND + "\f", "total([1])\nhelpers.local()\f\n"))
    )
    assert not graph.disk_has("nb/a.ipynb", "x")
    assert graph.question("nb/a.ipynb", "cpython", graph.engine.snapshot(), True) is not None


def test_no_import_is_offered_from_a_notebook(tmp_path: Path) -> None:
    _workspace(tmp_path)
    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkg/__init__.py").write_text("")
    (tmp_path / "pkg/inner.ipynb").write_text(notebook("def inside(): pass"))
    text = "import \nfrom pkg import \nimport pkg\npkg.\ninsi\n"
    graph = graphs.indexed(tmp_path)
    graph.open("m.py", text, 1)
    graph.commit(CancelToken())
    for line, character in ((0, 7), (1, 16), (3, 4), (4, 4)):
        found = msgspec.json.decode(completion(graph.engine.snapshot(), "m.py", line, character, Wishes()))
        labels = {each["label"] for each in found["items"]}
        assert not {label for label in labels if "ipynb" in label or label in ("inner", "a", "inside")}, (line, labels)
