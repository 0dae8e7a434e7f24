"""What a person does with a case of their own: ask, write again, say how good the answer was."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import translation

import audit.actions
from accounts.models import Line, User
from accounts.primitives.sealing import seal
from consent.actions.choices import PRESSED_AGAIN
from consent.domain.snapshots import lock_line
from consent.models import Choice
from consent.queries.choices import DISPUTE_WITHDRAWN, NEVER_AGREED, withdrawn_at
from support.actions.writing import attach
from support.domain import tickets
from support.domain.files import Upload
from support.models import Entry, Ticket
from support.policies import lifecycle
from support.policies.thread_events import WITHDRAWN, describe_event
from support.queries.own_cases import case_of
from support.queries.subjects import COMPANY, Subject

State = Ticket.State
# So many cases a person opens, and so often they write in one, in a day: enough for anybody, no flood for the desk.
CASES_A_DAY, WORDS_A_DAY = 20, 50
DAY = timedelta(days=1)
# So long an answered or closed case is opened again by writing in it.
OPENS_AGAIN = timedelta(days=30)
TOPICS = (Ticket.Kind.STILL_HAVE, Ticket.Kind.SIGN_IN, Ticket.Kind.OTHER)


class DailyLimitReached(Exception):
    """So much was written today that this is not taken."""


class CaseTooOld(Exception):
    """The case was closed so long ago that a new one is asked for."""


@dataclass(frozen=True)
class IncomingMessage:
    """What somebody wrote, with its files. `mail`: where they want to be told of an answer, "" for nowhere."""

    body: str
    uploads: Sequence[Upload] = ()
    mail: str = ""


@transaction.atomic
def open_case(
    *, user: User, line: Line, topic: Ticket.Kind, subject: Subject | None, message: IncomingMessage, at: datetime
) -> Ticket:
    """Open a case about a line, or about one thing of it, in the language that is active. Raises DailyLimitReached.

    A button pressed twice opens one.

    What it is about is named by its id alone: who may still see it then reads what it is. A company stands nowhere
    else either, as what made it known may come to be hidden.
    """
    User.objects.select_for_update().get(pk=user.pk)
    doubled = _find_doubled(user, line, topic, subject, message, at)
    if doubled is not None:
        return doubled
    if Ticket.objects.filter(asked_by=user, opened_at__gt=at - DAY).count() >= CASES_A_DAY:
        raise DailyLimitReached
    code = tickets.new_code()
    ticket = Ticket.objects.create(
        code=code, key=f"asked:{code}", line_id=line.pk, asked_by=user, about=_in_our_words(topic),
        **_about(topic, subject),
        party_id=subject.party_id if subject and subject.kind != COMPANY else None,
        number_ending=tickets.ending_of(line_id=line.pk, at=at),
        language=translation.get_language() or "en", mail_sealed=seal(message.mail) if message.mail else b"",
        opened_at=at, last_at=at, due_at=lifecycle.due_at(kind=topic, at=at),
    )  # fmt: skip
    _write(ticket, user, message, at)
    audit.actions.record(
        action="ticket.asked", actor=f"subscriber:{user.pk}", target=f"ticket:{code}", at=at, line_id=line.pk,
        detail={"kind": topic},
    )  # fmt: skip
    return ticket


@transaction.atomic
def add_message(*, code: str, user: User, line_ids: Collection[int], message: IncomingMessage, at: datetime) -> bool:
    """Write in one's own case; answered or closed, it is opened again. False where there is none of this code.

    Raises DailyLimitReached, CaseTooOld.
    """
    ticket = case_of(code=code, user=user, line_ids=line_ids, locked=True)
    if ticket is None:
        return False
    if _is_duplicate(ticket, user, message, at):
        return True
    heard = Entry.objects.filter(ticket=ticket, kind=Entry.Kind.HEARD, at__gt=at - DAY)
    if heard.count() >= WORDS_A_DAY:
        raise DailyLimitReached
    if not may_open_again(ticket=ticket, at=at):
        raise CaseTooOld
    _write(ticket, user, message, at)
    reopen_case(ticket=ticket, at=at)
    audit.actions.record(
        action="ticket.heard", actor=f"subscriber:{user.pk}", target=f"ticket:{ticket.code}", at=at,
        line_id=ticket.line_id,
    )  # fmt: skip
    return True


@transaction.atomic
def rate_answer(*, code: str, user: User, line_ids: Collection[int], rating: int, words: str, at: datetime) -> bool:
    """Say how good our answer was, from 1 to 5; the newest counts. False where there is no answer of ours to rate."""
    ticket = case_of(code=code, user=user, line_ids=line_ids, locked=True)
    if ticket is None or ticket.first_answer_at is None:
        return False
    ticket.rating, ticket.rating_words, ticket.rated_at = rating, words, at
    ticket.save(update_fields=["rating", "rating_words", "rated_at"])
    audit.actions.record(
        action="ticket.rated", actor=f"subscriber:{user.pk}", target=f"ticket:{ticket.code}", at=at,
        line_id=ticket.line_id, detail={"rating": rating},
    )  # fmt: skip
    return True


@transaction.atomic
def withdraw_dispute(*, user: User, line_ids: Collection[int], choice_id: UUID, at: datetime) -> bool:
    """Take back "I never agreed", as whoever said it; False for everybody else. Twice is once.

    The stop stays, and so does what partners were asked. The case is closed where it was still under way, and tells
    the desk why; one that was merged into another leaves that open.
    """
    actor = f"subscriber:{user.pk}"
    said = Choice.objects.filter(line_id__in=line_ids, id=choice_id, reason=NEVER_AGREED, actor=actor).first()
    if said is None:
        return False
    lock_line(line_id=said.line_id)
    if withdrawn_at(choice_id=choice_id) is not None:
        return True
    # Whoever changes their mind at once is here before the minute's job.
    tickets.open_tickets(at=at)
    key = f"choice:{choice_id}"
    for ticket in Ticket.objects.select_for_update(of=("self",)).filter(key=key):
        tickets.append_event(
            ticket=tickets.lock_merged_case(ticket=ticket),
            body=describe_event(WITHDRAWN),
            author=actor,
            at=at,
            key=f"withdrawn:{choice_id}",
        )
        if ticket.is_under_way:
            lifecycle.move(ticket=ticket, to=State.SOLVED, at=at)
            ticket.save()
            lifecycle.move(ticket=ticket, to=State.CLOSED, at=at)
            ticket.save()
    audit.actions.record(action=DISPUTE_WITHDRAWN, actor=actor, target=key, at=at, line_id=said.line_id)
    return True


def may_open_again(*, ticket: Ticket, at: datetime) -> bool:
    """Return whether writing in it still counts: always while it is under way, and for 30 days after that."""
    done_at = ticket.closed_at or ticket.solved_at
    return ticket.state != State.MERGED and (done_at is None or at < done_at + OPENS_AGAIN)


def reopen_case(*, ticket: Ticket, at: datetime) -> None:
    """Reopen a locked case in which its person wrote; its clock starts anew where it had stopped. Saves it."""
    if ticket.state != State.OPEN:
        lifecycle.move(ticket=ticket, to=State.OPEN, at=at)
    ticket.last_at = at
    ticket.save()


def _write(ticket: Ticket, user: User, said: IncomingMessage, at: datetime) -> None:
    author = f"subscriber:{user.pk}"
    entry = tickets.write(
        ticket=ticket, kind=Entry.Kind.HEARD, author=author, channel=Entry.Channel.WEB, body=said.body, at=at
    )
    attach(ticket=ticket, entry=entry, author=author, uploads=said.uploads, at=at)


def _about(topic: Ticket.Kind, subject: Subject | None) -> dict[str, str]:
    return {"kind": topic, "about_kind": subject.kind if subject else "", "about_ref": subject.ref if subject else ""}


def _find_doubled(
    user: User, line: Line, topic: Ticket.Kind, subject: Subject | None, message: IncomingMessage, at: datetime
) -> Ticket | None:
    recent = Ticket.objects.filter(asked_by=user, line_id=line.pk, opened_at__gt=at - PRESSED_AGAIN)
    alike = recent.filter(**_about(topic, subject))
    return next((one for one in alike if _is_duplicate(one, user, message, at)), None)


def _is_duplicate(ticket: Ticket, user: User, said: IncomingMessage, at: datetime) -> bool:
    return tickets.is_duplicate_entry(
        ticket=ticket, kind=Entry.Kind.HEARD, author=f"subscriber:{user.pk}", body=said.body,
        files=[sha256(one.content).hexdigest() for one in said.uploads], since=at - PRESSED_AGAIN,
    )  # fmt: skip


def _in_our_words(topic: Ticket.Kind) -> str:
    """Return what staff read in lists, whatever language the person reads."""
    with translation.override(settings.LANGUAGE_CODE):
        return str(Ticket.Kind(topic).label)
