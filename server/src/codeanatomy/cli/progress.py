"""The first index as one moving line on a terminal; nothing where no terminal is."""

from __future__ import annotations

import sys
from collections.abc import Callable

from codeanatomy_incremental.live import Progress

_WIDTH = 30


def on_terminal() -> Callable[[Progress], None]:
    """What shows progress on standard error."""
    return _show if sys.stderr.isatty() else _show_nothing


def line(progress: Progress) -> str:
    """The line that shows how far an index is."""
    match progress.stage:
        case "list":
            return "listing files"
        case "read":
            done = _WIDTH * progress.files_done // max(1, progress.files_total)
            return (
                f"[{'#' * done}{'.' * (_WIDTH - done)}] {progress.files_done}/{progress.files_total} files, "
                f"{progress.bytes_done / 2**20:.1f} MB, {progress.rate:.0f} files/s, {progress.seconds_left:.0f} s left"
            )
        case "libraries":
            return f"{progress.files_done} files read, following their imports into libraries"
        case "graph":
            return f"{progress.files_done} files read, relating them"
        case "done":
            return ""


def _show(progress: Progress) -> None:
    sys.stderr.write(f"\r\x1b[K{line(progress)}")
    sys.stderr.flush()


def _show_nothing(_progress: Progress) -> None:
    """Progress where nobody watches."""
