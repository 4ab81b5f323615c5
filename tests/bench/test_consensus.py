"""What is agreed on, and what that says about each server: the counting of the accuracy benchmark, on made-up answers."""

from __future__ import annotations

from bench import consensus
from bench.consensus import Tally, Uses
from bench.questions import convention_of

A, B, C = ("a.py", 1), ("b.py", 2), ("c.py", 3)


def test_two_of_three_voices_make_a_truth() -> None:
    assert consensus.agreed([{A, B}, {A}, {C}]) == {A}
    assert consensus.agreed([{A}, None, {B}]) == set()


def test_who_has_no_vote_is_not_asked() -> None:
    answers = {"basedpyright": [{A}], "ty": [{B}], "pyrefly": [{A}], "jedi": [{B}]}
    assert consensus.truths(answers) == [{A}]


def test_a_definition_is_right_if_one_target_is_agreed_on() -> None:
    answers = {"basedpyright": [{A}], "ty": [{A, B}], "pyrefly": [set()], "ours": [{A, C}]}
    found = consensus.definitions(answers, [["all", "all name"]])
    assert found["ours"]["all name"] == Tally(asked=1, right=1, empty=0, asked_alone=1, right_alone=1)
    assert found["pyrefly"]["all"] == Tally(asked=1, right=0, empty=1, asked_alone=1, right_alone=0)


def test_a_voter_alone_cannot_make_itself_right() -> None:
    answers = {"basedpyright": [{A}], "ty": [{A}], "pyrefly": [{B}], "ours": [{A}]}
    found = consensus.definitions(answers, [["all"]])
    assert (found["ty"]["all"].asked_alone, found["pyrefly"]["all"].asked_alone) == (0, 1)
    assert found["ty"]["all"].share == 1.0
    assert found["ty"]["all"].share_alone is None
    assert found["pyrefly"]["all"].share_alone == 0.0


def test_places_without_truth_and_questions_without_time_are_left_out() -> None:
    answers = {"basedpyright": [{A}, {A}], "ty": [{B}, {A}], "pyrefly": [set(), set()], "ours": [{A}, None]}
    assert consensus.definitions(answers, [["all"], ["all"]])["ours"] == {}


def test_references_count_places() -> None:
    answers = {"basedpyright": [{A, B}], "ty": [{A, B}], "pyrefly": [{A}], "ours": [{A, C}]}
    everybody, alone = consensus.references(answers)["ours"]
    assert everybody == Uses(asked=1, exact=0, answered=2, agreed=2, both=1)
    assert everybody == alone
    assert (everybody.precision, everybody.recall) == (0.5, 0.5)


def test_what_is_named_beyond_the_truth_is_kept() -> None:
    answers = {"basedpyright": [{A, B}, set()], "ty": [{A}, {A}], "pyrefly": [{A}, set()], "ours": [{A, C}, {C}]}
    assert consensus.extra(answers) == {"basedpyright": [B], "ty": [], "pyrefly": [], "ours": [C]}


def test_a_place_says_by_what_it_is_a_reference() -> None:
    text = """\
from tools import discount
__all__ = ["discount"]
def pay(order: "Order", more: int) -> "Order":
    return discount(order, more=more)
"""

    def at(word: str, nth: int = 0) -> str:
        start = -1
        for _ in range(nth + 1):
            start = text.index(word, start + 1)
        line = text.count("\n", 0, start)
        return convention_of(text, line, start - (text.rfind("\n", 0, start) + 1))

    assert [at("discount", nth) for nth in range(3)] == ["import", "`__all__`", "use"]
    assert [at("Order", nth) for nth in range(2)] == ["quoted annotation"] * 2
    assert [at("more", nth) for nth in range(1, 3)] == ["keyword argument", "use"]


def test_samples_add_up() -> None:
    parts = [{"all": Tally(asked=2, right=1)}, {"all": Tally(asked=1, right=1), "inside": Tally(asked=1)}]
    assert consensus.merged(parts) == {"all": Tally(asked=3, right=2), "inside": Tally(asked=1)}
    assert parts[0]["all"].asked == 2
    assert consensus.merged_uses([Uses(asked=1, both=2), Uses(asked=1)]) == Uses(asked=2, both=2)
