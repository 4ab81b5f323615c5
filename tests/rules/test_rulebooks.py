"""The rule books of this folder: every case in batch, live and in replay."""

from __future__ import annotations

from pathlib import Path

from tests.support.memory import Memory, program

import pytest
from codeanatomy import rulebook
from codeanatomy.rulebook import Case

BOOKS = sorted(Path(__file__).parent.glob("*.md"))
CASES = [case for book in BOOKS for case in rulebook.read(book)]
IDS = [f"{case.book.removesuffix('.md')}: {case.title}" for case in CASES]


@pytest.fixture(scope="module")
def fresh() -> Memory:
    return Memory(program())


@pytest.fixture(scope="module")
def live() -> Memory:
    return Memory(program())


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_batch(case: Case, fresh: Memory) -> None:
    told(rulebook.in_batch(case, fresh))


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_live(case: Case, live: Memory) -> None:
    told(rulebook.in_life(case, live))


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_replay(case: Case, live: Memory) -> None:
    told(rulebook.in_replay(case, live))


def told(wrong: list[str]) -> None:
    assert not wrong, "\n" + "\n".join(wrong)
