"""This project keeps the contracts that it declares, by its own judgement: import-linter is the other judge."""

from __future__ import annotations

from pathlib import Path

from codeanatomy_engine import CancelToken

from codeanatomy_incremental.live import Graph

from codeanatomy import config
from codeanatomy.ide import layers

ROOT = Path(__file__).parents[2]
QUIET = {
    "workspace.standard_library": "false",
    "workspace.packages": "false",
    "workspace.exclude": '["tests", "bench", "tools", "editors"]',
}


def test_no_module_imports_what_it_must_not() -> None:
    settings = config.load(ROOT, QUIET)
    declared = config.contracts_of(ROOT, settings.options.layers)
    graph = Graph(ROOT, settings.options, settings.program)
    graph.index(lambda _progress: None, CancelToken())
    snapshot = graph.engine.snapshot()
    assert [each.violation.message for each in layers.findings(snapshot, declared)] == []
    turned = [each for each in declared if each.type == "layers"][:1]
    upside_down = [type(each)(type="layers", order=each.order[::-1], roots=each.roots) for each in turned]
    assert layers.findings(snapshot, upside_down), "nothing is found where much is wrong"
