"""Made-up Python environments: folders that look like what `venv`, conda and installers leave behind."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


def write(root: Path, files: Mapping[str, str]) -> Path:
    """Files below a folder."""
    for name, text in files.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return root


def interpreter(prefix: Path, version: str = "3.12", files: Mapping[str, str] | None = None) -> Path:
    """An installed interpreter: an executable and the source of its standard library. The executable would betray its use."""
    write(prefix, {f"lib/python{version}/os.py": "def getcwd(): ...\n"})
    write(prefix / "lib" / f"python{version}", files or {})
    (prefix / "lib" / f"python{version}" / "site-packages").mkdir(exist_ok=True)
    trap(prefix / "bin" / f"python{version}")
    (prefix / "bin" / "python3").symlink_to(f"python{version}")
    return prefix


def trap(executable: Path) -> Path:
    """A program that leaves a trace beside itself when it is run."""
    executable.parent.mkdir(parents=True, exist_ok=True)
    executable.write_text('#!/bin/sh\ntouch "$0.was-run"\n')
    executable.chmod(0o755)
    return executable


def virtual(folder: Path, base: Path, version: str = "3.12", files: Mapping[str, str] | None = None) -> Path:
    """A virtual environment of an interpreter; `files` lie in its `site-packages`."""
    site = folder / "lib" / f"python{version}" / "site-packages"
    site.mkdir(parents=True)
    (folder / "bin").mkdir()
    (folder / "bin" / "python").symlink_to(base / "bin" / "python3")
    (folder / "pyvenv.cfg").write_text(
        f"home = {base / 'bin'}\ninclude-system-site-packages = false\nversion = {version}.1\n"
    )
    write(site, files or {})
    return site


def distribution(name: str, version: str, files: Mapping[str, str]) -> dict[str, str]:
    """The files of an installed distribution with the list that its installer wrote."""
    record = "".join(f"{path},,\n" for path in files)
    return {**files, f"{name}-{version}.dist-info/RECORD": record, f"{name}-{version}.dist-info/METADATA": "x\n"}
