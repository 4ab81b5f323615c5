"""The main job on a real package: index it, then edit a scratch copy of it through a live server, as an editor would.

Prints what the index found and cost, then each step of a scripted session with its milliseconds: a syntax error appears and goes, a
definition and its references are asked for before and after a rename of the target, and a hover explains the edge. Leaves with 0 if
every step showed what it should.

    python bench/main_job.py [WORKSPACE]        Django as installed, unless a folder is named
"""

from __future__ import annotations

import argparse
import ast
import importlib.util
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# This is run as a file; `bench` is a folder of programs and not installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from codeanatomy_incremental import workspace
from codeanatomy_incremental.options import WorkspaceOptions

from bench.editor import Editor

CLIENT = {
    "general": {"positionEncodings": ["utf-8"]},
    "textDocument": {"hover": {"contentFormat": ["plaintext"]}},
}


@dataclass(frozen=True)
class Edge:
    """A call of a function that another file defines: what the script plays with."""

    name: str
    call_path: str
    call: tuple[int, int]
    """Line and byte column of the name in the call, from 0."""

    target_path: str
    target: tuple[int, int]
    """Line and byte column of the name in the definition, from 0."""


class Script:
    """Steps, each timed, each with a verdict."""

    def __init__(self) -> None:
        self.failed = 0

    def step(self, title: str, act: Callable[[], tuple[bool, str]]) -> None:
        """Run one step and print what happened."""
        began = time.perf_counter()
        try:
            good, shown = act()
        except Exception as error:
            good, shown = False, f"{type(error).__name__}: {error}"
        millis = 1000 * (time.perf_counter() - began)
        self.failed += not good
        head, *rest = shown.splitlines() or [""]
        print(f"{'ok ' if good else 'NOT'} {millis:9.1f} ms  {title}: {head}")
        for line in rest:
            print(f"                    {line}")


def main() -> int:
    """Index, edit, report; the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "workspace", nargs="?", type=Path, help="a folder with Python files (default: Django as installed)"
    )
    source = parser.parse_args().workspace or installed("django")
    source = source.resolve()
    print(f"== index {source}", flush=True)
    indexed = subprocess.run([sys.executable, "-m", "codeanatomy", "index", str(source)], check=False)
    if indexed.returncode:
        return indexed.returncode
    with tempfile.TemporaryDirectory(prefix="codeanatomy-") as scratch:
        root = Path(scratch).resolve() / source.name
        shutil.copytree(
            source, root, symlinks=True, ignore=shutil.ignore_patterns("__pycache__", ".git", ".venv", "node_modules")
        )
        edge = choose_edge(root)
        if edge is None:
            print("no function is imported and called by another file: nothing to edit", file=sys.stderr)
            return 2
        print(
            f"\n== live session on a scratch copy: `{edge.name}` of {edge.target_path}, called by {edge.call_path}",
            flush=True,
        )
        script = Script()
        with Editor(root, timeout=300) as editor:
            play(script, editor, edge)
    print(
        f"\n{'every step showed what it should' if not script.failed else f'{script.failed} steps did not show what they should'}"
    )
    return 1 if script.failed else 0


def installed(package: str) -> Path:
    """The folder of an installed package, found without importing it."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit(f"{package} is not installed; name a folder")
    return Path(next(iter(spec.submodule_search_locations)))


def play(script: Script, editor: Editor, edge: Edge) -> None:
    """The session: what an editor would send, and what has to come back."""
    texts = {path: (editor.root / path).read_text("utf-8") for path in (edge.call_path, edge.target_path)}
    renamed = f"{edge.name}_renamed"
    versions = Counter(dict.fromkeys(texts, 1))
    state: dict[str, Any] = {}

    def edit(path: str, line: int, start: int, end: int, text: str) -> list[dict[str, Any]]:
        versions[path] += 1
        span = {"start": {"line": line, "character": start}, "end": {"line": line, "character": end}}
        editor.change(path, versions[path], {"range": span, "text": text})
        return editor.diagnostics(path, versions[path])

    def errors(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [each for each in found if each.get("severity", 1) == 1]

    def start() -> tuple[bool, str]:
        answer = editor.initialize(CLIENT)
        return (
            True,
            f"server {answer['serverInfo']['version']}, positions in {answer['capabilities']['positionEncoding']}",
        )

    def open_both() -> tuple[bool, str]:
        for path, text in texts.items():
            editor.open(path, text)
        found = [each for path in texts for each in errors(editor.diagnostics(path, 1))]
        return not found, f"{len(found)} errors"

    def break_it() -> tuple[bool, str]:
        found = errors(edit(edge.call_path, 0, 0, 0, "broken = (\n"))
        return bool(found), found[0]["message"] if found else "no error appeared"

    def mend_it() -> tuple[bool, str]:
        versions[edge.call_path] += 1
        span = {"start": {"line": 0, "character": 0}, "end": {"line": 1, "character": 0}}
        editor.change(edge.call_path, versions[edge.call_path], {"range": span, "text": ""})
        found = errors(editor.diagnostics(edge.call_path, versions[edge.call_path]))
        return not found, f"{len(found)} errors"

    def definition(expected: bool) -> tuple[bool, str]:
        found = editor.ask("textDocument/definition", edge.call_path, *edge.call)
        places = [place(editor, each) for each in found]
        hit = f"{edge.target_path}:{edge.target[0] + 1}" in places
        return hit == expected, ", ".join(places) or "nothing, as it must be"

    def references(expected: bool) -> tuple[bool, str]:
        found = editor.ask(
            "textDocument/references", edge.target_path, *edge.target, context={"includeDeclaration": False}
        )
        places = [place(editor, each) for each in found]
        state.setdefault("references", len(places))
        hit = f"{edge.call_path}:{edge.call[0] + 1}" in places
        return hit == expected, f"{len(places)} in {len({each.rsplit(':', 1)[0] for each in places})} files"

    def hover(expected: str) -> tuple[bool, str]:
        found = editor.ask("textDocument/hover", edge.call_path, *edge.call)
        text = found["contents"]["value"] if found else ""
        return expected in text, text or "no hover"

    def rename_target() -> tuple[bool, str]:
        line, column = edge.target
        found = errors(edit(edge.target_path, line, column, column + len(edge.name), renamed))
        return not found, f"def {edge.name} is now def {renamed}"

    def rename_back() -> tuple[bool, str]:
        line, column = edge.target
        found = errors(edit(edge.target_path, line, column, column + len(renamed), edge.name))
        return not found, f"def {renamed} is def {edge.name} again"

    def same_references() -> tuple[bool, str]:
        good, shown = references(True)
        return good and shown.startswith(f"{state['references']} in"), shown

    def end() -> tuple[bool, str]:
        code = editor.shut_down()
        return code == 0 and not editor.stray, f"exit code {code}"

    script.step("initialize", start)
    script.step("open both files", open_both)
    script.step("definition, as soon as the workspace is indexed", lambda: definition(True))
    script.step("type an open bracket", break_it)
    script.step("take it back", mend_it)
    script.step("definition", lambda: definition(True))
    script.step("references", lambda: references(True))
    script.step("hover", lambda: hover("Why:"))
    script.step("rename the target", rename_target)
    script.step("definition after the rename", lambda: definition(False))
    script.step("references after the rename", lambda: references(False))
    script.step("hover after the rename", lambda: hover("Open:"))
    script.step("rename it back", rename_back)
    script.step("definition after renaming back", lambda: definition(True))
    script.step("references after renaming back", same_references)
    script.step("shut down", end)


def place(editor: Editor, location: dict[str, Any]) -> str:
    """A location as `path:line`."""
    path = location["uri"].removeprefix(f"{editor.root.as_uri()}/")
    return f"{path}:{location['range']['start']['line'] + 1}"


def choose_edge(root: Path) -> Edge | None:
    """The function that most files import by name and call, among those whose name is defined once. Found with Python's own
    parser, so that the script does not ask the program what the program should answer."""
    files = workspace.list_files(workspace.Workspace(root=str(root), options=WorkspaceOptions())).entries.values()
    trees = {entry: tree for entry in files if (tree := parsed(root / entry.path)) is not None}
    modules = {entry.module: entry for entry in trees}
    names = Counter(node.name for tree in trees.values() for node in ast.walk(tree) if isinstance(node, DEFINITIONS))
    targets = {
        (entry.module, node.name): node
        for entry, tree in trees.items()
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and names[node.name] == 1
    }
    importers: dict[tuple[str, str], list[str]] = defaultdict(list)
    for entry, tree in trees.items():
        for wanted in imported(tree, entry.package):
            if wanted in targets and modules[wanted[0]] is not entry:
                importers[wanted].append(entry.path)
    by_path = {entry.path: tree for entry, tree in trees.items()}
    for module, name in sorted(importers, key=lambda key: (-len(importers[key]), key)):
        for path in importers[module, name]:
            call = first_call(by_path[path], name)
            if call is not None:
                break
        else:
            continue
        break
    else:
        return None
    target = targets[module, name]
    return Edge(
        name=name,
        call_path=path,
        call=(call.lineno - 1, call.col_offset),
        target_path=modules[module].path,
        target=(target.lineno - 1, target.col_offset + len("def ")),
    )


DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def parsed(file: Path) -> ast.Module | None:
    """The tree of a file, if Python accepts it."""
    try:
        return ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return None


def imported(tree: ast.Module, package: str) -> Iterator[tuple[str, str]]:
    """Module and name of what a file imports by name at its top, without renaming it."""
    for node in tree.body:
        if isinstance(node, ast.ImportFrom):
            parts = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            module = ".".join([*parts, *([node.module] if node.module else [])])
            yield from ((module, alias.name) for alias in node.names if alias.asname is None)


def first_call(tree: ast.Module, name: str) -> ast.Name | None:
    """The first place where a file calls a plain name, if it does."""
    calls = (node.func for node in ast.walk(tree) if isinstance(node, ast.Call))
    names = [callee for callee in calls if isinstance(callee, ast.Name) and callee.id == name]
    return min(names, key=lambda callee: (callee.lineno, callee.col_offset), default=None)


if __name__ == "__main__":
    raise SystemExit(main())
