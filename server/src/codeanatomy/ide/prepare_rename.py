"""Whether the word at a place can be renamed, and which letters it has."""

from __future__ import annotations

import msgspec

from codeanatomy_engine import Snapshot

from codeanatomy.ide.explain import Range
from codeanatomy.ide.rename import renamable


class Prepared(msgspec.Struct, frozen=True):
    """The word that a rename would change."""

    range: Range
    placeholder: str


def prepare_rename(snapshot: Snapshot, path: str, line: int, character: int) -> Prepared:
    """The word at a place; raises `Refusal` if it cannot be renamed, whatever the new name."""
    found = renamable(snapshot, path, line, character, "")
    return Prepared(range=found.range, placeholder=found.word)
