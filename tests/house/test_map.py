"""The map is true: what the pages name exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("editors/*/*.md")])
ROOMS = ("rust", "incremental", "server", "editors", "tests", "bench", "tools", "docs")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text("utf-8"))
    gone = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert not gone


def test_every_path_in_the_architecture_page_exists() -> None:
    page = (ROOT / "docs/architecture.md").read_text("utf-8")
    named = {path for path in re.findall(r"`([\w./-]+)`", page) if path.split("/")[0] in ROOMS and "/" in path}
    room = ""
    for line in page.split("## Code map")[1].split("```")[1].strip().splitlines():
        path, _, _ = line.strip().partition("  ")
        if line.startswith(" "):
            named.add(room + path)
        else:
            room = path
            named.add(path)
    assert len(named) > 15, "the page names less than it did: does this test still read it?"
    assert not [path for path in sorted(named) if not (ROOT / path).exists()]


def test_every_room_of_the_source_is_on_the_map() -> None:
    page = (ROOT / "docs/architecture.md").read_text("utf-8")
    crates = [path.parent.name for path in ROOT.glob("rust/crates/*/Cargo.toml")]
    assert [name for name in (*crates, *ROOMS) if name not in page] == []
