"""Reports of errors to a server that speaks Sentry's protocol. Nothing is sent unless SENTRY_DSN is set.

A report is written anew from a list of what may leave: which exception, of which kind, in which function and line, at
which route or in which task. What an exception says is not in it, nor what a variable held: both may name somebody.
"""

import logging
from collections.abc import Mapping
from typing import Any, cast

import sentry_sdk
from sentry_sdk.integrations.atexit import AtexitIntegration
from sentry_sdk.integrations.celery import CeleryIntegration
from sentry_sdk.integrations.dedupe import DedupeIntegration
from sentry_sdk.integrations.django import DjangoIntegration
from sentry_sdk.integrations.excepthook import ExcepthookIntegration
from sentry_sdk.integrations.logging import LoggingIntegration
from sentry_sdk.integrations.threading import ThreadingIntegration
from sentry_sdk.transport import Transport
from sentry_sdk.types import Event, Hint

KEPT = ("event_id", "timestamp", "level", "platform", "environment", "release", "logger", "type")
KEPT_OF_FRAME = ("module", "function", "filename", "lineno", "in_app")
# Words of ours: a route's template, a task's name. An address as it was asked for may hold a token.
OWN_WORDS = ("route", "task")


def report(*, dsn: str, transport: type[Transport] | None = None) -> None:
    """Report errors of this process from now on. `transport`: what carries them, for tests."""
    sentry_sdk.init(
        dsn=dsn,
        transport=transport,
        default_integrations=False,
        integrations=[
            DjangoIntegration(middleware_spans=False, signals_spans=False, cache_spans=False),
            CeleryIntegration(propagate_traces=False),
            LoggingIntegration(level=None, event_level=logging.ERROR),
            AtexitIntegration(callback=lambda _pending, _timeout: None),
            DedupeIntegration(),
            ExcepthookIntegration(),
            ThreadingIntegration(propagate_scope=False),
        ],
        before_send=filter_report,
        before_send_transaction=lambda _event, _hint: None,
        before_breadcrumb=lambda _crumb, _hint: None,
        max_breadcrumbs=0,
        include_local_variables=False,
        include_source_context=False,
        max_request_body_size="never",
        auto_session_tracking=False,
        send_client_reports=False,
        trace_propagation_targets=[],
        server_name="",
    )


def filter_report(event: Event, _hint: Hint) -> Event:
    """Return the report with nothing in it but names from our own code, numbers of lines, and when it was."""
    given: Mapping[str, Any] = event
    kept: dict[str, Any] = {name: given[name] for name in KEPT if name in given}
    kept["exception"] = {"values": [_exception(value) for value in _member(given, "exception", "values") or []]}
    if _member(given, "transaction_info", "source") in OWN_WORDS:
        kept["transaction"] = given.get("transaction")
    if method := _member(given, "request", "method"):
        kept["tags"] = {"method": method}
    return cast("Event", kept)


def _member(given: Mapping[str, Any], part: str, name: str) -> Any:
    return (given.get(part) or {}).get(name)


def _exception(value: Mapping[str, Any]) -> dict[str, Any]:
    frames = (value.get("stacktrace") or {}).get("frames") or []
    return {
        "type": value.get("type"),
        "module": value.get("module"),
        "stacktrace": {"frames": [{name: one[name] for name in KEPT_OF_FRAME if name in one} for one in frames]},
    }
