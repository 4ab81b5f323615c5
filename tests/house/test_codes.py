"""One registry has every code that can be given out, and every code has a case in some test."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from codeanatomy_incremental import contracts
from codeanatomy_incremental.codes import CODES, EXIT_CODES
from codeanatomy_incremental.history import failure

from codeanatomy.cli.exits import Exit
from codeanatomy.ide import unused

ROOT = Path(__file__).parents[2]
STAGES = ("read", "parse", "extract", "decode", "compile", "plan", "run", "answer", "persist")
_GIVEN = re.compile(
    r'(?:LiveError|PackError|DaemonError|CallError|PackageError|HistoryError|ScipError|Refusal|_fail|_refusal)\(\s*(?:Exit\.[A-Z_]+,\s*)?"([a-z]+(?:-[a-z]+)*)"'
    r'|"code": "([a-z]+(?:-[a-z]+)*)"'
)


def engine_codes() -> set[str]:
    return set(
        re.findall(r'^    \w+ = "([a-z-]+)", "', (ROOT / "rust/crates/anatomy_facts/src/codes.rs").read_text(), re.M)
    )


def given() -> dict[str, str]:
    """Codes that the Python packages give out, each with a file that does."""
    found: dict[str, str] = {}
    for folder in ("server/src", "incremental/src"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for match in _GIVEN.finditer(path.read_text("utf-8")):
                found[match[1] or match[2]] = path.name
    return found


def test_every_code_that_is_given_out_is_in_the_registry() -> None:
    known = CODES.keys() | engine_codes() | unused.CODES.keys() | contracts.CODES.keys() | failure.CODES.keys()
    assert {code: file for code, file in given().items() if code not in known} == {}


def test_the_registry_has_no_code_that_nobody_gives_out() -> None:
    texts = "".join(
        path.read_text("utf-8") for part in ("server", "incremental") for path in (ROOT / part).rglob("*.py")
    )
    registry = (ROOT / "incremental/src/codeanatomy_incremental/codes.py").read_text("utf-8")
    assert [code for code in CODES if texts.count(f'"{code}"') == registry.count(f'"{code}"')] == []


def test_no_code_is_in_both_registries() -> None:
    assert CODES.keys() & engine_codes() == set()


@pytest.mark.parametrize("code", CODES)
def test_a_code_has_a_stage_a_sentence_and_a_case(code: str) -> None:
    assert CODES[code].stage in STAGES
    assert CODES[code].doc.endswith(".")
    tests = (path for path in (ROOT / "tests").rglob("*.py") if path.name != Path(__file__).name)
    assert any(re.search(rf"(?<![\w-]){code}(?![\w-])", path.read_text("utf-8")) for path in tests), "write a case"


def test_exit_codes_are_those_of_the_command_line() -> None:
    assert EXIT_CODES.keys() == {exit.value for exit in Exit}
