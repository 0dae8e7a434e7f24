"""What staff write in a case: drafts that are kept, answers that may be taken back for half a minute, notes, files."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.policies.permissions import StaffAction
from accounts.primitives.reasons import NoReason, has_visible_text
from accounts.queries import StaffOnly, acting_staff
from consent.actions.choices import PRESSED_AGAIN
from support.actions.cases import lock_case, record_case_act, record_case_view
from support.domain import files, tickets
from support.models import Attachment, Draft, Entry, Ticket
from support.policies.lifecycle import NOBODY_READS, NotNow
from support.policies.reply_variables import BadVariable, fill_variables
from support.queries import writing
from support.queries.case import ThreadEntry, thread_of
from support.queries.mentions import OF_CASE, describe_mentions
from support.queries.names import is_shown
from support.queries.visible import visible_tickets
from support.workers.sending import TAKES_BACK


def attach(*, ticket: Ticket, entry: Entry | None, author: str, uploads: Sequence[files.Upload], at: datetime) -> None:
    """Within the caller's transaction. `entry`: None for files of an answer that is not sent yet.

    Bytes go first, so that no row is ever without them; `scanning` sweeps what a transaction that is taken back leaves.
    """
    for upload in uploads:
        file_id = uuid4()
        files.write_file(file_id=file_id, content=upload.content)
        Attachment.objects.create(
            id=file_id, ticket=ticket, entry=entry, name=upload.name, media_type=upload.media_type,
            size=len(upload.content), sha256=sha256(upload.content).hexdigest(), author=author, at=at,
        )  # fmt: skip


Scan = Attachment.Scan


@dataclass(frozen=True)
class Thread:
    """A case to write in, with all that was said in it."""

    desk: writing.Desk
    thread: Sequence[ThreadEntry]


@transaction.atomic
def see_thread(*, code: str, actor: str, at: datetime) -> Thread | None:
    """Show a case to write in; None where there is none of that code. Its person's own log records the look.

    Raises StaffOnly.
    """
    name = acting_staff(actor=actor, action=StaffAction.WORK_TICKETS)
    ticket = visible_tickets(at=at).filter(code=code).first()
    if ticket is None:
        return None
    record_case_view(ticket=ticket, actor=name, at=at)
    return Thread(
        writing.desk_of(ticket=ticket, user_id=_id(name), at=at), thread_of(ticket=ticket, reader=name, at=at)
    )


@transaction.atomic
def keep_draft(
    *, code: str, kind: Entry.Kind, body: str, uploads: Sequence[files.Upload] = (), mentions: Sequence[str] = (),
    actor: str, at: datetime,
) -> bool:  # fmt: skip
    """Keep what was begun, for whoever writes it alone; with nothing in it it is gone. Returns whether it is kept.

    `uploads` go out with an answer; a note takes none. `mentions`: of a note. What is on its way already is not
    touched. Raises StaffOnly, NotNow.
    """
    name = acting_staff(actor=actor, action=StaffAction.WORK_TICKETS)
    if uploads and kind != Entry.Kind.ANSWER:
        # What lies beside a draft goes out with the next answer.
        raise NotNow(_("You can't attach files to a note."))
    ticket = lock_case(code=code, at=at)
    mine = Draft.objects.select_for_update().filter(ticket=ticket, user_id=_id(name), kind=kind)
    if mine.filter(send_at__isnull=False).exists():
        raise NotNow(_("Your answer is about to be sent. Take it back to change it."))
    _attach_to_draft(ticket, name, uploads, at)
    if not body.strip() and not mentions:
        mine.delete()
        return False
    Draft.objects.update_or_create(
        ticket=ticket, user_id=_id(name), kind=kind,
        defaults={"body": body, "mentions": list(mentions), "updated_at": at},
    )  # fmt: skip
    return True


@transaction.atomic
def send(
    *, code: str, body: str, then: Ticket.State, uploads: Sequence[files.Upload] = (), actor: str, at: datetime
) -> datetime:
    """Have an answer go out in half a minute; until then it can be taken back. Returns when it goes.

    Its variables are filled in now. Raises StaffOnly, NotNow, NoReason without an answer, BadVariable.
    """
    name = acting_staff(actor=actor, action=StaffAction.WORK_TICKETS)
    ticket = lock_case(code=code, at=at)
    if not has_visible_text(body):
        raise NoReason(_("Write the answer."))
    if not writing.is_read(ticket=ticket):
        raise NotNow(NOBODY_READS)
    if left := writing.left_open(body=body):
        raise BadVariable(_("Fill in “%(left)s”, or take it out.") % {"left": left})
    words = fill_variables(body=body.strip(), values=writing.values_of(ticket=ticket, at=at))
    mine = Draft.objects.select_for_update().filter(ticket=ticket, user_id=_id(name), kind=Entry.Kind.ANSWER)
    if mine.filter(send_at__isnull=False).exists():
        raise NotNow(_("Your answer is about to be sent. Take it back to change it."))
    _attach_to_draft(ticket, name, uploads, at)
    send_at = at + TAKES_BACK
    Draft.objects.update_or_create(
        ticket=ticket, user_id=_id(name), kind=Entry.Kind.ANSWER,
        defaults={"body": words, "updated_at": at, "send_at": send_at, "then": then},
    )  # fmt: skip
    return send_at


@transaction.atomic
def undo_answer(*, code: str, actor: str, at: datetime) -> None:
    """Take back an answer that has not gone out: it is a draft again. Raises StaffOnly, NotNow."""
    name = acting_staff(actor=actor, action=StaffAction.WORK_TICKETS)
    case = visible_tickets(at=at).filter(code=code).first()
    mine = Draft.objects.filter(ticket=case, user_id=_id(name), send_at__isnull=False)
    if not mine.update(send_at=None, then="", updated_at=at):
        # A colleague may have merged the case meanwhile: then the answer waits in the other.
        cases = case.list_chain() if case is not None else []
        kept = Draft.objects.filter(ticket__in=cases, user_id=_id(name), kind=Entry.Kind.ANSWER).exists()
        raise NotNow(
            _("Nothing of yours is about to be sent: what you wrote is a draft.")
            if kept
            else _("It has been sent. Write another answer to correct it.")
        )


@transaction.atomic
def add_note(*, code: str, body: str, mentions: Sequence[str] = (), actor: str, at: datetime) -> None:
    """Write a note, which only staff read; it has no files.

    `mentions`: colleagues ("agent:7") whose notifications list the case. Raises StaffOnly, NoReason without a note,
    NotNow.
    """
    name = acting_staff(actor=actor, action=StaffAction.WORK_TICKETS)
    detail = describe_mentions(
        mentions=mentions, action=StaffAction.WORK_TICKETS, refused=_("Choose someone at the desk.")
    )
    ticket = lock_case(code=code, at=at)
    if not has_visible_text(body):
        raise NoReason(_("Write the note."))
    note: dict[str, Any] = {"ticket": ticket, "kind": Entry.Kind.NOTE, "author": name, "body": body.strip()}
    if tickets.is_duplicate_entry(**note, since=at - PRESSED_AGAIN):
        return
    tickets.write(**note, channel=Entry.Channel.DESK, at=at)
    Draft.objects.filter(ticket=ticket, user_id=_id(name), kind=Entry.Kind.NOTE).delete()
    Ticket.objects.filter(pk=ticket.pk).update(last_at=at)
    record_case_act(ticket=ticket, action=OF_CASE, actor=name, at=at, detail=detail)


@transaction.atomic
def remove_file(*, code: str, file_id: UUID, actor: str, at: datetime) -> None:
    """Take a file of one's own away before it is sent. Raises StaffOnly, NotNow."""
    name = acting_staff(actor=actor, action=StaffAction.WORK_TICKETS)
    case = visible_tickets(at=at).filter(code=code).first()
    mine = Attachment.objects.filter(ticket=case, id=file_id, author=name, entry__isnull=True)
    if not mine.update(scan=Scan.REMOVED, scanned_at=at):
        raise NotNow(_("Only the person who added a file can remove it, and only until it's sent."))
    transaction.on_commit(lambda: files.delete_file(file_id=file_id))


@transaction.atomic
def open_file(*, code: str, file_id: UUID, actor: str, at: datetime) -> Attachment | None:
    """Open a file of a case for staff, once it was found clean; None: there is none. In its person's own log.

    Nothing in a file is masked. It is opened by who may reveal its person, while they are revealed to them; a file of
    one's own at any time.

    Raises StaffOnly, also from whoever the person is not shown to now.
    """
    name = acting_staff(actor=actor, action=StaffAction.REVEAL_PERSON)
    case = visible_tickets(at=at).filter(code=code).first()
    found = Attachment.objects.select_related("ticket").filter(ticket=case, id=file_id, scan=Scan.CLEAN).first()
    if found is None:
        return None
    if found.author != name and not is_shown(ticket=found.ticket, reader=name, at=at):
        raise StaffOnly
    record_case_act(ticket=found.ticket, action="ticket.file_seen", actor=name, at=at)
    return found


def _attach_to_draft(ticket: Ticket, author: str, uploads: Sequence[files.Upload], at: datetime) -> None:
    """Put files beside somebody's draft of an answer."""
    there = writing.waiting_files(ticket=ticket, author=author).count() if uploads else 0
    if there + len(uploads) > files.MOST:
        raise NotNow(_("An answer can have at most 5 files. Remove one first."))
    attach(ticket=ticket, entry=None, author=author, uploads=uploads, at=at)


def _id(actor: str) -> int:
    return int(actor.partition(":")[2])
