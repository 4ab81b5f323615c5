"""Several folders in one editor: a graph for each, one answer from all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.editor import FRONT, SERVER, Editor
from tests.support import environments

KIT = "def weigh(thing):\n    return 1\n\n\ndef use():\n    return weigh(2)\n"
APP = "import kit\nfrom kit import weigh\n\nkit.weigh(weigh(3))\n"
QUIET = "[workspace]\nstandard_library = false\n"


class Roots:
    """An editor with folders that lie beside each other."""

    def __init__(self, editor: Editor, home: Path) -> None:
        self.editor = editor
        self.home = home

    def begin(self, *names: str, **capabilities: Any) -> None:
        folders = [self.folder(name) for name in names]
        self.editor.initialize(capabilities, workspaceFolders=folders, rootUri=None)

    def folder(self, name: str) -> dict[str, str]:
        return {"uri": (self.home / name).as_uri(), "name": name}

    def change(self, added: tuple[str, ...] = (), removed: tuple[str, ...] = ()) -> None:
        event = {"added": [self.folder(each) for each in added], "removed": [self.folder(each) for each in removed]}
        self.editor.notify("workspace/didChangeWorkspaceFolders", {"event": event})

    def ask(self, method: str, path: str, line: int, character: int, **more: Any) -> list[tuple[str, int]]:
        found = self.editor.ask(f"textDocument/{method}", path, line, character, **more)
        return sorted((self.name(each["uri"]), each["range"]["start"]["line"]) for each in found)

    def name(self, uri: str) -> str:
        return uri.removeprefix(self.home.as_uri() + "/")

    def symbols(self, query: str) -> list[str]:
        found = self.editor.request("workspace/symbol", {"query": query})
        return sorted(self.name(each["location"]["uri"]) for each in found)


USES = {"context": {"includeDeclaration": False}}
ALL = {"context": {"includeDeclaration": True}}


@pytest.fixture(params=[SERVER, FRONT], ids=["in-process", "daemon"])
def roots(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Roots]:
    # An environment that is active counts for all folders; here each shall find its own.
    for name in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        monkeypatch.delenv(name, raising=False)
    home = tmp_path / "home"
    base = environments.interpreter(tmp_path / "base")
    environments.write(home, {"lib/kit.py": KIT, "lib/codeanatomy.toml": QUIET, "app/main.py": APP, "other/o.py": KIT})
    environments.write(
        home, {"app/codeanatomy.toml": QUIET, "other/codeanatomy.toml": QUIET, "app/inner/x.py": "def weigh(): ...\n"}
    )
    environments.virtual(home / "app/.venv", base, files={"__editable__kit.pth": f"{home / 'lib'}\n"})
    with Editor(home, request.param) as editor:
        yield Roots(editor, home)


def test_each_question_goes_to_the_folder_that_owns_the_file(roots: Roots) -> None:
    roots.begin("lib", "other", "app")
    roots.editor.open("other/o.py", KIT)
    assert roots.ask("definition", "other/o.py", 5, 12) == [("other/o.py", 0)]
    assert roots.ask("definition", "lib/kit.py", 5, 12) == [("lib/kit.py", 0)]
    assert roots.ask("definition", "app/main.py", 3, 5) == [("lib/kit.py", 0)]
    roots.editor.change("other/o.py", 2, {"text": "\n\ndef weigh(: pass\n"})
    assert [each["range"]["start"]["line"] for each in roots.editor.diagnostics("other/o.py", 2)] == [2]


def test_references_and_symbols_are_those_of_all_roots(roots: Roots) -> None:
    roots.begin("lib", "other", "app")
    uses = [("app/main.py", 1), ("app/main.py", 3), ("app/main.py", 3), ("lib/kit.py", 5)]
    assert roots.ask("references", "lib/kit.py", 0, 5, **USES) == uses
    assert roots.ask("references", "lib/kit.py", 0, 5, **ALL) == sorted([*uses, ("lib/kit.py", 0)])
    # From where it is used, and nothing of a thing of the same name elsewhere.
    assert roots.ask("references", "app/main.py", 3, 5, **USES) == uses
    assert roots.ask("references", "other/o.py", 0, 5, **USES) == [("other/o.py", 5)]
    assert roots.symbols("weigh") == ["app/inner/x.py", "lib/kit.py", "other/o.py"]


def test_a_rename_edits_one_root_and_says_what_it_leaves(roots: Roots) -> None:
    roots.begin("lib", "app")
    edit = roots.editor.ask("textDocument/rename", "lib/kit.py", 0, 5, newName="measure")
    assert [roots.name(uri) for uri in edit["changes"]] == ["lib/kit.py"]
    told = roots.editor.wait_for(lambda message: message["method"] == "window/showMessage")
    assert told["params"]["message"].startswith("3 uses in the folder ")


def test_an_unsaved_line_that_moved_is_not_taken_for_another_thing(roots: Roots) -> None:
    roots.begin("lib", "app")
    roots.editor.open("lib/kit.py", "\n\n" + KIT)
    found = roots.ask("references", "lib/kit.py", 2, 5, **USES)
    assert found == [("lib/kit.py", 7)]


def test_a_folder_inside_a_folder_owns_its_files(roots: Roots) -> None:
    roots.begin("app", "app/inner")
    roots.editor.open("app/inner/x.py", "def weigh(): ...\nweigh()\n")
    assert roots.ask("references", "app/inner/x.py", 0, 5, **USES) == [("app/inner/x.py", 1)]
    assert roots.symbols("weigh") == ["app/inner/x.py"]
    roots.change(removed=("app/inner",))
    assert roots.ask("references", "app/inner/x.py", 0, 5, **USES) == [("app/inner/x.py", 1)]
    roots.editor.change("app/inner/x.py", 2, {"text": "def weigh(): ...\n\nweigh()\n"})
    assert roots.ask("references", "app/inner/x.py", 0, 5, **USES) == [("app/inner/x.py", 2)]


def test_folders_come_and_go_with_what_is_open(roots: Roots) -> None:
    roots.begin("lib")
    roots.editor.open("other/o.py", KIT)
    assert roots.ask("definition", "other/o.py", 5, 12) == []
    roots.change(added=("other", "other"))
    assert roots.ask("definition", "other/o.py", 5, 12) == [("other/o.py", 0)]
    assert roots.symbols("weigh") == ["lib/kit.py", "other/o.py"]
    roots.change(added=("app",), removed=("other",))
    assert roots.ask("definition", "other/o.py", 5, 12) == []
    roots.editor.change("other/o.py", 2, {"text": "x = ("})
    assert [each["code"] for each in roots.editor.diagnostics("other/o.py", 2)] == ["syntax-unclosed"]
    assert len(roots.ask("references", "lib/kit.py", 0, 5, **USES)) == 4
    roots.change(removed=("lib", "app", "nowhere"))
    assert roots.symbols("weigh") == []
    roots.change(added=("other",))
    roots.editor.close("other/o.py")
    assert roots.ask("definition", "other/o.py", 5, 12) == [("other/o.py", 0)]
    assert roots.editor.shut_down() == 0


def test_progress_and_settings_are_those_of_each_folder(roots: Roots) -> None:
    window = {"workDoneProgress": True}
    roots.begin("lib", "other", window=window, workspace={"configuration": True})
    asked = roots.editor.wait_for(lambda message: message["method"] == "workspace/configuration")
    assert [roots.name(each["scopeUri"]) for each in asked["params"]["items"]] == ["lib", "lib", "other", "other"]
    assert roots.symbols("weigh") == ["lib/kit.py", "other/o.py"]
    for name in ("lib", "other"):
        roots.editor.wait_for(
            lambda message, name=name: (
                message["method"] == "$/progress"
                and message["params"]["value"].get("title") == f"CodeAnatomy: indexing {name}"
            )
        )
