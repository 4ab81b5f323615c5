"""What type checkers agree on, and how right each server is by that.

A target is agreed on if at least two of the voters name it. A definition is right if the answer holds an agreed target; places
without one are left out. A voter helps to make its own truth, so each is scored a second time, leave-one-out, against what the
other two agree on; for those who have no vote both figures are one. References are compared as sets of places inside the
workspace, declarations included. Pure: answers in, figures out.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import TypeVar

import msgspec

VOTERS = ("basedpyright", "ty", "pyrefly")
NEEDED = 2

T = TypeVar("T", bound=Hashable)
Answers = Mapping[str, Sequence[set[T] | None]]
"""By server the answers to all questions in one order; None where it was not asked."""


class Tally(msgspec.Struct):
    """How right one server is about some definitions."""

    asked: int = 0
    right: int = 0
    empty: int = 0
    """Nothing was answered."""

    asked_alone: int = 0
    """Leave-one-out."""

    right_alone: int = 0

    @property
    def share(self) -> float | None:
        """Of the places with an agreed target, those that are right."""
        return self.right / self.asked if self.asked else None

    @property
    def share_alone(self) -> float | None:
        """The same, leave-one-out."""
        return self.right_alone / self.asked_alone if self.asked_alone else None


class Uses(msgspec.Struct):
    """How right one server is about the uses of some definitions."""

    asked: int = 0
    exact: int = 0
    """The set of places is the agreed one."""

    answered: int = 0
    agreed: int = 0
    both: int = 0

    @property
    def precision(self) -> float | None:
        """The share of the answered places that are agreed on."""
        return self.both / self.answered if self.answered else None

    @property
    def recall(self) -> float | None:
        """The share of the agreed places that are answered."""
        return self.both / self.agreed if self.agreed else None


def agreed(answers: Iterable[set[T] | None]) -> set[T]:
    """The targets that at least two of some answers name."""
    votes = Counter(target for answer in answers for target in answer or ())
    return {target for target, count in votes.items() if count >= NEEDED}


def truths(answers: Answers[T], but: str = "") -> list[set[T]]:
    """The agreed targets of each question, one voter left out if it is named."""
    voters = [answers[name] for name in VOTERS if name in answers and name != but]
    return [agreed(each) for each in zip(*voters, strict=True)]


def definitions(answers: Answers[T], groups: Sequence[Sequence[str]]) -> dict[str, dict[str, Tally]]:
    """By server and group the tally, given the groups that each question belongs to."""
    truth = truths(answers)
    found: dict[str, dict[str, Tally]] = {}
    for server, own in answers.items():
        alone = truths(answers, but=server)
        tallies: dict[str, Tally] = defaultdict(Tally)
        for answer, right, right_alone, names in zip(own, truth, alone, groups, strict=True):
            if answer is None or not right:
                continue
            for name in names:
                tally = tallies[name]
                tally.asked += 1
                tally.right += bool(answer & right)
                tally.empty += not answer
                if right_alone:
                    tally.asked_alone += 1
                    tally.right_alone += bool(answer & right_alone)
        found[server] = dict(tallies)
    return found


def references(answers: Answers[T]) -> dict[str, tuple[Uses, Uses]]:
    """By server the tally against all voters and leave-one-out."""
    return {
        server: (_uses(own, truths(answers)), _uses(own, truths(answers, but=server)))
        for server, own in answers.items()
    }


def extra(answers: Answers[T]) -> dict[str, list[T]]:
    """By server the places that it names and two voters do not, of questions with an agreed place."""
    truth = truths(answers)
    return {
        server: [
            place for answer, right in zip(own, truth, strict=True) if right for place in (answer or set()) - right
        ]
        for server, own in answers.items()
    }


def _uses(own: Sequence[set[T] | None], truth: Sequence[set[T]]) -> Uses:
    found = Uses()
    for answer, right in zip(own, truth, strict=True):
        if answer is None or not right:
            continue
        found.asked += 1
        found.exact += answer == right
        found.answered += len(answer)
        found.agreed += len(right)
        found.both += len(answer & right)
    return found


def merged(tallies: Iterable[Mapping[str, Tally]]) -> dict[str, Tally]:
    """The tallies of several samples as one."""
    found: dict[str, Tally] = defaultdict(Tally)
    for each in tallies:
        for name, tally in each.items():
            _add(found[name], tally)
    return dict(found)


def merged_uses(tallies: Iterable[Uses]) -> Uses:
    """The same for uses."""
    found = Uses()
    for each in tallies:
        _add(found, each)
    return found


def _add(total: msgspec.Struct, part: msgspec.Struct) -> None:
    for field in part.__struct_fields__:
        setattr(total, field, getattr(total, field) + getattr(part, field))
