"""The argument `FILE:LINE:COL`, of a notebook also `FILE:cell N:LINE:COL`, and the file of a workspace that it means."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from codeanatomy.cli.exits import InputError


class Place(msgspec.Struct, frozen=True):
    """A place as people and compilers write it: line and column count from 1, columns in characters."""

    file: Path
    line: int
    column: int
    cell: int = 0
    """Of a notebook, counted from 1; 0 for a place in the file itself."""


def parse(text: str) -> Place:
    """The place that an argument names; raises `InputError`."""
    file, _, rest = text.rpartition(":")
    file, _, line = file.rpartition(":")
    if not file or not line.isdecimal() or not rest.isdecimal() or int(line) < 1 or int(rest) < 1:
        raise InputError(f"`{text}` is not FILE:LINE:COL, with line and column counted from 1")
    named = re.fullmatch(r"(.+):cell ([1-9]\d*)", file)
    cell = int(named[2]) if named else 0
    return Place(file=Path(named[1] if named else file).absolute(), line=int(line), column=int(rest), cell=cell)


def within(place: Place, root: Path) -> str:
    """The path of the file relative to a workspace; raises `InputError` if it is outside."""
    if not place.file.is_file():
        raise InputError(f"there is no file `{place.file}`")
    for file, folder in ((place.file, root), (place.file.resolve(), root.resolve())):
        if file.is_relative_to(folder):
            return file.relative_to(folder).as_posix()
    raise InputError(f"`{place.file}` is not in the workspace `{root}`; name another with --root")
