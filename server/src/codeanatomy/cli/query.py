"""`codeanatomy query`: read-only SQL over the tables and views of the graph."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from codeanatomy.cli.workspace_arguments import add_format, add_no_daemon, add_root

NAME = "query"
ALIASES = ()
DOC = """Run a read-only SQL query over the graph.

Tables and views are those that `codeanatomy plan` lists. Those of slow extractors are empty unless --witness names them, but for
what editors have open. JSON is a list of objects, one for each row."""


def add_arguments(parser: ArgumentParser) -> None:
    """The query."""
    parser.add_argument(
        "sql", metavar="SQL", help='the query, such as "SELECT kind, count(*) FROM cpg_edges GROUP BY kind"'
    )
    parser.add_argument(
        "--max-rows", type=int, default=100_000, metavar="N", help="at most this many rows (default: 100000)"
    )
    parser.add_argument(
        "--max-seconds", type=float, default=30.0, metavar="S", help="how long it may run (default: 30)"
    )
    parser.add_argument(
        "--witness",
        action="append",
        default=[],
        metavar="NAME",
        help="ask this extractor about the files first (bytecode, cpython, cst, scip, symtable); may be given several times",
    )
    parser.add_argument(
        "--of",
        action="append",
        default=[],
        metavar="PATTERN",
        help="ask extractors only about files whose path matches, such as 'shop/*.py'; may be given several times",
    )
    add_root(parser)
    add_no_daemon(parser)
    add_format(parser, "csv", "arrow")


def run(arguments: Namespace) -> int:
    """Query and print."""
    import sys
    from fnmatch import fnmatchcase

    from codeanatomy_incremental import evidence

    from codeanatomy.cli import graph
    from codeanatomy.cli.exits import Exit, InputError

    if arguments.max_rows < 1:
        raise InputError("--max-rows must be at least 1")
    if not arguments.max_seconds > 0:
        raise InputError("--max-seconds must be more than 0")
    root = graph.root_of(arguments, Path.cwd())
    answering = graph.answering(root, arguments)
    snapshot = answering.snapshot
    if arguments.witness:
        unknown = [name for name in arguments.witness if name not in evidence.witnesses()]
        if unknown:
            raise InputError(f"there is no witness `{unknown[0]}`; there are {', '.join(evidence.witnesses())}")
        patterns = arguments.of or ["*"]
        paths = [path for path in snapshot.paths() if any(fnmatchcase(path, pattern) for pattern in patterns)]
        snapshot = answering.hear(arguments.witness, paths, False)
    stream = snapshot.query(arguments.sql, arguments.max_rows, arguments.max_seconds)
    if arguments.format == "arrow":
        sys.stdout.buffer.write(stream)
        sys.stdout.buffer.flush()
        return Exit.OK

    import pyarrow as pa

    rows = pa.ipc.open_stream(stream).read_all()
    match arguments.format:
        case "json":
            import msgspec

            print(msgspec.json.format(msgspec.json.encode(rows.to_pylist())).decode())
        case "csv":
            from pyarrow import csv

            sys.stdout.flush()
            csv.write_csv(rows, sys.stdout.buffer)
            sys.stdout.buffer.flush()
        case _:
            from codeanatomy import report

            print(report.table(rows.column_names, zip(*(column.to_pylist() for column in rows.columns), strict=True)))
    return Exit.OK
