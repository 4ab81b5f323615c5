"""`codeanatomy witness`: what slow extractors say of files, and where they agree with the graph."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from codeanatomy.cli.workspace_arguments import add_format, add_no_daemon, add_root

NAME = "witness"
ALIASES = ()
DOC = """Ask slow extractors about files, and say what came of it: rows of each table, failures, agreement and conflicts.

Without a name: which there are. A daemon keeps what it heard until a text changes; `codeanatomy query --witness NAME` reads the
tables themselves.

`codeanatomy witness scip --run` first makes the index that `scip` reads, with the npm tool `scip-python`. That tool reads configuration of
the workspace and runs its Python, so it is started only if you trust the workspace: by `codeanatomy trust add`, or for once by
`--trust`. [scip] has its options."""


def add_arguments(parser: ArgumentParser) -> None:
    """Whom to ask, about what."""
    parser.add_argument("names", nargs="*", metavar="NAME", help="bytecode, cpython, cst, scip or symtable")
    parser.add_argument(
        "--of",
        action="append",
        default=[],
        metavar="PATTERN",
        help="only files whose path matches, such as 'shop/*.py'; may be given several times",
    )
    parser.add_argument("--run", action="store_true", help="with scip: make its index by scip-python first")
    parser.add_argument("--trust", action="store_true", help="trust the workspace, for this run")
    add_root(parser)
    add_no_daemon(parser)
    add_format(parser)


def run(arguments: Namespace) -> int:
    """Ask and print."""
    from fnmatch import fnmatchcase

    import msgspec

    from codeanatomy_incremental import evidence

    from codeanatomy import report
    from codeanatomy.cli import graph
    from codeanatomy.cli.exits import Exit, InputError

    known = evidence.witnesses()
    unknown = [name for name in arguments.names if name not in known]
    if unknown:
        raise InputError(f"there is no witness `{unknown[0]}`; there are {', '.join(known)}")
    if arguments.run and "scip" not in arguments.names:
        raise InputError("only the witness `scip` has something to run: `codeanatomy witness scip --run`")
    if not arguments.names:
        listed = [(name, ", ".join(table.name for table in evidence.module(name).TABLES)) for name in known]
        if arguments.format == "json":
            print(
                msgspec.json.format(
                    msgspec.json.encode([{"witness": w, "tables": t.split(", ")} for w, t in listed])
                ).decode()
            )
        else:
            print(report.table(("witness", "tables"), listed))
        return Exit.OK
    root = graph.root_of(arguments, Path.cwd())
    if arguments.run:
        _make_index(root, arguments)
    answering = graph.answering(root, arguments)
    patterns = arguments.of or ["*"]
    paths = [path for path in answering.snapshot.paths() if any(fnmatchcase(path, each) for each in patterns)]
    snapshot = answering.hear(arguments.names, paths, False)

    def told(sql: str) -> list[tuple[object, ...]]:
        import pyarrow as pa

        rows = pa.ipc.open_stream(snapshot.query(sql, 100_000)).read_all()
        return list(zip(*(column.to_pylist() for column in rows.columns), strict=True))

    found: list[dict[str, Any]] = []
    for name in sorted(set(arguments.names)):
        failures = told(
            f"SELECT code, message, count(*) FROM extract_errors WHERE witness = '{name}' GROUP BY code, message ORDER BY 3 DESC"
        )
        sides = [
            told(f"SELECT count(*) FROM {table} WHERE witness = '{name}'")[0][0]
            for table in ("evidence_agreement", "evidence_conflicts")
        ]
        found.append(
            {
                "witness": name,
                "files": len(paths),
                "tables": {
                    table.name: told(f"SELECT count(*) FROM {table.name}")[0][0]
                    for table in evidence.module(name).TABLES
                },
                "failures": [{"code": code, "message": message, "files": count} for code, message, count in failures],
                "agree": sides[0],
                "disagree": sides[1],
            }
        )
    if arguments.format == "json":
        print(msgspec.json.format(msgspec.json.encode(found)).decode())
        return Exit.OK
    lines = [
        (each["witness"], what, value)
        for each in found
        for what, value in (
            ("files asked about", each["files"]),
            *((f"rows of {table}", rows) for table, rows in each["tables"].items()),
            *((f"{one['code']}: {one['message']}", f"{one['files']} files") for one in each["failures"]),
            ("facts on which it agrees", each["agree"]),
            ("facts on which it does not (evidence_conflicts)", each["disagree"]),
        )
    ]
    print(report.table(("witness", "", ""), [tuple(map(str, line)) for line in lines]))
    return Exit.OK


def _make_index(root: Path, arguments: Namespace) -> None:
    """Run `scip-python`, if the user trusts the workspace; raises `ScipError`."""
    import os
    import sys

    from codeanatomy_engine import CancelToken

    from codeanatomy_incremental import environment, options, scip_python, trust

    from codeanatomy.cli.workspace_arguments import overrides

    scip_python.permitted(arguments.trust or trust.trusted(str(root), os.environ), str(root))
    loaded = options.load(root, overrides(arguments)).options
    prefix = environment.discover(str(root), loaded.workspace.python, "", os.environ).prefix
    is_watched = sys.stderr.isatty()

    def told(step: str) -> None:
        if is_watched:
            sys.stderr.write(f"\r\x1b[Kscip-python: {step}")
            sys.stderr.flush()

    try:
        index = scip_python.made(str(root), loaded.scip, os.environ, prefix, told, CancelToken())
    finally:
        if is_watched:
            sys.stderr.write("\r\x1b[K")
    print(f"scip-python wrote {os.path.relpath(index, os.path.realpath(root))}", file=sys.stderr)
