"""The straight way to the gateway's two doors, past all that pages need.

Only a request that is in every way as it should be goes it: the method, the host, the size, a token that is good for
this, a body that is a question. Whatever is not goes the long way through Django, as if there were no other, and is
told there what is wrong. So there is one place that refuses, and this one can only answer.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from functools import cache, lru_cache
from io import BytesIO
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from django.conf import settings
from django.db import Error, connection
from django.http.request import split_domain_port, validate_host

from accounts.primitives.json_reader import Unreadable
from consent.api.decisions import SCOPE, Ask, answer_many, answer_one
from consent.gate.deciding import NotLive, evaluate_for
from consent.gate.execution import statement_timeout
from consent.gate.shapes import Answer, Question
from consent.schemas.decisions import Incomplete
from partners.api.access import Grant, grant_of, is_json

DOORS: dict[str, Callable[[bytes, Ask], bytes]] = {
    "/access/v1/evaluation": answer_one,
    "/access/v1/evaluations": answer_many,
}


def gate_fast_path(otherwise: WSGIApplication) -> WSGIApplication:
    """The application that answers the gate's questions itself, and leaves all else to `otherwise`."""

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        door = DOORS.get(environ["PATH_INFO"])
        if door is None:
            return otherwise(environ, start_response)
        with statement_timeout():
            said = _answer_request(door, environ) if _is_plain(environ) else None
            if said is None:
                return otherwise(environ, start_response)
        headers = [*answer_headers(), ("Content-Length", str(len(said)))]
        if (request_id := environ.get("HTTP_X_REQUEST_ID")) is not None:
            headers.append(("X-Request-ID", request_id))
        start_response("200 OK", headers)
        return [said]

    return application


def _is_plain(environ: WSGIEnvironment) -> bool:
    """Whether nothing about the request, its body and token aside, needs Django's eyes."""
    length = environ.get("CONTENT_LENGTH", "")
    return (
        environ["REQUEST_METHOD"] == "POST"
        and is_json(environ.get("CONTENT_TYPE", ""), encoding=environ.get("HTTP_CONTENT_ENCODING", ""))
        and length.isdecimal()
        and int(length) <= settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        and is_ours(environ.get("HTTP_HOST", ""))
        and (not settings.SECURE_SSL_REDIRECT or _is_secure(environ))
        and not settings.MTLS_CLIENT_CERTIFICATES
    )


def _answer_request(door: Callable[[bytes, Ask], bytes], environ: WSGIEnvironment) -> bytes | None:
    """The body of the answer; None for the long way, on which the request's own body can be read once more."""
    body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
    try:
        grant = grant_of(environ.get("HTTP_AUTHORIZATION", ""), now=int(time.time()))
        if grant is not None and SCOPE in grant.scopes and not grant.bound_to:
            return door(body, _build_asker(grant))
    except Error:
        connection.close()
    except (Unreadable, Incomplete, NotLive):
        pass
    environ["wsgi.input"] = BytesIO(body)
    return None


def _build_asker(grant: Grant) -> Ask:
    def ask(questions: Sequence[Question]) -> list[Answer]:
        if not questions:  # the statement that answers is what finds the machine live
            raise NotLive
        return evaluate_for(client_id=grant.client_id, kid=grant.kid, questions=questions)

    return ask


@lru_cache(maxsize=64)
def is_ours(host: str) -> bool:
    """Whether a `Host` header names this product."""
    domain, _ = split_domain_port(host)
    return bool(domain) and validate_host(domain, settings.ALLOWED_HOSTS)


def _is_secure(environ: WSGIEnvironment) -> bool:
    name, value = getattr(settings, "SECURE_PROXY_SSL_HEADER", None) or ("wsgi.url_scheme", "https")
    return bool(environ.get(name) == value)


@cache
def answer_headers() -> tuple[tuple[str, str], ...]:
    """What every answer carries: Django's middleware would say the same, and more that only browsers heed."""
    headers = [("Content-Type", "application/json"), ("X-Content-Type-Options", "nosniff")]
    if settings.SECURE_HSTS_SECONDS:
        of = f"max-age={settings.SECURE_HSTS_SECONDS}; includeSubDomains; preload"
        headers.append(("Strict-Transport-Security", of))
    return tuple(headers)
