"""Changes coalesce into the least work that cannot miss anything."""

from __future__ import annotations

import random

from codeanatomy_incremental.change import (
    Closed,
    Created,
    Deleted,
    Edited,
    Modified,
    Opened,
    Renamed,
    Rescan,
    Saved,
    Work,
    coalesce,
)


def test_nothing_asks_for_nothing() -> None:
    assert not coalesce([], burst=10)


def test_many_edits_of_one_document_are_one_piece_of_work() -> None:
    work = coalesce([Opened("a.py", 1), Edited("a.py", 2), Edited("a.py", 3)], burst=10)
    assert work == Work(documents=("a.py",))


def test_events_on_disk_only_say_where_to_look() -> None:
    work = coalesce(
        [Created("b.py"), Deleted("b.py"), Modified("a.py"), Renamed("c.py", "d.py"), Saved("e.py")], burst=10
    )
    assert work == Work(disk=("a.py", "b.py", "c.py", "d.py", "e.py"))


def test_a_closed_document_is_read_from_disk_again() -> None:
    assert coalesce([Edited("a.py", 2), Closed("a.py")], burst=10) == Work(disk=("a.py",), closed=("a.py",))


def test_a_document_that_is_closed_and_opened_belongs_to_the_editor() -> None:
    work = coalesce([Closed("a.py"), Opened("a.py", 1)], burst=10)
    assert work.documents == ("a.py",)
    assert work.closed == ()


def test_a_lost_event_replaces_all_looks_by_one_comparison_and_keeps_the_documents() -> None:
    work = coalesce([Modified("a.py"), Rescan("overflow"), Edited("b.py", 4), Closed("c.py")], burst=10)
    assert work == Work(documents=("b.py",), closed=("c.py",), rescan="overflow")


def test_a_burst_is_a_comparison() -> None:
    work = coalesce([Modified(f"{number}.py") for number in range(11)], burst=10)
    assert work.disk == ()
    assert work.rescan == "11 files changed at once"


def test_the_order_of_events_on_disk_does_not_matter() -> None:
    events = [Created("a.py"), Modified("b.py"), Deleted("a.py"), Renamed("b.py", "c.py"), Modified("a.py")]
    expected = coalesce(events, burst=10)
    shuffled = random.Random(3)
    for _ in range(20):
        shuffled.shuffle(events)
        assert coalesce(events, burst=10) == expected
