"""A selection grows from the word to the file."""

from __future__ import annotations

from pathlib import Path

import msgspec

from codeanatomy.ide.selection_range import selection_range
from tests.support import typed

TEXT = "class Order:\n    def pay(self, amount):\n        return f(amount, 'é two') + self.total\n"


def grown(root: Path, text: str, *positions: tuple[int, int]) -> list[list[str]]:
    engine = typed.opened(root, {"a.py": text}).engine
    rows = text.split("\n")
    answers: list[list[str]] = []
    for step in msgspec.json.decode(selection_range(engine, "a.py", list(positions))):
        words: list[str] = []
        while step is not None:
            start, end = step["range"]["start"], step["range"]["end"]
            body = rows[start["line"] : end["line"] + 1]
            body[-1] = body[-1][: end["character"]]
            body[0] = body[0][start["character"] :]
            words.append("\n".join(body))
            step = step.get("parent")
        answers.append(words)
    return answers


def test_each_position_grows_on_its_own(tmp_path: Path) -> None:
    first, second = grown(tmp_path, TEXT, (2, 17), (2, 29))
    assert first[:6] == [
        "amount",
        "amount, 'é two'",
        "(amount, 'é two')",
        "f(amount, 'é two')",
        "f(amount, 'é two') + self.total",
        "return f(amount, 'é two') + self.total",
    ]
    assert second[:3] == ["two", "é two", "'é two'"]
    assert first[-1] == second[-1] == TEXT


def test_broken_text_and_places_outside_of_it_have_an_answer(tmp_path: Path) -> None:
    for words in grown(tmp_path, "def f(:\n  x = (\n", (1, 2), (99, 99), (0, 99)):
        assert words[-1] == "def f(:\n  x = (\n"
    assert grown(tmp_path, "x\n") == []
