"""Small projects and the edits that people make to them, at random and the same for the same seed.

Few names for many places: modules, classes, functions and attributes share their words, so that an edit in one file often
changes what another one means. Nothing has to make sense: broken text is input like any other.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping

from tests.walks.walk import Edit, Step

PATHS = (
    "a.py", "b.py", "c.py", "p/__init__.py", "p/a.py", "p/b.py", "p/q/__init__.py", "p/q/a.py", "p/a.pyi", "builtins.pyi",
)  # fmt: skip
MODULES = ("a", "b", "c", "p", "p.a", "p.b", "p.q", "p.q.a", ".", ".a", ".b", "..", "..a", ".q", ".q.a", "nowhere")
WORDS = ("f", "g", "C", "D", "E", "x", "y", "a", "b", "_h")
BLOCKS = (
    "import {module}\n",
    "import {module} as {w}\n",
    "from {module} import {w}\n",
    "from {module} import {w} as {v}, {u}\n",
    "from {module} import *\n",
    "from {module} import *\n",
    "try:\n    from {module} import {w}\nexcept ImportError:\n    {w} = None\n",
    "__all__ = ['{w}', '{v}']\n",
    "__all__ += ['{w}']\n",
    "__all__ = {w}.__all__ + ['{v}']\n",
    "{w} = {v}\n",
    "{w} = {v}.{u}\n",
    "{w} = {v}()\n",
    "{w} = {v}({u}={t})\n",
    "{w}: {v} = {u}\n",
    "{w}: 'Optional[{v}]' = None\n",
    "{w}: {v} | None\n",
    "{w}.{v}.{u}\n",
    "{w}().{v}()\n",
    "{w}.{v}({u}={t})\n",
    "({w} or {v}).{u}\n",
    "{w}, {v} = {u}, {t}\n",
    "del {w}\n",
    "{w} += 1\n",
    "if ({w} := {v}):\n    {u} = {w}\nelse:\n    def {u}(): pass\n",
    "for {w} in [{v}.{u} for {v} in {t}]: {w}\n",
    "with {v}() as {w}:\n    {w}.{u}\n",
    "match {w}:\n    case {v}({u}={t}): {t}\n    case [{u}, *{v}]: pass\n",
    "try: pass\nexcept {w} as {v}: {v}\n",
    "{w} = lambda {v}, {u}={t}: {v}.{u}\n",
    "def {w}({v}, {u}=None): return {v}\n",
    "def {w}({v}: {u}) -> {t}: return {v}.{u}()\n",
    "def {w}():\n    global {v}\n    {v} = {u}()\n    return {v}\n",
    "def {w}({v}):\n    def {u}():\n        nonlocal {v}\n        {v} = {t}\n    return {u}\n",
    "async def {w}({v}): return await {u}({v})\n",
    "@{v}\ndef {w}(): return {u}()\n",
    "@{v}.{u}\nclass {w}: pass\n",
    "class {w}: pass\n",
    "class {w}({v}): pass\n",
    "class {w}({v}, {u}): pass\n",
    "class {w}({v}.{u}):\n    {t} = {v}\n",
    "class {w}({v}[{u}], metaclass={t}): pass\n",
    "class {w}({v}):\n    def {u}(self): return super().{u}()\n    def {t}(self): return self.{u}()\n",
    "class {w}:\n    def __init__(self, {v}, {u}=1):\n        self.{v} = {u}\n        self.{t} = {v}()\n",
    "class {w}:\n    @property\n    def {v}(self) -> {u}: return {t}()\n    @classmethod\n    def {u}(cls): return cls.{t}()\n",
    "class {w}:\n    @staticmethod\n    def {v}({u}): return {u}.{t}\n    {t}: {w} = None\n",
    "class {w}:\n    class {v}: {u} = {t}\n    {u} = {v}\n",
    "'''text about {w}'''\n",
    "{w}('{v}.{u}', {u}='{t}')\n",
)
"""What one block of a file may be."""

CHAIN_BLOCKS = (
    "from {module} import {w}\n",
    "from {module} import {w}\n",
    "from {module} import *\n",
    "import {module}\n{w} = {module}.{w}\n",
    "import {module}\nclass {w}({module}.{w}):\n    def {v}(self): return super().{v}()\n",
    "from {module} import {w} as {w}0\nclass {w}({w}0): pass\n",
    "def {w}(): return {v}().{w}\n",
    "class {w}:\n    {v} = 1\n    def {w}(self) -> {w}: return self.{w}()\n",
    "{w} = {v}\n",
    "{w}().{w}().{w}().{v}\n",
)
"""Blocks for projects that hand the same few names on from module to module, deeper than rules follow, and in circles."""

RUBBISH = ("def (:\n", ")\n", "class\n", "'''\n", "    \n", "\tx\n", "import\n", "from . import (\n", "@\n", "x = \n", "\u00e4\u4e00 = '\U0001f600'\n", "\x0c\n", "\r\n", "\\\n")  # fmt: skip
"""What stands in a file for a moment while somebody types."""


class Generator:
    """Steps for one small project, each against the texts that the steps before left."""

    def __init__(self, seed: int, walk: int) -> None:
        self.random = random.Random(f"{seed}/{walk}")
        self.paths, self.modules, self.words, self.blocks = PATHS, MODULES, WORDS, BLOCKS
        if walk % 4 == 3:
            self.modules = tuple(f"m{number}" for number in range(14))
            self.paths = tuple(f"{module}.py" for module in self.modules)
            self.words, self.blocks = ("f", "C"), CHAIN_BLOCKS
        count = self.random.randint(2, 6) if walk % 4 < 3 else len(self.paths)
        self.texts = {path: self._text() for path in self.random.sample(self.paths, count)}
        if walk % 4 == 3:
            # The longest chain stands at the start; the edits break it and mend it.
            self.texts |= {
                f"m{number}.py": f"from m{number + 1} import *\n" + self.texts[f"m{number}.py"] for number in range(13)
            }
        self.past = [dict(self.texts)]

    def step(self) -> Step:
        """The next step: one to three edits, or one act that touches many files."""
        draw = self.random.random()
        if draw < 0.06:
            after = self._renamed_everywhere()
        elif draw < 0.12:
            after = dict(self.random.choice(self.past[-6:]))
        elif draw < 0.16:
            after = self._moved()
        else:
            after = dict(self.texts)
            for _ in range(self.random.choice((1, 1, 2, 3, 5))):
                after = self._edited(after)
        edits: list[Edit] = []
        for path in sorted(after.keys() | self.texts.keys()):
            if after.get(path) != self.texts.get(path):
                door = self.random.choice(("disk", "editor"))
                edits.append(Edit(path, after.get(path), door))
        self.texts = after
        self.past.append(dict(after))
        return tuple(edits)

    def _edited(self, texts: Mapping[str, str]) -> dict[str, str]:
        draw = self.random.random()
        after = dict(texts)
        if not after or draw < 0.08:
            after[self.random.choice(self.paths)] = self._text()
            return after
        path = self.random.choice(sorted(after))
        if draw < 0.14:
            del after[path]
            return after
        lines = after[path].splitlines(keepends=True)
        at = self.random.randint(0, len(lines))
        if draw < 0.20:
            lines.insert(at, self.random.choice(("\n", "# words\n", "    # more words\n", " \n")))
        elif draw < 0.30:
            lines.insert(at, self.random.choice(RUBBISH))
        elif draw < 0.55:
            lines.insert(at, self._block())
        elif draw < 0.70:
            del lines[at : at + self.random.randint(1, 3)]
        elif draw < 0.90:
            old, new = self.random.choice(self.words), self.random.choice(self.words)
            text = "".join(lines)
            found = list(re.finditer(rf"\b{old}\b", text))
            if found:
                chosen = self.random.choice(found)
                text = text[: chosen.start()] + new + text[chosen.end() :]
            after[path] = text
            return after
        else:
            text = "".join(lines)
            start = self.random.randint(0, len(text))
            after[path] = text[:start] + self.random.choice(("", "", "(", ":", " ", ".", "x")) + text[start + 1 :]
            return after
        after[path] = "".join(lines)
        return after

    def _renamed_everywhere(self) -> dict[str, str]:
        old, new = self.random.choice(self.words), self.random.choice(self.words)
        return {path: re.sub(rf"\b{old}\b", new, text) for path, text in self.texts.items()}

    def _moved(self) -> dict[str, str]:
        after = dict(self.texts)
        if after:
            text = after.pop(self.random.choice(sorted(after)))
            after[self.random.choice(self.paths)] = text
        return after

    def _text(self) -> str:
        return "".join(self._block() for _ in range(self.random.randint(0, 7)))

    def _block(self) -> str:
        words = {place: self.random.choice(self.words) for place in "wvut"}
        return self.random.choice(self.blocks).format(module=self.random.choice(self.modules), **words)
