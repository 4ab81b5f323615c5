"""A real watcher and a real disk; each story waits for what it wants to see, with a deadline."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import watchfiles

from codeanatomy_incremental.live import LiveGraph

from tests.support import shop
from tests.support.graphs import eventually, no_progress, opened, targets

CALL = shop.place("main.py", "discount", 1)
WATCHED = {"incremental.watch": "true"}


def living(root: Path, overrides: dict[str, str]) -> LiveGraph:
    live = LiveGraph(opened(root, overrides))
    live.start(no_progress)
    live.snapshot_for(live.revision)
    return live


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[LiveGraph]:
    live = living(shop.build(tmp_path), WATCHED)
    # The watcher starts beside the first index; it is there when it tells of a file.
    assert eventually(lambda: _probe(tmp_path, live))
    yield live
    live.stop()


def _probe(root: Path, live: LiveGraph) -> bool:
    (root / "probe.py").touch()
    return "probe.py" in live.snapshot().paths()


def lines(live: LiveGraph) -> list[tuple[str, int]]:
    return targets(live.snapshot().definition("main.py", *CALL))


def test_a_file_written_by_another_program_reaches_the_graph(watched: LiveGraph, tmp_path: Path) -> None:
    tools = tmp_path / "shop" / "tools.py"
    tools.write_text("\n\n" + tools.read_text())
    assert eventually(lambda: lines(watched) == [("tools.py", 5)])


def test_a_file_replaced_in_one_step_reaches_the_graph(watched: LiveGraph, tmp_path: Path) -> None:
    aside = tmp_path / "shop" / "tools.py.tmp"
    aside.write_text("\n" + shop.FILES["shop/tools.py"])
    aside.replace(tmp_path / "shop" / "tools.py")
    assert eventually(lambda: lines(watched) == [("tools.py", 4)])


def test_a_new_folder_with_files_reaches_the_graph(watched: LiveGraph, tmp_path: Path) -> None:
    (tmp_path / "fresh" / "deep").mkdir(parents=True)
    (tmp_path / "fresh" / "deep" / "a.py").write_text("def fresh(): ...\n")
    assert eventually(lambda: "fresh/deep/a.py" in watched.snapshot().paths())


def test_a_removed_file_leaves_the_graph(watched: LiveGraph, tmp_path: Path) -> None:
    (tmp_path / "shop" / "tools.py").unlink()
    assert eventually(lambda: "shop/tools.py" not in watched.snapshot().paths())


def test_a_checkout_of_many_files_loses_none(watched: LiveGraph, tmp_path: Path) -> None:
    for number in range(600):
        (tmp_path / f"many_{number}.py").write_text(f"x_{number} = {number}\n")
    assert eventually(lambda: sum(path.startswith("many_") for path in watched.snapshot().paths()) == 600)


def test_without_a_watcher_regular_comparisons_find_the_change(tmp_path: Path) -> None:
    live = living(shop.build(tmp_path), {"incremental.reconcile_s": "0.05", "incremental.poll_s": "0.05"})
    (tmp_path / "late.py").write_text("x = 1\n")
    assert eventually(lambda: "late.py" in live.snapshot().paths())
    live.stop()


def test_a_system_that_refuses_to_watch_is_compared_more_often(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> Iterator[None]:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(watchfiles, "watch", refuse)
    live = living(shop.build(tmp_path), WATCHED | {"incremental.poll_s": "0.05", "incremental.reconcile_s": "1000"})
    assert eventually(lambda: "max_user_watches" in live.status.watching)
    (tmp_path / "late.py").write_text("x = 1\n")
    assert eventually(lambda: "late.py" in live.snapshot().paths())
    assert "max_user_watches" in live.status.watching
    assert eventually(lambda: live.graph.engine.faults() != b"[]")
    [fault] = json.loads(live.graph.engine.faults())
    assert (fault["code"], fault["until"], fault["count"]) == ("watch-refused", 0, 1)
    live.stop()
