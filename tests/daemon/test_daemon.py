"""There is one daemon for a workspace; it begins, serves and ends as it should, and belongs to one user."""

from __future__ import annotations

import json
import os
import shutil
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from bench.editor import FRONT, Editor
from codeanatomy import __version__, cli
from codeanatomy.daemon import caller, place
from codeanatomy.daemon.outbox import Outbox
from tests.daemon.conftest import Home, until
from tests.support import shop

COMMAND = (sys.executable, "-m", "codeanatomy")
CALL = shop.place("main.py", "discount", 1)


def said(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    code = cli.main(words)
    return code, capsys.readouterr().out


def test_a_daemon_is_started_looked_at_and_stopped(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    root = ("--root", str(home.root), "--format", "json")
    assert cli.main(("daemon", "status", *root)) == 5
    assert "daemon-none" in capsys.readouterr().err
    assert subprocess.run((*COMMAND, "daemon", "start", *root), capture_output=True).returncode == 0
    first = home.pid
    assert subprocess.run((*COMMAND, "daemon", "start", *root), capture_output=True).returncode == 0
    code, text = said(capsys, "daemon", "status", *root)
    status = json.loads(text)
    assert code == 0
    assert (status["pid"], status["root"], status["version"]) == (first, str(home.root), __version__)
    assert {"uptime_s", "clients", "generation", "memory_bytes", "pending"} <= set(status)
    assert f"process {first}" in said(capsys, "daemon", "logs", *root)[1]
    assert said(capsys, "daemon", "stop", *root)[0] == 0
    assert home.pid == 0
    assert not Path(home.place.socket).exists()


def test_socket_and_folder_are_for_one_user(home: Home) -> None:
    place.reach(home.place).close()
    assert stat.S_IMODE(os.stat(home.place.socket).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(Path(home.place.socket).parent).st_mode) == 0o700
    assert stat.S_IMODE(os.stat(home.place.log).st_mode) == 0o600


def test_a_process_of_another_user_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    here, there = socket.socketpair()
    with here, there:
        assert place.is_ours(here)
        other = os.getuid() + 1
        monkeypatch.setattr(os, "getuid", lambda: other)
        assert not place.is_ours(here)


@pytest.mark.parametrize("mode", [0o777, 0o750])
def test_a_folder_that_others_can_enter_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int) -> None:
    open_folder = Path("/tmp") / f"ca-open-{os.getpid()}"
    open_folder.mkdir()
    open_folder.chmod(mode)
    monkeypatch.setenv("CODEANATOMY_RUNTIME_DIR", str(open_folder))
    try:
        with pytest.raises(place.DaemonError, match="of this user alone") as caught:
            place.folder()
        assert caught.value.code == "daemon-no-place"
        # An editor is served all the same, in the process of its front.
        with (tmp_path / "log").open("wb") as log, Editor(shop.build(tmp_path / "ws"), FRONT, stderr=log) as editor:
            editor.initialize()
            assert editor.ask("textDocument/definition", "main.py", *CALL)
            assert editor.shut_down() == 0
        assert "no daemon (daemon-no-place" in (tmp_path / "log").read_text()
    finally:
        shutil.rmtree(open_folder)


def test_another_program_has_another_daemon(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    place.reach(home.place).close()
    monkeypatch.setattr(place, "__version__", "0.0.0")
    other = place.of(str(home.root))
    assert other.socket != home.place.socket
    assert place.connect(other) is None
    # Even on the socket of the wrong one nothing is answered.
    connection = place.connect(home.place)
    assert connection is not None
    with pytest.raises(caller.CallError) as caught:
        caller.Asked(connection, other, "status").answer()
    assert caught.value.code == "daemon-other-version"


def test_environments_have_daemons_of_their_own(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIRTUAL_ENV", "/somewhere/else")
    assert place.of(str(home.root)).socket != home.place.socket


def test_links_to_a_workspace_lead_to_one_daemon(home: Home, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(home.root)
    assert place.of(str(tmp_path / "link")).socket == home.place.socket


def test_it_ends_when_nobody_is_connected_for_a_while(home: Home) -> None:
    with (home.root / "codeanatomy.toml").open("a") as options:
        options.write("[daemon]\nidle_s = 0\n")
    with home.editor() as editor:
        editor.initialize()
        assert editor.ask("textDocument/definition", "main.py", *CALL)
        assert home.pid
        editor.shut_down()
    until(lambda: home.pid == 0)


def test_it_ends_when_its_workspace_is_gone(home: Home) -> None:
    place.reach(home.place).close()
    assert home.pid
    shutil.rmtree(home.root)
    until(lambda: home.pid == 0)


def test_a_socket_that_a_killed_daemon_left_is_no_obstacle(home: Home) -> None:
    place.reach(home.place).close()
    killed = home.kill()
    assert Path(home.place.socket).exists()
    place.reach(home.place).close()
    assert home.pid not in (0, killed)


def test_commands_ask_the_daemon_and_see_the_disk(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    where = f"{home.root / 'main.py'}:{CALL[0] + 1}:{CALL[1] + 1}"
    with home.editor() as editor:
        editor.initialize()
        assert editor.ask("textDocument/definition", "main.py", *CALL)
        _, alone = said(capsys, "find", "definition", where, "--no-daemon")
        _, asked = said(capsys, "find", "definition", where)
        assert alone == asked
        # What an editor has not saved is no part of it; what was saved a moment ago is.
        tools = shop.FILES["shop/tools.py"]
        editor.open("shop/tools.py", "\n\n\n" + tools)
        assert said(capsys, "find", "definition", where)[1] == alone
        (home.root / "shop/tools.py").write_text("\n" + tools)
        moved = said(capsys, "find", "definition", where)[1]
        assert moved != alone
        assert moved == said(capsys, "find", "definition", where, "--no-daemon")[1]
        for words in (
            ("why", where),
            ("check", str(home.root)),
            ("query", "--root", str(home.root), "SELECT 1 AS one"),
        ):
            assert said(capsys, *words) == said(capsys, *words, "--no-daemon")
    assert cli.main(("query", "--root", str(home.root), "DROP TABLE files")) == 2
    assert "query-refused" in capsys.readouterr().err
    # The daemon notices on its own thread that the editor is gone.
    until(lambda: home.status()["clients"] == 0)


def test_a_client_that_does_not_read_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("codeanatomy.daemon.outbox.MOST_BYTES", 1 << 16)
    here, there = socket.socketpair()
    with here, there:
        outbox = Outbox(here)

        def write() -> None:
            for _ in range(100):
                outbox.write(b"x" * (1 << 16))

        with pytest.raises(BrokenPipeError, match="does not read"):
            write()
        outbox.close()


def test_another_program_of_rules_gets_another_graph(home: Home) -> None:
    def definition(editor: Editor) -> object:
        editor.initialize()
        return editor.ask("textDocument/definition", "main.py", *CALL)

    with home.editor() as first:
        assert definition(first)
        with (home.root / "codeanatomy.toml").open("a") as options:
            options.write("[completion]\nlimit = 7\n")
        with home.editor() as second:
            assert definition(second)
            assert home.status()["graphs"] == 2
            assert home.status()["clients"] == 2
    until(lambda: home.status()["clients"] == 0)
    until(lambda: home.status()["graphs"] == 1)
