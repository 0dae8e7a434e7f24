"""Reply to many people whom the same incident hit, and keep the saved replies that officers write."""

import uuid
from collections.abc import Collection
from datetime import datetime, timedelta
from itertools import chain

from django.contrib.humanize.templatetags.humanize import intcomma
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext as _

import audit.actions
from accounts.models import User
from accounts.policies.permissions import StaffAction, actor_of
from accounts.primitives.reasons import NoReason, has_visible_text
from accounts.queries import acting_staff
from audit.models import Incident
from support.actions.queue import record_search
from support.models import BulkReply, SavedReply, Ticket
from support.policies.lifecycle import NotNow
from support.policies.reply_variables import BadVariable, fill_variables, find_unknown
from support.queries.writing import (
    Answers,
    Recipients,
    canned_list,
    hit_by,
    left_open,
    list_canned_replies,
    list_recipients,
    values_of,
)

# How the audit log calls a search among them.
SAVED_REPLIES = "Saved replies"
# So long it can be taken back.
TAKES_BACK = timedelta(minutes=1)
# Longer lists are answered in parts.
MOST = 20_000


@transaction.atomic
def begin_reply(
    *, incident_id: int, kinds: Collection[str], language: str, body: str, actor: str, at: datetime
) -> BulkReply:
    """Answer everybody with an open case whom this incident hit, a minute from now. Nothing is sent before.

    `kinds`, `language`: of these cases only; empty: of all. Its variables are filled in for each as it goes out. Raises
    StaffOnly, NoReason without an answer, BadVariable, and NotNow where it would reach nobody, too many at once, or
    somebody whom another answer about this incident is about to reach.
    """
    name = acting_staff(actor=actor, action=StaffAction.WORK_TICKETS)
    # One after the other: an answer that is begun twice would go out although one of the two was taken back.
    Incident.objects.select_for_update().filter(pk=incident_id).first()
    found = hit_by(incident_id=incident_id, kinds=kinds, language=language, at=at).order_by("id")
    ticket_ids = _check_reply(incident_id, body, found, at)
    reply = BulkReply.objects.create(
        id=uuid.uuid4(), incident_id=incident_id, body=body.strip(), by=name, at=at, begins_at=at + TAKES_BACK,
        ticket_ids=ticket_ids,
    )  # fmt: skip
    audit.actions.record(
        action="reply.begun", actor=name, target=f"reply:{reply.id}", at=at,
        detail={"incident": incident_id, "cases": len(ticket_ids)},
    )  # fmt: skip
    return reply


def preview_reply(
    *, incident_id: int, kinds: Collection[str], language: str, body: str, user: User, at: datetime
) -> Recipients:
    """Return whom `begin_reply` would answer, and with which words. Raises what it raises; nothing is sent."""
    acting_staff(actor=actor_of(user), action=StaffAction.WORK_TICKETS)
    found = hit_by(incident_id=incident_id, kinds=kinds, language=language, at=at).order_by("id")
    _check_reply(incident_id, body, found, at)
    handed_up = hit_by(incident_id=incident_id, kinds=kinds, language=language, escalated=True, at=at)
    words = fill_variables(body=body.strip(), values=values_of(ticket=found[0], at=at))
    return list_recipients(tickets=found, escalated=handed_up.count(), words=words, user_id=user.pk, at=at)


@transaction.atomic
def undo_reply(*, reply_id: uuid.UUID, actor: str, at: datetime) -> None:
    """Take a reply back before it begins. Raises StaffOnly, also for one of somebody else's, and NotNow."""
    name = acting_staff(actor=actor, action=StaffAction.WORK_TICKETS)
    reply = BulkReply.objects.select_for_update().filter(pk=reply_id).first()
    if reply is None:
        raise NotNow(_("There is no such reply."))
    if reply.by != name:
        acting_staff(actor=actor, action=StaffAction.LEAD_DESK)
    if reply.undone_at is not None:
        raise NotNow(_("It was already taken back."))
    if at >= reply.begins_at or reply.answered or reply.skipped:
        raise NotNow(_("Sending has begun. Messages that were sent can't be taken back."))
    reply.undone_at = at
    reply.save(update_fields=["undone_at"])
    audit.actions.record(
        action="reply.undone", actor=name, target=f"reply:{reply.id}", at=at, detail={"incident": reply.incident_id}
    )


def _check_reply(incident_id: int, body: str, found: QuerySet[Ticket], at: datetime) -> list[int]:
    """Look whether these words can be sent in all of these cases, and return the cases.

    Raises NoReason, BadVariable, NotNow.
    """
    if not has_visible_text(body):
        raise NoReason(_("Write the answer."))
    if left := left_open(body=body):
        raise BadVariable(_("Fill in “%(left)s”, or take it out.") % {"left": left})
    ticket_ids = list(found.values_list("pk", flat=True)[: MOST + 1])
    if not ticket_ids:
        raise NotNow(_("It affected no one with an open case."))
    if _has_pending_reply(incident_id, ticket_ids):
        raise NotNow(_("An answer to some of them is about to be sent. Wait until it is sent, or take it back."))
    if len(ticket_ids) > MOST:
        raise NotNow(_("There are more than %(n)s. Choose kinds of cases, or a language.") % {"n": intcomma(MOST)})
    _check_variables(body.strip(), found, at)
    return ticket_ids


def _has_pending_reply(incident_id: int, ticket_ids: Collection[int]) -> bool:
    """Return whether a reply about this incident that is not sent yet reaches one of these."""
    waiting = BulkReply.objects.filter(incident_id=incident_id, finished_at__isnull=True, undone_at__isnull=True)
    return any(not set(ticket_ids).isdisjoint(one.ticket_ids[one.answered + one.skipped :]) for one in waiting)


def _check_variables(body: str, found: QuerySet[Ticket], at: datetime) -> None:
    """Look whether there is something for every variable in every case. Raises BadVariable.

    All cases have the same, but for two: a case that waits for its person or is overdue has no date of an answer, and
    those that are about no company are looked at one by one, up to the first.
    """
    undated = found.filter(Q(state=Ticket.State.WAITING) | Q(due_at__lte=at))
    unlike = {"{due}": undated[:1], "{company}": found.filter(party_id__isnull=True)}
    for ticket in (*found[:1], *chain.from_iterable(rows for name, rows in unlike.items() if name in body)):
        try:
            fill_variables(body=body, values=values_of(ticket=ticket, at=at))
        except BadVariable as error:
            raise BadVariable(f"{ticket.code}: {error}") from error


@transaction.atomic
def write_reply(*, key: str, language: str, title: str, body: str, actor: str, at: datetime) -> SavedReply:
    """Write one, or other words in place of those of before. Raises StaffOnly, BadVariable."""
    name = acting_staff(actor=actor, action=StaffAction.CHANGE_REPLIES)
    if unknown := find_unknown(body=body):
        raise BadVariable(unknown[0])
    kept = SavedReply.objects.select_for_update().filter(key=key, language=language).values("title", "body").first()
    words = {"title": title, "body": body}
    defaults = {**words, "changed_at": at, "retired_at": None}
    reply, _made = SavedReply.objects.update_or_create(key=key, language=language, defaults=defaults)
    changes = audit.actions.describe_changes(was=kept or {}, now=words)
    audit.actions.record(action="reply.written", actor=name, target=f"canned:{reply.pk}", at=at, detail=changes)
    return reply


def search_replies(*, words: str, language: str = "", actor: str, at: datetime) -> list[Answers]:
    """Find the saved replies with these words, and write down that somebody searched.

    `language`: only those that an answer in this language is offered, each once. Raises StaffOnly.
    """
    name = acting_staff(actor=actor, action=StaffAction.SEE_TICKETS)
    if language:
        found = [Answers(one.key, [one], []) for one in list_canned_replies(language=language, words=words)]
    else:
        found = canned_list(words=words)
    record_search(where=SAVED_REPLIES, criteria={}, actor=name, at=at, found=len(found))
    return found


def take_reply(*, offered: Collection[SavedReply], chosen: str) -> str:
    """Take one of these for an answer, by its id, and count that. Returns its words; "" where it is none of them."""
    reply = next((one for one in offered if str(one.pk) == chosen), None)
    if reply is None:
        return ""
    SavedReply.objects.filter(pk=reply.pk).update(used=F("used") + 1)
    return reply.body


@transaction.atomic
def retire_reply(*, reply_id: int, retires: bool, actor: str, at: datetime) -> None:
    """Take one out of use, or bring it back. What was answered with it stays.

    Raises StaffOnly, and NotNow where there is none, or that is so already.
    """
    name = acting_staff(actor=actor, action=StaffAction.CHANGE_REPLIES)
    reply = SavedReply.objects.select_for_update().filter(pk=reply_id).first()
    if reply is None:
        raise NotNow(_("There is no such answer."))
    if retires == (reply.retired_at is not None):
        raise NotNow(_("It is already retired.") if retires else _("It is already in use."))
    reply.retired_at = at if retires else None
    reply.save(update_fields=["retired_at"])
    act = "reply.retired" if retires else "reply.brought_back"
    audit.actions.record(action=act, actor=name, target=f"canned:{reply.pk}", at=at)
