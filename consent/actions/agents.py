"""Authorised agents: they ask for a stop; the person says from the phone whether it is theirs; then it is done."""

import hashlib
import secrets
import uuid
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import translation
from django.utils.translation import pgettext

import accounts.queries
import audit.actions
from accounts.actions import sms_outbox
from accounts.domain.message_templates import language_of
from accounts.models import Line, Message
from accounts.primitives.numbers import NotANumber, normalise_number
from accounts.primitives.sealing import number_hash, token_hash
from consent.actions.without_account import stop_all_by_line
from consent.domain import agents
from consent.domain.agents import Exercise
from consent.domain.conflicts import retry_on_conflict
from consent.domain.notices import DisplayedNotice
from consent.models import ProgressLink
from partners.clients import http
from partners.models import AgentRequest, AuthorizedAgent

Status, Reason = AgentRequest.Status, AgentRequest.Reason
DAY = timedelta(days=1)
# By one agent, and by all of them: no agent alone can keep another from asking.
A_DAY_FOR_A_NUMBER, A_DAY_OVER_ALL = 3, 9
# Denied without asking anybody. What the person said no to counts: they were texted.
AT_THE_DOOR = (Reason.CLAIM_NOT_COVERED, Reason.NO_MATCH, Reason.TOO_MANY_REQUESTS)


class NotOpenRequest(Exception):
    """There is no open request behind this link, or under this id."""


def issue_token(*, agent_id: str, asked_at: datetime) -> str:
    """Give an agent that signed for it at `asked_at` a new bearer token; the one before ends.

    A message that was used, or is older than the last one used, gives none: raises agents.MessageRefused.
    """
    token = secrets.token_urlsafe(32)
    known = AuthorizedAgent.objects.filter(pk=agent_id).exclude(token_asked_at__gte=asked_at)
    if not known.update(token_hash=token_hash(token=token), token_asked_at=asked_at):
        raise agents.MessageRefused("This message, or a later one, was used before.")
    return token


@transaction.atomic
def receive_request(*, agent: AuthorizedAgent, message: Exercise, body: bytes, at: datetime) -> AgentRequest:
    """Write a request down, and have its person asked by text. The same message again is the same request.

    A number that is no line of ours is treated alike, but for the text. Raises agents.MessageRefused.
    """
    _lock_agent(agent, message)
    digest = hashlib.sha256(body.strip()).digest()
    known = AgentRequest.objects.filter(agent=agent, digest=digest).first()
    if known is not None:
        return known
    msisdn = _number(message.phone_number)
    denied = _find_denial_reason(agent, message, msisdn, at)
    line = accounts.queries.line_of_number(msisdn=msisdn, at=at) if msisdn and not denied else None
    token = secrets.token_urlsafe(16)
    made = AgentRequest.objects.create(
        id=uuid.uuid4(), agent=agent, agent_request_id=message.agent_request_id, digest=digest,
        line_id=line.pk if line else None, number_hash=number_hash(msisdn), exercise=message.exercise,
        token_hash=token_hash(token=token), callback=message.status_callback, received_at=at,
        expires_at=at + agents.LASTS, **_get_initial_status(denied, at),
    )  # fmt: skip
    if line is not None:
        _ask(line, token, at)
        _record_event("asked", made, f"authorized:{agent.pk}", at)
    return made


def _lock_agent(agent: AuthorizedAgent, message: Exercise) -> None:
    """Raises agents.MessageRefused for a callback that is not the agent's, and where the agent may ask no more."""
    if message.status_callback and http.find_url_refusal(url=message.status_callback, hosts=agent.hosts):
        raise agents.MessageRefused("status_callback must be https, on a host that was registered for you.")
    if AuthorizedAgent.objects.select_for_update().get(pk=agent.pk).ended_at is not None:
        raise agents.MessageRefused("This agent may ask for nobody any more.")


def _get_initial_status(denied: str, at: datetime) -> dict[str, Any]:
    """How a request begins: denied for that reason, or until its person has answered."""
    if denied:
        return {"status": Status.DENIED, "reason": denied, "closed_at": at}
    return {"status": Status.IN_PROGRESS, "reason": Reason.NEED_USER_VERIFICATION}


@transaction.atomic
def revoke_request(*, agent: AuthorizedAgent, request_id: uuid.UUID, at: datetime) -> AgentRequest:
    """Take back a request that is still open. A stop that the person confirmed stays. Raises NotOpenRequest."""
    request = _open(at, pk=request_id, agent=agent)
    _close(request, Status.REVOKED, "", at)
    _record_event("revoked", request, f"authorized:{agent.pk}", at)
    return request


def answer_request(*, token: str, theirs: bool, notice: DisplayedNotice | None, at: datetime) -> str:
    """Record what the person says from the phone: whether an agent acts for them. If so, stop everything at once.

    Returns the token of the stop's progress link, "" where the request was not theirs. Raises NotOpenRequest.
    """
    return _confirm(token, notice, at) if theirs else _refuse(token, at)


@retry_on_conflict
@transaction.atomic
def _confirm(token: str, notice: DisplayedNotice | None, at: datetime) -> str:
    request = _open(at, token_hash=token_hash(token=token), line_id__isnull=False)
    line_id = request.line_id or 0
    link = stop_all_by_line(line_id=line_id, notice=notice, at=at)
    request.choice_id = ProgressLink.objects.get(token_hash=token_hash(token=link)).choice_id
    _close(request, Status.FULFILLED, "", at)
    _record_event("confirmed", request, f"line:{line_id}", at)
    return link


@transaction.atomic
def _refuse(token: str, at: datetime) -> str:
    request = _open(at, token_hash=token_hash(token=token), line_id__isnull=False)
    _close(request, Status.DENIED, Reason.SUSPECTED_FRAUD, at)
    _record_event("refused", request, f"line:{request.line_id}", at)
    return ""


def _number(given: str) -> str:
    try:
        return normalise_number(given) if given else ""
    except NotANumber:
        return ""


def _find_denial_reason(agent: AuthorizedAgent, message: Exercise, msisdn: str, at: datetime) -> str:
    """Why it is denied without asking anybody; "" where it is not. Looks at nothing but what agents sent."""
    if message.exercise not in agents.OPT_OUT:
        return Reason.CLAIM_NOT_COVERED
    if not msisdn:
        return Reason.NO_MATCH
    asked = AgentRequest.objects.filter(number_hash=number_hash(msisdn), received_at__gt=at - DAY)
    by = list(asked.exclude(reason__in=AT_THE_DOOR).values_list("agent_id", flat=True))
    often = by.count(agent.pk) >= A_DAY_FOR_A_NUMBER or len(by) >= A_DAY_OVER_ALL
    return Reason.TOO_MANY_REQUESTS if often else ""


def _ask(line: Line, token: str, at: datetime) -> None:
    with translation.override(language_of(line)):
        words = pgettext(
            "text message",
            "someone asks us, in your name, to STOP sharing this phone's location. If that's right, "
            "confirm it here: %(url)s If not, you don't have to do anything.",
        ) % {"url": f"{settings.BASE_URL}{reverse('agent-asked', args=[token])}"}
    sms_outbox.enqueue_text(line_id=line.pk, kind=Message.Kind.AGENT, words=words, at=at)


def _open(at: datetime, **which: object) -> AgentRequest:
    found = AgentRequest.objects.select_for_update(of=("self",)).select_related("agent").filter(**which)
    request = found.filter(status=Status.IN_PROGRESS, expires_at__gt=at, agent__ended_at__isnull=True).first()
    if request is None:
        raise NotOpenRequest
    return request


def _close(request: AgentRequest, status: AgentRequest.Status, reason: str, at: datetime) -> None:
    request.status, request.reason, request.closed_at = status, reason, at
    request.notify_at = at if request.callback else None
    request.save(update_fields=["status", "reason", "closed_at", "notify_at", "choice_id"])


def _record_event(what: str, request: AgentRequest, actor: str, at: datetime) -> None:
    if request.line_id is not None:
        audit.actions.record(
            action=f"agent.{what}", actor=actor, target=f"agent_request:{request.pk}", line_id=request.line_id, at=at,
            detail={"agent": request.agent.name},
        )  # fmt: skip
