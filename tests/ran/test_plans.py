"""What the plans promise before anything runs: keyed and impact plans look up, they never read a relation from end to end."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from codeanatomy_engine import Engine

from tests.support.memory import program


@pytest.fixture(scope="module")
def plans() -> dict[str, dict[str, Any]]:
    snapshot = Engine(program()).snapshot()
    views = msgspec.json.decode(snapshot.plan(None))["views"]
    return {view["name"]: msgspec.json.decode(snapshot.plan(view["name"])) for view in views}


def test_every_view_of_the_pack_is_keyed(plans: dict[str, dict[str, Any]]) -> None:
    assert [name for name, plan in plans.items() if plan["refresh"] != "keyed"] == []


def test_the_full_plans_scan_so_that_the_word_for_it_is_known(plans: dict[str, dict[str, Any]]) -> None:
    assert all("Leaf: " in plan["physical"] for plan in plans.values())


def test_no_keyed_plan_scans_a_relation(plans: dict[str, dict[str, Any]]) -> None:
    assert all("Input: keys" in plan["keyed"] for plan in plans.values())
    assert [name for name, plan in plans.items() if "Leaf: " in plan["keyed"]] == []


def test_no_impact_plan_scans_a_relation(plans: dict[str, dict[str, Any]]) -> None:
    scans = [
        f"{name} of {of}" for name, plan in plans.items() for of, impact in plan["impact"].items() if "Leaf: " in impact
    ]
    assert scans == []


def test_every_input_of_a_view_has_an_impact_plan_that_starts_at_its_difference(
    plans: dict[str, dict[str, Any]],
) -> None:
    for name, plan in plans.items():
        starts = {of.partition(" (")[0] for of in plan["impact"]}
        assert starts == set(plan["inputs"]), name
        for of, impact in plan["impact"].items():
            assert f"Input: delta of {of.partition(' (')[0]}" in impact, (name, of)
