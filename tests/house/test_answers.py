"""Answers ask for relations and columns by name: a rule that was renamed must not leave one of them asking for nothing."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pyarrow.ipc as ipc

from codeanatomy_engine import CancelToken

from codeanatomy_incremental.live import Graph

from codeanatomy import config

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "rust/crates/anatomy_live/src"
LOOK_UP = re.compile(r'\b(?:rows|rows_of|columns_of)\(\s*"(\w+)",\s*"(\w+)",[^;\[]*\[([^\]]*)\]')
NAMED = re.compile(r'\b(?:rows_where|relation_number)\(\s*"(\w+)"')


def asked() -> dict[str, set[str]]:
    """Columns that answers name, by relation."""
    found: dict[str, set[str]] = {}
    for file in SOURCES.rglob("*.rs"):
        text = file.read_text("utf-8")
        for name, by, columns in LOOK_UP.findall(text):
            found.setdefault(name, set()).update((by, *re.findall(r'"(\w+)"', columns)))
        for name in NAMED.findall(text):
            found.setdefault(name, set())
    return found


def test_answers_ask_for_relations_and_columns_that_there_are(tmp_path: Path) -> None:
    (tmp_path / "codeanatomy.toml").write_text("[workspace]\nstandard_library = false\n")
    settings = config.load(tmp_path, {})
    graph = Graph(tmp_path, settings.options, settings.program)
    graph.index(lambda _: None, CancelToken())
    snapshot = graph.engine.snapshot()
    known = set(json.loads(snapshot.stats())["tables"])
    wanted = asked()
    assert len(wanted) > 20
    assert set(wanted) <= known
    for name, columns in sorted(wanted.items()):
        has = ipc.open_stream(snapshot.query(f"SELECT * FROM {name}", 1)).schema.names
        assert columns <= set(has), name
