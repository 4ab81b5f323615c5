"""Writes the reference pages of what the engine knows: rules, evidence tables and codes.

Each page is read off its source: rules from the installed packs and from what the engine compiled of them, tables and codes
from the Rust contracts. A test compares the pages with what this program makes of them.

    python tools/reference.py
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from codeanatomy_engine import Engine

from codeanatomy_incremental import codes as python_codes
from codeanatomy_incremental import contracts, evidence, governance
from codeanatomy_incremental.history import failure
from codeanatomy_incremental.packs.load import Program, installed, load

from codeanatomy.ide import purity, unused

ROOT = Path(__file__).resolve().parent.parent
FACTS = ROOT / "rust" / "crates" / "anatomy_facts" / "src"
PAGES = ROOT / "docs" / "reference"
NOTICE = "<!-- Made by `python tools/reference.py` from {source}. Do not edit. -->"
TYPES = {"id": "id", "symbol": "symbol", "int": "number", "truth": "truth", "Text": "text", "Float": "number"}
LATE_TYPES = {"id": "id", "symbol": "symbol", "int": "number", "bool": "truth", "text": "text", "float": "number"}

_CONTRACT = re.compile(r"pub const \w+: Contract = Contract \{(?P<body>.*?)\n\};", re.DOTALL)
_TEXT = re.compile(r'"((?:[^"\\]|\\.)*)"')
_COLUMN = re.compile(
    r"(?P<file>\bFILE\b)"
    r"|\b(?P<kind>id|symbol|int|truth|column)\(\s*"
    r'(?P<rest>"(?:[^"\\]|\\.)*"(?:\s*,\s*(?:"(?:[^"\\]|\\.)*"|ColumnType::\w+))*)\s*,?\s*\)'
)
_RUN_COLUMN = re.compile(r'\b(id|symbol|int|truth|text|float)\(\s*"(\w+)",\s*"((?:[^"\\]|\\.)*)"')
RUN_TYPES = {"id": "number", "symbol": "symbol", "int": "number", "truth": "truth", "text": "text", "float": "number"}
_CODE = re.compile(r'^    \w+ = "(?P<code>[a-z-]+)", "(?P<doc>(?:[^"\\]|\\.)*)";$', re.MULTILINE)


class Column(NamedTuple):
    """A column of an evidence table."""

    name: str
    kind: str
    role: str
    doc: str


class Table(NamedTuple):
    """An evidence table."""

    name: str
    doc: str
    key: str
    columns: list[Column]


def tables() -> list[Table]:
    """The contracts of all evidence tables, in the order in which they stand."""
    text = (FACTS / "tables.rs").read_text("utf-8")
    shared = re.search(r"const FILE: Column = (.*?);", text, re.DOTALL)
    if shared is None:
        raise ValueError("tables.rs has no column FILE")
    [file] = _columns(shared[1], None)
    found: list[Table] = []
    for contract in _CONTRACT.finditer(text):
        head, _, columns = contract["body"].partition("columns:")
        name, doc, key = (_text(each[1]) for each in re.finditer(r'\w+: "((?:[^"\\]|\\.)*)"', head))
        found.append(Table(name, doc, key, list(_columns(columns, file))))
    return found


def run_tables() -> list[Table]:
    """The contracts of the tables that tell what ran, in the order in which they stand."""
    text = (FACTS / "run_tables.rs").read_text("utf-8")
    shared = dict(re.findall(r"^const (\w+): Column = (.*?);$", text, re.MULTILINE | re.DOTALL))
    found: list[Table] = []
    for contract in _CONTRACT.finditer(text):
        head, _, columns = contract["body"].partition("columns:")
        name, doc, key = (_text(each[1]) for each in re.finditer(r'\w+: "((?:[^"\\]|\\.)*)"', head))
        columns = re.sub(r"\b[A-Z]+\b(?=,)", lambda word: shared.get(word[0], word[0]), columns)
        found.append(
            Table(
                name,
                doc,
                key,
                [Column(of[2], RUN_TYPES[of[1]], "", _text(of[3])) for of in _RUN_COLUMN.finditer(columns)],
            )
        )
    return found


def codes() -> list[tuple[str, str]]:
    """Every code with its sentence."""
    return [(code["code"], _text(code["doc"])) for code in _CODE.finditer((FACTS / "codes.rs").read_text("utf-8"))]


def tables_page() -> str:
    """The page of the evidence tables."""
    lines = [
        "# Evidence tables",
        "",
        NOTICE.format(source="`anatomy_facts/src/tables.rs` and `run_tables.rs`"),
        "",
        "What is extracted from source, before any rule. `codeanatomy query` shows symbols as text. The role of a column is",
        "what rules are joined on. Places are no evidence: the table `anchors` has them, for queries only.",
        "",
        "For queries only are also the tables of the environment: `search_path` (position, kind, path, module, used, reason,",
        "origin: where imports are looked up, and what was passed over), `library_modules` (module, path, reason: what imports",
        "asked for, and why it is not there) and `library_files` (file, module, distribution, version, source).",
    ]
    for table in tables():
        key = f" Each row is named by `{table.key}`." if table.key else ""
        lines += ["", f"## {table.name}", "", table.doc + key, "", "| column | type | role | |", "|---|---|---|---|"]
        lines += [f"| {each.name} | {each.kind} | {each.role} | {_cell(each.doc)} |" for each in table.columns]
    lines += [
        "",
        "# Tables of slow extractors",
        "",
        "From the modules of `codeanatomy_incremental.evidence`. They have rows of files whose extractor was asked about the text that",
        "the graph holds ([witnesses](../witnesses.md)); a rule that reads one is `stored = false`. A column `file` stands before the",
        "others. In Arrow an id is `UInt64`, a symbol `Utf8` (inside `UInt32`), a number `UInt32`, a truth `Boolean`, a text `Utf8`. What ran",
        "is in `witness_runs` (file, witness, status, stamp, micros), what failed in `extract_errors` (file, start, end, line, node_kind,",
        "severity, code, message, witness, stage).",
    ]
    for witness in ("", *evidence.witnesses()):
        for late in evidence.module(witness).TABLES if witness else (evidence.SYNTAX_ERRORS,):
            key = f" Each row is named by `{late.key}`." if late.key else ""
            by = f" By the witness `{witness}`." if witness else ""
            lines += [
                "",
                f"## {late.name}",
                "",
                late.doc + by + key,
                "",
                "| column | type | role | |",
                "|---|---|---|---|",
            ]
            lines += [
                f"| {each.name} | {LATE_TYPES[each.kind]} | {each.role} | {_cell(_told(each))} |"
                for each in late.columns
            ]
    lines += ["", "# Run tables", "", "What ran, for queries only: see [runs](../runs.md). Times are microseconds."]
    for table in run_tables():
        lines += ["", f"## {table.name}", "", table.doc, "", "| column | type | |", "|---|---|---|"]
        lines += [f"| {each.name} | {each.kind} | {_cell(each.doc)} |" for each in table.columns]
    return "\n".join(lines) + "\n"


def _told(column: evidence.Column) -> str:
    """What a column of a slow extractor holds, with what an id is an id of."""
    own = {"expr": "of the graph", "name": "of the graph", "binding": "of the graph", "scope": "of the graph"}
    of = f"id of {column.of}, {own.get(column.of, 'of the witness')}" if column.of else ""
    return "; ".join(part for part in (column.doc, of) if part)


def codes_page() -> str:
    """The page of the error and diagnostic codes."""
    lines = [
        "# Codes",
        "",
        NOTICE.format(
            source="`anatomy_facts/src/codes.rs`, the diagnostic rules, `codes.py`, `contracts.py` and `history/failure.py`"
        ),
        "",
        "Messages may change, codes do not.",
        "",
        "| code | meaning |",
        "|---|---|",
    ]
    lines += [f"| `{code}` | {_cell(doc)} |" for code, doc in codes()]
    rules = [view for view in _views(_program()) if view.get("code")]
    lines += ["", "## From rules", "", "| code | severity | rule | meaning |", "|---|---|---|---|"]
    lines += [
        f"| `{rule['code']}` | {rule['severity']} | [{rule['name']}](rules.md#{rule['name']}) | {_cell(rule['doc'])} |"
        for rule in rules
    ]
    lines += ["", "## From the server and the command line", "", "| code | stage | meaning |", "|---|---|---|"]
    lines += [f"| `{code}` | {each.stage} | {_cell(each.doc)} |" for code, each in python_codes.CODES.items()]
    lines += ["", "## Exit codes", "", "| code | meaning |", "|---|---|"]
    lines += [f"| {code} | {_cell(doc)} |" for code, doc in python_codes.EXIT_CODES.items()]
    lines += ["", "## From `codeanatomy check`", "", "| code | meaning |", "|---|---|"]
    lines += [f"| `{code}` | {_cell(doc)} |" for code, doc in (unused.CODES | purity.CODES | governance.CODES).items()]
    lines += ["", "## From contracts", "", "See [layers](../layers.md).", "", "| code | meaning |", "|---|---|"]
    lines += [f"| `{code}` | {_cell(doc)} |" for code, doc in contracts.CODES.items()]
    lines += ["", "## From the history", "", "See [history](../history.md).", "", "| code | meaning |", "|---|---|"]
    lines += [f"| `{code}` | {_cell(doc)} |" for code, doc in failure.CODES.items()]
    return "\n".join(lines) + "\n"


def rules_page() -> str:
    """The page of the rules of all installed packs."""
    program = _program()
    compiled = {
        view["name"]: view for view in msgspec.json.decode(Engine(program.document).snapshot().plan(None))["views"]
    }
    lines = [
        "# Rules",
        "",
        NOTICE.format(source="the rule files and their compiled plans"),
        "",
        "The rules that come with the installation. A rule without a grain of its own is a part of the union that it names.",
    ]
    views = _views(program)
    for pack in program.packs:
        lines += ["", f"The pack `{pack.name}` {pack.version}: {pack.doc}"]
    for view in sorted(views, key=lambda view: view["name"]):
        lines += _rule(view, compiled.get(view["name"]), views)
    return "\n".join(lines) + "\n"


def pages() -> dict[str, str]:
    """All pages by file name."""
    return {"rules.md": rules_page(), "tables.md": tables_page(), "codes.md": codes_page()}


def _rule(view: dict[str, Any], compiled: dict[str, Any] | None, views: list[dict[str, Any]]) -> Iterator[str]:
    yield from ("", f"## {view['name']}", "", f"{view['doc']}")
    facts = [f"`{view['kind']}`"]
    if compiled is None:
        unions = [other["name"] for other in views if view["name"] in other.get("inputs", [])]
        facts.append("part of " + ", ".join(f"[{name}](#{name})" for name in unions))
    else:
        facts.append("reads " + ", ".join(f"`{name}`" for name in compiled["inputs"]))
        facts.append(f"one unit for each `{', '.join(compiled['grain'])}` ({compiled['grain_reason']})")
        if compiled["rounds"]:
            facts.append(f"at most {compiled['rounds']} rounds")
        if not compiled["stored"]:
            facts.append("run when asked")
        if compiled["refresh"] != "keyed":
            facts.append("run whole at every change")
    if isinstance(view.get("confidence"), float):
        facts.append(f"confidence {view['confidence']}")
    yield from ("", "; ".join(facts) + ".")
    if view.get("why"):
        yield from ("", f"Explained as: {view['why']}")
    if view.get("example"):
        yield ""
        yield from (f"> {line}".rstrip() for line in view["example"].strip().splitlines())


def _program() -> Program:
    return load(installed(), ROOT, ())


def _views(program: Program) -> list[dict[str, Any]]:
    return msgspec.json.decode(program.document)["views"]


def _columns(text: str, file: Column | None) -> Iterator[Column]:
    for found in _COLUMN.finditer(text):
        if found["file"]:
            if file is not None:
                yield file
            continue
        kind, texts = found["kind"], [_text(each) for each in _TEXT.findall(found["rest"])]
        if kind in ("int", "truth"):
            name, role, doc = texts[0], "", texts[1]
        else:
            name, role, doc = texts
        if kind == "column":
            kind = found["rest"].split("ColumnType::")[1].split(",")[0].strip()
        yield Column(name, TYPES[kind], role, doc)


def _text(literal: str) -> str:
    return literal.replace('\\"', '"').replace("\\\\", "\\")


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    for name, page in pages().items():
        (PAGES / name).write_text(page, "utf-8")
