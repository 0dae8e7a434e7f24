"""Mails that wait are handed to the mail server: by one worker at a time and its threads, until they were taken.

A row is put off before it is sent, so that a worker that is killed in between sends it once more at the most: whoever
asked for a mail may get it twice, and never not at all. What a server refuses for good is forgotten.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from smtplib import SMTPException, SMTPRecipientsRefused
from threading import Lock
from time import monotonic
from uuid import UUID

import structlog
from cryptography.fernet import InvalidToken
from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction

from accounts.models import OutgoingEmail
from accounts.primitives.sealing import seal, unseal
from accounts.primitives.slots import lock_job
from accounts.workers.one_by_one import RowRound
from accounts.workers.parallel_sending import send_all

log = structlog.get_logger()
TURN = "accounts.email_outbox"
# How many are looked up for a run: more than it can send.
BATCH = 1000
# No mail is begun after so many seconds of a run; the next run goes on.
RUN_S = 8.0
# Each has a connection of its own, and many servers take few from one client.
THREADS = 4
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


class _Run:
    """One run's count, which all its threads keep."""

    def __init__(self, now: datetime, clock: Callable[[], float]) -> None:
        self._now, self._clock, self._over = now, clock, clock() + RUN_S
        self._lock, self.rows = Lock(), RowRound(job=TURN, at=now)
        self.taken = self._refused = 0

    def send(self, letter_id: UUID) -> bool:
        """Hand one over. Returns whether to go on: not where the server is away, or the time is over."""
        if self._clock() >= self._over:
            return False
        return self.rows.attempt(row=letter_id, do=partial(self._send_one, letter_id)) is not False

    def _send_one(self, letter_id: UUID) -> bool:
        letter = _claim(letter_id, self._now)
        if letter is None:
            return True
        try:
            taken = _send_mail(letter)
        except InvalidToken:
            # Sealed by a newer key, as keys are changed: it waits until this process has that key, and no other for it.
            log.warning("letter_not_opened", letter=str(letter_id))
            return True
        if taken:
            OutgoingEmail.objects.filter(pk=letter_id).update(taken_at=self._now, to_sealed=b"", body_sealed=b"")
        with self._lock:
            self.taken += taken
            self._refused = 0 if taken else self._refused + 1
            return self._refused < AWAY


def _run(now: datetime, clock: Callable[[], float]) -> int:
    run = _Run(now, clock)
    waiting = OutgoingEmail.objects.filter(taken_at__isnull=True, next_at__lte=now).order_by("next_at")
    letters = list(waiting.values_list("pk", flat=True)[:BATCH])
    due = ((one, one) for one in letters)
    send_all(due=due, send=run.send, spreads=lambda: run.taken > 0 and _is_networked(), threads=THREADS)
    run.rows.report()
    return run.taken


def _is_networked() -> bool:
    return "smtp" in str(settings.MAILERS["default"]["BACKEND"])


@transaction.atomic
def _claim(letter_id: UUID, now: datetime) -> OutgoingEmail | None:
    waiting = OutgoingEmail.objects.select_for_update(skip_locked=True).filter(taken_at__isnull=True)
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
    except ValueError:
        # No server takes it: it can't even be written.
        log.warning("letter_refused", letter=str(letter.pk))
    return True


def _forget(now: datetime) -> None:
    over = OutgoingEmail.objects.filter(expires_at__lte=now)
    unsent = over.filter(taken_at__isnull=True).count()
    if unsent:
        log.warning("letters_never_taken", count=unsent)
    over.delete()
