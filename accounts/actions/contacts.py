"""Where news about a line goes instead of its phone: a number of the line user's own, proved by a code.

While a new number holds the line, a code sent there shows who is here (docs/decisions/0075).
"""

import secrets
from collections.abc import Collection
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Sum
from django.utils import translation

import audit.actions
from accounts import queries
from accounts.actions.codes import choose_code_to_send, use_code
from accounts.actions.sms_outbox import enqueue_text
from accounts.clients import texts
from accounts.domain import auth_factors, message_templates
from accounts.models import Line, Message, SafeContact, TextedCode, User
from accounts.policies import delegations
from accounts.primitives.numbers import read_code
from accounts.primitives.sealing import seal, unseal

DIGITS = 6
# So many numbers are texted a code for one line within a day.
ASKS_A_DAY = 5
# So often the safe contact is texted a code to read by within a day: whoever has the line's phone may ask for one.
READING_TEXTS_A_DAY = 5
DAY = timedelta(days=1)
READ = TextedCode.Purpose.READ


def request_contact(*, line_id: int, msisdn: str, at: datetime) -> bool:
    """Text a code to the number that is to be the safe contact. Nothing changes until it is typed.

    Returns whether one was texted: not where that was asked too often. Call outside a transaction.
    """
    code = _begin_contact(line_id, msisdn, at)
    if code:
        with translation.override(message_templates.language_of(Line.objects.get(pk=line_id))):
            texts.send_text(msisdn=msisdn, text=message_templates.contact_code_text(code=code), code=code)
    return bool(code)


@transaction.atomic
def prove_contact(*, line_id: int, user: User, typed: str, at: datetime) -> bool:
    """Send news to the number whose code was typed, from now on. Returns whether it fits.

    Where news went until now is told that it changed, and not to what; on the first day it goes there as well.
    """
    Line.objects.select_for_update(of=("self",), no_key=True).get(pk=line_id)
    waiting = delegations.get_pending_contact(line_id=line_id, at=at)
    if waiting is None:
        return False
    if not secrets.compare_digest(unseal(waiting.code_sealed).encode(), read_code(typed).encode()):
        waiting.tries_left -= 1
        waiting.save(update_fields=["tries_left"])
        return False
    _notify_line(line_id, at)
    SafeContact.objects.filter(line_id=line_id, proved_at__isnull=False, ended_at__isnull=True).update(ended_at=at)
    waiting.proved_at = at
    waiting.code_sealed = b""
    waiting.save(update_fields=["proved_at", "code_sealed"])
    _record_event("contact_set", line_id, user, at)
    return True


@transaction.atomic
def remove_contact(*, line_id: int, user: User, at: datetime) -> bool:
    """News goes to the phone again. The number it went to is told. Returns whether there was one."""
    Line.objects.select_for_update(of=("self",), no_key=True).get(pk=line_id)
    SafeContact.objects.filter(line_id=line_id, proved_at__isnull=True, ended_at__isnull=True).update(ended_at=at)
    if delegations.contact_of(line_id=line_id) is None:
        return False
    _notify_line(line_id, at)
    end_contacts(line_ids=[line_id], at=at)
    _record_event("contact_removed", line_id, user, at)
    return True


def text_reading_code(*, line_id: int, asker: str, network: str, at: datetime) -> None:
    """Text a code to read by to the safe contact from before a new number held the line. Tells nobody whether it did.

    Nothing is sent where there is none that counts, or where enough were sent today. Call outside a transaction.
    """
    line = Line.objects.get(pk=line_id)
    contact = _contact_that_shows(line, at)
    code = _reading_code(line, contact, asker, network, at) if contact else None
    if contact and code:
        with translation.override(message_templates.language_of(line)):
            text = message_templates.reading_code_text(code=code)
        texts.send_text(msisdn=unseal(contact.to_sealed), text=text, code=code)


@transaction.atomic
def verify_reading_code(*, line_id: int, user: User, asker: str, typed: str, at: datetime) -> SafeContact | None:
    """Return the safe contact that shows who they are, if `typed` is the code that was texted there for this."""
    line = Line.objects.select_for_update(of=("self",), no_key=True).get(pk=line_id)
    contact = _contact_that_shows(line, at)
    if contact is None:
        return None
    number = _get_code_binding(line, contact, at)
    if not use_code(line=line, number=number, purpose=READ, asker=asker, typed=typed, at=at):
        return None
    _record_event("shown_by_contact", line_id, user, at)
    return contact


def end_contacts(*, line_ids: Collection[int], at: datetime) -> None:
    """End every number that stands in for these lines' phones; within the transaction that ends the lines."""
    SafeContact.objects.filter(line__in=line_ids, ended_at__isnull=True).update(ended_at=at)


def _contact_that_shows(line: Line, at: datetime) -> SafeContact | None:
    contact = auth_factors.find_earlier_contact(line=line, at=at)
    if contact is None or queries.get_hold_end(line=line, at=at) is None:
        return None
    # Who took one line over may have taken the other as well.
    there = queries.line_of_number(msisdn=unseal(contact.to_sealed), at=at)
    return contact if there is None or queries.get_hold_end(line=there, at=at) is None else None


@transaction.atomic
def _reading_code(line: Line, contact: SafeContact, asker: str, network: str, at: datetime) -> str | None:
    Line.objects.select_for_update(of=("self",), no_key=True).get(pk=line.pk)
    lately = TextedCode.objects.filter(line=line, purpose=READ, sent_at__gt=at - DAY)
    if (lately.aggregate(sends=Sum("sends"))["sends"] or 0) >= READING_TEXTS_A_DAY:
        return None
    number = _get_code_binding(line, contact, at)
    return choose_code_to_send(line=line, number=number, purpose=READ, asker=asker, network=network, at=at)


def _get_code_binding(line: Line, contact: SafeContact, at: datetime) -> str:
    """What a code to read by is bound to: the safe contact's number and the line's own. It dies with either."""
    return f"{unseal(contact.to_sealed)} {delegations.get_current_number(line_id=line.pk, at=at)}"


@transaction.atomic
def _begin_contact(line_id: int, msisdn: str, at: datetime) -> str:
    Line.objects.select_for_update(of=("self",), no_key=True).get(pk=line_id)
    asked = SafeContact.objects.filter(line_id=line_id)
    if asked.filter(asked_at__gt=at - delegations.BOTH_FOR).count() >= ASKS_A_DAY:
        return ""
    asked.filter(proved_at__isnull=True, ended_at__isnull=True).update(ended_at=at)
    code = "".join(str(secrets.randbelow(10)) for _ in range(DIGITS))
    SafeContact.objects.create(line_id=line_id, to_sealed=seal(msisdn), code_sealed=seal(code), asked_at=at)
    return code


def _notify_line(line_id: int, at: datetime) -> None:
    with translation.override(message_templates.language_of(Line.objects.get(pk=line_id))):
        enqueue_text(line_id=line_id, kind=Message.Kind.CONTACT, words=message_templates.contact_changed_text(), at=at)


def _record_event(what: str, line_id: int, user: User, at: datetime) -> None:
    audit.actions.record(
        action=f"line.{what}", actor=f"subscriber:{user.pk}", target=f"line:{line_id}", line_id=line_id, at=at
    )
