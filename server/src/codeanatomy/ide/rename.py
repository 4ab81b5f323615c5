"""What a rename changes in every file, or why it cannot be.

The graph says which definitions share a name of necessity, which words spell it and what stands in the way; here it is decided
what is refused, what is sure, and what a person has to confirm. All or nothing: whatever is refused changes nothing.
"""

from __future__ import annotations

import keyword
import unicodedata
from collections.abc import Iterable
from typing import Literal

import msgspec

from codeanatomy_engine import Snapshot

from codeanatomy.ide.explain import Position, Range, shown

SURE = 0.5
"""A word whose edge is less certain than this has to be confirmed."""

MOST_UNKNOWN = 50
"""Of more words that cannot be told than this, only the number is said: a list would drown the others."""

SURE_IN_TEXT = 0.9
"""The same of a word in a text, where a rule says what the text means; of others nothing says that it means a name at all."""

Doubt = Literal["", "several", "unsure", "string", "unknown"]
"""Why a change has to be confirmed: the word may mean something else too, its edge is weak, it stands in a text that may mean something else, or nothing
is known of the object before its dot. Empty for a change that is sure."""


class Refusal(Exception):
    """A rename that cannot be, with the reason as a sentence and a stable code."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


class Edit(msgspec.Struct, frozen=True):
    """A word that takes the new name."""

    range: Range
    doubt: Doubt = ""


class Move(msgspec.Struct, frozen=True):
    """A file or directory that takes a new path, both relative to the workspace."""

    old: str
    new: str


class Renaming(msgspec.Struct, frozen=True):
    """All that a rename changes. Edits are of the files as they are named before the moves."""

    old_name: str
    new_name: str
    edits: dict[str, tuple[Edit, ...]]
    """By path, sorted; the edits of a file in the order of the text."""

    moves: tuple[Move, ...] = ()
    remarks: tuple[str, ...] = ()
    """What a person should know of that no edit says."""


class _Word(msgspec.Struct, frozen=True):
    path: str
    range: Range
    kind: str
    confidence: float
    others: int


class _Definition(msgspec.Struct, frozen=True):
    name: str
    owner: str
    module: str
    path: str
    range: Range

    def __str__(self) -> str:
        name = f"{self.owner}.{self.name}" if self.owner else self.name
        return f"`{name}` ({_at(self.path, self.range)})"


class _Outside(msgspec.Struct, frozen=True):
    module: str
    name: str


class _ModuleFile(msgspec.Struct, frozen=True):
    path: str
    is_package: bool


class _Module(msgspec.Struct, frozen=True):
    module: str
    files: tuple[_ModuleFile, ...]
    folder: str = ""
    """Of a package without a file of its own."""


class _Clash(msgspec.Struct, frozen=True):
    way: str
    path: str
    range: Range


class Found(msgspec.Struct, frozen=True):
    """What the graph says of a rename."""

    word: str
    range: Range = Range(start=Position(0, 0), end=Position(0, 0))
    nothing: str = ""
    kind: str = ""
    definitions: tuple[_Definition, ...] = ()
    modules: tuple[_Module, ...] = ()
    fixed: tuple[_Definition, ...] = ()
    outside: tuple[_Outside, ...] = ()
    open_classes: tuple[_Definition, ...] = ()
    asked_otherwise: tuple[_Definition, ...] = ()
    words: tuple[_Word, ...] = ()
    unknown: tuple[_Word, ...] = ()
    clashes: tuple[_Clash, ...] = ()


_NOTHING = {
    "no_word": ("rename-no-name", "there is no name here that could be renamed"),
    "external": ("rename-outside", "`{word}` comes from outside the workspace, where it keeps its name"),
    "open": ("rename-unknown", "it cannot be told what `{word}` means here, so not what else would have to change"),
    "collected": (
        "rename-outside",
        "`{word}` is collected by a `**` parameter here: it is no parameter of the function that is called",
    ),
}

_CLASHES = {
    "bound": "`{new}` is bound in the same scope already, at {place}",
    "member": "a class of the hierarchy has a member `{new}` already, at {place}",
    "exposed": "the module has a `{new}` already, from {place}",
    "hidden": "at {place} another `{new}` is nearer and would hide the renamed one",
    "captured": "the `{new}` at {place} means something else, and would mean the renamed one",
    "given": "the call at {place} gives an argument `{new}` already",
    "private": "`{new}` begins with two underscores, so that at {place} it would be the name of another class",
}


def rename(snapshot: Snapshot, path: str, line: int, character: int, new_name: str) -> Renaming:
    """All that gives the thing at a place a new name; raises `Refusal`."""
    new_name = new_name.strip()
    _check_name(new_name)
    found = renamable(snapshot, path, line, character, new_name)
    if new_name == found.word:
        return Renaming(found.word, new_name, {})
    if found.clashes:
        raise Refusal("rename-clash", f"cannot rename `{found.word}`: {_clashes(found.clashes, new_name)}")
    words = list(found.words)
    remarks: list[str] = []
    if len(found.unknown) <= MOST_UNKNOWN:
        words += found.unknown
    else:
        remarks.append(
            f"`.{found.word}` is written in {len(found.unknown)} other places where nothing is known of the object"
            " before the dot; they are left as they are"
        )
    if found.kind in ("method", "attribute") and found.open_classes:
        remarks.append(
            f"a base of {_some(map(str, found.open_classes))} is not in the graph;"
            f" if it has a `{found.word}`, that keeps its name"
        )
    return Renaming(
        found.word,
        new_name,
        _by_path(words),
        tuple(_moves(found.modules, new_name)),
        tuple(remarks),
    )


def in_place(snapshot: Snapshot, module: str, new_name: str) -> Renaming | None:
    """What is sure to change if a module gets another last word; none if something stands in the way."""
    found = msgspec.json.decode(snapshot.rename_module(module, new_name), type=Found)
    if found.clashes or found.fixed or found.outside:
        return None
    edits = _by_path(word for word in found.words if not _doubt(word))
    return Renaming(found.word, new_name, edits)


def sure(renaming: Renaming) -> Renaming:
    """The rename without what would have to be confirmed, which becomes a remark."""
    left = [(path, edit.range.start.line + 1) for path, edits in renaming.edits.items() for edit in edits if edit.doubt]
    if not left:
        return renaming
    kept = {path: tuple(edit for edit in edits if not edit.doubt) for path, edits in renaming.edits.items()}
    places = _some(f"{path}:{line}" for path, line in left)
    count = "1 place was" if len(left) == 1 else f"{len(left)} places were"
    remark = f"{count} left as written, because it is not certain that `{renaming.old_name}` means the same: {places}"
    return msgspec.structs.replace(
        renaming, edits={path: edits for path, edits in kept.items() if edits}, remarks=(remark, *renaming.remarks)
    )


def renamable(snapshot: Snapshot, path: str, line: int, character: int, new_name: str) -> Found:
    """What the word at a place names and all that spells it, if it can be renamed at all; raises `Refusal`."""
    found = msgspec.json.decode(snapshot.rename(path, line, character, new_name), type=Found)
    if found.nothing:
        code, message = _NOTHING[found.nothing]
        raise Refusal(code, message.format(word=found.word))
    if found.asked_otherwise:
        raise Refusal(
            "rename-asked",
            f"`{found.word}` asks by its name for {found.asked_otherwise[0]}, which gets that name elsewhere",
        )
    if found.word.startswith("__") and found.word.endswith("__"):
        raise Refusal("rename-special", f"`{found.word}` is a name that Python itself looks for")
    if found.fixed:
        raise Refusal("rename-outside", _fixed(found))
    if found.outside:
        of = found.outside[0]
        what = f"the module `{of.module}`" if not of.name else f"`{of.name}` of `{of.module}`"
        advice = "" if not of.name else "; import it under another name instead"
        raise Refusal("rename-outside", f"{what} lies outside the workspace and keeps its name{advice}")
    if not found.definitions and not found.modules:
        raise Refusal("rename-unknown", _NOTHING["open"][1].format(word=found.word))
    return found


def _fixed(found: Found) -> str:
    if not found.definitions:
        return f"{found.fixed[0]} is defined outside the workspace, where it keeps its name"
    if found.kind not in ("method", "attribute", "parameter"):
        return f"{found.fixed[0]} lies outside the workspace and keeps its name; import it under another name instead"
    return f"{found.definitions[0]} has to be named as {found.fixed[0]}, which lies outside the workspace"


def _check_name(name: str) -> None:
    if not name.isidentifier():
        raise Refusal("rename-invalid-name", f"`{name}` is no name in Python: letters, digits and underscores make one")
    if keyword.iskeyword(name):
        raise Refusal("rename-invalid-name", f"`{name}` is a keyword of Python")
    plain = unicodedata.normalize("NFKC", name)
    if plain != name:
        raise Refusal("rename-invalid-name", f"Python reads `{name}` as `{plain}`; write it so")


def _clashes(clashes: tuple[_Clash, ...], new_name: str) -> str:
    first = clashes[0]
    text = _CLASHES[first.way].format(new=new_name, place=_at(first.path, first.range))
    more = len(clashes) - 1
    return text if not more else f"{text}, and {more} more"


def _by_path(words: Iterable[_Word]) -> dict[str, tuple[Edit, ...]]:
    edits: dict[str, list[Edit]] = {}
    for word in sorted(words, key=_order):
        edits.setdefault(word.path, []).append(Edit(word.range, _doubt(word)))
    return {path: tuple(each) for path, each in edits.items()}


def _doubt(word: _Word) -> Doubt:
    if word.others:
        return "several"
    if word.kind == "string":
        return "" if word.confidence >= SURE_IN_TEXT else "string"
    if not word.confidence:
        return "unknown"
    return "" if word.confidence >= SURE else "unsure"


def _moves(modules: Iterable[_Module], new_name: str) -> Iterable[Move]:
    for module in modules:
        if module.folder:
            yield Move(module.folder, _sibling(module.folder, new_name))
        folders = sorted({file.path.rpartition("/")[0] for file in module.files if file.is_package})
        yield from (Move(folder, _sibling(folder, new_name)) for folder in folders)
        for file in module.files:
            if not file.is_package:
                suffix = file.path.rpartition(".")[2]
                yield Move(file.path, _sibling(file.path, f"{new_name}.{suffix}"))


def _sibling(path: str, name: str) -> str:
    folder, slash, _ = path.rpartition("/")
    return f"{folder}{slash}{name}"


def _order(word: _Word) -> tuple[str, int, int]:
    return (word.path, word.range.start.line, word.range.start.character)


def _at(path: str, at: Range) -> str:
    return f"{shown(path)}:{at.start.line + 1}"


def _some(texts: Iterable[str]) -> str:
    """The first few of many."""
    texts = list(dict.fromkeys(texts))
    return ", ".join(texts[:5]) + (f" and {len(texts) - 5} more" if len(texts) > 5 else "")
