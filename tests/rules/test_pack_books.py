"""The rule books of framework packs, a folder for each: every case in batch, live and in replay."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from tests.support.memory import Memory, program

import pytest
from codeanatomy import rulebook
from codeanatomy.rulebook import Case

BOOKS = sorted(Path(__file__).parent.glob("*/*.md"))
CASES = [(book.parent.name, case) for book in BOOKS for case in rulebook.read(book)]
IDS = [f"{pack}: {case.title}" for pack, case in CASES]


@cache
def memory(pack: str, _use: str) -> Memory:
    return Memory(program(pack))


@pytest.mark.parametrize(("pack", "case"), CASES, ids=IDS)
def test_batch(pack: str, case: Case) -> None:
    told(rulebook.in_batch(case, memory(pack, "fresh")))


@pytest.mark.parametrize(("pack", "case"), CASES, ids=IDS)
def test_live(pack: str, case: Case) -> None:
    told(rulebook.in_life(case, memory(pack, "live")))


@pytest.mark.parametrize(("pack", "case"), CASES, ids=IDS)
def test_replay(pack: str, case: Case) -> None:
    told(rulebook.in_replay(case, memory(pack, "live")))


def told(wrong: list[str]) -> None:
    assert not wrong, "\n" + "\n".join(wrong)
