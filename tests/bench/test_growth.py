"""Growth without peers: the work of an edit is the same at every size, which files make a size, and the page with its plot.

The first is the small version of `python -m bench growth`: it counts, and asserts no time.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from bench import curves, growth
from bench.growth import Growth, Server, Size
from bench.latency import Figures, Times
from tests.support.memory import Memory, program

BASE = "class Order:\n    def pay(self):\n        return 1\n"
PART = """\
from shop.base import Order


class Order{at}(Order):
    def pay(self):
        return super().pay() + self.rate()

    def rate(self):
        return {at}


def sell{at}():
    return Order{at}().pay()
"""
EDITED = "shop/part7.py"


@pytest.fixture(scope="module")
def sizes() -> list[Memory]:
    found: list[Memory] = []
    for count in (20, 200):
        memory = Memory(program())
        memory.write({"shop/base.py": BASE} | {f"shop/part{at}.py": PART.format(at=at) for at in range(count)})
        memory.commit()
        memory.type(EDITED, PART.format(at=7))
        memory.commit()
        found.append(memory)
    return found


def work(memory: Memory, old: str, new: str) -> dict[str, Any]:
    """What an edit makes the engine do; it is taken back."""
    memory.type(EDITED, PART.format(at=7).replace(old, new))
    report = memory.commit()
    memory.type(EDITED, PART.format(at=7))
    memory.commit()
    return {"files": report["files"], "keys": {view["view"]: view["keys"] for view in report["views"]}}


@pytest.mark.parametrize(
    ("old", "new", "most"),
    [("return 7", "return  7", 0), ("return 7", "return 7 + self.pay()", 30), ("def rate", "def price", 60)],
    ids=["white space", "a body", "a name of a class"],
)
def test_the_work_of_an_edit_is_that_of_a_small_workspace(sizes: list[Memory], old: str, new: str, most: int) -> None:
    small, large = (work(memory, old, new) for memory in sizes)
    assert small == large
    assert large["files"] == [EDITED]
    assert sum(large["keys"].values()) <= most
    assert bool(large["keys"]) == bool(most)


def test_small_packages_come_first_and_whole(tmp_path: Path) -> None:
    for path in (
        "big/__init__.py",
        "big/a.py",
        "big/b.py",
        "small/__init__.py",
        "small/a.py",
        "lonely.py",
        "a.dist-info/a.py",
    ):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).touch()
    assert growth.files(tmp_path) == ["small/__init__.py", "small/a.py", "big/__init__.py", "big/a.py", "big/b.py"]


def test_the_page_and_the_plot_show_every_server_at_every_size() -> None:
    figures = Figures(
        version="1",
        times={
            "references, popular name": Times(3, 1.5, 2.5, 3.0, note="811 places"),
            "unsaved edit → answer in another file": Times(0, missed=4),
        },
        cold={"first right definition": 0.25, "first references of a popular name": None},
        cpu_s=1.0,
        peak_memory_mb=120.0,
        failures=0,
    )
    servers = {name: Server(figures, {"first right definition": 0.125}) for name in ("ours", "ty")}
    found = Growth("2000-01-01", "a machine", "quick", 1, 4.0, {"ours": "codeanatomy 1", "ty": "ty 2"}, [])
    found.sizes.extend(Size(count, 1.0, 0.5, servers) for count in (100, 1000))
    shown = growth.page(found, "growth.svg")
    assert shown.count("| references, popular name | 1.50 / 2.50 (811) | 1.50 / 2.50 (811) |") == 2
    assert "| unsaved edit → answer in another file | 4 missed | 4 missed |" in shown
    assert "| started again: first right definition | 0.12 | 0.12 |" in shown
    assert "| cold: first references of a popular name | - | - |" in shown
    assert "## 1000 files" in shown
    plot = ElementTree.fromstring(curves.svg(growth.series(found)))
    space = "{http://www.w3.org/2000/svg}"
    panels = [len(panel.findall(f"{space}polyline")) for panel in plot.findall(f"{space}g")]
    assert panels == [2 if each in growth.PLOTTED[:1] + growth.PLOTTED[4:] else 0 for each in growth.PLOTTED]
