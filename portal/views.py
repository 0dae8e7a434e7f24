"""Pages without domain: the front page, safety, health, metrics, well-known places, and the page for outages."""

import json
import secrets
import sys
from datetime import UTC, timedelta
from http import HTTPStatus

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils import timezone
from django.views import defaults
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from partners.api.access import document
from portal import demo_phone, health
from portal.gallery import SAMPLES
from portal.openapi import document as document_openapi

LOOPBACK = ("127.0.0.1", "::1")
GPC_SINCE = "2026-11-24"


@document
@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers; nothing else is looked at."""
    return HttpResponse("ok\n", content_type="text/plain; charset=utf-8")


@document
@never_cache
def readyz(request: HttpRequest) -> HttpResponse:
    """The database, the broker, due orders, the months ahead, the last trial, the gate. Without the database: 503."""
    found = health.readiness(at=timezone.now())
    body = {
        "ready": found.ready,
        "database": found.database,
        "broker": found.broker,
        "oldest_due_s": found.oldest_due_s,
        "partitions": found.partitions,
        "canary": found.canary,
        "gate": found.gate,
        "unarchived_s": found.unarchived_s,
        "checkpoint_s": found.checkpoint_s,
    }
    return JsonResponse(body, status=200 if found.ready else 503)


@document
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus's figures, for the bearer of METRICS_TOKEN; without that setting there is no such page."""
    if not settings.METRICS_TOKEN:
        raise Http404
    given = request.headers.get("Authorization", "").encode()
    if not secrets.compare_digest(given, f"Bearer {settings.METRICS_TOKEN}".encode()):
        return HttpResponse(status=401, headers={"WWW-Authenticate": 'Bearer realm="metrics"'})
    return HttpResponse(health.metrics(at=timezone.now()), content_type="text/plain; version=0.0.4; charset=utf-8")


@document
def security_txt(request: HttpRequest) -> HttpResponse:
    """Where to report a weakness (RFC 9116)."""
    expires = (timezone.now() + timedelta(days=180)).astimezone(UTC).strftime("%Y-%m-%dT00:00:00Z")
    lines = (
        f"Contact: {settings.SECURITY_CONTACT}",
        f"Expires: {expires}",
        f"Preferred-Languages: {', '.join(code for code, _ in settings.LANGUAGES)}",
        f"Canonical: {settings.BASE_URL}/.well-known/security.txt",
    )
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")


@document
def gpc(request: HttpRequest) -> HttpResponse:
    """That this site honours Global Privacy Control."""
    return JsonResponse({"gpc": True, "lastUpdate": GPC_SINCE})


@document
def openapi_document(request: HttpRequest) -> HttpResponse:
    """Every machine address, as OpenAPI 3.1."""
    return JsonResponse(document_openapi.document())


@document
def openapi_page(request: HttpRequest) -> HttpResponse:
    """The same to read, without anybody's script."""
    operations, schemas = document_openapi.list_documented_operations()
    return render(request, "pages/api.html", {"operations": operations, "schemas": schemas})


@require_safe
@never_cache
def demo_phones(request: HttpRequest) -> HttpResponse:
    """The demo's texts: a page of phones, or one number's texts as JSON. Outside the demo there is no such page."""
    if not settings.DEMO or request.META.get("REMOTE_ADDR") not in LOOPBACK:
        raise Http404
    number = request.GET.get("number")
    if number is None:
        return render(request, "demo_phone.html", {"phones": demo_phone.phones()})
    # A plus sign that a program forgot to escape arrives as a space.
    body = json.dumps(demo_phone.texts(number="+" + number.strip().lstrip("+")), ensure_ascii=False)
    return HttpResponse(body, content_type="application/json")


@require_safe
def front(request: HttpRequest) -> HttpResponse:
    """What this is, and two doors."""
    return render(request, "pages/front.html")


@require_safe
def safety(request: HttpRequest) -> HttpResponse:
    """If someone may be tracking you."""
    return render(request, "pages/safety.html")


@require_safe
def gallery(request: HttpRequest) -> HttpResponse:
    """Every component with what it can be given. In DEBUG only."""
    if not settings.DEBUG:
        raise Http404
    return render(request, "pages/gallery.html", {"samples": SAMPLES})


RETRY_AFTER_S = 30
# SQLSTATE classes of a server that is not there (any more), has no room, or is being shut down or started.
AWAY = ("08", "53", "57P")
# And of one that took a transaction back because of another, or would not wait any longer for it.
GAVE_WAY = ("40", "55P03")


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's `handler500`, which is called while the error is handled. 503: the same again may well be taken."""
    error = sys.exc_info()[1]
    if database_is_away(error):
        page = "503.html"
    elif _is_of_class(error, GAVE_WAY):
        page = "500.html"
    else:
        return defaults.server_error(request)
    # Without the request: nothing that belongs to it can be looked up.
    headers = {"Retry-After": str(RETRY_AFTER_S), "Cache-Control": "no-store"}
    return HttpResponse(render_to_string(page), status=HTTPStatus.SERVICE_UNAVAILABLE, headers=headers)


def database_is_away(error: BaseException | None) -> bool:
    """Whether this, or what led to it, is that the database could not be reached; not that it refused something."""
    while error is not None:
        if isinstance(error, InterfaceError):
            return True
        if isinstance(error, OperationalError):
            return _sqlstate_of(error) is None or _is_of_class(error, AWAY)
        error = error.__cause__ or error.__context__
    return False


def _is_of_class(error: BaseException | None, classes: tuple[str, ...]) -> bool:
    """Whether this, or what led to it, is an error of the database of one of these classes."""
    while error is not None and not isinstance(error, OperationalError):
        error = error.__cause__ or error.__context__
    return error is not None and (_sqlstate_of(error) or "").startswith(classes)


def _sqlstate_of(error: BaseException) -> str | None:
    return getattr(error.__cause__, "sqlstate", None)
