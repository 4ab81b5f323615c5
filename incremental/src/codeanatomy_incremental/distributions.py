"""Which distribution and version brought a file of a folder of packages, from what its installer wrote beside it."""

from __future__ import annotations

import os
import re

import msgspec

from codeanatomy_incremental import disk

_RECORD_FILE = 8 * 1024 * 1024
_SMALL_FILE = 256 * 1024
_MARK = re.compile(r"^(?P<name>[A-Za-z0-9][\w.]*?)-(?P<version>\d[^-]*)(?:-py[\d.]+)?\.(?P<kind>dist-info|egg-info)$")


class Distribution(msgspec.Struct, frozen=True):
    """An installed release; the empty value means that nothing says where a file came from."""

    name: str = ""
    version: str = ""


class Distributions:
    """The distributions of one folder. Their lists of files are read when a file of theirs is first asked about."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._by_top: dict[str, list[tuple[Distribution, str]]] | None = None
        self._files: dict[str, frozenset[str]] = {}

    def of(self, path: str) -> Distribution:
        """The distribution of a file, by its path relative to the folder, with `/`."""
        if self._by_top is None:
            self._by_top = self._listed()
        top = path.partition("/")[0]
        found = self._by_top.get(top.rpartition(".")[0] if top == path else top, [])
        if len(found) <= 1:
            return found[0][0] if found else Distribution()
        # Several share a namespace: only their lists of files can tell.
        return next((each for each, mark in found if path in self._recorded(mark)), Distribution())

    def _listed(self) -> dict[str, list[tuple[Distribution, str]]]:
        """The distributions by the names that lie at the top of the folder."""
        by_top: dict[str, list[tuple[Distribution, str]]] = {}
        for name, is_folder in sorted(disk.names(self._folder).items()):
            match = _MARK.match(name)
            if match is None or not is_folder:
                continue
            distribution = Distribution(match["name"], match["version"])
            mark = os.path.join(self._folder, name)
            for top in sorted(self._tops(mark)):
                by_top.setdefault(top, []).append((distribution, mark))
        return by_top

    def _tops(self, mark: str) -> set[str]:
        content, _ = disk.read(os.path.join(mark, "top_level.txt"), _SMALL_FILE)
        if content is not None:
            return {line.strip() for line in content.decode("utf-8", "replace").splitlines() if line.strip()}
        tops: set[str] = set()
        for path in self._recorded(mark):
            top = path.partition("/")[0]
            tops.add(top.rpartition(".")[0] if top == path and top.endswith((".py", ".pyi")) else top)
        return tops

    def _recorded(self, mark: str) -> frozenset[str]:
        """The files of a distribution, as its installer listed them."""
        if mark not in self._files:
            content, _ = disk.read(os.path.join(mark, "RECORD"), _RECORD_FILE)
            lines = (content or b"").decode("utf-8", "replace").splitlines()
            # A path with a comma is quoted; no module has such a name.
            self._files[mark] = frozenset(
                path for line in lines if (path := line.partition(",")[0]).endswith((".py", ".pyi"))
            )
        return self._files[mark]
