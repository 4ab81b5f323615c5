"""The signature of every view on a small workspace, reviewed as text.

A signature is what the compiler made of a rule: kind, grain and why, how it is refreshed, what it reads, which indexes it asks for, hashes
of its logical and its keyed plan, and its rows on the workspace below. `UPDATE_LISTS=1` writes `signatures.md` anew; read the difference
as a reviewer: a view that is not meant to change and does is a mistake, and so are rows that multiply.
"""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from textwrap import dedent

import msgspec
import pytest

from tests.support.memory import Memory, program

SIGNATURES = Path(__file__).with_name("signatures.md")
GOLDEN = {
    "shop/__init__.py": "from .tools import *\n",
    "shop/tools.py": dedent(
        '''\
        from dataclasses import dataclass


        @dataclass
        class Order:
            """What somebody wants."""

            price: int
            parts: list["Order"]

            @property
            def total(self):
                return self.price + sum(part.total for part in self.parts)


        class Special(Order):
            def discount(self, share=0.1):
                return self.total * share


        def discount(order: Order) -> float:
            if isinstance(order, Special):
                return order.discount()
            return 0
        '''
    ),
    "main.py": dedent(
        """\
        import shop
        from shop import Order, discount as less

        orders = [Order(1, []), shop.Special(2, [])]
        table = {"first": orders[0]}
        for order in orders:
            less(order)
        table["first"].total
        shop.nothing
        """
    ),
}


@pytest.fixture(scope="module")
def memory() -> Memory:
    memory = Memory(program())
    memory.write(GOLDEN)
    memory.commit()
    return memory


def short(text: str) -> str:
    """A hash of a plan. A text in a plan is the number that this process has given it, so numbers do not count."""
    return hashlib.sha256(re.sub(r"\d+", "#", text).encode()).hexdigest()[:12]


def signatures(memory: Memory) -> str:
    snapshot = memory.engine.snapshot()
    lines = ["# Signatures", ""]
    rows = {each["name"]: each["rows"] for each in msgspec.json.decode(snapshot.outputs())}
    for name in msgspec.json.decode(snapshot.plan(None))["order"]:
        told = msgspec.json.decode(snapshot.bundle(name, 3))
        [view] = told["views"]
        indexes = sorted(f"{each['relation']}({','.join(each['columns'])})" for each in view["indexes"])
        lines += [
            f"## {name}",
            "",
            f"{view['kind']} by {', '.join(view['grain'])} ({view['grain_reason']}), {view['refresh']}, "
            f"{'kept' if view['stored'] else 'run when asked'}, {rows[name]} rows",
            f"- reads {', '.join(view['inputs'])}",
            f"- asks {' '.join(indexes) or 'nothing'}",
            f"- logical {short(told['plans']['logical'])} keyed {short(told['plans'].get('keyed', ''))}",
            "",
        ]
    return "\n".join(lines)


def test_the_signature_of_every_view_is_the_one_that_was_reviewed(memory: Memory) -> None:
    found = signatures(memory)
    if os.environ.get("UPDATE_LISTS"):
        SIGNATURES.write_text(found, "utf-8")
    assert found == SIGNATURES.read_text("utf-8")


def test_no_rule_multiplies_rows(memory: Memory) -> None:
    told = msgspec.json.decode(memory.engine.snapshot().bundle(None, 3))
    grown = [each["view"] for each in told["validation"]["findings"] if each["code"] == "plan-growth"]
    assert grown == []
    for view in told["views"]:
        read = sum(each["rows"] for each in view["signals"]["statistics"].values())
        assert (view["signals"]["rows"] or 0) <= 20 * max(read, 10), view["name"]


def test_the_shipped_rules_have_no_warnings() -> None:
    memory = Memory(program("django", "click", "pytest", "celery", "web"))
    memory.write(GOLDEN)
    memory.commit()
    told = msgspec.json.decode(memory.engine.snapshot().bundle(None, 3))
    assert [each for each in told["validation"]["findings"] if each["weight"] == "warning"] == []
