"""The living graph follows editors and disk, answers for the newest text, and outlives its failures."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from codeanatomy_engine import CancelToken

from codeanatomy_incremental.change import Created, Deleted, Modified, Renamed, Rescan
from codeanatomy_incremental.live import LiveError, LiveGraph, Progress, Report

from tests.support import shop
from tests.support.graphs import everything, indexed, no_progress, opened, rows, targets


@pytest.fixture
def live(tmp_path: Path) -> Iterator[LiveGraph]:
    graph = LiveGraph(opened(shop.build(tmp_path)))
    graph.start(no_progress)
    yield graph
    graph.stop()


CALL = shop.place("main.py", "discount", 1)


def definition(live: LiveGraph) -> list[tuple[str, int]]:
    return targets(live.snapshot_for(live.revision).definition("main.py", *CALL))


def change(line: int, start: int, end: int, text: str) -> bytes:
    span = {"start": {"line": line, "character": start}, "end": {"line": line, "character": end}}
    return msgspec.json.encode([{"range": span, "text": text}])


def test_the_first_index_tells_how_far_it_is(tmp_path: Path) -> None:
    shop.build(tmp_path)
    seen: list[Progress] = []
    opened(tmp_path, {"incremental.batch_files": "2"}).index(seen.append, CancelToken())
    assert [each.stage for each in seen] == ["list", "read", "read", "libraries", "graph", "done"]
    assert [each.files_done for each in seen] == [0, 2, 3, 3, 3, 3]
    assert seen[-1].files_total == 3
    assert seen[-1].bytes_done == sum(len(text) for text in shop.FILES.values())


def test_an_index_that_is_cancelled_says_so(tmp_path: Path) -> None:
    shop.build(tmp_path)
    token = CancelToken()
    token.cancel()
    with pytest.raises(LiveError) as caught:
        opened(tmp_path).index(no_progress, token)
    assert caught.value.code == "cancelled"


def test_a_question_waits_for_the_first_index(live: LiveGraph) -> None:
    assert definition(live) == [("tools.py", 3)]


def test_an_edit_is_in_the_answer_that_is_asked_for_after_it(live: LiveGraph) -> None:
    tools = shop.FILES["shop/tools.py"]
    assert live.open("shop/tools.py", tools, 1) == b"[]"
    assert definition(live) == [("tools.py", 3)]
    assert live.edit("shop/tools.py", 2, change(0, 0, 0, "\n\n")) == b"[]"
    assert definition(live) == [("tools.py", 5)]
    assert live.snapshot().version_of("shop/tools.py") == 2


def test_a_syntax_error_is_told_by_the_edit_itself(live: LiveGraph) -> None:
    live.open("main.py", shop.FILES["main.py"], 1)
    found = msgspec.json.decode(live.edit("main.py", 2, change(4, 11, 11, "(")))
    assert found
    assert live.edit("main.py", 3, change(4, 11, 12, "")) == b"[]"


def test_the_editor_wins_over_the_disk_until_it_closes(live: LiveGraph, tmp_path: Path) -> None:
    tools = shop.FILES["shop/tools.py"]
    live.open("shop/tools.py", "\n" + tools, 1)
    (tmp_path / "shop" / "tools.py").write_text("\n\n\n" + tools)
    live.submit(Modified("shop/tools.py"))
    assert definition(live) == [("tools.py", 4)]
    live.close("shop/tools.py")
    assert definition(live) == [("tools.py", 6)]


def test_a_file_that_was_never_saved_goes_with_its_document(live: LiveGraph) -> None:
    live.open("fresh.py", "def brand_new(): ...\n", 1)
    assert live.snapshot_for(live.revision).workspace_symbols("brand_new", 5) != b"[]"
    live.close("fresh.py")
    assert live.snapshot_for(live.revision).workspace_symbols("brand_new", 5) == b"[]"


def test_closing_without_saving_brings_back_the_text_on_disk(live: LiveGraph) -> None:
    live.open("shop/tools.py", "\n\n" + shop.FILES["shop/tools.py"], 1)
    assert definition(live) == [("tools.py", 5)]
    live.close("shop/tools.py")
    assert definition(live) == [("tools.py", 3)]


def test_files_come_change_move_and_go(live: LiveGraph, tmp_path: Path) -> None:
    (tmp_path / "extra.py").write_text("def extra(): ...\n")
    live.submit(Created("extra.py"))
    assert "extra.py" in live.snapshot_for(live.revision).paths()
    (tmp_path / "extra.py").rename(tmp_path / "moved.py")
    live.submit(Renamed("extra.py", "moved.py"))
    found = live.snapshot_for(live.revision).paths()
    assert "moved.py" in found
    assert "extra.py" not in found
    (tmp_path / "moved.py").unlink()
    live.submit(Deleted("moved.py"))
    assert "moved.py" not in live.snapshot_for(live.revision).paths()


def test_a_lost_event_is_made_good_by_a_comparison(live: LiveGraph, tmp_path: Path) -> None:
    definition(live)
    tools = tmp_path / "shop" / "tools.py"
    tools.write_text("\n" + tools.read_text())
    for number in range(20):
        (tmp_path / f"many_{number}.py").write_text(f"x = {number}\n")
    live.submit(Rescan("test"))
    assert definition(live) == [("tools.py", 4)]
    assert len(live.snapshot().paths()) == 23


def test_only_the_files_that_changed_are_extracted(live: LiveGraph, tmp_path: Path) -> None:
    definition(live)
    reports: list[Report] = []
    live.subscribe(reports.append)
    (tmp_path / "main.py").write_text(shop.FILES["main.py"] + "\n\nx = 1\n")
    (tmp_path / "shop" / "tools.py").touch()
    live.submit(Rescan("test"))
    live.snapshot_for(live.revision)
    assert [report.files for report in reports] == [("main.py",)]


def test_a_subscriber_that_fails_or_leaves_does_not_stop_the_others(live: LiveGraph) -> None:
    definition(live)
    generations: list[int] = []

    def fail(_report: Report) -> None:
        raise RuntimeError("ours")

    leave = live.subscribe(fail)
    live.subscribe(lambda report: generations.append(report.generation))
    live.snapshot_for(live.submit(Rescan("one")))
    leave()
    live.snapshot_for(live.submit(Rescan("two")))
    assert len(generations) == 2


def test_a_failure_of_the_writer_is_a_status_and_the_writer_lives_on(
    live: LiveGraph, monkeypatch: pytest.MonkeyPatch
) -> None:
    definition(live)
    apply = live.graph.apply

    def fail(*_: object) -> Report:
        raise ValueError("a bug of ours")

    monkeypatch.setattr(live.graph, "apply", fail)
    with pytest.raises(LiveError, match="a bug of ours"):
        live.snapshot_for(live.submit(Rescan("broken")))
    assert (live.status.state, live.status.code) == ("failed", "writer-failed")
    monkeypatch.setattr(live.graph, "apply", apply)
    live.snapshot_for(live.submit(Rescan("mended")))
    assert live.status.state == "live"


def test_a_question_does_not_wait_for_ever(live: LiveGraph, monkeypatch: pytest.MonkeyPatch) -> None:
    definition(live)
    go_on = threading.Event()
    apply = live.graph.apply

    def wait(*arguments: object) -> Report:
        go_on.wait()
        return apply(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(live.graph, "apply", wait)
    revision = live.submit(Rescan("slow"))
    with pytest.raises(LiveError) as caught:
        live.snapshot_for(revision, timeout=0.05)
    assert caught.value.code == "graph-busy"
    go_on.set()
    live.snapshot_for(revision)


def test_a_question_to_a_stopped_graph_is_refused(tmp_path: Path) -> None:
    live = LiveGraph(opened(shop.build(tmp_path)))
    live.start(no_progress)
    live.snapshot_for(live.revision)
    live.stop()
    with pytest.raises(LiveError) as caught:
        live.snapshot_for(live.submit(Rescan("late")))
    assert caught.value.code == "graph-stopped"
    assert live.snapshot().paths()


def test_files_that_cannot_be_read_are_rows_with_a_code(tmp_path: Path) -> None:
    import os

    shop.build(tmp_path)
    os.mkfifo(tmp_path / "pipe.py")
    (tmp_path / "loop.py").symlink_to(tmp_path / "loop.py")
    (tmp_path / "big.py").write_bytes(b"x = 1\n" * 2_000_000)
    (tmp_path / "nul.py").write_bytes(b"x = 1\0\n")
    (tmp_path / "binary.py").write_bytes(bytes(range(256)) * 8)
    snapshot = indexed(tmp_path).engine.snapshot()
    found = {(row["file"], row["code"]) for row in rows(snapshot, "SELECT file, code FROM extract_errors")}
    assert {("pipe.py", "source-unreadable"), ("loop.py", "source-unreadable"), ("big.py", "source-too-large")} <= found
    assert {file for file, _ in found} >= {"nul.py", "binary.py"}
    assert "def" in snapshot.definition("main.py", *CALL).decode() or targets(snapshot.definition("main.py", *CALL))


def test_a_graph_is_the_same_whatever_way_its_files_came(tmp_path: Path) -> None:
    shop.build(tmp_path)
    fresh = everything(indexed(tmp_path).engine.snapshot())
    assert everything(indexed(tmp_path, {"incremental.batch_files": "1"}).engine.snapshot()) == fresh


def test_a_fork_begins_with_the_text_of_the_disk_and_goes_its_own_way(live: LiveGraph) -> None:
    tools = shop.FILES["shop/tools.py"]
    file, line = definition(live)[0]
    live.open("shop/tools.py", "\n\n" + tools, 1)
    assert definition(live) == [(file, line + 2)]
    fork = live.fork()
    try:
        assert definition(fork) == [(file, line)]
        fork.open("shop/tools.py", "\n" + tools, 1)
        live.edit("shop/tools.py", 2, change(0, 0, 0, "\n"))
        assert definition(fork) == [(file, line + 1)]
        assert definition(live) == [(file, line + 3)]
        (live.graph.root / "shop/late.py").write_text("from shop.tools import discount\n\ndiscount(1)\n")
        for each in (live, fork):
            each.submit(Created("shop/late.py"))
            assert "shop/late.py" in each.snapshot_for(each.revision).paths()
            assert msgspec.json.decode(each.snapshot().verify()) == []
        fork.close("shop/tools.py")
        assert definition(fork) == [(file, line)]
    finally:
        fork.stop()
    assert definition(live) == [(file, line + 3)]
