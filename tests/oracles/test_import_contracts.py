"""What imports what, and which contracts are broken, beside grimp and import-linter over real packages."""

from __future__ import annotations

import importlib.util
import itertools
import random
import shutil
from pathlib import Path
from typing import NamedTuple

import grimp
import pytest

from codeanatomy_incremental.contracts import Contract, Import, violations

from tests.support import graphs

PACKAGES = ("importlinter", "jedi", "pytest_lsp", "watchfiles")


class Known(NamedTuple):
    """A package as each of the two sees it."""

    theirs: grimp.ImportGraph
    imports: set[tuple[str, str]]
    modules: set[str]


@pytest.fixture(scope="module", params=PACKAGES)
def known(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Known:
    name = request.param
    spec = importlib.util.find_spec(name)
    assert spec is not None
    assert spec.submodule_search_locations
    root = tmp_path_factory.mktemp(name)
    # Stubs of others that lie inside a package are not its modules.
    ignored = shutil.ignore_patterns("__pycache__", "third_party", "*.pyi")
    shutil.copytree(spec.submodule_search_locations[0], root / name, ignore=ignored)
    snapshot = graphs.indexed(root).engine.snapshot()
    rows = graphs.rows(snapshot, "SELECT importer, imported FROM module_import")
    modules = {row["module"] for row in graphs.rows(snapshot, "SELECT module FROM files")}
    return Known(_grimp(root, name), {(row["importer"], row["imported"]) for row in rows}, modules)


def _grimp(root: Path, name: str) -> grimp.ImportGraph:
    import sys

    before = list(sys.path), {each: sys.modules[each] for each in list(sys.modules) if each.split(".")[0] == name}
    for each in before[1]:
        del sys.modules[each]
    sys.path.insert(0, str(root))
    importlib.invalidate_caches()
    try:
        return grimp.build_graph(name, cache_dir=None)
    finally:
        sys.path[:] = before[0]
        for each in [each for each in sys.modules if each.split(".")[0] == name]:
            del sys.modules[each]
        sys.modules.update(before[1])


def test_the_graph_of_imports_is_that_of_grimp(known: Known) -> None:
    theirs = {
        (importer, imported)
        for importer in known.theirs.modules
        for imported in known.theirs.find_modules_directly_imported_by(importer)
    }
    ours = {(one, other) for one, other in known.imports if other in known.modules and one != other}
    assert known.modules == known.theirs.modules
    assert sorted(ours ^ theirs) == []
    assert ours


def test_layers_are_broken_where_import_linter_says_so(known: Known) -> None:
    imports = [Import(*edge) for edge in known.imports]
    choice = random.Random(7)
    children = sorted({".".join(each.split(".")[:2]) for each in known.modules if "." in each})
    broken = 0
    for _ in range(20):
        order = choice.sample(children, min(len(children), choice.randint(2, 5)))
        theirs = {
            (each.importer, each.imported) for each in known.theirs.find_illegal_dependencies_for_layers(layers=order)
        }
        found = violations([Contract(type="layers", order=tuple(order))], imports, known.modules)
        assert {(each.source, each.target) for each in found} == theirs, order
        broken += len(theirs)
        siblings = set(order[:3])
        theirs = {
            (each.importer, each.imported)
            for each in known.theirs.find_illegal_dependencies_for_layers(
                layers=[grimp.Layer(*siblings, independent=True)]
            )
        }
        found = violations([Contract(type="independence", modules=tuple(siblings))], imports, known.modules)
        assert {(each.source, each.target) for each in found} == theirs, siblings
    assert broken or len(children) < 6


def test_forbidden_imports_are_those_with_a_chain(known: Known) -> None:
    imports = [Import(*edge) for edge in known.imports]
    names = random.Random(7).sample(sorted(known.modules), min(8, len(known.modules)))
    for one, other in itertools.permutations(names, 2):
        if one.startswith(other + ".") or other.startswith(one + "."):
            continue
        theirs = known.theirs.find_shortest_chains(importer=one, imported=other, as_packages=True)
        found = violations([Contract(type="forbidden", modules=(one,), forbidden=(other,))], imports, known.modules)
        assert bool(found) == bool(theirs), (one, other)
        if theirs:
            assert min(len(each.chain) for each in found) == min(map(len, theirs))


def test_circles_are_found_where_grimp_would_break_one(known: Known) -> None:
    imports = [Import(*edge) for edge in known.imports]
    packages = sorted({each.rpartition(".")[0] for each in known.modules} - {""})
    theirs = {each for each in packages if known.theirs.nominate_cycle_breakers(each)}
    found = violations([Contract(type="acyclic")], imports, known.modules)
    assert {each.source.rpartition(".")[0] for each in found} == theirs
