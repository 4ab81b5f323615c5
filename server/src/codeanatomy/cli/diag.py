"""`codeanatomy diag`: what ran, what it cost, and what the graph weighs."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codeanatomy.cli.workspace_arguments import add_format, add_no_daemon, add_overrides

if TYPE_CHECKING:
    from codeanatomy_engine import Snapshot

NAME = "diag"
ALIASES = ()
DOC = """Print a report of what ran, or what the graph of a workspace weighs.

`report`, also without a word, reads the tables of the last runs from the daemon of the workspace, if one runs; else it indexes the
workspace, makes an edit of each of a few files in memory, takes it back, and reports on that. --format html is one page that needs no network: where the
time of an edit went, how long requests took, the slowest rules, fallbacks and findings.

`memory` indexes the workspace and prints bytes by table and index, largest first, and how many there are for each reference: each
name, attribute, import and keyword argument that leads somewhere."""

_TOP = 20
"""Rows that are printed as text; JSON has all."""

_WHAT = ("report", "memory")
_MOST = 100_000
_TRIED = 8
"""Files that are edited where nobody has edited any."""


def add_arguments(parser: ArgumentParser) -> None:
    """What, and which workspace."""
    parser.add_argument("what", nargs="?", default="report", metavar="WHAT", help="`report` (default) or `memory`")
    parser.add_argument("path", nargs="?", metavar="PATH", help="the workspace (default: the current directory)")
    parser.add_argument("--root", metavar="DIR", help="the workspace, in place of PATH")
    add_overrides(parser)
    add_no_daemon(parser)
    add_format(parser, "html")


def run(arguments: Namespace) -> int:
    """Measure and print."""
    from codeanatomy.cli.exits import Exit, InputError

    if arguments.what not in _WHAT:
        if arguments.path is not None or not Path(arguments.what).is_dir():
            raise InputError(f"`{arguments.what}` is neither report nor memory")
        arguments.what, arguments.path = "report", arguments.what
    root = Path(arguments.root or arguments.path or ".").absolute()
    if not root.is_dir():
        raise InputError(f"there is no directory `{arguments.root or arguments.path}`")
    if arguments.what == "memory":
        if arguments.format == "html":
            raise InputError("`diag memory` has no page: --format text or json")
        _memory(root, arguments)
    else:
        _report(root, arguments)
    return Exit.OK


def _report(root: Path, arguments: Namespace) -> None:
    import msgspec

    told = facts(_ran(root, arguments))
    match arguments.format:
        case "json":
            print(msgspec.json.format(msgspec.json.encode(told)).decode())
        case "html":
            from codeanatomy.cli import diag_page

            print(diag_page.page(root.name, told))
        case _:
            print("\n".join(_told(told)))


def _ran(root: Path, arguments: Namespace) -> Snapshot:
    """A snapshot whose tables tell of edits: those of a daemon, else of some that are made here."""
    import msgspec

    from codeanatomy_engine import CancelToken

    from codeanatomy.cli import graph

    daemon = graph.remote(root, arguments)
    if daemon is not None:
        return daemon.snapshot
    indexed = graph.indexed(root, arguments)
    snapshot = indexed.engine.snapshot()
    paths = [path for path in snapshot.paths() if "://" not in path]
    for path in paths[:: max(1, len(paths) // _TRIED)][:_TRIED]:
        place = root / path
        if not place.is_file():
            continue
        text = place.read_text("utf-8", "replace")
        indexed.open(path, text, 0)
        indexed.commit(CancelToken())
        line = text.count("\n")
        for version, change in ((1, "\ndef codeanatomy_diag(value):\n    return value\n"), (2, "")):
            at = {"line": line, "character": 0}
            edit = [{"range": {"start": at, "end": at}, "text": change}] if change else [{"text": text}]
            indexed.engine.edit_document(path, version, msgspec.json.encode(edit))
            indexed.commit(CancelToken())
        indexed.close(path)
    return indexed.engine.snapshot()


def facts(snapshot: Snapshot) -> dict[str, Any]:
    """What the run tables of a snapshot say, put together."""
    import msgspec

    bundle = msgspec.json.decode(snapshot.bundle(None, 3))
    edits = _rows(snapshot, "SELECT * FROM edits ORDER BY start")
    slowest = max(edits, key=lambda edit: edit["total_micros"], default=None)
    middle = sorted(edits, key=lambda edit: edit["total_micros"])[len(edits) // 2] if edits else None
    rules = _rows(
        snapshot,
        "SELECT view, mode, count(*) AS runs, sum(micros) AS micros, max(micros) AS slowest, sum(keys) AS keys, "
        "sum(rows_in) AS rows_in, sum(rows_out) AS rows_out, sum(rows_inserted + rows_deleted) AS rows_changed, "
        "sum(CASE WHEN cutoff THEN 1 ELSE 0 END) AS cutoffs FROM rule_exec GROUP BY view, mode ORDER BY micros DESC",
    )
    requests = _rows(snapshot, "SELECT method, latency_micros, queue_micros, rows, status FROM requests ORDER BY start")
    return {
        "manifest": bundle["manifest"],
        "policy": bundle["policy"],
        "summary": bundle["summary"],
        "edits": {
            "count": len(edits),
            "hops": {hop: _spread([edit[hop] for edit in edits]) for hop in HOPS},
            "median": middle,
            "slowest": slowest,
            "runs": {
                str(edit["commit"]): _rows(
                    snapshot, f'SELECT * FROM rule_exec WHERE "commit" = {edit["commit"]} ORDER BY start'
                )
                for edit in (middle, slowest)
                if edit is not None
            },
        },
        "requests": {
            method: {
                "count": len(of),
                "failed": sum(each["status"] != "ok" for each in of),
                "rows": sum(each["rows"] for each in of),
                "latency": _spread([each["latency_micros"] for each in of]),
                "queue": _spread([each["queue_micros"] for each in of]),
                "histogram": histogram([each["latency_micros"] for each in of]),
            }
            for method, of in _by(requests, "method").items()
        },
        "edit_histogram": histogram([edit["total_micros"] for edit in edits]),
        "rules": rules,
        "compile": _rows(
            snapshot, "SELECT view, max(micros) AS micros FROM rule_compile GROUP BY view ORDER BY micros DESC"
        ),
        "schedule": bundle["schedule"],
        "fallbacks": _rows(
            snapshot,
            "SELECT kind, view, declared, reason, count(*) AS times, sum(rows) AS rows FROM fallbacks "
            "GROUP BY kind, view, declared, reason ORDER BY times DESC",
        ),
        "findings": bundle["validation"]["findings"],
        "decisions": {
            "count": len(bundle["decisions"]),
            "with_confidence_and_evidence": sum(
                0 < each["confidence"] <= 1 and bool(each["evidence"]) for each in bundle["decisions"]
            ),
        },
        "extract_errors": _rows(
            snapshot,
            "SELECT code, severity, count(*) AS times FROM extract_errors GROUP BY code, severity ORDER BY times DESC",
        ),
    }


HOPS = (
    "apply_micros",
    "queue_micros",
    "extract_micros",
    "diff_micros",
    "views_micros",
    "publish_micros",
    "total_micros",
)
"""The hops of an edit, in order, and all of them."""


def histogram(micros: Sequence[int]) -> list[dict[str, int]]:
    """How many lie below each power of two, in microseconds, from the first that is used to the last."""
    counts: dict[int, int] = {}
    for each in micros:
        counts[max(0, each - 1).bit_length()] = counts.get(max(0, each - 1).bit_length(), 0) + 1
    if not counts:
        return []
    return [{"below": 2**power, "count": counts.get(power, 0)} for power in range(min(counts), max(counts) + 1)]


def _spread(micros: Sequence[int]) -> dict[str, int]:
    ordered = sorted(micros)
    if not ordered:
        return {}
    at = {"p50": 0.5, "p90": 0.9, "p99": 0.99}
    return {name: ordered[min(len(ordered) - 1, int(share * len(ordered)))] for name, share in at.items()} | {
        "max": ordered[-1]
    }


def _by(rows: Sequence[Mapping[str, Any]], key: str) -> dict[str, list[Mapping[str, Any]]]:
    found: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        found.setdefault(row[key], []).append(row)
    return dict(sorted(found.items()))


def _rows(snapshot: Snapshot, sql: str) -> list[dict[str, Any]]:
    import pyarrow as pa

    return pa.ipc.open_stream(snapshot.query(sql, _MOST)).read_all().to_pylist()


def _ms(micros: int | None) -> str:
    return "" if micros is None else f"{micros / 1000:,.2f}"


def _told(told: Mapping[str, Any]) -> Iterator[str]:
    from codeanatomy import report

    summary, edits = told["summary"], told["edits"]
    yield f"program      {told['manifest']['fingerprint']}"
    yield f"             {summary['rules']} rules, {summary['views']} views, compiled in {summary['compile_micros'] / 1000:,.0f} ms"
    yield f"policy       {told['policy']['profile']}, validation {told['policy']['validation']}, calibration {told['policy']['calibration']}"
    decisions = told["decisions"]
    yield (
        f"decisions    {decisions['count']:,}, of which {decisions['with_confidence_and_evidence']:,} with confidence and evidence"
    )
    yield ""
    yield f"edits: {edits['count']}"
    if edits["count"]:
        rows = (
            (hop.removesuffix("_micros"), *(_ms(spread[name]) for name in ("p50", "p90", "p99", "max")))
            for hop, spread in edits["hops"].items()
        )
        yield report.table(("hop", "p50 ms", "p90", "p99", "max"), rows)
    yield ""
    yield f"requests: {sum(of['count'] for of in told['requests'].values())}"
    if told["requests"]:
        rows = (
            (
                method,
                of["count"],
                of["failed"] or "",
                *(_ms(of["latency"][name]) for name in ("p50", "p99", "max")),
                _ms(of["queue"]["p99"]),
                of["rows"],
            )
            for method, of in told["requests"].items()
        )
        yield report.table(("method", "count", "failed", "p50 ms", "p99", "max", "queue p99", "rows"), rows)
    for mode, title in (("keyed", "slowest rules of edits"), ("full", "slowest rules of whole runs")):
        slow = [each for each in told["rules"] if each["mode"] == mode][:_TOP]
        if slow:
            yield ""
            yield title
            rows = (
                (
                    each["view"],
                    each["runs"],
                    _ms(each["micros"]),
                    _ms(each["slowest"]),
                    f"{each['keys']:,}" if mode == "keyed" else "",
                    f"{each['rows_in']:,}",
                    f"{each['rows_out']:,}",
                    f"{each['rows_changed']:,}",
                    each["cutoffs"],
                )
                for each in slow
            )
            yield report.table(("view", "runs", "ms", "slowest", "keys", "rows in", "out", "changed", "cut off"), rows)
    yield ""
    undeclared = sum(each["times"] for each in told["fallbacks"] if not each["declared"])
    yield f"fallbacks: {sum(each['times'] for each in told['fallbacks'])}, of which {undeclared} undeclared"
    for each in told["fallbacks"]:
        of = f" of {each['view']}" if each["view"] else ""
        yield f"    {each['times']} x {each['kind']}{of}: {each['reason']} ({each['rows']:,} rows)"
    yield f"findings: {len(told['findings'])}"
    for each in told["findings"]:
        yield f"    {each['weight']} {each['code']}  {each['place']}: {each['message']}"
    yield f"errors of extraction: {sum(each['times'] for each in told['extract_errors'])}"
    for each in told["extract_errors"][:_TOP]:
        yield f"    {each['times']} x {each['code']} ({each['severity']})"


def _memory(root: Path, arguments: Namespace) -> None:
    import msgspec

    from codeanatomy import report
    from codeanatomy.cli import graph
    from codeanatomy.cli.index import peak_memory

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
        return
    print(report.table(("table", "rows", "KB", "index", "KB "), _largest(summary["tables"])))
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


def _largest(tables: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, str, str, str, str]]:
    """The largest tables, under each its indexes."""
    for name, table in list(tables.items())[:_TOP]:
        columns = table["bytes"] - table["index_bytes"]
        yield name, f"{table['rows']:,}", f"{columns / 1024:,.0f}", "", ""
        for columns_of, size in sorted(table["indexes"].items(), key=lambda item: -item[1]):
            yield "", "", "", columns_of, f"{size / 1024:,.0f}"
