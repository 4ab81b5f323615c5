"""Exactly what ran: for each kind of edit the evidence that changed and the views that were recomputed, and nothing else.

The expected lists stand in `ran.md`: a line for each evidence table and view with the rows that came and went; `same` is a
view that recomputed some keys and found what it had. A view that is not listed recomputed no key. `UPDATE_LISTS=1` writes
the lists anew; read the difference like a reviewer, because each line is work at every such keystroke.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from tests.support.memory import Memory, program

SHOP = {
    "shop/__init__.py": "from .tools import *\n",
    "shop/tools.py": dedent(
        '''\
        def discount(order):
            """Take something off."""
            return order.price


        class Till:
            def ring(self):
                return discount(self)
        '''
    ),
    "main.py": "from shop import discount\n\n\ndef run(order):\n    return discount(order)\n",
    "alone.py": "def lonely():\n    first = 1\n    return first\n",
    "tax.py": "from shop.taxes import rate\n\nrate()\n",
}
LISTS = Path(__file__).with_name("ran.md")
TOOLS = SHOP["shop/tools.py"]


@pytest.fixture(scope="module")
def document() -> bytes:
    return program()


@pytest.fixture
def shop(document: bytes) -> Memory:
    memory = Memory(document)
    memory.write(SHOP)
    memory.commit()
    return memory


def ran(report: Mapping[str, Any]) -> str:
    """What a commit did, one line for each relation."""
    lines = [f"{table} +{inserted} -{deleted}" for table, inserted, deleted in report["evidence"]]
    lines.append("--")
    for view in report["views"]:
        if view["keys"] or view["mode"] == "full":
            came, went = view["inserted"], view["deleted"]
            mode = "" if view["mode"] == "keyed" else f" {view['mode']}"
            lines.append(f"{view['view']}{mode} " + (f"+{came} -{went}" if came or went else "same"))
    return "\n".join(lines)


def as_listed(title: str, report: Mapping[str, Any]) -> None:
    """Compare with the list under that heading."""
    section = re.compile(rf"(?<=^## {re.escape(title)}\n\n```\n)[^`]*(?=```$)", re.MULTILINE)
    text = LISTS.read_text("utf-8")
    found = section.search(text)
    assert found is not None, f"{LISTS.name} has no list under `{title}`"
    if os.environ.get("UPDATE_LISTS"):
        LISTS.write_text(text[: found.start()] + ran(report) + "\n" + text[found.end() :], "utf-8")
    else:
        assert ran(report) == found[0].strip(), title


def typed(shop: Memory, path: str, old: str, new: str) -> dict[str, Any]:
    """The report of the commit after a change in an editor."""
    assert old in shop.texts[path]
    shop.type(path, shop.texts[path].replace(old, new))
    report = shop.commit()
    assert report["files"] == [path]
    return report


NOTHING = "--"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("\n\n\nclass", "\n\n\n\n\nclass"),
        ("return order.price\n", "return order.price  # before tax\n"),
        ("discount(self)", "discount( self )"),
        ("class Till:\n", "class Till:\n    # rings\n"),
        ("    return order.price\n", "    return (\n        order.price\n    )\n"),
    ],
)
def test_white_space_and_comments_run_nothing(shop: Memory, old: str, new: str) -> None:
    generation = shop.snapshot().generation
    report = typed(shop, "shop/tools.py", old, new)
    assert ran(report) == NOTHING
    assert report["views"] == []
    assert report["mode"] == "none"
    assert shop.snapshot().generation == generation


def test_another_number_in_a_body_runs_nothing(shop: Memory) -> None:
    report = typed(shop, "alone.py", "first = 1", "first = 2")
    assert (ran(report), report["views"]) == (NOTHING, [])


def test_an_edit_that_is_undone_before_the_commit_runs_nothing(shop: Memory) -> None:
    shop.type("shop/tools.py", TOOLS.replace("discount", "rebate"))
    shop.type("shop/tools.py", TOOLS)
    report = shop.commit()
    assert (ran(report), report["views"]) == (NOTHING, [])


def test_saving_what_the_graph_holds_runs_nothing(shop: Memory) -> None:
    shop.write(SHOP)
    report = shop.commit()
    assert (ran(report), report["views"]) == (NOTHING, [])


def test_a_body_edit_stays_in_its_body(shop: Memory) -> None:
    as_listed("A body edit stays in its body", typed(shop, "shop/tools.py", "order.price", "order.cost"))


def test_another_docstring_changes_the_docstring(shop: Memory) -> None:
    report = typed(shop, "shop/tools.py", "Take something off.", "Take a bit off.")
    assert ran(report) == "docstrings +1 -1\n--"


def test_a_rename_runs_what_the_name_reaches(shop: Memory) -> None:
    as_listed("A rename runs what the name reaches", typed(shop, "shop/tools.py", "discount", "rebate"))


def test_a_file_that_nobody_imports_touches_no_other(shop: Memory) -> None:
    as_listed("A file that nobody imports touches no other", typed(shop, "alone.py", "first", "second"))


def test_a_missing_module_that_appears_runs_the_imports_that_miss_it(shop: Memory) -> None:
    shop.write({"shop/taxes.py": "def rate(): ...\n"})
    report = shop.commit()
    assert report["files"] == ["shop/taxes.py"]
    as_listed("A missing module that appears runs the imports that miss it", report)


def test_a_file_that_goes_takes_only_its_own(shop: Memory) -> None:
    shop.write({"alone.py": None})
    as_listed("A file that goes takes only its own", shop.commit())


def test_the_work_does_not_grow_with_the_workspace(document: bytes) -> None:
    def keys(extra: int) -> list[tuple[str, int]]:
        memory = Memory(document)
        others = {f"other{number}.py": f"def lonely{number}(a):\n    return a.b(a)\n" for number in range(extra)}
        memory.write(SHOP | others)
        memory.commit()
        report = typed(memory, "shop/tools.py", "discount", "rebate")
        return [(view["view"], view["keys"]) for view in report["views"]]

    assert keys(0) == keys(80)
