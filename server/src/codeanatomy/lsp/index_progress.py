"""Much work on a folder as a progress bar of the editor; a button ends the first index, which is the longest."""

from __future__ import annotations

import threading
from typing import Any

from codeanatomy_incremental.live import Progress

from codeanatomy.lsp.outgoing import Outgoing
from codeanatomy.lsp.session import Folder


class IndexProgress:
    """One progress bar at a time. What comes before the editor has agreed to it is not shown."""

    def __init__(self, editor: Outgoing, name: str = "") -> None:
        """The bar says the `name` of a folder, where there are several."""
        self._title = f"CodeAnatomy: indexing {name}".rstrip()
        self._editor = editor
        self._token = ""
        self._began = False
        self._is_silent = False
        """After a cancellation, until the work that still runs is over."""
        self._turns = 0
        self._folder: Folder | None = None
        self._lock = threading.Lock()

    def follow(self, folder: Folder) -> None:
        """Let the editor's cancel button end the first index of a folder."""
        self._folder = folder

    def cancel(self, token: str) -> None:
        """End the first index if that is what a person wants to end."""
        with self._lock:
            is_meant = token == self._token and self._turns == 1
            if is_meant:
                self._end("cancelled")
                self._is_silent = True
        if is_meant and self._folder is not None:
            self._folder.live.cancel_index()

    def show(self, progress: Progress) -> None:
        """Show how far the work is."""
        with self._lock:
            if progress.stage == "done":
                self._end(f"{progress.files_total} files in {progress.seconds:.1f} s")
                self._is_silent = False
            elif not self._token and not self._is_silent:
                self._turns += 1
                self._token = token = f"codeanatomy-index-{id(self)}-{self._turns}"
                self._editor.ask("window/workDoneProgress/create", {"token": token}, lambda _: self._begin(token))
            elif self._began:
                # Reading is the smaller half of the work: relating what was read has no steps that could be counted.
                percentage = 50 * progress.files_done // max(1, progress.files_total)
                self._report({"kind": "report", "message": _words(progress), "percentage": percentage})

    def _begin(self, token: str) -> None:
        with self._lock:
            if token == self._token:
                self._began = True
                cancellable = self._turns == 1
                self._report({"kind": "begin", "title": self._title, "cancellable": cancellable, "percentage": 0})

    def _end(self, message: str) -> None:
        if self._began:
            self._report({"kind": "end", "message": message})
        self._began, self._token = False, ""

    def _report(self, value: dict[str, Any]) -> None:
        self._editor.notify("$/progress", {"token": self._token, "value": value})


def _words(progress: Progress) -> str:
    match progress.stage:
        case "read":
            words = f"{progress.files_done} of {progress.files_total} files"
            if not progress.rate:
                return words
            return f"{words}, {progress.rate:.0f} files/s, {progress.seconds_left:.0f} s left to read"
        case "list":
            return "listing files"
        case "libraries":
            return "following imports into libraries"
        case "graph" | "done":
            return f"relating {progress.files_total} files"
