"""A small workspace of classes that derive from each other and functions that call each other."""

from __future__ import annotations

import re
from pathlib import Path

FILES = {
    "order.py": """\
from abc import ABC, abstractmethod
from typing import Protocol


class Pays(Protocol):
    def pay(self): ...


class Order(ABC):
    def __init__(self, total):
        self.total = total

    @abstractmethod
    def pay(self): ...

    @property
    def state(self):
        return "open"

    def close(self):
        self.pay()
        return self.state


class Special(Order):
    def pay(self):
        return self.total


class Rush(Special):
    def pay(self):
        return super().pay()


class Card:
    def pay(self): ...
""",
    "main.py": """\
from order import Card, Order, Rush, Special


def close(order: Order):
    order.pay()


def traced(function):
    return function


@traced
def run():
    special = Special(3)
    rush = Rush(4)
    special.pay()
    close(special)
    close(rush)
    return list(map(close, [special]))


run()
handlers = [lambda: run()]
""",
}


def build(root: Path) -> Path:
    """Write the files below a directory; the directory. It has no library, which would only cost time."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "codeanatomy.toml").write_text("[workspace]\nstandard_library = false\n")
    for path, text in FILES.items():
        (root / path).write_text(text)
    return root


def place(path: str, pattern: str) -> tuple[int, int]:
    """Line and character, from 0, of the word that a pattern ends with, at its first match."""
    found = re.search(pattern, FILES[path])
    assert found is not None, pattern
    word = re.search(r"\w+$", found.group())
    assert word is not None, pattern
    start = found.start() + word.start()
    before = FILES[path][:start]
    return before.count("\n"), start - (before.rfind("\n") + 1)
