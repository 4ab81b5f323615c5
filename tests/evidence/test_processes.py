"""Whatever happens to the process of a witness is an answer, and the next question is answered."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from codeanatomy_engine import CancelToken, EngineError

from codeanatomy_incremental import evidence
from codeanatomy_incremental.witnesses import Process, Question

from tests.support import graphs

DEEP = b"(" * 50_000
SLOW = b"x = 1\n" * 200_000


def asked(process: Process, content: bytes, witness: str = "cpython", is_brief: bool = True) -> dict[str, Any]:
    [said] = msgspec.json.decode(process.ask(Question("a.py", 7, witness, content, (3, 11), False, is_brief)))
    return said


@pytest.fixture
def process() -> Iterator[Process]:
    begun = Process(60)
    yield begun
    begun.close()


def test_an_answer_bears_the_stamp_of_its_question(process: Process) -> None:
    said = asked(process, b"x = 1\n")
    assert (said["path"], said["witness"], said["stamp"]) == ("a.py", "cpython", 7)
    assert said["verdict"]["accepts"]


def test_a_hang_is_ended_and_the_next_question_answered() -> None:
    process = Process(0.01)
    assert asked(process, SLOW, is_brief=False)["error"]["code"] == "witness-timeout"
    process.close()
    patient = Process(60)
    try:
        assert asked(patient, b"x = 1\n")["verdict"]["accepts"]
    finally:
        patient.close()


def test_a_crash_is_an_answer_and_the_next_question_begins_a_new_process(process: Process) -> None:
    asked(process, b"x = 1\n")
    running = process._process
    assert running is not None
    os.kill(running.pid, signal.SIGKILL)
    running.wait()
    said = asked(process, b"x = 1\n")
    assert said["error"]["code"] == "witness-crashed"
    assert "-9" in said["error"]["message"]
    assert asked(process, b"x = 1\n")["verdict"]["accepts"]


def test_a_crash_in_the_middle_of_a_question_is_an_answer(process: Process) -> None:
    asked(process, b"x = 1\n")
    running = process._process
    assert running is not None
    clock = threading.Timer(0.05, running.kill)
    clock.start()
    said = asked(process, SLOW * 4, is_brief=False)
    clock.join()
    assert said.get("error", {"code": "witness-crashed"})["code"] == "witness-crashed"
    assert asked(process, b"x = 1\n")["verdict"]["accepts"]


def test_who_closes_does_not_wait_for_an_answer() -> None:
    process = Process(3600)
    asked(process, b"x = 1\n")
    said: list[dict[str, Any]] = []
    asking = threading.Thread(target=lambda: said.append(asked(process, SLOW * 100, is_brief=False)), daemon=True)
    asking.start()
    while not process._lock.locked():
        assert asking.is_alive()
    process.close()
    asking.join()
    assert said[0]["error"]["code"] == "witness-crashed"


def test_what_is_nested_too_deep_is_refused_and_ends_nothing(process: Process) -> None:
    said = asked(process, DEEP)
    assert said["verdict"]["accepts"] is False
    assert asked(process, b"x = 1\n")["verdict"]["accepts"]


def test_a_process_reads_nothing_imports_nothing_and_starts_nothing(tmp_path: Path) -> None:
    program = f"""
import os, socket, subprocess, sys
from codeanatomy_incremental.evidence import __main__ as worker
worker._limit()
acts = {{
    "open": lambda: open({str(tmp_path / "x")!r}),
    "import": lambda: __import__("antigravity"),
    "exec": lambda: exec("1"),
    "process": lambda: subprocess.Popen(["true"]),
    "system": lambda: os.system("true"),
    "socket": lambda: socket.create_connection(("127.0.0.1", 9)),
}}
for name, act in acts.items():
    try:
        act()
    except PermissionError:
        print(name)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["open", "import", "exec", "process", "system", "socket"], done.stderr


def test_nothing_of_a_workspace_is_on_the_path_of_a_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ast.py").write_text("raise SystemExit(3)\n")
    (tmp_path / "sitecustomize.py").write_text("raise SystemExit(3)\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    process = Process(60)
    try:
        assert asked(process, b"x = 1\n")["verdict"]["accepts"]
    finally:
        process.close()


def test_failures_are_rows_of_extract_errors(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\n")
    graph = graphs.indexed(tmp_path)
    stamp = graph.engine.snapshot().stamp_of("a.py")
    codes = ("witness-failed", "witness-crashed", "witness-timeout", "witness-missing")
    for number, code in enumerate(codes):
        said = {
            "path": "a.py",
            "witness": f"w{number}",
            "stamp": stamp,
            "error": {"code": code, "message": "so it was"},
        }
        assert graph.engine.hear(msgspec.json.encode([said])) == 1
    rows = graphs.rows(graph.engine.snapshot(), "SELECT file, witness, stage, code, message FROM extract_errors")
    assert [(row["file"], row["witness"], row["stage"], row["code"]) for row in rows] == [
        ("a.py", f"w{number}", "extract", code) for number, code in enumerate(codes)
    ]


def test_a_process_that_ended_is_a_fault_until_the_witness_answers_again(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\n")
    graph = graphs.indexed(tmp_path)
    question = Question("a.py", 7, "cpython", SLOW, (3, 11), False, False)
    hasty = Process(0.01)
    for _ in range(2):
        graph.note_silence(hasty.ask(question))
    hasty.close()
    rows = graphs.rows(graph.engine.snapshot(), "SELECT * FROM faults")
    assert [(row["code"], row["stage"], row["path"], row["count"], row["until"]) for row in rows] == [
        ("witness-timeout", "extract", "a.py", 2, 0)
    ]
    graph.note_silence(msgspec.json.encode([{"path": "a.py", "witness": "cpython", "stamp": 7}]))
    assert graphs.rows(graph.engine.snapshot(), "SELECT until > since AS over FROM faults") == [{"over": True}]


def test_what_fits_no_table_is_refused_and_nothing_of_it_taken(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\n")
    graph = graphs.indexed(tmp_path)
    stamp = graph.engine.snapshot().stamp_of("a.py")
    for tables in ({"ast": [[1]]}, {"nothing": []}, {"ast": [["0", None, 1, "", 0, "", None, None, 0, 0, 0]]}):
        with pytest.raises(EngineError) as refused:
            graph.engine.hear(
                msgspec.json.encode([{"path": "a.py", "witness": "cpython", "stamp": stamp, "tables": tables}])
            )
        assert refused.value.code == "witness-malformed"
    assert graphs.rows(graph.engine.snapshot(), "SELECT * FROM witness_runs") == []


def test_what_was_said_of_an_older_text_is_dropped(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\n")
    graph = graphs.indexed(tmp_path)
    said = {"path": "a.py", "witness": "cpython", "stamp": 1, "verdict": {"accepts": False, "message": "no"}}
    assert graph.engine.hear(msgspec.json.encode([said])) == 0
    assert graph.engine.snapshot().diagnostics("a.py") == b"[]"


def test_every_witness_is_found_by_its_file_and_fills_tables_of_its_own() -> None:
    folder = Path(evidence.__file__).parent
    assert set(evidence.witnesses()) == {each.stem for each in folder.glob("*.py")} - {"__init__", "__main__"}
    names = [table.name for table in evidence.tables()]
    assert len(names) == len(set(names))


def test_hearing_runs_no_view_and_asks_for_no_commit(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("def f(x):\n    return x\n")
    graph = graphs.indexed(tmp_path)
    before = graph.engine.snapshot().generation
    assert graph.hear_all(evidence.witnesses(), ["a.py"], CancelToken()) == len(evidence.witnesses())
    assert graph.engine.snapshot().generation == before
    assert graph.engine.snapshot().verify() == b"[]"
