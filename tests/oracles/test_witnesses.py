"""At rest a file is flagged exactly when CPython refuses it, and CPython's symbol table says of names what we say: the small forms of
`python -m bench syntax` and `python -m bench witnesses`."""

from __future__ import annotations

import sysconfig
from pathlib import Path

from bench import syntax, witnesses

LIBRARY = Path(sysconfig.get_path("stdlib"))


def test_at_rest_files_are_flagged_exactly_when_cpython_refuses_them() -> None:
    found = syntax.measured(LIBRARY, mutants=120, seed=20, limit=40)
    for name, figures in found.items():
        print(f"{name}: precision {figures.precision:.4f}, recall {figures.recall:.4f}")
        if "at rest" in name:
            assert (figures.false, figures.missed, figures.elsewhere) == ((), (), ())
    assert found["mutated, at rest"].refused > 60
    assert found["mutated, instant"].precision > 0.99


def test_bad_files_of_the_standard_library_are_flagged_at_rest() -> None:
    found = syntax.measured(LIBRARY / "lib2to3", mutants=0, seed=1)
    at_rest = found["as they are, at rest"]
    assert (at_rest.false, at_rest.missed, at_rest.elsewhere) == ((), (), ())


def test_every_disagreement_with_the_symbol_table_is_explained() -> None:
    counts, _, unexplained = witnesses.measured(LIBRARY / "asyncio")
    assert unexplained == []
    assert counts["names that both know"] > 9_000
    assert counts["of these, found here"] == counts["scopes of symtable"]
