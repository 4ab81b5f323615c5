"""`python -m bench accuracy`: how right definitions and references are, on packages from the registry that no test uses.

The truth is what at least two of three type checkers say (`consensus`). Ours stands beside each of them and beside jedi, every one
installed into an environment of its own (`environments`), all analysing against the same installed packages. Then what our graph
leaves open, by reason. Prints Markdown; answers of peers are kept, because neither they nor the questions change between runs.
"""

from __future__ import annotations

import argparse
import hashlib
import platform
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from bench import agreement, consensus, environments, unresolved
from bench.agreement import comparable
from bench.consensus import Tally, Uses
from bench.peers import Peer
from bench.questions import KINDS, Corpus, Token, convention_of
from bench.session import Point
from bench.unresolved import Unresolved

PACKAGES = (
    "attr",
    "click",
    "docutils",
    "flask",
    "httpx",
    "jsonschema",
    "paramiko",
    "requests",
    "rich",
    "starlette",
    "tornado",
    "werkzeug",
)
FRESH = ("jsonschema", "paramiko", "starlette", "tornado")
"""Those that nobody looked at while rules were written."""

SEED = 11
"""Of the pages in the documentation. With seed 1 misses were looked at and confidences chosen."""

_LISTED = "`__all__`"

WHERES = ("all", "inside", "external")

Key = tuple[str, int | str]
"""A target that servers name alike."""


class Questions(msgspec.Struct, frozen=True):
    """What is asked about one package."""

    uses: list[Token]
    definitions: list[Token]


class Said(msgspec.Struct, frozen=True):
    """What one server says, as targets that servers name alike."""

    definitions: list[set[Key] | None]
    references: list[set[Point] | None]
    failures: int


class Miss(msgspec.Struct, frozen=True):
    """A place where ours is not right."""

    package: str
    place: str
    where: str
    kind: str
    source: str
    agreed: list[str]
    ours: list[str]


class Package(msgspec.Struct, frozen=True):
    """The figures of one package."""

    name: str
    files: int
    questions: int
    with_truth: int
    """Definitions that at least two voters agree on."""

    definitions: dict[str, dict[str, Tally]]
    """By server, then by `all`, `inside` or `external`, alone or followed by a kind: `inside name`."""

    references: dict[str, tuple[Uses, Uses]]
    """By server: against all voters, and leave-one-out."""

    extra: dict[str, dict[str, int]]
    """By server the places that it names and two voters do not, by what makes each a reference (`questions.convention_of`)."""

    failures: dict[str, int]
    unresolved: Unresolved
    misses: list[Miss]


class Accuracy(msgspec.Struct, frozen=True):
    """Everything that was measured."""

    date: str
    machine: str
    seeds: list[int]
    versions: dict[str, str]
    packages: list[Package]


def main(arguments: Sequence[str]) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        prog="python -m bench accuracy", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_options(parser)
    parser.add_argument("--out", type=Path, help="write everything as JSON, our misses included")
    parser.add_argument("--page", type=Path, help="write the Markdown to a file")
    options = parser.parse_args(arguments)
    peers = list(environments.peers())
    seeds = options.seed or [SEED]
    found = Accuracy(
        date=datetime.now(UTC).date().isoformat(),
        machine=f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        seeds=seeds,
        versions={peer.name: f"{peer.distribution} {peer.version}" for peer in peers},
        packages=[measured(name, peers, seeds, options) for name in options.package or PACKAGES],
    )
    print(text(found))
    if options.page:
        options.page.write_text(page(found), "utf-8")
    if options.out:
        options.out.write_bytes(msgspec.json.format(msgspec.json.encode(found)))


def add_options(parser: argparse.ArgumentParser) -> None:
    """Which packages, and how many questions."""
    parser.add_argument("--package", action="append", help=f"only this one (repeatable): {', '.join(PACKAGES)}")
    parser.add_argument(
        "--seed", action="append", type=int, help=f"other seeds ask other questions (repeatable; {SEED})"
    )
    parser.add_argument("--positions", type=int, default=200, help="uses of each package")
    parser.add_argument("--files", type=int, default=25, help="files that they are taken from")
    parser.add_argument("--references", type=int, default=4, help="definitions of each band to find the uses of")
    parser.add_argument("--budget", type=float, default=100.0, help="seconds for each server, package and kind")


def measured(name: str, peers: Sequence[Peer], seeds: Sequence[int], options: argparse.Namespace) -> Package:
    """The figures of one package."""
    with copied(name) as root, environments.variables() as variables:
        corpus = Corpus(root)
        asked = questions(corpus, seeds, options)
        said: dict[str, Said] = {}
        for peer in peers:
            said[peer.name] = answered(name, peer, corpus, asked, options.budget, variables)
            print(f"{name}: {peer.name}, {said[peer.name].failures} failed", file=sys.stderr, flush=True)
        answers = {name: each.definitions for name, each in said.items()}
        truth = consensus.truths(answers)
        groups = [list(grouped(use, right)) for use, right in zip(asked.uses, truth, strict=True)]
        return Package(
            name=name,
            files=len(corpus.texts),
            questions=len(asked.uses),
            with_truth=sum(bool(each) for each in truth),
            definitions=consensus.definitions(answers, groups),
            references=consensus.references({name: each.references for name, each in said.items()}),
            extra=extra({name: each.references for name, each in said.items()}, corpus.texts),
            failures={name: each.failures for name, each in said.items()},
            unresolved=unresolved.of(root, variables),
            misses=list(misses(name, corpus, asked.uses, answers["ours"], truth, groups)),
        )


@contextmanager
def copied(name: str) -> Iterator[Path]:
    """A root that holds a copy of an installed package, and project files so that every server looks for none above it."""
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        root = Path(scratch).resolve()
        shutil.copytree(environments.package(name), root / name, ignore=shutil.ignore_patterns("__pycache__"))
        (root / "pyproject.toml").write_text(f'[project]\nname = "{name}"\nversion = "1"\n', "utf-8")
        (root / "pyrightconfig.json").write_text("{}", "utf-8")
        yield root


def questions(corpus: Corpus, seeds: Sequence[int], options: argparse.Namespace) -> Questions:
    """The questions of all seeds, each once."""
    uses = [use for seed in seeds for use in corpus.uses(seed, options.positions, options.files)]
    definitions = [each for seed in seeds for each in corpus.definitions(seed, options.references)]
    return Questions(list(dict.fromkeys(uses)), list(dict.fromkeys(definitions)))


def answered(
    package: str, peer: Peer, corpus: Corpus, asked: Questions, budget: float, variables: Mapping[str, str]
) -> Said:
    """What a server says; that of a peer is kept under a fingerprint of everything that it depends on."""
    if not peer.home:
        return _ask(peer, corpus, asked, budget, variables)
    locks = [(environments.REQUIREMENTS / f"{each}.txt").read_bytes() for each in (peer.name, "packages")]
    told = msgspec.json.encode((package, peer.name, peer.version, budget, asked))
    fingerprint = hashlib.sha256(b"".join([told, *locks])).hexdigest()
    kept = environments.HOME / "answers" / f"{package}-{peer.name}-{fingerprint[:16]}.json"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_bytes(msgspec.json.encode(_ask(peer, corpus, asked, budget, variables)))
    return msgspec.json.decode(kept.read_bytes(), type=Said)


def _ask(peer: Peer, corpus: Corpus, asked: Questions, budget: float, variables: Mapping[str, str]) -> Said:
    said = agreement.ask(peer, corpus, asked.uses, asked.definitions, budget, variables, environments.settings())
    # Now, because some servers unpack their stubs into a folder that goes with them.
    keys = [None if each is None else {comparable(place) for place in each} for each in said.definitions]
    return Said(keys, said.references, said.failures)


def extra(answers: consensus.Answers[Point], texts: Mapping[str, str]) -> dict[str, dict[str, int]]:
    """By server the places that it names and two voters do not, by what makes each a reference."""
    places = consensus.extra(answers)
    return {
        name: dict(Counter(convention_of(texts[path], line, column) for path, line, column in each if path in texts))
        for name, each in places.items()
    }


def grouped(use: Token, truth: Iterable[Key]) -> Iterator[str]:
    """The tables and rows that a use is counted in."""
    where = "inside" if any(is_inside(key) for key in truth) else "external"
    for each in ("all", where):
        yield from (each, f"{each} {use.kind}")


def is_inside(key: Key) -> bool:
    """Whether a target lies in the workspace: there it has a line, outside a head."""
    return isinstance(key[1], int)


def misses(
    name: str,
    corpus: Corpus,
    uses: Sequence[Token],
    ours: Sequence[set[Key] | None],
    truth: Sequence[set[Key]],
    groups: Sequence[Sequence[str]],
) -> Iterator[Miss]:
    """Where ours names no agreed target."""
    for use, answer, right, of in zip(uses, ours, truth, groups, strict=True):
        if answer is not None and right and not answer & right:
            place = f"{use.path}:{use.line + 1}:{use.column + 1}"
            source = corpus.line(use.path, use.line).strip()
            yield Miss(name, place, of[2], use.kind, source, _shown(right), _shown(answer))


def _shown(keys: Iterable[Key]) -> list[str]:
    return sorted(f"{path}:{at + 1}" if isinstance(at, int) else f"{path} {at}".strip() for path, at in keys)[:4]


def page(found: Accuracy) -> str:
    """The page of the documentation."""
    return f"""# Accuracy

<!-- Made by `python -m bench accuracy --page docs/accuracy.md`. Do not edit. -->

How right definitions and references are, on packages that no test uses, beside three type checkers and jedi. Every server gets the
same seeded questions about names, attributes, imports and keyword arguments, and analyses against the same installed packages.

- *The truth* is what at least two of {", ".join(consensus.VOTERS)} say; places without that are left out. Targets are
  compared as lines inside the package, outside of it as module and head of the line, because each program brings stubs of its own.
- *Leave-one-out*: a type checker helps to make its own truth, so it is also scored against what the other two agree on. Compare
  these figures across servers; for ours and jedi both are one.
- A server that answers a constructor where the others answer its class, or an import where the others go through it, is not right here.
- *The fresh ones* are {", ".join(FRESH)}: nobody looked at them while rules were written, as at the others with another seed.
- *Patterns* say what stands before the dot of what is open, so each has as many places as a rule for it could gain.

Again: `python -m bench accuracy`; the first run installs peers and packages as pinned in `requirements/accuracy`, later ones ask
only ours again. `--seed 7` asks other questions, `--out FILE` writes all of it as JSON, our misses included.

{text(found)}"""


def text(found: Accuracy) -> str:
    """The measured tables as Markdown."""
    servers = list(found.versions)
    lines = [
        f"Measured {found.date} on {found.machine}; seeds {', '.join(map(str, found.seeds))}. "
        + ", ".join(f"{name}: {version}" for name, version in found.versions.items() if name != "ours")
        + "."
    ]
    total = {name: consensus.merged(each.definitions.get(name, {}) for each in found.packages) for name in servers}
    lines += ["", "## Definitions, percent right", "", *_head(["", "places", *servers])]
    for where in WHERES:
        lines.append(_row(where, total, where, servers))
    for where in WHERES:
        for kind in KINDS:
            lines.append(_row(f"{where}: {kind}", total, f"{where} {kind}", servers))
    lines += ["", "Leave-one-out:", "", *_head(["", *servers])]
    lines += [
        _cells([where, *(_percent(total[name].get(where, Tally()).share_alone) for name in servers)])
        for where in WHERES
    ]
    lines += ["", "By package, inside / external:", "", *_head(["", "files", "places", *servers])]
    if fresh := [each for each in found.packages if each.name in FRESH]:
        merged = {name: consensus.merged(each.definitions.get(name, {}) for each in fresh) for name in servers}
        figures = (
            " / ".join(_percent(merged[name].get(where, Tally()).share) for where in WHERES[1:]) for name in servers
        )
        places = f"{sum(each.with_truth for each in fresh)} of {sum(each.questions for each in fresh)}"
        lines.append(_cells(["the fresh ones", str(sum(each.files for each in fresh)), places, *figures]))
    for each in found.packages:
        figures = (
            " / ".join(_percent(each.definitions[name].get(where, Tally()).share) for where in WHERES[1:])
            for name in servers
        )
        lines.append(_cells([each.name, str(each.files), f"{each.with_truth} of {each.questions}", *figures]))
    lines += _references(found, servers)
    lines += _open(found)
    return "\n".join(lines) + "\n"


def _references(found: Accuracy, servers: Sequence[str]) -> Iterator[str]:
    yield from ("", "## References", "", "Places that a server names, against those that two voters name.", "")
    columns = ["definitions", "exact sets", "precision", f"{_LISTED} aside", "recall"]
    yield from _head(["", *columns, "leave-one-out: precision", "recall"])
    for name in servers:
        all_voters, alone = (
            consensus.merged_uses(each.references[name][at] for each in found.packages) for at in (0, 1)
        )
        listed = sum(each.extra.get(name, {}).get(_LISTED, 0) for each in found.packages)
        aside = msgspec.structs.replace(all_voters, answered=all_voters.answered - listed).precision
        shares = (all_voters.precision, aside, all_voters.recall, alone.precision, alone.recall)
        yield _cells([name, str(all_voters.asked), str(all_voters.exact), *map(_percent, shares)])
    yield from _extra(found, servers)


def _extra(found: Accuracy, servers: Sequence[str]) -> Iterator[str]:
    counts = {name: Counter[str]() for name in servers}
    for name in servers:
        for each in found.packages:
            counts[name].update(each.extra.get(name, {}))
    kinds = sorted({kind for each in counts.values() for kind in each})
    said = "Places that a server names and two voters do not, by what makes each a reference. That a text in `__all__` is one is our convention."
    yield from ("", said, "")
    yield from _head(["", *kinds])
    for name in servers:
        yield _cells([name, *(str(counts[name][kind]) for kind in kinds)])


def _open(found: Accuracy) -> Iterator[str]:
    reasons = list(dict.fromkeys(reason for each in found.packages for reason in each.unresolved.reasons))
    yield from ("", "## What is open", "", "References of each package that lead nowhere, by reason.", "")
    yield from _head(["", "references", "resolved", *reasons])
    for each in found.packages:
        rest = each.unresolved
        count = rest.resolved + sum(rest.reasons.values())
        yield _cells(
            [
                each.name,
                str(count),
                _percent(rest.resolved / count if count else None),
                *(str(rest.reasons.get(reason, 0)) for reason in reasons),
            ]
        )
    yield from ("", "The ten most frequent patterns:", "", *_head(["reason", "what", "places", "such as"]))
    for pattern in unresolved.merged([each.unresolved for each in found.packages])[:10]:
        yield _cells([pattern.reason, pattern.shape, str(pattern.places), f"`{pattern.example}`"])


def _row(title: str, total: Mapping[str, Mapping[str, Tally]], group: str, servers: Sequence[str]) -> str:
    tallies = [total[name].get(group, Tally()) for name in servers]
    return _cells([title, str(max(each.asked for each in tallies)), *(_percent(each.share) for each in tallies)])


def _head(names: Sequence[str]) -> tuple[str, str]:
    return _cells(names), "|" + "---|" * len(names)


def _cells(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f}"
