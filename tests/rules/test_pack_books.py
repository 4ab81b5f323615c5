"""The rule books of framework packs, a folder for each: every case in batch, live and in replay, with all packs together."""

from __future__ import annotations

from pathlib import Path

from tests.support.memory import Memory, program

from codeanatomy_incremental.packs.load import installed

import pytest
from codeanatomy import rulebook
from codeanatomy.rulebook import Case

BOOKS = sorted(Path(__file__).parent.glob("*/*.md"))
CASES = [(book.parent.name, case) for book in BOOKS for case in rulebook.read(book)]
IDS = [f"{pack}: {case.title}" for pack, case in CASES]


PACKS = sorted({pack for pack, _ in CASES})


@pytest.fixture(scope="module")
def fresh() -> Memory:
    return Memory(program(*PACKS))


@pytest.fixture(scope="module")
def live() -> Memory:
    return Memory(program(*PACKS))


def test_every_framework_pack_has_a_book() -> None:
    assert {"python", *PACKS} == set(installed())


@pytest.mark.parametrize("case", [case for _, case in CASES], ids=IDS)
def test_batch(case: Case, fresh: Memory) -> None:
    told(rulebook.in_batch(case, fresh))


@pytest.mark.parametrize("case", [case for _, case in CASES], ids=IDS)
def test_live(case: Case, live: Memory) -> None:
    told(rulebook.in_life(case, live))


@pytest.mark.parametrize("case", [case for _, case in CASES], ids=IDS)
def test_replay(case: Case, live: Memory) -> None:
    told(rulebook.in_replay(case, live))


def told(wrong: list[str]) -> None:
    assert not wrong, "\n" + "\n".join(wrong)
