"""The law: after any walk of edits the living graph equals a fresh graph of the same files, row for row.

The fresh graph is the slow truth: every rule is run whole over all rows. One engine can tell it again and again: when its
last file is gone it holds nothing, and the next commit is a first build. That it then really held nothing and really built
everything is checked each time, and each walk ends before an engine that never saw another file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import msgspec
import pyarrow as pa

from tests.support.memory import Memory, Tables, counts, relations, tables


class Difference(msgspec.Struct, frozen=True):
    """A relation in which the living graph and the fresh one do not agree."""

    relation: str
    missing: tuple[str, ...]
    """Rows that only the fresh graph has."""

    surplus: tuple[str, ...]
    """Rows that only the living graph has."""

    def __str__(self) -> str:
        shown = [f"  - {row}" for row in self.missing[:5]] + [f"  + {row}" for row in self.surplus[:5]]
        counts = f"{len(self.missing)} rows missing (-), {len(self.surplus)} too many (+)"
        return "\n".join([f"{self.relation}: {counts}", *shown])


class Truth:
    """Fresh graphs, one after the other."""

    def __init__(self, document: bytes) -> None:
        self.document = document
        self.names: list[str] = []
        self.memory = Memory(document)

    def of(self, texts: Mapping[str, str]) -> Tables:
        """All relations of the graph of these files and of no others."""
        self.memory.write(dict.fromkeys(self.memory.texts))
        self.memory.commit()
        self.names = self.names or relations(self.memory.snapshot())
        left = {name: rows for name, rows in counts(self.memory.snapshot()).items() if rows}
        assert not left, f"rows without any file: {left}"
        return self._built(self.memory, texts)

    def from_new_engine(self, texts: Mapping[str, str]) -> Tables:
        """The same from an engine that never held anything."""
        return self._built(Memory(self.document), texts)

    def _built(self, memory: Memory, texts: Mapping[str, str]) -> Tables:
        memory.write(texts)
        report = memory.commit()
        assert report["mode"] == "full" or not texts, report
        return tables(memory.snapshot(), self.names or relations(memory.snapshot()))


def differences(live: Tables, fresh: Tables) -> list[Difference]:
    """The relations that are not equal, in the order of their names."""
    found: list[Difference] = []
    for name in sorted(fresh.keys() | live.keys()):
        if name in live and name in fresh and live[name].equals(fresh[name]):
            continue
        ours, theirs = Counter(_rows(live.get(name))), Counter(_rows(fresh.get(name)))
        if ours != theirs:
            missing, surplus = sorted((theirs - ours).elements()), sorted((ours - theirs).elements())
            found.append(Difference(name, tuple(missing), tuple(surplus)))
    return found


def _rows(table: pa.Table | None) -> list[str]:
    return [] if table is None else [str(row) for row in table.to_pylist()]
