"""The law: after any walk of edits the living graph equals a fresh graph of the same files, row for row."""

from __future__ import annotations

import random
from pathlib import Path

import msgspec
import pytest

from codeanatomy_engine import CancelToken, Snapshot

from codeanatomy_incremental.change import Change, Created, Deleted, Modified, Renamed, Rescan
from codeanatomy_incremental.live import Graph, LiveGraph

from tests.support import shop
from tests.support.graphs import everything, no_progress, opened

LINES = (
    "import shop\n",
    "from shop import discount\n",
    "from shop.tools import Till as T, discount as d\n",
    "from .tools import *\n",
    "import shop.tools\n",
    "def discount(order): return order\n",
    "class Till:\n    def ring(self): return self.ring()\n",
    "class Sub(Till):\n    def ring(self): return super().ring()\n",
    "x = discount(1)\n",
    "y = shop.tools.discount(2)\n",
    "Till().ring()\n",
    "__all__ = ['discount', 'Till']\n",
    "if x:\n    discount = None\n",
    "for discount in [shop]: pass\n",
    "def broken(:\n",
    ")\n",
    "\n",
    "# a comment \u00e4\U0001f600\n",
    "'''a text\n",
)
LAST_TURN = 59
NAMES = ("discount", "Till", "ring", "x", "shop")


class Walk:
    """Edits of editors and of the disk, at random, the same for the same seed."""

    def __init__(self, root: Path, seed: int) -> None:
        self.root = root
        self.random = random.Random(seed)
        self.live = LiveGraph(opened(root))
        self.live.start(no_progress)
        self.open: dict[str, str] = {}
        self.version = 0

    def step(self) -> str:
        """One edit; what it was."""
        act = self.random.choice(
            (
                self.edit,
                self.edit,
                self.edit,
                self.edit,
                self.open_one,
                self.close_one,
                self.write,
                self.create,
                self.remove,
                self.move,
            )
        )
        return f"{act.__name__} {act()}"

    def edit(self) -> str:
        if not self.open:
            return self.open_one()
        path = self.random.choice(sorted(self.open))
        self.version += 1
        changes: list[dict[str, object]] = []
        for _ in range(self.random.randint(1, 3)):
            old = self.open[path]
            start = self.random.randint(0, len(old))
            end = self.random.choice(
                (start, start, min(len(old), start + self.random.randint(0, 12)), self.line_end(old, start))
            )
            text = self.random.choice((*LINES, *NAMES, "", "\n"))
            changes.append({"range": {"start": where(old, start), "end": where(old, end)}, "text": text})
            self.open[path] = old[:start] + text + old[end:]
        self.live.edit(path, self.version, msgspec.json.encode(changes))
        return path

    def line_end(self, text: str, start: int) -> int:
        end = text.find("\n", start)
        return len(text) if end < 0 else end + 1

    def open_one(self) -> str:
        closed = sorted(set(self.files()) - set(self.open))
        if not closed:
            return "nothing"
        path = self.random.choice(closed)
        self.version += 1
        self.open[path] = (self.root / path).read_text()
        self.live.open(path, self.open[path], self.version)
        return path

    def close_one(self) -> str:
        if not self.open:
            return "nothing"
        path = self.random.choice(sorted(self.open))
        if self.random.random() < 0.5:
            (self.root / path).write_text(self.open[path])
        del self.open[path]
        self.live.close(path)
        return path

    def write(self) -> str:
        files = self.files()
        if not files:
            return "nothing"
        path = self.random.choice(files)
        file = self.root / path
        lines = file.read_text().splitlines(keepends=True)
        lines.insert(self.random.randint(0, len(lines)), self.random.choice(LINES))
        file.write_text("".join(lines))
        return self.tell(path, Modified(path))

    def create(self) -> str:
        path = self.random.choice(
            ("new.py", "shop/new.py", "shop/sub/__init__.py", "shop/sub/deep.py", "shop/tools.pyi", "other/a.py")
        )
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("".join(self.random.choices(LINES, k=4)))
        return self.tell(path, Created(path))

    def remove(self) -> str:
        files = [path for path in self.files() if path not in self.open]
        if len(files) < 2:
            return "nothing"
        path = self.random.choice(files)
        (self.root / path).unlink()
        return self.tell(path, Deleted(path))

    def move(self) -> str:
        files = [path for path in self.files() if path not in self.open]
        if not files:
            return "nothing"
        old, new = self.random.choice(files), self.random.choice(("moved.py", "shop/moved.py"))
        if new in self.open:
            return "nothing"
        (self.root / old).rename(self.root / new)
        return self.tell(f"{old} to {new}", Renamed(old, new))

    def tell(self, path: str, change: Change) -> str:
        self.live.submit(change if self.random.random() < 0.7 else Rescan("test"))
        return path

    def files(self) -> list[str]:
        return sorted(file.relative_to(self.root).as_posix() for file in self.root.rglob("*.py*") if file.is_file())


def where(text: str, offset: int) -> dict[str, int]:
    before = text[:offset]
    line = before[before.rfind("\n") + 1 :]
    return {"line": before.count("\n"), "character": len(line.encode("utf-16-le")) // 2}


def heard(graph: Graph, snapshot: Snapshot, turn: int) -> Snapshot:
    """At the end the snapshot with what slow extractors say of its texts, else the snapshot."""
    if turn != LAST_TURN:
        return snapshot
    graph.hear_all(("bytecode", "cpython", "symtable"), snapshot.paths(), CancelToken())
    return graph.engine.snapshot()


@pytest.mark.parametrize("seed", range(4))
def test_live_equals_fresh(tmp_path: Path, seed: int) -> None:
    walk = Walk(shop.build(tmp_path), seed)
    done: list[str] = []
    try:
        for turn in range(LAST_TURN + 1):
            done.append(walk.step())
            if turn % 3 == 2:
                wrong = msgspec.json.decode(walk.live.snapshot_for(walk.live.revision).verify())
                assert wrong == [], f"{wrong} after {'; '.join(done)}"
            if turn % 12 == 11:
                live = everything(heard(walk.live.graph, walk.live.snapshot_for(walk.live.revision), turn))
                fresh = opened(tmp_path)
                for path, text in walk.open.items():
                    fresh.open(path, text, 1)
                    assert walk.live.graph.engine.document_text(path) == text, done
                fresh.index(no_progress, CancelToken())
                expected = everything(heard(fresh, fresh.engine.snapshot(), turn))
                assert live.keys() == expected.keys()
                for name, table in expected.items():
                    assert live[name] == table, f"{name} differs after {'; '.join(done)}"
    finally:
        walk.live.stop()


def test_undoing_every_edit_gives_the_first_graph(tmp_path: Path) -> None:
    live = LiveGraph(opened(shop.build(tmp_path)))
    live.start(no_progress)
    text = shop.FILES["shop/tools.py"]
    live.open("shop/tools.py", text, 1)
    first = everything(live.snapshot_for(live.revision))
    for number, start in enumerate(range(0, len(text) - 3, 7)):
        span = {"start": where(text, start), "end": where(text, start + 3)}
        edited = text[:start] + "\U0001f600" + text[start + 3 :]
        live.edit("shop/tools.py", 2 * number + 2, msgspec.json.encode([{"range": span, "text": "\U0001f600"}]))
        live.snapshot_for(live.revision)
        back = {"start": where(edited, start), "end": where(edited, start + 1)}
        live.edit(
            "shop/tools.py", 2 * number + 3, msgspec.json.encode([{"range": back, "text": text[start : start + 3]}])
        )
    assert everything(live.snapshot_for(live.revision)) == first
    live.stop()
