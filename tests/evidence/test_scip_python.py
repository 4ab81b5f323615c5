"""`scip-python` is run when somebody asks for it in a workspace that its user trusts, and never else."""

from __future__ import annotations

import json
import os
import stat
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from codeanatomy_engine import CancelToken

from codeanatomy_incremental import scip_python, trust
from codeanatomy_incremental.options import ScipOptions
from codeanatomy_incremental.scip_python import ScipError

from codeanatomy import cli
from tests.evidence import test_scip

TOOL = f"""#!{sys.executable}
import os, shutil, sys
arguments = dict(zip(sys.argv[2::2], sys.argv[3::2]))
with open(os.environ["TOLD"], "a") as told:
    print(os.getpid(), sys.argv[1], arguments["--cwd"], arguments["--project-name"], file=told)
print("(06:45:19) Parse and search for dependencies")
print("(06:45:31)   20 / 76", flush=True)
{{act}}
"""
INDEX = 'shutil.copy(os.environ["MADE"], arguments["--output"])'


@pytest.fixture(autouse=True)
def of_a_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CODEANATOMY_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("TOLD", str(tmp_path / "told"))
    monkeypatch.setenv("MADE", str(tmp_path / "made.scip"))


@pytest.fixture
def ws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "shop"
    root.mkdir()
    test_scip.written(root)
    (root / "index.scip").rename(tmp_path / "made.scip")
    installed(tmp_path, INDEX)
    monkeypatch.chdir(root)
    return root


def installed(home: Path, act: str, name: str = "scip-python") -> None:
    (home / "bin").mkdir(exist_ok=True)
    tool = home / "bin" / name
    tool.write_text(TOOL.format(act=act))
    tool.chmod(0o700)


def made(root: Path, options: ScipOptions | None = None, cancel: CancelToken | None = None) -> list[str]:
    steps: list[str] = []
    around = {name: os.environ[name] for name in ("PATH", "TOLD", "MADE")}
    scip_python.made(str(root), options or ScipOptions(), around, "", steps.append, cancel or CancelToken())
    return steps


def is_running(told: Path) -> bool:
    try:
        os.kill(int(told.read_text().split()[0]), 0)
    except ProcessLookupError:
        return False
    return True


def test_a_trusted_workspace_is_indexed_and_the_index_is_heard(ws: Path, tmp_path: Path, capsys: Any) -> None:
    assert cli.main(["trust", "add"]) == 0
    capsys.readouterr()
    assert cli.main(["witness", "scip", "--run", "--no-daemon", "--format", "json"]) == 0
    written = capsys.readouterr()
    assert written.err == "scip-python wrote index.scip\n"
    [told] = json.loads(written.out)
    assert told["tables"] == {"scip_occurrences": 3}
    assert (told["files"], told["failures"], told["agree"], told["disagree"]) == (2, [], 1, 0)
    assert (tmp_path / "told").read_text().split()[1:] == ["index", str(ws), "shop"]


def test_without_trust_nothing_is_run(ws: Path, tmp_path: Path, capsys: Any) -> None:
    assert cli.main(["witness", "scip", "--run", "--no-daemon"]) == 2
    assert "error[scip-untrusted]" in capsys.readouterr().err
    assert not (tmp_path / "told").exists()
    assert cli.main(["witness", "scip", "--no-daemon", "--trust", "--format", "json"]) == 0
    [told] = json.loads(capsys.readouterr().out)
    assert [(each["code"], each["files"]) for each in told["failures"]] == [("witness-missing", 2)]
    assert not (tmp_path / "told").exists(), "trust alone asks for nothing"
    assert cli.main(["witness", "scip", "--run", "--no-daemon", "--trust"]) == 0
    assert cli.main(["trust", "ask"]) == 1, "for once is for once"


@pytest.mark.parametrize("key", ["trusted", "trust", "run", "command"])
def test_a_workspace_cannot_say_that_it_is_trusted(ws: Path, tmp_path: Path, key: str, capsys: Any) -> None:
    (ws / "codeanatomy.toml").write_text(f"[scip]\n{key} = true\n")
    assert cli.main(["witness", "scip", "--run", "--no-daemon", "--trust"]) == 2
    assert "error[bad-config]" in capsys.readouterr().err
    assert not (tmp_path / "told").exists()


@pytest.mark.parametrize("how", ["in the workspace", "writable for others", "another folder", "relative"])
def test_a_file_that_vouches_for_nothing(ws: Path, tmp_path: Path, how: str) -> None:
    folder, named = tmp_path / "config", str(ws)
    match how:
        case "in the workspace":
            folder = ws / "config"
        case "another folder":
            named = str(ws)[:-1]
        case "relative":
            named = "."
        case _:
            pass
    folder.mkdir()
    file = folder / trust.FILE
    file.write_text(f"folders = [{named!r}]\n")
    file.chmod(0o602 if how == "writable for others" else 0o600)
    assert not trust.trusted(str(ws), {"CODEANATOMY_CONFIG_DIR": str(folder)})


def test_a_folder_is_trusted_with_what_lies_in_it_through_links(ws: Path, tmp_path: Path) -> None:
    around = {"CODEANATOMY_CONFIG_DIR": str(tmp_path / "config")}
    (tmp_path / "link").symlink_to(ws)
    trust.trust(str(tmp_path / "link"), around)
    assert trust.folders(around) == (str(ws),)
    assert trust.trusted(str(ws), around)
    assert trust.trusted(str(ws / "deep"), around)
    assert not trust.trusted(str(tmp_path), around)
    assert stat.S_IMODE((tmp_path / "config" / trust.FILE).stat().st_mode) == 0o600
    assert trust.distrust(str(ws), around)
    assert not trust.distrust(str(ws), around)
    assert trust.folders(around) == ()


def test_its_steps_are_told(ws: Path) -> None:
    assert made(ws) == ["Parse and search for dependencies", "Parse and search for dependencies: 20/76"]


@pytest.mark.parametrize(
    ("act", "words"),
    [
        ("sys.exit('no such thing')", "ended with 1: .*no such thing"),
        ("", "left no index"),
        ("open(arguments['--output'], 'wb').write(b'nonsense')", "left no index that can be read"),
        ("open(arguments['--output'], 'wb')", "found no file to index"),
    ],
)
def test_a_run_that_fails_leaves_the_index_that_was_there(ws: Path, tmp_path: Path, act: str, words: str) -> None:
    (ws / "index.scip").write_bytes(b"old")
    installed(tmp_path, act)
    with pytest.raises(ScipError, match=f"(?s){words}") as caught:
        made(ws)
    assert caught.value.code == "scip-failed"
    assert (ws / "index.scip").read_bytes() == b"old"
    assert {each.name for each in ws.iterdir()} == {"index.scip", "main.py", "tools.py"}


def test_a_run_that_takes_too_long_is_ended(ws: Path, tmp_path: Path) -> None:
    installed(tmp_path, "import signal; signal.pause()")
    with pytest.raises(ScipError) as caught:
        made(ws, ScipOptions(timeout_s=2.0))
    assert caught.value.code == "scip-timeout"
    assert not is_running(tmp_path / "told")


def test_a_run_that_is_cancelled_is_ended(ws: Path, tmp_path: Path) -> None:
    installed(tmp_path, "import signal; signal.pause()")
    cancel, began = CancelToken(), threading.Event()
    around = {name: os.environ[name] for name in ("PATH", "TOLD", "MADE")}
    threading.Thread(target=lambda: began.wait() and cancel.cancel(), daemon=True).start()
    with pytest.raises(ScipError) as caught:
        scip_python.made(str(ws), ScipOptions(), around, "", lambda _: began.set(), cancel)
    assert caught.value.code == "scip-cancelled"
    assert not is_running(tmp_path / "told")


def test_what_nobody_installed_is_not_fetched(ws: Path, tmp_path: Path) -> None:
    (tmp_path / "bin" / "scip-python").unlink()
    with pytest.raises(ScipError, match="not installed") as caught:
        made(ws)
    assert caught.value.code == "scip-missing"
    npx = tmp_path / "bin" / "npx"
    npx.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path / "asked"}\nexit 1\n')
    npx.chmod(0o700)
    with pytest.raises(ScipError, match="not installed"):
        made(ws)
    assert (tmp_path / "asked").read_text() == "--no-install --offline @sourcegraph/scip-python --version\n"


def test_an_index_does_not_lie_out_of_the_workspace(ws: Path, tmp_path: Path) -> None:
    with pytest.raises(ScipError) as caught:
        made(ws, ScipOptions(index="../index.scip"))
    assert caught.value.code == "scip-outside"
    assert not (tmp_path / "told").exists()
