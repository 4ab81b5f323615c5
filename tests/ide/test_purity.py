"""Modules that shall only decide, and what of them can be told from their text."""

from __future__ import annotations

from pathlib import Path

import pytest

from codeanatomy_incremental.contracts import Contract

from codeanatomy.ide.layers import findings
from tests.support import graphs

TEXTS = {
    "await": ("async def f(x):\n    return await x\n", ["impure-await 2"]),
    "a parameter named as a function": ("def f(price, round_fn):\n    return round_fn(price)\n", ["impure-callable 1"]),
    "a parameter annotated as one": (
        "from typing import Callable\ndef f(x: Callable[[int], int], y: Callable):\n    return x\n",
        ["impure-callable 2", "impure-callable 2"],
    ),
    "an item of what the module holds": ("SEEN = {}\ndef f(x):\n    SEEN[x] = 1\n", ["impure-state 3"]),
    "a counter": ("n = 0\ndef f():\n    global n\n    n += 1\n", ["impure-state 4"]),
    "an item of what the function holds": ("def f(x):\n    seen = {}\n    seen[x] = 1\n    return seen\n", []),
    "a table made by the module itself": ("SEEN = {}\nSEEN[1] = 1\n", []),
    "a decision": ("def f(price, rate):\n    return price * rate\n", []),
}


def found(root: Path, *contracts: Contract) -> list[str]:
    snapshot = graphs.indexed(root).engine.snapshot()
    return [f"{each.violation.code} {each.line}" for each in findings(snapshot, contracts)]


@pytest.mark.parametrize("name", TEXTS)
def test_what_is_more_than_a_decision_is_found(tmp_path: Path, name: str) -> None:
    text, expected = TEXTS[name]
    (tmp_path / "pure.py").write_text(text)
    (tmp_path / "other.py").write_text(text)
    assert found(tmp_path, Contract("pure", modules=("pure",))) == expected


def test_a_contract_may_allow_it(tmp_path: Path) -> None:
    (tmp_path / "pure.py").write_text(TEXTS["await"][0])
    assert found(tmp_path, Contract("pure", modules=("pure",), allowed=("impure-await",))) == []


def test_without_such_a_contract_nobody_asks(tmp_path: Path) -> None:
    (tmp_path / "pure.py").write_text(TEXTS["await"][0])
    assert found(tmp_path, Contract("acyclic")) == []
