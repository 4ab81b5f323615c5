"""`codeanatomy check`: everything that is wrong with a workspace, for continuous integration."""

from __future__ import annotations

import re
from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codeanatomy.cli.workspace_arguments import add_format, add_no_daemon, add_overrides, add_path, workspace

if TYPE_CHECKING:
    from codeanatomy_engine import Snapshot

    from codeanatomy.cli.cells import Cells
    from codeanatomy.config import Configuration

NAME = "check"
ALIASES = ()
DOC = """Print everything that is wrong with a workspace.

Signals of `governance.toml`, syntax errors as CPython itself tells them, imports of modules that are not there, what diagnostic
rules find, broken contracts about imports, modules and packages that import each other in circles, definitions that replace an unused
one of their name, and definitions that nothing seems to use, with how sure that is: a warning from 0.9 on, else information.

Exit code 1 if there are errors or warnings; information and hints do not count, unless --fail-on says so. What a --baseline lists
is not printed and does not count; --write-baseline writes what is wrong now, and lets a baseline that is there only shrink."""

_SURE = 0.9
"""Definitions that nothing uses with such a confidence are warnings."""

_SEVERITIES = {1: "error", 2: "warning", 3: "information", 4: "hint"}
_COUNTS = {"error": 1, "warning": 2, "information": 3}
_LEVELS = {"error": "error", "warning": "warning", "information": "notice", "hint": "notice"}
_SARIF = "https://json.schemastore.org/sarif-2.1.0.json"

Row = dict[str, Any]
"""path, line, column, severity, code, message and confidence."""


def add_arguments(parser: ArgumentParser) -> None:
    """Which workspace, and what of it counts."""
    add_path(parser)
    parser.add_argument(
        "--fail-on", choices=tuple(_COUNTS), default="warning", help="the least that counts (default: warning)"
    )
    parser.add_argument(
        "--min-confidence", type=float, default=0.7, metavar="N", help="leave out what is less sure (default: 0.7)"
    )
    parser.add_argument("--baseline", metavar="FILE", help="what is known to be wrong, as --write-baseline wrote it")
    parser.add_argument("--write-baseline", metavar="FILE", help="write what is wrong now, and leave with 0")
    add_overrides(parser)
    add_no_daemon(parser)
    add_format(parser, "sarif", "github")


def run(arguments: Namespace) -> int:
    """Check and print."""
    from codeanatomy import config
    from codeanatomy.cli import graph
    from codeanatomy.cli.cells import suffix
    from codeanatomy.cli.exits import Exit
    from codeanatomy.cli.workspace_arguments import overrides

    root = workspace(arguments)
    settings = config.load(root, overrides(arguments))
    answering = graph.answering(root, arguments)
    snapshot = answering.snapshot
    if settings.options.witnesses.syntax:
        snapshot = answering.hear(["cpython"], snapshot.paths(), True)
    rows = [row for row in found(root, settings, snapshot) if row["confidence"] >= arguments.min_confidence]
    if arguments.write_baseline:
        return _write_baseline(Path(arguments.write_baseline), rows)
    if arguments.baseline:
        rows = _new(rows, _baseline(Path(arguments.baseline)))
    match arguments.format:
        case "json":
            import msgspec

            print(msgspec.json.format(msgspec.json.encode(rows)).decode())
        case "sarif":
            print(_sarif(rows))
        case "github":
            for row in rows:
                place = f"file={_property(row['path'])},line={row['line']},col={row['column']}"
                title = f"title={_property(row['code'])}"
                print(f"::{_LEVELS[row['severity']]} {place},{title}::{_data(row['message'])}")
        case _:
            for row in rows:
                said = f"{row['severity']}[{row['code']}]: {row['message']}{suffix(row)}"
                print(f"{row['path']}:{row['line']}:{row['column']}: {said}")
    least = _COUNTS[arguments.fail_on]
    counts = any(_COUNTS.get(row["severity"], 4) <= least for row in rows)
    return Exit.FINDINGS if counts else Exit.OK


def found(root: Path, settings: Configuration, snapshot: Snapshot) -> list[Row]:
    """Everything that is wrong, in the order of files and lines."""
    from codeanatomy.cli.cells import Cells

    cells = Cells(root)
    rows = [*_governed(root), *_diagnosed(snapshot), *_imported(root, settings, snapshot, cells)]
    rows = [cells.shown(row) for row in (*rows, *_defined(root, snapshot, cells))]
    return sorted(rows, key=lambda row: (row["path"], row["line"], row["column"], row["code"], row["message"]))


def _governed(root: Path) -> Iterator[Row]:
    """Decisions that keep work from parts of the workspace."""
    import datetime

    from codeanatomy_incremental import governance

    kinds = {"BLOCKED": ("error", "blocked"), "PENDING": ("warning", "pending"), "WARN": ("information", "warning")}
    for each in governance.read(root, datetime.date.today()):
        severity, kind = kinds.get(each.signal.status, ("", ""))
        if not each.in_force:
            severity, kind = "information", "expired"
        if severity:
            said = f"{each.signal.status} {each.signal.scope}: {each.signal.reason} ({each.signal.recorded_by})"
            yield _row(governance.FILE, each.line, 1, severity, f"governance-{kind}", said)


def _diagnosed(snapshot: Snapshot) -> Iterator[Row]:
    """Syntax errors and what diagnostic rules find."""
    import msgspec

    from codeanatomy.ide.diagnostics import diagnostics

    for path in snapshot.paths():
        for each in msgspec.json.decode(diagnostics(snapshot, path)):
            start = each["range"]["start"]
            severity = _SEVERITIES[each.get("severity", 1)]
            if each.get("code") == "notebook-language":
                # Nothing is wrong with a notebook of R.
                severity = "information"
            yield _row(path, start["line"] + 1, start["character"] + 1, severity, each.get("code", ""), each["message"])


def _imported(root: Path, settings: Configuration, snapshot: Snapshot, cells: Cells) -> Iterator[Row]:
    """Imports that break contracts, and circles of imports that no contract forbids."""
    from codeanatomy_incremental.contracts import Contract

    from codeanatomy import config
    from codeanatomy.ide import layers

    declared = config.contracts_of(root, settings.options.layers)
    circles = [] if any(each.type == "acyclic" for each in declared) else [Contract("acyclic", type_checking=False)]
    for contracts, severity in ((declared, "error"), (circles, "warning")):
        told: set[tuple[str, str]] = set()
        for each in layers.findings(snapshot, contracts):
            if each.violation.code == "import-cycle":
                # Each import of a file that closes the same circle would say the same.
                if (each.file, each.violation.message) in told:
                    continue
                told.add((each.file, each.violation.message))
            column = cells.column(each.file, each.start) or _column(root / each.file, each.start)
            yield _row(each.file, each.line, column, severity, each.violation.code, each.violation.message)


def _defined(root: Path, snapshot: Snapshot, cells: Cells) -> Iterator[Row]:
    """Definitions that nothing uses, or that replace one that nothing has used."""
    from codeanatomy.ide import unused

    project = root / "pyproject.toml"
    entries = project.read_text("utf-8", "replace") if project.is_file() else ""
    dead, replaced = unused.unused(snapshot, entries), unused.replaced(snapshot)
    places = unused.places(snapshot, [each.id for each in (*dead, *replaced)] + [each.other for each in replaced])
    for each in dead:
        start, line = places[each.id]
        message = f"nothing seems to use the {each.kind} `{each.name}`: {each.why}, confidence {each.confidence:.1f}"
        column = cells.column(each.file, start) or _column(root / each.file, start)
        severity = "warning" if each.confidence >= _SURE else "information"
        yield _row(each.file, line, column, severity, "unused-definition", message, each.confidence)
    for each in replaced:
        start, line = places[each.id]
        before = cells.shown({"path": each.file, "line": places[each.other][1], "column": 1})["line"]
        message = f"`{each.name}` replaces that of line {before}, which nothing has used"
        column = cells.column(each.file, start) or _column(root / each.file, start)
        yield _row(each.file, line, column, "warning", "replaced-definition", message, each.confidence)


def _row(path: str, line: int, column: int, severity: str, code: str, message: str, confidence: float = 1.0) -> Row:
    return {
        "path": path,
        "line": line,
        "column": column,
        "severity": severity,
        "code": code,
        "message": message,
        "confidence": confidence,
    }


def _column(file: Path, start: int) -> int:
    """The column of a byte of a file, counted from 1 in letters."""
    try:
        before = file.read_bytes()[:start]
    except OSError:
        # The file has gone since it was read: its line still says where it was.
        return 1
    return len(before[before.rfind(b"\n") + 1 :].decode("utf-8", "replace")) + 1


def _key(row: Row) -> str:
    """What makes a finding the same when lines above it come and go."""
    return f"{row['path']}: {row['code']}: {re.sub(r'line [0-9]+', 'line', row['message'])}"


def _baseline(file: Path) -> Counter[str]:
    import msgspec

    from codeanatomy.cli.exits import InputError

    try:
        return Counter(msgspec.json.decode(file.read_bytes(), type=dict[str, int]))
    except OSError as error:
        raise InputError(f"the baseline `{file}` cannot be read: {error.strerror}") from error
    except msgspec.MsgspecError as error:
        raise InputError(f"`{file}` is no baseline: {error}") from error


def _new(rows: Sequence[Row], known: Counter[str]) -> list[Row]:
    """The findings that a baseline does not list, or not so often."""
    left = Counter(known)
    kept: list[Row] = []
    for row in rows:
        if left[_key(row)] > 0:
            left[_key(row)] -= 1
        else:
            kept.append(row)
    return kept


def _write_baseline(file: Path, rows: Sequence[Row]) -> int:
    import msgspec

    from codeanatomy.cli.exits import Exit

    now = Counter(_key(row) for row in rows)
    kept = now & _baseline(file) if file.exists() else now
    file.write_bytes(msgspec.json.format(msgspec.json.encode(dict(sorted(kept.items())))) + b"\n")
    new = (now - kept).total()
    print(f"{kept.total()} findings are in {file}" + (f"; {new} new ones are not" if new else ""))
    return Exit.FINDINGS if new else Exit.OK


def _sarif(rows: Sequence[Row]) -> str:
    import msgspec

    from codeanatomy import __version__

    codes = sorted({row["code"] for row in rows})
    results = [
        {
            "ruleId": row["code"],
            "ruleIndex": codes.index(row["code"]),
            "level": {"information": "note", "hint": "note"}.get(row["severity"], row["severity"]),
            "message": {"text": row["message"]},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {"uri": row["path"], "uriBaseId": "%SRCROOT%"},
                        "region": {"startLine": row["line"], "startColumn": row["column"]},
                    }
                }
            ],
            "properties": {"confidence": row["confidence"]},
        }
        for row in rows
    ]
    driver = {"name": "codeanatomy", "version": __version__, "rules": [{"id": code} for code in codes]}
    run_ = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return msgspec.json.format(msgspec.json.encode({"$schema": _SARIF, "version": "2.1.0", "runs": [run_]})).decode()


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
