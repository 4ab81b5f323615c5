"""Spans and metrics by the standard SDK where the options ask for them, and nothing of it anywhere else."""

from __future__ import annotations

import subprocess
import sys

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from codeanatomy_incremental import telemetry
from codeanatomy_incremental.options import OtelOptions


def test_a_commit_is_a_span_with_its_views_inside_and_a_request_is_another() -> None:
    spans, metrics = InMemorySpanExporter(), InMemoryMetricReader()
    tracers, meters = TracerProvider(), MeterProvider(metric_readers=[metrics])
    tracers.add_span_processor(SimpleSpanProcessor(spans))
    told = telemetry.Telemetry(tracers.get_tracer("test"), meters.get_meter("test"), (tracers, meters))
    told.commit("keyed", 1, (5000, 1000, 3000), [("calls", 2000, 3, 4), ("refers_to", 500, 1, 0)])
    told.request("textDocument/hover", 700, 100, "ok")
    by_name = {span.name: span for span in spans.get_finished_spans()}
    assert by_name.keys() == {"commit", "extract", "relate", "view calls", "view refers_to", "textDocument/hover"}
    commit, relate, view = by_name["commit"], by_name["relate"], by_name["view calls"]
    assert view.parent is not None
    assert relate.parent is not None
    assert relate.context is not None
    assert commit.context is not None
    assert (view.parent.span_id, relate.parent.span_id) == (relate.context.span_id, commit.context.span_id)
    assert view.attributes == {"codeanatomy.view": "calls", "codeanatomy.keys": 3, "codeanatomy.rows": 4}
    assert view.end_time is not None
    assert view.start_time is not None
    assert view.end_time - view.start_time == 2_000_000
    data = metrics.get_metrics_data()
    assert data is not None
    names = {metric.name for of in data.resource_metrics for scope in of.scope_metrics for metric in scope.metrics}
    assert names == {
        "codeanatomy.commit.duration",
        "codeanatomy.view.duration",
        "codeanatomy.request.duration",
        "codeanatomy.request.queue",
        "codeanatomy.rows.changed",
    }
    told.stop()


def test_without_an_endpoint_nothing_is_imported() -> None:
    program = (
        "import sys; from codeanatomy_incremental import telemetry; from codeanatomy_incremental.options import OtelOptions; "
        "import codeanatomy.lsp.server; assert telemetry.begun(OtelOptions()) is None; "
        "print(sum(name.startswith('opentelemetry') for name in sys.modules))"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "0"


def test_spans_can_be_written_to_standard_error(capfd: pytest.CaptureFixture[str]) -> None:
    told = telemetry.begun(OtelOptions(endpoint="console", service="mine"))
    assert told is not None
    told.request("textDocument/hover", 700, 100, "ok")
    told.stop()
    written = capfd.readouterr().err
    assert '"name": "textDocument/hover"' in written
    assert "codeanatomy.request.duration" in written
    assert '"service.name": "mine"' in written


def test_where_the_exporter_is_not_installed_it_is_said_and_nothing_else_happens(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(_endpoint: str) -> tuple[object, object]:
        raise ImportError(name="opentelemetry.exporter")

    monkeypatch.setattr(telemetry, "_exporters", missing)
    assert telemetry.begun(OtelOptions(endpoint="http://localhost:4318")) is None
    assert "pip install codeanatomy[otel]" in caplog.text
