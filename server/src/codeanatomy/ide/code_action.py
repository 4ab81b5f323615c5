"""What mends the code at a place: imports of the names that nothing binds."""

from __future__ import annotations

import msgspec

from codeanatomy_engine import Snapshot


class Import(msgspec.Struct, frozen=True):
    """An import that would bring a name."""

    module: str
    name: str
    """Empty if the module itself is imported."""

    edits: tuple[msgspec.Raw, ...]
    """LSP `TextEdit[]`."""

    @property
    def statement(self) -> str:
        """The statement, as it would stand on a line of its own."""
        return f"from {self.module} import {self.name}" if self.name else f"import {self.module}"


def missing_imports(snapshot: Snapshot, path: str, start: tuple[int, int], end: tuple[int, int]) -> tuple[Import, ...]:
    """Imports for the names in a stretch of an open document that nothing binds, those of one name the likeliest first."""
    return msgspec.json.decode(snapshot.missing_imports(path, start, end), type=tuple[Import, ...])
