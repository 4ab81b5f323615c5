"""Workspaces in memory, as rule books have them, and the program that most tests run there."""

from __future__ import annotations

from pathlib import Path

from codeanatomy_incremental.packs import load as packs

from codeanatomy.memory import Memory, Tables, counts, relations, rows, source, tables, typed

__all__ = ["Memory", "Tables", "counts", "program", "relations", "rows", "source", "tables", "typed"]


def program(*others: str) -> bytes:
    """The document of the `python` pack, with other packs of the installation."""
    return packs.load(("python", *others), Path(), ()).document
