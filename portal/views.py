"""Pages without domain: health, metrics, what other programs look for at well-known places, the demo's phones."""

import json
import secrets
from datetime import UTC, timedelta

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from partners.api.access import document
from portal import demo_phone, health
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
