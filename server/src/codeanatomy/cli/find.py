"""`codeanatomy find`: where a word is defined, and where it is used."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Any

from codeanatomy.cli.workspace_arguments import add_format, add_no_daemon, add_root

NAME = "find"
ALIASES = ()
DOC = """Find the definition or the references of the word at a place.

Prints one FILE:LINE:COL for each, followed by the line of source."""


def add_arguments(parser: ArgumentParser) -> None:
    """What to find, and from where."""
    parser.add_argument("what", choices=("definition", "references"), help="what to find")
    parser.add_argument(
        "place",
        metavar="FILE:LINE:COL",
        help="the place; line and column count from 1; of a notebook also FILE:cell N:LINE:COL",
    )
    add_root(parser)
    add_no_daemon(parser)
    add_format(parser)


def run(arguments: Namespace) -> int:
    """Find and print."""
    from urllib.parse import unquote, urlsplit

    import msgspec

    from codeanatomy.cli import graph, place
    from codeanatomy.cli.cells import Cells, suffix
    from codeanatomy.cli.exits import Exit
    from codeanatomy.ide.definition import definition
    from codeanatomy.ide.references import references

    where = place.parse(arguments.place)
    root = graph.root_of(arguments, where.file)
    path = place.within(where, root)
    cells = Cells(root)
    line, column = cells.asked(path, where)
    snapshot, source_line, *_ = graph.answering(root, arguments)
    if arguments.what == "definition":
        links = msgspec.json.decode(definition(snapshot, path, line, column))
        found = [(link["targetUri"], link["targetSelectionRange"]["start"]) for link in links]
    else:
        places = msgspec.json.decode(references(snapshot, path, line, column))
        found = [(each["uri"], each["range"]["start"]) for each in places]
    base = f"{root.as_uri()}/"
    rows: list[dict[str, Any]] = []
    for uri, start in found:
        target = unquote(uri.removeprefix(base) if uri.startswith(base) else urlsplit(uri).path)
        line, column = start["line"] + 1, start["character"] + 1
        source = cells.source_line(target, line) or source_line(target, line).strip()
        rows.append(cells.shown({"path": target, "line": line, "column": column, "source": source}))
    if arguments.format == "json":
        print(msgspec.json.format(msgspec.json.encode(rows)).decode())
    else:
        for row in rows:
            print(f"{row['path']}:{row['line']}:{row['column']}: {row['source']}{suffix(row)}")
    return Exit.OK
