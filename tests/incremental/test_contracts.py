"""Contracts about imports, on graphs that are written as `a > b c`."""

from __future__ import annotations

from pathlib import Path

import pytest

from codeanatomy_incremental import importlinter
from codeanatomy_incremental.contracts import Contract, Import, violations

ROOT = Path(__file__).parents[2]


def broken(graph: str, contract: Contract) -> list[str]:
    imports: list[Import] = []
    modules: set[str] = set()
    for line in graph.split(";"):
        importer, _, imported = line.strip().partition(" > ")
        modules.add(importer)
        imports += [Import(importer, each.strip("?"), each.endswith("?")) for each in imported.split()]
    return [" ".join(each.chain) or each.importer for each in violations([contract], imports, modules)]


ABC = ("a", "b", "c")


@pytest.mark.parametrize(
    ("graph", "contract", "found"),
    [
        ("a > b; b > c; c", Contract("layers", order=ABC), []),
        ("a; b; c > a", Contract("layers", order=ABC), ["c a"]),
        ("a; b; c > x; x > a", Contract("layers", order=ABC), ["c x a"]),
        ("a; b > a; c > b", Contract("layers", order=ABC), ["b a", "c b"]),
        ("a.one; b.two > a.one", Contract("layers", order=ABC), ["b.two a.one"]),
        ("a > b; b; c", Contract("layers", order=("a | b", "c")), ["a b"]),
        ("a > b; b; c", Contract("layers", order=("a : b", "(missing)", "c")), []),
        ("p.a; p.b > p.a; p.c", Contract("layers", order=("a", "b"), containers=("p",)), ["p.b p.a"]),
        ("p.a; p.c", Contract("layers", order=("a",), containers=("p",), exhaustive=True), ["p.c"]),
        (
            "p.a; p.c",
            Contract("layers", order=("a",), containers=("p",), exhaustive=True, exhaustive_ignores=("c",)),
            [],
        ),
        ("a; b > a", Contract("layers", order=ABC, ignore=("b -> a",)), []),
        ("a; b.x > a", Contract("layers", order=ABC, ignore=("b.* -> a",)), []),
        ("a; b.x.y > a", Contract("layers", order=ABC, ignore=("b.* -> a",)), ["b.x.y a"]),
        ("a; b.x.y > a", Contract("layers", order=ABC, ignore=("b.** -> a",)), []),
        ("a; b > a?", Contract("layers", order=ABC), ["b a"]),
        ("a; b > a?", Contract("layers", order=ABC, type_checking=False), []),
        ("a; b > x; x > a", Contract("layers", order=ABC, roots=("a", "b")), []),
        ("a > x; x > b; b", Contract("independence", modules=("a", "b")), ["a x b"]),
        (
            "a > x; x > requests.api",
            Contract("forbidden", modules=("a",), forbidden=("requests",)),
            ["a x requests.api"],
        ),
        ("a > x; x > requests", Contract("forbidden", modules=("a",), forbidden=("requests",), direct_only=True), []),
        ("a > b.c; b.c", Contract("forbidden", modules=("a",), forbidden=("b",), exact=True), []),
        ("a > s.in; b > s.in; s.in; s.x > s.in", Contract("protected", modules=("s",), allowed=("b",)), ["a s.in"]),
        ("p.a > p.b; p.b > p.c.d; p.c.d > p.a", Contract("acyclic"), ["p.a p.b p.c p.a"]),
        ("p.a > p.b; p.b", Contract("acyclic"), []),
        ("p.a > p.b json; p.b > time", Contract("pure", modules=("p.a",)), ["p.a p.b time"]),
        ("p.a > p.b; p.b > time", Contract("pure", modules=("p.a",), direct_only=True), []),
        ("p.a > time queue", Contract("pure", modules=("p.a",), allowed=("time",)), ["p.a queue"]),
    ],
)
def test_what_breaks_a_contract_is_shown_with_its_chain(graph: str, contract: Contract, found: list[str]) -> None:
    assert broken(graph, contract) == found


def test_what_is_written_for_import_linter_is_read(tmp_path: Path) -> None:
    (tmp_path / ".importlinter").write_text(
        "[importlinter]\nroot_package = shop\n\n[importlinter:contract:1]\nname = Layers\ntype = layers\n"
        "layers =\n    shop.top\n    shop.low\nignore_imports =\n    shop.low.a -> shop.top\n\n"
        "[importlinter:contract:2]\nname = Own\ntype = our.own.Kind\n"
    )
    assert importlinter.contracts(tmp_path) == (
        Contract(
            "layers", name="Layers", order=("shop.top", "shop.low"), ignore=("shop.low.a -> shop.top",), roots=("shop",)
        ),
    )
    own = importlinter.contracts(ROOT)
    assert {each.type for each in own} == {"layers", "forbidden"}
    assert any(each.exhaustive and each.containers for each in own)
    (tmp_path / ".importlinter").write_text("[broken")
    assert importlinter.contracts(tmp_path) == ()
