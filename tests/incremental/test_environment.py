"""The environment of a workspace is read off files, whatever they hold, and nothing of it is ever run."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from codeanatomy_incremental.environment import Environment, Place, discover

from tests.support.environments import interpreter, trap, virtual, write


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return interpreter(tmp_path / "python")


@pytest.fixture
def ws(tmp_path: Path) -> Path:
    return write(tmp_path / "ws", {"main.py": "x = 1\n"})


def used(found: Environment, *kinds: str) -> list[str]:
    return [place.path for place in found.places if place.used and place.kind in kinds]


def passed_over(found: Environment) -> dict[str, str]:
    return {place.path: place.reason for place in found.places if not place.used}


def test_a_virtual_environment_of_the_workspace_is_found(ws: Path, base: Path) -> None:
    site = virtual(ws / ".venv", base)
    found = discover(str(ws), "", "", {})
    assert (found.interpreter, found.origin) == (str(ws / ".venv"), "folder of the workspace")
    assert (found.version, found.version_origin) == ((3, 12), "pyvenv.cfg")
    assert found.standard_library == str(base / "lib/python3.12")
    assert used(found, "site-packages") == [str(site)]


def test_who_says_it_more_clearly_is_asked_first(ws: Path, base: Path, tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path), "PATH": str(base / "bin")}
    assert discover(str(ws), "", "", environ).origin == "PATH"
    virtual(ws / "env", base)
    assert discover(str(ws), "", "", environ).interpreter == str(ws / "env")
    virtual(ws / ".venv", base)
    assert discover(str(ws), "", "", environ).interpreter == str(ws / ".venv")
    virtual(tmp_path / "active", base)
    environ["VIRTUAL_ENV"] = str(tmp_path / "active")
    assert discover(str(ws), "", "", environ).origin == "VIRTUAL_ENV"
    virtual(tmp_path / "chosen", base)
    chosen = str(tmp_path / "chosen" / "bin" / "python")
    assert discover(str(ws), "", chosen, environ).origin == "setting of the editor"
    assert discover(str(ws), "env", chosen, environ).origin == "option workspace.python"


def test_a_choice_that_leads_nowhere_is_told_and_the_next_is_taken(ws: Path, base: Path) -> None:
    virtual(ws / ".venv", base)
    found = discover(str(ws), "gone/bin/python", "", {})
    assert found.interpreter == str(ws / ".venv")
    assert passed_over(found) == {str(ws / "gone/bin/python"): "there is no such file or folder"}


def test_nothing_found_is_an_environment_too(ws: Path) -> None:
    found = discover(str(ws), "", "", {})
    assert (found.interpreter, found.standard_library, found.places) == ("", "", ())
    assert found.version_origin == "the Python that runs CodeAnatomy"


def test_the_packages_of_the_system_are_seen_only_if_the_environment_says_so(
    ws: Path, base: Path, tmp_path: Path
) -> None:
    site = virtual(ws / ".venv", base)
    write(tmp_path, {"home/.local/lib/python3.12/site-packages/mine.py": ""})
    environ = {"HOME": str(tmp_path / "home")}
    assert used(discover(str(ws), "", "", environ), "site-packages") == [str(site)]
    config = ws / ".venv" / "pyvenv.cfg"
    config.write_text(config.read_text().replace("= false", "= True"))
    assert used(discover(str(ws), "", "", environ), "site-packages") == [
        str(site),
        str(tmp_path / "home/.local/lib/python3.12/site-packages"),
        str(base / "lib/python3.12/site-packages"),
    ]


def test_a_conda_environment_is_its_own_interpreter(ws: Path, tmp_path: Path) -> None:
    conda = interpreter(tmp_path / "conda", "3.13")
    (conda / "conda-meta").mkdir()
    environ = {"CONDA_PREFIX": str(conda), "CONDA_DEFAULT_ENV": "science", "HOME": str(tmp_path)}
    found = discover(str(ws), "", "", environ)
    assert (found.origin, found.version) == ("CONDA_PREFIX", (3, 13))
    assert used(found, "site-packages") == [str(conda / "lib/python3.13/site-packages")]


def test_the_base_of_conda_gives_way_to_the_workspace(ws: Path, base: Path, tmp_path: Path) -> None:
    conda = interpreter(tmp_path / "conda", "3.13")
    (conda / "conda-meta").mkdir()
    virtual(ws / "venv", base)
    environ = {"CONDA_PREFIX": str(conda), "CONDA_DEFAULT_ENV": "base"}
    assert discover(str(ws), "", "", environ).origin == "folder of the workspace"


def test_a_shim_is_seen_through_by_the_files_that_steer_it(ws: Path, tmp_path: Path) -> None:
    home = tmp_path / "pyenv"
    trap(home / "shims" / "python3")
    interpreter(home / "versions" / "3.10.1", "3.10")
    interpreter(home / "versions" / "3.13.0", "3.13")
    (home / "version").write_text("3.13.0\n")
    environ = {"PATH": str(home / "shims"), "HOME": str(tmp_path)}
    assert discover(str(ws), "", "", environ).version == (3, 13)
    (ws / ".python-version").write_text("3.10.1\n")
    assert discover(str(ws), "", "", environ).version == (3, 10)
    assert not list(tmp_path.rglob("*.was-run"))


def test_a_script_that_starts_python_is_passed_over(ws: Path, base: Path, tmp_path: Path) -> None:
    trap(tmp_path / "scripts" / "python3")
    found = discover(str(ws), "", "", {"PATH": f"{tmp_path / 'scripts'}:{base / 'bin'}", "HOME": str(tmp_path)})
    assert found.interpreter == str(base / "bin" / "python3")
    assert "script" in passed_over(found)[str(tmp_path / "scripts" / "python3")]
    assert not list(tmp_path.rglob("*.was-run"))


def test_path_files_add_folders_and_their_import_lines_are_never_run(ws: Path, base: Path, tmp_path: Path) -> None:
    other = write(tmp_path / "other", {"thing.py": ""})
    write(tmp_path, {"zipped.egg": "PK"})
    trace = tmp_path / "trace"
    line = f"import os; os.mkdir({str(trace)!r})"
    site = virtual(ws / ".venv", base)
    (site / "a.pth").write_text(f"# a comment\n\n{other}\n{line}\n{tmp_path / 'gone'}\n../zipped\0x\n{ws}\n")
    (site / "b.pth").write_text(f"{tmp_path / 'zipped.egg'}\n")
    (site / ".hidden.pth").write_text(f"{other}\n")
    found = discover(str(ws), "", "", {})
    assert [place for place in found.places if place.kind == "path-line"] == [
        Place(str(other), "path-line", f"{site / 'a.pth'}:3", "a line of a path file")
    ]
    assert set(passed_over(found).values()) == {
        "an import line is never run",
        "there is no such folder",
        "the line is no path",
        "inside the workspace: its own files are in the graph",
        "zipped packages are not read",
    }
    assert not trace.exists()


def test_the_finder_of_an_editable_install_is_read_and_not_run(ws: Path, base: Path, tmp_path: Path) -> None:
    write(tmp_path / "dev", {"src/shop/__init__.py": "", "solo.py": ""})
    trace = tmp_path / "trace"
    site = virtual(ws / ".venv", base)
    (site / "__editable__.shop-1.pth").write_text(
        "import __editable___shop_1_finder; __editable___shop_1_finder.install()"
    )
    (site / "__editable___shop_1_finder.py").write_text(
        f"import os\nos.mkdir({str(trace)!r})\n"
        f"MAPPING: dict[str, str] = {{'shop': {str(tmp_path / 'dev/src/shop')!r}, 'solo': {str(tmp_path / 'dev/solo.py')!r},"
        f" 'gone': '/no/such/place', 'odd': 3}}\nNAMESPACES: dict[str, list[str]] = dict(os.environ)\n"
    )
    found = discover(str(ws), "", "", {})
    mapped = {place.module: place.path for place in found.places if place.kind == "editable"}
    assert mapped == {"shop": str(tmp_path / "dev/src/shop"), "solo": str(tmp_path / "dev/solo.py")}
    assert passed_over(found) == {"/no/such/place": "the editable install leads nowhere"}
    assert not trace.exists()


def test_a_finder_that_is_no_python_maps_nothing(ws: Path, base: Path) -> None:
    site = virtual(ws / ".venv", base)
    (site / "__editable__.shop-1.pth").write_text("import __editable___shop_1_finder; x.install()")
    for text in ("MAPPING = {", "MAPPING = " + "[" * 5000 + "]" * 5000, "\0", "MAPPING = {['a']: 1}", "MAPPING = 7"):
        (site / "__editable___shop_1_finder.py").write_text(text)
        assert used(discover(str(ws), "", "", {}), "editable") == []


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no pipes in its file system")
def test_traps_in_the_file_system_end_in_rows_and_at_once(ws: Path, base: Path, tmp_path: Path) -> None:
    site = virtual(ws / ".venv", base)
    os.mkfifo(site / "pipe.pth")
    (site / "loop.pth").symlink_to("loop.pth")
    (site / "round").symlink_to("round")
    (site / "huge.pth").write_text("x\n" * 1_000_000)
    (site / "many.pth").write_text("/no/such/folder\n" * 5_000)
    (site / "folder.pth").mkdir()
    os.mkfifo(tmp_path / "cfg")
    (ws / "venv").mkdir()
    (ws / "venv" / "pyvenv.cfg").symlink_to(tmp_path / "cfg")
    began = time.monotonic()
    found = discover(str(ws), "venv", "", {})
    assert time.monotonic() - began < 60
    assert found.interpreter == str(ws / ".venv")
    reasons = passed_over(found)
    assert reasons[str(ws / "venv")] == "its pyvenv.cfg cannot be read (source-unreadable)"
    assert reasons[str(site / "pipe.pth")] == "it cannot be read (source-unreadable)"
    assert reasons[str(site / "huge.pth")] == "it cannot be read (source-too-large)"
    assert reasons[str(site / "many.pth")] == "4000 further lines: too many"
    assert len(found.places) < 2_100


@pytest.mark.parametrize(
    "config",
    [
        "",
        "home = \0",
        "home = ../..",
        "version = 999999999999999.1",
        "home" * 10_000,
        "home = /proc/self/fd\nversion=3.12",
    ],
)
def test_whatever_pyvenv_cfg_says_is_an_answer(ws: Path, base: Path, config: str) -> None:
    site = virtual(ws / ".venv", base)
    (ws / ".venv" / "pyvenv.cfg").write_text(config)
    found = discover(str(ws), "", "", {})
    assert found.version == (3, 12)
    assert used(found, "site-packages") == [str(site)]
    assert found.standard_library == ""


def test_an_installed_package_makes_another_environment_of_it(ws: Path, base: Path) -> None:
    site = virtual(ws / ".venv", base)
    before = discover(str(ws), "", "", {})
    assert discover(str(ws), "", "", {}) == before
    (site / "news").mkdir()
    os.utime(site, ns=(1, 1))
    assert discover(str(ws), "", "", {}) != before
