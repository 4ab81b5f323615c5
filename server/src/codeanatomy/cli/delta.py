"""`codeanatomy delta`: the history of a graph, as Delta tables."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codeanatomy.cli.workspace_arguments import add_format, add_no_daemon, add_root

if TYPE_CHECKING:
    from codeanatomy_incremental.history.delta import Place
    from codeanatomy_incremental.history.manifest import Manifest

NAME = "delta"
ALIASES = ()
DOC = """The history of a graph, kept as Delta tables.

checkpoint: add the workspace as it is now, if it differs from the newest version. A daemon does so when it has nothing to do.
log: the versions, the newest first.
diff A [B]: which edges a change created and removed, and why. B left out is the workspace as it is now.
at V [SQL]: the tables of a version, or the rows of a read-only query over them.
feed TABLE: which rows of a table came and went since a version (--since), or since a reader of a name last asked (--cursor).
maintain: give up old versions, drop dead rows, compact, remove files, sum up logs: each only past its threshold, with the reason.
export TO [--version V]: the tables of a version as Delta tables or Parquet files of their own.
publish URI: add the workspace as it is to a history that others begin with, such as one in an object store, from CI; with its index.
fetch URI: begin the history here with the newest version of such a one, and the graph with its index, after all of it was verified.

A version is named by its number, HEAD, HEAD~2 (checkpoints back), or a git commit. What is in no history and named by git is read
from git objects and indexed for the command: nothing of the repository is run. The history lies in the data folder of the user, or
where --store or CODEANATOMY_HISTORY says: a folder or the URI of an object store."""


def add_arguments(parser: ArgumentParser) -> None:
    """What to do, and with which versions."""
    actions = parser.add_subparsers(metavar="ACTION", required=True, dest="action")
    sub = _action(actions, "checkpoint", "add the workspace as it is now to the history")
    add_no_daemon(sub)
    sub.add_argument("--maintain", action="store_true", help="do what maintenance is due afterwards")
    add_format(sub)
    sub = _action(actions, "log", "the versions, the newest first")
    sub.add_argument("--max", type=int, default=50, metavar="N", help="at most so many (default: 50)")
    add_format(sub)
    sub = _action(actions, "diff", "which edges a change created and removed, and why")
    sub.add_argument("before", metavar="A", help="the version or git commit of before")
    sub.add_argument("after", metavar="B", nargs="?", default="now", help="that of after (default: the workspace now)")
    sub.add_argument(
        "--kind",
        action="append",
        metavar="KIND",
        help="edges of this kind; may be repeated; `all` for all. Default: those that say what depends on what",
    )
    add_no_daemon(sub)
    add_format(sub, "markdown")
    sub = _action(actions, "at", "the tables of a version, or a query over them")
    sub.add_argument("version", metavar="V", help="the version or git commit")
    sub.add_argument("sql", metavar="SQL", nargs="?", default="", help="a read-only query")
    sub.add_argument(
        "--max-rows", type=int, default=100_000, metavar="N", help="at most so many rows (default: 100000)"
    )
    sub.add_argument("--max-seconds", type=float, default=30.0, metavar="S", help="how long it may run (default: 30)")
    add_no_daemon(sub)
    add_format(sub, "csv")
    sub = _action(actions, "feed", "which rows of a table came and went")
    sub.add_argument("table", metavar="TABLE", help="the table, such as cpg_edges")
    since = sub.add_mutually_exclusive_group(required=True)
    since.add_argument("--since", metavar="V", help="since this version")
    since.add_argument(
        "--cursor", metavar="NAME", help="since the reader of this name last asked, who has seen all after this"
    )
    sub.add_argument("--until", default="HEAD", metavar="V", help="up to this version (default: HEAD)")
    add_format(sub, "csv")
    sub = _action(actions, "maintain", "keep the history in order, where a threshold is exceeded")
    add_format(sub)
    sub = _action(actions, "export", "the tables of a version as tables of their own")
    sub.add_argument("to", metavar="TO", help="a folder, or for Delta tables a URI")
    sub.add_argument("--version", default="HEAD", metavar="V", help="which version (default: HEAD)")
    sub.add_argument(
        "--as", dest="kind", choices=("delta", "parquet"), default="delta", help="as what (default: delta)"
    )
    add_no_daemon(sub)
    add_format(sub)
    sub = _action(actions, "publish", "add the workspace as it is to a history that others begin with")
    sub.add_argument("uri", metavar="URI", help="that history: a folder or the URI of an object store")
    add_format(sub)
    sub = _action(actions, "fetch", "begin the history with what was published")
    sub.add_argument("uri", metavar="URI", help="the history that was published")
    add_format(sub)


def run(arguments: Namespace) -> int:
    """Do it."""
    import os

    from codeanatomy_incremental.history.places import place_of

    from codeanatomy.cli import graph
    from codeanatomy.cli.exits import InputError

    root = graph.root_of(arguments, Path.cwd())
    options: list[tuple[str, str]] = []
    for pair in arguments.store_option:
        key, equals, value = pair.partition("=")
        if not equals:
            raise InputError(f"`--store-option {pair}` is not KEY=VALUE")
        options.append((key, value))
    place = place_of(os.fspath(root), os.environ, arguments.store or "", tuple(options))
    return _ACTIONS[arguments.action](root, place, arguments)


def _action(actions: Any, name: str, doc: str) -> ArgumentParser:
    sub: ArgumentParser = actions.add_parser(name, help=doc, description=doc)
    add_root(sub)
    sub.add_argument("--store", metavar="URI", help="where the history lies: a folder or the URI of an object store")
    sub.add_argument(
        "--store-option",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="an option of the object store, such as its endpoint; may be repeated",
    )
    return sub


def _checkpoint(root: Path, place: Place, arguments: Namespace) -> int:
    from codeanatomy_incremental.history import delta, manifest

    from codeanatomy import report
    from codeanatomy.cli import versions
    from codeanatomy.cli.exits import Exit

    made = versions.write_now(root, place, arguments)
    newest = made or manifest.checkpoints(manifest.load(place))[-1]
    size = sum(delta.size(place, table, at).bytes for table, at in newest.tables.items())
    told = {"written": made is not None, "store": place.uri, "bytes": size, **_told(newest)}
    if arguments.maintain and made is not None:
        told["maintenance"] = [each for each in _decided(root, place, arguments) if each["done"]]
    if arguments.format == "json":
        _print_json(told)
    elif made is None:
        print(f"nothing differs from version {newest.version}")
    else:
        print(report.table(("", "value"), ((name, str(value)) for name, value in told.items() if value != "")))
    return Exit.OK


def _log(_root: Path, place: Place, arguments: Namespace) -> int:
    from codeanatomy_incremental.history import manifest

    from codeanatomy import report
    from codeanatomy.cli import versions
    from codeanatomy.cli.exits import Exit, InputError

    if arguments.max < 1:
        raise InputError("--max must be at least 1")
    found = manifest.load(place)
    if not found:
        raise versions.none_yet(place)
    shown = [_told(each) for each in reversed(found)][: arguments.max]
    if arguments.format == "json":
        _print_json(shown)
        return Exit.OK
    rows = (
        (
            each["version"],
            each["time"],
            each["commit"][:10],
            each["branch"],
            each["files"],
            each["changed_files"],
            each["rows_appended"],
            "given up" if not each["readable"] and each["kind"] == "checkpoint" else each["reason"] or each["kind"],
        )
        for each in ({**each, "readable": each["version"] >= found[-1].oldest} for each in shown)
    )
    print(report.table(("version", "time", "commit", "branch", "files", "changed", "rows", "what"), rows))
    return Exit.OK


def _diff(root: Path, place: Place, arguments: Namespace) -> int:
    import msgspec

    from codeanatomy_incremental.history import difference

    from codeanatomy import changes, config
    from codeanatomy.cli import versions
    from codeanatomy.cli.exits import Exit
    from codeanatomy.cli.workspace_arguments import overrides

    kinds: set[str] = set(arguments.kind or ())
    with versions.Versions(root, place, arguments) as making:
        before, after = making.resolve((arguments.before, arguments.after))
        found = difference.between(before, after)
        ends = {"from": _told(before.manifest), "to": _told(after.manifest)}
    if kinds and "all" not in kinds:
        edges = tuple(edge for edge in found.edges if edge.kind in kinds)
    elif kinds or arguments.format == "json":
        edges = found.edges
    else:
        edges = tuple(edge for edge in found.edges if edge.kind not in difference.STRUCTURE)
    views = msgspec.json.decode(config.load(root, overrides(arguments)).program.document)["views"]
    docs = {view["name"]: view["doc"] for view in views}
    if arguments.format == "json":
        told = msgspec.to_builtins(found)
        told["edges"] = [{**msgspec.to_builtins(edge), "rule_doc": docs.get(edge.rule, "")} for edge in edges]
        _print_json({**ends, **told})
        return Exit.OK
    found = difference.with_edges(found, edges)
    if arguments.format == "markdown":
        title = f"What changed in the graph from {_named(arguments.before, before)} to {_named(arguments.after, after)}"
        print(changes.markdown(found, docs, title))
    else:
        print(changes.text(found, docs))
    return Exit.OK


def _at(root: Path, place: Place, arguments: Namespace) -> int:
    from codeanatomy.cli import versions
    from codeanatomy.cli.exits import Exit, InputError

    if arguments.max_rows < 1 or not arguments.max_seconds > 0:
        raise InputError("--max-rows must be at least 1 and --max-seconds more than 0")
    with versions.Versions(root, place, arguments) as making:
        [version] = making.resolve((arguments.version,))
        if not arguments.sql:
            parts = version.parts
            tables = [
                {
                    "table": name,
                    "files": len(parts.get(name, {})),
                    "rows": sum(each.rows for each in parts.get(name, {}).values()),
                }
                for name in version.names()
            ]
            if arguments.format == "json":
                _print_json({**_told(version.manifest), "tables": tables})
                return Exit.OK
            names, rows = ["table", "files", "rows"], [tuple(each.values()) for each in tables]
        else:
            found = version.query(arguments.sql, arguments.max_rows, arguments.max_seconds)
            if arguments.format == "json":
                _print_json(found.to_pylist())
                return Exit.OK
            names, rows = found.column_names, list(zip(*(column.to_pylist() for column in found.columns), strict=True))
    _print_rows(names, rows, arguments.format)
    return Exit.OK


def _feed(_root: Path, place: Place, arguments: Namespace) -> int:
    from codeanatomy_incremental.history import feed, manifest
    from codeanatomy_incremental.history.reader import Version

    from codeanatomy.cli import versions
    from codeanatomy.cli.exits import Exit

    seen = feed.cursor(place, arguments.cursor) if arguments.cursor else None
    manifests = manifest.load(place)
    ends: list[Version | None] = []
    for name in (arguments.since or seen, arguments.until):
        found = None if name is None else manifest.find(manifests, str(name))
        if found is None and name is not None:
            raise versions.no_version(place, manifests, str(name))
        ends.append(None if found is None else Version(place, found, manifests[-1]))
    before, after = ends
    assert after is not None, "it has a name"
    rows = feed.changes(before, after, arguments.table)
    if arguments.format == "json":
        since = before.manifest.version if before is not None else None
        _print_json({"since": since, "until": after.manifest.version, "rows": rows.to_pylist()})
    else:
        _print_rows(
            rows.column_names,
            list(zip(*(column.to_pylist() for column in rows.columns), strict=True)),
            arguments.format,
        )
    if arguments.cursor:
        feed.move(place, arguments.cursor, after.manifest.version)
    return Exit.OK


def _maintain(root: Path, place: Place, arguments: Namespace) -> int:
    from codeanatomy import report
    from codeanatomy.cli.exits import Exit

    decided = _decided(root, place, arguments)
    if arguments.format == "json":
        _print_json(decided)
    else:
        rows = (
            (*list(each.values())[:2], "done" if each["done"] else "nothing", *list(each.values())[3:])
            for each in decided
        )
        print(report.table(("table", "action", "", "cause", "value", "threshold"), rows))
    return Exit.OK


def _export(root: Path, place: Place, arguments: Namespace) -> int:
    from codeanatomy_incremental.history import export

    from codeanatomy import report
    from codeanatomy.cli import versions
    from codeanatomy.cli.exits import Exit

    with versions.Versions(root, place, arguments) as making:
        [version] = making.resolve((arguments.version,))
        written = export.write(version, arguments.to, arguments.kind, place.options)
    if arguments.format == "json":
        _print_json({"to": arguments.to, "as": arguments.kind, **_told(version.manifest), "tables": written})
    else:
        print(report.table(("table", "rows"), written.items()))
    return Exit.OK


def _publish(root: Path, place: Place, arguments: Namespace) -> int:
    from codeanatomy_incremental.history import share

    from codeanatomy import report
    from codeanatomy.cli import versions
    from codeanatomy.cli.exits import Exit

    to = _other(place, arguments.uri)
    written, size = versions.publish(root, to, arguments)
    told = {"store": to.uri, "written": written, "index_bytes": size, **_told(share.newest(to).manifest)}
    if arguments.format == "json":
        _print_json(told)
    else:
        shown = ("store", "written", "index_bytes", "version", "commit", "files", "rows_appended", "seconds")
        print(report.table(("", "value"), ((name, str(told[name])) for name in shown)))
    return Exit.OK


def _fetch(root: Path, place: Place, arguments: Namespace) -> int:
    import msgspec

    from codeanatomy_incremental.history import share

    from codeanatomy import report
    from codeanatomy.cli import versions
    from codeanatomy.cli.exits import Exit

    theirs = share.newest(_other(place, arguments.uri))
    share.free(place)
    tables = list(share.verified(theirs))
    index, extracted = versions.begin(root, theirs, arguments)
    found = share.fetch(theirs, tables, place, versions.sources(root, arguments))
    told = {**msgspec.to_builtins(found), "index": index, "extracted": extracted}
    if arguments.format == "json":
        _print_json({"store": place.uri, **told})
    else:
        print(report.table(("", "value"), ((name, str(value)) for name, value in told.items())))
    return Exit.OK


_ACTIONS = {
    "checkpoint": _checkpoint,
    "log": _log,
    "diff": _diff,
    "at": _at,
    "feed": _feed,
    "maintain": _maintain,
    "export": _export,
    "publish": _publish,
    "fetch": _fetch,
}


def _other(place: Place, uri: str) -> Place:
    """Another history, with the same options of its store."""
    import os

    from codeanatomy_incremental.history.delta import Place

    return Place(uri if "://" in uri else os.path.abspath(uri), place.options)


def _decided(root: Path, place: Place, arguments: Namespace) -> list[dict[str, Any]]:
    import msgspec

    from codeanatomy_incremental import options
    from codeanatomy_incremental.history import maintenance

    from codeanatomy.cli.workspace_arguments import overrides

    loaded = options.load(root, overrides(arguments))
    return [msgspec.to_builtins(each) for each in maintenance.maintain(place, loaded.options.history)]


def _told(manifest: Manifest) -> dict[str, Any]:
    """A version as programs read it."""
    from datetime import UTC, datetime

    time = datetime.fromtimestamp(manifest.time_us / 1e6, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return {
        "version": manifest.version,
        "kind": manifest.kind,
        "time": time,
        "commit": manifest.origin.commit,
        "branch": manifest.origin.branch,
        "tool": manifest.origin.tool,
        "program": manifest.origin.program,
        "files": manifest.files,
        "changed_files": manifest.changed_files,
        "rows_appended": manifest.rows_appended,
        "seconds": manifest.seconds,
        "oldest": manifest.oldest,
        "reason": manifest.reason,
        "pins": manifest.tables,
    }


def _named(name: str, version: Any) -> str:
    commit = version.manifest.origin.commit[:10]
    return name if not commit or name.startswith(commit[:7]) else f"{name} ({commit})"


def _print_rows(names: Sequence[str], rows: Sequence[Sequence[Any]], how: str) -> None:
    from codeanatomy import report

    if how == "csv":
        import csv
        import sys

        writer = csv.writer(sys.stdout)
        writer.writerow(names)
        writer.writerows(rows)
    else:
        print(report.table(names, rows))


def _print_json(told: object) -> None:
    import msgspec

    print(msgspec.json.format(msgspec.json.encode(told)).decode())
