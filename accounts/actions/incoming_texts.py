"""What a phone texts us: each text is acted on once; whether news may come by text."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Max
from django.utils import translation

import audit.actions
from accounts.actions.sms_outbox import enqueue_text
from accounts.domain.message_templates import alerts_off_text, language_of
from accounts.models import AlertChoice, Line, LineReminder, LineTexts, Message, TextTaken
from accounts.policies import alerts, delegations
from accounts.primitives.sealing import compute_hmac

HOUR = timedelta(hours=1)
ANSWERS_AN_HOUR = 6
ALERTS_OFF = "alerts:off"
TEN_MINUTES = timedelta(minutes=10)


@transaction.atomic
def claim_text(*, text_id: str, at: datetime) -> bool:
    """Return whether this text is new: for the same id once, ever. Undone with the transaction that acts on it."""
    _, is_new = TextTaken.objects.get_or_create(
        id_hash=compute_hmac("text-id", text_id.encode()), defaults={"taken_at": at}
    )
    return is_new


def may_answer(*, line_id: int, at: datetime) -> bool:
    """Return whether a line may be sent one more answer to a text: two machines that answer each other must stop."""
    answers = Message.objects.filter(line_id=line_id, kind=Message.Kind.REPLY, made_at__gt=at - HOUR)
    return answers.count() < ANSWERS_AN_HOUR


@transaction.atomic
def refuse_texts(*, line_id: int, at: datetime, actor: str = "") -> None:
    """Send the line no news by text. `actor`: who said so; by text, the line itself.

    Where news goes to another number, that is told: whoever had the phone in hand for a minute could end it there.
    """
    _, is_new = LineTexts.objects.get_or_create(line_id=line_id, defaults={"off_since": at})
    if is_new:
        _warn_safe_number(line_id, at)
        _record_event("texts_off", line_id, actor, at)


@transaction.atomic
def allow_texts(*, line_id: int, at: datetime, actor: str = "") -> None:
    """Send the line news by text again."""
    gone, _ = LineTexts.objects.filter(line_id=line_id).delete()
    if gone:
        _record_event("texts_on", line_id, actor, at)


@transaction.atomic
def refuse_reminders(*, line_id: int, actor: str, at: datetime) -> None:
    """Send the line no reminders of what is still on."""
    kept, _ = LineReminder.objects.get_or_create(line_id=line_id)
    if LineReminder.objects.filter(pk=kept.pk, off_since__isnull=True).update(off_since=at):
        _record_event("reminders_off", line_id, actor, at)


@transaction.atomic
def allow_reminders(*, line_id: int, actor: str, at: datetime) -> None:
    """Send the line reminders again."""
    if LineReminder.objects.filter(pk=line_id, off_since__isnull=False).update(off_since=None):
        _record_event("reminders_on", line_id, actor, at)


@transaction.atomic
def choose_texts(*, line_id: int, wanted: Mapping[str, bool], actor: str, at: datetime) -> None:
    """Which texts the line's person wants from now on: `news` at all, `reminders`, and each topic of `AlertChoice`.

    What they must know is texted whatever they say here. A safe number is told of each topic that is turned off, too.
    """
    (allow_texts if wanted["news"] else refuse_texts)(line_id=line_id, actor=actor, at=at)
    (allow_reminders if wanted["reminders"] else refuse_reminders)(line_id=line_id, actor=actor, at=at)
    changed = _choose_topics(line_id, wanted, at)
    if changed:
        _record_event("alerts_chosen", line_id, actor, at)
    if wanted["news"] and not all(wanted[topic] for topic in changed):
        _warn_safe_number(line_id, at)


def _choose_topics(line_id: int, wanted: Mapping[str, bool], at: datetime) -> list[str]:
    """Keep the choice of each topic that changed, and return those topics."""
    before = alerts.find_alert_choices(line_id=line_id)
    changed = [topic for topic, was in before.items() if wanted[topic] != was]
    for topic in changed:
        AlertChoice.objects.update_or_create(
            line_id=line_id, topic=topic, defaults={"wanted": wanted[topic], "chosen_at": at}
        )
    return changed


def _warn_safe_number(line_id: int, at: datetime) -> None:
    """Tell it once in ten minutes, however often alerts go off and on; of the last time, too, when these are over."""
    contact = delegations.contact_of(line_id=line_id)
    told = Message.objects.filter(line_id=line_id, contact=contact, about=ALERTS_OFF, expires_at__gt=at)
    if contact is None or told.filter(taken_at__isnull=True).exists():
        return
    last = told.aggregate(at=Max("taken_at"))["at"]
    enqueue_text(
        line_id=line_id, kind=Message.Kind.CONTACT, words=_say_alerts_off, at=at, about=ALERTS_OFF,
        after=last + TEN_MINUTES if last else at,
    )  # fmt: skip


def _say_alerts_off(line: Line) -> str:
    with translation.override(language_of(line)):
        return alerts_off_text()


def _record_event(what: str, line_id: int, actor: str, at: datetime) -> None:
    audit.actions.record(
        action=f"line.{what}", actor=actor or f"line:{line_id}", target=f"line:{line_id}", line_id=line_id, at=at
    )
