"""The reference pages are what their sources say."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import msgspec
import pytest

from codeanatomy_engine import Engine

from tests.support.memory import program

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def reference() -> ModuleType:
    spec = importlib.util.spec_from_file_location("reference", ROOT / "tools/reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("page", ["rules.md", "tables.md", "codes.md"])
def test_a_page_is_what_its_source_says(reference: ModuleType, page: str) -> None:
    assert (ROOT / "docs/reference" / page).read_text("utf-8") == reference.pages()[page], (
        "run: python tools/reference.py"
    )


def test_the_tables_are_those_of_the_engine(reference: ModuleType) -> None:
    evidence = msgspec.json.decode(Engine(program()).snapshot().plan(None))["evidence"]
    read = [
        (each.name, each.doc, [(column.name, column.doc) for column in each.columns]) for each in reference.tables()
    ]
    told = [
        (each["name"], each["doc"], list(zip(each["columns"], each["column_docs"], strict=True))) for each in evidence
    ]
    assert read == told


def test_every_code_of_the_source_is_on_the_page(reference: ModuleType) -> None:
    variants = re.findall(
        r'= "([a-z]+-[a-z-]+|cancelled)", "', (ROOT / "rust/crates/anatomy_facts/src/codes.rs").read_text()
    )
    assert [code for code, _ in reference.codes()] == variants
    assert len(variants) > 20
