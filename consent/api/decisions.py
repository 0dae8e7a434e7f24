"""The gateway's doors: one question, many questions, and where to find them (OpenID AuthZEN Authorization API 1.0)."""

from collections.abc import Callable, Sequence
from functools import wraps

import msgspec
from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.db import Error
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_POST

from accounts.primitives.json_reader import Unreadable
from consent.gate import deciding
from consent.gate.readiness import RESTORING
from consent.gate.shapes import Answer, Question
from consent.labels import UNAVAILABLE
from consent.schemas import decisions
from consent.schemas.decisions import Batch, Incomplete, Responses
from consent.workers.archive_comparison import look_soon
from partners.api.access import JSON, ClientRequest, client_required, document, problem, refuse_unsupported_type

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
