"""`python -m bench growth`: what size costs, ours beside ty, pyrefly, basedpyright and jedi on the same files and edits.

The files are the first n of several large packages from the registry, whole small packages first, so that each size holds the one
below it. Every server is started twice at each size: once with nothing kept, then measured as an editor would use it (`latency`), and
once again with what the first run left in its caches. Prints a table, and writes JSON, a page and a plot of it. No time is asserted
anywhere; that work does not grow with the size is a test of its own, which counts.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from bench import curves, environments, latency, peers
from bench.latency import Figures, Times
from bench.questions import Corpus

SIZES = (100, 1_000, 10_000)
PLOTTED = (
    "cold: first right definition",
    "cold: first references of a popular name",
    "unsaved edit → answer in another file",
    "keystroke → error appears, 60 KB",
    "references, popular name",
    "peak memory, MB",
)
"""The measures of the plot, each a panel."""


class Server(msgspec.Struct, frozen=True):
    """One server at one size."""

    first: Figures
    again: dict[str, float | None]
    """Seconds from a second start, with what the first one kept."""


class Size(msgspec.Struct, frozen=True):
    """One corpus."""

    files: int
    megabytes: float
    load: float
    """Of the machine when it began."""

    servers: dict[str, Server]


class Growth(msgspec.Struct, frozen=True):
    """Everything that was measured."""

    date: str
    machine: str
    profile: str
    seed: int
    budget: float
    versions: dict[str, str]
    sizes: list[Size]


def main(arguments: Sequence[str]) -> None:
    """Measure, or read what was measured, and print."""
    parser = argparse.ArgumentParser(
        prog="python -m bench growth", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", action="append", type=int, help=f"numbers of files (repeatable; {SIZES})")
    parser.add_argument("--server", action="append", help="only this one (repeatable)")
    parser.add_argument("--seed", type=int, default=1, help="another seed asks about other places")
    parser.add_argument("--budget", type=float, default=4.0, help="seconds for each measure of each server")
    parser.add_argument("--read", type=Path, help="measure nothing: show what an earlier run wrote")
    parser.add_argument("--out", type=Path, help="write everything as JSON")
    parser.add_argument("--page", type=Path, help="write the page, and the plot beside it")
    options = parser.parse_args(arguments)
    found = msgspec.json.decode(options.read.read_bytes(), type=Growth) if options.read else measured(options)
    print(text(found))
    if options.out:
        options.out.write_bytes(msgspec.json.format(msgspec.json.encode(found)))
    if options.page:
        plot = options.page.with_suffix(".svg")
        plot.write_text(curves.svg(series(found)), "utf-8")
        options.page.write_text(page(found, plot.name), "utf-8")


def measured(options: argparse.Namespace) -> Growth:
    """Every server at every size, the smallest first."""
    chosen = [peer for peer in environments.peers() if not options.server or peer.name in options.server]
    sizes: list[Size] = []
    for wanted in sorted(options.size or SIZES):
        with placed(wanted) as root, environments.variables("growth") as variables:
            corpus = Corpus(root)
            plan = latency.plan(corpus, options.seed, options.budget)
            load = os.getloadavg()[0]
            servers: dict[str, Server] = {}
            for peer in chosen:
                began = time.perf_counter()
                settings = environments.settings("growth")
                first = latency.measure(peer, corpus, plan, variables, settings)
                servers[peer.name] = Server(first, latency.started(peer, corpus, plan, variables, settings))
                took = time.perf_counter() - began
                print(f"{wanted} files: {peer.name} in {took:.0f} s", file=sys.stderr, flush=True)
            megabytes = sum(len(each.encode()) for each in corpus.texts.values()) / 1e6
            sizes.append(Size(len(corpus.texts), round(megabytes, 2), round(load, 1), servers))
    return Growth(
        date=datetime.now(UTC).date().isoformat(),
        machine=f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}",
        profile=peers.engine_profile(),
        seed=options.seed,
        budget=options.budget,
        versions={peer.name: f"{peer.distribution} {peer.version}" for peer in chosen},
        sizes=sizes,
    )


@contextmanager
def placed(wanted: int) -> Iterator[Path]:
    """A root that holds copies of the first files of the packages, as many as are wanted or there are."""
    [site] = (environments.made("growth") / "lib").glob("python*/site-packages")
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        root = Path(scratch).resolve()
        for path in files(site)[:wanted]:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes((site / path).read_bytes())
        (root / "pyproject.toml").write_text('[project]\nname = "growth"\nversion = "1"\n', "utf-8")
        (root / "pyrightconfig.json").write_text("{}", "utf-8")
        yield root


def files(site: Path) -> list[str]:
    """The Python files of all packages in a folder, by path: packages with few files first."""
    packages = [
        sorted(file.relative_to(site).as_posix() for file in folder.rglob("*.py"))
        for folder in sorted(site.iterdir())
        if folder.is_dir() and folder.suffix != ".dist-info"
    ]
    return [path for package in sorted(packages, key=lambda each: (len(each), each)) for path in package]


def rows(size: Size) -> dict[str, dict[str, str]]:
    """The cells of a size, by measure and server."""
    found: dict[str, dict[str, str]] = {}
    for name, server in size.servers.items():
        cells = {f"cold: {each}": _number(value) for each, value in server.first.cold.items()}
        cells |= {f"started again: {each}": _number(value) for each, value in server.again.items()}
        cells |= {each: _times(times) for each, times in server.first.times.items()}
        cells["CPU s of the whole session"] = _number(server.first.cpu_s)
        cells["peak memory, MB"] = _number(server.first.peak_memory_mb)
        for measure, cell in cells.items():
            found.setdefault(measure, {})[name] = cell
    return found


def series(found: Growth) -> dict[str, dict[str, list[tuple[float, float]]]]:
    """What is plotted: by measure and server the values over the number of files."""
    drawn: dict[str, dict[str, list[tuple[float, float]]]] = {}
    for title in PLOTTED:
        lines: dict[str, list[tuple[float, float]]] = {}
        for size in found.sizes:
            for name, server in size.servers.items():
                value = _plotted(server.first, title)
                if value:
                    lines.setdefault(name, []).append((size.files, value))
        unit = ", s" if title.startswith("cold") else "" if title.endswith("MB") else ", ms"
        drawn[f"{title}{unit}"] = lines
    return drawn


def _plotted(figures: Figures, title: str) -> float | None:
    if title.startswith("cold: "):
        return figures.cold.get(title.removeprefix("cold: "))
    if title == "peak memory, MB":
        return figures.peak_memory_mb
    times = figures.times.get(title)
    return times.p50 if times and times.n else None


def page(found: Growth, plot: str) -> str:
    """The page of the documentation."""
    return f"""# Growth

<!-- Made by `python -m bench growth --page docs/growth.md`. Do not edit. -->

What the size of a workspace costs, ours beside the peers, on the first n files of ansible, django, sqlalchemy, sympy and what they bring,
whole small packages first. All servers get the same files, questions and edits, one after the other; caches are empty at the first
start and kept for the second.

- A cell is p50 / p95 in milliseconds, or seconds where it begins with *cold* or *started again*; `missed` are edits that never led to
  the right answer within five seconds, and a number in brackets is how many places or names were found.
- *First references* counts from the start of the process until the uses of a popular name are answered at all. Ours answers when the
  whole workspace is read; a peer that answers sooner may name fewer places, as the counts of the references say.
- Compare servers within one size: the load of the machine is said with each.

![{", ".join(PLOTTED)}]({plot})

{text(found)}"""


def text(found: Growth) -> str:
    """The measured tables as Markdown."""
    versions = ", ".join(f"{name}: {version}" for name, version in found.versions.items() if name != "ours")
    lines = [
        f"Measured {found.date} on {found.machine}; engine built with profile `{found.profile}`, seed {found.seed}, "
        f"{found.budget:g} s for each measure. {versions}."
    ]
    for size in found.sizes:
        names = list(size.servers)
        lines += ["", f"## {size.files} files", "", f"{size.megabytes} MB; load {size.load} at the beginning.", ""]
        lines += [f"|  | {' | '.join(names)} |", "|---|" + "---|" * len(names)]
        for measure, cells in rows(size).items():
            lines.append(f"| {measure} | {' | '.join(cells.get(name, '-') for name in names)} |")
    return "\n".join(lines) + "\n"


def _times(times: Times) -> str:
    missed = f"{times.missed} missed" if times.missed else ""
    if not times.n:
        return missed or "-"
    count = f" ({times.note.split()[0]})" if times.note[:1].isdigit() else ""
    return f"{_number(times.p50)} / {_number(times.p95)}{count}" + (f", {missed}" if missed else "")


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"
