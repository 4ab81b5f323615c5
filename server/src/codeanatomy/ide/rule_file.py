"""What an editor is told while a person writes a rule file: which keys there are, which relations and columns, what they mean.

Works on the text of the file as it stands, which need not be TOML yet, and on what the rules in force are compiled to.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import msgspec

from codeanatomy_engine import Snapshot

from codeanatomy_incremental.options import CONFIG_NAME
from codeanatomy_incremental.packs import load as packs

_KEY = re.compile(r"^\s*(?P<key>[a-z_]+)\s*=")
_UNFINISHED_KEY = re.compile(r"^\s*(?P<key>[a-z_]*)$")
_COLUMN = re.compile(r"(?P<of>[A-Za-z_]\w*)\.(?P<column>\w*)$")
_WORD = re.compile(r"[A-Za-z_]\w*")
_ALIAS = re.compile(r"\b(?P<relation>[a-z_]\w*)\s+as\s+(?P<alias>[a-z_]\w*)", re.IGNORECASE)
_RELATIONS = frozenset({"inputs", "into"})
_EXPRESSIONS = frozenset({"match", "sql", "confidence", "winner", "grain", "roles"})
_PATTERN = re.compile(r"(?P<relation>[a-z_]\w*)\((?P<arguments>[^()]*(?:\([^()]*\)[^()]*)*)$")
_TRIPLE = '"""'
_CHOICES = {
    "kind": ("normalize", "derive", "relate", "union", "project", "diagnostic"),
    "refresh": ("keyed", "full"),
    "severity": ("error", "warning", "information", "hint"),
    "stored": ("true", "false"),
}


class Relation(msgspec.Struct, frozen=True):
    """A table or rule that a rule may read."""

    name: str
    columns: tuple[str, ...]
    doc: str = ""
    kind: str = "evidence"
    column_docs: tuple[str, ...] = ()
    """What the columns of an evidence table are, in their order; empty for rules."""

    def said_of(self, column: str) -> str:
        """What a column is; empty where nothing is written about it."""
        return dict(zip(self.columns, self.column_docs, strict=False)).get(column, "")


class Item(msgspec.Struct, frozen=True):
    """Something that may be written at a place."""

    label: str
    what: Literal["key", "value", "relation", "column"]
    detail: str = ""
    documentation: str = ""


def relations(snapshot: Snapshot) -> dict[str, Relation]:
    """Everything that a rule may read, by name."""
    plan: dict[str, Any] = msgspec.json.decode(snapshot.plan(None))
    found = {
        each["name"]: Relation(
            each["name"], tuple(each["columns"]), each["doc"], column_docs=tuple(each["column_docs"])
        )
        for each in plan["evidence"]
    }
    for view in plan["views"]:
        found[view["name"]] = Relation(view["name"], tuple(view["columns"]), view["doc"], view["kind"])
    return found


def completion(file: str, text: str, line: int, column: int, known: Mapping[str, Relation]) -> list[Item]:
    """What may be written at a place of a file of that name; line and column count from 0, in characters."""
    if file == CONFIG_NAME:
        return []
    lines = text.split("\n")
    before = lines[line][:column] if line < len(lines) else ""
    key = _key_at(lines, line, column)
    if key is None:
        unfinished = _UNFINISHED_KEY.match(before)
        written = {found["key"] for each in lines if (found := _KEY.match(each))}
        docs = packs.header_docs() if file == packs.PACK_FILE else packs.key_docs()
        return [Item(name, "key", "", docs[name]) for name in docs if name not in written] if unfinished else []
    if file == packs.PACK_FILE:
        return []
    if key in _CHOICES:
        return [Item(choice, "value") for choice in _CHOICES[key]]
    if key in _RELATIONS:
        return [_item(each) for each in known.values() if key != "into" or each.kind == "union"]
    if key not in _EXPRESSIONS:
        return []
    if asked := _COLUMN.search(before):
        relation = known.get(_aliases(text).get(asked["of"], asked["of"]))
        return _columns(relation)
    if key == "match" and (pattern := _pattern_at(lines, line, column)) is not None:
        return _columns(known.get(pattern))
    aliases = [Item(alias, "relation", relation) for alias, relation in _aliases(text).items()]
    return [*aliases, *(_item(each) for each in known.values())]


def hover(file: str, text: str, line: int, column: int, known: Mapping[str, Relation]) -> str:
    """What the word at a place of a file of that name is, as Markdown; empty if it is nothing that is known."""
    lines = text.split("\n")
    if line >= len(lines) or file == CONFIG_NAME:
        return ""
    word = next((each for each in _WORD.finditer(lines[line]) if each.start() <= column <= each.end()), None)
    if word is None:
        return ""
    key = _KEY.match(lines[line])
    if key is not None and key.span("key") == word.span() and _key_at(lines, line, word.start()) is None:
        docs = packs.header_docs() if file == packs.PACK_FILE else packs.key_docs()
        return f"`{word[0]}`\n\n{docs[word[0]]}" if docs.get(word[0]) else ""
    if file == packs.PACK_FILE:
        return ""
    aliases = _aliases(text)
    of = _COLUMN.search(lines[line][: word.end()])
    if of is not None and of.start("column") == word.start():
        relation = known.get(aliases.get(of["of"], of["of"]))
        if relation is not None and word[0] in relation.columns:
            return _said_of_column(relation, word[0])
        return ""
    if (pattern := known.get(_pattern_at(lines, line, word.start()) or "")) is not None and word[0] in pattern.columns:
        return _said_of_column(pattern, word[0])
    relation = known.get(aliases.get(word[0], word[0]))
    return _shown(relation) if relation is not None else ""


def _said_of_column(relation: Relation, column: str) -> str:
    parts = (
        f"`{relation.name}.{column}`",
        relation.said_of(column),
        f"A column of `{relation.name}`. {relation.doc}",
    )
    return "\n\n".join(part.rstrip() for part in parts if part)


def _columns(relation: Relation | None) -> list[Item]:
    if relation is None:
        return []
    return [Item(name, "column", relation.name, relation.said_of(name)) for name in relation.columns]


def _pattern_at(lines: Sequence[str], line: int, column: int) -> str | None:
    """The relation in whose pattern a place stands, if it stands in one."""
    if _key_at(lines, line, column) != "match":
        return None
    before = "\n".join(_until(lines, line, column))
    found = _PATTERN.search(before)
    return found["relation"] if found is not None else None


def _shown(relation: Relation) -> str:
    columns = ", ".join(f"`{each}`" for each in relation.columns)
    return "\n\n".join(
        part for part in (f"`{relation.name}` ({relation.kind})", relation.doc, f"Columns: {columns}") if part
    )


def _item(relation: Relation) -> Item:
    return Item(relation.name, "relation", ", ".join(relation.columns), relation.doc)


def _aliases(text: str) -> dict[str, str]:
    """Aliases with the relation that each stands for."""
    return {found["alias"]: found["relation"] for found in _ALIAS.finditer(text)}


def _key_at(lines: Sequence[str], line: int, column: int) -> str | None:
    """The key in whose value a place stands, if it stands in one: several lines of text or of a list belong to their key."""
    key: str | None = None
    value: list[str] = []
    for each in _until(lines, line, column):
        if key is None or not _is_open("\n".join(value)):
            found = _KEY.match(each)
            key, value = (found["key"], []) if found else (None, [])
        value.append(each)
    return key


def _until(lines: Sequence[str], line: int, column: int) -> Iterator[str]:
    yield from lines[:line]
    if line < len(lines):
        yield lines[line][:column]


def _is_open(value: str) -> bool:
    """Whether a value goes on: a text in three quotes that is not closed, or a bracket."""
    if value.count(_TRIPLE) % 2:
        return True
    bare = re.sub(r'"""(?s:.*?)"""|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'|#.*', "", value)
    return any(bare.count(opening) > bare.count(closing) for opening, closing in ("[]", "{}"))
