"""How long an editor waits, and what the server costs: the same questions and edits for every server, in one run.

Cold figures count from the start of the process. `CPU s` is the steadier figure on a busy machine. A measure stops when its budget of
seconds is spent, so `n` may differ; a wait that never ends right counts as missed and not as a time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from bench.peers import Peer
from bench.questions import BANDS, Corpus, Token
from bench.session import TIMEOUT_S, Diagnostics, Session

SIZES = {"60 KB": (45_000, 60_000, 75_000), "230 KB": (180_000, 230_000, 290_000)}


class Times(msgspec.Struct, frozen=True):
    """Milliseconds of one measure."""

    n: int
    p50: float = 0.0
    p95: float = 0.0
    max: float = 0.0
    missed: int = 0
    note: str = ""


class Figures(msgspec.Struct, frozen=True):
    """One server on one corpus."""

    version: str
    times: dict[str, Times]
    cold: dict[str, float | None]
    cpu_s: float
    peak_memory_mb: float
    failures: int


class Plan(msgspec.Struct, frozen=True):
    """The questions, the same for all servers."""

    uses: list[Token]
    definitions: list[Token]
    files: dict[str, str]
    """The files to type into, by the name of their size."""

    user: str
    target: str
    module: str
    """The module name of the target."""

    seed: int
    budget: float
    """Seconds for each measure."""


def plan(corpus: Corpus, seed: int, budget: float) -> Plan:
    """What to ask and to edit in a corpus."""
    pairs = corpus.pairs(seed)
    if not pairs:
        raise SystemExit(f"{corpus.root.name}: no file imports another one by its absolute name")
    files = {name: path for name, limits in SIZES.items() if (path := corpus.file_of_size(*limits)) is not None}
    return Plan(
        uses=corpus.uses(seed, 200, 10),
        definitions=corpus.definitions(seed, 5),
        files=files,
        user=pairs[0].user,
        target=pairs[0].target,
        module=pairs[0].module,
        seed=seed,
        budget=budget,
    )


def started(
    peer: Peer,
    corpus: Corpus,
    asked: Plan,
    environment: Mapping[str, str] | None = None,
    settings: Mapping[str, Any] | None = None,
) -> dict[str, float | None]:
    """Start a server and stop it when it answers: the seconds of the cold figures alone."""
    with Session(peer, corpus.root, environment, settings) as session:
        return _cold(session, asked)


def measure(
    peer: Peer,
    corpus: Corpus,
    asked: Plan,
    environment: Mapping[str, str] | None = None,
    settings: Mapping[str, Any] | None = None,
) -> Figures:
    """Start a server, ask everything, stop it."""
    times: dict[str, Times] = {}
    with Session(peer, corpus.root, environment, settings) as session:
        cold = _cold(session, asked)
        times |= _definitions(session, asked)
        for size, path in asked.files.items():
            times |= _typing(session, asked, corpus, size, path)
        times["edit → answer in the same file"] = _edit_same(session, asked)
        times["unsaved edit → answer in another file"] = _edit_other(session, asked)
        times["document symbols"] = _document_symbols(session, asked)
        times["workspace symbols"] = _workspace_symbols(session, asked)
        times |= _references(session, asked)
        cpu = session.tree.cpu_seconds()
    return Figures(peer.version, times, cold, round(cpu, 2), round(session.peak_memory / 1e6, 1), session.failures)


def summary(seconds: Iterable[float], missed: int = 0, note: str = "") -> Times:
    """Quantiles in milliseconds."""
    ordered = sorted(1000 * each for each in seconds)
    if not ordered:
        return Times(0, missed=missed, note=note)
    last = len(ordered) - 1
    p50, p95 = (round(ordered[round(last * share)], 3) for share in (0.5, 0.95))
    return Times(len(ordered), p50, p95, round(ordered[-1], 3), missed, note)


def _cold(session: Session, asked: Plan) -> dict[str, float | None]:
    """Seconds from the start to the first right definition in another file, and to complete references of a popular name."""
    found: dict[str, float | None] = {"initialize": session.seconds}
    session.open(asked.user)
    found["first right definition"] = _first_definition(session, asked)
    popular = asked.definitions[-1]
    answer = None
    while not answer and session.seconds < 2 * TIMEOUT_S:
        answer, _ = _ask_references(session, popular)
        if not answer:
            time.sleep(0.02)
    found["first references of a popular name"] = session.seconds if answer else None
    found["CPU s until then"] = session.tree.cpu_seconds()
    return {name: value if value is None else round(value, 3) for name, value in found.items()}


def _first_definition(session: Session, asked: Plan) -> float | None:
    """Asks for the module that the opened file imports, until the answer is its file."""
    lines = range(session.length(asked.user))
    line = next(at for at in lines if f"from {asked.module} import" in session.line(asked.user, at))
    column = session.line(asked.user, line).index(asked.module) + len(asked.module) - 1
    while session.seconds < TIMEOUT_S:
        answer, _ = session.ask("textDocument/definition", asked.user, line, column)
        if any(path == asked.target for path, _ in session.places(answer)):
            return session.seconds
        time.sleep(0.005)
    return None


def _within(budget: float, items: Iterable[Any], act: Callable[[Any], None]) -> None:
    deadline = time.perf_counter() + budget
    for item in items:
        if time.perf_counter() > deadline:
            return
        act(item)


def _definitions(session: Session, asked: Plan) -> dict[str, Times]:
    """Each place once, and once again; hover of the same places."""
    for path in {use.path for use in asked.uses}:
        session.open(path)
    found: dict[str, Times] = {}
    for name, method in (
        ("definition, first time", "textDocument/definition"),
        ("definition, again", "textDocument/definition"),
        ("hover", "textDocument/hover"),
    ):
        seconds: list[float] = []
        answered: list[bool] = []

        def ask(use: Token, method: str = method, seconds: list[float] = seconds, answered: list = answered) -> None:
            answer, took = session.ask(method, use.path, use.line, use.column)
            seconds.append(took)
            answered.append(bool(answer))

        _within(asked.budget, asked.uses, ask)
        found[name] = summary(seconds, note=f"{sum(answered)} answered")
    return found


def _typing(session: Session, asked: Plan, corpus: Corpus, size: str, path: str) -> dict[str, Times]:
    """A `)` typed after a statement until its error is shown, and taken back until it is gone; then the same while a bracket
    further up stays open."""
    session.open(path)
    session.published(path, 0.0, lambda _: True, TIMEOUT_S)
    appears: list[float] = []
    goes: list[float] = []
    broken: list[float] = []
    missed = {"appears": 0, "goes": 0, "broken": 0}

    def errors_at(found: Diagnostics, line: int) -> bool:
        return any(
            each.get("severity", 1) == 1
            and each["range"]["start"]["line"] - 1 <= line <= each["range"]["end"]["line"] + 1
            for each in found
        )

    def note(name: str, into: list[float], took: float | None) -> None:
        if took is None:
            missed[name] += 1
        else:
            into.append(took)

    def type_and_take_back(line: int) -> None:
        end = len(session.line(path, line))
        sent = session.change(path, line, end, end, ")")
        note("appears", appears, session.published(path, sent, lambda found: errors_at(found, line), 10.0))
        sent = session.change(path, line, end, end + 1, "")
        note("goes", goes, session.published(path, sent, lambda found: not errors_at(found, line), 10.0))

    def type_while_broken(line: int) -> None:
        end = len(session.line(path, line))
        for stop, text in ((end, "x"), (end + 1, "")):
            sent = session.change(path, line, end, stop, text)
            note("broken", broken, session.published(path, sent, bool, 10.0))

    statements = corpus.statements(path, asked.seed, 40)
    _within(asked.budget, statements, type_and_take_back)
    first = min(statements)
    session.published(path, session.change(path, first, 0, 0, "("), bool, TIMEOUT_S)
    _within(asked.budget / 2, [line for line in statements if line != first][:20], type_while_broken)
    session.change(path, first, 0, 1, "")
    return {
        f"keystroke → error appears, {size}": summary(appears, missed["appears"], path),
        f"keystroke → error goes, {size}": summary(goes, missed["goes"], path),
        f"keystroke while broken, {size}": summary(broken, missed["broken"], path),
    }


def _edit_same(session: Session, asked: Plan) -> Times:
    """A new function typed at the end of a file, until the definition of its call is the new line."""
    path = next(iter(asked.files.values()), asked.user)
    session.open(path)
    seconds: list[float] = []
    missed: list[int] = []

    def add(number: int) -> None:
        sent, line = session.append(path, f"def bench_here_{number}():\n    return {number}\nbench_here_{number}()")
        took = _until_definition(session, path, line + 2, (path, line), sent)
        (missed if took is None else seconds).append(took or 0)

    _within(asked.budget, range(20), add)
    return summary(seconds, len(missed), path)


def _edit_other(session: Session, asked: Plan) -> Times:
    """A new function typed into one file and not saved, until its call in another file leads there."""
    session.open(asked.user)
    session.open(asked.target)
    seconds: list[float] = []
    missed: list[int] = []

    def add(number: int) -> None:
        name = f"bench_there_{number}"
        _, use = session.append(asked.user, f"from {asked.module} import {name}\n{name}()")
        sent, line = session.append(asked.target, f"def {name}():\n    return {number}")
        took = _until_definition(session, asked.user, use + 1, (asked.target, line), sent)
        (missed if took is None else seconds).append(took or 0)

    _within(asked.budget, range(20), add)
    return summary(seconds, len(missed), f"{asked.target} → {asked.user}")


def _until_definition(session: Session, path: str, line: int, wanted: tuple[str, int], sent: float) -> float | None:
    while time.perf_counter() < sent + 5.0:
        answer, _ = session.ask("textDocument/definition", path, line, 2)
        if wanted in session.places(answer):
            return time.perf_counter() - sent
        time.sleep(0.002)
    return None


def _document_symbols(session: Session, asked: Plan) -> Times:
    paths = sorted({use.path for use in asked.uses} | set(asked.files.values()))
    seconds: list[float] = []

    def ask(path: str) -> None:
        session.open(path)
        document = {"textDocument": {"uri": session.editor.uri(path)}}
        seconds.append(session.request("textDocument/documentSymbol", document)[1])

    _within(asked.budget, paths * 3, ask)
    return summary(seconds)


def _workspace_symbols(session: Session, asked: Plan) -> Times:
    seconds: list[float] = []
    found: list[bool] = []

    def ask(wanted: Token) -> None:
        answer, took = session.request("workspace/symbol", {"query": wanted.text})
        seconds.append(took)
        found.append(any(each["name"] == wanted.text for each in answer or ()))

    _within(asked.budget, asked.definitions, ask)
    return summary(seconds, note=f"{sum(found)} found")


def _references(session: Session, asked: Plan) -> dict[str, Times]:
    """By how popular the name is; asked three times over."""
    found: dict[str, Times] = {}
    for band in BANDS:
        seconds: list[float] = []
        counts: dict[str, int] = {}

        def ask(wanted: Token, seconds: list[float] = seconds, counts: dict[str, int] = counts) -> None:
            answer, took = _ask_references(session, wanted)
            seconds.append(took)
            counts[wanted.text] = len(answer or ())

        _within(asked.budget, [each for each in asked.definitions if each.band == band] * 3, ask)
        found[f"references, {band} name"] = summary(seconds, note=f"{sum(counts.values())} places")
    return found


def _ask_references(session: Session, wanted: Token) -> tuple[Any, float]:
    context = {"includeDeclaration": True}
    return session.ask("textDocument/references", wanted.path, wanted.line, wanted.column, context=context)
