"""What an agent sends, opened and checked as the Data Rights Protocol 1.0 says; what it is told; what a link opens."""

import uuid
from base64 import b64decode
from binascii import Error
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.conf import settings
from django.urls import reverse

from accounts.primitives.json_reader import Unreadable, decode_json
from accounts.primitives.sealing import token_hash
from consent.models import ProgressLink
from partners.models import AgentRequest, AuthorizedAgent

VERSION = "1.0"
SIGNATURE_BYTES = 64
# How far the agent's clock may be ahead of ours, and for how long a message may be good.
SKEW, LONGEST_VALID = timedelta(minutes=2), timedelta(hours=1)
# What the protocol's text writes both ways.
OPT_OUT = frozenset({"sale:opt_out", "sale:opt-out"})
LASTS = timedelta(days=7)
DETAILS = {
    AgentRequest.Reason.NEED_USER_VERIFICATION: "The person is asked by a text to the phone itself, by day.",
    AgentRequest.Reason.SUSPECTED_FRAUD: "The person said that this is not theirs.",
    AgentRequest.Reason.INSUF_VERIFICATION: "Nobody answered from the phone within 7 days.",
    AgentRequest.Reason.NO_MATCH: "phone_number is missing, or is no number.",
    AgentRequest.Reason.CLAIM_NOT_COVERED: "Agents may ask for opt-outs. All else the person does here.",
    AgentRequest.Reason.TOO_MANY_REQUESTS: "This number was asked about too often today.",
}

NOBODY = AuthorizedAgent(id="", verify_key=Ed25519PrivateKey.generate().public_key().public_bytes_raw())


class MessageRefused(Exception):
    """The message is not to be acted on; the message says why."""


class Message(msgspec.Struct, frozen=True):
    """What every signed message says of itself."""

    agent_id: str = msgspec.field(name="agent-id")
    business_id: str = msgspec.field(name="business-id")
    issued_at: datetime = msgspec.field(name="issued-at")
    expires_at: datetime = msgspec.field(name="expires-at")
    version: str = msgspec.field(name="drp.version")


class TokenRequest(Message, frozen=True, kw_only=True):
    """A request for a bearer token. What asks for anything in a person's name is none."""

    exercise: msgspec.UnsetType = msgspec.UNSET


class Exercise(Message, frozen=True, kw_only=True):
    """A request to exercise a right, as far as we look at it."""

    exercise: Annotated[str, msgspec.Meta(max_length=40)]
    agent_request_id: Annotated[str, msgspec.Meta(max_length=200)] = msgspec.field(name="agent-request-id", default="")
    status_callback: Annotated[str, msgspec.Meta(max_length=1000)] = ""
    phone_number: str = ""


@dataclass(frozen=True)
class AgentRequestPage:
    """A request as the page behind its texted link shows it."""

    id: uuid.UUID
    line_id: int
    agent: str


def verify_message[M: Message](*, body: bytes, agent: AuthorizedAgent, shape: type[M], at: datetime) -> M:
    """Check a signed message in the protocol's own order, and return what it says. Raises MessageRefused."""
    plain = verify_signature(body=body, agent=agent)
    try:
        message = decode_json(plain, msgspec.json.Decoder(shape))
    except Unreadable as error:
        raise MessageRefused("The signed text is not the JSON object that it should be.") from error
    if message.agent_id != agent.pk:
        raise MessageRefused("agent-id is not the agent that signed.")
    if message.business_id != settings.DRP_BUSINESS_ID:
        raise MessageRefused("business-id is not ours.")
    if message.version != VERSION:
        raise MessageRefused(f"drp.version is not {VERSION}.")
    _check_times(message, at)
    return message


def _check_times(message: Message, at: datetime) -> None:
    if message.issued_at.tzinfo is None or message.expires_at.tzinfo is None:
        raise MessageRefused("issued-at and expires-at need a time zone.")
    if message.issued_at > at + SKEW or message.expires_at > message.issued_at + LONGEST_VALID:
        raise MessageRefused("issued-at is still to come, or expires-at is more than an hour after it.")
    if message.expires_at <= max(at, message.issued_at):
        raise MessageRefused("expires-at has passed, or is not after issued-at.")


def verify_signature(*, body: bytes, agent: AuthorizedAgent) -> bytes:
    """Return what stands behind the Ed25519 signature in front of it, base64 around both. Raises MessageRefused."""
    try:
        combined = b64decode(body.strip(), validate=True)
        key = Ed25519PublicKey.from_public_bytes(bytes(agent.verify_key))
        key.verify(combined[:SIGNATURE_BYTES], combined[SIGNATURE_BYTES:])
    except (Error, ValueError, InvalidSignature) as error:
        raise MessageRefused("The body is not base64 of a signature of yours and a text.") from error
    return combined[SIGNATURE_BYTES:]


def agent_of(*, token: str) -> AuthorizedAgent | None:
    """Return the agent that was given this bearer token last, while it may ask."""
    return AuthorizedAgent.objects.filter(token_hash=token_hash(token=token), ended_at__isnull=True).first()


def agent_to_check(*, agent_id: str) -> AuthorizedAgent:
    """Return the agent of this name, while it may ask; else one whose signature nobody can make.

    So a signature is checked either way, and neither the answer nor its time tells a stranger which agents there are.
    """
    return AuthorizedAgent.objects.filter(pk=agent_id, ended_at__isnull=True).first() or NOBODY


def status_of(*, request: AgentRequest, at: datetime) -> dict[str, str]:
    """Return how a request stands, as its agent is told. The same for a number that is no line of ours.

    One that nobody answered in time is over from its last moment on, whenever that is written down.
    """
    status, reason = AgentRequest.Status(request.status), request.reason
    if status == AgentRequest.Status.IN_PROGRESS and request.expires_at <= at:
        status, reason = AgentRequest.Status.DENIED, AgentRequest.Reason.INSUF_VERIFICATION
    told = {
        "request_id": str(request.pk),
        "status": str(status),
        "received_at": _instant(request.received_at),
        "expected_by": _instant(request.expires_at),
        "expires_at": _instant(request.expires_at),
    }
    if reason:
        told["reason"] = str(reason)
        told["processing_details"] = DETAILS[AgentRequest.Reason(reason)]
    if status == AgentRequest.Status.IN_PROGRESS:
        told["user_verification_url"] = f"{settings.BASE_URL}{reverse('agent-request', args=[request.pk])}"
    if request.agent_request_id:
        told["agent_request_id"] = request.agent_request_id
    return told


def find_linked_request(*, token: str, at: datetime) -> AgentRequestPage | None:
    """Return the open request that a texted link asks about; None for one that is answered, over or made up."""
    found = AgentRequest.objects.select_related("agent").filter(
        token_hash=token_hash(token=token), status=AgentRequest.Status.IN_PROGRESS, expires_at__gt=at
    )
    request = found.filter(agent__ended_at__isnull=True).first()
    if request is None or request.line_id is None:
        return None
    return AgentRequestPage(request.pk, request.line_id, request.agent.name)


def is_answered_by_link(*, token: str, link: str) -> bool:
    """Return whether the request of this texted link was answered with the stop that this progress link shows."""
    shown = ProgressLink.objects.filter(token_hash=token_hash(token=link)).first()
    answered = AgentRequest.objects.filter(token_hash=token_hash(token=token))
    return shown is not None and answered.filter(line_id=shown.line_id, choice_id=shown.choice_id).exists()


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
