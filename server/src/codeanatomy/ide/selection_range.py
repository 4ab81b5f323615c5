"""What is selected when a selection grows."""

from __future__ import annotations

from codeanatomy_engine import Engine


def selection_range(engine: Engine, path: str, positions: list[tuple[int, int]]) -> bytes:
    """From the word to the file, for each line and character of an open document, as LSP `SelectionRange[]`."""
    return engine.selection_ranges(path, positions)
