"""Calibration without peers: which edges count as right, and the page."""

from __future__ import annotations

from pathlib import Path

from bench import calibration
from bench.calibration import Edge
from bench.questions import Corpus


def test_edges_at_places_with_a_truth_are_right_if_it_holds_their_target(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("def f(): ...\ndef g(): ...\nf()\ng()\nf()\n")
    Corpus(tmp_path)
    uses = [calibration.Token("a.py", line, 0, "f", "name") for line in (2, 3, 4)]
    truth = [{("a.py", 0)}, {("a.py", 0)}, set()]
    found = calibration._edges(tmp_path, uses, truth, {})
    assert [edge.is_right for edge in found] == [True, False]
    assert {edge.rule for edge in found} == {"reference_name"}


def test_the_page_compares_what_is_declared_with_what_is_seen() -> None:
    edges = [Edge("reference_name", 0.98, True)] * 3 + [Edge("reference_name", 0.98, False), Edge("other", 0.6, True)]
    page = calibration.page(edges, ["shop"], [1])
    assert "| [reference_name](rules.md#reference_name) | 0.98 | 4 | 0.750 |" in page
    assert "| [other](rules.md#other) | 0.60 | 1 | 1.000 |" in page
    assert "| 0.97 | 1.00 | 4 | 0.980 | 0.750 |" in page
