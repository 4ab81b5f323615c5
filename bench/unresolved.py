"""What the graph leaves open on a source tree: references by reason, and the most frequent patterns among them.

A pattern is a reason with the shape of what stands before the dot: a parameter without annotation, a loop variable, the result of a
call. It is read off evidence, so a pattern has as many places as a rule for it could gain.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa

from codeanatomy_engine import CancelToken

from codeanatomy_incremental.live import Graph

from codeanatomy import config

_BOUND = {
    "param": "a parameter",
    "for": "a loop variable",
    "with": "what a `with` gives",
    "except": "a caught exception",
    "import": "an imported module",
    "import_from": "an imported name",
    "assign": "an assigned name",
    "annotated": "an annotated name",
    "class": "a class",
    "function": "a function",
}
_SHAPES = {
    "attribute": "an attribute",
    "call": "the result of a call",
    "subscript": "a subscript",
    "name": "a name",
    "literal": "a literal",
    "await": "something awaited",
}

_REASONS = """
SELECT u.reason AS reason, count(DISTINCT u.expr) AS places
FROM unresolved AS u JOIN files ON files.file = u.file WHERE files.partition = 'user' GROUP BY u.reason ORDER BY places DESC, reason
"""
_RESOLVED = """
SELECT count(DISTINCT refers_to.expr) AS places
FROM refers_to JOIN files ON files.file = refers_to.file WHERE files.partition = 'user' AND refers_to.kind <> 'external'
"""
_PATTERNS = """
SELECT u.reason AS reason, CASE WHEN a.arg IS NOT NULL THEN 'keyword' ELSE coalesce(e.kind, '') END AS kind, coalesce(base.kind, '') AS base, coalesce(b.kind, '') AS binding,
    coalesce(b.annotation_expr, 0) <> 0 AS is_annotated, open.expr IS NOT NULL AS is_open,
    count(DISTINCT u.expr) AS places, min(at.file || ':' || at.line) AS example
FROM unresolved AS u JOIN files ON files.file = u.file LEFT JOIN anchors AS at ON at.id = u.expr
LEFT JOIN args AS a ON a.arg = u.expr LEFT JOIN exprs AS e ON e.expr = u.expr LEFT JOIN exprs AS base ON base.expr = e.base
LEFT JOIN name_refers AS n ON n.expr = base.expr LEFT JOIN bindings AS b ON b.binding = n.target
LEFT JOIN (SELECT DISTINCT expr FROM unresolved) AS open ON open.expr = base.expr
WHERE files.partition = 'user'
GROUP BY u.reason, CASE WHEN a.arg IS NOT NULL THEN 'keyword' ELSE coalesce(e.kind, '') END, coalesce(base.kind, ''), coalesce(b.kind, ''), coalesce(b.annotation_expr, 0) <> 0, open.expr IS NOT NULL
"""


class Pattern(msgspec.Struct, frozen=True):
    """One shape of open references."""

    reason: str
    shape: str
    places: int
    example: str
    """Path and line of one of them."""


class Unresolved(msgspec.Struct, frozen=True):
    """What is open in one tree."""

    resolved: int
    """References that lead somewhere."""

    reasons: dict[str, int]
    patterns: list[Pattern]
    """All of them, the most frequent first."""


def of(root: Path, environment: Mapping[str, str]) -> Unresolved:
    """What is open in a source tree, in a fresh process with those environment variables."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as fresh:
        return fresh.submit(_of, root, dict(environment)).result()


def rows(graph: Graph, sql: str) -> list[dict[str, Any]]:
    """The rows of a query."""
    return pa.ipc.open_stream(graph.engine.snapshot().query(sql, 10_000_000)).read_all().to_pylist()


def indexed(root: Path) -> Graph:
    """The graph of a tree, columns in characters."""
    settings = config.load(root, {})
    graph = Graph(root, settings.options, settings.program, encoding="utf-32")
    graph.index(lambda _: None, CancelToken())
    return graph


def merged(found: Sequence[Unresolved]) -> list[Pattern]:
    """The patterns of several trees as one, the most frequent first."""
    return _patterns(pattern for each in found for pattern in each.patterns)


def _of(root: Path, environment: dict[str, str]) -> Unresolved:
    os.environ.update(environment)
    graph = indexed(root)
    patterns = (
        Pattern(row["reason"], _shape(row), row["places"], row["example"] or "") for row in rows(graph, _PATTERNS)
    )
    return Unresolved(
        resolved=rows(graph, _RESOLVED)[0]["places"],
        reasons={row["reason"]: row["places"] for row in rows(graph, _REASONS)},
        patterns=_patterns(patterns),
    )


def _patterns(of: Iterator[Pattern]) -> list[Pattern]:
    found: dict[tuple[str, str], Pattern] = {}
    for each in of:
        key = (each.reason, each.shape)
        known = found.get(key)
        found[key] = msgspec.structs.replace(known, places=known.places + each.places) if known else each
    return sorted(found.values(), key=lambda each: (-each.places, each.reason, each.shape))


def _shape(row: Mapping[str, Any]) -> str:
    if row["kind"] != "attribute":
        return {"name": "a name", "keyword": "a keyword argument", "": "an imported module or name"}.get(
            row["kind"], row["kind"]
        )
    if row["is_open"]:
        return "an attribute of something that is open itself"
    if row["base"] == "name" and row["binding"]:
        bound = _BOUND.get(row["binding"], f"a name bound by {row['binding']}")
        if row["binding"] == "param":
            bound += " with annotation" if row["is_annotated"] else " without annotation"
        return f"an attribute of {bound}"
    return f"an attribute of {_SHAPES.get(row['base'], row['base'] or 'something that no rule follows')}"
