"""Spans and metrics for OpenTelemetry, by its standard SDK: of commits, of the views that ran for them, and of requests.

The only import of `opentelemetry`, and only where the options name an endpoint: whoever sends nothing pays nothing. What is measured is
measured elsewhere; here it gets its names.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from typing import Any

from codeanatomy_incremental.options import OtelOptions

logger = logging.getLogger(__name__)

_EVERY_MS = 10_000
"""Between two reports of metrics."""


class Telemetry:
    """Where spans and metrics of one workspace go."""

    def __init__(self, tracer: Any, meter: Any, providers: tuple[Any, ...]) -> None:
        """With what the SDK, or a test, made."""
        self._tracer = tracer
        self._providers = providers
        self._commits = meter.create_histogram("codeanatomy.commit.duration", unit="ms")
        self._views = meter.create_histogram("codeanatomy.view.duration", unit="ms")
        self._requests = meter.create_histogram("codeanatomy.request.duration", unit="ms")
        self._queue = meter.create_histogram("codeanatomy.request.queue", unit="ms")
        self._rows = meter.create_counter("codeanatomy.rows.changed")

    def commit(
        self, mode: str, files: int, micros: tuple[int, int, int], views: Iterable[tuple[str, int, int, int]]
    ) -> None:
        """A commit that ended now: microseconds in all, of extraction and of views; and each view with its microseconds, keys and changed rows."""
        total, extract, of_views = micros
        end = time.time_ns()
        start = end - total * 1000
        span = self._tracer.start_span(
            "commit", start_time=start, attributes={"codeanatomy.mode": mode, "codeanatomy.files": files}
        )
        context = _within(span)
        at = start + extract * 1000
        self._tracer.start_span("extract", context=context, start_time=start).end(at)
        relate = self._tracer.start_span("relate", context=context, start_time=at)
        inner, began = _within(relate), at
        for view, cost, keys, changed in views:
            attributes = {"codeanatomy.view": view, "codeanatomy.keys": keys, "codeanatomy.rows": changed}
            child = self._tracer.start_span(f"view {view}", context=inner, start_time=at, attributes=attributes)
            at += cost * 1000
            child.end(at)
            self._views.record(cost / 1000, {"view": view})
            if changed:
                self._rows.add(changed, {"view": view})
        relate.end(max(at, began + of_views * 1000))
        span.end(end)
        self._commits.record(total / 1000, {"mode": mode})

    def request(self, method: str, latency_micros: int, queue_micros: int, status: str) -> None:
        """A request that is answered now."""
        end = time.time_ns()
        attributes = {"rpc.method": method, "codeanatomy.status": status, "codeanatomy.queue_ms": queue_micros / 1000}
        self._tracer.start_span(method, start_time=end - latency_micros * 1000, attributes=attributes).end(end)
        self._requests.record(latency_micros / 1000, {"method": method, "status": status})
        self._queue.record(queue_micros / 1000, {"method": method})

    def stop(self) -> None:
        """Send what is left."""
        for provider in self._providers:
            provider.shutdown()


def begun(options: OtelOptions) -> Telemetry | None:
    """What the options ask for; None if they ask for nothing, or if the SDK is not there, which is logged."""
    if not options.endpoint:
        return None
    try:
        from opentelemetry.sdk.metrics import MeterProvider
        from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        spans, metrics = _exporters(options.endpoint)
    except ImportError as error:
        logger.warning("[otel] endpoint is set and %s is not installed: pip install codeanatomy[otel]", error.name)
        return None
    resource = Resource.create({"service.name": options.service})
    tracers = TracerProvider(resource=resource)
    tracers.add_span_processor(BatchSpanProcessor(spans))
    reader = PeriodicExportingMetricReader(metrics, export_interval_millis=_EVERY_MS)
    meters = MeterProvider(resource=resource, metric_readers=[reader])
    return Telemetry(tracers.get_tracer("codeanatomy"), meters.get_meter("codeanatomy"), (tracers, meters))


def _exporters(endpoint: str) -> tuple[Any, Any]:
    """What sends spans and metrics to an endpoint."""
    if endpoint == "console":
        import sys

        from opentelemetry.sdk.metrics.export import ConsoleMetricExporter
        from opentelemetry.sdk.trace.export import ConsoleSpanExporter

        return ConsoleSpanExporter(out=sys.stderr), ConsoleMetricExporter(out=sys.stderr)
    # The SDK is among our tools, so that types and tests have it; what speaks HTTP is not.
    from opentelemetry.exporter.otlp.proto.http import (  # pyright: ignore[reportMissingImports]
        metric_exporter,  # pyright: ignore[reportUnknownVariableType]
        trace_exporter,  # pyright: ignore[reportUnknownVariableType]
    )

    base = endpoint.rstrip("/")
    spans: Any = trace_exporter
    metrics: Any = metric_exporter
    return spans.OTLPSpanExporter(endpoint=f"{base}/v1/traces"), metrics.OTLPMetricExporter(
        endpoint=f"{base}/v1/metrics"
    )


def _within(span: Any) -> Any:
    from opentelemetry.trace import set_span_in_context

    return set_span_in_context(span)
