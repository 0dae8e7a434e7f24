"""Texts that wait are handed to the gateway: each once, by day where it can wait, until its time is over.

A row is claimed before the gateway is called, and given back only when the gateway says that it did not take the text.
A worker killed in between loses that one text: nobody is told twice.

One worker at a time does it, for a few seconds, with several threads (`parallel_sending`). A gateway that keeps silent
may have taken what it was given, so that this is not given to it again; but it is asked no more for a while, longer
each time, so that it gets hold of few texts before it speaks again.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import batched, zip_longest
from threading import Lock
from time import monotonic
from uuid import UUID, uuid4

import structlog
from cryptography.fernet import InvalidToken
from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count, Max
from django.utils import translation

import audit.actions
from accounts.clients import texts
from accounts.clients.texts import Outcome
from accounts.domain import message_templates
from accounts.models import Line, LineNumber, Message, SafeContact
from accounts.policies import delegations
from accounts.primitives.sealing import number_hash, seal, unseal
from accounts.primitives.slots import lock_job
from accounts.primitives.zones import next_day_time, zone_of
from accounts.workers.one_by_one import RowRound, run_together, unseal_or_report
from accounts.workers.parallel_sending import Pace, send_all

log = structlog.get_logger()
TURN = "accounts.texts"
# How many are looked up for a run: more than it can send.
BATCH = 1200
# So many of them confirm a stop, however many of these wait: what others wait for at once goes on beside them.
CONFIRMING_SHARE = 900
# At 50 ms a post they hand over 300 a second, more than one Python makes ready.
THREADS = 16
# No text is begun after so many seconds of a run; the next run goes on.
RUN_S = 4.0
# So many refused one after the other: the gateway is away.
AWAY = 3
# So long a safe contact is warned whose number another line takes, from when we learned of that.
STILL_WARNED = timedelta(hours=24)
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=15), timedelta(minutes=10)
# What a person has just done, or must know at once, is told at once; the rest by day.
CAN_WAIT_FOR_DAY = frozenset(
    {
        Message.Kind.LIFELINE, Message.Kind.SUSPENDED, Message.Kind.RECORDS, Message.Kind.PAUSE_OVER,
        Message.Kind.REMINDER, Message.Kind.AGENT, Message.Kind.CASE, Message.Kind.SIGNED, Message.Kind.LATE,
        Message.Kind.YEARLY,
    }
)  # fmt: skip


# What one person has just done, asked or must know goes before what goes to many at once.
AT_ONCE = frozenset(
    {
        Message.Kind.REPLY, Message.Kind.WAY_IN, Message.Kind.STOPPED, Message.Kind.ANSWERED, Message.Kind.SIGNAL,
        Message.Kind.CHILD, Message.Kind.STAFF, Message.Kind.DELEGATE, Message.Kind.CONTACT, Message.Kind.INVITED,
        Message.Kind.RECEIPT, Message.Kind.MOVED, Message.Kind.CONFIRMED,
    }
)  # fmt: skip


# What confirms a stop goes first of all: after a bad news day there are millions.
CONFIRMING = frozenset({Message.Kind.CONFIRMED, Message.Kind.STOPPED, Message.Kind.REPLY})


# Each stop by a texted code is confirmed by one: Django would take several times as long to make these statements.
# With the numbers that its line has now.
CLAIM = """
UPDATE accounts_message AS text SET taken_at = %(now)s, tries = text.tries + 1
FROM (
    SELECT id FROM accounts_message WHERE id = %(id)s AND taken_at IS NULL AND next_at <= %(now)s
        AND expires_at > %(now)s
    FOR UPDATE SKIP LOCKED
) AS due
WHERE text.id = due.id
RETURNING text.id, line_id, kind, about, to_sealed, words_sealed, made_at, next_at, expires_at, tries, taken_at,
    doubt_at, contact_id, ARRAY(
        SELECT msisdn_hash FROM accounts_linenumber held JOIN accounts_line line ON line.id = held.line_id
        WHERE held.line_id = text.line_id AND starts_at <= %(now)s AND (ends_at IS NULL OR ends_at > %(now)s)
            AND activated_at <= %(now)s AND (deactivated_at IS NULL OR deactivated_at > %(now)s)) AS hashes
"""
WIPE = "UPDATE accounts_message SET to_sealed = '', words_sealed = '', doubt_at = %s WHERE id = %s"


@dataclass(frozen=True)
class _Due:
    msisdn: str
    text: str


def deliver(*, now: datetime, clock: Callable[[], float] = monotonic) -> int:
    """Send the texts that are due. Returns how many the gateway accepted; the others wait, longer each time.

    Deletes expired texts, sent or not. Does nothing while another worker is sending or the gateway is given a rest.
    `clock`: seconds; the run ends by it.
    """
    with lock_job(name=TURN) as mine:
        if not mine:
            return 0
        _forget(now)
        return 0 if is_gateway_paused(now=now) else _run(now, clock)


def deliver_one(*, message_id: UUID, now: datetime) -> Outcome | None:
    """Hand one text over, if it is due. What became of it; None where there was nothing to hand over."""
    try:
        due = _claim(message_id, now)
    except InvalidToken:
        # Sealed by a newer key, as keys are changed: it waits until this process has that key, and no other for it.
        log.warning("text_not_opened", text=str(message_id))
        _release_claim(message_id, now)
        return None
    if due is None:
        return None
    outcome = texts.send_and_wait(msisdn=due.msisdn, text=due.text)
    if outcome in {Outcome.TAKEN, Outcome.SILENT}:
        doubt_at = now if outcome == Outcome.SILENT else None
        with connection.cursor() as cursor:
            cursor.execute(WIPE, [doubt_at, message_id])
    else:
        _release_claim(message_id, now)
    return outcome


def is_gateway_paused(*, now: datetime) -> bool:
    """Return whether the gateway kept silent and is left alone for now: the longer, the more texts it got since."""
    spoke_at = Message.objects.filter(taken_at__isnull=False, doubt_at__isnull=True).aggregate(last=Max("taken_at"))
    doubts = Message.objects.filter(doubt_at__isnull=False)
    if spoke_at["last"] is not None:
        doubts = doubts.filter(doubt_at__gte=spoke_at["last"])
    silent = doubts.aggregate(times=Count("doubt_at", distinct=True), last=Max("doubt_at"))
    return bool(silent["times"]) and now < silent["last"] + _wait(silent["times"])


def get_earliest_send_time(*, kind: str, line: Line, at: datetime) -> datetime:
    """Return the first moment from `at` on at which a line may be texted this."""
    return next_day_time(zone_of(line.state), at) if kind in CAN_WAIT_FOR_DAY else at


def list_active_contacts(*, line_ids: Collection[int], at: datetime) -> dict[int, SafeContact]:
    """Return where news about these lines goes instead of their phones, by line; within the transaction that writes it.

    A number that began with a line of ours since it was proved may be somebody else's: it counts no more, and has ended
    once we have known that for a day.
    """
    found = delegations.contacts_of(line_ids=line_ids)
    over = delegations.list_reassigned_contacts(contacts=list(found.values()), at=at)
    _end_contacts(over, at)
    return {line_id: one for line_id, one in found.items() if one not in over}


def list_contacts_to_warn(*, line_ids: Collection[int], at: datetime) -> dict[int, SafeContact]:
    """Return which safe contacts are warned that these lines move, by line.

    For a day also one whose number another line takes: whoever takes a line over may have made that line.
    """
    found = delegations.contacts_of(line_ids=line_ids)
    over = _list_silenced(list(found.values()), at)
    return {line_id: one for line_id, one in found.items() if one not in over}


def end_reassigned_contacts(*, now: datetime) -> None:
    """End each safe contact of which we have known for a day that another line has its number. Safe to repeat."""
    standing = SafeContact.objects.filter(proved_at__isnull=False, ended_at__isnull=True).order_by("pk")
    for part in batched(standing.iterator(chunk_size=BATCH), BATCH, strict=False):
        run_together(job="accounts.contacts", rows=part, do=partial(_end_contacts, at=now), at=now)


def _list_silenced(contacts: Collection[SafeContact], at: datetime) -> list[SafeContact]:
    known_by = at - STILL_WARNED
    return delegations.list_reassigned_contacts(contacts=contacts, at=at, known_by=known_by, holding=True)


class _Run:
    """One run's count, which all its threads keep."""

    def __init__(self, now: datetime, clock: Callable[[], float]) -> None:
        self._now, self._clock, self._over = now, clock, clock() + RUN_S
        self._pace = Pace(rate=settings.SMS_RATE, until=self._over, clock=clock)
        self._lock, self.rows = Lock(), RowRound(job=TURN, at=now)
        self.sent = self._refused = 0

    def send(self, message_id: UUID) -> bool:
        """Hand one over. Returns whether to go on: not where the gateway is away or silent, or the time is over."""
        if not self._pace.wait() or self._clock() >= self._over:
            return False
        outcome = self.rows.attempt(row=message_id, do=partial(deliver_one, message_id=message_id, now=self._now))
        with self._lock:
            self.sent += outcome == Outcome.TAKEN
            self._refused = self._refused + 1 if outcome == Outcome.AWAY else 0
            return outcome != Outcome.SILENT and self._refused < AWAY


def _run(now: datetime, clock: Callable[[], float]) -> int:
    run = _Run(now, clock)
    send_all(due=_list_due(now), send=run.send, spreads=lambda: run.sent > 0 and texts.is_networked(), threads=THREADS)
    run.rows.report()
    return run.sent


def _list_due(now: datetime) -> list[tuple[UUID, int]]:
    """The texts that are due and their lines: what goes at once before the rest, three confirmed stops to one other."""
    confirming = _first(CONFIRMING, now, CONFIRMING_SHARE)
    others = _first(AT_ONCE - CONFIRMING, now, BATCH - len(confirming))
    at_once = _interleave(confirming, others)
    return at_once + _first({*Message.Kind} - AT_ONCE, now, BATCH - len(at_once))


def _first(kinds: Collection[str], now: datetime, most: int) -> list[tuple[UUID, int]]:
    """The oldest of these kinds, looked up kind by kind: there may be millions of another."""
    due = Message.objects.filter(taken_at__isnull=True, next_at__lte=now).order_by("next_at")
    lanes = [due.filter(kind=kind).values_list("next_at", "pk", "line_id")[:most] for kind in sorted(kinds)]
    found = lanes[0].union(*lanes[1:], all=True) if most else ()
    return [(message_id, line_id) for _, message_id, line_id in sorted(found)[:most]]


def _interleave[T](first: Sequence[T], second: Sequence[T]) -> list[T]:
    """Three of the first, one of the second, and so on."""
    threes = batched(first, 3, strict=False)
    turns = zip_longest(threes, second, fillvalue=None)
    return [one for three, other in turns for one in (*(three or ()), *(() if other is None else (other,)))]


def _wait(times: int) -> timedelta:
    wait = FIRST_WAIT
    for _ in range(times - 1):
        wait = min(wait * 2, LONGEST_WAIT)
    return wait


@transaction.atomic
def _claim(message_id: UUID, now: datetime) -> _Due | None:
    message = next(iter(Message.objects.raw(CLAIM, {"id": message_id, "now": now})), None)
    if message is None:
        return None
    may_go = (
        get_earliest_send_time(kind=message.kind, line=message.line, at=now)
        if message.kind in CAN_WAIT_FOR_DAY
        else now
    )
    if may_go > now:
        Message.objects.filter(pk=message_id).update(next_at=may_go, taken_at=None, tries=message.tries - 1)
        return None
    if message.contact and _is_silenced(message, message.contact, now):
        _end_contacts([message.contact], now)
        _redirect_to_phone(message, message.contact, now)
    msisdn = unseal(message.to_sealed)
    if not _is_still_theirs(message, msisdn):
        # Somebody else may have the number by now, and they are told nothing.
        message.delete()
        return None
    return _Due(msisdn, unseal(message.words_sealed))


def _is_silenced(message: Message, contact: SafeContact, now: datetime) -> bool:
    if message.kind == Message.Kind.MOVED:
        return bool(_list_silenced([contact], now))
    return bool(delegations.list_reassigned_contacts(contacts=[contact], at=now))


def _is_still_theirs(message: Message, msisdn: str) -> bool:
    """Whether the number is still the line's own; of a safe contact, whether it counted when this was written.

    A number that was the line's until a moment ago is still its person's to be warned by, if it is nobody else's since.
    """
    if message.contact is None and message.kind == Message.Kind.MOVED:
        had = LineNumber.objects.filter(line=message.line_id, msisdn_hash=number_hash(msisdn)).order_by("-starts_at")
        number = had.first()
        return number is not None and delegations.is_unassigned_elsewhere(number=number)
    if message.contact is None:
        return bool(msisdn) and number_hash(msisdn) in map(bytes, vars(message)["hashes"])
    return message.contact.ended_at is None or message.made_at <= message.contact.ended_at


@transaction.atomic
def _end_contacts(reassigned: Collection[SafeContact], at: datetime) -> int:
    """End those of which we have known for a day that another line has the number, and tell the phones."""
    contacts = delegations.list_reassigned_contacts(contacts=reassigned, at=at, known_by=at - STILL_WARNED)
    standing = SafeContact.objects.select_for_update().filter(
        pk__in=[one.pk for one in contacts], ended_at__isnull=True
    )
    ended = {one.pk: one.line_id for one in standing.order_by("pk")} if contacts else {}
    if ended:
        SafeContact.objects.filter(pk__in=ended).update(ended_at=at)
        said: dict[int, dict[str, object]] = {line_id: {} for line_id in ended.values()}
        audit.actions.record_for_lines(action="line.contact_removed", actor="system:lines", at=at, details=said)
        for line in Line.objects.filter(pk__in=said):
            _notify_phone(line, at)
    return len(ended)


def _notify_phone(line: Line, at: datetime) -> None:
    with translation.override(message_templates.language_of(line)):
        words = message_templates.contact_changed_text()
    sealed = delegations.list_current_numbers(line_ids=[line.pk], at=at).get(line.pk, b"")
    if msisdn := unseal_or_report(sealed=sealed, job=TURN, row=line.pk, at=at) if sealed else "":
        Message.objects.create(
            id=uuid4(), line=line, kind=Message.Kind.CONTACT, to_sealed=seal(msisdn), words_sealed=seal(words),
            made_at=at, next_at=at, expires_at=at + timedelta(days=7),
        )  # fmt: skip


def _redirect_to_phone(message: Message, contact: SafeContact, now: datetime) -> None:
    """A text for a number that is somebody else's by now goes to the phone itself; to none where that had it too."""
    message.contact = None
    message.to_sealed = seal(_redirect_message(message, contact, now))
    with translation.override(message_templates.language_of(message.line)):
        message.words_sealed = seal(message_templates.to_phone_text(words=unseal(message.words_sealed)))
    message.save(update_fields=["contact", "to_sealed", "words_sealed"])


def _redirect_message(message: Message, contact: SafeContact, now: datetime) -> str:
    had_it = delegations.get_double_alert_end(contact=contact, at=message.made_at) is not None
    # That news goes elsewhere was for the old number alone; and where it goes elsewhere, the phone is not told.
    other = delegations.contact_of(line_id=message.line_id)
    if had_it or message.kind == Message.Kind.CONTACT or other not in {None, contact}:
        return ""
    sealed = delegations.list_current_numbers(line_ids=[message.line_id], at=now).get(message.line_id)
    return unseal(sealed) if sealed else ""


@transaction.atomic
def _release_claim(message_id: UUID, now: datetime) -> None:
    message = Message.objects.select_for_update().filter(pk=message_id).first()
    if message is None:
        return
    message.taken_at = None
    message.next_at = now + _wait(message.tries)
    message.save(update_fields=["taken_at", "next_at"])


def _forget(now: datetime) -> None:
    over = Message.objects.filter(expires_at__lte=now)
    untold = over.filter(taken_at__isnull=True).count()
    if untold:
        log.warning("texts_never_taken", count=untold)
    over.delete()
