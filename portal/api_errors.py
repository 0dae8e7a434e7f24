"""What a program is told when there is nothing for it: in the form of the address's own standard, or as a problem it
can read (RFC 9457), never by a page for people.
"""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from consent.api import agents
from consent.api.partners import add_correlator, build_refusal
from partners.api.access import problem
from partners.api.oauth import oauth_error
from revocations.api.streams import refusal

type Form = Callable[[HttpRequest, int, str], HttpResponse]

# Asked of a process itself, at the address of its machine or container, which is no name of ours.
OF_THE_PROCESS = ("/healthz", "/readyz", "/metrics")
STANDARDS = ("/.well-known/", "/access/", "/api/", "/consent-info/", "/drp/", "/oauth/", "/ssf/")
PREFIXES = (*STANDARDS, *OF_THE_PROCESS)
# AuthZEN 1.0 has requests named by whoever sends them.
GATE = "/access/"
# Whatever watches this process asks it past the proxy that ends TLS.
NEVER_BY_HTTP = (*STANDARDS, "/canary/")
KEPT = ("Allow", "WWW-Authenticate", "Retry-After", "x-correlator")
NO_HTTP = "Ask by https alone. What was sent by plain http may have been read on its way: take its secrets for known."
DETAILS = {
    404: "There is nothing at this address.",
    405: "This address does not take this method.",
    411: "Send Content-Length: a body whose length is not said beforehand is not read.",
    413: f"At most {settings.DATA_UPLOAD_MAX_MEMORY_SIZE:,} bytes go into one request here.",
    500: "Something failed on our side. It was written down.",
    503: "Our database could not do this now. Send it again in half a minute.",
}
CAMARA_CODES = {
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}


def answer_machines_with_problems(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Answer machines' addresses in a form of theirs where a page for people, or nothing, would tell of a mistake.

    The gateway's own name for a request comes back with whatever is said to it.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if not request.path_info.startswith(PREFIXES):
            return get_response(request)
        answered = answer(request)
        if request.path_info.startswith(GATE) and (request_id := request.headers.get("X-Request-ID")) is not None:
            answered.headers["X-Request-ID"] = request_id
        return answered

    def answer(request: HttpRequest) -> HttpResponseBase:
        response = HttpResponse(status=411) if _has_unmeasured_body(request) else get_response(request)
        if response.status_code < 400 or _has_own_error_body(response):
            return response
        status = 413 if _is_too_big(request, response) else response.status_code
        said = form_of(request.path_info)(request, status, DETAILS.get(status, "The request can't be taken."))
        for name in KEPT:
            if name in response.headers:
                said.headers[name] = response.headers[name]
        return said

    return middleware


def check_host_for_machines(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Let what watches this process ask it by any name. Nothing that these pages say is made of the host."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if request.path_info in OF_THE_PROCESS:
            request.META["HTTP_HOST"] = urlsplit(settings.BASE_URL).netloc
        return get_response(request)

    return middleware


def refuse_machines_by_http(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Refuse a program that asks by plain http: sent on to https, it would go on telling everybody its token."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        path = request.path_info
        if request.is_secure() or not settings.SECURE_SSL_REDIRECT or not path.startswith(NEVER_BY_HTTP):
            return get_response(request)
        return form_of(path)(request, 403, NO_HTTP)

    return middleware


def form_of(path: str) -> Form:
    """Return how the address at this path says no."""
    return next((form for prefix, form in FORMS.items() if path.startswith(prefix)), as_problem)


def as_problem(request: HttpRequest, status: int, detail: str) -> HttpResponse:
    """RFC 9457's."""
    del request
    return problem(status, HTTPStatus(status).phrase, detail)


def as_camara(request: HttpRequest, status: int, detail: str) -> HttpResponse:
    """CAMARA's, with the correlator."""
    return add_correlator(lambda _: build_refusal(status, CAMARA_CODES.get(status, "INVALID_ARGUMENT"), detail))(
        request
    )


def as_oauth(request: HttpRequest, status: int, detail: str) -> HttpResponse:
    """RFC 6749's."""
    del request
    return oauth_error("server_error" if status >= 500 else "invalid_request", detail, status)


def as_secevent(request: HttpRequest, status: int, detail: str) -> HttpResponse:
    """RFC 8935's, which has no word for a failure of ours: that is told as a problem."""
    return as_problem(request, status, detail) if status >= 500 else refusal(status, "invalid_request", detail)


def as_drp(request: HttpRequest, status: int, detail: str) -> HttpResponse:
    """Answer in the Data Rights Protocol's form."""
    del request
    return agents.build_refusal(status, detail)


FORMS: Mapping[str, Form] = {
    "/consent-info/": as_camara,
    "/drp/": as_drp,
    "/oauth/token": as_oauth,
    "/ssf/poll": as_secevent,
    "/ssf/receipts": as_secevent,
    "/ssf/status": as_secevent,
    "/ssf/streams": as_secevent,
    "/ssf/verify": as_secevent,
}


def _has_own_error_body(response: HttpResponseBase) -> bool:
    """Return whether the address answered in a form of its own."""
    kind = response.headers.get("Content-Type", "")
    return isinstance(response, HttpResponse) and bool(response.content) and "json" in kind


def _is_too_big(request: HttpRequest, response: HttpResponseBase) -> bool:
    """Django says 400 of a body that it did not read because it is too long, as of many other things."""
    length = str(request.META.get("CONTENT_LENGTH", ""))
    return response.status_code == 400 and length.isdecimal() and int(length) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE


def _has_unmeasured_body(request: HttpRequest) -> bool:
    """Whether a body follows whose length nobody said (chunked, or HTTP/2 without): Django would take it as empty."""
    if request.META.get("CONTENT_LENGTH") or not request.META.get("wsgi.input_terminated"):
        return False
    return bool(request.META["wsgi.input"].read(1))
