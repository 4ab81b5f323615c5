"""A graph that begins with its image is the graph that a fresh build makes, and an image that is no good costs time alone."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from codeanatomy_engine import CancelToken, EngineError, Image

from codeanatomy_incremental import image as images
from codeanatomy_incremental.live import Graph, LiveGraph

from tests.support import shop
from tests.support.environments import distribution, interpreter, virtual, write
from tests.support.graphs import eventually, everything, indexed, no_progress, opened
from tests.support.images import image, keeping, written
from tests.support.memory import program

KIT = {"kit/__init__.py": "from .core import make as make\n", "kit/core.py": "def make() -> int: ...\n"}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CODEANATOMY_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def ws(tmp_path: Path) -> Path:
    return shop.build(tmp_path / "ws")


def again(root: Path, overrides: dict[str, str] | None = None) -> Graph:
    """A graph that began with its image, and what it had to do for that."""
    graph = keeping(root, overrides)
    graph.report = graph.index(no_progress, CancelToken())  # type: ignore[attr-defined]
    assert graph.engine.snapshot().verify() == b"[]"
    return graph


def files(graph: Graph) -> tuple[str, ...]:
    """Files that were extracted when it began."""
    return graph.report.files  # type: ignore[attr-defined]


def assert_fresh(graph: Graph, root: Path, overrides: dict[str, str] | None = None) -> None:
    fresh = indexed(root, overrides)
    assert everything(graph.engine.snapshot()) == everything(fresh.engine.snapshot())
    assert graph.engine.snapshot().paths() == fresh.engine.snapshot().paths()
    for path in fresh.engine.snapshot().paths():
        assert graph.engine.snapshot().document_symbols(path) == fresh.engine.snapshot().document_symbols(path)
        assert graph.engine.snapshot().semantic_tokens(path) == fresh.engine.snapshot().semantic_tokens(path)
        assert graph.engine.snapshot().diagnostics(path) == fresh.engine.snapshot().diagnostics(path)


def test_a_second_start_extracts_nothing_and_runs_no_view(ws: Path) -> None:
    assert written(ws) == 0
    graph = again(ws)
    assert files(graph) == ()
    assert graph.report.views == () and graph.report.mode != "full"  # type: ignore[attr-defined]
    assert_fresh(graph, ws)
    line, character = shop.place("main.py", "discount", 1)
    assert graph.engine.snapshot().definition("main.py", line, character) == indexed(ws).engine.snapshot().definition(
        "main.py", line, character
    )


def test_names_that_have_other_numbers_here_are_translated(ws: Path, tmp_path: Path) -> None:
    # Both processes name things that the other one does not, before all that they have in common.
    (ws / "a.py").write_text("def only_there(): ...\n")
    indexed(write(tmp_path / "other", {"other.py": "def only_here(): ...\n"}))
    assert written(ws) == 0
    found = keeping(ws)._opened
    assert found is not None and found.is_moved
    assert_fresh(again(ws), ws)


def test_what_changed_on_disk_since_is_found(ws: Path) -> None:
    (ws / "old.py").write_text("import shop.tools\n")
    (ws / "broken.py").write_text("def f(:\n    return ü\n")
    assert written(ws) == 0
    (ws / "old.py").unlink()
    (ws / "new.py").write_text("from main import run\n\nrun(2)\n")
    (ws / "shop/tools.py").write_text("def discount(order, by=1): ...\n")
    graph = again(ws)
    assert files(graph) == ("new.py", "old.py", "shop/tools.py")
    assert_fresh(graph, ws)


def test_unsaved_texts_do_not_outlive_their_editor(ws: Path) -> None:
    assert written(ws, "def other(): ...\n") == 0
    graph = again(ws)
    assert files(graph) == ("main.py", "unsaved.py")
    assert_fresh(graph, ws)


def test_a_document_that_is_open_before_the_image_keeps_its_text(ws: Path) -> None:
    assert written(ws) == 0
    graph = keeping(ws)
    graph.open("main.py", "import shop\n", 1)
    graph.index(no_progress, CancelToken())
    assert graph.engine.snapshot().version_of("main.py") == 1
    fresh = opened(ws)
    fresh.open("main.py", "import shop\n", 1)
    fresh.index(no_progress, CancelToken())
    assert everything(graph.engine.snapshot()) == everything(fresh.engine.snapshot())


def test_libraries_that_changed_since_are_found(tmp_path: Path) -> None:
    overrides = {"workspace.packages": "true", "workspace.python": ".venv"}
    root = write(tmp_path / "ws", {"main.py": "from kit import make\nimport late\n\nmake()\n"})
    virtual(root / ".venv", interpreter(tmp_path / "python"), files=distribution("kit", "1.0", KIT))
    assert written(root, overrides=overrides) == 0
    graph = again(root, overrides)
    assert files(graph) == ()
    assert_fresh(graph, root, overrides)
    packages = root / ".venv/lib/python3.12/site-packages"
    (packages / "kit/core.py").write_text("def make(much: int) -> str: ...\n")
    (packages / "late.py").write_text("def arrive(): ...\n")
    graph = again(root, overrides)
    assert sorted(path.rpartition("/")[2] for path in files(graph)) == ["core.py", "late.py"]
    assert_fresh(graph, root, overrides)
    shutil.rmtree(packages / "kit")
    (packages / "kit.py").write_text("def make(): ...\n")
    assert_fresh(again(root, overrides), root, overrides)


def test_an_image_of_other_options_is_none(ws: Path) -> None:
    assert written(ws) == 0
    assert keeping(ws, {"workspace.exclude": '["old.py"]'})._opened is None
    assert keeping(ws, {"incremental.image": "false"}).image is None
    place, conditions = image(keeping(ws)).place, image(keeping(ws)).conditions
    assert Image.open(place, program("pytest"), conditions) is None
    assert Image.open(place, program(), conditions) is not None


@pytest.mark.parametrize("part", range(8))
def test_a_damaged_image_is_refused_and_goes(ws: Path, part: int) -> None:
    assert written(ws) == 0
    place = image(keeping(ws)).place
    content = bytearray(place.read_bytes())
    content[part * (len(content) - 1) // 7] ^= 0xFF
    place.write_bytes(content)
    graph = again(ws)
    # Eight bytes between two sections mean nothing.
    if image(graph).refusal or not place.exists():
        assert image(graph).refusal.startswith("image-refused: ")
        assert not place.exists()
    assert_fresh(graph, ws)


def test_an_image_that_is_cut_is_refused(ws: Path) -> None:
    assert written(ws) == 0
    place = image(keeping(ws)).place
    content = place.read_bytes()
    for length in (0, 5, len(content) // 3, len(content) - 1):
        place.write_bytes(content[:length])
        graph = again(ws)
        assert image(graph).refusal.startswith("image-refused: ")
        assert_fresh(graph, ws)


@pytest.mark.parametrize("fault", ["image.create", "image.write", "image.sync", "image.rename"])
@pytest.mark.parametrize("what", ["full", "io"])
def test_a_disk_that_fails_costs_the_image_alone(ws: Path, fault: str, what: str) -> None:
    assert written(ws, faults=f"{fault}=return({what})") == 3
    folder = image(keeping(ws)).place.parent
    assert not folder.exists() or list(folder.iterdir()) == []


def test_a_kill_at_any_write_leaves_the_old_image_or_the_new_one(ws: Path) -> None:
    killed: list[tuple[str, str]] = []
    points = ["image.create", "image.sync", "image.rename", "image.settle"]
    faults = [(point, f"{point}=return(kill)") for point in points]
    faults += [
        (f"image.write {n}", f"image.write={n}*off->return({how})") for n in range(0, 40, 2) for how in ("kill", "torn")
    ]
    place, conditions, document = image(keeping(ws)).place, image(keeping(ws)).conditions, keeping(ws).program
    old = b""
    for number, (point, fault) in enumerate(faults):
        if number == len(points):
            assert written(ws) == 0
            old = place.read_bytes()
        code = written(ws, faults=fault)
        if code == 0:
            # There are not so many writes.
            assert point.startswith("image.write")
            continue
        assert code == -6, code
        left = place.read_bytes() if place.exists() else b""
        assert left == old or point == "image.settle"
        killed.append((point, "new" if left and left != old else "old" if left else "none"))
        if left:
            found = Image.open(place, document, conditions)
            assert found is not None
            found.verify()
        if number < len(points):
            place.unlink(missing_ok=True)
    assert len(killed) >= 20, killed
    assert_fresh(again(ws), ws)
    # What kills have left beside goes when it is old.
    left_over = [each for each in place.parent.iterdir() if each.name.startswith(".")]
    assert left_over
    images._LEFT_OVER_S = -1.0
    try:
        images.tidy(place.parent)
    finally:
        images._LEFT_OVER_S = 3600.0
    assert [each.name for each in place.parent.iterdir()] == [place.name]


def test_a_living_graph_writes_its_image_when_nothing_happens(ws: Path) -> None:
    live = LiveGraph(keeping(ws, {"incremental.image_idle_s": "0.05"}))
    live.start(no_progress)
    place = image(live.graph).place
    before = everything(live.snapshot_for(live.revision))
    assert eventually(place.exists)
    assert eventually(lambda: not live.graph.wants_image)
    live.open("main.py", "from shop import discount\n", 1)
    after = live.snapshot_for(live.revision)
    assert after.version_of("main.py") == 1
    live.close("main.py")
    assert everything(live.snapshot_for(live.revision)) == before
    live.stop()
    assert live.status.image == ""
    assert files(again(ws)) == ()


def test_a_foreign_file_in_the_place_of_an_image_is_refused(ws: Path) -> None:
    place = image(keeping(ws)).place
    place.mkdir(parents=True)
    graph = again(ws)
    assert image(graph).refusal.startswith("image-refused: ")
    assert_fresh(graph, ws)
    with pytest.raises(EngineError) as caught:
        graph.engine.write_image(graph.engine.capture(), place, "", b"")
    assert caught.value.code == "image-not-written"
