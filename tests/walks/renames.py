"""Renames of random definitions, judged by the graph and by Python itself.

The new name has as many letters as the old one and occurs nowhere, so that no place moves: what every reference means must
then be the same set of places before and after, and renaming back must give the same bytes. Files that Python compiled must
compile, with the same symbol tables but for the name.
"""

from __future__ import annotations

import random
import re
import string
import symtable
import warnings
from collections import Counter
from collections.abc import Mapping
from typing import Any

import msgspec

from codeanatomy_engine import Snapshot

from codeanatomy.ide.rename import Move, Refusal, Renaming, rename, sure
from codeanatomy.ide.will_rename_files import will_rename_files
from tests.support.memory import Memory, rows
from tests.support.renames import applied, followed, holding, moved

DEFINES = (
    "function",
    "class",
    "assign",
    "annotated",
    "param",
    "import",
    "import_from",
    "for",
    "self_attr",
    "with",
    "walrus",
)

_PLACES = """
SELECT DISTINCT use.file AS file, use.start AS start, use."end" AS stop, refers_to.kind AS kind,
       def.file AS target_file, def.start AS target_start
FROM refers_to JOIN anchors AS use ON use.id = refers_to.expr LEFT JOIN anchors AS def ON def.id = refers_to.target
"""
_NAMED = """
SELECT DISTINCT refers_to.file AS file, def.file AS other, bindings.name AS name
FROM refers_to JOIN bindings ON bindings.binding = refers_to.target JOIN anchors AS def ON def.id = refers_to.target
WHERE refers_to.kind <> 'external'
"""
_LOST = """
SELECT DISTINCT file, '' AS other, module AS name FROM unresolved WHERE module <> '' AND module NOT LIKE '.%'
"""
_OPEN = "SELECT use.file AS file, use.start AS start FROM unresolved JOIN anchors AS use ON use.id = unresolved.expr"


class Definition(msgspec.Struct, frozen=True):
    """A place that binds a name."""

    path: str
    line: int
    character: int
    name: str
    kind: str


class Wrong(msgspec.Struct, frozen=True):
    """A rename after which something is not as it was."""

    definition: Definition
    new: str
    faults: tuple[str, ...]

    def __str__(self) -> str:
        at = self.definition
        head = f"{at.kind} `{at.name}` -> `{self.new}` at {at.path}:{at.line + 1}:{at.character}"
        return "\n".join([head, *(f"  {fault}" for fault in self.faults[:8])])


def definitions(snapshot: Snapshot) -> list[Definition]:
    """All bindings of a workspace, in a fixed order."""
    found: list[Definition] = []
    sql = (
        "SELECT bindings.name AS name, bindings.kind AS kind, anchors.file AS file, anchors.start AS start"
        " FROM bindings JOIN anchors ON anchors.id = bindings.binding ORDER BY file, start"
    )
    for row in rows(snapshot, sql):
        if row["kind"] in DEFINES:
            found.append(Definition(row["file"], 0, row["start"], row["name"], row["kind"]))
    return found


def fresh_name(old: str, texts: Mapping[str, str], draw: random.Random) -> str:
    """A word as long as another one, as public and as private, that no text has."""
    used = {word for text in texts.values() for word in re.findall(r"\w+", text)}
    letters = string.ascii_lowercase if old[:1].islower() else string.ascii_letters
    head = len(old) - len(old.lstrip("_")) if old.strip("_") else 0
    while True:
        word = old[:head] + "".join(draw.choice(letters) for _ in old[head:])
        if word not in used and word.isidentifier():
            return word


def judged(memory: Memory, second: Memory, definition: Definition, new: str) -> Wrong | Refusal | Renaming:
    """Rename, and look at everything that has to stay as it was; the second graph is made to hold what comes of it."""
    before = memory.texts
    line, character = _position(before[definition.path], definition.character)
    at = msgspec.structs.replace(definition, line=line, character=character)
    try:
        whole = rename(memory.snapshot(), at.path, line, character, new)
    except Refusal as refusal:
        return refusal
    renaming = sure(whole)
    after = applied(before, renaming)
    again = holding(second, after)
    faults = [
        *_meanings(memory.snapshot(), again.snapshot(), before, whole),
        *_compiled(before, after, renaming),
        *_undone(before, again, at, renaming),
    ]
    return Wrong(at, new, tuple(faults)) if faults else renaming


def judged_move(memory: Memory, second: Memory, old: str, new: str) -> list[str]:
    """Move a file, make the edits that follow, and look for what is lost: the files that each file refers to, by the names
    of what it means there, must be the same, and no import may come to lead nowhere."""
    before = memory.texts
    edits = will_rename_files(memory.snapshot(), moved(before, old, new))
    move = Renaming("", "", {}, (Move(old, new),))
    after = {_moved(path, move): text for path, text in followed(before, edits).items()}
    again = holding(second, after)
    faults = [
        f"{path} does not compile any more"
        for path, text in before.items()
        if _symbols(text, path, {}) is not None and _symbols(after[_moved(path, move)], path, {}) is None
    ]
    module, new_module = (path.removesuffix(".py").replace("/", ".") for path in (old, new))
    for sql in (_NAMED, _LOST):
        were: set[tuple[str, str, str]] = set()
        for row in rows(memory.snapshot(), sql):
            # What was open below the module that moves is open below its new name.
            is_below = sql == _LOST and f"{row['name']}.".startswith(f"{module}.")
            name = new_module + row["name"].removeprefix(module) if is_below else row["name"]
            were.add((_moved(row["file"], move), _moved(row["other"], move), name))
        are = {(row["file"], row["other"], row["name"]) for row in rows(again.snapshot(), sql)}
        # A package without a file of its own is no module of the graph.
        wrong = were - are if sql == _NAMED else {row for row in are - were if not _is_folder(row[2], after)}
        faults += [f"{'lost' if sql == _NAMED else 'open'}: {row}" for row in sorted(wrong)]
    return faults


def _is_folder(module: str, texts: Mapping[str, str]) -> bool:
    return any(path.startswith(module.replace(".", "/") + "/") for path in texts)


def _meanings(before: Snapshot, after: Snapshot, texts: Mapping[str, str], renaming: Renaming) -> list[str]:
    doubted = {
        (_moved(path, renaming), _offset(texts[path], edit.range.start.line, edit.range.start.character))
        for path, edits in renaming.edits.items()
        for edit in edits
        if edit.doubt
    }
    faults: list[str] = []
    for sql, what in ((_PLACES, "reference"), (_OPEN, "open reference")):
        were = Counter(_shown(row, renaming) for row in rows(before, sql))
        are = Counter(_shown(row, None) for row in rows(after, sql))
        unsure = doubted | (_ambiguous(were) if what == "reference" else set())
        lost = [row for row in were - are if (row[0], row[1]) not in unsure]
        came = [row for row in are - were if (row[0], row[1]) not in unsure]
        faults += [f"{what} lost: {row}" for row in sorted(lost, key=str) if what == "reference"]
        faults += [f"{what} new: {row}" for row in sorted(came, key=str)]
    return faults


def _ambiguous(found: Counter[tuple[Any, ...]]) -> set[tuple[str, int]]:
    count = Counter((row[0], row[1]) for row in found)
    return {place for place, number in count.items() if number > 1}


def _shown(row: dict[str, Any], renaming: Renaming | None) -> tuple[Any, ...]:
    def there(path: str | None) -> str | None:
        return path if path is None or renaming is None else _moved(path, renaming)

    if "kind" not in row:
        return (there(row["file"]), row["start"])
    return (there(row["file"]), row["start"], row["stop"], row["kind"], there(row["target_file"]), row["target_start"])


def _moved(path: str, renaming: Renaming) -> str:
    for move in renaming.moves:
        if path == move.old or path.startswith(f"{move.old}/"):
            return move.new + path.removeprefix(move.old)
    return path


def _compiled(before: Mapping[str, str], after: Mapping[str, str], renaming: Renaming) -> list[str]:
    faults: list[str] = []
    names = {renaming.old_name: "?", renaming.new_name: "?"}
    for path, text in before.items():
        now = after[_moved(path, renaming)]
        if now == text:
            continue
        tables = _symbols(text, path, names)
        if tables is None:
            continue
        renamed = _symbols(now, path, names)
        if renamed is None:
            faults.append(f"{path} does not compile any more")
        elif tables != renamed:
            faults.append(f"{path} has other symbols: {sorted(map(str, tables ^ renamed))[:2]}")
    return faults


def _symbols(text: str, path: str, names: Mapping[str, str]) -> set[Any] | None:
    """All symbol tables of a text with a word in place of some names; none if it does not compile."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(text, path, "exec", dont_inherit=True)
            top = symtable.symtable(text, path, "exec")
    except (SyntaxError, ValueError):
        return None
    found: set[Any] = set()
    stack = [(top, ())]
    while stack:
        table, way = stack.pop()
        way = (*way, table.get_lineno(), names.get(table.get_name(), table.get_name()))
        symbols = Counter(
            (
                names.get(each.get_name(), each.get_name()),
                each.is_global(), each.is_local(), each.is_free(), each.is_parameter(), each.is_imported(),
            )
            for each in table.get_symbols()
        )  # fmt: skip
        if table.get_type() == "class":
            # Where the body of a class uses a name before it binds it, it means another one: the tables see one name there.
            local = {each[0] for each in symbols if each[2]}
            for each in [each for each in symbols if each[0] in local and each[0] in names.values() and not each[2]]:
                del symbols[each]
        found.add((way, frozenset(symbols.items())))
        stack += [(child, way) for child in table.get_children()]
    return found


def _undone(before: Mapping[str, str], again: Memory, at: Definition, renaming: Renaming) -> list[str]:
    path = _moved(at.path, renaming)
    try:
        back = sure(rename(again.snapshot(), path, at.line, at.character, renaming.old_name))
    except Refusal as refusal:
        # The old name may have been another one's too: what was tolerated as it stood is refused as a wish.
        return [] if refusal.code == "rename-clash" else [f"no way back: {refusal}"]
    undone = applied(again.texts, back)
    if undone == before:
        return []
    return [f"the way back gives another text: {path}" for path in before if undone.get(path) != before[path]]


def _position(text: str, offset: int) -> tuple[int, int]:
    """Line and UTF-16 column of a byte offset."""
    before = text.encode()[:offset].decode()
    lines = re.split(r"\r\n|\r|\n", before)
    return len(lines) - 1, len(lines[-1].encode("utf-16-le")) // 2


def _offset(text: str, line: int, character: int) -> int:
    """Byte offset of a line and UTF-16 column."""
    starts = [0, *(found.end() for found in re.finditer(r"\r\n|\r|\n", text))]
    rest = text[starts[line] :].encode("utf-16-le")[: 2 * character].decode("utf-16-le")
    return len((text[: starts[line]] + rest).encode())
