"""Why the word at a place means what it means: the targets, the steps that lead there, and the candidates that lost."""

from __future__ import annotations

from urllib.parse import unquote

import msgspec

from codeanatomy_engine import Snapshot

from codeanatomy_incremental.library import is_library


class Position(msgspec.Struct, frozen=True):
    """A place in a text, counted from 0."""

    line: int
    character: int


class Range(msgspec.Struct, frozen=True):
    """A stretch of text, its end excluded."""

    start: Position
    end: Position


class Step(msgspec.Struct, frozen=True):
    """One rule on the way to a target, and the source that it relies on."""

    rule: str
    text: str
    path: str = ""
    line: int = 0
    source: str = ""


class Source(msgspec.Struct, frozen=True):
    """The source that a stub describes."""

    uri: str
    range: Range


class Target(msgspec.Struct, frozen=True):
    """A definition that the word means or could have meant."""

    name: str
    kind: str
    path: str = ""
    """A URI for library files; empty for a target that is in no file of the graph."""

    range: Range | None = None
    extent: Range | None = None
    signature: str = ""
    """The head of the definition, as written."""

    source: Source | None = None
    """For a definition in the stub of a library: what it describes, if that can be found."""

    doc: str = ""
    rule: str = ""
    why: str = ""
    confidence: float = 0.0
    rank: int = 0
    steps: tuple[Step, ...] = ()
    lost: str = ""
    """Why it lost, for a candidate that did."""


def shown(path: str) -> str:
    """A path as people read it: files of the workspace as they are, library files by their last two names."""
    return "/".join(unquote(path).split("/")[-2:]) if is_library(path) else path


def line_of(target: Target) -> int:
    """The line of the name of a target, counted from 1; 0 if it has no place."""
    return target.range.start.line + 1 if target.range is not None else 0


class Unresolved(msgspec.Struct, frozen=True):
    """Why nothing is known that the word means."""

    reason: str
    text: str


class Opinion(msgspec.Struct, frozen=True):
    """What another witness of the same text thinks of it."""

    witness: str
    fact: str
    agrees: bool
    ours: str = ""
    theirs: str = ""
    reason: str = ""
    confidence: float = 0.0


class Explanation(msgspec.Struct, frozen=True):
    """All that is known of what a word means."""

    kind: str
    range: Range
    file: str
    word: str = ""
    targets: tuple[Target, ...] = ()
    candidates: tuple[Target, ...] = ()
    unresolved: Unresolved | None = None
    witnesses: tuple[Opinion, ...] = ()


def explain(snapshot: Snapshot, path: str, line: int, character: int) -> bytes:
    """The explanation as JSON, or `null` if there is no word."""
    return snapshot.explain(path, line, character)


def explanation(snapshot: Snapshot, path: str, line: int, character: int) -> Explanation | None:
    """The explanation as a value, if there is a word."""
    return msgspec.json.decode(explain(snapshot, path, line, character), type=Explanation | None)
