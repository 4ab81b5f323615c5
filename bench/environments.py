"""Peers and packages in virtual environments of their own, made by the command that needs them.

Nothing is shared with the environment of the project: a peer brings what it brings, and all servers analyse against the same
installed packages. Versions and hashes are pinned in `requirements/accuracy`; an environment is made again when its file there changes.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from bench.peers import Peer

ROOT = Path(__file__).resolve().parents[1]
REQUIREMENTS = ROOT / "requirements" / "accuracy"
HOME = Path(sys.prefix) / "bench"
"""Below the environment of the project, so that `make clean` takes it along."""

_KEPT = ("PATH", "LANG", "LC_ALL", "TERM")


def made(name: str) -> Path:
    """The virtual environment of a requirements file, made unless it stands as the file says."""
    home = HOME / name
    requirements = REQUIREMENTS / f"{name}.txt"
    fingerprint = hashlib.sha256(requirements.read_bytes()).hexdigest()
    stamp = home / "fingerprint"
    if not stamp.exists() or stamp.read_text() != fingerprint:
        print(f"installing {name}", file=sys.stderr, flush=True)
        uv = Path(sys.executable).with_name("uv")
        environment = dict(os.environ)
        if "PIP_INDEX_URL" in environment:  # uv does not read the settings of pip
            environment.setdefault("UV_DEFAULT_INDEX", environment["PIP_INDEX_URL"])
        python = home / "bin" / "python"
        for command in (
            ("venv", "--quiet", "--clear", "--python", sys.executable, home),
            ("pip", "install", "--quiet", "--require-hashes", "--python", python, "-r", requirements),
        ):
            subprocess.run([uv, *command], check=True, env=environment)
        stamp.write_text(fingerprint)
    return home


def peers() -> Iterator[Peer]:
    """Ours and every peer, each from its own environment."""
    yield Peer("ours", "codeanatomy", (sys.executable, "-m", "codeanatomy", "lsp", "--in-process"))
    home = made("basedpyright")
    yield Peer("basedpyright", "basedpyright", (f"{home}/bin/basedpyright-langserver", "--stdio"), str(home))
    home = made("ty")
    yield Peer("ty", "ty", (f"{home}/bin/ty", "server"), str(home))
    home = made("pyrefly")
    yield Peer("pyrefly", "pyrefly", (f"{home}/bin/pyrefly", "lsp"), str(home))
    home = made("jedi")
    server = str(Path(__file__).with_name("jedi_server.py"))
    yield Peer("jedi", "jedi", (f"{home}/bin/python", server), str(home))


def settings(name: str = "packages") -> Mapping[str, object]:
    """What an editor tells a server about the environment that the packages are installed in."""
    return {"python": {"pythonPath": str(made(name) / "bin" / "python")}}


@contextmanager
def variables(name: str = "packages") -> Iterator[dict[str, str]]:
    """The environment variables of a server: the packages are active, and caches are empty."""
    packages = made(name)
    with tempfile.TemporaryDirectory(prefix="bench-home-") as home:
        kept = inherited()
        own = {"HOME": home, "TMPDIR": home} | {
            f"XDG_{kind}_HOME": f"{home}/{kind.lower()}" for kind in ("CACHE", "DATA", "CONFIG")
        }
        path = f"{packages / 'bin'}{os.pathsep}{kept.get('PATH', os.defpath)}"
        yield kept | own | {"PATH": path, "VIRTUAL_ENV": str(packages)}


def inherited() -> dict[str, str]:
    """The environment variables that every server gets."""
    return {name: os.environ[name] for name in _KEPT if name in os.environ}


def package(name: str) -> Path:
    """The folder of an installed package."""
    [folder] = (made("packages") / "lib").glob(f"python*/site-packages/{name}")
    return folder
