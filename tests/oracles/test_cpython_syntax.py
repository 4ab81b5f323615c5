"""Our syntax verdict beside CPython's: on the standard library as it is, and on copies that were broken at random.

A file that CPython compiles must have no error here. Of the broken copies that CPython refuses, most must be refused here
too; what is missed is what only the compiler knows (names declared global after their use, and the like). A copy that CPython
still accepts must have no error: mutation makes odd but legal code that nobody writes.
"""

from __future__ import annotations

import random
import re
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Dump = dict[str, Any]

MUTANTS = 1500
RECALL_FLOOR = 0.99
"""Share of broken copies that must be refused here too; measured 1.0 of 913, and 0.9996 of 5471 with another seed (CPython 3.11.7)."""


def errors_of(dump: Dump) -> list[list[Any]]:
    return [error for error in dump["errors"] if error[3] == "error"]


def test_no_error_where_cpython_has_none(stdlib_dumps: dict[Path, Dump]) -> None:
    false = [f"{path}: {errors_of(dump)[0]}" for path, dump in stdlib_dumps.items() if errors_of(dump)]
    assert false == []
    assert len(stdlib_dumps) > 1000


def test_the_grammar_of_the_tree_has_the_known_gaps_only(stdlib_dumps: dict[Path, Dump]) -> None:
    """`GRAMMAR_GAPS` explains each: a dedented line in brackets after a dot."""
    gaps = {path.name for path, dump in stdlib_dumps.items() if dump["tree_errors"]}
    assert gaps == {"test_compile.py"}


def drop(pattern: str) -> Callable[[str, random.Random], str]:
    """Drops one match of a pattern."""

    def mutate(text: str, dice: random.Random) -> str:
        found = [match.span() for match in re.finditer(pattern, text)]
        if not found:
            return text
        start, end = dice.choice(found)
        return text[:start] + text[end:]

    return mutate


def insert(piece: str) -> Callable[[str, random.Random], str]:
    """Inserts a piece before a word or at the end of a line."""

    def mutate(text: str, dice: random.Random) -> str:
        at = dice.choice([match.start() for match in re.finditer(r"\b|$", text, re.MULTILINE)])
        return text[:at] + piece + text[at:]

    return mutate


def swap_words(text: str, dice: random.Random) -> str:
    """Swaps two neighbouring words."""
    found = [match for match in re.finditer(r"(\w+)(\W+)(\w+)", text) if "\n" not in match[2]]
    if not found:
        return text
    match = dice.choice(found)
    return text[: match.start()] + match[3] + match[2] + match[1] + text[match.end() :]


def cut_line(text: str, dice: random.Random) -> str:
    """Cuts a line short: what a half-typed line looks like."""
    lines = text.splitlines(keepends=True)
    at = dice.randrange(len(lines))
    line = lines[at].rstrip("\n")
    lines[at] = line[: dice.randrange(len(line) + 1)] + "\n"
    return "".join(lines)


def shift_line(text: str, dice: random.Random) -> str:
    """Indents a line more or less."""
    lines = text.splitlines(keepends=True)
    at = dice.randrange(len(lines))
    lines[at] = dice.choice(["  ", "    ", "\t"]) + lines[at] if dice.random() < 0.5 else lines[at].lstrip(" ")
    return "".join(lines)


MUTATIONS: dict[str, Callable[[str, random.Random], str]] = {
    "drop a colon": drop(r"(?m):$"),
    "drop a closing bracket": drop(r"[)\]}]"),
    "drop an opening bracket": drop(r"[(\[{]"),
    "drop a quote": drop(r"[\"']"),
    "drop a comma": drop(r","),
    "drop a word": drop(r"\w+"),
    "drop an operator": drop(r"[=+*/<>.-]+"),
    "insert a bracket": insert("("),
    "insert a closer": insert(")"),
    "insert a quote": insert('"'),
    "insert an operator": insert(" = "),
    "insert a keyword": insert(" in "),
    "insert a name": insert(" name "),
    "insert a dot": insert("."),
    "swap words": swap_words,
    "cut a line": cut_line,
    "shift a line": shift_line,
}


@pytest.fixture(scope="module")
def mutants(compiled: dict[Path, bytes], tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Path, str, str]]:
    """Broken copies: path, what was done, and what CPython says (empty if it accepts)."""
    dice = random.Random(20)
    folder = tmp_path_factory.mktemp("mutants")
    sources = [source for source in compiled.values() if 300 < len(source) < 12_000 and source.isascii()]
    found = []
    names = list(MUTATIONS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for number in range(MUTANTS):
            text = dice.choice(sources).decode().replace("\r\n", "\n")
            name = names[number % len(names)]
            mutated = MUTATIONS[name](text, dice)
            if mutated == text:
                continue
            path = folder / f"{number}.py"
            path.write_text(mutated)
            try:
                compile(mutated, str(path), "exec", dont_inherit=True)
                verdict = ""
            except SyntaxError as error:
                verdict = f"{error.lineno}: {error.msg}"
            found.append((path, name, verdict))
    return found


def test_broken_copies(mutants: list[tuple[Path, str, str]], dump_files: Callable[[list[Path]], list[Dump]]) -> None:
    refused: Counter[str] = Counter()
    agreed: Counter[str] = Counter()
    same_line = 0
    missed, false = [], []
    for (path, name, verdict), dump in zip(mutants, dump_files([path for path, *_ in mutants]), strict=True):
        errors = errors_of(dump)
        if verdict == "":
            false += [f"{path.read_text()}\n{name}: {errors[0]}"] if errors else []
            continue
        refused[name] += 1
        if errors:
            agreed[name] += 1
            same_line += abs(errors[0][2][0] + 1 - int(verdict.split(":")[0])) <= 1
        else:
            missed.append(f"{name}: CPython {verdict}")
    recall = sum(agreed.values()) / sum(refused.values())
    print(f"{sum(refused.values())} broken copies, {recall:.4f} refused here too, "
          f"{same_line / sum(agreed.values()):.3f} of these within a line of CPython's first")  # fmt: skip
    print("\n".join(sorted(missed)))
    assert false == []
    assert sum(refused.values()) > MUTANTS / 2
    assert recall >= RECALL_FLOOR
