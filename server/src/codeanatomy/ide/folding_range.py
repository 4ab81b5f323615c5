"""What of a text can be folded."""

from __future__ import annotations

from codeanatomy_engine import Engine


def by_places(engine: Engine, path: str, most: int) -> bytes:
    """The folds of an open document as LSP `FoldingRange[]`, exact to the character; of more than `most` the longest."""
    return engine.folding_ranges(path, False, most)


def by_lines(engine: Engine, path: str, most: int) -> bytes:
    """The folds of an open document as LSP `FoldingRange[]`, one for each line that begins any."""
    return engine.folding_ranges(path, True, most)
