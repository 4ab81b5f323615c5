"""Rule books: cases in Markdown, each a few files with what their words mean written below the words.

A book is a `.md` file. A heading `## A sentence` begins a case; what follows it, in order:

- a file: its path in backticks and a colon at the end of a line, then a fence of `py`. The same path with `now:` shows lines
  of a file again after an edit; each must stand in the file, in that order, and only its expectations are news.
  What lies in `site-packages` is a library.
- an edit: a fence of `edit PATH`. Lines that start with `-` or a blank are found together, once, in the file; `+` lines take the
  place of the `-` lines. Only `+` lines: they go to the end, and a file that was not there is made.
- the sentence "`PATH` is removed." or "`PATH` is renamed to `PATH`."
- sentences about the commit of the edits before them: "Only `PATH`, `PATH` was extracted again.", "No view ran.",
  "Views that ran: `a`, `b`." (those that recomputed a key), "Views that changed: `a`, `b`."

Edits up to the next file or sentence about the commit reach the graph together. Everything else is prose. A case that
asserts an answer known to be wrong says FIXME in its prose.

An expectation is a comment of its own below a line of a file: carets under the word it is about, then what shall hold. It is no
part of the file. A word in the first columns, where the `#` stands, is meant by a caret behind it. Several comments may stand
below one line. TARGET is `path:name`, `path:Class.name`, `path:line`, `path:line:name`, or a path alone for a module.

    references TARGET, TARGET   go to definition leads there, exactly, best first
    imports PATH                the same for a module
    ... by rule, rule           and these rules are among the steps of the explanation
    unresolved REASON           the explanation says why the word is open
    found at PATH:LINE, ...     find references gives exactly these, the declaration not among them
    shows CODE / shows nothing  a diagnostic with that code covers the word / none touches its line
    RELATION TARGET, ...        rows of a relation about that word: overrides, implements, decorates, calls, class_base, mro, or
                                any other that has a column `target`: its grain is what it is about

A case is run three times. Batch: a fresh graph for each state. Live: one graph in which all files are typed one after the other
and then edited; after each state every view must be what its rule says when it is run whole. Replay: all edits and then all of
them back, and each file away and back, which must leave the first graph, row for row, in every relation.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import msgspec

from codeanatomy_engine import Snapshot

from codeanatomy.memory import Memory, Tables, relations, rows, tables

ABOUT = {
    "overrides": ("definition", "target", ""),
    "implements": ("definition", "target", ""),
    "decorates": ("definition", "target", ""),
    "calls": ("expr", "target", ""),
    "enters": ("expr", "target", ""),
    "class_base": ("class", "base", "position"),
    "mro": ("class", "ancestor", "path"),
}
"""Relations that a case can ask: the column of the word, the column of the answer, and the column that orders them."""

_EXPECTATION = re.compile(r"^\s*#\s*(?P<carets>\^+)\s+(?P<claim>.+?)\s*$")
_FILE = re.compile(r"`(?P<path>[^`]+\.pyi?)`(?P<again> now)?:$")
_REMOVED = re.compile(r"^`(?P<path>[^`]+)` is removed\.$")
_RENAMED = re.compile(r"^`(?P<path>[^`]+)` is renamed to `(?P<to>[^`]+)`\.$")
_EXTRACTED = re.compile(r"^Only (?P<names>`.+`) (?:was|were) extracted again\.$")
_RAN = re.compile(r"^(?:Views that ran: (?P<names>`.+`)\.|No view ran\.)$")
_CHANGED = re.compile(r"^(?:Views that changed: (?P<names>`.+`)\.|No view changed\.)$")
_FENCE = re.compile(r"^```(?P<kind>\w*)(?: (?P<path>\S+))?$")
_QUOTED = re.compile(r"`([^`]+)`")


class BookError(Exception):
    """A rule book that is not written as it should be."""


class Claim(msgspec.Struct, frozen=True):
    """What shall hold for one word."""

    path: str
    line: int
    """From 0, in the file without its expectations."""

    start: int
    end: int
    """Columns of the carets."""

    text: str
    where: str
    """The place in the book, for messages."""


class State(msgspec.Struct):
    """The files after some edits, and what shall hold then."""

    texts: dict[str, str]
    claims: list[Claim] = msgspec.field(default_factory=list)
    extracted: tuple[str, ...] | None = None
    ran: tuple[str, ...] | None = None
    changed: tuple[str, ...] | None = None


class Case(msgspec.Struct, frozen=True):
    """One case: a sentence and the states that show it."""

    book: str
    line: int
    title: str
    states: tuple[State, ...]


def read(book: Path) -> list[Case]:
    """The cases of a book."""
    cases: list[Case] = []
    lines = book.read_text("utf-8").splitlines()
    heads = [number for number, line in enumerate(lines) if line.startswith("## ")]
    for head, stop in zip(heads, [*heads[1:], len(lines)], strict=True):
        states = _states(book.name, lines, head + 1, stop)
        cases.append(Case(book=book.name, line=head + 1, title=lines[head][3:].strip(), states=tuple(states)))
    return cases


def _states(book: str, lines: list[str], first: int, stop: int) -> list[State]:
    states = [State(texts={})]
    announced: tuple[str, bool] | None = None
    edited = False
    number = first

    def settled() -> State:
        """The state that a claim about now belongs to."""
        nonlocal edited
        edited = False
        return states[-1]

    def changing() -> State:
        """The state that an edit goes to."""
        nonlocal edited
        if not edited:
            states.append(State(texts=dict(states[-1].texts)))
        edited = True
        return states[-1]

    while number < stop:
        line = lines[number].rstrip()
        where = f"{book}:{number + 1}"
        number += 1
        if fence := _FENCE.match(line):
            end = next((at for at in range(number, stop) if lines[at].rstrip() == "```"), None)
            if end is None:
                raise BookError(f"{where}: the fence has no end")
            body = lines[number:end]
            match fence["kind"]:
                case "py" if announced is not None:
                    path, again = announced
                    if again:
                        _shown_again(settled(), path, body, book, number)
                    elif len(states) > 1:
                        raise BookError(f"{where}: `{path}` comes after an edit; write `edit` or `now:`")
                    else:
                        text, claims = _separated(path, body, book, number)
                        states[-1].texts[path] = text
                        states[-1].claims += claims
                    announced = None
                case "edit" if fence["path"]:
                    texts = changing().texts
                    texts[fence["path"]] = _edited(texts.get(fence["path"]), body, where)
                case _:
                    raise BookError(f"{where}: a fence is `py` below a path, or `edit PATH`")
            number = end + 1
        elif found := _REMOVED.match(line):
            del changing().texts[found["path"]]
        elif found := _RENAMED.match(line):
            texts = changing().texts
            texts[found["to"]] = texts.pop(found["path"])
        elif found := _EXTRACTED.match(line):
            settled().extracted = tuple(_QUOTED.findall(found["names"]))
        elif found := _RAN.match(line):
            settled().ran = tuple(_QUOTED.findall(found["names"] or ""))
        elif found := _CHANGED.match(line):
            settled().changed = tuple(_QUOTED.findall(found["names"] or ""))
        elif found := _FILE.search(line):
            announced = (found["path"], found["again"] is not None)
    if not any(state.claims or state.ran is not None or state.changed is not None for state in states):
        raise BookError(f"{book}:{first}: the case claims nothing")
    return states


def _separated(path: str, body: list[str], book: str, first: int) -> tuple[str, list[Claim]]:
    """The text of a file without its expectations, and these."""
    kept: list[str] = []
    claims: list[Claim] = []
    for number, line in enumerate(body, first + 1):
        found = _EXPECTATION.match(line)
        if found is None:
            kept.append(line)
            continue
        if not kept:
            raise BookError(f"{book}:{number}: an expectation stands below the line that it is about")
        start, end = found.span("carets")
        claims.append(Claim(path, len(kept) - 1, start, end, found["claim"], f"{book}:{number}"))
    return "".join(f"{line}\n" for line in kept), claims


def _shown_again(state: State, path: str, body: list[str], book: str, first: int) -> None:
    shown, claims = _separated(path, body, book, first)
    held = state.texts[path].splitlines()
    places: list[int] = []
    for line in shown.splitlines():
        after = places[-1] + 1 if places else 0
        if line not in held[after:]:
            raise BookError(f"{book}:{first}: `{path}` has no line `{line}` there")
        places.append(held.index(line, after))
    state.claims += [msgspec.structs.replace(claim, line=places[claim.line]) for claim in claims]


def _edited(text: str | None, body: list[str], where: str) -> str:
    old = [line[1:] for line in body if line[:1] in ("-", " ", "")]
    new = [line[1:] for line in body if line[:1] in ("+", " ", "")]
    if any(line[:1] not in ("-", "+", " ", "") for line in body):
        raise BookError(f"{where}: each line of an edit starts with `-`, `+` or a blank")
    if not old:
        return (text or "") + "".join(f"{line}\n" for line in new)
    held = (text or "").splitlines()
    found = [at for at in range(len(held) - len(old) + 1) if held[at : at + len(old)] == old]
    if len(found) != 1:
        raise BookError(f"{where}: the lines to replace stand {len(found)} times in the file")
    return "".join(f"{line}\n" for line in held[: found[0]] + new + held[found[0] + len(old) :])


def in_batch(case: Case, fresh: Memory) -> list[str]:
    """What does not hold when each state is built from nothing."""
    wrong: list[str] = []
    for state in case.states:
        _rebuilt(fresh, state)
        wrong += checked(fresh.snapshot(), state)
    return wrong


def in_life(case: Case, live: Memory) -> list[str]:
    """What does not hold when one graph takes all edits in an editor."""
    wrong: list[str] = []
    _rebuilt(live, State(texts={}))
    for path, text in case.states[0].texts.items():
        live.type(path, text)
        live.commit()
    for number, state in enumerate(case.states):
        if number:
            wrong += _reported(_typed(live, state), state)
        wrong += checked(live.snapshot(), state)
        wrong += [
            f"`{each['view']}` is not what its rule says" for each in msgspec.json.decode(live.snapshot().verify())
        ]
    return wrong


def in_replay(case: Case, live: Memory) -> list[str]:
    """What does not hold when all edits are made and taken back."""
    _rebuilt(live, case.states[0])
    first = _all(live.snapshot())
    for state in (*case.states[1:], *reversed(case.states[:-1])):
        _typed(live, state)
    for path, text in case.states[0].texts.items():
        live.write({path: None})
        live.commit()
        live.type(path, text)
        live.commit()
    last = _all(live.snapshot())
    unlike = [name for name in sorted(first.keys() | last.keys()) if first.get(name) != last.get(name)]
    return [f"`{name}` differs from that of the first graph" for name in unlike]


def _rebuilt(memory: Memory, state: State) -> None:
    memory.write(dict.fromkeys(memory.texts))
    memory.commit()
    memory.write(state.texts)
    report = memory.commit()
    assert report["mode"] == "full" or not state.texts, report


def _typed(memory: Memory, state: State) -> dict[str, Any]:
    memory.write({path: None for path in memory.texts if path not in state.texts})
    for path, text in state.texts.items():
        if memory.texts.get(path) != text:
            memory.type(path, text)
    return memory.commit()


def _all(snapshot: Snapshot) -> Tables:
    return tables(snapshot, relations(snapshot))


def _reported(report: Mapping[str, Any], state: State) -> list[str]:
    wrong: list[str] = []
    ran = [view["view"] for view in report["views"] if view["keys"]]
    changed = [view["view"] for view in report["views"] if view["inserted"] or view["deleted"]]
    for what, said, did in (
        ("extracted files", state.extracted, report["files"]),
        ("views that ran", state.ran, ran),
        ("views that changed", state.changed, changed),
    ):
        if said is not None and sorted(said) != sorted(did):
            wrong.append(f"{what}: {', '.join(did) or 'none'}; expected {', '.join(said) or 'none'}")
    return wrong


def checked(snapshot: Snapshot, state: State) -> list[str]:
    """The claims of a state that do not hold, each with what is the case instead."""
    wrong: list[str] = []
    for claim in state.claims:
        found = _answer(snapshot, state, claim)
        if found is not None:
            column = _column(state, claim)
            word = re.match(
                r"\w*",
                state.texts[claim.path].splitlines()[claim.line].encode("utf-16-le")[2 * column :].decode("utf-16-le"),
            )
            wrong.append(f"{claim.where}: `{word[0] if word else ''}`: expected {claim.text}; found {found}")
    return wrong


def _answer(snapshot: Snapshot, state: State, claim: Claim) -> str | None:
    """What is the case instead of a claim; None if it holds."""
    place = (claim.path, claim.line, _column(state, claim))
    verb, _, rest = claim.text.partition(" ")
    match verb:
        case "references" | "imports":
            targets, _, by = rest.partition(" by ")
            links = msgspec.json.decode(snapshot.definition(*place))
            named = [
                _shown(state, unquote(each["targetUri"]).lstrip("/"), each["targetSelectionRange"]) for each in links
            ]
            if not _same(_list(targets), named):
                return _told(named)
            return _rules_missing(snapshot, place, _list(by))
        case "unresolved":
            explained = msgspec.json.decode(snapshot.explain(*place))
            reason = (explained or {}).get("unresolved") or {"reason": "an answer"}
            return None if reason["reason"] == rest.strip() else str(reason["reason"])
        case "found":
            found = msgspec.json.decode(snapshot.references(*place, False))
            places = sorted(
                f"{unquote(each['uri']).lstrip('/')}:{each['range']['start']['line'] + 1}" for each in found
            )
            return None if places == sorted(_list(rest.removeprefix("at "))) else "found at " + _told(places)
        case "shows":
            shown = msgspec.json.decode(snapshot.diagnostics(claim.path))
            here = [
                each for each in shown if _covers(each["range"], claim.line, None if rest == "nothing" else place[2])
            ]
            codes = [str(each["code"]) for each in here]
            expected = [] if rest == "nothing" else _list(rest)
            return None if sorted(codes) == sorted(expected) else "shows " + _told(codes)
        case _ if _about(snapshot, verb) is not None:
            named = list(_related(snapshot, state, verb, claim.path, claim.line, place[2]))
            return None if _same(_list(rest), named) else _told(named)
        case _:
            raise BookError(f"{claim.where}: `{verb}` is no claim")


def _about(snapshot: Snapshot, relation: str) -> tuple[str, str, str] | None:
    """The column of the word, of the answer and of the order of a relation that a case can ask, if it can."""
    if relation in ABOUT:
        return ABOUT[relation]
    views = msgspec.json.decode(snapshot.plan(None))["views"]
    view = next((each for each in views if each["name"] == relation and "target" in each["columns"]), None)
    return None if view is None else (view["grain"][0], "target", "")


def _column(state: State, claim: Claim) -> int:
    """The column of the word that the carets are about."""
    line = state.texts[claim.path].splitlines()[claim.line]
    words = list(re.finditer(r"\w+", line))
    under = [word for word in words if word.start() < claim.end and word.end() > claim.start]
    if not under and claim.start <= 4:
        under = [word for word in words if word.start() <= 1][-1:]
    if not under:
        raise BookError(f"{claim.where}: there is no word above the carets")
    return (
        len(line[: max(under[-1].start(), claim.start if claim.start < under[-1].end() else 0)].encode("utf-16-le"))
        // 2
    )


def _rules_missing(snapshot: Snapshot, place: tuple[str, int, int], rules: list[str]) -> str | None:
    explained = msgspec.json.decode(snapshot.explain(*place)) or {"targets": []}
    steps = [step for target in explained["targets"] for step in target["steps"]]
    holes = [step["text"] for step in steps if "{" in step["text"]]
    if holes:
        return f"a step with an empty place: {holes[0]}"
    used = sorted({step["rule"] for step in steps})
    return None if set(rules) <= set(used) else f"by {', '.join(used)}"


def _related(
    snapshot: Snapshot, state: State, relation: str, path: str, line: int, column: int
) -> Iterator[tuple[str, int, str]]:
    """What a relation says about the smallest thing at a place that it says something about."""
    about = _about(snapshot, relation)
    assert about is not None, "the caller has asked"
    subject, answer, order = about
    text = state.texts[path]
    before = "".join(text.splitlines(keepends=True)[:line]) + text.splitlines()[line][:column]
    offset = len(before.encode())
    found = rows(
        snapshot,
        f"""SELECT at.start, at."end", other.file AS file, other.line AS line, other.start AS target, r.{answer} AS answer
        FROM anchors AS at JOIN {relation} AS r ON r.{subject} = at.id LEFT JOIN anchors AS other ON other.id = r.{answer}
        WHERE at.file = '{path}' AND at.start <= {offset} AND at."end" > {offset}
        ORDER BY at."end" - at.start{f", r.{order}" if order else ", other.file, other.start"}""",
    )
    first = [row for row in found if (row["start"], row["end"]) == (found[0]["start"], found[0]["end"])]
    for row in first:
        held = state.texts[row["file"]].encode()[: row["target"]].decode()
        character = len(held) - (held.rfind("\n") + 1)
        yield _shown(state, row["file"], {"start": {"line": row["line"] - 1, "character": character}})


def _shown(state: State, path: str, span: Mapping[str, Any]) -> tuple[str, int, str]:
    """Path, line from 1 and qualified name of a target; a module has line 0 and no name."""
    lines = state.texts.get(path, "").splitlines()
    line, column = span["start"]["line"], span["start"]["character"]
    whole = span.get("end", {"line": line})["line"] != line or not lines
    word = None if whole or line >= len(lines) else re.match(r"[\"']?([\w-]+)", lines[line][column:])
    if word is None or ((line, column) == (0, 0) and span.get("end") == span["start"]):
        return path, 0, ""
    parts = [word[1]]
    indent = len(lines[line]) - len(lines[line].lstrip())
    for above in reversed(lines[:line]):
        opened = re.match(r"(\s*)(?:async )?(?:def|class) (\w+)", above)
        if opened and len(opened[1]) < indent:
            parts.append(opened[2])
            indent = len(opened[1])
    head = re.match(r"\s*(?:async )?(?:def|class) (\w+)", lines[line])
    if head and head.start(1) < column:
        parts.insert(1, head[1])
    return path, line + 1, ".".join(reversed(parts))


def _same(expected: list[str], named: list[tuple[str, int, str]]) -> bool:
    return len(expected) == len(named) and all(
        claim in (path, f"{path}:{line}", f"{path}:{line}:{name}", f"{path}:{name}") and (claim != path or not name)
        for claim, (path, line, name) in zip(expected, named, strict=True)
    )


def _told(items: list[Any]) -> str:
    texts = [
        item if isinstance(item, str) else f"{item[0]}:{item[1]}:{item[2]}" if item[2] else item[0] for item in items
    ]
    return ", ".join(texts) or "nothing"


def _list(text: str) -> list[str]:
    return [part for part in (part.strip() for part in text.split(",")) if part and part != "nothing"]


def _covers(span: Mapping[str, Any], line: int, column: int | None) -> bool:
    start, end = span["start"], span["end"]
    if column is None:
        return start["line"] <= line <= end["line"]
    return (start["line"], start["character"]) <= (line, column) <= (end["line"], end["character"])
