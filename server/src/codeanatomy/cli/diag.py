"""`codeanatomy diag`: what a graph costs, table by table."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping
from typing import Any

from codeanatomy.cli.workspace_arguments import add_format, add_overrides, add_path, workspace

NAME = "diag"
ALIASES = ()
DOC = """Print what the graph of a workspace costs.

`memory` indexes the workspace and prints bytes by table and index, largest first, and how many there are for each reference: each
name, attribute, import and keyword argument that leads somewhere."""

_TOP = 20
"""Tables that are printed as text; JSON has all."""


def add_arguments(parser: ArgumentParser) -> None:
    """What, and which workspace."""
    parser.add_argument("what", choices=("memory",), help="what is asked")
    add_path(parser)
    add_overrides(parser)
    add_format(parser)


def run(arguments: Namespace) -> int:
    """Index, measure and print."""
    import msgspec

    from codeanatomy import report
    from codeanatomy.cli import graph
    from codeanatomy.cli.exits import Exit
    from codeanatomy.cli.index import peak_memory

    root = workspace(arguments)
    stats = msgspec.json.decode(graph.indexed(root, arguments).engine.snapshot().stats())
    tables: Mapping[str, Mapping[str, Any]] = stats["tables"]
    held = sum(table["bytes"] for table in tables.values())
    references = tables["refers_to"]["rows"]
    summary: dict[str, Any] = {
        "tables": dict(sorted(tables.items(), key=lambda item: -item[1]["bytes"])),
        "table_bytes": held - sum(table["index_bytes"] for table in tables.values()),
        "index_bytes": sum(table["index_bytes"] for table in tables.values()),
        "mapped_bytes": sum(table["mapped_bytes"] for table in tables.values()),
        "place_bytes": stats["places"]["bytes"],
        "symbol_bytes": stats["symbols"]["bytes"],
        "references": references,
        "bytes_per_reference": held / references if references else 0.0,
        "peak_memory_bytes": peak_memory(),
    }
    if arguments.format == "json":
        print(msgspec.json.format(msgspec.json.encode(summary)).decode())
        return Exit.OK
    print(report.table(("table", "rows", "KB", "index", "KB "), _rows(summary["tables"])))
    print()
    totals = (
        ("tables", f"{summary['table_bytes'] / 2**20:,.1f} MB"),
        ("indexes", f"{summary['index_bytes'] / 2**20:,.1f} MB"),
        ("in the image on disk", f"{summary['mapped_bytes'] / 2**20:,.1f} MB"),
        ("places", f"{summary['place_bytes'] / 2**20:,.1f} MB"),
        ("texts", f"{summary['symbol_bytes'] / 2**20:,.1f} MB"),
        ("peak memory", f"{summary['peak_memory_bytes'] / 2**20:,.1f} MB"),
        ("references", f"{references:,}"),
        ("tables and indexes", f"{summary['bytes_per_reference']:,.0f} bytes for each reference"),
    )
    print(report.table(("", "value"), totals))
    return Exit.OK


def _rows(tables: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, str, str, str, str]]:
    """The largest tables, under each its indexes."""
    for name, table in list(tables.items())[:_TOP]:
        columns = table["bytes"] - table["index_bytes"]
        yield name, f"{table['rows']:,}", f"{columns / 1024:,.0f}", "", ""
        for columns_of, size in sorted(table["indexes"].items(), key=lambda item: -item[1]):
            yield "", "", "", columns_of, f"{size / 1024:,.0f}"
