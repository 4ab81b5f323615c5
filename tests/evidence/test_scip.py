"""A SCIP index as a witness: read by its frames, joined to the graph by places, and no truth of its own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from codeanatomy_engine import CancelToken

from codeanatomy_incremental.evidence import scip
from codeanatomy_incremental.live import Graph

from tests.support import graphs

TOOLS = "def discount(order):\n    return order\n"
MAIN = "from tools import discount\nz = '\U0001f600'; discount(1)\n"
SYMBOL = "scip-python python shop 1 `tools`/discount()."


def varint(number: int) -> bytes:
    parts = bytearray()
    while number > 0x7F:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*parts, number])


def field(number: int, value: int | bytes | str) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    body = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(body)) + body


def occurrence(symbol: str, *numbers: int, roles: int = 0) -> bytes:
    return field(2, field(1, b"".join(map(varint, numbers))) + field(2, symbol) + (field(3, roles) if roles else b""))


def document(path: str, *occurrences: bytes) -> bytes:
    return field(2, field(1, path) + field(4, "python") + b"".join(occurrences))


def written(root: Path, definition: tuple[int, int, int] = (0, 4, 12)) -> None:
    (root / "tools.py").write_text(TOOLS)
    (root / "main.py").write_text(MAIN)
    head = field(1, field(2, field(1, "scip-python")))
    tools = document("tools.py", occurrence(SYMBOL, *definition, roles=1))
    # Columns count UTF-16: the face is two.
    main = document("main.py", occurrence(SYMBOL, 1, 10, 18), occurrence("local 1", 1, 0, 1, roles=1))
    (root / "index.scip").write_bytes(head + tools + main)


def heard(root: Path) -> Graph:
    graph = graphs.indexed(root)
    graph.hear_all(["scip"], ["main.py", "tools.py"], CancelToken())
    return graph


def test_occurrences_are_joined_to_the_graph_by_their_places(tmp_path: Path) -> None:
    written(tmp_path)
    snapshot = heard(tmp_path).engine.snapshot()
    [row] = graphs.rows(
        snapshot,
        """SELECT names.name AS used, bindings.name AS defined, bindings.file AS file FROM scip_definition
        JOIN names ON names.expr = scip_definition.expr JOIN bindings ON bindings.binding = scip_definition.target""",
    )
    assert row == {"used": "discount", "defined": "discount", "file": "tools.py"}
    [agreed] = graphs.rows(snapshot, "SELECT fact, witness FROM evidence_agreement")
    assert agreed == {"fact": "definition", "witness": "scip"}
    assert graphs.rows(snapshot, "SELECT * FROM evidence_conflicts") == []
    symbols = graphs.rows(snapshot, "SELECT symbol FROM scip_occurrences WHERE symbol LIKE '%local%'")
    assert symbols == [{"symbol": "main.py local 1"}]


def test_an_index_that_leads_elsewhere_is_a_conflict(tmp_path: Path) -> None:
    written(tmp_path, definition=(0, 13, 18))
    rows = graphs.rows(heard(tmp_path).engine.snapshot(), "SELECT fact, ours, theirs, witness FROM evidence_conflicts")
    assert rows == [{"fact": "definition", "ours": "discount", "theirs": "order", "witness": "scip"}]


@pytest.mark.parametrize("how", ["gone", "older", "cut", "nonsense"])
def test_an_index_that_says_nothing_of_a_text_is_a_row(tmp_path: Path, how: str) -> None:
    written(tmp_path)
    index = tmp_path / "index.scip"
    match how:
        case "gone":
            index.unlink()
        case "older":
            os.utime(index, (1, 1))
        case "cut":
            index.write_bytes(index.read_bytes()[:-3])
        case _:
            index.write_bytes(b"\xff" * 100)
    snapshot = heard(tmp_path).engine.snapshot()
    rows = graphs.rows(snapshot, "SELECT file, code, witness FROM extract_errors ORDER BY file")
    assert rows == [{"file": each, "code": "witness-missing", "witness": "scip"} for each in ("main.py", "tools.py")]


def test_a_message_that_is_malformed_is_refused() -> None:
    with pytest.raises(ValueError, match="longer than the index"):
        scip.documents(b"\x12\x7f\x00")
