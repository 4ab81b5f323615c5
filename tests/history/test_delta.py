"""`codeanatomy delta` as people use it: the history of a workspace, and what a change did to the graph."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from codeanatomy import cli
from tests.history.conftest import git
from tests.support import shop

Run = Callable[..., tuple[int, str, str]]

SEASON = 'def discount(order):\n    """Seasonal."""\n    return order * 0.8\n'


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def running(*arguments: str) -> tuple[int, str, str]:
        code = cli.main(("delta", *arguments))
        written = capsys.readouterr()
        return code, written.out, written.err

    return running


@pytest.fixture
def ws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with two commits: the second lets `shop.discount` be another function."""
    root = shop.build(tmp_path / "ws")
    monkeypatch.setenv("CODEANATOMY_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(root)
    git(root, "init", "-q")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "one")
    (root / "shop/season.py").write_text(SEASON)
    (root / "shop/__init__.py").write_text("from .season import discount\n")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "two")
    return root


def told(edges: list[dict[str, Any]]) -> set[tuple[str, str, str, str]]:
    return {(each["change"], each["kind"], each["source"]["name"], each["target"]["name"]) for each in edges}


MOVED = {
    ("removed", "calls", "main.run.discount()", "shop.tools.discount"),
    ("created", "calls", "main.run.discount()", "shop.season.discount"),
}


def test_a_diff_of_two_commits_needs_no_history(ws: Path, run: Run) -> None:
    code, out, err = run("diff", "HEAD~1", "HEAD", "--format", "json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert found["files"] == {"shop/__init__.py": "modified", "shop/season.py": "added"}
    assert found["touched"] == ["main.py"]
    assert found["to"]["commit"] == git(ws, "rev-parse", "HEAD")
    calls = [each for each in found["edges"] if each["kind"] == "calls"]
    assert told(calls) == MOVED
    for each in calls:
        assert each["rule"] == "enter_called"
        assert each["rule_doc"]
        assert 0 < each["confidence"] <= 1
        assert (each["source"]["file"], each["source"]["line"]) == ("main.py", 5)
        before = each["change"] == "removed"
        assert each["cause"] == (
            "it now leads to shop.season.discount instead" if before else "it led to shop.tools.discount before"
        )
        assert each["evidence"]
    assert found["summary"]["calls"] == {"created": 1, "removed": 1}
    assert [(each["change"], each["name"]) for each in found["definitions"]] == [("created", "shop.season.discount")]


def test_a_diff_is_a_table_and_a_report(ws: Path, run: Run) -> None:
    code, out, _ = run("diff", "HEAD~1", "HEAD")
    assert code == 0
    assert (
        "- calls: main.run.discount() -> shop.tools.discount  main.py:5\n    because it now leads to shop.season" in out
    )
    assert "rule enter_called, confidence 0.95: Holds if" in out
    assert "reads" not in [line.split(":")[0][2:] for line in out.splitlines() if line[:2] in ("+ ", "- ")]
    code, out, _ = run("diff", "HEAD~1", "HEAD", "--format", "markdown")
    assert code == 0
    assert "| `main.run.discount()`<br>main.py:5 | `shop.season.discount`<br>shop/season.py:1 | it led to" in out
    assert "### Definitions that are new: 1\n\n- function `shop.season.discount`  shop/season.py:1" in out
    code, out, _ = run("diff", "HEAD~1", "HEAD", "--kind", "overrides", "--kind", "imports", "--format", "json")
    assert {each["kind"] for each in json.loads(out)["edges"]} == {"imports"}


def test_what_only_moves_is_no_difference(ws: Path, run: Run) -> None:
    run("checkpoint")
    text = shop.FILES["shop/tools.py"]
    (ws / "shop/tools.py").write_text("# more\n\n" + text)
    code, out, _ = run("diff", "HEAD", "--format", "json")
    found = json.loads(out)
    assert (code, found["edges"], found["summary"]) == (0, [], {})
    assert found["files"] == {"shop/tools.py": "modified"}
    # A use is renumbered by one before it, and stays the use that it was.
    (ws / "shop/tools.py").write_text(text.replace("return discount(1)", "print(self)\n        return discount(1)"))
    _, out, _ = run("diff", "HEAD", "--format", "json")
    assert told(json.loads(out)["edges"]) == {
        ("created", "reads", "shop.tools.Till.ring.self", "shop.tools.Till.ring.self"),
        ("created", "refers_to", "shop.tools.Till.ring.self", "shop.tools.Till.ring.self"),
        ("created", "has_value", "shop.tools.Till.ring.self", "shop.tools.Till"),
    }


def test_bases_are_a_reason(ws: Path, run: Run) -> None:
    (ws / "deep.py").write_text("class A:\n    def f(self): ...\n\nclass B(A):\n    def f(self): ...\n")
    run("checkpoint")
    (ws / "deep.py").write_text("class A:\n    def f(self): ...\n\nclass B:\n    def f(self): ...\n")
    _, out, _ = run("diff", "HEAD", "now", "--format", "json", "--kind", "inherits", "--kind", "overrides")
    assert [(each["kind"], each["cause"]) for each in json.loads(out)["edges"]] == [
        ("inherits", "the bases of the class are (), and were (A)"),
        ("overrides", "deep.B no longer derives from deep.A"),
    ]


def test_versions_are_named_by_number_by_place_and_by_commit(ws: Path, run: Run) -> None:
    assert run("checkpoint")[0] == 0
    assert "nothing differs from version 0" in run("checkpoint")[1]
    (ws / "shop/tools.py").write_text(shop.FILES["shop/tools.py"] + "\n\ndef more():\n    return discount(2)\n")
    assert json.loads(run("checkpoint", "--format", "json")[1])["version"] == 1
    code, out, _ = run("log", "--format", "json")
    log = json.loads(out)
    assert code == 0
    assert [(each["version"], each["kind"], each["branch"]) for each in log] == [
        (1, "checkpoint", "main"),
        (0, "checkpoint", "main"),
    ]
    commit = git(ws, "rev-parse", "HEAD")
    assert {each["commit"] for each in log} == {commit}
    assert run("log")[1].splitlines()[0].split() == [
        "version",
        "time",
        "commit",
        "branch",
        "files",
        "changed",
        "rows",
        "what",
    ]
    by_number = run("diff", "0", "1", "--format", "json")[1]
    assert ("created", "calls", "shop.tools.more.discount()", "shop.tools.discount") in told(
        json.loads(by_number)["edges"]
    )
    assert run("diff", "HEAD~1", "HEAD", "--format", "json")[1] == by_number
    # The newest version was made at the commit, but not from what was committed.
    found = json.loads(run("diff", commit, "1", "--format", "json")[1])
    assert found["files"] == {"shop/tools.py": "modified"}
    assert told(found["edges"]) == told(json.loads(by_number)["edges"])


def test_a_version_is_asked_and_exported(ws: Path, run: Run, tmp_path: Path) -> None:
    run("checkpoint")
    (ws / "main.py").unlink()
    run("checkpoint")
    counts = [
        json.loads(run("at", version, "SELECT count(*) AS n FROM files", "--format", "json")[1])
        for version in ("0", "HEAD")
    ]
    assert counts == [[{"n": 4}], [{"n": 3}]]
    tables = {each["table"]: each for each in json.loads(run("at", "0", "--format", "json")[1])["tables"]}
    assert tables["files"] == {"table": "files", "files": 4, "rows": 4}
    assert "cpg_edges" in run("at", "HEAD~1")[1]
    code, out, _ = run("export", str(tmp_path / "out"), "--version", "0", "--as", "parquet", "--format", "json")
    assert code == 0
    assert json.loads(out)["tables"]["files"] == 4
    assert (tmp_path / "out/cpg_edges.parquet").exists()


def test_maintenance_prints_every_decision(ws: Path, run: Run) -> None:
    run("checkpoint")
    code, out, _ = run("maintain", "--format", "json")
    decisions = json.loads(out)
    assert code == 0
    assert {"table", "action", "done", "cause", "value", "threshold"} == set(decisions[0])
    assert not any(each["done"] for each in decisions)
    run("checkpoint")
    (ws / "main.py").unlink()
    run("checkpoint")
    done = json.loads(
        run("maintain", "--format", "json", "--set", "history.compact_files=1", "--set", "history.keep=1")[1]
    )
    assert {each["action"] for each in done if each["done"]} == {"compact", "expire"}
    assert "compact owners: 2 > 1 data files" in run("log")[1]
    code, _, err = run("at", "0")
    assert (code, err.startswith("error[history-expired]")) == (2, True)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("log",), "history-none"),
        (("maintain",), "history-none"),
        (("diff", "nonsense", "HEAD"), "git-failed"),
        (("diff", "0", "now"), "git-failed"),
    ],
)
def test_without_a_history_a_command_says_what_to_do(ws: Path, run: Run, words: tuple[str, ...], code: str) -> None:
    ended, out, err = run(*words)
    assert (ended, out) == (2, "")
    assert err.startswith(f"error[{code}]")


def test_wrong_words_have_a_code(ws: Path, run: Run) -> None:
    run("checkpoint")
    for words, code in (
        (("at", "9"), "history-version"),
        (("at", "HEAD", "DROP TABLE files"), "query-refused"),
        (("at", "HEAD", "SELECT * FROM files", "--max-rows", "1"), "query-too-large"),
        (("log", "--store-option", "x"), "bad-input"),
    ):
        ended, _, err = run(*words)
        assert (ended, err.startswith(f"error[{code}]")) == (2, True), (words, err)


def test_a_workspace_cannot_say_where_its_history_lies(ws: Path, run: Run, tmp_path: Path) -> None:
    (ws / "codeanatomy.toml").write_text(f'[history]\nuri = "{tmp_path}/elsewhere"\n')
    ended, _, err = run("checkpoint")
    assert (ended, err.startswith("error[bad-config]")) == (2, True)
    assert not (tmp_path / "elsewhere").exists()
    (ws / "codeanatomy.toml").write_text("")
    assert run("checkpoint", "--store", str(tmp_path / "asked"))[0] == 0
    assert (tmp_path / "asked/manifests").exists()


def test_a_reader_gets_what_came_and_went_once(ws: Path, run: Run) -> None:
    assert run("feed", "files", "--cursor", "a")[0] == 2
    run("checkpoint")
    feed = ("feed", "files", "--cursor", "a", "--format", "json")
    first = json.loads(run(*feed)[1])
    assert (first["since"], first["until"], len(first["rows"])) == (None, 0, 4)
    assert {row["_change_type"] for row in first["rows"]} == {"insert"}
    assert json.loads(run(*feed)[1]) == {"since": 0, "until": 0, "rows": []}
    (ws / "main.py").rename(ws / "other.py")
    run("checkpoint")
    rows = json.loads(run(*feed)[1])["rows"]
    assert [(row["_change_type"], row["file"]) for row in rows] == [("delete", "main.py"), ("insert", "other.py")]
    assert json.loads(run(*feed)[1])["rows"] == []
    assert json.loads(run("feed", "files", "--since", "0", "--format", "json")[1])["rows"] == rows
    assert run("feed", "files", "--since", "0", "--format", "csv")[1].startswith("_change_type,")
    for words in (("nothing", "--since", "0"), ("files", "--since", "7"), ("files", "--since", "x")):
        ended, _, err = run("feed", *words)
        assert (ended, err.startswith("error[history-version]")) == (2, True), words
