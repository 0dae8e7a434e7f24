"""Answer the gateway: one question, many, and where to ask them (OpenID AuthZEN Authorization API 1.0).

There is a fast path past all that pages need. Only a request that is in every way as it should be takes it: the method,
the host, the size, a token that is good for this, a body that is a question. Whatever is not goes the long way through
Django, as if there were no other, and is told there what is wrong. So there is one place that refuses, and the fast
path can only answer.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from functools import cache, lru_cache, wraps
from io import BytesIO
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import msgspec
from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.db import Error, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.request import split_domain_port, validate_host
from django.views.decorators.http import require_POST

from accounts.primitives.json_reader import Unreadable
from consent.gate import deciding
from consent.gate.deciding import RESTORING, NotLive, evaluate_for
from consent.gate.execution import statement_timeout
from consent.gate.look_up import Caller
from consent.gate.shapes import Answer, Question
from consent.labels import UNAVAILABLE
from consent.schemas import decisions
from consent.schemas.decisions import Batch, Incomplete, Responses
from consent.workers.archive_comparison import look_soon
from partners.api.access import (
    JSON,
    ClientRequest,
    Grant,
    client_required,
    document,
    grant_of,
    is_json,
    problem,
    refuse_unsupported_type,
)

SCOPE = "decisions:read"

type Ask = Callable[[Sequence[Question]], list[Answer]]
type Take = Callable[[bytes, Ask], bytes]


def deny_without_database(take: Take) -> Callable[[Callable[..., HttpResponse]], Callable[..., HttpResponse]]:
    """A door at which a database that fails, whoever asked it for what, is a no: never an error, and never a yes."""

    def decorate(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @wraps(view)
        def wrapper(request: HttpRequest) -> HttpResponse:
            try:
                return view(request)
            except Error:
                return _answer_request(request, take, build_unavailable_answers)

        return wrapper

    return decorate


def build_unavailable_answers(questions: Sequence[Question]) -> list[Answer]:
    """No database, no disclosure."""
    return [Answer(allowed=False, reason=UNAVAILABLE, decision_id="") for _ in questions]


def answer_one(body: bytes, ask: Ask) -> bytes:
    """The answer's body. Raises Unreadable for a body that is no question."""
    return encode_answer(ask([decisions.parse_question(body)]))


def encode_answer(answered: Sequence[Answer]) -> bytes:
    """The body of the one answer, which is counted with this."""
    _record_decision(answered)
    return msgspec.json.encode(decisions.response(answered[0]))


def answer_many(body: bytes, ask: Ask) -> bytes:
    """The body of the answers up to the one that settles the batch. Raises Unreadable, Incomplete."""
    batch = decisions.parse_batch(body)
    return encode_answers(batch, ask(batch.questions))


def encode_answers(batch: Batch, answers: Sequence[Answer]) -> bytes:
    """The body of these answers up to the one that settles the batch; they are counted with this."""
    responses = decisions.responses(batch, answers)
    _record_decision(answers[: sum(isinstance(item, Question) for item in batch.items[: len(responses)])])
    return msgspec.json.encode(responses[0] if batch.is_single else Responses(responses))


def _record_decision(answered: Sequence[Answer]) -> None:
    deciding.count_answers(answered)
    if answered and answered[0].reason == RESTORING:
        look_soon()


@deny_without_database(answer_one)
@require_POST
@client_required(SCOPE)
def evaluation(request: ClientRequest) -> HttpResponse:
    """May this partner have this line's location, now?"""
    return _answer_request(request, answer_one, answers)


@deny_without_database(answer_many)
@require_POST
@client_required(SCOPE)
def evaluations(request: ClientRequest) -> HttpResponse:
    """Many questions at once, answered in request order from one statement."""
    return _answer_request(request, answer_many, answers)


@document
def configuration(request: HttpRequest) -> HttpResponse:
    """The policy decision point's metadata."""
    return JsonResponse(
        {
            "policy_decision_point": settings.BASE_URL,
            "access_evaluation_endpoint": f"{settings.BASE_URL}/access/v1/evaluation",
            "access_evaluations_endpoint": f"{settings.BASE_URL}/access/v1/evaluations",
        }
    )


def answers(questions: Sequence[Question]) -> list[Answer]:
    """The gate's answers."""
    if not questions:
        return []
    try:
        return deciding.evaluate(questions=questions, for_release=True)
    except Error:
        return build_unavailable_answers(questions)


def _answer_request(request: HttpRequest, take: Take, ask: Ask) -> HttpResponse:
    """What `take` makes of the request's body, or why it can't be taken. AuthZEN knows no 415."""
    if (refusal := refuse_unsupported_type(request, JSON, refuse=_refuse_question)) is not None:
        return refusal
    try:
        response = HttpResponse(take(request.body, ask), content_type="application/json")
    except RequestDataTooBig:
        most = f"At most {settings.DATA_UPLOAD_MAX_MEMORY_SIZE:,} bytes go into one request."
        response = problem(413, "Too much at once", most)
    except (Unreadable, Incomplete) as error:
        response = _refuse_question(400, "", str(error))
    return response


def _refuse_question(status: int, error: str, detail: str) -> HttpResponse:
    del status, error
    return problem(400, "The question can't be read", detail)


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
            said = _answer_quickly(door, environ) if _is_plain(environ) else None
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


def _answer_quickly(door: Callable[[bytes, Ask], bytes], environ: WSGIEnvironment) -> bytes | None:
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


def caller_of(grant: Grant) -> Caller:
    """Return who asks, as the gate looks it up."""
    return Caller(grant.client_id, grant.kid, grant.key_since or None)


def _build_asker(grant: Grant) -> Ask:
    def ask(questions: Sequence[Question]) -> list[Answer]:
        if not questions:  # the statement that answers is what finds the machine live
            raise NotLive
        return evaluate_for(caller=caller_of(grant), questions=questions)

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
