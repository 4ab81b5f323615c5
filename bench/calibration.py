"""`python -m bench calibration`: how often edges of each rule agree with what type checkers agree on, beside the confidence they declare.

The same packages, questions and truth as `accuracy`, whose kept answers of the peers it uses. At every sampled place with a truth each
`refers_to` edge of the graph counts on its own, also one that an editor would show second. Writes `docs/reference/calibration.md`: an
edge of confidence c should be right about c of the time. Confidences were chosen on seed 1 of eight of the packages, as (right + 1) /
(sampled + 2) of each group of edges, so the page is measured on another seed, and on packages that were not looked at.
"""

from __future__ import annotations

import argparse
import itertools
import multiprocessing
import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from urllib.parse import unquote, urlparse

import msgspec

from bench import accuracy, consensus, environments, unresolved
from bench.accuracy import Key
from bench.agreement import comparable
from bench.questions import Corpus, Token

PAGE = environments.ROOT / "docs" / "reference" / "calibration.md"
BANDS = (0.0, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.97, 1.01)

_EDGES = """
SELECT at.file AS path, at.start AS start, r.rule_name AS rule, r.confidence AS confidence,
    r.kind AS kind, target.file AS file, target.line AS line
FROM refers_to AS r JOIN files ON files.file = r.file JOIN anchors AS at ON at.id = r.expr
LEFT JOIN anchors AS target ON target.id = r.target
WHERE files.partition = 'user'
"""


class Edge(msgspec.Struct, frozen=True):
    """One edge of the graph at a sampled place, and whether type checkers agree with it."""

    rule: str
    confidence: float
    is_right: bool


def main(arguments: Sequence[str]) -> None:
    """Measure and write the page."""
    parser = argparse.ArgumentParser(
        prog="python -m bench calibration", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    accuracy.add_options(parser)
    parser.add_argument("--page", type=Path, default=PAGE, help="where to write the page")
    options = parser.parse_args(arguments)
    names = options.package or accuracy.PACKAGES
    seeds = options.seed or [accuracy.SEED]
    edges = [edge for name in names for edge in sampled(name, seeds, options)]
    options.page.write_text(page(edges, names, seeds), "utf-8")
    print(options.page.read_text("utf-8"))


def sampled(name: str, seeds: Sequence[int], options: argparse.Namespace) -> list[Edge]:
    """The edges at the sampled places of a package that have a truth."""
    voters = [peer for peer in environments.peers() if peer.name in consensus.VOTERS]
    with accuracy.copied(name) as root, environments.variables() as variables:
        corpus = Corpus(root)
        asked = accuracy.questions(corpus, seeds, options)
        said = {
            peer.name: accuracy.answered(name, peer, corpus, asked, options.budget, variables).definitions
            for peer in voters
        }
        truth = consensus.truths(said)
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as fresh:
            return fresh.submit(_edges, root, asked.uses, truth, variables).result()


def _edges(root: Path, uses: Sequence[Token], truth: Sequence[set[Key]], variables: Mapping[str, str]) -> list[Edge]:
    os.environ.update(variables)
    corpus = Corpus(root)
    at: dict[tuple[str, int], set[Key]] = {}
    for use, right in zip(uses, truth, strict=True):
        if right:
            lines = corpus.texts[use.path].split("\n")
            before = "".join(f"{line}\n" for line in lines[: use.line]) + lines[use.line][: use.column]
            at[use.path, len(before.encode())] = right
    found: list[Edge] = []
    for row in unresolved.rows(unresolved.indexed(root), _EDGES):
        right = at.get((row["path"], row["start"]))
        if right is not None and row["kind"] != "external":
            target = _key(row["file"], 0 if row["kind"] == "module" else row["line"] - 1)
            found.append(Edge(row["rule"], round(row["confidence"], 2), target in right))
    return found


def _key(file: str, line: int) -> Key:
    return comparable((unquote(urlparse(file).path) if file.startswith("file:") else file, line))


def page(edges: Sequence[Edge], packages: Sequence[str], seeds: Sequence[int]) -> str:
    """The page of the documentation."""
    lines = [
        "# Calibration",
        "",
        "<!-- Made by `python -m bench calibration`. Do not edit. -->",
        "",
        f"How often edges of `refers_to` agree with what at least two of {', '.join(consensus.VOTERS)} say, on {len(edges)} edges at",
        f"sampled places of {', '.join(packages)} (seeds {', '.join(map(str, seeds))}). An edge of confidence c should agree about c of the",
        "time. Every edge counts, also one that an editor shows second. Confidences were chosen elsewhere, as (right + 1) / (sampled + 2) of",
        "the edges of seed 1 in the packages other than "
        + ", ".join(accuracy.FRESH)
        + "; where those were less than 30, by judgement.",
        "",
        "| rule | declared confidence | sampled edges | observed agreement |",
        "|---|---|---|---|",
    ]
    by_rule = _shares(((edge.rule, edge.confidence), edge) for edge in edges)
    lines += [
        f"| [{rule}](rules.md#{rule}) | {confidence:.2f} | {count} | {share:.3f} |"
        for (rule, confidence), (count, share) in sorted(by_rule.items(), key=lambda each: (each[0][0], -each[0][1]))
    ]
    lines += [
        "",
        "By band of confidence:",
        "",
        "| from | to below | sampled edges | mean declared | observed |",
        "|---|---|---|---|---|",
    ]
    lines += _bands(edges)
    return "\n".join(lines) + "\n"


def _bands(edges: Sequence[Edge]) -> Iterator[str]:
    for low, high in itertools.pairwise(BANDS):
        inside = [edge for edge in edges if low <= edge.confidence < high]
        if inside:
            declared = sum(edge.confidence for edge in inside) / len(inside)
            observed = sum(edge.is_right for edge in inside) / len(inside)
            yield f"| {low:.2f} | {min(high, 1.0):.2f} | {len(inside)} | {declared:.3f} | {observed:.3f} |"


def _shares(edges: Iterable[tuple[tuple[str, float], Edge]]) -> dict[tuple[str, float], tuple[int, float]]:
    counts: Counter[tuple[str, float]] = Counter()
    right: dict[tuple[str, float], int] = defaultdict(int)
    for key, edge in edges:
        counts[key] += 1
        right[key] += edge.is_right
    return {key: (count, right[key] / count) for key, count in counts.items()}
