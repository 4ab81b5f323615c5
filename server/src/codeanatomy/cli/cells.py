"""Places in notebooks, as commands take and print them.

A place in a notebook is a place in its file, the JSON: what a person who opens the file finds there, and what a difference of two
versions shows. Beside it stands the cell, counted from 1 among all cells, with the line in it; `FILE:cell N:LINE:COL` is taken too.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from codeanatomy_incremental import disk
from codeanatomy_incremental.notebook import Spot, Written, is_notebook

from codeanatomy.cli.exits import InputError
from codeanatomy.cli.place import Place

_MOST_BYTES = 1 << 27
"""A larger file is no notebook."""


class Cells:
    """The notebooks of a workspace as they lie on disk; files of other kinds are left as they are."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._written: dict[str, Written | None] = {}

    def shown(self, row: dict[str, Any]) -> dict[str, Any]:
        """A row with `path`, `line` and `column` of the text of a file, as it is printed: of a notebook with the place in its file, and
        with `cell` and `cell_line`."""
        written = self._of(row["path"])
        if written is None or written.notebook is None:
            return row
        line = row["line"] - 1
        spot = written.spot(line, row["column"] - 1)
        at = written.notebook.cell_at(line)
        if at < 0:
            return row
        cell = written.notebook.cells[at]
        inside = {"cell": cell.ordinal + 1, "cell_line": line - cell.first_line + 1}
        return row | {"line": spot.line + 1, "column": spot.column + 1} | inside

    def column(self, path: str, start: int) -> int | None:
        """The column of a byte of the text of a notebook, counted from 1 in letters; None for other files."""
        written = self._of(path)
        if written is None or written.notebook is None:
            return None
        before = written.notebook.text.encode("utf-8", "replace")[:start]
        return len(before[before.rfind(b"\n") + 1 :].decode("utf-8", "replace")) + 1

    def source_line(self, path: str, line: int) -> str | None:
        """A line of the text of a notebook, counted from 1; None for other files."""
        written = self._of(path)
        if written is None or written.notebook is None:
            return None
        lines = written.notebook.text.split("\n")
        return lines[line - 1].strip() if line <= len(lines) else ""

    def asked(self, path: str, place: Place) -> tuple[int, int]:
        """Line and column, from 0, in the text of the file that a place of an argument is in; raises `InputError`."""
        written = self._of(path)
        if written is None:
            if place.cell:
                raise InputError(f"`{place.file}` has no cells")
            return place.line - 1, place.column - 1
        notebook = written.notebook
        if notebook is None:
            raise InputError(f"`{place.file}` is no notebook of Python that can be read")
        if place.cell:
            cell = next((each for each in notebook.cells if each.ordinal == place.cell - 1), None)
            if cell is None or place.line > cell.lines:
                raise InputError(f"`{place.file}` has no code at line {place.line} of cell {place.cell}")
            return cell.first_line + place.line - 1, place.column - 1
        spot = written.place(Spot(place.line - 1, place.column - 1))
        if spot is None:
            raise InputError(f"there is no code of a cell at {place.file}:{place.line}:{place.column}")
        return spot.line, spot.column

    def _of(self, path: str) -> Written | None:
        if not is_notebook(path):
            return None
        if path not in self._written:
            content, _ = disk.read(os.fspath(self._root / path), _MOST_BYTES)
            # One that has gone since it was read: its places stay those of its text.
            self._written[path] = None if content is None else Written(content)
        return self._written[path]


def suffix(row: dict[str, Any]) -> str:
    """The cell of a row, for people."""
    return f" (cell {row['cell']}, line {row['cell_line']})" if "cell" in row else ""
