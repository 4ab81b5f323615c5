"""Definitions and references, ours against a peer, place by place.

A peer is another opinion, not the truth: what both say is counted, and what they do not agree on is listed with both answers. Answers
are compared as lines; a definition agrees if the two answers share a target. Targets inside the workspace are counted apart from
those outside, because each program brings its own idea of what is outside (stubs, sources, nothing): there, module and head of the
line are compared. Whether a target is inside is what the peer says, or what we say where it says nothing.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec

from bench.peers import Peer
from bench.questions import KINDS, Corpus, Token
from bench.session import Place, Point, Session

_IS_LIBRARY = re.compile(r"stdlib|site-packages|lib-dynload|python3(\.\d+)?|pyrefly_bundled_\w+")

Answers = list[set[Place] | None]
"""One for each question; None if there was no time left to ask it."""


class Opinion(msgspec.Struct, frozen=True):
    """What one server says to all questions."""

    peer: str
    version: str
    definitions: Answers
    references: list[set[Point] | None]
    failures: int


class Count(msgspec.Struct, frozen=True):
    """How two servers compare on one kind of place."""

    asked: int
    same: int
    differ: int
    only_peer: int
    """The peer answers and we do not."""

    only_ours: int
    neither: int

    @property
    def agreement(self) -> float | None:
        """The share of the places that the peer answers where we say the same, if it answers any."""
        answered = self.same + self.differ + self.only_peer
        return self.same / answered if answered else None


class References(msgspec.Struct, frozen=True):
    """How two servers compare on the uses of one definition."""

    name: str
    path: str
    line: int
    band: str
    ours: int
    peer: int
    both: int
    only_ours: list[str]
    """Up to five places that only we name."""

    only_peer: list[str]


class Miss(msgspec.Struct, frozen=True):
    """One place where the two do not agree."""

    where: str
    """`inside` or `outside`: of the workspace, the target."""

    kind: str
    place: str
    source: str
    ours: list[str]
    peer: list[str]


class Comparison(msgspec.Struct, frozen=True):
    """Ours beside one peer."""

    peer: str
    version: str
    inside: dict[str, Count]
    outside: dict[str, Count]
    references: list[References]
    misses: list[Miss]
    not_asked: int
    failures: int


def ask(
    peer: Peer,
    corpus: Corpus,
    uses: Sequence[Token],
    definitions: Sequence[Token],
    budget: float,
    environment: Mapping[str, str] | None = None,
    settings: Mapping[str, Any] | None = None,
) -> Opinion:
    """One server's opinion; each of the two parts has a budget in seconds."""
    defined: Answers = []
    referred: list[set[Point] | None] = []
    context = {"context": {"includeDeclaration": True}}
    with Session(peer, corpus.root, environment, settings) as session:

        def line_of(path: str, line: int) -> str:
            return corpus.line(path, line) if path in corpus.texts else ""

        deadline = time.perf_counter() + budget
        for use in uses:
            if time.perf_counter() > deadline:
                defined.append(None)
                continue
            answer, _ = session.ask("textDocument/definition", use.path, use.line, use.column)
            defined.append(session.places(answer))
        deadline = time.perf_counter() + budget
        for each in definitions:
            if time.perf_counter() > deadline:
                referred.append(None)
                continue
            answer, _ = session.ask("textDocument/references", each.path, each.line, each.column, **context)
            referred.append(session.points(answer, line_of))
    return Opinion(peer.name, peer.version, defined, referred, session.failures)


def compare(
    corpus: Corpus, uses: Sequence[Token], definitions: Sequence[Token], ours: Opinion, peer: Opinion
) -> Comparison:
    """Two opinions side by side."""
    tallies: dict[str, dict[str, Counter[str]]] = {"inside": {}, "outside": {}}
    misses: list[Miss] = []
    for use, mine, other in zip(uses, ours.definitions, peer.definitions, strict=True):
        if mine is None or other is None:
            continue
        verdict = _verdict({comparable(each) for each in mine}, {comparable(each) for each in other})
        where = "inside" if any(not path.startswith("/") for path, _ in other or mine) else "outside"
        for kind in (use.kind, "all"):
            tallies[where].setdefault(kind, Counter())[verdict] += 1
        if verdict in ("differ", "only_peer"):
            source = corpus.line(use.path, use.line).strip()
            place = f"{use.path}:{use.line + 1}:{use.column + 1}"
            misses.append(Miss(where, use.kind, place, source, _shown(mine), _shown(other)))
    return Comparison(
        peer=peer.peer,
        version=peer.version,
        inside=_counts(tallies["inside"]),
        outside=_counts(tallies["outside"]),
        references=[
            _references(each, mine, other)
            for each, mine, other in zip(definitions, ours.references, peer.references, strict=True)
            if mine is not None and other is not None
        ],
        misses=sorted(misses, key=lambda miss: miss.where),
        not_asked=sum(each is None for each in (*peer.definitions, *peer.references)),
        failures=peer.failures,
    )


def comparable(place: Place) -> tuple[str, int | str]:
    """A place that two programs name alike. Outside of the workspace: the module, and the name that the line begins with, because
    each brings stubs of its own age; the first line stands for the module."""
    path, line = place
    if not path.startswith("/"):
        return place
    parts = Path(path).with_suffix("").parts
    start = max((at for at, part in enumerate(parts) if _IS_LIBRARY.fullmatch(part)), default=len(parts) - 2)
    module = "/".join(parts[start + 1 :]).removesuffix("/__init__")
    return module, _head(path, line) if line else ""


@lru_cache(maxsize=4096)
def _head(path: str, line: int) -> str:
    try:
        lines = Path(path).read_text("utf-8", errors="replace").split("\n")
    except OSError:
        return str(line)
    if line >= len(lines):
        return ""
    # What is a function in the stubs of one program is a class or a variable in those of another.
    return re.sub(r"^(async def|def|class)\s+", "", re.split(r"[(:=]", lines[line], maxsplit=1)[0].strip())


def _verdict(mine: set[tuple[str, int | str]], other: set[tuple[str, int | str]]) -> str:
    if mine & other:
        return "same"
    if mine and other:
        return "differ"
    return "only_peer" if other else "only_ours" if mine else "neither"


def _counts(tallies: Mapping[str, Counter[str]]) -> dict[str, Count]:
    fields = ("same", "differ", "only_peer", "only_ours", "neither")
    return {
        kind: Count(asked=tallies[kind].total(), **{field: tallies[kind][field] for field in fields})
        for kind in ("all", *KINDS)
        if kind in tallies
    }


def _references(each: Token, mine: set[Point], other: set[Point]) -> References:
    def some(points: set[Point]) -> list[str]:
        return [f"{path}:{line + 1}:{column + 1}" for path, line, column in sorted(points)[:5]]

    return References(
        name=each.text,
        path=each.path,
        line=each.line + 1,
        band=each.band,
        ours=len(mine),
        peer=len(other),
        both=len(mine & other),
        only_ours=some(mine - other),
        only_peer=some(other - mine),
    )


def _shown(places: set[Place]) -> list[str]:
    return [
        f"{'/'.join(path.split('/')[-3:]) if path.startswith('/') else path}:{line + 1}"
        for path, line in sorted(places)[:3]
    ]
