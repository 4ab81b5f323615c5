"""Where a module that shall only decide does more than decide, though it imports nothing that acts.

What can be told from the text alone: it waits (`await`), it takes a callable across its border (a parameter named or annotated as one), or
a function of it changes what the module holds, so that calling it twice is not calling it once.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any, NamedTuple

from codeanatomy_engine import Snapshot

from codeanatomy_incremental.contracts import Contract, matching

CODES = {
    "impure-await": "A module that shall only decide waits for something.",
    "impure-callable": "A function of a module that shall only decide is given a callable: behaviour comes from outside, decisions are data.",
    "impure-state": "A function of a module that shall only decide changes what a module holds, so that it is not idempotent.",
}
"""What the code of each finding means."""

EVIDENCE = frozenset({"exprs", "params", "bindings", "names", "stores", "files"})
"""Tables on which the findings depend."""

_AWAITS = """
SELECT exprs.expr AS id, files.module AS module, '' AS name FROM exprs JOIN files ON files.file = exprs.file
WHERE files.partition = 'user' AND exprs.kind = 'await'
"""

_CALLABLES = """
SELECT DISTINCT params.binding AS id, files.module AS module, params.name AS name
FROM params JOIN files ON files.file = params.file JOIN bindings ON bindings.binding = params.binding
LEFT JOIN exprs AS annotation ON annotation.expr = bindings.annotation_expr
LEFT JOIN exprs AS base ON base.expr = annotation.base
WHERE files.partition = 'user' AND (
    params.name LIKE '%\\_fn' OR params.name LIKE '%\\_func' OR params.name LIKE '%callback'
    OR annotation.name = 'Callable' OR (annotation.kind = 'subscript' AND base.name = 'Callable')
)
"""

_STATE = """
SELECT stores.target AS id, files.module AS module, names.name AS name
FROM stores JOIN files ON files.file = stores.file JOIN exprs ON exprs.expr = stores.target
JOIN names ON names.expr = exprs.base
WHERE files.partition = 'user' AND names.target_scope = files.scope AND names.scope <> files.scope
UNION ALL
SELECT names.expr AS id, files.module AS module, names.name AS name
FROM names JOIN files ON files.file = names.file
WHERE files.partition = 'user' AND names.context <> 'load' AND names.target_scope = files.scope AND names.scope <> files.scope
"""

_ASKED = (
    ("impure-await", _AWAITS, "`{module}` shall only decide, and it waits"),
    ("impure-callable", _CALLABLES, "`{module}` shall only decide, and `{name}` brings behaviour from outside"),
    (
        "impure-state",
        _STATE,
        "`{module}` shall only decide, and a function of it changes `{name}`, which the module holds",
    ),
)


class Impurity(NamedTuple):
    """One thing that a pure module does."""

    contract: str
    code: str
    module: str
    message: str
    id: int
    """What stands where it does."""


def impurities(snapshot: Snapshot, declared: Sequence[Contract], modules: set[str]) -> list[Impurity]:
    """What modules that shall only decide do besides, for each contract that says so."""
    pure = [each for each in declared if each.type == "pure"]
    if not pure:
        return []
    rows = [(code, message, row) for code, sql, message in _ASKED for row in _rows(snapshot, sql)]
    found: list[Impurity] = []
    for contract in pure:
        packages = matching(contract.modules, modules)
        for code, message, row in rows:
            module = row["module"]
            is_meant = any(module == each or module.startswith(f"{each}.") for each in packages)
            if is_meant and code not in contract.allowed:
                name = contract.name or contract.type
                found.append(Impurity(name, code, module, message.format_map(row), row["id"]))
    return found


def _rows(snapshot: Snapshot, sql: str) -> list[dict[str, Any]]:
    import pyarrow as pa

    return pa.ipc.open_stream(io.BytesIO(snapshot.query(sql, 1_000_000))).read_all().to_pylist()
