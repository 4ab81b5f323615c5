"""A workspace that wants to do harm does none: nothing of it is run or imported, and nothing outside of it is read.

Every process is watched by an audit hook, the daemon as well, which is forked from its front. What the engine reads by itself is told
by what it knows: nothing of what lies outside.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.editor import Editor, ResponseError
from codeanatomy.daemon import place
from tests.support.environments import write

ROOT = Path(__file__).parents[2]
COMMAND = str(Path(sysconfig.get_path("scripts")) / "codeanatomy")
SECRET = "the_secret_that_lies_outside"


@pytest.fixture(scope="module")
def trapped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The workspace `ws` beside the folder `outside`; whatever is run leaves the file `harm`."""
    home = tmp_path_factory.mktemp("hostile")
    harm = home / "harm"
    bomb = f"open({str(harm)!r}, 'a').write(__file__)\n"
    shell = f"#!/bin/sh\necho $0 >> {harm}\n"
    write(
        home,
        {
            "outside/secret.py": f"def {SECRET}(): ...\n",
            "outside/folder/deep.py": f"def {SECRET}_too(): ...\n",
            "outside/rules/pack.toml": 'name = "outside"\nversion = "1"\ndoc = "Not ours."\n',
            "ws/codeanatomy.toml": '[workspace]\npython = "venv/bin/python"\n[history]\nidle_s = 0\n',
            "ws/main.py": "import json\nfrom good import fine\nfrom evil import thing\n\nfine()\njson.loads('1')\n",
            "ws/good.py": "def fine(): ...\n",
            # Names of modules that Python or we would import if this folder were on a search path.
            **{
                f"ws/{name}.py": bomb
                for name in ("json", "sitecustomize", "usercustomize", "conftest", "setup", "evil", "msgspec")
            },
            "ws/codeanatomy/__init__.py": bomb,
            "ws/codeanatomy_engine/__init__.py": bomb,
            "ws/venv/pyvenv.cfg": f"home = {home / 'outside'}\nversion = 3.11.0\ninclude-system-site-packages = true\n",
            "ws/venv/bin/python": shell,
            "ws/venv/lib/python3.11/site-packages/evil.pth": f"import os; {bomb}",
            "ws/venv/lib/python3.11/site-packages/__editable___x_finder.py": bomb,
            "ws/venv/lib/python3.11/site-packages/evil/__init__.py": bomb + "thing = 1\n",
            "ws/.git/hooks/post-checkout": shell,
            "ws/.git/HEAD": "ref: refs/heads/main\n",
            "ws/deep.py": "x = " + "(" * 100_000 + ")" * 100_000 + "\n",
            "ws/deeper.py": "".join(" " * depth + "if x:\n" for depth in range(2_000)),
            "ws/wide.py": "x = [" + "0, " * 100_000 + "]\n",
            "ws/marks.py": 'def marked():\n    """<script>alert(1)</script> [click](command:evil) ![x](http://evil/x)"""\n\nmarked()\n',
        },
    )
    ws = home / "ws"
    os.chmod(ws / "venv/bin/python", 0o755)
    (ws / "large.py").write_bytes(b"x = 1\n" * (50 * 1024 * 1024 // 6))
    for number in range(2_000):
        (ws / "many").mkdir(exist_ok=True)
        (ws / "many" / f"m{number}.txt").touch()
    (ws / "stolen.py").symlink_to(home / "outside" / "secret.py")
    (ws / "stolen").symlink_to(home / "outside" / "folder")
    (ws / "loop.py").symlink_to("loop.py")
    (ws / "round").symlink_to(ws)
    (ws / "device.py").symlink_to("/dev/zero")
    for folder in ("", "sub", "subproject"):
        (ws / folder).mkdir(exist_ok=True)
    os.mkfifo(ws / "x.py")
    os.mkfifo(ws / "sub" / ".gitignore")
    os.mkfifo(ws / "subproject" / "pyproject.toml")
    (ws / "sub" / "inner.py").write_text("def inner(): ...\n")
    yield home
    pid = place.holder(place.of(str(ws)))
    if pid:
        os.kill(pid, 9)


def watched(home: Path, name: str) -> dict[str, str]:
    own = {"PYTHONPATH": str(Path(__file__).parent / "watched"), "WATCHED_LOG": str(home / name)}
    return {key: value for key, value in os.environ.items() if key not in ("VIRTUAL_ENV", "CONDA_PREFIX")} | own


def events(home: Path, name: str) -> list[tuple[str, str]]:
    lines = (home / name).read_text("utf-8").splitlines()
    return [(event, what) for event, _, what in (line.partition("\t") for line in lines)]


def is_harmless(home: Path, name: str) -> None:
    """What the log of the audit hook must say."""
    ws, outside = str(home / "ws"), str(home / "outside")
    seen = events(home, name)
    assert ("open", f"{ws}/main.py") in seen or ("open", f"{ws}/good.py") in seen, "the hook saw nothing"
    assert not (home / "harm").exists()
    started = [
        each
        for each in seen
        if each[0] in ("os.system", "os.exec", "os.posix_spawn", "os.spawn", "subprocess.Popen", "pty.spawn")
        # A witness: the Python that runs us, closed off (tests/evidence/test_processes.py).
        and each != ("subprocess.Popen", sys.executable)
    ]
    assert started == []
    run = [
        each for each in seen if each[0] in ("exec", "import", "ctypes.dlopen") and each[1].startswith((ws, outside))
    ]
    assert run == []
    looked = [each for each in seen if each[0] in ("open", "os.listdir", "os.scandir")]
    # The environment that the workspace names is looked for in `home`, by name; no file of it that matters is there.
    allowed = (
        ws, str(ROOT), sys.prefix, sys.base_prefix, *map(os.path.realpath, (sys.prefix, sys.base_prefix)),
        os.environ["CODEANATOMY_CACHE_DIR"], os.environ["CODEANATOMY_RUNTIME_DIR"], "/proc/self", "/dev/null", "/dev/urandom",
    )  # fmt: skip
    beyond = sorted({what for _, what in looked if not what.startswith(allowed)})
    assert [each for each in beyond if each.startswith(outside)] == []
    assert [each for each in beyond if not _is_system(each)] == []


def _is_system(path: str) -> bool:
    """Descriptors, and what every Python opens."""
    return path.isdecimal() or path.startswith(("/etc/localtime", "/usr/", "/lib", "/etc/ssl"))


def test_the_traps_are_set(trapped: Path) -> None:
    for command in ((sys.executable, "-c", "import evil"), (str(trapped / "ws/venv/bin/python"),)):
        subprocess.run(command, cwd=trapped / "ws", env=watched(trapped, "traps"), check=True)
        assert (trapped / "harm").exists()
        (trapped / "harm").unlink()
    with pytest.raises(AssertionError):
        is_harmless(trapped, "traps")


@pytest.mark.parametrize("options", [("--in-process",), ()], ids=["in process", "daemon"])
def test_an_editor_opens_a_hostile_workspace(trapped: Path, options: tuple[str, ...]) -> None:
    ws, name = trapped / "ws", f"log{len(options)}"
    with Editor(ws, (COMMAND, "lsp", *options), environment=watched(trapped, name)) as editor:
        editor.initialize()
        for path in ("main.py", "marks.py"):
            editor.open(path, (ws / path).read_text())
        assert editor.ask("textDocument/definition", "main.py", 4, 1)[0]["uri"].endswith("/good.py")
        found = editor.request("workspace/symbol", {"query": SECRET})
        assert found == []
        assert editor.request("workspace/symbol", {"query": "inner"})
        shown = editor.ask("textDocument/hover", "marks.py", 3, 2)["contents"]["value"]
        assert "<script>" not in shown
        assert "](command:" not in shown
        assert "![x](" not in shown
        for path in ("deep.py", "large.py", "x.py", "stolen.py", "loop.py", "device.py"):
            try:
                editor.ask("textDocument/documentSymbol", path, 0, 0)
            except ResponseError as error:
                assert error.data["code"] == "unknown-file"
        assert editor.shut_down() == 0
    is_harmless(trapped, name)


def test_commands_read_a_hostile_workspace(trapped: Path) -> None:
    def said(*words: str) -> str:
        command = (COMMAND, *words, "--root", str(trapped / "ws"), "--no-daemon", "--format", "csv")
        process = subprocess.run(
            command, cwd=trapped / "ws", env=watched(trapped, "commands"), capture_output=True, text=True, timeout=600
        )
        assert process.returncode == 0, process.stderr
        return process.stdout

    wrong = said("query", "SELECT file, code FROM extract_errors")
    known = {"deep.py": "source-too-deep", "large.py": "source-too-large", "x.py": "source-unreadable"}
    for path, code in known.items():
        assert f'"{path}","{code}"' in wrong
    files = said("query", "SELECT file FROM files")
    assert "sub/inner.py" in files
    assert not [name for name in ("stolen", "device.py", "round/") if name in files]
    assert SECRET not in said("query", "SELECT name FROM bindings")
    is_harmless(trapped, "commands")


def test_rules_outside_the_workspace_are_refused(trapped: Path, tmp_path: Path) -> None:
    for number, folder in enumerate(("../outside/rules", str(trapped / "outside/rules"))):
        root = write(trapped / f"rules{number}", {"codeanatomy.toml": f'[rules]\npaths = ["{folder}"]\n', "a.py": ""})
        process = subprocess.run((COMMAND, "check", str(root)), capture_output=True, text=True, timeout=600)
        assert process.returncode == 3
        assert "pack-outside" in process.stderr


@pytest.mark.parametrize("name", ["codeanatomy.toml", "own/pack.toml", "own/rule.toml"])
def test_pipes_in_place_of_settings_keep_nobody_waiting(tmp_path: Path, name: str) -> None:
    write(
        tmp_path,
        {
            "codeanatomy.toml": '[rules]\npaths = ["own"]\n',
            "own/pack.toml": 'name = "own"\nversion = "1"\ndoc = "Ours."\n',
            "a.py": "x = 1\n",
        },
    )
    (tmp_path / name).unlink(missing_ok=True)
    os.mkfifo(tmp_path / name)
    process = subprocess.run((COMMAND, "check", str(tmp_path)), capture_output=True, text=True, timeout=600)
    assert process.returncode in (2, 3)
    assert "source-unreadable" in process.stderr or "pack-missing" in process.stderr
