"""Each third-party library that shapes a room is met in one place, which could be rewritten in a day."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

HOSTS = {
    "deltalake": "incremental/src/codeanatomy_incremental/history/delta.py",
    "opentelemetry": "incremental/src/codeanatomy_incremental/telemetry.py",
    "watchfiles": "incremental/src/codeanatomy_incremental/watch.py",
}


@pytest.mark.parametrize(("guest", "host"), HOSTS.items())
def test_one_module_imports_it(guest: str, host: str) -> None:
    imports = re.compile(rf"^\s*(?:from|import) {guest}\b", re.MULTILINE)
    sources = [*ROOT.glob("server/src/**/*.py"), *ROOT.glob("incremental/src/**/*.py")]
    found = [path.relative_to(ROOT).as_posix() for path in sources if imports.search(path.read_text("utf-8"))]
    assert found == [host]


@pytest.mark.parametrize(("guest", "host"), [("pyo3", "anatomy_python"), ("tree-sitter", "anatomy_syntax")])
def test_one_crate_depends_on_it(guest: str, host: str) -> None:
    manifests = {
        path.parent.name: tomllib.loads(path.read_text("utf-8")) for path in ROOT.glob("rust/crates/*/Cargo.toml")
    }
    assert [name for name, manifest in manifests.items() if guest in manifest["dependencies"]] == [host]


def test_one_file_of_the_extension_knows_vs_code() -> None:
    sources = ROOT.glob("editors/vscode/src/*.ts")
    assert [path.name for path in sources if re.search(r'from "vscode"', path.read_text("utf-8"))] == ["vscodeapi.ts"]


def test_all_parts_have_one_version() -> None:
    projects = [
        tomllib.loads((ROOT / room / "pyproject.toml").read_text("utf-8")) for room in ("server", "incremental", "rust")
    ]
    versions = {project["project"]["version"] for project in projects}
    versions.add(tomllib.loads((ROOT / "Cargo.toml").read_text("utf-8"))["workspace"]["package"]["version"])
    versions.add(json.loads((ROOT / "editors/vscode/package.json").read_text("utf-8"))["version"])
    [version] = versions
    own = [each for project in projects for each in project["project"].get("dependencies", []) if "codeanatomy" in each]
    assert own == [f"codeanatomy-incremental=={version}", f"codeanatomy-engine=={version}"]


LOCKS = ["requirements/dev.txt", "requirements/uv.txt", "editors/vscode/package-lock.json"]
LOCKS += sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob("requirements/accuracy/*.txt"))


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_pins_contents_and_not_a_host(lock: str) -> None:
    text = (ROOT / lock).read_text("utf-8")
    assert not re.search(r"index-url|find-links|\"resolved\":|@ https?:", text)
    assert re.search(r"sha256:|sha512-", text)
