"""The lines above definitions: how often each is used, what it overrides, what overrides it."""

from __future__ import annotations

from typing import Any

import msgspec

from codeanatomy_engine import Snapshot

from codeanatomy_incremental.options import LensesOptions


class Subject(msgspec.Struct, frozen=True):
    """What a lens speaks of."""

    id: str
    """Of the definition."""

    kind: str
    """references, overrides or overridden."""


class Lens(msgspec.Struct, frozen=True):
    """One lens."""

    range: dict[str, Any]
    title: str
    data: Subject


def code_lens(snapshot: Snapshot, path: str, options: LensesOptions) -> list[Lens]:
    """The lenses of a file, in the order of the source; empty if all of them are off."""
    if not (options.references or options.overrides or options.overridden):
        return []
    found = snapshot.code_lenses(path, options.references, options.overrides, options.overridden)
    return msgspec.json.decode(found, type=list[Lens])
