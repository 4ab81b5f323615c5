"""Definitions that nothing seems to use, each with how sure that is, and definitions that a later one replaces unused.

A definition counts as used if anything refers to it or enters it, rules of framework packs included, if `__all__` lists it, if it
replaces or provides a member of a class above, if a decorator other than the plain ones of Python takes it, or if Python, a test
runner or an entry point looks for its name. What is left is surer the fewer words there are that might mean it.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from codeanatomy_engine import Snapshot

CODES = {
    "unused-definition": "Nothing seems to use a function or class; how sure that is stands beside it. A warning from 0.9 on, else information.",
    "replaced-definition": "A definition replaces an earlier one of its name that nothing has used.",
}
"""What each code means."""

_PLAIN = (
    "property", "cached_property", "staticmethod", "classmethod", "contextmanager", "asynccontextmanager", "cache", "lru_cache",
    "wraps", "dataclass", "final", "total_ordering",
)  # fmt: skip
"""Decorators that call nobody's attention to what they decorate."""

_LOOKED_FOR = re.compile(
    r"__\w+__|test\w*|Test\w*|pytest_\w+|main|setUp\w*|tearDown\w*|setup_\w+|teardown_\w+|visit_\w+|_"
)
"""Names that Python, test runners and walkers of trees look for."""

_UNUSED = f"""
SELECT b.binding AS id, b.name AS name, b.kind AS kind, b.file AS file, s.kind AS place,
 COALESCE(word.n, 0) AS words, COALESCE(said.n, 0) AS texts, COALESCE(above.n, 0) AS bases, COALESCE(alike.n, 0) AS namesakes,
 COALESCE(around.kind, '') AS around
FROM bindings AS b JOIN scopes AS s ON s.scope = b.scope JOIN files AS f ON f.file = b.file
 LEFT ANTI JOIN refers_to AS used ON used.variable = b.variable
 LEFT ANTI JOIN enters AS entered ON entered.target = b.binding
 LEFT ANTI JOIN overrides AS own ON own.definition = b.binding
 LEFT ANTI JOIN implements AS provided ON provided.definition = b.binding
 LEFT ANTI JOIN exports AS listed ON listed.scope = b.scope AND listed.name = b.name
 LEFT ANTI JOIN (SELECT definition FROM decorators WHERE text(name) NOT IN ({", ".join(f"'{each}'" for each in _PLAIN)}))
  AS taken ON taken.definition = b.binding
 LEFT JOIN (SELECT open.name AS name, count(*) AS n FROM exprs AS open LEFT ANTI JOIN refers_to AS known ON known.expr = open.expr
  WHERE open.kind = 'attribute' GROUP BY open.name) AS word ON word.name = b.name
 LEFT JOIN (SELECT value, count(*) AS n FROM strings GROUP BY value) AS said ON said.value = b.name
 LEFT JOIN (SELECT class, count(*) AS n FROM class_bases GROUP BY class) AS above ON above.class = s.definition
 LEFT JOIN (SELECT member.name AS name, count(*) AS n FROM bindings AS member JOIN scopes AS body ON body.scope = member.scope
  JOIN files AS home ON home.file = member.file WHERE home.partition <> 'user' AND body.kind = 'class'
  GROUP BY member.name) AS alike ON alike.name = b.name
 LEFT JOIN scopes AS around ON around.scope = s.parent
WHERE f.partition = 'user' AND NOT f.is_stub AND b.kind IN ('function', 'class') AND s.kind IN ('module', 'class')
 AND b.branch NOT IN ('unreachable', 'type_checking', 'except_import', 'version', 'platform')
"""
_REPLACED = """
SELECT later.binding AS id, later.name AS name, later.file AS file, min(earlier.binding) AS other
FROM bindings AS later JOIN bindings AS earlier ON earlier.variable = later.variable JOIN files AS f ON f.file = later.file
 LEFT ANTI JOIN decorators AS one ON one.definition = later.binding
 LEFT ANTI JOIN decorators AS two ON two.definition = earlier.binding
 LEFT ANTI JOIN names AS used ON used.target_scope = earlier.scope AND used.name = earlier.name AND used.reaching = earlier.occurrence + 1
WHERE f.partition = 'user' AND NOT f.is_stub AND later.kind IN ('function', 'class') AND earlier.kind IN ('function', 'class')
 AND later.occurrence = earlier.occurrence + 1 AND later.branch = '' AND earlier.branch = '' AND text(later.name) <> '_'
GROUP BY later.binding, later.name, later.file
"""


class Definition(msgspec.Struct, frozen=True):
    """A definition that something is to be said of."""

    id: int
    name: str
    kind: str
    file: str
    confidence: float
    why: str
    other: int = 0
    """The definition that it replaces."""


def unused(snapshot: Snapshot, entries: str) -> list[Definition]:
    """Definitions that nothing seems to use. `entries` is text that may name entry points, such as that of `pyproject.toml`."""
    found: list[Definition] = []
    for row in _rows(snapshot, _UNUSED):
        name = str(row["name"])
        if _LOOKED_FOR.fullmatch(name) or re.search(rf"[.:]{re.escape(name)}\b", entries):
            continue
        confidence, why = _sureness(row)
        kind = "method" if row["kind"] == "function" and row["place"] == "class" else str(row["kind"])
        found.append(Definition(row["id"], name, kind, str(row["file"]), confidence, why))
    return found


def replaced(snapshot: Snapshot) -> list[Definition]:
    """Definitions that replace one of the same name in the same scope, which nothing has used before."""
    return [
        Definition(row["id"], row["name"], "", row["file"], 0.95, "nothing uses the earlier one", row["other"])
        for row in _rows(snapshot, _REPLACED)
    ]


def places(snapshot: Snapshot, ids: list[int]) -> dict[int, tuple[int, int]]:
    """First byte and line of definitions."""
    if not ids:
        return {}
    listed = ", ".join(map(str, ids))
    rows = _rows(snapshot, f"SELECT id, start, line FROM anchors WHERE id IN ({listed})")
    return {row["id"]: (row["start"], row["line"]) for row in rows}


def _sureness(row: dict[str, Any]) -> tuple[float, str]:
    private = str(row["name"]).startswith("_")
    if row["words"]:
        return 0.3, "an attribute of that name may mean it"
    if row["texts"]:
        return 0.5, "a text of that name may mean it"
    if row["bases"]:
        return 0.6, "a class above may call it"
    if private:
        return 0.9, "nothing has its name"
    if row["place"] == "class":
        if row["namesakes"]:
            return (
                0.5,
                "nothing has its name, but classes of libraries have such a member, and it may stand in for one of them",
            )
        if row["around"] == "function":
            return 0.5, "nothing has its name, but the class is one of a function, and whoever is given it may ask"
        return 0.7, "nothing has its name, but others may use the class"
    return 0.7, "nothing has its name, but others may import it"


def _rows(snapshot: Snapshot, sql: str) -> list[dict[str, Any]]:
    import pyarrow as pa

    return pa.ipc.open_stream(snapshot.query(sql, 10_000_000)).read_all().to_pylist()
