"""What was extracted of a release is kept for all workspaces of a user, and never trusted blindly."""

from __future__ import annotations

from pathlib import Path

import pytest

from codeanatomy_incremental.libraries import Kept, cache_folder
from codeanatomy_incremental.live import Graph

from tests.support.environments import distribution, interpreter, virtual, write
from tests.support.graphs import everything, indexed

WITH = {"workspace.packages": "true", "workspace.python": ".venv"}
KIT = distribution(
    "kit",
    "1.2",
    {
        "kit/__init__.py": "from .core import make as make, Größe\n",
        "kit/core.py": 'class Größe:\n    """How big."""\n\n    def wide(self, *, by: float = 1.5) -> str:\n        return "é"\n\ndef make():\n    return Größe()\n',
    },
)
MAIN = "from kit import make\n\nmake().wide(by=2)\n"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CODEANATOMY_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def ws(tmp_path: Path) -> Path:
    virtual(tmp_path / "ws" / ".venv", interpreter(tmp_path / "python"), files=KIT)
    return write(tmp_path / "ws", {"main.py": MAIN})


def kept(graph: Graph) -> tuple[int, int]:
    """How many library files were extracted and how many were found."""
    done = graph.libraries.keep(graph.engine)
    return done.extracted, done.found


def files(cache: Path) -> list[Path]:
    return sorted(path for path in cache.rglob("*") if path.is_file())


def test_a_second_start_extracts_no_library_file(ws: Path, cache: Path) -> None:
    first = indexed(ws, WITH)
    assert kept(first) == (2, 0)
    second = indexed(ws, WITH)
    assert kept(second) == (0, 2)
    assert everything(second.engine.snapshot()) == everything(first.engine.snapshot())
    assert second.engine.snapshot().definition("main.py", 2, 8) == first.engine.snapshot().definition("main.py", 2, 8)
    assert second.engine.snapshot().explain("main.py", 2, 8) == first.engine.snapshot().explain("main.py", 2, 8)
    assert [path.name.partition("-")[0] for path in files(cache)] == ["kit"]


def test_another_workspace_with_the_same_release_elsewhere_finds_it(ws: Path, tmp_path: Path) -> None:
    indexed(ws, WITH)
    virtual(tmp_path / "other" / ".venv", tmp_path / "python", files=KIT)
    other = write(tmp_path / "other", {"app.py": "import kit.core\n"})
    graph = indexed(other, WITH)
    assert kept(graph) == (0, 2)
    fresh = indexed(other, WITH | {"workspace.library_cache": "false"})
    assert everything(graph.engine.snapshot()) == everything(fresh.engine.snapshot())


def test_only_a_file_whose_bytes_changed_is_extracted_again(ws: Path) -> None:
    indexed(ws, WITH)
    core = ws / ".venv/lib/python3.12/site-packages/kit/core.py"
    core.touch()
    assert kept(indexed(ws, WITH)) == (0, 2)
    core.write_text(core.read_text().replace("1.5", "2.5"))
    assert kept(indexed(ws, WITH)) == (1, 1)
    assert kept(indexed(ws, WITH)) == (0, 2)


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "foreign", "folder"])
def test_a_damaged_file_is_told_ignored_and_written_anew(ws: Path, cache: Path, damage: str) -> None:
    first = indexed(ws, WITH)
    [file] = files(cache)
    content = file.read_bytes()
    match damage:
        case "cut":
            file.write_bytes(content[: len(content) // 2])
        case "flip":
            middle = len(content) // 2
            file.write_bytes(content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])
        case "empty":
            file.write_bytes(b"")
        case "foreign":
            file.write_bytes(b"something else " * 100)
        case _:
            file.unlink()
            file.mkdir()
    graph = indexed(ws, WITH)
    done: Kept = graph.libraries.keep(graph.engine)
    assert done.extracted >= 1
    assert done.refused
    assert everything(graph.engine.snapshot()) == everything(first.engine.snapshot())
    if damage != "folder":
        assert kept(indexed(ws, WITH)) == (0, 2)


def test_a_cache_that_cannot_be_written_costs_only_time(ws: Path, cache: Path) -> None:
    cache.write_text("a file where the folder should be")
    graph = indexed(ws, WITH)
    assert kept(graph) == (2, 0)
    assert graph.libraries.keep(graph.engine).refused


def test_leftovers_of_a_crash_are_no_facts(ws: Path, cache: Path) -> None:
    indexed(ws, WITH)
    [file] = files(cache)
    file.rename(file.with_name(f".{file.name}.1.0"))
    assert kept(indexed(ws, WITH)) == (2, 0)


def test_nothing_is_kept_where_the_options_say_so(ws: Path, cache: Path) -> None:
    assert kept(indexed(ws, WITH | {"workspace.library_cache": "false"})) == (2, 0)
    assert not cache.exists()


def test_the_folder_of_caches_is_that_of_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    assert cache_folder({"HOME": "/h"}) == "/h/.cache/codeanatomy"
    assert cache_folder({"HOME": "/h", "XDG_CACHE_HOME": "/x"}) == "/x/codeanatomy"
    assert cache_folder({"HOME": "/h", "CODEANATOMY_CACHE_DIR": "/own"}) == "/own"
    assert cache_folder({}) == ""
