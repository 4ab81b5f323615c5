"""What can go wrong with a history, each with a code that does not change."""

from __future__ import annotations

CODES = {
    "history-none": "There is no history at that place yet; `codeanatomy delta checkpoint` writes the first version.",
    "history-version": "No version of the history has that number, name or commit; `codeanatomy delta log` lists them.",
    "history-expired": "That version was given up by maintenance; `codeanatomy delta log` lists those that are kept.",
    "history-locked": "Another process writes this history; run the command again when it is done.",
    "history-storage": "A table of the history cannot be read or written; the message names it. Look at the disk, the rights or the "
    "credentials of the object store, and run the command again.",
    "history-damaged": "What a manifest pins is not there or not as it says; remove the history and write a new one, or fetch it again.",
    "history-newer": "The history was written by a newer version of CodeAnatomy; install that one.",
    "history-exists": "There is a history at that place already; name another one with --store, or add to it with `codeanatomy delta "
    "checkpoint`.",
    "share-damaged": "What was published is not what its manifest says: columns, row counts or digests differ. Nothing of it is "
    "used; publish it again.",
    "git-failed": "`git` is missing, or has no such commit; the message has its words.",
}
"""Every code with its sentence, for the reference page."""


class HistoryError(Exception):
    """A failure of the history. `str(error)` is the sentence for people; programs match `code`."""

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        self.code = code
        self.hint = hint
        super().__init__(message)
