"""Read the gateway's question and write the answer, in the shapes of OpenID AuthZEN Authorization API 1.0.

Our own properties are named in the question.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Literal

import msgspec

from accounts.primitives.json_reader import Unreadable, WrongShape, build_object, decode_json, read_json
from consent.gate.shapes import USE_WITHIN_S, Answer, Question

MAX_EVALUATIONS = 1000
# No text may hold a NUL. The decoder would try a pattern on each text, and take twice as long over that as over all the
# rest: `decode_json` looks once.
Text = Annotated[str, msgspec.Meta(max_length=1000, extra_json_schema={"pattern": r"^[^\x00]*$"})]
Semantic = Literal["execute_all", "deny_on_first_deny", "permit_on_first_permit"]


class Unread(msgspec.Struct, frozen=True, gc=False):
    """An object that AuthZEN allows and nothing of which we read."""


class SubjectProperties(msgspec.Struct, frozen=True, gc=False):
    on_behalf_of: Text = ""
    campaign: Text = ""
    recipient: Text = ""


class Subject(msgspec.Struct, frozen=True, gc=False):
    type: Annotated[Text, msgspec.Meta(description="`partner`; whoever is of another kind is denied.")]
    id: Text
    properties: SubjectProperties = SubjectProperties()


class ActionProperties(msgspec.Struct, frozen=True, gc=False):
    purpose: Text = ""
    precision_m: Annotated[int, msgspec.Meta(ge=0, le=10_000_000)] | None = None


class Action(msgspec.Struct, frozen=True, gc=False):
    name: Text
    properties: ActionProperties = ActionProperties()


class Resource(msgspec.Struct, frozen=True, gc=False):
    type: Annotated[Text, msgspec.Meta(description="`line` or `msisdn`; what is of another kind is no line of ours.")]
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


class AnyEntity(msgspec.Struct, frozen=True, gc=False):
    """A subject, an action or a resource of a kind that is none of ours: its properties have no shape."""

    type: Text = ""
    id: Text = ""
    name: Text = ""
    properties: Unread = Unread()


class AnyEvaluation(msgspec.Struct, frozen=True, gc=False):
    """A question as AuthZEN has it, whatever its subject and its resource are."""

    subject: AnyEntity | None = None
    action: AnyEntity | None = None
    resource: AnyEntity | None = None
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


PARTNER, LINE, MSISDN = "partner", "line", "msisdn"
LINES = (LINE, MSISDN)
NEEDED = ("subject", "action", "resource")
LACKS = "has no {}, and there is no default"
BAD_REQUEST = 400
ABSENT = msgspec.Raw(b"null")


class RawItem(msgspec.Struct, frozen=True, gc=False):
    """The members of one question as they were written."""

    subject: msgspec.Raw = ABSENT
    action: msgspec.Raw = ABSENT
    resource: msgspec.Raw = ABSENT
    context: msgspec.Raw = ABSENT


class BatchFrame(RawItem, frozen=True, gc=False):
    """A batch whose questions are looked at one by one, because one of them, or a default, is none."""

    evaluations: Annotated[list[msgspec.Raw], msgspec.Meta(max_length=MAX_EVALUATIONS)] = []
    options: Options = Options()


class Fault(msgspec.Struct, frozen=True, gc=False):
    """Why one item of a batch is no question: AuthZEN's `error` in its answer."""

    status: int
    message: str


@dataclass(frozen=True)
class Batch:
    """What a batch asks, in order: a question of the gate's, or the fault of an item that is none.

    `is_single`: it has no `evaluations`, and is answered like one question.
    """

    items: Sequence[Question | Fault]
    semantic: Semantic = "execute_all"
    is_single: bool = False

    @property
    def questions(self) -> list[Question]:
        """Those that the gate is asked."""
        return [item for item in self.items if isinstance(item, Question)]


class DeniedContext(msgspec.Struct, frozen=True, gc=False):
    decision_id: str
    reason: str


class Consent(msgspec.Struct, frozen=True, gc=False):
    """The state of the line's record that an allow stands on."""

    epoch: int
    version: int
    record_id: str


class FailedContext(msgspec.Struct, frozen=True, gc=False):
    """Why an item of a batch was not answered: there is no decision, and so no id."""

    error: Fault
    decision_id: str = ""
    reason: Literal["invalid_request"] = "invalid_request"


class AllowedContext(msgspec.Struct, frozen=True, gc=False):
    """`obligations`: what whoever was allowed must do, as JSON."""

    decision_id: str
    consent: Consent
    basis: Literal["approval"]
    subject_ref: str
    obligations: msgspec.Raw


class Response(msgspec.Struct, frozen=True, gc=False):
    """An answer in AuthZEN's form."""

    decision: bool
    context: DeniedContext | AllowedContext | FailedContext


class Responses(msgspec.Struct, frozen=True, gc=False):
    evaluations: list[Response]


@dataclass(frozen=True)
class Member[T]:
    """A member of a question as it was read: `ours`, or else why it is not, and as AuthZEN has it if it is that."""

    ours: T | None
    fault: str = ""
    other: AnyEntity | None = None

    @property
    def loose(self) -> AnyEntity | None:
        """What is read of it where the question is of a kind that we do not know."""
        if self.ours is None:
            return self.other
        kind, identity, name = (getattr(self.ours, name, "") for name in ("type", "id", "name"))
        return AnyEntity(kind, identity, name)


@dataclass(frozen=True)
class Members:
    """What one question, or the defaults of a batch, have, read once."""

    subject: Member[Subject] | None
    action: Member[Action] | None
    resource: Member[Resource] | None
    context_fault: str

    def over(self, defaults: "Members") -> "Members":
        """Put these in place of the defaults, which have no fault in their context."""
        return Members(
            self.subject or defaults.subject,
            self.action or defaults.action,
            self.resource or defaults.resource,
            self.context_fault,
        )


class Incomplete(Exception):
    """A question names no subject, action or resource, neither itself nor by default; the message says which."""


_one = msgspec.json.Decoder(Evaluation)
_many = msgspec.json.Decoder(Evaluations)
_any = msgspec.json.Decoder(AnyEvaluation)
_frame = msgspec.json.Decoder(BatchFrame)
_item = msgspec.json.Decoder(RawItem)
_subject, _action = msgspec.json.Decoder(Subject), msgspec.json.Decoder(Action)
_resource, _context = msgspec.json.Decoder(Resource), msgspec.json.Decoder(Unread)
_entity = msgspec.json.Decoder(AnyEntity)


def parse_question(body: bytes) -> Question:
    """The gate's question in a body. Raises Unreadable."""
    try:
        asked = decode_json(body, _one)
    except WrongShape:
        if (question := _of_another_kind(body)) is not None:
            return question
        raise
    return _question(asked.subject, asked.action, asked.resource)


def parse_batch(body: bytes) -> Batch:
    """The batch in a body. Raises Unreadable, and Incomplete for the one question of a batch without `evaluations`."""
    try:
        asked = decode_json(body, _many)
    except Unreadable:
        return _item_by_item(body)
    if not asked.evaluations:
        return Batch([_question(*_whole(asked.subject, asked.action, asked.resource))], is_single=True)
    items = [_item_of(asked, item, place) for place, item in enumerate(asked.evaluations)]
    return Batch(items, asked.options.evaluations_semantic)


def _item_by_item(body: bytes) -> Batch:
    """A batch in which something is wrong: whatever that is not part of is asked all the same."""
    frame = decode_json(body, _frame, takes_twice=True)
    if not frame.evaluations:
        return Batch([parse_question(body)], is_single=True)
    # A default that is no subject, action or resource at all spoils the whole, and so does a name of the batch's given
    # twice.
    decode_json(body, _any, takes_twice=True)
    build_object(build_object(read_json(body, pairs=list)).get("options", []))
    defaults = _read_members(frame, "$")
    items = [_read_item(defaults, bytes(raw), place) for place, raw in enumerate(frame.evaluations)]
    return Batch(items, frame.options.evaluations_semantic)


def _read_item(defaults: Members, raw: bytes, place: int) -> Question | Fault:
    """Read one question with the defaults that it doesn't override."""
    try:
        members = _read_members(decode_json(raw, _item), f"$.evaluations[{place}]").over(defaults)
        subject, action, resource = _whole(members.subject, members.action, members.resource)
    except Unreadable as error:
        return Fault(BAD_REQUEST, str(error))
    except Incomplete as error:
        return Fault(BAD_REQUEST, f"evaluations[{place}] {error}")
    if not members.context_fault and (question := _ask(subject, action, resource)) is not None:
        return question
    return Fault(BAD_REQUEST, next(filter(None, (subject.fault, action.fault, resource.fault, members.context_fault))))


def _ask(subject: Member[Subject], action: Member[Action], resource: Member[Resource]) -> Question | None:
    if subject.ours is None or action.ours is None or resource.ours is None:
        return _parse_target(subject.loose, action.loose, resource.loose)
    return _question(subject.ours, action.ours, resource.ours)


def _read_members(item: RawItem, place: str) -> Members:
    """Read the members that are there, each by itself: a fault of one says nothing of the others."""
    context = _read_member(item.context, _context, f"{place}.context")
    return Members(
        _read_member(item.subject, _subject, f"{place}.subject"),
        _read_member(item.action, _action, f"{place}.action"),
        _read_member(item.resource, _resource, f"{place}.resource"),
        context.fault if context else "",
    )


def _read_member[T](raw: msgspec.Raw, decoder: msgspec.json.Decoder[T], place: str) -> Member[T] | None:
    written = bytes(raw)
    if written == bytes(ABSENT):
        return None
    try:
        return Member(decode_json(written, decoder))
    except Unreadable as error:
        said = str(error)
        fault = said.replace("`$", f"`{place}") if "`$" in said else f"{said} - at `{place}`"
    try:
        return Member(None, fault, decode_json(written, _entity))
    except Unreadable:
        return Member(None, fault)


def _item_of(beside: Evaluations, item: PartialEvaluation, place: int) -> Question | Fault:
    try:
        return _question(
            *_whole(item.subject or beside.subject, item.action or beside.action, item.resource or beside.resource)
        )
    except Incomplete as error:
        return Fault(BAD_REQUEST, f"evaluations[{place}] {error}")


def _of_another_kind(body: bytes) -> Question | None:
    """A question about a subject or a resource of a kind that we do not know, whose properties may hold anything.

    None where both are of a kind of ours, or where it is no question at all.
    """
    try:
        found = decode_json(body, _any)
    except Unreadable:
        return None
    return _parse_target(found.subject, found.action, found.resource)


def _parse_target(subject: AnyEntity | None, action: AnyEntity | None, resource: AnyEntity | None) -> Question | None:
    if subject is None or resource is None or action is None or not action.name:
        return None
    if not subject.type or not resource.type or _are_our_types(subject.type, resource.type):
        return None
    return _question(Subject(subject.type, subject.id), Action(action.name), Resource(resource.type, resource.id))


def _are_our_types(subject_type: str, resource_type: str) -> bool:
    return subject_type == PARTNER and resource_type in LINES


def _whole[S, A, R](subject: S | None, action: A | None, resource: R | None) -> tuple[S, A, R]:
    if subject is None or action is None or resource is None:
        members = zip(NEEDED, (subject, action, resource), strict=True)
        raise Incomplete(LACKS.format(next(name for name, value in members if value is None)))
    return subject, action, resource


def _question(subject: Subject, action: Action, resource: Resource) -> Question:
    """The gate's question. Whoever is no partner asks as nobody, and what is no line of ours is named by no id."""
    properties = subject.properties
    return Question(
        aggregator=subject.id if subject.type == PARTNER else "",
        provider=properties.on_behalf_of,
        campaign=properties.campaign,
        recipient=properties.recipient,
        purpose=action.properties.purpose,
        scope=action.name,
        precision_m=action.properties.precision_m,
        line=resource.id if resource.type == LINE else None if resource.type == MSISDN else "",
        msisdn=resource.id if resource.type == MSISDN else None,
    )


def responses(batch: Batch, answers: Sequence[Answer]) -> list[Response]:
    """What each item of a batch is answered, in request order, up to the one that settles the batch."""
    given = iter(answers)
    settling = None if batch.semantic == "execute_all" else batch.semantic == "permit_on_first_permit"
    told: list[Response] = []
    for item in batch.items:
        if isinstance(item, Question):
            told.append(response(next(given)))
        else:
            told.append(Response(decision=False, context=FailedContext(item)))
        if told[-1].decision is settling:
            break
    return told


def response(answer: Answer) -> Response:
    """An answer in AuthZEN's form."""
    if not answer.allowed:
        return Response(decision=False, context=DeniedContext(answer.decision_id, answer.reason))
    consent = Consent(answer.epoch, answer.version, answer.record_id)
    obligations = _obligations(answer.max_precision_m)
    return Response(
        decision=True, context=AllowedContext(answer.decision_id, consent, "approval", answer.subject_ref, obligations)
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
