"""CPython judges a notebook cell by cell, with `await` at the top level."""

from __future__ import annotations

from codeanatomy_incremental.evidence import Source, Verdict
from codeanatomy_incremental.evidence.cpython import extract


def _verdict(text: str, path: str = "n.ipynb") -> Verdict | None:
    return extract(Source(path, text.encode(), (3, 11), True, True)).verdict


def test_a_cell_may_await_and_a_module_may_not() -> None:
    text = "x = 1\f\nfrom __future__ import annotations\nawait f()\nasync with g() as h: pass\f\n"
    assert _verdict(text) == Verdict(True)
    told = _verdict("await f()\n", "m.py")
    assert told is not None and not told.accepts


def test_what_is_wrong_stands_in_its_cell() -> None:
    text = "x = 1\f\n\nreturn x\f\ny = (\f\n"
    told = _verdict(text)
    assert told is not None
    assert (told.accepts, told.message) == (False, "'return' outside function")
    assert text.encode()[told.start : told.end].startswith(b"return")
