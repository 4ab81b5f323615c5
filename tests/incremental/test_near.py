"""Open files come first: they and what they import can be asked about before the workspace is read, and nobody notices later."""

from __future__ import annotations

import random
import threading
from pathlib import Path

import msgspec
import pytest

from codeanatomy_engine import CancelToken

from codeanatomy_incremental.change import Rescan
from codeanatomy_incremental.live import Graph, LiveGraph, Progress, Report

from bench.editor import PATIENCE_S
from tests.support.environments import distribution, interpreter, virtual, write
from tests.support.graphs import everything, no_progress, opened, rows, targets

CHAIN = 6


def build(root: Path, others: int = 40) -> Path:
    """A chain of modules, each importing the next, and many that nothing of it leads to."""
    files = {
        f"chain/m{n}.py": f"from chain.m{n + 1} import f{n + 1}\n\n\ndef f{n}():\n    return f{n + 1}()\n"
        for n in range(CHAIN)
    }
    files[f"chain/m{CHAIN}.py"] = f"def f{CHAIN}(): ...\n"
    files |= {f"other/o{n}.py": f"from chain.m0 import f0\n\nf0()\nx{n} = {n}\n" for n in range(others)}
    return write(root, files)


def first_part(graph: Graph) -> list[tuple[str, ...]]:
    """The files of each part that was in the graph before the whole."""
    parts: list[tuple[str, ...]] = []
    graph.index(no_progress, CancelToken(), lambda report: parts.append(report.files))
    return parts


def open_from_disk(graph: Graph, path: str, version: int = 1) -> None:
    graph.open(path, (graph.root / path).read_text(), version)


def test_an_open_file_brings_what_it_imports_and_nothing_else(tmp_path: Path) -> None:
    graph = opened(build(tmp_path))
    open_from_disk(graph, "chain/m3.py")
    assert first_part(graph) == [("chain/m3.py", "chain/m4.py", "chain/m5.py", "chain/m6.py")]


def test_the_nearest_third_comes_first_and_the_farthest_not_at_all(tmp_path: Path) -> None:
    graph = opened(build(tmp_path), {"incremental.near_files": "3"})
    open_from_disk(graph, "chain/m0.py")
    assert first_part(graph) == [("chain/m0.py",), ("chain/m1.py", "chain/m2.py")]


def test_nothing_comes_first_when_nothing_is_open_or_nothing_may(tmp_path: Path) -> None:
    assert first_part(opened(build(tmp_path))) == []
    graph = opened(tmp_path, {"incremental.near_files": "0"})
    open_from_disk(graph, "chain/m0.py")
    assert first_part(graph) == []


def test_the_text_of_the_editor_is_what_comes_first(tmp_path: Path) -> None:
    graph = opened(build(tmp_path))
    graph.open("chain/m0.py", "from chain.m5 import f5\n\nf5()\n", 7)
    found: list[tuple[tuple[str, ...], list[tuple[str, int]]]] = []

    def near(report: Report) -> None:
        found.append((report.files, targets(graph.engine.snapshot().definition("chain/m0.py", 2, 0))))

    graph.index(no_progress, CancelToken(), near)
    assert found == [(("chain/m0.py", "chain/m5.py", "chain/m6.py"), [("m5.py", 3)])]


def test_each_file_is_extracted_once_but_what_editors_hold(tmp_path: Path) -> None:
    graph = opened(build(tmp_path))
    open_from_disk(graph, "chain/m3.py")
    parts: list[Report] = []
    whole = graph.index(no_progress, CancelToken(), parts.append)
    near = {path for part in parts for path in part.files}
    assert near.isdisjoint(whole.files)
    assert near | set(whole.files) == set(graph.engine.snapshot().paths())


def test_a_file_that_is_opened_while_others_are_read_comes_before_them(tmp_path: Path) -> None:
    graph = opened(build(tmp_path), {"incremental.batch_files": "5"})
    parts: list[tuple[str, ...]] = []

    def show(progress: Progress) -> None:
        if progress.files_done == 10:
            open_from_disk(graph, "chain/m5.py")

    graph.index(show, CancelToken(), lambda report: parts.append(report.files))
    assert parts == [("chain/m5.py", "chain/m6.py")]
    assert len(graph.engine.snapshot().paths()) == 47


@pytest.mark.parametrize("seed", range(3))
def test_the_order_in_which_files_came_leaves_no_trace(tmp_path: Path, seed: int) -> None:
    build(tmp_path, others=8)
    draw = random.Random(seed)
    paths = sorted(file.relative_to(tmp_path).as_posix() for file in tmp_path.rglob("*.py"))
    chosen = draw.sample(paths, 4)

    def whole(near_files: int, batch: int, late: bool) -> dict[str, list[str]]:
        options = {"incremental.near_files": str(near_files), "incremental.batch_files": str(batch)}
        graph = opened(tmp_path, options)
        waiting = list(chosen)

        def show(_progress: Progress) -> None:
            if waiting:
                open_from_disk(graph, waiting.pop())

        while waiting and not late:
            show(Progress("list"))
        graph.index(show, CancelToken())
        while waiting:
            show(Progress("done"))
        graph.commit(CancelToken())
        assert msgspec.json.decode(graph.engine.snapshot().verify()) == []
        return everything(graph.engine.snapshot())

    expected = whole(0, 64, late=False)
    for near_files, batch, late in ((2, 3, False), (96, 1, True), (5, 4, True)):
        assert whole(near_files, batch, late) == expected


KIT = distribution(
    "kit",
    "1",
    {
        "kit/__init__.py": "from kit.a import A\n",
        "kit/a.py": "class A: ...\n",
        "kit/b.py": "class B: ...\n",
        "kit/c.py": "class C: ...\n",
    },
)


def test_libraries_that_come_first_take_no_place_of_others(tmp_path: Path) -> None:
    virtual(tmp_path / "ws" / ".venv", interpreter(tmp_path / "python"), files=KIT)
    root = write(tmp_path / "ws", {"main.py": "import kit.a\nimport kit.b\n", "late.py": "import kit.c\n"})
    few = {"workspace.packages": "true", "workspace.python": ".venv", "workspace.library_files": "2"}

    def held(path: str) -> list[str]:
        graph = opened(root, few)
        if path:
            open_from_disk(graph, path)
        graph.index(no_progress, CancelToken())
        return [
            row["file"].rpartition("/")[2]
            for row in rows(graph.engine.snapshot(), "SELECT file FROM library_files ORDER BY file")
        ]

    assert held("late.py") == held("main.py") == held("")


class Slow:
    """A live graph whose first index stops after its first part until it is let go on."""

    def __init__(self, root: Path, open_path: str) -> None:
        self.live = LiveGraph(opened(root, {"incremental.batch_files": "4"}))
        self.go_on = threading.Event()
        self.read = 0
        open_from_disk(self.live.graph, open_path)
        self.live.submit(Rescan("something to wait for"))
        self.live.start(self._show)

    def _show(self, progress: Progress) -> None:
        self.read = max(self.read, progress.files_done)
        if progress.stage == "read":
            self.go_on.wait(2 * PATIENCE_S)


def test_an_open_file_is_answered_for_while_the_rest_is_read(tmp_path: Path) -> None:
    slow = Slow(build(tmp_path), "chain/m0.py")
    live = slow.live
    near = live.near_snapshot(live.revision, "chain/m0.py")
    assert near is not None
    assert slow.read <= 4
    assert targets(near.definition("chain/m0.py", 4, 11)) == [("m1.py", 3)]
    slow.go_on.set()
    whole = live.snapshot_for(live.revision)
    assert len(whole.paths()) == 47
    assert live.near_snapshot(live.revision, "chain/m0.py") is None
    live.stop()


def test_what_is_typed_while_the_rest_is_read_is_in_the_next_answer(tmp_path: Path) -> None:
    slow = Slow(build(tmp_path), "chain/m0.py")
    live = slow.live
    assert live.near_snapshot(live.revision, "chain/m0.py") is not None
    live.edit("chain/m0.py", 2, msgspec.json.encode([{"text": "\n\nfrom chain.m2 import f2\n\nf2()\n"}]))
    slow.go_on.set()
    near = live.near_snapshot(live.revision, "chain/m0.py") or live.snapshot_for(live.revision)
    assert near.version_of("chain/m0.py") == 2
    assert targets(near.definition("chain/m0.py", 4, 0)) == [("m2.py", 3)]
    live.stop()


def test_a_file_that_no_editor_holds_waits_for_the_whole(tmp_path: Path) -> None:
    slow = Slow(build(tmp_path), "chain/m0.py")
    assert slow.live.near_snapshot(slow.live.revision, "chain/m1.py") is None
    slow.go_on.set()
    slow.live.stop()


def test_many_changed_files_do_not_keep_an_editor_waiting(tmp_path: Path) -> None:
    live = LiveGraph(opened(build(tmp_path, others=60), {"incremental.batch_files": "8"}))
    live.start(no_progress)
    live.open("chain/m0.py", (tmp_path / "chain/m0.py").read_text(), 1)
    live.snapshot_for(live.revision)
    stage, go_on, reached = live.graph.engine.update, threading.Event(), threading.Event()
    calls: list[int] = []
    reports: list[Report] = []
    live.subscribe(reports.append)

    class Watched:
        """The engine, which stops in the middle of the files that it is given."""

        def __getattr__(self, name: str) -> object:
            return getattr(engine, name)

        def update(self, files: list[object], removed: list[str]) -> None:
            calls.append(len(files))
            stage(files, removed)  # type: ignore[arg-type]
            if len(calls) == 2:
                reached.set()
                go_on.wait(2 * PATIENCE_S)

    engine = live.graph.engine
    live.graph.engine = Watched()  # type: ignore[assignment]
    for number in range(60):
        (tmp_path / f"other/o{number}.py").write_text(f"changed = {number}\n")
    live.submit(Rescan("a branch was switched"))
    assert reached.wait(PATIENCE_S)
    live.edit("chain/m0.py", 2, msgspec.json.encode([{"text": "from chain.m2 import f2\n\nf2()\n"}]))
    revision = live.revision
    go_on.set()
    near = live.near_snapshot(revision, "chain/m0.py") or live.snapshot_for(revision)
    assert targets(near.definition("chain/m0.py", 2, 0)) == [("m2.py", 3)]
    whole = live.snapshot_for(revision)
    assert msgspec.json.decode(whole.verify()) == []
    assert [len(report.files) for report in reports if report.files] == [60]
    assert [row["n"] for row in rows(whole, "SELECT count(*) AS n FROM bindings WHERE name = 'changed'")] == [60]
    live.stop()


def test_an_import_whose_module_has_not_come_is_known_for_what_it_is(tmp_path: Path) -> None:
    graph = opened(build(tmp_path), {"incremental.near_files": "1"})
    graph.open("chain/m0.py", "from chain.m5 import f5\n\nown = 1\nf5(own)\n", 1)
    ends: list[list[bool]] = []

    def ask(_report: object) -> None:
        snapshot = graph.engine.snapshot()
        ends.append([snapshot.ends_at_import("chain/m0.py", *at) for at in ((0, 21), (3, 0), (3, 4), (1, 0))])

    ask(graph.index(no_progress, CancelToken(), ask))
    assert ends == [[True, True, False, False], [False] * 4]
