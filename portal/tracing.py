"""Traces by OpenTelemetry, to the collector that OTEL_EXPORTER_OTLP_ENDPOINT names. Nothing is sent unless it is set.

A span tells how long a route, a task and each statement's kind took. It is written anew before it leaves, from a list
of what may: the instrumentation would also tell the address as it was asked for, which may hold a token, and what an
exception said. The gate's straight way is not traced: `/metrics` counts it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.celery import CeleryInstrumentor
from opentelemetry.instrumentation.django import DjangoInstrumentor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import SpanKind, Status
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import AttributeValue

from audit.primitives.traces import Tell, traces
from portal.env import process_name

KEPT = frozenset({
    "http.route", "http.method", "http.request.method", "http.status_code", "http.response.status_code",
    "celery.action", "celery.task_name", "celery.state", "messaging.destination", "messaging.system", "exception.type",
    "whereabouts.step",
})  # fmt: skip
# A name that is not of these shapes may be an address as somebody asked for it.
UNNAMED = "request"


class FilteredExporter(SpanExporter):
    """Hands spans on without what could name somebody."""

    def __init__(self, to: SpanExporter) -> None:
        self._to = to

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return self._to.export([_rewritten(span) for span in spans])

    def shutdown(self) -> None:
        self._to.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._to.force_flush(timeout_millis)


def start_tracing() -> TracerProvider:
    """Trace this process from now on, as the OTEL_ variables say."""
    provider = TracerProvider(
        resource=Resource.create({"service.name": process_name(), "service.namespace": "whereabouts"})
    )
    provider.add_span_processor(BatchSpanProcessor(FilteredExporter(OTLPSpanExporter())))
    instrument(provider)
    return provider


def instrument(provider: TracerProvider) -> None:
    """Have pages, machine addresses and tasks tell this provider how long they take."""
    DjangoInstrumentor().instrument(tracer_provider=provider, is_sql_commentor_enabled=False)
    of_tasks: Callable[[], Any] = CeleryInstrumentor
    of_tasks().instrument(tracer_provider=provider)
    traces.current, traces.step = _current, _steps_of(provider)


def _current() -> str:
    carrier: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(carrier)
    return carrier.get("traceparent", "")


def _steps_of(provider: TracerProvider) -> Callable[[str, str], AbstractContextManager[Tell]]:
    tracer = provider.get_tracer(__name__)

    @contextmanager
    def step(trace: str, name: str) -> Iterator[Tell]:
        """A span in the trace that an order came of. What came of none, or of before traces were on, has none."""
        if not trace:
            yield lambda _status: None
            return
        of = TraceContextTextMapPropagator().extract({"traceparent": trace})
        with tracer.start_as_current_span(name, of, SpanKind.CLIENT, {"whereabouts.step": name}) as span:
            yield lambda status: span.set_attribute("http.response.status_code", status or 0)

    return step


def _rewritten(span: ReadableSpan) -> ReadableSpan:
    kept = _filter_attributes(span.attributes)
    return ReadableSpan(
        name=_name(kept),
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes=kept,
        events=[Event(event.name, _filter_attributes(event.attributes), event.timestamp) for event in span.events],
        kind=span.kind,
        status=Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def _filter_attributes(attributes: Mapping[str, AttributeValue] | None) -> dict[str, AttributeValue]:
    return {name: value for name, value in (attributes or {}).items() if name in KEPT}


def _name(kept: Mapping[str, AttributeValue]) -> str:
    if "whereabouts.step" in kept:
        return str(kept["whereabouts.step"])
    if "celery.task_name" in kept:
        return f"{kept.get('celery.action', 'run')!s} {kept['celery.task_name']!s}"
    method = kept.get("http.request.method", kept.get("http.method", ""))
    return f"{method!s} {kept['http.route']!s}" if "http.route" in kept else UNNAMED
