"""Traces as they come to a collector: a web process and a worker of their own, and a receiver of OTLP over http."""

import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Span
from pytest_django import Settings

from portal.tracing import KEPT
from revocations.models import Order
from tests import forks
from tests.faults.failover.people import Crowd, sign_in
from tests.faults.fixtures import a_world
from tests.faults.invariants import Asker
from tests.faults.programs import Programs, free_port, until
from tests.running.conftest import web as web_process

TOKEN = "Zk3v9QxT0aBcD4eFgH5iJkL6"
WITHIN_S = 60


class Collector(ThreadingHTTPServer):
    """Keeps what it is sent."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Taking)
        self.raw: list[bytes] = []
        self.paths: set[str] = set()

    @property
    def resources(self) -> list[ResourceSpans]:
        return [one for raw in self.raw for one in ExportTraceServiceRequest.FromString(raw).resource_spans]

    @property
    def spans(self) -> list[Span]:
        return [span for one in self.resources for scope in one.scope_spans for span in scope.spans]

    @property
    def names(self) -> set[str]:
        return {span.name for span in self.spans}

    def trace_of(self, name: str) -> list[Span]:
        """The first span of this name, and all others of its trace."""
        first = next((span for span in self.spans if span.name == name), None)
        return [span for span in self.spans if first is not None and span.trace_id == first.trace_id]


class _Taking(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.paths.add(f"{self.path} {self.headers['X-Tenant']}")
        self.server.raw.append(body)
        self.send_response(200)
        self.send_header("Content-Type", "application/x-protobuf")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing."""


@contextmanager
def collecting() -> Iterator[Collector]:
    with Collector() as collector:
        thread = threading.Thread(target=collector.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield collector
        finally:
            collector.shutdown()
            thread.join()


def asked(port: int, path: str) -> int:
    """With what status it answers."""
    with closing(HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        connection.request("GET", path)
        return connection.getresponse().status


@pytest.mark.usefixtures("committed_db")
def test_a_collector_is_told_of_pages_and_tasks_and_of_nobody(tmp_path: Path) -> None:
    with collecting() as collector:
        told = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.server_port}",
            "OTEL_EXPORTER_OTLP_HEADERS": "x-tenant=carrier",
            "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment=tests",
            "OTEL_BSP_SCHEDULE_DELAY": "200",
            # The demo's pages would want their static files collected.
            "WHEREABOUTS_DEMO": "0",
        }
        programs = Programs(tmp_path, web_port=free_port(), broker_port=free_port(), more=told)
        try:
            programs.broker().wait()
            web = web_process(tmp_path, "web", programs.web_port, "portal.asgi:application", programs.environment)
            programs.all.append(web)
            web.start()
            celery = ("-m", "celery", "--app", "portal", "worker", "--beat", "--concurrency", "1")
            programs.add("worker", sys.executable, *celery, forked=forks.everybodys())
            web.wait()
            paths = (f"/stop/progress/{TOKEN}/?code={TOKEN}", f"/healthz?code={TOKEN}")
            assert [asked(web.port, path) for path in paths] == [404, 200]
            wanted = {"GET stop/progress/<str:token>/", "GET healthz", "run revocations.tasks.sweep"}
            until(lambda: wanted <= collector.names, WITHIN_S, lambda: str(collector.names))
        finally:
            programs.end()
    assert collector.paths == {"/v1/traces carrier"}
    named = set[str]()
    for one in collector.resources:
        about = {of.key: of.value.string_value for of in one.resource.attributes}
        assert (about["service.namespace"], about["deployment.environment"]) == ("whereabouts", "tests")
        named.add(about["service.name"])
        spans = [span for scope in one.scope_spans for span in scope.spans]
        assert {of.key for span in spans for of in span.attributes} <= KEPT
    assert TOKEN.encode() not in b"".join(collector.raw)
    assert named == {"whereabouts-web", "whereabouts-worker"}


def test_one_trace_leads_from_the_click_to_each_partners_answer(committed_db: None, settings: Settings) -> None:
    with collecting() as collector:
        told = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.server_port}",
            "OTEL_BSP_SCHEDULE_DELAY": "200",
        }
        with a_world(settings, more=told) as world:
            world.programs.worker()
            line = world.a_line()
            Crowd(world.programs.web_port, sign_in([line]), 1.0, Asker(world, [line])).run()
            wanted = [
                "POST choices/stop/", "apply_async revocations.tasks.deliver", "push", "push",
                "run revocations.tasks.deliver",
            ]  # fmt: skip
            until(
                lambda: sorted(span.name for span in collector.trace_of("POST choices/stop/")) == wanted, WITHIN_S,
                lambda: str([(span.name, span.trace_id) for span in collector.spans]),
            )  # fmt: skip
    (click,) = [span for span in collector.spans if span.name == "POST choices/stop/"]
    for push in (span for span in collector.spans if span.name == "push"):
        assert push.parent_span_id == click.span_id
        assert {of.key: of.value.int_value or of.value.string_value for of in push.attributes} == {
            "whereabouts.step": "push", "http.response.status_code": 202,
        }  # fmt: skip
    orders = Order.objects.filter(line_id=line.pk)
    assert {order.trace for order in orders} == {f"00-{click.trace_id.hex()}-{click.span_id.hex()}-03"}
