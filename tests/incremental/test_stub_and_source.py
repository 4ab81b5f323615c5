"""Of what a stub describes, the source is shown first and the stub second; the explanation says which is which."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from codeanatomy_incremental.live import Graph

from codeanatomy import report
from codeanatomy.ide.explain import explanation
from codeanatomy.ide.hover import of_explanation
from codeanatomy.lsp.features.hover import markdown
from tests.support.environments import interpreter, virtual, write
from tests.support.graphs import indexed

STANDARD = {
    "workspace.standard_library": "true",
    "workspace.packages": "true",
    "workspace.python": ".venv",
}
SOURCES = {
    "json/__init__.py": 'from .decoder import JSONDecoder\n\n\ndef loads(s, *, cls=None):\n    """Read a text."""\n',
    "json/decoder.py": "class JSONDecoder:\n    def decode(self, s): ...\n",
    "datetime.py": "try:\n    from _datetime import *\nexcept ImportError:\n    from _pydatetime import *\n",
    "_pydatetime.py": "class datetime:\n    def isoformat(self): ...\n",
    "posixpath.py": "def join(a, *p): ...\n",
}
SITE = {
    "plain.py": "\n\ndef f(): ...\n\nclass A:\n    def __init__(self):\n        self.x = 1\n",
    "plain-stubs/__init__.pyi": "def f() -> int: ...\nclass A:\n    x: int\n    y: int\n",
}


@pytest.fixture
def ws(tmp_path: Path) -> Path:
    virtual(tmp_path / "ws" / ".venv", interpreter(tmp_path / "python", files=SOURCES), files=SITE)
    return tmp_path / "ws"


def links(graph: Graph, line: int, character: int) -> list[tuple[str, int]]:
    found: list[dict[str, Any]] = msgspec.json.decode(graph.engine.snapshot().definition("main.py", line, character))
    return [
        ("/".join(each["targetUri"].split("/")[-2:]), each["targetSelectionRange"]["start"]["line"]) for each in found
    ]


def test_the_source_comes_before_the_stub(ws: Path) -> None:
    main = "import json\nfrom datetime import datetime\nimport os.path\nimport sys\n\n"
    main += (
        "json.loads('1')\ndatetime.now().isoformat()\nos.path.join('a')\nsys.getsizeof(1)\njson.JSONDecoder().decode\n"
    )
    write(ws, {"main.py": main})
    graph = indexed(ws, STANDARD)
    assert links(graph, 0, 8)[0] == ("json/__init__.py", 0)
    assert [each for each, _ in links(graph, 0, 8)] == ["json/__init__.py", "json/__init__.pyi"]
    assert links(graph, 5, 6)[0] == ("json/__init__.py", 3)
    assert links(graph, 5, 6)[1][0] == "json/__init__.pyi"
    assert links(graph, 1, 23)[0] == ("python3.12/_pydatetime.py", 0)
    assert links(graph, 7, 9)[0] == ("python3.12/posixpath.py", 0)
    assert {each for each, _ in links(graph, 8, 5)} == {"sys/__init__.pyi"}
    assert links(graph, 9, 19)[:2][0] == ("json/decoder.py", 1)


def test_a_stub_package_is_shown_behind_what_it_describes(ws: Path) -> None:
    write(ws, {"main.py": "from plain import f, A\n\nf()\nA().x\nA().y\n"})
    graph = indexed(ws, STANDARD)
    assert links(graph, 2, 0) == [("site-packages/plain.py", 2), ("plain-stubs/__init__.pyi", 0)]
    assert links(graph, 3, 4) == [("site-packages/plain.py", 6), ("plain-stubs/__init__.pyi", 2)]
    assert links(graph, 4, 4) == [("plain-stubs/__init__.pyi", 3)]


def test_a_source_that_changes_is_read_again(ws: Path) -> None:
    write(ws, {"main.py": "from plain import f\n"})
    graph = indexed(ws, STANDARD)
    assert links(graph, 0, 18)[0] == ("site-packages/plain.py", 2)
    (ws / ".venv/lib/python3.12/site-packages/plain.py").write_text("def f(): ...\n")
    assert links(graph, 0, 18)[0] == ("site-packages/plain.py", 0)
    (ws / ".venv/lib/python3.12/site-packages/plain.py").unlink()
    assert links(graph, 0, 18) == [("plain-stubs/__init__.pyi", 0)]


def test_a_hover_says_which_is_which_and_lends_the_docstring_of_the_source(ws: Path) -> None:
    write(ws, {"main.py": "import json\n\njson.loads('1')\n"})
    found = explanation(indexed(ws, STANDARD).engine.snapshot(), "main.py", 2, 6)
    assert found is not None
    hover = of_explanation(found)
    assert hover.doc == "Read a text."
    shown = markdown(hover, ws.as_uri())
    assert "Source [json/\\_\\_init\\_\\_.py:4]" in shown or "json/__init__.py:4" in shown
    assert "described by the stub" in shown
    assert "described by that stub; source: json/__init__.py:4" in report.hover(hover)


def test_a_stub_of_the_workspace_is_left_as_it_is(ws: Path) -> None:
    write(ws, {"own.py": "def g(): ...\n", "own.pyi": "\ndef g() -> int: ...\n", "main.py": "from own import g\n"})
    found = links(indexed(ws, STANDARD), 0, 16)
    assert {each for each, _ in found} <= {"ws/own.py", "ws/own.pyi"}
