"""A hint says what the graph is sure of and the text does not say."""

from __future__ import annotations

from pathlib import Path

import msgspec

from codeanatomy_engine import Snapshot

from codeanatomy_incremental.options import InlayHintsOptions

from codeanatomy.ide.inlay_hint import inlay_hint
from tests.support import typed

EVERYTHING = InlayHintsOptions()

SHOP = '''
class Order:
    def __init__(self, amount, currency="EUR"):
        self.amount = amount
    def pay(self, part, *more, note=""):
        return self
    def copy(self) -> "Order":
        return Order(1)
    def find(self) -> "Order | None": ...

def make(flag):
    return Order(1)

def maybe(flag):
    if flag:
        return Order(1)

def nothing(flag):
    print(flag)

def either(flag):
    if flag:
        return Order(1)
    return make(flag).amount

def numbers():
    yield 1

def stub():
    """Says nothing."""
    raise NotImplementedError

def forever(flag):
    while True:
        if flag:
            return make(flag)

def run(amount):
    order = make(True)
    order = Order(amount)
    known: Order = make(False)
    other = order.pay(1, 2, 3, note="x")
    third = other.copy()
    found = order.find()
    value = order.amount
    both = order if amount else unknown
    same = order if amount else third
    make(amount)
    either(flag=amount)
    Order(5, *amount)
    Order(*amount, 5)
'''

HINTED = '''
class Order:
    def __init__(self, amount, currency="EUR"):
        self.amount = amount
    def pay(self, part, *more, note="")«-> Order»:
        return self
    def copy(self) -> "Order":
        return Order(«amount=»1)
    def find(self) -> "Order | None": ...

def make(flag)«-> Order»:
    return Order(«amount=»1)

def maybe(flag)«-> Order | None»:
    if flag:
        return Order(«amount=»1)

def nothing(flag)«-> None»:
    print(flag)

def either(flag):
    if flag:
        return Order(«amount=»1)
    return make(flag).amount

def numbers():
    yield 1

def stub():
    """Says nothing."""
    raise NotImplementedError

def forever(flag)«-> Order»:
    while True:
        if flag:
            return make(flag)

def run(amount)«-> None»:
    order«: Order» = make(«flag=»True)
    order = Order(amount)
    known: Order = make(«flag=»False)
    other«: Order» = order.pay(«part=»1, 2, 3, note="x")
    third«: Order» = other.copy()
    found«: Order | None» = order.find()
    value = order.amount
    both = order if amount else unknown
    same«: Order» = order if amount else third
    make(amount)
    either(flag=amount)
    Order(«amount=»5, *amount)
    Order(*amount, 5)
'''


def hinted(snapshot: Snapshot, path: str, text: str, options: InlayHintsOptions = EVERYTHING) -> str:
    """The text with its hints in it."""
    rows = text.split("\n")
    end = (len(rows), 0)
    for hint in reversed(msgspec.json.decode(inlay_hint(snapshot, path, (0, 0), end, options))):
        line, character = hint["position"]["line"], hint["position"]["character"]
        label = hint["label"] if isinstance(hint["label"], str) else "".join(part["value"] for part in hint["label"])
        rows[line] = f"{rows[line][:character]}«{label}»{rows[line][character:]}"
    return "\n".join(rows)


def test_hints_stand_where_they_would_be_written(tmp_path: Path) -> None:
    assert hinted(typed.snapshot(tmp_path, {"shop.py": SHOP}), "shop.py", SHOP) == HINTED


def test_each_kind_can_be_turned_off(tmp_path: Path) -> None:
    text = "def make(flag):\n    return Order()\nclass Order: ...\nx = make(True)\n"
    snapshot = typed.snapshot(tmp_path, {"a.py": text})
    shown = "def make(flag)«-> Order»:\n    return Order()\nclass Order: ...\nx«: Order» = make(«flag=»True)\n"
    assert hinted(snapshot, "a.py", text) == shown
    for option, gone in (
        ("parameter_names", "«flag=»"),
        ("variable_types", "«: Order»"),
        ("return_types", "«-> Order»"),
    ):
        options = InlayHintsOptions(**{option: False})
        assert hinted(snapshot, "a.py", text, options) == shown.replace(gone, "")
    nothing = InlayHintsOptions(parameter_names=False, variable_types=False, return_types=False)
    assert hinted(snapshot, "a.py", text, nothing) == text


def test_only_the_asked_range_is_answered(tmp_path: Path) -> None:
    snapshot = typed.snapshot(tmp_path, {"shop.py": SHOP})
    found = msgspec.json.decode(inlay_hint(snapshot, "shop.py", (10, 0), (12, 0), EVERYTHING))
    assert [hint["position"]["line"] for hint in found] == [10, 11]
    assert inlay_hint(snapshot, "shop.py", (900, 0), (950, 0), EVERYTHING) == b"[]"
    assert inlay_hint(snapshot, "shop.py", (12, 0), (10, 0), EVERYTHING) == b"[]"


def test_a_class_in_a_hint_leads_to_its_definition(tmp_path: Path) -> None:
    text = "class Order: ...\ndef make(): return Order()\n"
    snapshot = typed.snapshot(tmp_path, {"a.py": text})
    [hint] = msgspec.json.decode(inlay_hint(snapshot, "a.py", (0, 0), (9, 0), EVERYTHING))
    location = hint["label"][1]["location"]
    assert location["uri"].endswith("/a.py")
    assert location["range"]["start"] == {"line": 0, "character": 6}


def test_names_that_tell_nothing_are_left_out(tmp_path: Path) -> None:
    text = "def f(value, size): ...\ndef g(name, flag, /): ...\ndef h(__x, wide): ...\nf(1, 2)\ng(1, 2)\nh(1, 2)\n"
    shown = hinted(typed.snapshot(tmp_path, {"a.py": text}), "a.py", text)
    assert shown.split("\n")[3:6] == ["f(1, «size=»2)", "g(1, 2)", "h(1, «wide=»2)"]


def test_broken_code_and_wide_letters(tmp_path: Path) -> None:
    text = (
        "class Order:\n    def __init__(self, amount, size): ...\nx = Order('\U00020000', 2); y = Order(3, \ndef f(:\n"
    )
    found = hinted(typed.snapshot(tmp_path, {"a.py": text}, encoding="utf-32"), "a.py", text)
    assert "x = Order(«amount=»'\U00020000', «size=»2)" in found
