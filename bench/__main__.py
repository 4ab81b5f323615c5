"""`python -m bench`: ours beside the peers, on the same files in one run.

Four parts, all of them unless some are named: `latency` (what an editor waits for, and what the server costs), `requests` (every request
of the protocol over many places), `agreement` (definitions and references, place by place) and `engine` (the engine without a server). Prints
tables; no time is asserted anywhere.

Commands of their own: `python -m bench accuracy --help`, how right ours and the peers are, by what type checkers agree on,
`python -m bench calibration --help`, how right the edges of each rule are, `python -m bench packs --help`, how right those of framework
packs are, `python -m bench growth --help`, what size costs, `python -m bench syntax --help`, which files are flagged, beside CPython, and
`python -m bench witnesses --help`, where CPython's symbol table says otherwise.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from bench import accuracy, agreement, calibration, engine, growth, latency, packs, peers, requests, syntax, witnesses
from bench.latency import Figures, Times
from bench.questions import BANDS, Corpus

PARTS = ("latency", "requests", "agreement", "engine")
DEFAULT_PACKAGE = "django"


def main() -> None:
    """Measure and print."""
    match sys.argv[1:]:
        case ["accuracy", *rest]:
            accuracy.main(rest)
        case ["calibration", *rest]:
            calibration.main(rest)
        case ["packs", *rest]:
            packs.main(rest)
        case ["growth", *rest]:
            growth.main(rest)
        case ["syntax", *rest]:
            syntax.main(rest)
        case ["witnesses", *rest]:
            witnesses.main(rest)
        case _:
            _side_by_side()


def _side_by_side() -> None:
    arguments = _arguments()
    chosen = list(peers.chosen(arguments.server or ()))
    result: dict[str, Any] = {
        "machine": f"{platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}",
        "engine_profile": peers.engine_profile(),
        "versions": {peer.name: peer.version for peer in chosen},
        "seed": arguments.seed,
        "load_before": os.getloadavg()[0],
        "corpora": {},
    }
    print(
        f"{result['machine']}, load {result['load_before']:.1f}; engine built with profile {result['engine_profile']}"
    )
    print(", ".join(f"{peer.name}: {peer.distribution} {peer.version}" for peer in chosen))
    for name, source in _sources(arguments.corpus):
        with _copied(source) as root:
            corpus = Corpus(root)
            size = sum(len(text.encode()) for text in corpus.texts.values()) / 1e6
            print(f"\n# {name}: {len(corpus.texts)} files, {size:.1f} MB", flush=True)
            block: dict[str, Any] = {"files": len(corpus.texts), "megabytes": round(size, 2)}
            for part in arguments.part or PARTS:
                block[part] = _RUN[part](corpus, chosen, arguments)
            result["corpora"][name] = block
    if arguments.out:
        arguments.out.write_bytes(msgspec.json.format(msgspec.json.encode(msgspec.to_builtins(result))))
        print(f"\nwritten: {arguments.out}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("part", nargs="*", help=f"{', '.join(PARTS)}; all of them if none is named")
    parser.add_argument("--server", action="append", help="only this one (repeatable): ours, jedi, pyright")
    parser.add_argument(
        "--corpus", action="append", metavar="NAME=PATH", help=f"a source tree (repeatable; default: {DEFAULT_PACKAGE})"
    )
    parser.add_argument("--seed", type=int, default=1, help="another seed asks about other places")
    parser.add_argument("--positions", type=int, default=300, help="uses to compare")
    parser.add_argument("--files", type=int, default=30, help="files that they are taken from")
    parser.add_argument("--references", type=int, default=4, help="definitions of each band to compare the uses of")
    parser.add_argument("--misses", type=int, default=10, help="how many disagreements to list")
    parser.add_argument("--budget", type=float, default=15.0, help="seconds for each measure of each server")
    parser.add_argument("--out", type=Path, help="write everything as JSON")
    arguments = parser.parse_args()
    for part in arguments.part:
        if part not in PARTS:
            parser.error(f"there is no part `{part}`; there are {', '.join(PARTS)}")
    return arguments


def _sources(named: Sequence[str] | None) -> Iterator[tuple[str, Path]]:
    """Names and folders of the corpora."""
    for each in named or ():
        name, _, path = each.rpartition("=")
        folder = Path(path).resolve()
        if not folder.is_dir():
            raise SystemExit(f"there is no folder {path}")
        yield name or folder.name, folder
    if not named:
        spec = importlib.util.find_spec(DEFAULT_PACKAGE)
        if spec is None or not spec.submodule_search_locations:
            raise SystemExit(f"{DEFAULT_PACKAGE} is not installed; name a folder with --corpus")
        yield DEFAULT_PACKAGE, Path(next(iter(spec.submodule_search_locations)))


@contextmanager
def _copied(source: Path) -> Iterator[Path]:
    """A root that holds a copy of the source: a package becomes a folder of the root, as imports want it."""
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        root = Path(scratch).resolve()
        target = root / source.name if (source / "__init__.py").exists() else root
        ignored = shutil.ignore_patterns("__pycache__", ".git", ".venv", "node_modules", "*.mo", "*.po")
        shutil.copytree(source, target, ignore=ignored, dirs_exist_ok=True)
        yield root


def _latency(corpus: Corpus, chosen: Sequence[peers.Peer], arguments: argparse.Namespace) -> dict[str, Figures]:
    """Measure every server, then print them side by side."""
    plan = latency.plan(corpus, arguments.seed, arguments.budget)
    found: dict[str, Figures] = {}
    again: dict[str, dict[str, float | None]] = {}
    for peer in chosen:
        began = time.perf_counter()
        with tempfile.TemporaryDirectory(prefix="bench-cache-") as kept:
            # Empty at the first start; what that one leaves there is what the second one finds.
            environment = os.environ | {"CODEANATOMY_CACHE_DIR": kept, "XDG_CACHE_HOME": kept}
            found[peer.name] = latency.measure(peer, corpus, plan, environment)
            again[peer.name] = latency.started(peer, corpus, plan, environment)
        print(f"measured {peer.name} in {time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)
    rows: list[list[str]] = []
    for when, cold in (("cold", {name: each.cold for name, each in found.items()}), ("started again", again)):
        for name in dict.fromkeys(name for each in cold.values() for name in each):
            unit = "" if name.startswith("CPU") else ", s"
            rows.append([f"{when}: {name}{unit}", *(_number(cold[each].get(name)) for each in found)])
    for name in dict.fromkeys(name for each in found.values() for name in each.times):
        rows.append([name, *(_times(each.times.get(name)) for each in found.values())])
    rows.append(["CPU s of the whole session", *(_number(each.cpu_s) for each in found.values())])
    rows.append(["peak memory, MB", *(_number(each.peak_memory_mb) for each in found.values())])
    rows.append(["requests that failed", *(str(each.failures) for each in found.values())])
    _print("latency: milliseconds, p50 / p95, unless a row says otherwise", ["", *found], rows)
    files = "; ".join(f"{size}: {path}" for size, path in plan.files.items())
    print(f"typed into {files}; cross-file edit {plan.target} → {plan.user}")
    return found


def _requests(
    corpus: Corpus, chosen: Sequence[peers.Peer], arguments: argparse.Namespace
) -> dict[str, dict[str, Times]]:
    """Ask every server everything, then print them side by side."""
    plan = requests.plan(corpus, arguments.seed, arguments.budget)
    found = {peer.name: requests.measure(peer, corpus, plan) for peer in chosen}
    names = dict.fromkeys(name for each in found.values() for name in each)
    rows = [[name, *(_times(each.get(name)) for each in found.values())] for name in names]
    title = f"requests: milliseconds, p50 / p95, over {len({use.path for use in plan.uses})} open files"
    _print(title, ["", *found], rows)
    return found


def _agreement(
    corpus: Corpus, chosen: Sequence[peers.Peer], arguments: argparse.Namespace
) -> list[agreement.Comparison]:
    """Ask everybody the same, then print ours beside each peer."""
    ours = next((peer for peer in chosen if peer.name == "ours"), None)
    others = [peer for peer in chosen if peer is not ours]
    if ours is None or not others:
        print("\nagreement needs ours and a peer: skipped")
        return []
    uses = corpus.uses(arguments.seed, arguments.positions, arguments.files)
    definitions = corpus.definitions(arguments.seed, arguments.references)
    budget = max(60.0, 4 * arguments.budget)
    mine = agreement.ask(ours, corpus, uses, definitions, budget)
    found: list[agreement.Comparison] = []
    for peer in others:
        other = agreement.ask(peer, corpus, uses, definitions, budget)
        found.append(agreement.compare(corpus, uses, definitions, mine, other))
        _print_agreement(found[-1], arguments.misses)
    return found


def _print_agreement(found: agreement.Comparison, misses: int) -> None:
    header = ["kind", "asked", "agreement", "same", "differ", "only peer", "only ours", "neither"]
    for title, counts in (("inside the workspace", found.inside), ("outside of it", found.outside)):
        rows = [
            [
                kind,
                *(
                    str(each)
                    for each in (
                        count.asked,
                        "-" if count.agreement is None else f"{100 * count.agreement:.1f} %",
                        count.same,
                        count.differ,
                        count.only_peer,
                        count.only_ours,
                        count.neither,
                    )
                ),
            ]
            for kind, count in counts.items()
        ]
        _print(f"definitions, ours beside {found.peer} {found.version}: targets {title}", header, rows)
    rows = [
        [f"{each.name} ({each.band})", *map(str, (each.ours, each.peer, each.both)), _first(each)]
        for each in found.references
    ]
    _print(f"references beside {found.peer}", ["name", "ours", found.peer, "both", "first that only one names"], rows)
    for band in BANDS:
        total = [each for each in found.references if each.band == band]
        both, theirs, mine = (sum(getattr(each, field) for each in total) for field in ("both", "peer", "ours"))
        if total:
            print(f"{band}: of {theirs} places of {found.peer} we name {both}; of {mine} of ours it names {both}")
    if found.not_asked:
        print(f"{found.not_asked} questions were not asked: out of time")
    shown = found.misses[:misses]
    if shown:
        print(f"\n{len(shown)} of {len(found.misses)} disagreements, those inside the workspace first:")
    for miss in shown:
        print(f"  {miss.place}  {miss.kind}, {miss.where}  {miss.source[:100]}")
        print(f"      {found.peer}: {', '.join(miss.peer) or 'nothing'}   ours: {', '.join(miss.ours) or 'nothing'}")


def _first(each: agreement.References) -> str:
    if each.only_peer:
        return f"{each.only_peer[0]} (peer)"
    return f"{each.only_ours[0]} (ours)" if each.only_ours else ""


def _engine(corpus: Corpus, chosen: Sequence[peers.Peer], arguments: argparse.Namespace) -> engine.Engine | None:
    """Measure the engine and print it."""
    if not any(peer.name == "ours" for peer in chosen):
        return None
    found = engine.measure(corpus.root, arguments.seed)
    print(
        f"\n## engine: {found.files} files, {found.megabytes:.1f} MB; compile the rules {found.compile_s:.2f} s, "
        f"read and extract {found.read_and_extract_s:.2f} s ({found.megabytes_per_s:.1f} MB/s), relate {found.relate_s:.2f} s, "
        f"processor {found.cpu_s:.1f} s, peak memory {_number(found.peak_memory_mb)} MB"
    )
    rows = [[name, str(each.n), *_quantiles(each), each.note] for name, each in found.times.items()]
    _print("engine: milliseconds of one call", ["", "n", "p50", "p95", "max", ""], rows)
    rows = [
        [name, str(each.n), *_quantiles(each), "full" if name in found.full_views else "by key"]
        for name, each in found.views_of_an_edit.items()
    ]
    _print("engine: milliseconds of the views that an edit runs", ["view", "edits", "p50", "p95", "max", ""], rows)
    return found


def _quantiles(times: Times) -> list[str]:
    return [_number(each) for each in (times.p50, times.p95, times.max)]


def _times(times: Times | None) -> str:
    if times is None or not (times.n or times.missed):
        return "-"
    missed = f", {times.missed} missed" if times.missed else ""
    if not times.n:
        return missed.removeprefix(", ")
    count = f" ({times.note})" if times.note[:1].isdigit() else ""
    longest = f", one {_number(times.max)}" if times.max > max(100, 10 * times.p95) else ""
    return f"{_number(times.p50)} / {_number(times.p95)}{longest}{missed}{count}"


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _print(title: str, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    table = [list(header), *map(list, rows)]
    widths = [max(len(row[column]) for row in table) for column in range(len(header))]
    print(f"\n## {title}")
    for row in table:
        head, *rest = (
            cell.ljust(width) if index == 0 else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        print("  ".join([head, *rest]).rstrip())
    sys.stdout.flush()


_RUN: Mapping[str, Callable[[Corpus, Sequence[peers.Peer], argparse.Namespace], Any]] = {
    "latency": _latency,
    "requests": _requests,
    "agreement": _agreement,
    "engine": _engine,
}


if __name__ == "__main__":
    main()
