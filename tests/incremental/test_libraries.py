"""The libraries of a graph are those that imports lead to, wherever they came from and whenever they were written."""

from __future__ import annotations

import os
import random
from pathlib import Path

import msgspec
import pytest

from codeanatomy_engine import CancelToken, EngineError

from codeanatomy_incremental.change import Opened, Rescan, coalesce
from codeanatomy_incremental.live import Graph

from tests.support.environments import distribution, interpreter, virtual, write
from tests.support.graphs import everything, indexed, opened, rows

WITH = {"workspace.packages": "true", "workspace.python": ".venv"}
KIT = distribution(
    "shop_kit",
    "1.2",
    {
        "kit/__init__.py": "from .core import make\nfrom . import tools as tools\n",
        "kit/core.py": "from .base import Base\n\nclass Made(Base): ...\n\ndef make() -> Made:\n    import kit.lazy\n    return kit.lazy.made()\n",
        "kit/base.py": "class Base:\n    def run(self): ...\n",
        "kit/tools.py": "def use(): ...\n",
        "kit/lazy.py": "def made(): ...\n",
        "kit/unused.py": "x = 1\n",
    },
)
MAIN = "from kit import make\n\nmade = make()\nmade.run()\n"


@pytest.fixture
def ws(tmp_path: Path) -> Path:
    virtual(tmp_path / "ws" / ".venv", interpreter(tmp_path / "python"), files=KIT)
    return write(tmp_path / "ws", {"main.py": MAIN})


@pytest.fixture
def site(ws: Path) -> Path:
    return ws / ".venv/lib/python3.12/site-packages"


def held(graph: Graph) -> list[str]:
    """The library files of a graph, by their last two names."""
    found = rows(graph.engine.snapshot(), "SELECT file FROM library_files ORDER BY file")
    return ["/".join(row["file"].split("/")[-2:]) for row in found]


def reasons(graph: Graph) -> dict[str, str]:
    found = rows(graph.engine.snapshot(), "SELECT module, reason FROM library_modules WHERE path = ''")
    return {row["module"]: row["reason"] for row in found}


def definition(graph: Graph, path: str, line: int, character: int) -> list[tuple[str, int]]:
    links = msgspec.json.decode(graph.engine.snapshot().definition(path, line, character))
    return [
        ("/".join(link["targetUri"].split("/")[-2:]), link["targetSelectionRange"]["start"]["line"]) for link in links
    ]


def rescan(graph: Graph) -> None:
    graph.apply(coalesce([Rescan("test")], 500), CancelToken())


def test_imports_decide_what_comes_in(ws: Path) -> None:
    graph = indexed(ws, WITH)
    assert held(graph) == ["kit/__init__.py", "kit/base.py", "kit/core.py", "kit/tools.py"]
    [row] = rows(graph.engine.snapshot(), "SELECT * FROM library_files WHERE module = 'kit.core'")
    assert (row["distribution"], row["version"], row["source"]) == ("shop_kit", "1.2", "")


def test_names_lead_into_a_package_and_through_what_it_passes_on(ws: Path) -> None:
    graph = indexed(ws, WITH)
    assert definition(graph, "main.py", 0, 5) == [("kit/__init__.py", 0)]
    assert definition(graph, "main.py", 2, 8) == [("kit/core.py", 4)]
    assert definition(graph, "main.py", 3, 6) == [("kit/base.py", 1)]


def test_the_search_path_can_be_queried(ws: Path, site: Path) -> None:
    (site / "odd.pth").write_text("import os\n")
    graph = indexed(ws, WITH)
    found = rows(graph.engine.snapshot(), "SELECT kind, path, used FROM search_path ORDER BY position")
    assert [row["kind"] for row in found] == ["typeshed", "interpreter", "source", "site-packages", "ignored"]
    assert found[3] == {"kind": "site-packages", "path": str(site), "used": True}


def test_a_module_that_is_nowhere_has_a_reason(ws: Path, site: Path) -> None:
    (site / "fast.cpython-312-x86_64-linux-gnu.so").write_text("")
    (site / "empty").mkdir()
    write(ws, {"main.py": "import fast, gone, empty, kit.nope\nfrom empty import thing\n"})
    assert reasons(indexed(ws, WITH)) == {
        "fast": "it is compiled, and no stub describes it",
        "gone": "no place of the search path has it",
        "empty": "it is a package without a file of its own",
        "kit.nope": "no place of the search path has it",
    }


def test_a_stub_speaks_for_the_source(ws: Path, site: Path) -> None:
    write(
        site,
        {
            "plain.py": "def f(): ...\n",
            "plain-stubs/__init__.pyi": "def f() -> int: ...\n",
            "beside/__init__.py": "",
            "beside/a.py": "def a(): ...\n",
            "beside/a.pyi": "\ndef a() -> int: ...\n",
            "partial/__init__.py": "",
            "partial/told.py": "",
            "partial/untold.py": "def u(): ...\n",
            "partial-stubs/__init__.pyi": "",
            "partial-stubs/told.pyi": "def t() -> int: ...\n",
            "partial-stubs/py.typed": "partial\n",
        },
    )
    main = "from plain import f\nfrom beside.a import a\nfrom partial.told import t\nfrom partial.untold import u\n"
    write(ws, {"main.py": main})
    graph = indexed(ws, WITH)
    assert definition(graph, "main.py", 0, 18) == [("site-packages/plain.py", 0), ("plain-stubs/__init__.pyi", 0)]
    assert definition(graph, "main.py", 1, 21) == [("beside/a.py", 0), ("beside/a.pyi", 1)]
    assert definition(graph, "main.py", 2, 25) == [("partial-stubs/told.pyi", 0)]
    assert definition(graph, "main.py", 3, 27) == [("partial/untold.py", 0)]
    found = rows(graph.engine.snapshot(), "SELECT module, source FROM library_files WHERE source <> '' ORDER BY module")
    assert [(row["module"], Path(row["source"]).name) for row in found] == [
        ("beside.a", "a.py"),
        ("partial", "__init__.py"),
        ("partial.told", "told.py"),
        ("plain", "plain.py"),
    ]


def test_two_distributions_share_a_namespace(ws: Path, site: Path) -> None:
    write(site, distribution("ns_a", "1", {"ns/a/__init__.py": "x = 1\n"}))
    write(site, distribution("ns_b", "2", {"ns/b.py": "y = 1\n"}))
    write(ws, {"main.py": "from ns.a import x\nfrom ns import b\n"})
    graph = indexed(ws, WITH)
    found = rows(graph.engine.snapshot(), "SELECT module, distribution FROM library_files ORDER BY module")
    assert [(row["module"], row["distribution"]) for row in found] == [("ns.a", "ns_a"), ("ns.b", "ns_b")]


def test_editable_installs_and_path_lines_are_followed(ws: Path, site: Path, tmp_path: Path) -> None:
    write(tmp_path / "dev", {"src/app/__init__.py": "from .x import f\n", "src/app/x.py": "def f(): ...\n"})
    write(tmp_path / "more", {"other.py": "def g(): ...\n"})
    (site / "more.pth").write_text(f"{tmp_path / 'more'}\n")
    (site / "__editable__.app-1.pth").write_text(
        "import __editable___app_1_finder; __editable___app_1_finder.install()"
    )
    (site / "__editable___app_1_finder.py").write_text(f"MAPPING = {{'app': {str(tmp_path / 'dev/src/app')!r}}}\n")
    write(ws, {"main.py": "from app import f\nfrom other import g\n"})
    graph = indexed(ws, WITH)
    assert definition(graph, "main.py", 0, 16) == [("app/x.py", 0)]
    assert definition(graph, "main.py", 1, 18) == [("more/other.py", 0)]


def test_the_workspace_hides_a_library_of_the_same_name(ws: Path) -> None:
    write(ws, {"kit/__init__.py": "def make(): ...\n", "main.py": "from kit import make\nimport kit.tools\n"})
    graph = indexed(ws, WITH)
    assert held(graph) == []
    assert definition(graph, "main.py", 0, 17) == [("kit/__init__.py", 0)]


def test_an_import_that_is_typed_brings_its_library(ws: Path) -> None:
    write(ws, {"main.py": "x = 1\n"})
    graph = indexed(ws, WITH)
    assert held(graph) == []
    graph.open("main.py", MAIN, 1)
    report = graph.apply(coalesce([], 500), CancelToken())
    assert "main.py" in report.files
    assert definition(graph, "main.py", 3, 6) == [("kit/base.py", 1)]


def test_what_nothing_leads_to_goes_with_the_next_comparison(ws: Path) -> None:
    graph = indexed(ws, WITH)
    write(ws, {"main.py": "import kit.unused\n"})
    rescan(graph)
    rescan(graph)
    write(ws, {"fresh.py": "x = 1\n", "main.py": "x = 1\n"})
    rescan(graph)
    rescan(graph)
    assert held(graph) == []
    write(ws, {"main.py": MAIN})
    rescan(graph)
    assert everything(graph.engine.snapshot()) == everything(indexed(ws, WITH).engine.snapshot())
    assert graph.engine.snapshot().verify() == b"[]"


def test_only_as_many_files_come_in_as_the_options_allow_nearest_first(ws: Path) -> None:
    graph = indexed(ws, WITH | {"workspace.library_files": "2"})
    assert held(graph) == ["kit/__init__.py", "kit/core.py"]
    said = "the graph holds 2 files of packages already (option workspace.library_files)"
    assert reasons(graph) == {"kit.base": said, "kit.tools": said}


def test_a_package_that_is_installed_upgraded_or_removed_is_noticed(ws: Path, site: Path) -> None:
    write(ws, {"main.py": "from late import f\n"})
    graph = indexed(ws, WITH)
    assert reasons(graph) == {"late": "no place of the search path has it"}
    write(site, distribution("late", "1", {"late.py": "def f(): ...\n"}))
    os.utime(site, ns=(1, 1))
    rescan(graph)
    assert definition(graph, "main.py", 0, 17) == [("site-packages/late.py", 0)]
    write(site, {"late.py": "\n\ndef f(): ...\n"})
    rescan(graph)
    assert definition(graph, "main.py", 0, 17) == [("site-packages/late.py", 2)]
    (site / "late-1.dist-info").rename(site / "late-2.dist-info")
    os.utime(site, ns=(2, 2))
    rescan(graph)
    assert [row["version"] for row in rows(graph.engine.snapshot(), "SELECT version FROM library_files")] == ["2"]
    (site / "late.py").unlink()
    os.utime(site, ns=(3, 3))
    rescan(graph)
    assert held(graph) == []
    assert everything(graph.engine.snapshot()) == everything(indexed(ws, WITH).engine.snapshot())


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no pipes in its file system")
def test_files_of_a_package_that_cannot_be_read_are_rows(ws: Path, site: Path) -> None:
    os.mkfifo(site / "pipe.py")
    (site / "loop.py").symlink_to("loop.py")
    write(site, {"broken.py": "def f(:\n  class\n" + "(" * 2000})
    write(ws, {"main.py": "import pipe, loop, broken\n"})
    graph = indexed(ws, WITH)
    found = rows(graph.engine.snapshot(), "SELECT file, code FROM extract_errors WHERE code LIKE 'source-unr%'")
    assert sorted(row["file"].rpartition("/")[2] for row in found) == ["loop.py", "pipe.py"]
    assert "site-packages/broken.py" in held(graph)


def test_the_standard_library_comes_in_by_need_too(ws: Path) -> None:
    write(ws, {"main.py": "import json\n\njson.loads('1').x\n'a'.upper()\n"})
    graph = indexed(ws, {"workspace.standard_library": "true", "workspace.python": ".venv"})
    assert definition(graph, "main.py", 2, 6)[-1][0] == "json/__init__.pyi"
    assert definition(graph, "main.py", 3, 5)[-1][0] == "stdlib/builtins.pyi"
    names = held(graph)
    assert "json/decoder.pyi" in names
    assert "xml/__init__.pyi" not in names
    assert "tkinter/__init__.pyi" not in names


def test_the_version_of_the_environment_decides_what_the_standard_library_has(tmp_path: Path) -> None:
    for version, expected in (("3.10", "Python 3.10 does not have it"), ("3.12", None)):
        base = interpreter(tmp_path / version / "python", version)
        virtual(tmp_path / version / "ws" / ".venv", base, version)
        ws = write(tmp_path / version / "ws", {"main.py": "import tomllib\n"})
        graph = indexed(ws, {"workspace.standard_library": "true", "workspace.python": ".venv"})
        assert reasons(graph).get("tomllib") == expected


def test_no_option_no_library(ws: Path) -> None:
    graph = opened(ws)
    assert graph.libraries.is_empty
    assert held(indexed(ws)) == []


@pytest.mark.parametrize("seed", range(3))
def test_after_any_edits_and_a_comparison_the_graph_is_a_fresh_one(ws: Path, site: Path, seed: int) -> None:
    dice = random.Random(seed)
    lines = (
        "from kit import make",
        "import kit.unused",
        "from kit.core import *",
        "import kit.gone",
        "from late import f",
    )
    graph = indexed(ws, WITH)
    for number in range(8):
        for name in ("main.py", "other.py"):
            chosen = dice.sample(lines, dice.randrange(len(lines)))
            text = "\n".join([*chosen, "make().run()", "f()", ""])
            if dice.random() < 0.5:
                graph.open(name, text, number + 1)
                graph.apply(coalesce([Opened(name, number + 1)], 500), CancelToken())
                graph.close(name)
            write(ws, {name: text})
        if dice.random() < 0.4:
            write(site, {"late.py": f"x = {number}\ndef f(): ...\n"})
            os.utime(site, ns=(number, number))
        rescan(graph)
        assert graph.engine.snapshot().verify() == b"[]"
    rescan(graph)
    assert everything(graph.engine.snapshot()) == everything(indexed(ws, WITH).engine.snapshot())


def test_packages_stay_out_where_memory_is_short_and_say_why(ws: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("codeanatomy_incremental.libraries.held_bytes", lambda: 600 << 20)
    graph = indexed(ws, WITH | {"run.memory_mb": "1000"})
    assert "kit/core.py" not in held(graph)
    assert reasons(graph)["kit"] == "half of what the graph may hold is held already (option run.memory_mb)"
    assert "kit/core.py" in held(indexed(ws, WITH | {"run.memory_mb": "2000"}))


def test_a_change_that_needs_too_much_memory_is_given_up_and_comes_back(ws: Path) -> None:
    with pytest.raises(EngineError) as caught:
        indexed(ws, WITH | {"run.memory_mb": "1"})
    assert caught.value.code == "memory-budget"
    graph = indexed(ws, WITH)
    before = everything(graph.engine.snapshot())
    graph.engine.set_policy(b'{"memory_mb": 1}')
    (ws / "main.py").write_text(MAIN + "made.stop()\n")
    with pytest.raises(EngineError) as caught:
        rescan(graph)
    assert caught.value.code == "memory-budget"
    assert everything(graph.engine.snapshot()) == before
    graph.engine.set_policy(b"{}")
    rescan(graph)
    assert everything(graph.engine.snapshot()) == everything(indexed(ws, WITH).engine.snapshot())
