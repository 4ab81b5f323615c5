"""The engine alone, without a server and without a protocol: what is left when nobody waits for messages.

Reads and extracts a whole workspace, commits it, types into one file and commits after each edit, and asks for definitions and
references at seeded places. Every time is that of one call from Python.
"""

from __future__ import annotations

import multiprocessing
import random
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import msgspec

from codeanatomy_engine import CancelToken

from codeanatomy_incremental.live import Graph, Progress

from bench.latency import Times, summary
from bench.questions import Corpus
from codeanatomy import config

EDITS = 60


class Engine(msgspec.Struct, frozen=True):
    """Figures of the engine on one corpus."""

    files: int
    megabytes: float
    compile_s: float
    read_and_extract_s: float
    relate_s: float
    cpu_s: float
    megabytes_per_s: float
    """Of reading, parsing and extraction."""

    peak_memory_mb: float | None
    times: dict[str, Times]
    views_of_an_edit: dict[str, Times]
    """What a commit after one keystroke ran, by view; `n` is the number of edits that ran it."""

    full_views: list[str]
    """Views that an edit ran whole instead of by key."""


class _Ran(msgspec.Struct, frozen=True):
    view: str
    mode: str = ""
    micros: int = 0


class _Report(msgspec.Struct, frozen=True):
    views: list[_Ran] = []


def measure(root: Path, seed: int) -> Engine:
    """Build the graph of a tree in a fresh process, edit it and ask it."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as fresh:
        return fresh.submit(_measure, root, seed).result()


def _measure(root: Path, seed: int) -> Engine:
    corpus = Corpus(root)
    began = time.perf_counter()
    cpu = time.process_time()
    settings = config.load(corpus.root, {})
    graph = Graph(corpus.root, settings.options, settings.program, encoding="utf-32")
    compiled = time.perf_counter() - began
    ends: dict[str, Progress] = {}
    graph.index(lambda now: ends.update({now.stage: now}), CancelToken())
    cpu = time.process_time() - cpu
    peak = _peak_memory()
    read, done = ends["read"], ends["done"]
    times, views, full = _edits(graph, corpus, seed)
    times |= _answers(graph, corpus, seed)
    return Engine(
        files=done.files_total,
        megabytes=round(read.bytes_done / 1e6, 2),
        compile_s=round(compiled, 3),
        read_and_extract_s=round(read.seconds, 3),
        relate_s=round(done.seconds - read.seconds, 3),
        cpu_s=round(cpu, 2),
        megabytes_per_s=round(read.bytes_done / 1e6 / read.seconds, 2),
        peak_memory_mb=peak,
        times=times,
        views_of_an_edit=views,
        full_views=full,
    )


def _edits(graph: Graph, corpus: Corpus, seed: int) -> tuple[dict[str, Times], dict[str, Times], list[str]]:
    """Characters typed after statements of a file of about 60 KB, each taken back: `)` breaks the syntax, a name makes a new use,
    spaces change nothing."""
    path = corpus.file_of_size(45_000, 60_000, 75_000) or max(corpus.texts, key=lambda each: len(corpus.texts[each]))
    graph.open(path, corpus.texts[path], 1)
    graph.commit(CancelToken())
    lines = corpus.texts[path].split("\n")
    chooser = random.Random(f"edits {seed}")
    statements = corpus.statements(path, seed, EDITS)
    parses: list[float] = []
    commits: dict[str, list[float]] = defaultdict(list)
    views: dict[str, list[float]] = defaultdict(list)
    full: set[str] = set()
    version = 1
    for line in statements:
        kind, text = chooser.choice((("an error", ")"), ("a new name", "; bench_name"), ("white space", "  ")))
        end = len(lines[line])
        for start, stop, new in ((end, end, text), (end, end + len(text), "")):
            version += 1
            span = {"start": {"line": line, "character": start}, "end": {"line": line, "character": stop}}
            change = msgspec.json.encode([{"range": span, "text": new}])
            parses.append(_seconds(partial(graph.engine.edit_document, path, version, change)))
            began = time.perf_counter()
            report = graph.engine.commit()
            commits[kind].append(time.perf_counter() - began)
            for ran in msgspec.json.decode(report, type=_Report).views:
                views[ran.view].append(ran.micros / 1e6)
                if ran.mode == "full":
                    full.add(ran.view)
    every = [each for kind in commits.values() for each in kind]
    times = {"edit → syntax diagnostics": summary(parses, note=path), "edit → graph": summary(every)}
    times |= {f"edit → graph, {kind}": summary(found) for kind, found in sorted(commits.items())}
    by_cost = sorted(views, key=lambda view: -sum(views[view]))
    times |= _broken(graph, corpus, path, seed, version)
    return times, {view: summary(views[view]) for view in by_cost}, sorted(full)


def _answers(graph: Graph, corpus: Corpus, seed: int) -> dict[str, Times]:
    snapshot = graph.engine.snapshot()
    uses = corpus.uses(seed, 400, 20)
    found = {
        "definition": summary(_seconds(partial(snapshot.definition, use.path, use.line, use.column)) for use in uses)
    }
    for wanted in corpus.definitions(seed, 5):
        ask = partial(snapshot.references, wanted.path, wanted.line, wanted.column, True)
        took = [_seconds(ask) for _ in range(5)]
        count = len(msgspec.json.decode(ask()))
        found[f"references of {wanted.text}"] = summary(took, note=f"{count} places")
    return found


def _broken(graph: Graph, corpus: Corpus, path: str, seed: int, version: int) -> dict[str, Times]:
    """Characters typed while a bracket of the first statement stays open, so that all that follows is inside of it."""
    first, *others = sorted(corpus.statements(path, seed, EDITS))
    lines = corpus.texts[path].split("\n")
    edits = [(first, 0, 0, "(")]
    for line in others[:20]:
        edits += [(line, len(lines[line]), len(lines[line]), "x"), (line, len(lines[line]), len(lines[line]) + 1, "")]
    parses: list[float] = []
    commits: list[float] = []
    for step, (line, start, stop, text) in enumerate(edits, version + 1):
        span = {"start": {"line": line, "character": start}, "end": {"line": line, "character": stop}}
        change = msgspec.json.encode([{"range": span, "text": text}])
        parses.append(_seconds(partial(graph.engine.edit_document, path, step, change)))
        commits.append(_seconds(graph.engine.commit))
    return {
        "edit → syntax diagnostics, a bracket open": summary(parses, note=path),
        "edit → graph, a bracket open": summary(commits),
    }


def _peak_memory() -> float | None:
    """The most megabytes that this process ever held. Not `getrusage`: that one remembers the process that started this one."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return None
    return next((int(line.split()[1]) / 1e3 for line in status.splitlines() if line.startswith("VmHWM:")), None)


def _seconds(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began
