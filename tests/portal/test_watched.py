"""What leaves to be watched elsewhere, errors and times, names nobody: whatever an error said, held and was asked."""

import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sentry_sdk
from django.http import HttpRequest, HttpResponse
from django.test import Client, override_settings
from django.urls import path
from opentelemetry.instrumentation.celery import CeleryInstrumentor
from opentelemetry.instrumentation.django import DjangoInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from sentry_sdk.envelope import Envelope
from sentry_sdk.transport import Transport

from portal import errors, tracing, urls

NUMBER, CODE, NAME, TOKEN = "+12065550142", "K493817Q", "Dana Whitfield", "Zk3v9QxT0aBcD4eFgH5iJkL6"
PERSONAL = (NUMBER, NUMBER[1:], CODE, "Dana", "Whitfield", TOKEN, "hunter2", "203.0.113.9", "dana@")


class Broken(Exception):
    """What a library might raise, with all that it was given."""


def failing(request: HttpRequest, token: str) -> HttpResponse:
    number, held = request.POST["number"], {"name": NAME, "token": token}
    try:
        int(f"no {held} for {number}")
    except ValueError as error:
        raise Broken(f"{NAME} {number} typed {request.POST['code']}") from error
    return HttpResponse()


urlpatterns = [path("progress/<str:token>/", failing), *urls.urlpatterns]


class Kept(Transport):
    """Carries reports no further than here."""

    sent: list[bytes] = []

    def capture_envelope(self, envelope: Envelope) -> None:
        self.sent.append(envelope.serialize())


@pytest.fixture
def reported() -> Iterator[list[bytes]]:
    Kept.sent = []
    errors.report(dsn="https://public@errors.carrier.example/1", transport=Kept)
    yield Kept.sent
    sentry_sdk.get_client().close()
    sentry_sdk.get_global_scope().set_client(None)


@pytest.fixture
def traced() -> Iterator[InMemorySpanExporter]:
    kept, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(tracing.FilteredExporter(kept)))
    tracing.instrument(provider)
    yield kept
    of_tasks: Callable[[], Any] = CeleryInstrumentor
    of_tasks().uninstrument()
    DjangoInstrumentor().uninstrument()
    provider.shutdown()


def fail() -> None:
    with override_settings(ROOT_URLCONF=__name__):
        answer = Client(raise_request_exception=False).post(
            f"/progress/{TOKEN}/?number={NUMBER[1:]}",
            {"number": NUMBER, "code": CODE, "password": "hunter2"},
            headers={
                "Authorization": f"Bearer {TOKEN}",
                "Cookie": f"session={TOKEN}",
                "Referer": "https://dana@x.example",
            },
            REMOTE_ADDR="203.0.113.9",
        )
    assert answer.status_code == 500


def test_a_report_of_an_error_says_where_and_nothing_else(reported: list[bytes], db: None) -> None:
    fail()
    reports = [one for one in reported if b'"type":"event"' in one]
    assert len(reports) == 1
    event = json.loads(reports[0].split(b"\n")[2])
    assert [one["type"] for one in event["exception"]["values"]] == ["ValueError", "Broken"]
    frame = event["exception"]["values"][-1]["stacktrace"]["frames"][-1]
    assert (frame["function"], frame["module"]) == ("failing", __name__)
    assert set(frame) <= set(errors.KEPT_OF_FRAME)
    assert event["transaction"] == "/progress/{token}/"
    assert set(event) <= {*errors.KEPT, "exception", "transaction", "tags", "sdk"}
    said = b"".join(reported).decode()
    assert [one for one in PERSONAL if one in said] == []


def test_what_is_logged_as_an_error_leaves_without_its_words(reported: list[bytes]) -> None:
    logging.getLogger(__name__).error("no text to %s for %s", NUMBER, NAME, extra={"token": TOKEN})
    (report,) = [one for one in reported if b'"type":"event"' in one]
    event = json.loads(report.split(b"\n")[2])
    assert (event["logger"], event["level"]) == (__name__, "error")
    assert [one for one in PERSONAL if one in report.decode()] == []


def test_a_span_says_route_status_and_kind_and_nothing_else(traced: InMemorySpanExporter, db: None) -> None:
    fail()
    (span,) = traced.get_finished_spans()
    assert span.name == "POST progress/<str:token>/"
    told = span.to_json()
    assert [one for one in PERSONAL if one in told] == []
    assert set(span.attributes or {}) <= tracing.KEPT
    assert (span.attributes or {})["http.status_code"] == 500
    assert [dict(event.attributes or {}) for event in span.events] in ([], [{"exception.type": f"{__name__}.Broken"}])


def test_nothing_is_reported_unless_it_was_asked_for() -> None:
    assert not sentry_sdk.get_client().is_active()
