"""The accuracy benchmark without peers: what is kept of their answers, what is open in a tree, and the page."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bench import accuracy, consensus, environments, unresolved
from bench.accuracy import Accuracy, Package, Said
from bench.consensus import Tally, Uses
from bench.peers import Peer
from bench.questions import Corpus

OPTIONS = argparse.Namespace(positions=20, files=1, references=1, budget=5.0)
SHOP = """\
from tools import discount


def run(order, orders: list[int]):
    for each in orders:
        discount(each.total)
    return order.price, discount(1).first, nothing, discount(order), run(order, orders), discount(orders), run
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "shop.py").write_text(SHOP)
    (tmp_path / "tools.py").write_text("def discount(order):\n    return order.price\n")
    return tmp_path


def test_what_a_peer_says_is_kept_until_a_question_or_a_lock_changes(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def ask(*_: Any) -> Said:
        asked.append(1)
        return Said([{("shop.py", 3)}, None], [{("shop.py", 3, 4)}], 0)

    locks = tmp_path / "locks"
    locks.mkdir()
    for name in ("ty", "packages"):
        (locks / f"{name}.txt").write_text("one")
    monkeypatch.setattr(accuracy, "_ask", ask)
    monkeypatch.setattr(environments, "HOME", tmp_path / "home")
    monkeypatch.setattr(environments, "REQUIREMENTS", locks)
    monkeypatch.setattr(Peer, "version", property(lambda _: "1"))
    corpus = Corpus(tree)
    peer = Peer("ty", "ty", ("ty",), home=str(tmp_path))
    questions = accuracy.questions(corpus, [1], OPTIONS)

    first = accuracy.answered("shop", peer, corpus, questions, 5.0, {})
    assert accuracy.answered("shop", peer, corpus, questions, 5.0, {}) == first
    assert len(asked) == 1
    accuracy.answered("shop", peer, corpus, msgspec.structs.replace(questions, uses=[]), 5.0, {})
    assert len(asked) == 2
    (locks / "ty.txt").write_text("two")
    accuracy.answered("shop", peer, corpus, questions, 5.0, {})
    assert len(asked) == 3
    ours = Peer("ours", "codeanatomy", (sys.executable,))
    accuracy.answered("shop", ours, corpus, questions, 5.0, {})
    accuracy.answered("shop", ours, corpus, questions, 5.0, {})
    assert len(asked) == 5


def test_ours_is_asked_and_counted(tree: Path) -> None:
    corpus = Corpus(tree)
    questions = accuracy.questions(corpus, [1], OPTIONS)
    ours = Peer("ours", "codeanatomy", (sys.executable, "-m", "codeanatomy", "lsp", "--in-process"))
    said = accuracy.answered("shop", ours, corpus, questions, 30.0, dict(environments.inherited()))
    answers = dict.fromkeys(("basedpyright", "ty", "ours"), said.definitions)
    truth = consensus.truths(answers)
    groups = [list(accuracy.grouped(use, right)) for use, right in zip(questions.uses, truth, strict=True)]
    found = consensus.definitions(answers, groups)["ours"]
    assert found["inside name"].share == 1.0
    assert found["inside name"].asked > 3
    assert said.failures == 0
    assert not list(accuracy.misses("shop", corpus, questions.uses, answers["ours"], truth, groups))


def test_what_is_open_is_counted_by_reason_and_pattern(tree: Path) -> None:
    found = unresolved.of(tree, {})
    assert found.reasons["unbound"] == 1
    assert found.resolved > 10
    patterns = {(each.reason, each.shape): each for each in found.patterns}
    assert patterns["unbound", "a name"].example == "shop.py:7"
    assert patterns["dynamic_base", "an attribute of a parameter without annotation"].places == 2
    assert sum(each.places for each in found.patterns) == sum(found.reasons.values())


def test_the_page_shows_every_figure() -> None:
    package = Package(
        name="shop",
        files=2,
        questions=10,
        with_truth=8,
        definitions={"ours": {"all": Tally(asked=8, right=6, asked_alone=4, right_alone=1)}},
        references={"ours": (Uses(asked=1, answered=4, agreed=5, both=3), Uses())},
        extra={"ours": {"`__all__`": 1}},
        failures={"ours": 0},
        unresolved=unresolved.Unresolved(
            resolved=3, reasons={"unbound": 1}, patterns=[unresolved.Pattern("unbound", "a name", 1, "shop.py:7")]
        ),
        misses=[],
    )
    page = accuracy.page(Accuracy("2000-01-01", "a machine", [1], {"ours": "codeanatomy 1"}, [package]))
    for row in (
        "| all | 8 | 75.0 |",
        "| all | 25.0 |",
        "| ours | 1 | 0 | 75.0 | 100.0 | 60.0 | - | - |",
        "| ours | 1 |",
        "| shop | 4 | 75.0 | 1 |",
    ):
        assert row in page
    assert "| unbound | a name | 1 | `shop.py:7` |" in page
