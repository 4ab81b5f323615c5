"""Walks with a daemon in the loop: real files, two editors with texts of their own, branches, and a watcher that loses events.

What a command is told is compared row for row with a fresh graph of the files on disk, what an editor is told with the answers of a
fresh graph of these and its own texts. `python -m tests.walks.daemon --edits 100000 --seed 7` walks long; it leaves with 1 if
anything differs.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from bench.editor import FRONT, Editor, ResponseError
from codeanatomy.daemon import caller, place
from tests.support.memory import tables, typed
from tests.walks import projects, runs
from tests.walks.disk import put
from tests.walks.law import Truth, differences

EDITORS = 2
SETTINGS = "[workspace]\nstandard_library = false\npackages = false\n[incremental]\nreconcile_s = 1.0\n[history]\nidle_s = 0.0\n"
WITHIN_S = 60.0
"""How long what came from the disk may take to be seen: the comparison of a second, on a machine that has much else to do."""

QUESTIONS = ("textDocument/definition", "textDocument/references")
CAPABILITIES = {"textDocument": {"definition": {"linkSupport": True}}}


class Walk:
    """A workspace with a daemon and its editors, and what each of them must see."""

    def __init__(self, truth: Truth, root: Path, seed: int) -> None:
        self._truth = truth
        self._root = root
        self._seed = seed
        self._random = random.Random(seed)
        self._version = 0
        self.edits = self.comparisons = self.answers = self.overflows = self.switches = 0
        root.mkdir(parents=True, exist_ok=True)
        self.disk: dict[str, str] = {}
        self.texts: list[dict[str, str]] = [{} for _ in range(EDITORS)]
        self._generation = 0
        self._made = projects.Generator(seed, 0)
        for path, text in self._made.texts.items():
            put(self._root, self.disk, path, text)
        (root / "codeanatomy.toml").write_text(SETTINGS)
        self._git("init", "-q")
        self._commit()
        self._git("branch", "first")
        self.editors = [Editor(root, FRONT, stderr=subprocess.DEVNULL) for _ in range(EDITORS)]
        for editor in self.editors:
            editor.initialize(CAPABILITIES)

    @property
    def pid(self) -> int:
        """The process of the daemon."""
        return place.holder(place.of(str(self._root)))

    def status(self) -> dict[str, Any]:
        """What the daemon says of itself."""
        found = caller.control(str(self._root), "status")
        assert found is not None, "there is no daemon"
        return found

    def close(self) -> None:
        """End editors and daemon."""
        for editor in self.editors:
            editor.__exit__()
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)

    def step(self) -> None:
        """Let something happen: mostly edits, typed by one of the editors or made on disk."""
        number = self._random.randrange(EDITORS)
        texts = self.texts[number]
        match self._random.random():
            case luck if luck < 0.08 and texts:
                path = self._random.choice(sorted(texts))
                put(self._root, self.disk, path, texts[path])
                self._notify(number, "textDocument/didSave", path)
            case luck if luck < 0.16 and texts:
                path = self._random.choice(sorted(texts))
                del texts[path]
                self.editors[number].close(path)
            case luck if luck < 0.19:
                self._switch()
            case luck if luck < 0.20:
                self._overflow()
            case luck if luck < 0.21:
                self.editors[number].__exit__()
                self.texts[number] = {}
                self.editors[number] = Editor(self._root, FRONT, stderr=subprocess.DEVNULL)
                self.editors[number].initialize(CAPABILITIES)
            case _:
                self._edit(number)

    def ask(self) -> float:
        """Have an editor answer something; the seconds that it took, 0 where there was nothing to ask."""
        number = self._random.randrange(EDITORS)
        began = time.monotonic()
        for path, line, character in self._places(self.disk | self.texts[number], 1):
            self._answer(self.editors[number], self._random.choice(QUESTIONS), path, line, character)
            return time.monotonic() - began
        return 0.0

    def broken(self) -> list[str]:
        """Where somebody does not see what they must."""
        self.comparisons += 1
        wrong: list[str] = []
        # Editors first: what a command asks lets the daemon compare with the disk, which would hide what a watcher lost.
        for number in range(EDITORS):
            fresh = self.disk | self.texts[number]
            self._truth.of(fresh)
            snapshot = self._truth.memory.snapshot()
            for at in self._places(fresh, 8):
                for question in QUESTIONS:
                    found = self._eventually(partial(self._unlike, number, snapshot, question, *at))
                    wrong += [f"editor {number}: {each}" for each in found]
        return wrong + self._eventually(self._command_sees)

    def _command_sees(self) -> list[str]:
        asked = caller.begun(str(self._root))
        if asked is None:
            return ["no daemon answers"]
        found = tables(caller.RemoteSnapshot(asked), self._truth.names)  # type: ignore[arg-type]
        asked.close()
        return [str(each) for each in differences(found, self._truth.of(self.disk))]

    def _unlike(self, number: int, snapshot: Any, question: str, path: str, line: int, character: int) -> list[str]:
        told = self._answer(self.editors[number], question, path, line, character)
        if question == "textDocument/definition":
            links = msgspec.json.decode(snapshot.definition(path, line, character))
            must = [(each["targetUri"], each["targetSelectionRange"]) for each in links]
            has = [(each["targetUri"], each["targetSelectionRange"]) for each in told or ()]
        else:
            must = [
                (each["uri"], each["range"])
                for each in msgspec.json.decode(snapshot.references(path, line, character, True))
            ]
            has = [(each["uri"], each["range"]) for each in told or ()]
        base = self._root.as_uri()
        expected, found = (
            sorted((uri.removeprefix(base).lstrip("/"), json.dumps(span, sort_keys=True)) for uri, span in each)
            for each in (must, has)
        )
        return [] if expected == found else [f"{question} at {path}:{line}:{character}: {found} and not {expected}"]

    def _answer(self, editor: Editor, question: str, path: str, line: int, character: int) -> Any:
        more = {"context": {"includeDeclaration": True}} if question.endswith("references") else {}
        self.answers += 1
        try:
            return editor.ask(question, path, line, character, **more)
        except ResponseError as error:
            # A file of which only the disk knows may not be known yet.
            return [] if error.data.get("code") == "unknown-file" else [{"error": str(error)}]

    def _places(self, texts: dict[str, str], most: int) -> list[tuple[str, int, int]]:
        """Words at random, where every counting of columns comes to the same."""
        found: list[tuple[str, int, int]] = []
        for _ in range(most if texts else 0):
            path = self._random.choice(sorted(texts))
            lines = texts[path].split("\n")
            line = self._random.randrange(len(lines))
            words = list(re.finditer(r"[A-Za-z_]\w*", lines[line]))
            if words and lines[line].isascii() and "\r" not in texts[path]:
                found.append((path, line, self._random.choice(words).start()))
        return found

    def _eventually(self, differing: Callable[[], list[str]]) -> list[str]:
        deadline = time.monotonic() + WITHIN_S
        while found := differing():
            if time.monotonic() > deadline:
                return found
            time.sleep(0.05)
        return []

    def _edit(self, number: int) -> None:
        for edit in self._made.step():
            self.edits += 1
            if edit.door == "disk" or edit.text is None:
                put(self._root, self.disk, edit.path, edit.text)
                if self._random.random() < 0.3:
                    self._notify(number, "workspace/didChangeWatchedFiles", edit.path)
            else:
                self._type(number, edit.path, edit.text)

    def _type(self, number: int, path: str, text: str) -> None:
        texts, editor = self.texts[number], self.editors[number]
        self._version += 1
        if path not in texts:
            texts[path] = self.disk.get(path, "")
            editor.open(path, texts[path], self._version)
            self._version += 1
        editor.change(path, self._version, typed(texts[path], text))
        texts[path] = text

    def _notify(self, number: int, method: str, path: str) -> None:
        uri = self.editors[number].uri(path)
        if method == "textDocument/didSave":
            self.editors[number].notify(method, {"textDocument": {"uri": uri}})
        else:
            self.editors[number].notify(method, {"changes": [{"uri": uri, "type": 2}]})

    def _switch(self) -> None:
        """Go to the branch of the beginning with what there is committed, and on from there."""
        self.switches += 1
        self._commit()
        self._generation += 1
        self._git("branch", "-f", f"b{self._generation}")
        target = self._random.choice(
            ["first", *(f"b{each}" for each in range(max(1, self._generation - 3), self._generation))]
        )
        self._git("checkout", "-q", "-f", "--detach", target)
        self.disk = {
            path.relative_to(self._root).as_posix(): path.read_bytes().decode()
            for suffix in ("*.py", "*.pyi")
            for path in self._root.rglob(suffix)
        }

    def _overflow(self) -> None:
        """More events than the system keeps, while the daemon sleeps, and edits in the midst of them."""
        limit = Path("/proc/sys/fs/inotify/max_queued_events")
        most = int(limit.read_text()) if limit.exists() else 0
        if not most or most > 100_000:
            return
        self.overflows += 1
        os.kill(self.pid, signal.SIGSTOP)
        try:
            noise = self._root / "noise.tmp"
            for _ in range(most // 2 + 100):
                noise.touch()
                noise.unlink()
            for edit in self._made.step():
                self.edits += 1
                put(self._root, self.disk, edit.path, edit.text)
        finally:
            os.kill(self.pid, signal.SIGCONT)

    def _commit(self) -> None:
        self._git("add", "-A")
        self._git("commit", "-q", "--allow-empty", "-m", "walk")

    def _git(self, *words: str) -> None:
        named = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false", "-c", "gc.auto=0")
        subprocess.run(("git", *named, "-C", str(self._root), *words), check=True, capture_output=True)


def walked(truth: Truth, root: Path, seed: int, edits: int, every: int) -> Iterator[tuple[Walk, list[str]]]:
    """Walk until so many edits are made; after every so many steps the walk, and what differs then."""
    walk = Walk(truth, root, seed)
    try:
        steps = 0
        while walk.edits < edits:
            walk.step()
            steps += 1
            if steps % every == 0 or walk.edits >= edits:
                yield walk, walk.broken()
    finally:
        walk.close()


@contextmanager
def own_daemons() -> Iterator[None]:
    """Daemons, caches and histories apart from those of the person who walks."""
    folder = tempfile.mkdtemp(prefix="ca-")
    for name in ("RUNTIME", "CACHE", "DATA"):
        os.environ[f"CODEANATOMY_{name}_DIR"] = f"{folder}/{name.lower()}"
    try:
        yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main() -> int:
    """Walk as far as the command line says."""
    parser = argparse.ArgumentParser(prog="python -m tests.walks.daemon", description=__doc__)
    parser.add_argument("--edits", type=int, default=10_000, help="edits to make in all")
    parser.add_argument("--seed", type=int, default=1, help="the same seed walks the same way")
    parser.add_argument("--every", type=int, default=20, help="steps between two comparisons")
    parser.add_argument("--walk", type=int, default=2_000, help="edits before another workspace begins")
    options = parser.parse_args()
    truth = runs.truth()
    began, done, broken, number = time.monotonic(), 0, 0, 0
    with own_daemons():
        while done < options.edits:
            with tempfile.TemporaryDirectory() as folder:
                walk = None
                least = min(options.walk, options.edits - done)
                for walk, wrong in walked(truth, Path(folder), options.seed * 1000 + number, least, options.every):
                    broken += bool(wrong)
                    for each in wrong:
                        print(
                            f"BROKEN: seed {options.seed * 1000 + number}, after {walk.edits} edits: {each}\n",
                            flush=True,
                        )
                    if wrong:
                        break
            number += 1
            if walk is not None:
                done += walk.edits
                print(
                    f"{done} edits in {number} walks, {walk.comparisons} comparisons, {walk.answers} answers, {walk.switches} switches "
                    f"and {walk.overflows} overflows in the last one, {broken} broken, {time.monotonic() - began:.0f} s",
                    file=sys.stderr,
                    flush=True,
                )
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
