"""The gateway's doors: one question, many questions, and where to find them (OpenID AuthZEN Authorization API 1.0)."""

from collections.abc import Callable, Sequence
from functools import wraps

import msgspec
from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.db import Error
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_POST

from accounts.json_reader import Unreadable
from consent import archiving, gate, schemas
from consent.words import UNAVAILABLE
from partners.access import JSON, ClientRequest, client_required, document, problem, unsupported

SCOPE = "decisions:read"

type Ask = Callable[[Sequence[gate.Question]], list[gate.Answer]]
type Take = Callable[[bytes, Ask], bytes]


def denied_without_a_database(take: Take) -> Callable[[Callable[..., HttpResponse]], Callable[..., HttpResponse]]:
    """A door at which a database that fails, whoever asked it for what, is a no: never an error, and never a yes."""

    def decorate(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @wraps(view)
        def wrapper(request: HttpRequest) -> HttpResponse:
            try:
                return view(request)
            except Error:
                return _taken(request, take, unavailable)

        return wrapper

    return decorate


def unavailable(questions: Sequence[gate.Question]) -> list[gate.Answer]:
    """No database, no disclosure."""
    return [gate.Answer(allowed=False, reason=UNAVAILABLE, decision_id="") for _ in questions]


def take_one(body: bytes, ask: Ask) -> bytes:
    """The answer's body. Raises Unreadable for a body that is no question."""
    return written(ask([schemas.one(body)]))


def written(answered: Sequence[gate.Answer]) -> bytes:
    """The body of the one answer, which is counted with this."""
    _note(answered)
    return msgspec.json.encode(schemas.response(answered[0]))


def take_many(body: bytes, ask: Ask) -> bytes:
    """The body of the answers up to the one that settles the batch. Raises Unreadable, Incomplete."""
    batch = schemas.many(body)
    return written_many(batch, ask(batch.questions))


def written_many(batch: schemas.Batch, answers: Sequence[gate.Answer]) -> bytes:
    """The body of these answers up to the one that settles the batch; they are counted with this."""
    responses = schemas.responses(batch, answers)
    _note(answers[: sum(isinstance(item, gate.Question) for item in batch.items[: len(responses)])])
    return msgspec.json.encode(responses[0] if batch.is_single else schemas.Responses(responses))


def _note(answered: Sequence[gate.Answer]) -> None:
    gate.count(answered)
    if answered and answered[0].reason == gate.RESTORING:
        archiving.look_soon()


@denied_without_a_database(take_one)
@require_POST
@client_required(SCOPE)
def evaluation(request: ClientRequest) -> HttpResponse:
    """May this partner have this line's location, now?"""
    return _taken(request, take_one, answers)


@denied_without_a_database(take_many)
@require_POST
@client_required(SCOPE)
def evaluations(request: ClientRequest) -> HttpResponse:
    """Many questions at once, answered in request order from one statement."""
    return _taken(request, take_many, answers)


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


def answers(questions: Sequence[gate.Question]) -> list[gate.Answer]:
    """The gate's answers."""
    if not questions:
        return []
    try:
        return gate.evaluate(questions=questions, for_release=True)
    except Error:
        return unavailable(questions)


def _taken(request: HttpRequest, take: Take, ask: Ask) -> HttpResponse:
    """What `take` makes of the request's body, or why it can't be taken. AuthZEN knows no 415."""
    if unsupported(request, JSON) is not None:
        return problem(400, "The question can't be read", f"Content-Type must be {JSON}.")
    try:
        response = HttpResponse(take(request.body, ask), content_type="application/json")
    except RequestDataTooBig:
        most = f"At most {settings.DATA_UPLOAD_MAX_MEMORY_SIZE:,} bytes go into one request."
        response = problem(413, "Too much at once", most)
    except (Unreadable, schemas.Incomplete) as error:
        response = problem(400, "The question can't be read", str(error))
    return response
