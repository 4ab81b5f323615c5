"""Walks over real code: a part of an installed package, and small edits that real code can meet.

The texts are copied from the installation into memory; the installation is never touched.
"""

from __future__ import annotations

import random
import re
from importlib import util
from pathlib import Path

from tests.walks.walk import Edit, Step

_WORD = re.compile(r"\b[A-Za-z_]\w{2,}\b")
_IMPORT = re.compile(r"^\s*(?:from\s+\S+\s+)?import\s.*\n", re.MULTILINE)
_DEFINITION = re.compile(r"^\s*(?:def|class)\s+(\w+)", re.MULTILINE)


def texts(package: str, folders: tuple[str, ...]) -> dict[str, str]:
    """The sources of an installed package below these folders (`""`: the package's own), by path beside its parent."""
    found = util.find_spec(package)
    assert found is not None and found.origin is not None, f"{package} is a development dependency"
    home = Path(found.origin).parent
    files = [file for folder in folders for file in sorted((home / folder).glob("*.py"))]
    return {file.relative_to(home.parent).as_posix(): file.read_text("utf-8") for file in files}


class Generator:
    """Steps over real files, each against the texts that the steps before left."""

    def __init__(self, start: dict[str, str], seed: int, walk: int) -> None:
        self.random = random.Random(f"{seed}/{walk}/package")
        self.texts = dict(start)
        self.first = dict(start)
        self.past = [dict(start)]

    def step(self) -> Step:
        """The next step: mostly one edit, sometimes several files, sometimes a walk back."""
        draw = self.random.random()
        if draw < 0.10:
            after = dict(self.random.choice(self.past[-5:]))
        elif draw < 0.15:
            after = self._renamed_everywhere()
        else:
            after = dict(self.texts)
            for _ in range(self.random.choice((1, 1, 1, 2, 4))):
                self._edit(after)
        changed = [path for path in sorted(after.keys() | self.texts.keys()) if after.get(path) != self.texts.get(path)]
        edits = [Edit(path, after.get(path), self.random.choice(("disk", "editor"))) for path in changed]
        self.texts = after
        self.past.append(dict(after))
        return tuple(edits)

    def _edit(self, texts: dict[str, str]) -> None:
        draw = self.random.random()
        path = self.random.choice(sorted(texts))
        text = texts[path]
        lines = text.splitlines(keepends=True)
        at = self.random.randint(0, len(lines))
        if draw < 0.05:
            del texts[path]
        elif draw < 0.10:
            gone = sorted(self.first.keys() - texts.keys())
            if gone:
                back = self.random.choice(gone)
                texts[back] = self.first[back]
        elif draw < 0.15:
            folder, _, name = path.rpartition("/")
            texts[f"{folder}/{self.random.choice(('moved.py', 'other_' + name))}"] = texts.pop(path)
        elif draw < 0.30:
            texts[path] = self._replaced(text, _WORD, lambda: self._word(text))
        elif draw < 0.40:
            texts[path] = self._replaced(text, _IMPORT, lambda: self._import(texts) if at % 2 else "")
        elif draw < 0.50:
            old = self._one(_DEFINITION, text)
            if old is not None:
                start, end = old.span(1)
                texts[path] = text[:start] + self._word(text) + text[end:]
        elif draw < 0.60:
            lines.insert(at, self.random.choice(("\n", "# a comment\n", "        # deeper\n")))
            texts[path] = "".join(lines)
        elif draw < 0.75:
            del lines[at : at + self.random.choice((1, 1, 2, 10, 60))]
            texts[path] = "".join(lines)
        elif draw < 0.85:
            lines.insert(at, self.random.choice(("def (\n", ")\n", "'''\n", "class\n", "from . import *\n", "\\\n")))
            texts[path] = "".join(lines)
        else:
            start = self.random.randint(0, len(text))
            put = self.random.choice(("", "x", " ", "(", ".", ":"))
            texts[path] = text[:start] + put + text[start + self.random.randint(0, 3) :]

    def _renamed_everywhere(self) -> dict[str, str]:
        text = self.texts[self.random.choice(sorted(self.texts))]
        found = self._one(_DEFINITION, text)
        if found is None:
            return dict(self.texts)
        old, new = found[1], self._word(text)
        return {path: re.sub(rf"\b{old}\b", new, each) for path, each in self.texts.items()}

    def _replaced(self, text: str, pattern: re.Pattern[str], new: object) -> str:
        found = self._one(pattern, text)
        return text if found is None else text[: found.start()] + new() + text[found.end() :]  # type: ignore[operator]

    def _import(self, texts: dict[str, str]) -> str:
        other = self._one(_IMPORT, texts[self.random.choice(sorted(texts))])
        return other[0] if other else "from . import *\n"

    def _word(self, text: str) -> str:
        found = self._one(_WORD, text)
        return found[0] if found else "word"

    def _one(self, pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
        found = list(pattern.finditer(text))
        return self.random.choice(found) if found else None
