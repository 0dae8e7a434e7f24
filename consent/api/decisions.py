"""The gateway's doors: one question, many questions, and where to find them (OpenID AuthZEN Authorization API 1.0)."""

from collections.abc import Callable, Sequence
from functools import wraps

import msgspec
from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.db import Error
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_POST

from consent import archiving, gate, schemas
from consent.words import UNAVAILABLE
from partners.access import ClientRequest, client_required, document, problem

# What the decoder raises: a text that is not UTF-8 is no DecodeError of its own.
UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
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
    """The answer's body. Raises what `UNREADABLE` lists for a body that is no question."""
    return written(ask([read(body)]))


def read(body: bytes) -> gate.Question:
    """The one question in a body. Raises what `UNREADABLE` lists."""
    return schemas.question(schemas.one(body))


def written(answered: Sequence[gate.Answer]) -> bytes:
    """The body of the one answer, which is counted with this."""
    _note(answered)
    return msgspec.json.encode(schemas.response(answered[0]))


def take_many(body: bytes, ask: Ask) -> bytes:
    """The body of the answers up to the one that settles the batch. Raises what `UNREADABLE` lists, or Incomplete."""
    asked = schemas.many(body)
    return written_many(asked, ask(schemas.questions(asked)))


def written_many(asked: schemas.Evaluations, answers: list[gate.Answer]) -> bytes:
    """The body of these answers up to the one that settles the batch; they are counted with this."""
    answered = schemas.until_settled(answers, asked.options.evaluations_semantic)
    _note(answered)
    if not asked.evaluations:
        return msgspec.json.encode(schemas.response(answered[0]))
    return msgspec.json.encode(schemas.Responses([schemas.response(answer) for answer in answered]))


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
    try:
        return gate.evaluate(questions=questions, for_release=True)
    except Error:
        return unavailable(questions)


def _taken(request: HttpRequest, take: Take, ask: Ask) -> HttpResponse:
    """What `take` makes of the request's body, or why it can't be taken."""
    try:
        response = HttpResponse(take(request.body, ask), content_type="application/json")
    except RequestDataTooBig:
        most = f"At most {settings.DATA_UPLOAD_MAX_MEMORY_SIZE:,} bytes go into one request."
        response = problem(413, "Too much at once", most)
    except (msgspec.ValidationError, schemas.Incomplete) as error:
        response = problem(400, "The question can't be read", str(error))
    except UNREADABLE:
        response = problem(400, "The question can't be read", "The body is not JSON.")
    return response
