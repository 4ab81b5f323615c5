"""Each word is coloured by what it is, not by what it looks like, unless nobody knows."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from codeanatomy_engine import TOKEN_MODIFIERS, TOKEN_TYPES, EngineError, Snapshot

from codeanatomy.ide.semantic_tokens_full import semantic_tokens_full
from codeanatomy.ide.semantic_tokens_full_delta import semantic_tokens_full_delta
from codeanatomy.ide.semantic_tokens_range import semantic_tokens_range
from tests.support import typed

SHOP = """
from enum import Enum
from typing import Protocol, TypeVar
import tools.money as money
from tools import Price, rate, nowhere, Unknown
from . import sibling

T = TypeVar("T")
LIMIT = 10
total: int = 0

class Color(Enum):
    RED = 1

class Payable(Protocol):
    def pay(self) -> int: ...

class Order(Payable):
    size = 1
    def __init__(self, amount):
        self.amount = amount
        self.amount += 1
    @property
    def half(self): return self.amount
    @staticmethod
    def read(): return Order(LIMIT)
    async def send[S](self, to: S, *rest) -> "Order": ...

def run(order: Order, color=Color.RED):
    global total
    total = order.amount
    value = order.half
    for each in order.other:
        order.pay(each, to=value)
    order.size = rate(1)
    return Price(total), money.ROUND, unknown(value), Unheard.thing, LIMITED
"""

TOOLS = {
    "tools/__init__.py": "from .money import rate\nclass Price: ...\n",
    "tools/money.py": "ROUND = 2\ndef rate(x): ...\n",
}

EXPECTED = """
2 enum namespace, Enum class+declaration
3 typing namespace, Protocol class+declaration, TypeVar class+declaration
4 tools namespace, money namespace, money namespace+declaration
5 tools namespace, Price class+declaration, rate function+declaration, nowhere variable+declaration, Unknown class+declaration
6 sibling variable+declaration
8 T typeParameter+declaration, TypeVar class
9 LIMIT variable+declaration+readonly
10 total variable+declaration, int variable
12 Color enum+declaration+definition, Enum class
13 RED enumMember+declaration+readonly
15 Payable interface+declaration+definition, Protocol class
16 pay method+declaration+definition, self parameter+declaration, int variable
18 Order class+declaration+definition, Payable interface
19 size property+declaration
20 __init__ method+declaration+definition, self parameter+declaration, amount parameter+declaration
21 self parameter, amount property+declaration+modification, amount parameter
22 self parameter, amount property+modification
23 property decorator
24 half property+declaration+definition+readonly, self parameter+declaration, self parameter, amount property
25 staticmethod decorator
26 read method+declaration+definition+static, Order class, LIMIT variable+readonly
27 send method+declaration+definition+async, S typeParameter+declaration, self parameter+declaration, to parameter+declaration, S typeParameter, rest parameter+declaration, Order class
29 run function+declaration+definition, order parameter+declaration, Order class, color parameter+declaration, Color enum, RED enumMember+readonly
30 total variable
31 total variable+modification, order parameter, amount property
32 value variable+declaration, order parameter, half property+readonly
33 each variable+declaration, order parameter, other property
34 order parameter, pay method, each variable, to parameter, value variable
35 order parameter, size property+modification, rate function
36 Price class, total variable, money namespace, ROUND variable+readonly, unknown function, value variable, Unheard class, thing property, LIMITED variable+readonly
"""


def decoded(found: bytes, text: str) -> list[str]:
    """Tokens by line, counted from 1: each word with its type and modifiers."""
    rows = text.split("\n")
    numbers: list[int] = msgspec.json.decode(found)
    lines: dict[int, list[str]] = {}
    line = character = 0
    for at in range(0, len(numbers), 5):
        down, right, length, kind, modifiers = numbers[at : at + 5]
        line, character = line + down, right if down else character + right
        words = [TOKEN_TYPES[kind], *(name for bit, name in enumerate(TOKEN_MODIFIERS) if modifiers >> bit & 1)]
        lines.setdefault(line + 1, []).append(f"{rows[line][character : character + length]} {'+'.join(words)}")
    return [f"{number} {', '.join(words)}" for number, words in lines.items()]


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    """The snapshot of the shop and what it imports."""
    return typed.snapshot(tmp_path_factory.mktemp("tokens"), {"shop.py": SHOP, **TOOLS})


def test_every_word_is_what_it_means(snapshot: Snapshot) -> None:
    assert "\n".join(decoded(semantic_tokens_full(snapshot, "shop.py"), SHOP)) == EXPECTED.strip()


def test_a_parameter_stays_one_when_it_is_bound_anew_and_an_alias_is_a_type(tmp_path: Path) -> None:
    text = "import typing\nIds = typing.List[int]\ndef f(a, b):\n    a = a or b\n    for b in a: pass\n    return Ids(a, b)\n"
    found = decoded(semantic_tokens_full(typed.snapshot(tmp_path, {"a.py": text}), "a.py"), text)
    assert found[1] == "2 Ids type+declaration, typing namespace, List class, int variable"
    assert found[3:] == [
        "4 a parameter+modification, a parameter, b parameter",
        "5 b parameter+modification, a parameter",
        "6 Ids type, a parameter, b parameter",
    ]


def test_a_range_has_the_tokens_that_touch_it(snapshot: Snapshot) -> None:
    whole = decoded(semantic_tokens_full(snapshot, "shop.py"), SHOP)
    part = decoded(semantic_tokens_range(snapshot, "shop.py", (11, 0), (13, 0)), SHOP)
    assert part == [line for line in whole if line.split()[0] in ("12", "13")]
    assert decoded(semantic_tokens_range(snapshot, "shop.py", (11, 8), (11, 9)), SHOP) == [
        "12 Color enum+declaration+definition"
    ]
    assert semantic_tokens_range(snapshot, "shop.py", (900, 0), (901, 0)) == b"[]"
    assert semantic_tokens_range(snapshot, "shop.py", (13, 0), (11, 0)) == b"[]"


def test_broken_code_keeps_its_colours(tmp_path: Path) -> None:
    text = 'class Order:\n    def pay(self): ...\n\norder = Order(\norder.\nfrom . import\nx = é𠀀(order.pay\n"Order\n'
    found = decoded(semantic_tokens_full(typed.snapshot(tmp_path, {"a.py": text}), "a.py"), text)
    assert "1 Order class+declaration+definition" in found
    assert "2 pay method+declaration+definition, self parameter+declaration" in found
    for path in ("b.py", ""):
        with pytest.raises(EngineError) as caught:
            semantic_tokens_full(typed.snapshot(tmp_path, {"a.py": "\n"}), path)
        assert caught.value.code == "unknown-file"


def test_strings_in_all_are_no_words_and_wide_letters_count_as_the_editor_counts(tmp_path: Path) -> None:
    text = '__all__ = ["f"]\ndef f(): ...\nx = "\U00020000"; y = f\n'
    found = msgspec.json.decode(semantic_tokens_full(typed.snapshot(tmp_path, {"a.py": text}), "a.py"))
    assert found[0:5][:3] == [0, 0, 7]
    assert found[5:8] == [1, 4, 1]
    assert found[-5:-2] == [0, 4, 1]
    assert found[-10:-7] == [0, 10, 1]


@pytest.mark.parametrize(
    ("before", "after", "edits"),
    [
        (b"[1,2,3]", b"[1,2,3]", []),
        (b"[1,2,3]", b"[1,9,3]", [{"start": 1, "deleteCount": 1, "data": [9]}]),
        (b"[]", b"[1,2]", [{"start": 0, "deleteCount": 0, "data": [1, 2]}]),
        (b"[1,2]", b"[]", [{"start": 0, "deleteCount": 2, "data": []}]),
        (b"[1,1]", b"[1,1,1]", [{"start": 2, "deleteCount": 0, "data": [1]}]),
        (b"[5,1,1,6]", b"[5,1,6]", [{"start": 2, "deleteCount": 1, "data": []}]),
    ],
)
def test_an_edit_makes_the_old_tokens_the_new_ones(before: bytes, after: bytes, edits: list[object]) -> None:
    found = msgspec.json.decode(semantic_tokens_full_delta(before, after))
    assert found == edits
    data: list[int] = msgspec.json.decode(before)
    for edit in found:
        data[edit["start"] : edit["start"] + edit["deleteCount"]] = edit["data"]
    assert data == msgspec.json.decode(after)
