"""Open tickets, write into their threads, and tell people of answers, within the caller's transaction.

A text or mail about a case holds a link, and nothing of what the case says.
"""

import secrets
import uuid
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from functools import partial

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

import accounts.queries
import audit.actions
from accounts.actions import sms_outbox
from accounts.actions.sms_outbox import enqueue_notice
from accounts.domain.message_templates import language_of, sign_mail
from accounts.models import Line, LineUser, Message, User
from accounts.policies.permissions import StaffAction, staff_may
from accounts.primitives.reasons import remove_overrides
from accounts.primitives.sealing import unseal
from accounts.workers.email_outbox import Mail
from accounts.workers.one_by_one import run_each
from partners.labels import sanitise_text
from revocations.models import EvidenceRequest
from support.models import CODE_LETTERS, Attachment, Entry, Ticket
from support.policies import thread_events
from support.policies.lifecycle import (
    CLOSES_AFTER,
    NEXT,
    NOBODY_READS,
    WAITS,
    NotNow,
    due_at,
    move,
    restart_answer_clock,
)
from support.policies.thread_events import describe_event
from support.primitives.tokens import link_to, reply_address
from support.queries import pending_tickets
from support.queries.case import evidence_key
from support.queries.names import get_staff_name
from support.queries.pending_tickets import PendingTicket
from support.queries.queue import works_cases
from support.queries.writing import is_read


def notify_of_answer(*, ticket: Ticket, at: datetime) -> None:
    """Tell whoever a case is about that it was answered. Nothing of the answer, nor of what it is about, goes out."""
    link = link_to(ticket=ticket)
    with translation.override(ticket.language):
        text = pgettext("text message", "we answered your message. To read our answer, sign in: %(link)s") % {
            "link": link
        }
        mail = _mail(ticket, link)
    line_id = get_line_to_notify(ticket=ticket)
    if line_id is not None:
        sms_outbox.enqueue_text(line_id=line_id, kind=Message.Kind.CASE, words=text, at=at, about=f"ticket:{ticket.pk}")
    if ticket.mail_sealed:
        enqueue_notice(line_id=line_id, to=unseal(ticket.mail_sealed), mail=mail, at=at)


def get_line_to_notify(*, ticket: Ticket) -> int | None:
    """The line by which whoever asked signs in now; of a case that nobody wrote, the line it is about; None: none."""
    if ticket.asked_by_id is None:
        return ticket.line_id
    current = LineUser.objects.filter(user_id=ticket.asked_by_id, until__isnull=True)
    lines = list(current.order_by("-since", "-id").values_list("line_id", flat=True))
    # Of several: the one that they asked about.
    return ticket.line_id if ticket.line_id in lines else next(iter(lines), None)


def _mail(ticket: Ticket, link: str) -> Mail:
    reply_to = reply_address(code=ticket.code)
    says = [
        _("We answered your message. To keep it private, our answer isn't in this e-mail."),
        _("To read our answer: %(link)s") % {"link": link},
    ]
    if reply_to:
        says.append(_("To write to us again, reply to this e-mail. We'll add your reply to your case."))
    return Mail(
        subject=_("Our answer to your case %(code)s") % {"code": ticket.code},
        text=sign_mail(text="\n\n".join(says)),
        reply_to=reply_to,
    )


SYSTEM = "system:tickets"
ENDING = 4
BATCH = 500


def open_tickets(*, at: datetime) -> int:
    """Open one ticket for each dispute, incident, late partner's day and partner's day of orders signed in part.

    Only where there is none yet. Returns how many.
    """
    wanted = pending_tickets.tickets_wanted(at=at)
    lines = Line.objects.in_bulk({one.line_id for one in wanted if one.line_id})
    return run_each(job="support.tickets", rows=wanted, do=lambda one: _open(_ticket(one, lines, at), at), at=at)


@transaction.atomic
def record_evidence_entries(*, at: datetime) -> int:
    """Write what partners answered about disputes, and what they let pass, into the disputes' threads.

    A dispute that waited for the partner is ours again. Returns how many entries that were.
    """
    came, missed = pending_tickets.evidence_without_entry(at=at), pending_tickets.evidence_missed(at=at)
    names = pending_tickets.names_of(party_ids=(one.party_id for one in (*came, *missed)))
    return _into_threads(came, lambda ticket, one: _write_evidence_entry(ticket, one, names), at) + _into_threads(
        missed, lambda ticket, one: _write_missed_evidence(ticket, one, names), at
    )


def close_overdue_waits(*, at: datetime) -> int:
    """End the waits that are over, and close what was answered long ago. Returns how many cases that were."""
    return end_waits(at=at) + close_tickets(at=at)


@transaction.atomic
def close_tickets(*, at: datetime) -> int:
    """Close what was answered and has not been opened again for so long. Returns how many; at most a batch."""
    waited = Ticket.objects.select_for_update(skip_locked=True).filter(
        state=Ticket.State.SOLVED, solved_at__lte=at - CLOSES_AFTER
    )
    closed = list(waited.order_by("solved_at")[:BATCH])
    return run_each(job="support.closing", rows=closed, do=partial(_close, at=at), at=at)


@transaction.atomic
def _close(ticket: Ticket, at: datetime) -> int:
    move(ticket=ticket, to=Ticket.State.CLOSED, at=at)
    ticket.save(update_fields=["state", "last_at", "closed_at"])
    append_event(ticket=ticket, body=describe_event(thread_events.CLOSED), at=at)
    return 1


@transaction.atomic
def end_waits(*, at: datetime) -> int:
    """End the wait for people who said nothing: what we had answered is answered, all else is ours again.

    Returns how many; at most a batch.
    """
    # While a release goes out, the one before leaves a case that it answers the date that it had. What was done to a
    # case since (a note, another's hands) makes no wait longer than its person was told.
    lately = Entry.objects.filter(ticket=OuterRef("pk"), kind=Entry.Kind.ANSWER, at__gt=at - WAITS)
    waited = Ticket.objects.select_for_update(skip_locked=True).filter(
        ~Exists(lately), state=Ticket.State.WAITING, due_at__lte=at
    )
    over = list(waited.order_by("due_at", "id")[:BATCH])
    return run_each(job="support.waits", rows=over, do=partial(_end_wait, at=at), at=at)


@transaction.atomic
def _end_wait(ticket: Ticket, at: datetime) -> int:
    is_answered = pending_tickets.is_answered(ticket=ticket)
    move(ticket=ticket, to=Ticket.State.SOLVED if is_answered else Ticket.State.OPEN, at=at)
    ticket.save()
    then = thread_events.ANSWER_STANDS if is_answered else thread_events.OURS_AGAIN
    append_event(ticket=ticket, body=describe_event(then, days=WAITS.days), at=at)
    return 1


def new_code() -> str:
    """What the person quotes: "T-" and six letters or digits that are not read as others. No ticket has it yet."""
    while Ticket.objects.filter(code=(code := f"T-{''.join(secrets.choice(CODE_LETTERS) for _ in range(6))}")).exists():
        pass
    return code


def write(
    *, ticket: Ticket, kind: Entry.Kind, author: str, channel: Entry.Channel, body: str, at: datetime, key: str = ""
) -> Entry:
    """Append to a ticket's thread. `author`: as the trail names them. The caller records the act itself.

    `key`: what it came from elsewhere, so that it comes in once.
    """
    return Entry.objects.create(
        ticket=ticket, kind=kind, author=author, channel=channel, body=remove_overrides(body), at=at,
        language=ticket.language, key=key,
    )  # fmt: skip


def is_duplicate_entry(
    *, ticket: Ticket, kind: Entry.Kind, author: str, body: str, files: Collection[str] = (), since: datetime
) -> bool:
    """Return whether the newest that somebody wrote in a ticket is this very thing: its button was pressed twice.

    `files`: the SHA-256 of each that came with it.
    """
    newest = ticket.entries.exclude(kind=Entry.Kind.EVENT).order_by("-at", "-id").first()
    same = (kind, author, remove_overrides(body))
    if newest is None or newest.at <= since or (newest.kind, newest.author, newest.body) != same:
        return False
    return sorted(newest.attachments.values_list("sha256", flat=True)) == sorted(files)


def answer(
    *, ticket: Ticket, body: str, actor: str, then: Ticket.State, at: datetime, to_many: uuid.UUID | None = None
) -> Entry:
    """Write our answer into a locked ticket's thread, with the files that its writer added, and tell its person.

    A case that nobody has is its writer's from then on. Call in a transaction. `then`: solved, or waiting for the
    person. `to_many`: the reply to many that it is part of, which takes no files along, and whose case it is stays.
    Raises NotNow for a merged ticket, and for one that is about no person.
    """
    if not is_read(ticket=ticket):
        raise NotNow(NOBODY_READS)
    if to_many is None:
        _claim(ticket, actor, at)
    entry = write(ticket=ticket, kind=Entry.Kind.ANSWER, author=actor, channel=Entry.Channel.DESK, body=body, at=at)
    if to_many is None:
        files = Attachment.objects.filter(ticket=ticket, entry__isnull=True, author=actor)
        files.exclude(scan=Attachment.Scan.REMOVED).update(entry=entry)
    if ticket.first_answer_at is None:
        ticket.first_answer_at, ticket.answered_on_time = at, at <= ticket.due_at
    _settle(ticket, then, at)
    ticket.last_at = at
    ticket.save()
    audit.actions.record(
        action="ticket.answered", actor=actor, target=f"ticket:{ticket.code}", at=at, line_id=ticket.line_id,
        reason=ticket.code, detail={"to_many": str(to_many)} if to_many else None,
    )  # fmt: skip
    notify_of_answer(ticket=ticket, at=at)
    return entry


def append_event(*, ticket: Ticket, body: str, at: datetime, author: str = SYSTEM, key: str = "") -> Entry:
    """Append what happened to a ticket, in one sentence for staff."""
    return write(
        ticket=ticket, kind=Entry.Kind.EVENT, author=author, channel=Entry.Channel.SYSTEM, body=body, at=at, key=key
    )


def lock_merged_case(*, ticket: Ticket) -> Ticket:
    """Return the locked case that a locked case goes on as, however often it was merged: itself, where it was not.

    One that was merged stays so, and goes on as one that was under way then: no way leads back.
    """
    while ticket.merged_into_id is not None:
        ticket = Ticket.objects.select_for_update(of=("self",)).get(pk=ticket.merged_into_id)
    return ticket


def ending_of(*, line_id: int, at: datetime) -> str:
    """Return the last four digits of a line's number now, by which a caller's case is found; "" where it has none."""
    return accounts.queries.current_number(line_id=line_id, at=at)[-ENDING:]


def _claim(ticket: Ticket, actor: str, at: datetime) -> None:
    """Make a locked case that nobody has its writer's, if they may have it; does not save."""
    writer = User.objects.filter(pk=int(actor.partition(":")[2])).first() if ticket.assignee_id is None else None
    if writer is None or not works_cases(user=writer):
        return
    if ticket.escalated_at is not None and not staff_may(writer.role, StaffAction.LEAD_DESK):
        return
    ticket.assignee, ticket.claimed_at = writer, at
    append_event(
        ticket=ticket,
        body=describe_event(thread_events.NOW_WITH, name=get_staff_name(user=writer)),
        author=actor,
        at=at,
    )
    audit.actions.record(
        action="ticket.claimed", actor=actor, target=f"ticket:{ticket.code}", at=at, line_id=ticket.line_id,
        reason=ticket.code, detail={"to": actor},
    )  # fmt: skip


def _settle(ticket: Ticket, then: Ticket.State, at: datetime) -> None:
    """Bring the ticket to the state that the answer leaves it in; one that was closed is opened on the way."""
    if ticket.state == then:
        restart_answer_clock(ticket=ticket, at=at)
        return
    if then not in NEXT[Ticket.State(ticket.state)]:
        move(ticket=ticket, to=Ticket.State.OPEN, at=at)
        ticket.save()
    move(ticket=ticket, to=then, at=at)


def _ticket(wanted: PendingTicket, lines: Mapping[int, Line], at: datetime) -> Ticket:
    line = lines.get(wanted.line_id) if wanted.line_id else None
    return Ticket(
        code=new_code(),
        kind=wanted.kind,
        key=wanted.key,
        state=Ticket.State.PARTNER if wanted.asked else Ticket.State.OPEN,
        priority=wanted.priority,
        line_id=wanted.line_id,
        party_id=wanted.party_id,
        about=wanted.about,
        about_kind=wanted.about_kind,
        about_ref=wanted.about_ref,
        number_ending=ending_of(line_id=line.pk, at=at) if line else "",
        language=language_of(line) if line else "en",
        opened_at=at,
        last_at=at,
        due_at=due_at(kind=wanted.kind, priority=wanted.priority, at=at),
    )


@transaction.atomic
def _open(ticket: Ticket, at: datetime) -> int:
    """Open it. One of the same key that came meanwhile is enough: nothing is opened beside it."""
    Ticket.objects.bulk_create([ticket], ignore_conflicts=True)
    if not Ticket.objects.filter(key=ticket.key, code=ticket.code).exists():
        return 0
    audit.actions.record(
        action="ticket.opened", actor=SYSTEM, target=f"ticket:{ticket.code}", at=at, line_id=ticket.line_id,
        detail={"kind": ticket.kind},
    )  # fmt: skip
    return 1


def _into_threads(rows: Iterable[EvidenceRequest], put: Callable[[Ticket, EvidenceRequest], None], at: datetime) -> int:
    """Give each row to its dispute's ticket, or to the one that was merged into. What has none yet waits for it."""
    asked = list(rows)
    keys = {f"choice:{one.choice_id}" for one in asked}
    locked = Ticket.objects.select_for_update().filter(key__in=keys).order_by("id")
    tickets = {one.key: one for one in locked}
    others = _list_requesting_tickets(asked, known=tickets)

    @transaction.atomic
    def write_into(one: EvidenceRequest) -> bool:
        ticket = tickets.get(f"choice:{one.choice_id}") or others.get(one.choice_id)
        if ticket is not None:
            put(lock_merged_case(ticket=ticket), one)
        return ticket is not None

    return run_each(job="support.evidence", rows=asked, do=write_into, at=at)


def _list_requesting_tickets(asked: Iterable[EvidenceRequest], *, known: Collection[str]) -> dict[uuid.UUID, Ticket]:
    """Return the tickets from which somebody of staff asked for the rest, by the id under which they did."""
    lines = {one.line_id for one in asked if f"choice:{one.choice_id}" not in known}
    rows = Ticket.objects.select_for_update().filter(line_id__in=lines).order_by("id") if lines else ()
    return {evidence_key(ticket=one): one for one in rows}


def _write_evidence_entry(ticket: Ticket, one: EvidenceRequest, names: Mapping[int, str]) -> None:
    name, at = names.get(one.party_id, ""), one.answered_at or one.asked_at
    if one.answer == EvidenceRequest.Answer.NONE:
        body = describe_event(thread_events.NO_PROOF, name=name)
    else:
        captured = f"{one.captured_at:%Y-%m-%d %H:%M} UTC" if one.captured_at else "no day"
        body = describe_event(
            thread_events.PROOF, name=name, method=one.method or "no method", day=captured,
            wording=sanitise_text(one.wording) or "none given",
            reference=sanitise_text(one.evidence_ref, at_most=200) or "none given",
        )  # fmt: skip
    write(
        ticket=ticket, kind=Entry.Kind.EVIDENCE, author=f"partner:{one.party_id}", channel=Entry.Channel.SYSTEM,
        body=body, at=at, key=f"evidence:{one.jti}",
    )  # fmt: skip
    _return_to_us(ticket, at)


def _write_missed_evidence(ticket: Ticket, one: EvidenceRequest, names: Mapping[int, str]) -> None:
    at = one.overdue_at or one.due_at
    body = describe_event(thread_events.PROOF_MISSED, name=names.get(one.party_id, ""))
    append_event(ticket=ticket, body=body, at=at, key=f"evidence-late:{one.jti}")
    _return_to_us(ticket, at)


def _return_to_us(ticket: Ticket, at: datetime) -> None:
    if ticket.state == Ticket.State.PARTNER:
        move(ticket=ticket, to=Ticket.State.OPEN, at=at)
    ticket.last_at = max(ticket.last_at or at, at)
    ticket.save(update_fields=["state", "last_at", "solved_at", "closed_at", "reopened"])
