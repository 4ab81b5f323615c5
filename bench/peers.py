"""The servers that are compared: ours, and the peers among the development dependencies.

A peer whose program is missing is skipped and said so. A new peer is a new row of `PEERS`, as long as it speaks the Language Server
Protocol over standard input and output.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path

import msgspec


class Peer(msgspec.Struct, frozen=True):
    """One program to measure."""

    name: str
    distribution: str
    """The distribution that brings it; its version is printed."""

    command: tuple[str, ...]
    home: str = ""
    """The virtual environment that it is installed in; empty for the one that runs this."""

    @property
    def version(self) -> str:
        """The version of the distribution."""
        if not self.home:
            return metadata.version(self.distribution)
        folders = list(map(str, Path(self.home).glob("lib/python*/site-packages")))
        return next(iter(metadata.distributions(name=self.distribution, path=folders))).version


_BIN = Path(sys.executable).parent

PEERS = (
    Peer("ours", "codeanatomy", (sys.executable, "-m", "codeanatomy", "lsp", "--in-process")),
    Peer("jedi", "jedi", (sys.executable, str(Path(__file__).with_name("jedi_server.py")))),
    Peer("pyright", "pyright", (os.fspath(_BIN / "pyright-langserver"), "--stdio")),
)


def chosen(names: Iterable[str]) -> Iterator[Peer]:
    """The peers of these names that are installed, ours first; all of them if no name is given."""
    wanted = set(names) or {peer.name for peer in PEERS}
    unknown = wanted - {peer.name for peer in PEERS}
    if unknown:
        known = ", ".join(peer.name for peer in PEERS)
        raise SystemExit(f"there is no peer {', '.join(sorted(unknown))}; known are {known}")
    for peer in PEERS:
        if peer.name not in wanted:
            continue
        try:
            _ = peer.version
        except metadata.PackageNotFoundError:
            print(f"skipped {peer.name}: {peer.distribution} is not installed", file=sys.stderr)
            continue
        if not Path(peer.command[0]).exists():
            print(f"skipped {peer.name}: there is no {Path(peer.command[0]).name}", file=sys.stderr)
            continue
        yield peer


def engine_profile() -> str:
    """The Cargo profile that the engine was built with: the one whose output is, byte for byte, the installed module."""
    import codeanatomy_engine._native as native

    installed = Path(native.__file__ or "")
    target = Path(os.environ.get("CARGO_TARGET_DIR") or Path(__file__).parents[1] / "target")
    for built in sorted(target.glob("*/lib_native.*")):
        if built.stat().st_size == installed.stat().st_size and built.read_bytes() == installed.read_bytes():
            return built.parent.name
    return "unknown (not built here)"
