"""The shapes of the gateway's question: OpenID AuthZEN Authorization API 1.0, with our properties named in it."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Annotated, Literal

import msgspec

from consent.gate import USE_WITHIN_S, Answer, Question

MAX_EVALUATIONS = 1000
# No text may hold a NUL, which the database can't keep. The decoder would try a pattern on each text, and take twice as
# long over that as over all the rest: `_without_nul` looks once.
Text = Annotated[str, msgspec.Meta(max_length=1000, extra_json_schema={"pattern": r"^[^\x00]*$"})]
Semantic = Literal["execute_all", "deny_on_first_deny", "permit_on_first_permit"]


class Unread(msgspec.Struct, frozen=True, gc=False):
    """An object that AuthZEN allows and nothing of which we read."""


class SubjectProperties(msgspec.Struct, frozen=True, gc=False):
    on_behalf_of: Text = ""
    campaign: Text = ""
    recipient: Text = ""


class Subject(msgspec.Struct, frozen=True, gc=False):
    type: Literal["partner"]
    id: Text
    properties: SubjectProperties = SubjectProperties()


class ActionProperties(msgspec.Struct, frozen=True, gc=False):
    purpose: Text = ""
    precision_m: Annotated[int, msgspec.Meta(ge=0, le=10_000_000)] | None = None


class Action(msgspec.Struct, frozen=True, gc=False):
    name: Text
    properties: ActionProperties = ActionProperties()


class Resource(msgspec.Struct, frozen=True, gc=False):
    type: Literal["line", "msisdn"]
    id: Text
    properties: Unread = Unread()


class Evaluation(msgspec.Struct, frozen=True, gc=False):
    """One question: who asks, for what, about which line."""

    subject: Subject
    action: Action
    resource: Resource
    context: Unread = Unread()


class PartialEvaluation(msgspec.Struct, frozen=True, gc=False):
    subject: Subject | None = None
    action: Action | None = None
    resource: Resource | None = None
    context: Unread = Unread()


class Options(msgspec.Struct, frozen=True, gc=False):
    evaluations_semantic: Semantic = "execute_all"


class Evaluations(msgspec.Struct, frozen=True, gc=False):
    """Many questions; what stands beside `evaluations` is the default of each."""

    evaluations: Annotated[list[PartialEvaluation], msgspec.Meta(max_length=MAX_EVALUATIONS)] = []
    options: Options = Options()
    subject: Subject | None = None
    action: Action | None = None
    resource: Resource | None = None
    context: Unread = Unread()


class Denied(msgspec.Struct, frozen=True, gc=False):
    decision_id: str
    reason: str


class Consent(msgspec.Struct, frozen=True, gc=False):
    """The state of the line's record that an allow stands on."""

    epoch: int
    version: int
    record_id: str


class Allowed(msgspec.Struct, frozen=True, gc=False):
    """`obligations`: what whoever was allowed must do, as JSON."""

    decision_id: str
    consent: Consent
    basis: Literal["approval"]
    subject_ref: str
    obligations: msgspec.Raw


class Response(msgspec.Struct, frozen=True, gc=False):
    """An answer in AuthZEN's form."""

    decision: bool
    context: Denied | Allowed


class Responses(msgspec.Struct, frozen=True, gc=False):
    evaluations: list[Response]


class Incomplete(Exception):
    """A question that names no subject, action or resource, neither itself nor by default."""


_one = msgspec.json.Decoder(Evaluation)
_many = msgspec.json.Decoder(Evaluations)
# The one way to write it in JSON.
NUL = rb"\u0000"


def one(body: bytes) -> Evaluation:
    """The question in a body. Raises msgspec's errors for what is none."""
    asked = _one.decode(body)
    if NUL in body:
        _without_nul(asked)
    return asked


def many(body: bytes) -> Evaluations:
    """The batch in a body. Raises msgspec's errors for what is none."""
    asked = _many.decode(body)
    if NUL in body:
        _without_nul(asked)
    return asked


def _without_nul(asked: msgspec.Struct) -> None:
    for place, text in _texts(asked, "$"):
        if "\0" in text:
            raise msgspec.ValidationError(f"Expected a text without NUL - at `{place}`")


def _texts(value: object, place: str) -> Iterator[tuple[str, str]]:
    """Each text in what was read, with where it stands."""
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _texts(item, f"{place}[{number}]")
    elif isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            yield from _texts(getattr(value, name), f"{place}.{name}")


def question(evaluation: Evaluation) -> Question:
    """The gate's question in a request."""
    return _question(evaluation.subject, evaluation.action, evaluation.resource)


def questions(asked: Evaluations) -> list[Question]:
    """The gate's questions in a batch, defaults filled in. Raises Incomplete with the place of the first gap."""
    items = asked.evaluations or [PartialEvaluation()]
    return [_question(*_whole(asked, item, place)) for place, item in enumerate(items)]


def _whole(asked: Evaluations, item: PartialEvaluation, place: int) -> tuple[Subject, Action, Resource]:
    subject = item.subject or asked.subject
    action = item.action or asked.action
    resource = item.resource or asked.resource
    if subject is None or action is None or resource is None:
        missing = next(
            name for name, value in (("subject", subject), ("action", action), ("resource", resource)) if value is None
        )
        raise Incomplete(f"evaluations[{place}] has no {missing}, and there is no default")
    return subject, action, resource


def _question(subject: Subject, action: Action, resource: Resource) -> Question:
    properties = subject.properties
    by_line = resource.type == "line"
    return Question(
        aggregator=subject.id,
        provider=properties.on_behalf_of,
        campaign=properties.campaign,
        recipient=properties.recipient,
        purpose=action.properties.purpose,
        scope=action.name,
        precision_m=action.properties.precision_m,
        line=resource.id if by_line else None,
        msisdn=None if by_line else resource.id,
    )


def until_settled(answers: list[Answer], semantic: Semantic) -> list[Answer]:
    """The answers up to the one that settles the batch, in request order."""
    if semantic == "execute_all":
        return answers
    settling = semantic == "permit_on_first_permit"
    for place, answer in enumerate(answers):
        if answer.allowed is settling:
            return answers[: place + 1]
    return answers


def response(answer: Answer) -> Response:
    """An answer in AuthZEN's form."""
    if not answer.allowed:
        return Response(decision=False, context=Denied(answer.decision_id, answer.reason))
    consent = Consent(answer.epoch, answer.version, answer.record_id)
    obligations = _obligations(answer.max_precision_m)
    return Response(
        decision=True,
        context=Allowed(answer.decision_id, consent, "approval", answer.subject_ref, obligations),
    )


@lru_cache(maxsize=64)
def _obligations(max_precision_m: int) -> msgspec.Raw:
    """They are the same for all answers about one precision."""
    return msgspec.Raw(
        msgspec.json.encode(
            (
                {"id": "record_disclosure"},
                {"id": "max_precision_m", "value": max_precision_m},
                {"id": "use_within_s", "value": USE_WITHIN_S},
            )
        )
    )
