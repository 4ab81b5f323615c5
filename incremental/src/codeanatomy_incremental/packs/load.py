"""Reads rule packs and makes the one program document that the engine compiles.

A pack is a folder with a `pack.toml` and one `<rule>.toml` for each rule; the file name is the name of the rule. The loader
answers for the shape of the files (keys, types, required texts) and names file, line and key; what the rules mean is the
engine's business. A rule may give its rows to unions of other packs (`into`), so that a pack adds to what is there and changes no file
of another one.
"""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec

from codeanatomy_incremental import disk, evidence, options, strict_toml

PACK_FILE = "pack.toml"

_MOST_BYTES = 1 << 20
"""A larger file is no rule."""
_HOME = Path(__file__).parent
"""Where the packs of the installation are: a folder each."""
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_NEEDS = ("pyproject.toml", "setup.cfg", "setup.py", "tox.ini", "Pipfile", "requirements*.txt", "requirements/*.txt")
"""Files that say what a workspace needs."""
_MOST_NEEDS = 1024 * 1024
_PLACE = re.compile(r"(?P<file>\S+\.toml)(?::\s*(?P<key>.+?)(?: line (?P<line>\d+))?)?$")


class PackError(Exception):
    """A rule pack that cannot be used."""

    def __init__(self, code: str, file: str, line: int | None, key: str, message: str, hint: str = "") -> None:
        self.code = code
        self.file = file
        self.line = line
        """The line that is wrong, counted from 1, if it can be named."""
        self.key = key
        self.message = message
        self.hint = hint
        place = file if line is None else f"{file}:{line}"
        super().__init__(f"{place}: {message}" + (f" ({hint})" if hint else ""))


class When(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What shows that a workspace uses the framework that a pack is about."""

    distributions: tuple[str, ...] = ()
    """One of these is named in a file that says what the workspace needs."""

    files: tuple[str, ...] = ()
    """One of these is there."""

    always: bool = False
    """It is part of Python, or told of by every project."""


class PackHeader(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The `pack.toml` of a pack."""

    name: str
    """What `[rules] packs` and other packs call it."""
    version: str
    """Of the pack; a person's business."""
    doc: str
    """What the rules are about, in a sentence."""
    when: When = When()
    """When a pack of the installation is taken without being asked for; left out, it never is."""


class Winner(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which of several candidate rows is the answer."""

    group: list[str]
    order: list[str]


class Linear(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The linear order of what each group derives from."""

    group: list[str]
    item: str
    path: str
    consistent: str


class Limit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many rows a group of a rule with rounds may hold, and what marks the row that stands for those left out."""

    group: list[str]
    rows: int
    merge: list[str] | None = None
    mark: dict[str, str] | None = None


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The shape of a rule file."""

    doc: str
    """What a row says: "Holds if ..."."""
    kind: Literal["normalize", "derive", "relate", "union", "project", "diagnostic"]
    """What the rule makes: another shape of a relation, new facts, a relationship, several relations as one, columns of an
    output, or rows that a person is told about."""
    example: str
    """The smallest source that shows it."""
    match: str | None = None
    """Patterns `relation(column, column=variable, column <> 0)` whose shared variables are the joins; `not`, `any` and `maybe` before
    one, `name := expression`, conditions, and `or` between alternatives. Variables are the columns of the rule, but for those with `_`."""
    sql: str | None = None
    """The whole rule as SQL, where a `match` cannot say it."""
    inputs: list[str] | None = None
    """The rules and relations that a union puts together; all have the same columns."""
    into: list[str] | None = None
    """Unions, of other packs too, that get the rows of this rule as one more input."""
    rounds: int | None = None
    """How deep the rule, or an input of the union, may build on rows of the rule itself."""
    winner: Winner | None = None
    """`group`: the columns that name the contest; `order`: by what the first is chosen, each optionally `desc`."""
    limit: Limit | None = None
    """How many rows a group of a rule with rounds may hold, and what marks the row that stands for those left out."""
    linearize: Linear | None = None
    """The linear order of what each group derives from."""
    grain: list[str] | None = None
    """The columns that name the unit of refresh, where that is not the first variable of the `match`."""
    refresh: Literal["keyed", "full"] | None = None
    """`keyed` (default), or `full`: run whole at every change, where a rule cannot be keyed."""
    confidence: float | str | None = None
    """How sure a row is: a number or an SQL expression over the variables of the `match`."""
    score: float | None = None
    """How a row ranks against rows of other rules in the same union."""
    why: str | None = None
    """The sentence that explains a row, with `{column}` holes."""
    severity: Literal["error", "warning", "information", "hint"] | None = None
    """Of a diagnostic: how bad."""
    code: str | None = None
    """Of a diagnostic: a stable name."""
    message: str | None = None
    """Of a diagnostic: the sentence, with `{column}` holes."""
    roles: dict[str, str] | None = None
    """Table of column to role, where it is neither named like its role nor bound to a column that has it; with `rounds` as
    `type:role`."""
    stored: bool | None = None
    """`false`: no rows are kept, the rule is run when a query names it."""


class RuleFile(msgspec.Struct, frozen=True):
    """A rule file as it was found."""

    name: str
    pack: str
    file: str
    """The file, as messages name it."""

    text: str


class Program(msgspec.Struct, frozen=True):
    """The program of a workspace: what the engine gets, and the files that it came from."""

    document: bytes
    packs: tuple[PackHeader, ...]
    rules: tuple[RuleFile, ...]


def load(packs: Sequence[str], root: Path, paths: Sequence[str]) -> Program:
    """The program of the packs that are installed under these names and of those below folders of the workspace."""
    headers: list[PackHeader] = []
    rules: list[RuleFile] = []
    views: list[dict[str, Any]] = []
    for folder, shown in _folders(packs, root, paths):
        header = _header(folder, shown)
        if any(header.name == known.name for known in headers):
            raise PackError(
                "pack-duplicate", f"{shown}/{PACK_FILE}", None, "name", f"a second pack is called `{header.name}`"
            )
        headers.append(header)
        for rule, view in _rules(folder, shown, header.name):
            rules.append(rule)
            views.append(view)
    _give(rules, views)
    document = {
        "packs": [{"name": each.name, "version": each.version} for each in headers],
        "tables": [_declared(table) for table in evidence.tables()],
        "views": views,
    }
    return Program(document=msgspec.json.encode(document), packs=tuple(headers), rules=tuple(rules))


def _declared(table: evidence.Table) -> dict[str, Any]:
    """A table that extractors fill, as the engine is told of it."""
    columns = [{"name": each.name, "kind": each.kind, "role": each.role, "of": each.of} for each in table.columns]
    return {"name": table.name, "key": table.key, "columns": columns}


def key_docs() -> dict[str, str]:
    """What each key of a rule file means."""
    docs = options.field_docs(Rule)
    return {field.encode_name: docs[field.name] for field in msgspec.structs.fields(Rule)}


def header_docs() -> dict[str, str]:
    """What each key of a `pack.toml` means."""
    return options.field_docs(PackHeader)


def misshapen(file: str, text: str) -> PackError | None:
    """What is wrong with the text of a rule file or `pack.toml` taken alone, if anything is."""
    try:
        _decode(text, file, PackHeader if file.rpartition("/")[2] == PACK_FILE else Rule)
    except PackError as error:
        return error
    return None


def line_of(program: Program, where: str) -> int | None:
    """The line that the engine means by a place such as `packs/python/calls.toml: winner.order`, if it can be found."""
    found = _PLACE.search(where)
    if found is None:
        return None
    text = next((rule.text for rule in program.rules if rule.file == found["file"]), None)
    if text is None:
        return None
    line = strict_toml.line_of(text, tuple(re.split(r"[.\[]", found["key"] or ""))) or 1
    if found["line"] is None:
        return line
    # The text begins below its key, unless it stands on the same line.
    begins_below = text.split("\n")[line - 1].rstrip().endswith('"""')
    return line + int(found["line"]) - (0 if begins_below else 1)


def installed() -> tuple[str, ...]:
    """The names of the packs that come with the installation, sorted."""
    return tuple(sorted(each.name for each in _HOME.iterdir() if (each / PACK_FILE).is_file()))


def header(name: str) -> PackHeader:
    """The header of a pack of the installation."""
    return _header(_HOME / name, f"packs/{name}")


def detected(root: Path) -> dict[str, str]:
    """The packs of the installation whose framework a workspace uses, each with what shows it; nothing where a pack is always taken."""
    named = {name: header(name).when for name in installed()}
    texts = dict(_needs(root))
    found: dict[str, str] = {}
    for name, when in named.items():
        if when.always:
            found[name] = ""
            continue
        asked = [re.compile(rf"(?<![\w.-]){re.escape(each)}(?![\w-])", re.IGNORECASE) for each in when.distributions]
        shows = next((file for file, text in texts.items() if any(each.search(text) for each in asked)), None)
        shows = shows or next((file for file in when.files if (root / file).is_file()), None)
        if shows is not None:
            found[name] = shows
    return found


def _needs(root: Path) -> Iterator[tuple[str, str]]:
    for pattern in _NEEDS:
        for file in sorted(root.glob(pattern)):
            try:
                if file.is_file() and file.stat().st_size <= _MOST_NEEDS:
                    yield file.relative_to(root).as_posix(), file.read_text("utf-8", "replace")
            except OSError:
                # What cannot be read shows nothing.
                continue


def _give(rules: Sequence[RuleFile], views: Sequence[dict[str, Any]]) -> None:
    """Make rules inputs of the unions that they name in `into`."""
    unions = {view["name"]: view for view in views if view["kind"] == "union"}
    for rule, view in zip(rules, views, strict=True):
        for name in view.pop("into", ()):
            if name not in unions:
                line = strict_toml.line_of(rule.text, ("into",))
                hint = strict_toml.nearest(name, unions)
                raise PackError("rule-unknown-relation", rule.file, line, "into", f"there is no union `{name}`", hint)
            unions[name]["inputs"] = [*unions[name]["inputs"], rule.name]


def _folders(packs: Iterable[str], root: Path, paths: Iterable[str]) -> Iterator[tuple[Path, str]]:
    known = installed()
    for name in packs:
        if name not in known:
            hint = strict_toml.nearest(name, known)
            raise PackError(
                "pack-unknown", "codeanatomy.toml", None, "rules.packs", f"no pack is called `{name}`", hint
            )
        yield _HOME / name, f"packs/{name}"
    for path in paths:
        folder = root / path
        if not Path(os.path.realpath(folder)).is_relative_to(os.path.realpath(root)):
            hint = "rules of a workspace lie in it"
            said = f"`{path}` leads out of the workspace"
            raise PackError("pack-outside", "codeanatomy.toml", None, "rules.paths", said, hint)
        if not folder.is_dir():
            raise PackError("pack-missing", "codeanatomy.toml", None, "rules.paths", f"there is no folder `{path}`")
        found = [folder] if (folder / PACK_FILE).is_file() else sorted(p.parent for p in folder.glob(f"*/{PACK_FILE}"))
        if not found:
            raise PackError(
                "pack-missing", path, None, "", f"there is no `{PACK_FILE}` in it", "a pack is a folder with one"
            )
        for each in found:
            yield each, each.relative_to(root).as_posix() if each.is_relative_to(root) else each.as_posix()


def _header(folder: Path, shown: str) -> PackHeader:
    where = f"{shown}/{PACK_FILE}"
    return _decode(_text(folder / PACK_FILE, where), where, PackHeader)


def _rules(folder: Path, shown: str, pack: str) -> Iterator[tuple[RuleFile, dict[str, Any]]]:
    for file in sorted(folder.iterdir(), key=lambda each: each.name):
        if not file.name.endswith(".toml") or file.name == PACK_FILE:
            continue
        where = f"{shown}/{file.name}"
        name = file.name.removesuffix(".toml")
        if _NAME.fullmatch(name) is None:
            hint = "lower case letters, digits and `_`, a letter first"
            raise PackError("rule-name", where, None, "", f"`{name}` is no name for a rule", hint)
        text = _text(file, where)
        rule = _decode(text, where, Rule)
        for key in ("doc", "example"):
            if not getattr(rule, key).strip():
                line = strict_toml.line_of(text, (key,))
                raise PackError("rule-decode", where, line, key, f"`{key}` is empty", "say what holds, and show it")
        view = {key: value for key, value in msgspec.to_builtins(rule).items() if value is not None}
        yield RuleFile(name=name, pack=pack, file=where, text=text), view | {"name": name, "pack": pack, "file": where}


def _text(file: Path, where: str) -> str:
    content, wrong = disk.read(os.fspath(file), _MOST_BYTES)
    if content is None:
        raise PackError("pack-unreadable", where, None, "", f"cannot be read: {wrong}")
    try:
        return content.decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise PackError("pack-unreadable", where, None, "", "is not UTF-8 text") from error


@functools.lru_cache(maxsize=1024)
def _decode(text: str, where: str, shape: type[strict_toml.T]) -> strict_toml.T:
    try:
        return strict_toml.decode(text, where, shape)
    except strict_toml.TomlError as error:
        raise PackError("rule-decode", where, error.line, error.key, error.message, error.hint) from error
