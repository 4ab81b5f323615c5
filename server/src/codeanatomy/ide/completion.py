"""What may be typed at a place."""

from __future__ import annotations

import msgspec

from codeanatomy_engine import Snapshot


class Wishes(msgspec.Struct, frozen=True):
    """What an editor can take, and how much it wants."""

    limit: int = 200
    auto_imports: int = 60
    snippets: bool = False
    adjusts_indentation: bool = False
    """Moves the lines of an inserted text below its first one."""
    commit_characters: bool = False
    label_details: bool = False
    lazy_edits: bool = False
    """Asks for the edit of an import when an item is taken."""


def completion(snapshot: Snapshot, path: str, line: int, character: int, wishes: Wishes) -> bytes:
    """The items, likeliest first, as an LSP `CompletionList`."""
    return snapshot.completion(path, line, character, msgspec.json.encode(wishes))
