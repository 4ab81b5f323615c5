"""`python -m bench witnesses`: where CPython's symbol table and what is extracted at a keystroke disagree, over the standard library.

Two questions for each name of each file: which scope it means (`conflict_scope`), and whether something binds it there
(`conflict_binding`). Names that only one side has are counted with the reason. Every disagreement is printed with what explains it;
exit code 1 if any has no explanation.
"""

from __future__ import annotations

import argparse
import io
import re
import sysconfig
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa

from codeanatomy_engine import CancelToken, Snapshot

from codeanatomy_incremental.live import Graph
from codeanatomy_incremental.options import Options, WorkspaceOptions
from codeanatomy_incremental.packs import load as packs

RULES = ("conflict_scope", "conflict_binding")

_COUNTED = {
    "names that both know": """SELECT count(*) AS n FROM names JOIN symtable_symbols
        ON symtable_symbols.scope = names.scope AND symtable_symbols.name = names.name""",
    "of these, with the same scope": """SELECT count(*) AS n FROM names JOIN symtable_symbols
        ON symtable_symbols.scope = names.scope AND symtable_symbols.name = names.name
        WHERE symtable_symbols.target_scope = names.target_scope""",
    "of these, before a class binds them": """SELECT count(*) AS n FROM names JOIN symtable_symbols
        ON symtable_symbols.scope = names.scope AND symtable_symbols.name = names.name
        WHERE symtable_symbols.target_scope <> names.target_scope AND symtable_symbols.is_early""",
    "bindings in scopes that both know": """SELECT count(*) AS n FROM bindings JOIN symtable_scopes
        ON symtable_scopes.scope = bindings.scope""",
    "scopes of symtable": "SELECT count(*) AS n FROM symtable_scopes",
    "of these, found here": "SELECT count(*) AS n FROM symtable_scopes WHERE scope <> 0",
}

_CONFLICTS = """
SELECT conflict.fact, conflict.file, anchors.line, anchors."start", anchors."end", conflict.ours, conflict.theirs, conflict.reason
FROM {rule} AS conflict JOIN anchors ON anchors.id = conflict.node
ORDER BY conflict.file, anchors.line, anchors."start"
"""


def main(arguments: Sequence[str]) -> None:
    """Compare and print."""
    parser = argparse.ArgumentParser(prog="python -m bench witnesses", description=__doc__)
    parser.add_argument("--root", type=Path, help="take the files of this folder instead of the standard library")
    parser.add_argument("--show", type=int, default=50, help="how many disagreements to print (default: 50)")
    chosen = parser.parse_args(arguments)
    root = chosen.root or Path(sysconfig.get_path("stdlib"))
    counts, explained, unexplained = measured(root)
    for what, count in counts.items():
        print(f"{what:40}{count:10,}")
    print(f"{'disagreements':40}{explained.total() + len(unexplained):10,}")
    for why, count in explained.most_common():
        print(f"    {count:8,}  {why}")
    for row in unexplained[: chosen.show]:
        print(f"    NOT EXPLAINED: {row['file']}:{row['line']}: {row['fact']}: {row['reason']}")
    raise SystemExit(1 if unexplained else 0)


def measured(root: Path) -> tuple[dict[str, int], Counter[str], list[dict[str, Any]]]:
    """What was compared below a folder, the disagreements that are explained by their explanation, and the others."""
    files = [each for each in sorted(root.rglob("*.py")) if "site-packages" not in each.parts and each.is_file()]
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder).resolve()
        for each in files:
            copy = place / each.relative_to(root)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(each.read_bytes())
        graph = Graph(place, _options(), program())
        graph.index(lambda _: None, CancelToken())
        paths = graph.engine.snapshot().paths()
        graph.hear_all(["symtable"], paths, CancelToken())
        snapshot = graph.engine.snapshot()
        counts = {"files": len(paths)} | {what: rows(snapshot, sql)[0]["n"] for what, sql in _COUNTED.items()}
        explained = Counter[str]()
        unexplained: list[dict[str, Any]] = []
        for row in (row for rule in RULES for row in rows(snapshot, _CONFLICTS.format(rule=rule))):
            why = explanation((place / row["file"]).read_bytes(), row)
            if why:
                explained[f"{row['fact']}: {why}"] += 1
            else:
                unexplained.append(row)
    return counts, explained, unexplained


def program() -> packs.Program:
    """The program of the rules that compare, and nothing else."""
    whole = packs.load(("python",), Path(), ())
    document = msgspec.json.decode(whole.document)
    views = [view for view in document["views"] if view["name"] in RULES]
    return msgspec.structs.replace(whole, document=msgspec.json.encode(document | {"views": views}))


def rows(snapshot: Snapshot, sql: str) -> list[dict[str, Any]]:
    """The rows of a query."""
    return pa.ipc.open_stream(io.BytesIO(snapshot.query(sql, 1_000_000, 300.0))).read_all().to_pylist()


def explanation(content: bytes, row: dict[str, Any]) -> str:
    """Why the two differ by design; empty if nobody knows."""
    word = content[row["start"] : row["end"]].decode("utf-8", "replace")
    if word == "__class__":
        return "`__class__` is a cell that the compiler makes for `super()`: no statement binds it"
    before = content[content.rfind(b"\n", 0, row["start"]) + 1 : row["start"]]
    if re.search(rb"\bdel\b[^;]*$", before):
        return "`del` of what no statement binds: the compiler takes it for a binding, and it finds what `locals()` was given"
    return ""


def _options() -> Options:
    return Options(workspace=WorkspaceOptions(standard_library=False, packages=False, respect_gitignore=False))
