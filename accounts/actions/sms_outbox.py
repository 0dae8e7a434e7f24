"""Put a text where it waits for the gateway: in the transaction of what it tells of."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from functools import partial
from uuid import uuid4

from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import translation

from accounts.clients import texts
from accounts.domain import message_templates
from accounts.models import AlertChoice, Line, Message, OutgoingEmail, SafeContact
from accounts.policies import alerts, delegations
from accounts.primitives.sealing import seal, unseal
from accounts.workers import email_outbox, sms_delivery
from accounts.workers.email_outbox import Mail
from accounts.workers.one_by_one import unseal_or_report

type _Reader = Callable[[bytes | memoryview, int], str]

# What was not taken by then is old news.
LASTS = {
    Message.Kind.STOPPED: timedelta(days=3),
    Message.Kind.CHILD: timedelta(days=7),
    Message.Kind.STAFF: timedelta(days=7),
    Message.Kind.RECORDS: timedelta(days=7),
    Message.Kind.PAUSE_OVER: timedelta(days=3),
    Message.Kind.NUMBER: timedelta(days=7),
    Message.Kind.SIGNAL: timedelta(days=3),
    Message.Kind.SUSPENDED: timedelta(days=7),
    Message.Kind.LIFELINE: timedelta(days=7),
    Message.Kind.ANSWERED: timedelta(days=3),
    Message.Kind.REPLY: timedelta(hours=1),
    Message.Kind.WAY_IN: timedelta(days=3),
    Message.Kind.INVITED: timedelta(days=7),
    Message.Kind.DELEGATE: timedelta(days=7),
    Message.Kind.CONTACT: timedelta(days=7),
    Message.Kind.RECEIPT: timedelta(days=1),
    Message.Kind.REMINDER: timedelta(days=7),
    Message.Kind.AGENT: timedelta(days=7),
    Message.Kind.CASE: timedelta(days=7),
    Message.Kind.MOVED: timedelta(days=3),
    Message.Kind.CONFIRMED: timedelta(days=3),
    Message.Kind.SIGNED: timedelta(days=7),
    Message.Kind.LATE: timedelta(days=7),
    Message.Kind.YEARLY: timedelta(days=7),
}
# What an account holder does for a child is no news that the child, or whoever has its phone a minute, can turn off.
NEWS = frozenset(
    {
        Message.Kind.RECORDS, Message.Kind.PAUSE_OVER, Message.Kind.LIFELINE, Message.Kind.INVITED,
        Message.Kind.REMINDER, Message.Kind.CONFIRMED, Message.Kind.STOPPED, Message.Kind.SIGNAL, Message.Kind.SIGNED,
        Message.Kind.LATE, Message.Kind.YEARLY,
    }
)  # fmt: skip
# What a person can turn off by itself.
TOPICS: Mapping[str, AlertChoice.Topic] = {
    **dict.fromkeys(
        (Message.Kind.CONFIRMED, Message.Kind.STOPPED, Message.Kind.SIGNAL), AlertChoice.Topic.CONFIRMATIONS
    ),
    **dict.fromkeys(
        (Message.Kind.RECORDS, Message.Kind.PAUSE_OVER, Message.Kind.LIFELINE, Message.Kind.INVITED),
        AlertChoice.Topic.CHANGES,
    ),
    Message.Kind.SIGNED: AlertChoice.Topic.SIGNED,
    Message.Kind.LATE: AlertChoice.Topic.LATE,
    Message.Kind.YEARLY: AlertChoice.Topic.YEARLY,
}
# What a line that leaves its account in confidence isn't texted.
NOT_IN_CONFIDENCE = frozenset({Message.Kind.CONFIRMED, Message.Kind.SIGNED, Message.Kind.LATE, Message.Kind.YEARLY})
# What answers the phone itself, or asks whoever carries it: to no other number.
TO_THE_PHONE = frozenset({Message.Kind.REPLY, Message.Kind.INVITED, Message.Kind.AGENT, Message.Kind.RECEIPT})
# What tells of a change that stands although nobody can be told: the number is damaged, say, and no key opens it.
STANDS_UNTOLD = frozenset(
    {
        Message.Kind.CONFIRMED, Message.Kind.STOPPED, Message.Kind.REPLY, Message.Kind.SIGNAL, Message.Kind.STAFF,
        Message.Kind.DELEGATE, Message.Kind.CHILD, Message.Kind.SUSPENDED, Message.Kind.RECORDS, Message.Kind.MOVED,
        Message.Kind.CONTACT,
    }
)  # fmt: skip
DAY = timedelta(days=1)
DUE_AGAIN = """
INSERT INTO accounts_linereminder AS known (line_id, told_at)
SELECT id, %(at)s FROM unnest(%(lines)s::bigint[]) AS id ORDER BY id
ON CONFLICT (line_id) DO UPDATE SET told_at = excluded.told_at
WHERE known.off_since IS NULL AND (known.told_at IS NULL OR known.told_at <= %(before)s)
RETURNING line_id
"""
# A year is over everywhere once it is the 2nd of January here.
DUE_YEARLY = """
UPDATE accounts_alertchoice SET told_at = %(at)s WHERE id IN (
    SELECT id FROM accounts_alertchoice
    WHERE topic = 'yearly' AND wanted AND chosen_at < %(since)s AND (told_at IS NULL OR told_at < %(since)s)
        AND line_id = ANY (%(lines)s)
    ORDER BY id FOR UPDATE SKIP LOCKED)
RETURNING line_id
"""
DROP_REMINDERS = "DELETE FROM accounts_message WHERE line_id = ANY (%s) AND kind = %s AND words_sealed <> ''"
POST = """
INSERT INTO accounts_message (id, line_id, kind, about, to_sealed, words_sealed, made_at, next_at, expires_at, tries,
    contact_id)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, 0, %s)
"""
# Most lines of a first import are too new to be told of it.
LONG_KNOWN = "SELECT id FROM accounts_line WHERE id = ANY (%s) AND recorded_at <= %s"
# The same of what files bring for many lines at once.
POST_NEWS = """
INSERT INTO accounts_message (id, line_id, kind, about, to_sealed, words_sealed, made_at, next_at, expires_at, tries,
    contact_id)
SELECT id, line_id, %s, '', to_sealed, words_sealed, %s, next_at, %s, 0, contact_id
FROM unnest(%s::uuid[], %s::bigint[], %s::bytea[], %s::bytea[], %s::timestamptz[], %s::bigint[])
    AS news (id, line_id, to_sealed, words_sealed, next_at, contact_id)
"""
LETTER_LASTS = timedelta(days=3)
# What somebody may have sent about one line in a day: enough for anybody, and no way to flood a mailbox.
LETTERS_A_DAY, RECEIPT_TEXTS_A_DAY = 10, 5


class Recipients(Enum):
    """Where a warning about a line goes: to its number, and to its safe contact.

    `OLD_NUMBER_AND_CONTACT`: to its last stored number; call it before you store the new one.
    """

    PHONE_AND_CONTACT = auto()
    OLD_NUMBER_AND_CONTACT = auto()


class SentEnough(Exception):
    """So many were sent about this line today that this one is not."""


# A failure rolls back the caller's transaction as well; no savepoint is needed.
@transaction.atomic(savepoint=False)
def enqueue_text(
    *, line_id: int, kind: Message.Kind, words: str | Callable[[Line], str], at: datetime, about: str = "",
    known: alerts.LineToText | None = None, after: datetime | None = None,
) -> None:  # fmt: skip
    """Have a line texted, at the number it has now, once this transaction is committed. A line without one is not.

    Where its person has a safe contact, that is texted instead; on its first day, the phone as well.

    The row is the queue: no outage of the gateway loses the text or keeps the transaction waiting. `about`: what it
    tells of, as "kind:id", for whoever must know whether all were taken. Nor is a line texted news that its person
    wants none of; what somebody did with the line, or asked, they are told all the same. `words`: as it reads, or what
    makes it of the line, in its language. `known`: the line as it has just been read. `after`: not sent before.
    """
    known = known or alerts.read_line_to_text(line_id=line_id, at=at)
    line = known.line
    text = words if isinstance(words, str) else words(line)
    if _is_unwanted(known, kind):
        return
    for msisdn, contact in _get_destinations(known, kind, at):
        message_id, read = uuid4(), _address_alert(line, text, contact)
        next_at = sms_delivery.get_earliest_send_time(kind=kind, line=line, at=max(at, after or at))
        expires_at = at + LASTS[kind]
        row = (message_id, line_id, kind, about, seal(msisdn), seal(read), at, next_at, expires_at)
        with connection.cursor() as cursor:
            cursor.execute(POST, [*row, contact.pk if contact else None])
        if not texts.is_networked():
            transaction.on_commit(partial(sms_delivery.deliver_one, message_id=message_id, now=at), robust=True)


def _is_unwanted(line: alerts.LineToText, kind: Message.Kind) -> bool:
    """Whether the line's person turned this kind off, or must not be texted it now."""
    if kind in NEWS and line.refuses_news:
        return True
    if kind in TOPICS and not alerts.wants_text(line=line, topic=TOPICS[kind]):
        return True
    return kind in NOT_IN_CONFIDENCE and line.is_confidential_departure


@transaction.atomic
def enqueue_alerts(*, line_ids: Collection[int], kind: Message.Kind, words: Callable[[Line], str], at: datetime) -> int:
    """Have many lines texted, by day, that something on record changed. Returns how many texts wait now.

    Each hears of one kind at most once in 24 hours, however many rows changed. A line that we have known for less than
    a day is not texted: what it begins with is no change. Nor is one whose person wants no news. Five queries for any
    number of lines, one more where news goes elsewhere.
    """
    with connection.cursor() as cursor:
        cursor.execute(LONG_KNOWN, [list(line_ids), at - DAY])
        known = [line_id for (line_id,) in cursor.fetchall()]
    lines = {line.pk: line for line in _filter_recipients(known, kind, at).order_by("pk")} if known else {}
    if not lines:
        return 0
    recipients = _list_recipients(lines, at, _choose_reader(kind, at))
    if recipients:
        _insert_alerts(recipients, kind, words, at)
    return len({line.pk for line, _, _ in recipients})


def _filter_recipients(line_ids: Collection[int], kind: Message.Kind, at: datetime) -> QuerySet[Line]:
    lately = Message.objects.filter(kind=kind, line_id__in=line_ids, made_at__gt=at - DAY).values("line_id")
    known = Line.objects.filter(pk__in=line_ids).exclude(pk__in=lately)
    if kind in NEWS:
        known = known.filter(texts__isnull=True)
    if kind in TOPICS:
        refused = AlertChoice.objects.filter(line_id__in=line_ids, topic=TOPICS[kind], wanted=False)
        known = known.exclude(pk__in=refused.values("line_id"))
    if kind in NOT_IN_CONFIDENCE:
        known = known.exclude(pk__in=delegations.query_confidential_departures(at=at).values("line"))
    return known


def _insert_alerts(
    recipients: Sequence[tuple[Line, str, SafeContact | None]],
    kind: Message.Kind,
    words: Callable[[Line], str],
    at: datetime,
) -> None:
    rows = [
        (
            uuid4(), line.pk, seal(msisdn), seal(_address_alert(line, words(line), contact)),
            sms_delivery.get_earliest_send_time(kind=kind, line=line, at=at), contact.pk if contact else None,
        )
        for line, msisdn, contact in recipients
    ]  # fmt: skip
    columns = [list(column) for column in zip(*rows, strict=True)]
    with connection.cursor() as cursor:
        cursor.execute(POST_NEWS, [kind, at, at + LASTS[kind], *columns])


def _list_recipients(
    lines: Mapping[int, Line], at: datetime, read: _Reader
) -> list[tuple[Line, str, SafeContact | None]]:
    """Where news of these lines goes: each line with a number, and the safe contact whose number that is."""
    held = delegations.list_current_numbers(line_ids=lines.keys(), at=at)
    number_of = {pk: read(sealed, pk) for pk, sealed in held.items()}
    contacts = sms_delivery.list_active_contacts(line_ids=lines, at=at)
    return [
        (line, msisdn, contact)
        for pk, line in lines.items()
        for msisdn, contact in _choose_destinations(number_of.get(pk, ""), contacts.get(pk), at, read)
    ]


def _address_alert(line: Line, words: str, contact: SafeContact | None) -> str:
    """Words that are about "this phone", for whoever reads them on another."""
    if contact is None:
        return words
    with translation.override(message_templates.language_of(line)):
        return message_templates.to_contact_text(words=words)


def _get_destinations(
    known: alerts.LineToText, kind: Message.Kind, at: datetime
) -> list[tuple[str, SafeContact | None]]:
    line, sealed = known.line, known.number_sealed
    read = _choose_reader(kind, at)
    # The number that an ended line had last may be somebody else's by now.
    has_ended = line.deactivated_at and line.deactivated_at <= at
    msisdn = read(sealed, line.pk) if sealed and not has_ended else ""
    to_phone = kind in TO_THE_PHONE or not known.has_contact
    contacts = {} if to_phone else sms_delivery.list_active_contacts(line_ids=[line.pk], at=at)
    return _choose_destinations(msisdn, contacts.get(line.pk), at, read)


def _choose_reader(kind: Message.Kind, at: datetime) -> _Reader:
    """Return what opens a number; of what stands untold, it reads "" where no key does, and tells officers of it."""

    def read(sealed: bytes | memoryview, line_id: int) -> str:
        if kind in STANDS_UNTOLD:
            return unseal_or_report(sealed=sealed, job=sms_delivery.TURN, row=line_id, at=at)
        return unseal(sealed)

    return read


def _choose_destinations(
    msisdn: str, contact: SafeContact | None, at: datetime, read: _Reader
) -> list[tuple[str, SafeContact | None]]:
    """The numbers to text: the phone's own, or the safe contact instead; on the contact's first day, both."""
    there: list[tuple[str, SafeContact | None]] = []
    if contact is not None:
        there.append((read(contact.to_sealed, contact.line_id), contact))
    if contact is None or delegations.get_double_alert_end(contact=contact, at=at) is not None:
        there.append((msisdn, None))
    return [(number, whose) for number, whose in there if number]


@transaction.atomic(savepoint=False)
def enqueue_warnings(
    *, lines: Collection[Line], words: Callable[[Line], str], of: str,
    to: Recipients | Mapping[int, str], at_most: int | None,
    at: datetime,
) -> None:  # fmt: skip
    """Have the persons of lines texted at once, by day and night, of what somebody may do who takes a line over.

    `to`: numbers, by line, are texted as they are, whichever number the line has by now, and no safe contact is.
    `of`: which kind of change; `at_most`: so many of that kind in a day to each recipient, None: all. To the old number
    only if no other line has had it since. Nothing is sent where a line leaves its account in confidence. In as many
    statements for many lines as for one.
    """
    told = _exclude_confidential_departures(lines, at)
    about = f"moved:{of}"
    sent = _count_warnings(told, about, at) if at_most is not None else Counter()
    made = [
        Message(
            id=uuid4(), line_id=pk, kind=Message.Kind.MOVED, about=about, to_sealed=seal(msisdn),
            words_sealed=seal(_address_alert(told[pk], words(told[pk]), contact)), made_at=at, contact=contact,
            next_at=at, expires_at=at + LASTS[Message.Kind.MOVED],
        )
        for pk, msisdn, contact in _list_warning_recipients(told, to, at)
        if at_most is None or sent[pk, contact.pk if contact else None] < at_most
    ]  # fmt: skip
    Message.objects.bulk_create(made)
    if not texts.is_networked():
        for message in made:
            transaction.on_commit(partial(sms_delivery.deliver_one, message_id=message.pk, now=at), robust=True)


def _exclude_confidential_departures(lines: Collection[Line], at: datetime) -> dict[int, Line]:
    known = {line.pk: line for line in lines}
    departures = delegations.query_confidential_departures(at=at).filter(line__in=known)
    leaving = {*departures.values_list("line", flat=True)}
    return {pk: line for pk, line in known.items() if pk not in leaving}


def _count_warnings(line_ids: Collection[int], about: str, at: datetime) -> Counter[tuple[int, int | None]]:
    """How often each recipient was warned of one kind of change in a day: by line and safe contact (None: phone)."""
    lately = Message.objects.filter(line__in=line_ids, kind=Message.Kind.MOVED, made_at__gt=at - DAY, about=about)
    return Counter(lately.values_list("line_id", "contact_id"))


def _list_warning_recipients(
    line_ids: Collection[int], to: Recipients | Mapping[int, str], at: datetime
) -> list[tuple[int, str, SafeContact | None]]:
    if not isinstance(to, Recipients):
        return [(pk, to[pk], None) for pk in line_ids]
    if to == Recipients.OLD_NUMBER_AND_CONTACT:
        numbers = delegations.list_last_numbers(line_ids=line_ids)
    else:
        numbers = delegations.list_current_numbers(line_ids=line_ids, at=at)
    return _unseal_recipients(numbers, sms_delivery.list_contacts_to_warn(line_ids=line_ids, at=at), at)


def _unseal_recipients(
    numbers: Mapping[int, bytes], contacts: Mapping[int, SafeContact], at: datetime
) -> list[tuple[int, str, SafeContact | None]]:
    """Return whom to warn, by line: the safe contact's number, then the line's; none that no key opens."""
    read = _choose_reader(Message.Kind.MOVED, at)
    sealed: list[tuple[int, bytes | memoryview, SafeContact | None]] = [
        *((pk, contact.to_sealed, contact) for pk, contact in contacts.items()),
        *((pk, number, None) for pk, number in numbers.items()),
    ]
    there = [(pk, read(number, pk), whose) for pk, number, whose in sealed]
    return [one for one in there if one[1]]


@transaction.atomic
def enqueue_email(*, line_id: int, to: str, mail: Mail, at: datetime) -> None:
    """Have a mail sent that a line's person asked for, once this transaction is committed. Raises SentEnough.

    The row is the queue: no outage of the mail server loses it or keeps anybody waiting. The address goes with it.
    """
    Line.objects.select_for_update().get(pk=line_id)
    if OutgoingEmail.objects.filter(line_id=line_id, made_at__gt=at - DAY).count() >= LETTERS_A_DAY:
        raise SentEnough
    _queue_email(line_id, to, mail, at)


@transaction.atomic
def enqueue_notice(*, line_id: int | None, to: str, mail: Mail, at: datetime) -> None:
    """Have somebody mailed that there is something to read, at the address that they gave. It holds none of it."""
    _queue_email(line_id, to, mail, at)


def _queue_email(line_id: int | None, to: str, mail: Mail, at: datetime) -> None:
    OutgoingEmail.objects.create(
        id=uuid4(), line_id=line_id, to_sealed=seal(to), body_sealed=email_outbox.seal_mail(mail=mail), made_at=at,
        next_at=at, expires_at=at + LETTER_LASTS,
    )  # fmt: skip


@transaction.atomic
def enqueue_receipt(*, line_id: int, words: str, at: datetime) -> None:
    """Have a line texted a link that its person asked for. Raises SentEnough."""
    Line.objects.select_for_update(of=("self",), no_key=True).get(pk=line_id)
    sent = Message.objects.filter(line_id=line_id, kind=Message.Kind.RECEIPT, made_at__gt=at - DAY)
    if sent.count() >= RECEIPT_TEXTS_A_DAY:
        raise SentEnough
    enqueue_text(line_id=line_id, kind=Message.Kind.RECEIPT, words=words, at=at)


def drop_reminders(*, line_ids: Collection[int]) -> None:
    """Forget the reminders of lines that their phones were not sent yet: what they say is no longer so."""
    # One that the gateway has and may give back goes too.
    with connection.cursor() as cursor:
        cursor.execute(DROP_REMINDERS, [list(line_ids), Message.Kind.REMINDER.value])


@transaction.atomic
def enqueue_reminders(
    *, line_ids: Collection[int], words: Callable[[Line], str], at: datetime, every: timedelta
) -> int:
    """Have lines texted that something is still on, by day: each at most once in `every`. Returns how many wait now.

    A few statements for any number of lines; two workers at once remind nobody twice.
    """
    with connection.cursor() as cursor:
        cursor.execute(DUE_AGAIN, {"lines": sorted(line_ids), "at": at, "before": at - every})
        due = [line_id for (line_id,) in cursor.fetchall()]
    return enqueue_alerts(line_ids=due, kind=Message.Kind.REMINDER, words=words, at=at) if due else 0


@transaction.atomic
def enqueue_yearly_reminder(*, line_ids: Collection[int], words: Callable[[Line], str], at: datetime) -> int:
    """Text those lines that want it the link to their past year, each once a year. Returns how many it took."""
    since = datetime(at.year, 1, 2, tzinfo=UTC)
    if at < since:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(DUE_YEARLY, {"at": at, "since": since, "lines": list(line_ids)})
        due = [line_id for (line_id,) in cursor.fetchall()]
    if due:
        enqueue_alerts(line_ids=due, kind=Message.Kind.YEARLY, words=words, at=at)
    return len(due)
