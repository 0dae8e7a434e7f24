"""Invite a trusted helper to a line, answer and end that; and invite the adult who uses an account's line.

A line's user asks for a helper until a day, and either of them ends it at any time. The holder of an account who
invites the user of one of its lines to sign in learns nothing by it.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import F, Q
from django.utils import translation

import audit.actions
from accounts import queries
from accounts.actions.sms_outbox import LASTS, enqueue_text
from accounts.domain import message_templates
from accounts.models import Delegation, Line, LineUser, Message, User
from accounts.policies import delegations
from accounts.policies.permissions import Action
from accounts.primitives.sealing import number_hash, seal
from audit.models import AuditEvent

# Beside those who look after it already: nobody's phone is made ring by many lines, nor many phones by one line.
WAITING_AT_MOST = 5
# Ended or not: who asks and ends and asks again has nobody texted more often.
ASKED_A_DAY, ONE_NUMBER_A_DAY, DAY = 5, 2, timedelta(days=1)


class NotDelegated(Exception):
    """There is nothing of that id to take on or to end, or it is over. `reason` is a word of its own."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@transaction.atomic
def delegate(*, line_id: int, user: User, msisdn: str, may: str, ends_at: datetime, at: datetime) -> UUID:
    """Ask whoever has a number to look after a line until a moment, a year from now at most.

    Only a number that is a line with us is texted, and nothing tells which that is, nor whom other lines ask. Raises
    NotDelegated where the number is the line's own, was asked already, or many wait for an answer or were asked within
    a day; and where this person may not ask any more once it is their turn.
    """
    line = _lock_line(line_id, user, at)
    _close_expired(line_id, at)
    mark = number_hash(msisdn)
    theirs = queries.line_of_number(msisdn=msisdn, at=at)
    standing = Delegation.objects.filter(line=line, ended_at__isnull=True)
    if theirs == line:
        raise NotDelegated("own")
    if standing.filter(asked_hash=mark).exists():
        raise NotDelegated("asked")
    if standing.filter(user__isnull=True).count() >= WAITING_AT_MOST or _exceeds_request_limit(line_id, mark, at):
        raise NotDelegated("many")
    is_texted = theirs is not None and not _exceeds_text_limit(mark, at)
    made = Delegation.objects.create(
        id=uuid4(), line=line, by=user, asked_hash=mark, asked_sealed=seal(msisdn), may=may, asked_at=at,
        ends_at=ends_at,
    )  # fmt: skip
    _record_event("asked", made, f"subscriber:{user.pk}", at)
    if theirs is not None and is_texted:
        _notify_line(theirs, message_templates.delegate_invitation_text, at)
    _notify_line(line, message_templates.delegation_notice_text, at)
    return made.pk


def _lock_line(line_id: int, user: User, at: datetime) -> Line:
    line = Line.objects.select_for_update(of=("self",), no_key=True).get(pk=line_id)
    if not queries.may_still(user=user, line_id=line_id, action=Action.DELEGATE, at=at):
        raise NotDelegated("not_permitted")
    return line


@transaction.atomic
def answer_delegation(*, delegation_id: UUID, user: User, line_id: int, answer: str, at: datetime) -> None:
    """Take what whoever signs in by this line says to what it was asked: "yes", "no", or later "end". Twice is once.

    Raises NotDelegated. The line's person is told of each.
    """
    if answer not in {"yes", "no", "end"}:
        raise NotDelegated("answer")
    # What ends that line, or gives it another number, was before this or waits for it.
    Line.objects.select_for_update(of=("self",), no_key=True).get(pk=line_id)
    waiting = Q(user__isnull=True, pk__in=[one.pk for one in delegations.list_open_requests(line_id=line_id, at=at)])
    try:
        if answer == "yes":
            _accept_delegation(_lock_delegation(delegation_id, waiting), user, line_id, at)
        else:
            wanted = waiting if answer == "no" else Q(user=user)
            _end(_lock_delegation(delegation_id, wanted), f"delegate:{user.pk}", at)
    except NotDelegated:
        # Looked for once the row was locked: the other press may have been under way.
        if not _has_answered(delegation_id, user, answer, at):
            raise


@transaction.atomic
def end_delegation(*, delegation_id: UUID, line_id: int, user: User, at: datetime) -> None:
    """End a delegation for the line's user, taken on or not, at once. Twice is once. Raises NotDelegated."""
    try:
        _end(_lock_delegation(delegation_id, Q(line=line_id)), f"subscriber:{user.pk}", at)
    except NotDelegated:
        if not Delegation.objects.filter(pk=delegation_id, line=line_id, ended_at__isnull=False).exists():
            raise


def end_tenure_delegations(*, user_id: int, line_id: int, at: datetime) -> None:
    """End what a tenure's person looked after, and who looked after its line; within the transaction that ends it."""
    over = Delegation.objects.filter(Q(user=user_id) | Q(line=line_id), ended_at__isnull=True)
    over.update(ended_at=at)


def _has_answered(delegation_id: UUID, user: User, answer: str, at: datetime) -> bool:
    """Whether this very person has said so before: in another tab, or by pressing twice."""
    if answer == "yes":
        taken = Delegation.objects.filter(pk=delegation_id, user=user, ended_at__isnull=True, ends_at__gt=at)
        return taken.exists()
    was = {"action": "delegate.ended", "actor": f"delegate:{user.pk}", "target": f"delegation:{delegation_id}"}
    return AuditEvent.objects.filter(**was).exists()


def _accept_delegation(asked: Delegation, user: User, line_id: int, at: datetime) -> None:
    lines = LineUser.objects.filter(user=user)
    is_over = not lines.filter(line=line_id, until__isnull=True).exists()
    if is_over or lines.filter(line=asked.line_id).exists():
        raise NotDelegated("over")
    asked.user, asked.taken_at = user, at
    asked.save(update_fields=["user", "taken_at"])
    _record_event("taken_on", asked, f"delegate:{user.pk}", at)
    _notify_line(asked.line, message_templates.delegate_began_text, at)


def _exceeds_request_limit(line_id: int, mark: bytes, at: datetime) -> bool:
    lately = Delegation.objects.filter(line=line_id, asked_at__gt=at - DAY)
    return lately.count() >= ASKED_A_DAY or lately.filter(asked_hash=mark).count() >= ONE_NUMBER_A_DAY


def _exceeds_text_limit(mark: bytes, at: datetime) -> bool:
    """Whoever asks learns nothing of it: what they asked waits on the other's pages as always."""
    lately = Delegation.objects.filter(asked_hash=mark, asked_at__gt=at - DAY)
    return lately.count() >= ONE_NUMBER_A_DAY


def _lock_delegation(delegation_id: UUID, wanted: Q) -> Delegation:
    standing = Delegation.objects.select_for_update(of=("self",)).select_related("line")
    found = standing.filter(wanted, pk=delegation_id, ended_at__isnull=True).first()
    if found is None:
        raise NotDelegated("over")
    return found


def _end(delegation: Delegation, actor: str, at: datetime) -> None:
    delegation.ended_at = at
    delegation.save(update_fields=["ended_at"])
    _record_event("ended", delegation, actor, at)
    _notify_line(delegation.line, message_templates.delegate_ended_text, at)


def _close_expired(line_id: int, at: datetime) -> None:
    standing = Delegation.objects.filter(line_id=line_id, ended_at__isnull=True)
    standing.filter(ends_at__lte=at).update(ended_at=F("ends_at"))
    standing.filter(user__isnull=True, asked_at__lte=at - delegations.ASKED_FOR).update(ended_at=at)


def _record_event(what: str, delegation: Delegation, actor: str, at: datetime) -> None:
    audit.actions.record(
        action=f"delegate.{what}",
        actor=actor,
        target=f"delegation:{delegation.pk}",
        line_id=delegation.line_id,
        at=at,
        detail={"may": delegation.may},
    )


def _notify_line(line: Line, words: Callable[[], str], at: datetime) -> None:
    with translation.override(message_templates.language_of(line)):
        enqueue_text(line_id=line.pk, kind=Message.Kind.DELEGATE, words=words(), at=at)


@transaction.atomic
def invite_line_user(*, line_id: int, account_id: int, user: User, at: datetime) -> None:
    """Text the line's phone an invitation, once a week at most. It opens nothing by itself.

    Does nothing, and says nothing, where one went out lately, where the line's person wants none, and for a line that
    is no longer on the account: whoever invites is shown the same whatever happens.
    """
    line = Line.objects.select_for_update(of=("self",), no_key=True).filter(pk=line_id, account=account_id).first()
    since = at - LASTS[Message.Kind.INVITED]
    if line is None or Message.objects.filter(line=line, kind=Message.Kind.INVITED, made_at__gt=since).exists():
        return
    audit.actions.record(
        action="line.invited", actor=f"holder:{user.pk}", target=f"line:{line.pk}", line_id=line.pk, at=at
    )
    with translation.override(message_templates.language_of(line)):
        enqueue_text(line_id=line.pk, kind=Message.Kind.INVITED, words=message_templates.invited_text(), at=at)
