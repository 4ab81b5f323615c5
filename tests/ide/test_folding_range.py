"""What can be folded, by lines and by places, and what a client that takes few gets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from codeanatomy_engine import EngineError

from codeanatomy.ide.folding_range import by_lines, by_places
from tests.support import typed

TEXT = '''"""A shop.

Long.
"""

import os
import sys

# region orders
class Order:
    def pay(
        self,
    ):
        return {
            "a": 1,
        }

    # one
    # two
# endregion
'''

BY_LINES = """
0-3 comment
5-6 imports
8-19 region
9-18
10-11
12-15
13-14
17-18 comment
"""


def lines(found: bytes) -> list[str]:
    folds: list[dict[str, Any]] = msgspec.json.decode(found)
    return [f"{fold['startLine']}-{fold['endLine']} {fold.get('kind', '')}".strip() for fold in folds]


def test_by_lines_the_closing_bracket_stays_to_be_seen(tmp_path: Path) -> None:
    engine = typed.opened(tmp_path, {"a.py": TEXT}).engine
    assert lines(by_lines(engine, "a.py", 5000)) == BY_LINES.split("\n")[1:-1]


def test_by_places_a_fold_begins_behind_the_bracket(tmp_path: Path) -> None:
    engine = typed.opened(tmp_path, {"a.py": "é = f(\n    1,\n)\n"}).engine
    assert msgspec.json.decode(by_places(engine, "a.py", 5000)) == [
        {"startLine": 0, "startCharacter": 6, "endLine": 2, "endCharacter": 0}
    ]


def test_of_too_many_the_longest_are_kept(tmp_path: Path) -> None:
    engine = typed.opened(tmp_path, {"a.py": TEXT}).engine
    assert lines(by_lines(engine, "a.py", 2)) == ["8-19 region", "9-18"]
    assert by_lines(engine, "a.py", 0) == b"[]"


def test_the_newest_text_is_folded_though_no_graph_holds_it(tmp_path: Path) -> None:
    engine = typed.opened(tmp_path, {"a.py": "x = 1\n"}).engine
    engine.edit_document("a.py", 2, b'[{"text": "if x:\\n    y\\n    z = (\\n"}]')
    assert lines(by_lines(engine, "a.py", 5000)) == ["0-2"]
    with pytest.raises(EngineError) as caught:
        by_lines(engine, "b.py", 5000)
    assert caught.value.code == "unknown-document"
