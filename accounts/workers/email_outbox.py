"""Mails that wait are handed to the mail server: by one worker at a time, again and again until they were taken.

A row is put off before it is sent, so that a worker that is killed in between sends it once more at the most: whoever
asked for a mail may get it twice, and never not at all. What a server refuses for good is forgotten.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from smtplib import SMTPException, SMTPRecipientsRefused
from time import monotonic
from uuid import UUID

import structlog
from django.core.mail import EmailMessage
from django.db import transaction

from accounts.models import OutgoingEmail
from accounts.primitives.advisory_locks import lock_job
from accounts.primitives.sealing import seal, unseal

log = structlog.get_logger()
TURN = "accounts.email_outbox"
BATCH = 100
# No mail is begun after so many seconds of a run; the next run goes on.
RUN_S = 8.0
# So many that nobody took, one after the other: the server is away.
AWAY = 3
FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=1), timedelta(hours=1)
FOR_GOOD = 500


@dataclass(frozen=True)
class Attachment:
    """A file that goes with a mail."""

    name: str
    type: str
    content: bytes


@dataclass(frozen=True)
class Mail:
    """What is mailed: plain text and files. `reply_to`: where an answer goes, "" for where all our mail comes from."""

    subject: str
    text: str
    files: Sequence[Attachment] = ()
    reply_to: str = ""


def seal_mail(*, mail: Mail) -> bytes:
    """Seal a mail as its row keeps it."""
    files = [{"name": one.name, "type": one.type, "content": b64encode(one.content).decode()} for one in mail.files]
    said = {"subject": mail.subject, "text": mail.text, "files": files, "reply_to": mail.reply_to}
    return seal(json.dumps(said))


def deliver(*, now: datetime, clock: Callable[[], float] = monotonic) -> int:
    """Hand over the mails that are due. Returns how many were taken; those that were not wait, longer each time.

    What is over, taken or not, is forgotten. Does nothing while another worker is at it.
    """
    with lock_job(name=TURN) as mine:
        if not mine:
            return 0
        _forget(now)
        return _run(now, clock)


def _run(now: datetime, clock: Callable[[], float]) -> int:
    taken = refused = 0
    over = clock() + RUN_S
    due = OutgoingEmail.objects.filter(taken_at__isnull=True, next_at__lte=now).order_by("next_at")
    for letter_id in list(due.values_list("pk", flat=True)[:BATCH]):
        if refused == AWAY or clock() >= over:
            break
        claimed = _claim(letter_id, now)
        if claimed is None:
            continue
        if _send_mail(claimed):
            taken, refused = taken + 1, 0
            _wipe(letter_id, now)
        else:
            refused += 1
    return taken


@transaction.atomic
def _claim(letter_id: UUID, now: datetime) -> OutgoingEmail | None:
    waiting = OutgoingEmail.objects.select_for_update(skip_locked=True).filter(
        taken_at__isnull=True, expires_at__gt=now
    )
    letter = waiting.filter(pk=letter_id, next_at__lte=now).first()
    if letter is not None:
        letter.tries += 1
        letter.next_at = now + min(FIRST_WAIT * 2 ** min(letter.tries - 1, 10), LONGEST_WAIT)
        letter.save(update_fields=["tries", "next_at"])
    return letter


def _send_mail(letter: OutgoingEmail) -> bool:
    """Whether there is nothing left to do with it. What the error says may hold the address: only its name is told."""
    said = json.loads(unseal(letter.body_sealed))
    # Rows of before have no such thing. What answers by itself is told that nobody wrote this.
    reply_to = [said["reply_to"]] if said.get("reply_to") else None
    mail = EmailMessage(
        said["subject"], said["text"], to=[unseal(letter.to_sealed)], reply_to=reply_to,
        headers={"Auto-Submitted": "auto-generated"},
    )  # fmt: skip
    for one in said["files"]:
        mail.attach(one["name"], b64decode(one["content"]), one["type"])
    try:
        mail.send()
    except SMTPRecipientsRefused as error:
        log.warning("letter_refused", letter=str(letter.pk))
        return all(code >= FOR_GOOD for code, _said in error.recipients.values())
    except (SMTPException, OSError) as error:
        log.warning("letter_not_sent", letter=str(letter.pk), error=type(error).__name__)
        return False
    return True


def _wipe(letter_id: UUID, now: datetime) -> None:
    OutgoingEmail.objects.filter(pk=letter_id).update(taken_at=now, to_sealed=b"", body_sealed=b"")


def _forget(now: datetime) -> None:
    over = OutgoingEmail.objects.filter(expires_at__lte=now)
    unsent = over.filter(taken_at__isnull=True).count()
    if unsent:
        log.warning("letters_never_taken", count=unsent)
    over.delete()
