"""A rename changes the name and nothing else: random definitions of generated projects and of a real package."""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Mapping

import pytest

from codeanatomy.ide.rename import Refusal
from tests.support.memory import Memory
from tests.support.renames import holding
from tests.walks import packages, projects, renames, runs

SEED = int(os.environ.get("WALK_SEED", "1"))


@pytest.fixture(scope="module")
def graphs() -> tuple[Memory, Memory]:
    document = runs.truth().document
    return Memory(document), Memory(document)


def judged(graphs: tuple[Memory, Memory], texts: Mapping[str, str], draw: random.Random, count: int) -> Counter[str]:
    """How many renames of random definitions went which way; a wrong one fails."""
    memory = holding(graphs[0], texts)
    found = renames.definitions(memory.snapshot())
    tally: Counter[str] = Counter()
    for definition in draw.sample(found, min(count, len(found))):
        new = renames.fresh_name(definition.name, texts, draw)
        outcome = renames.judged(memory, graphs[1], definition, new)
        assert not isinstance(outcome, renames.Wrong), f"{outcome}\n{texts if len(texts) < 12 else ''}"
        tally[outcome.code if isinstance(outcome, Refusal) else "renamed"] += 1
    return tally


def test_renames_in_small_projects_change_the_name_and_nothing_else(graphs: tuple[Memory, Memory]) -> None:
    draw = random.Random(SEED)
    tally: Counter[str] = Counter()
    for walk in range(60):
        # Every fourth project of the generator is a chain of stars in circles.
        texts = projects.Generator(SEED, walk + walk // 3).texts
        tally += judged(graphs, texts, draw, 4)
    assert tally["renamed"] > 120, tally
    assert not tally.keys() & {"rename-unknown", "rename-no-name"}, tally


def test_renames_in_a_real_package_change_the_name_and_nothing_else(graphs: tuple[Memory, Memory]) -> None:
    texts = packages.texts(*runs.REAL)
    tally = judged(graphs, texts, random.Random(SEED), 25)
    assert tally["renamed"] > 10, tally


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("django/forms/utils.py", "django/forms/helpers.py"),
        ("django/forms/utils.py", "django/template/form_utils.py"),
        ("django/forms/widgets.py", "django/widgets.py"),
        ("django/template/base.py", "django/core/checks/base.py"),
        ("django/template", "django/core/template"),
        ("django/core/checks", "checks"),
    ],
)
def test_moves_in_a_real_package_keep_what_its_imports_mean(graphs: tuple[Memory, Memory], old: str, new: str) -> None:
    memory = holding(graphs[0], packages.texts(*runs.REAL))
    assert renames.judged_move(memory, graphs[1], old, new) == []
