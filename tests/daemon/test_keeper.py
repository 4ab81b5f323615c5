"""A daemon adds a version to the history when nothing has changed for a while since something did."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from codeanatomy_incremental.history import manifest
from codeanatomy_incremental.history.places import place_of

from codeanatomy.daemon.keeper import Keeper
from tests.daemon.conftest import Home, until
from tests.support import shop


def test_a_version_is_due_once_after_each_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[list[str]] = []

    def spawn(path: str, command: list[str], environ: object, **_: object) -> int:
        begun.append(command)
        return os.posix_spawn(sys.executable, [sys.executable, "-c", ""], environ)  # type: ignore[arg-type]

    keeper = Keeper("/ws")
    monkeypatch.setattr("codeanatomy.daemon.keeper.os.posix_spawn", _spawning(spawn))

    def looked(generation: int, now: float, is_busy: bool = False, idle_s: float = 10.0) -> int:
        until(lambda: (keeper.look(generation, is_busy, idle_s, now), keeper.said != "writing")[1])
        return len(begun)

    assert looked(0, 0.0) == 0
    assert looked(0, 100.0) == 0, "nothing was ever there"
    assert looked(1, 101.0) == 0
    assert looked(2, 108.0) == 0
    assert looked(2, 117.0) == 0, "a change begins the pause anew"
    assert looked(2, 118.0, is_busy=True) == 0
    assert looked(2, 119.0, idle_s=0.0) == 0
    assert looked(2, 120.0) == 1
    assert looked(2, 900.0) == 1, "once"
    assert looked(3, 901.0) == 1
    assert looked(3, 911.0) == 2
    assert begun[0][1:] == ["-P", "-m", "codeanatomy", "delta", "checkpoint", "--maintain", "--root", "/ws"]


def _spawning(spawn: object) -> object:
    real = os.posix_spawn

    def spawning(path: str, command: list[str], environ: object, **more: object) -> int:
        if command[1:2] == ["-c"]:
            return real(path, command, environ)  # type: ignore[arg-type]
        return spawn(path, command, environ, **more)  # type: ignore[operator]

    return spawning


def test_a_history_that_cannot_be_written_is_told(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "no folder").touch()
    monkeypatch.setenv("CODEANATOMY_DATA_DIR", str(tmp_path / "no folder"))
    (home.root / "codeanatomy.toml").write_text("[workspace]\nstandard_library = false\n[history]\nidle_s = 0.2\n")
    with home.editor() as editor:
        editor.initialize()
        until(lambda: bool(home.status()["faults"]))
        status = home.status()
        assert status["history"].startswith("failed")
        assert [(each["code"], each["stage"]) for each in status["faults"]] == [("history-not-kept", "persist")]
        assert editor.shut_down() == 0


def test_an_idle_daemon_keeps_the_history(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CODEANATOMY_DATA_DIR", str(tmp_path / "data"))
    (home.root / "codeanatomy.toml").write_text("[workspace]\nstandard_library = false\n[history]\nidle_s = 0.2\n")
    place = place_of(str(home.root), os.environ)
    with home.editor() as editor:
        editor.initialize()
        until(lambda: len(manifest.load(place)) > 0)
        before = len(manifest.load(place))
        (home.root / "main.py").write_text(shop.FILES["main.py"] + "\n\nrun(1)\n")
        until(lambda: len(manifest.load(place)) > before)
        assert home.status()["history"] in ("writing", "written")
