"""Where a workspace imports what its contracts forbid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from codeanatomy_engine import Snapshot

from codeanatomy_incremental import contracts
from codeanatomy_incremental.contracts import Contract, Import, Violation

from codeanatomy.ide import purity

EVIDENCE = frozenset({"imports", "module_refs", "files", "bindings"})
"""Tables on which imports of modules depend."""

_IMPORTS = "SELECT importer, imported, branch, expr, file FROM module_import WHERE partition = 'user'"
_MODULES = "SELECT module, file FROM files WHERE partition = 'user'"


def evidence(declared: Sequence[Contract]) -> frozenset[str]:
    """Tables on which the findings of some contracts depend."""
    return EVIDENCE | purity.EVIDENCE if any(each.type == "pure" for each in declared) else EVIDENCE


class Finding(msgspec.Struct, frozen=True):
    """A violation, at each place that makes it."""

    violation: Violation
    file: str
    start: int = 0
    """Bytes of the word that imports; 0 to 0 for a module that is wrong by being there."""
    end: int = 0
    line: int = 1


def findings(snapshot: Snapshot, declared: Sequence[Contract]) -> tuple[Finding, ...]:
    """Everything that breaks a contract, in the order of files and lines."""
    if not declared:
        return ()
    rows = _rows(snapshot, _IMPORTS)
    places: dict[str, str] = {}
    for row in _rows(snapshot, _MODULES):
        places.setdefault(row["module"], row["file"])
    imports = {Import(row["importer"], row["imported"], row["branch"] == "type_checking") for row in rows}
    broken = contracts.violations(declared, imports, places.keys())
    impure = purity.impurities(snapshot, declared, set(places))
    if not broken and not impure:
        return ()
    wanted = {(each.importer, each.imported) for each in broken}
    at: dict[tuple[str, str], list[int]] = {}
    for row in rows:
        if (row["importer"], row["imported"]) in wanted:
            at.setdefault((row["importer"], row["imported"]), []).append(row["expr"])
    spots = _spots(snapshot, [*(expr for exprs in at.values() for expr in exprs), *(each.id for each in impure)])
    found = [
        Finding(each, *spots[expr])
        for each in broken
        for expr in at.get((each.importer, each.imported), ())
        if expr in spots
    ]
    found += [Finding(each, places[each.importer]) for each in broken if not each.imported and each.importer in places]
    for each in impure:
        violation = Violation(each.contract, each.code, each.module, "", each.module, "", (), each.message)
        found += [Finding(violation, *spots[each.id])] if each.id in spots else []
    return tuple(sorted(found, key=lambda each: (each.file, each.line, each.start, each.violation)))


def _spots(snapshot: Snapshot, exprs: Sequence[int]) -> dict[int, tuple[str, int, int, int]]:
    """File, first and last byte and line of expressions."""
    if not exprs:
        return {}
    listed = ", ".join(str(each) for each in exprs)
    rows = _rows(snapshot, f'SELECT id, file, start, "end", line FROM anchors WHERE id IN ({listed})')
    return {row["id"]: (row["file"], row["start"], row["end"], row["line"]) for row in rows}


def _rows(snapshot: Snapshot, sql: str) -> list[dict[str, Any]]:
    # Only whoever declares contracts pays for these.
    import pyarrow as pa

    return pa.ipc.open_stream(snapshot.query(sql, 10_000_000)).read_all().to_pylist()
