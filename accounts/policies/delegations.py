"""Read who else has to do with a line, and how long a change of its SIM, number or account holds what it opens.

Who else: trusted helpers, the safe contact, requests made in confidence. Nothing here writes.
"""

from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from cryptography.fernet import InvalidToken
from django.db import connection
from django.db.models import Q, QuerySet

from accounts.models import Delegation, Line, LineNumber, LineUser, SafeContact, Separation, User
from accounts.primitives import sealing
from audit.queries import database_clock

# So long somebody who was asked to look after a line may say yes.
ASKED_FOR = timedelta(days=7)
# So long the phone itself is told as well, after news goes elsewhere.
BOTH_FOR = timedelta(hours=24)
# Of most lines there is none: Django would take ten times as long to ask as PostgreSQL to find nothing.
CONTACTS = """
SELECT id, line_id, to_sealed, code_sealed, tries_left, asked_at, proved_at, ended_at FROM accounts_safecontact
WHERE line_id = ANY (%s) AND proved_at IS NOT NULL AND ended_at IS NULL
"""
LAST_NUMBERS = """
SELECT line_id, msisdn_sealed FROM (
    SELECT DISTINCT ON (line_id) line_id, msisdn_sealed, msisdn_hash, starts_at FROM accounts_linenumber
    WHERE line_id = ANY (%s) ORDER BY line_id, starts_at DESC
) AS newest
WHERE NOT EXISTS (
    SELECT FROM accounts_linenumber other WHERE other.msisdn_hash = newest.msisdn_hash
        AND other.starts_at >= newest.starts_at AND other.line_id <> newest.line_id)
"""
CODE_LASTS = timedelta(minutes=10)
SEPARATION_DAYS = 2
SATURDAY = 5


def list_given_delegations(*, line_id: int, at: datetime) -> Sequence[Delegation]:
    """Return whom the line's user asked to look after it: who does, and who has not answered; the newest first."""
    waits = Q(user__isnull=True, asked_at__gt=at - ASKED_FOR)
    return list(_query_active(at).filter(Q(user__isnull=False) | waits, line_id=line_id).order_by("-asked_at", "id"))


def list_received_delegations(*, user: User, at: datetime) -> Sequence[Delegation]:
    """Return what somebody looks after now, by what was asked first."""
    return list(query_delegated_lines(user=user, at=at).order_by("asked_at", "id"))


def query_delegated_lines(*, user: User, at: datetime) -> QuerySet[Delegation]:
    """Query the lines delegated to a person, not read yet."""
    return _query_active(at).filter(user=user)


def list_open_requests(*, line_id: int, at: datetime) -> Sequence[Delegation]:
    """Return what whoever has this line was asked to look after and has not answered yet.

    By the number it has now, since it has that: whoever had it before was asked something else. Nothing of an ended
    line.
    """
    held = query_current_numbers(line_ids=[line_id], at=at)
    number = held.exclude(line__deactivated_at__lte=at).order_by("starts_at").last()
    if number is None:
        return []
    waits = _query_active(at).filter(user__isnull=True, asked_at__gt=at - ASKED_FOR, asked_hash=number.msisdn_hash)
    mine = waits.filter(asked_at__gte=number.starts_at)
    return list(mine.select_related("line").order_by("asked_at", "id"))


def contact_of(*, line_id: int) -> SafeContact | None:
    """Return where news about the line goes instead of its phone, or None."""
    return contacts_of(line_ids=[line_id]).get(line_id)


def contacts_of(*, line_ids: Collection[int]) -> dict[int, SafeContact]:
    """Return where news about many lines goes instead of their phones, by line. One query."""
    found = SafeContact.objects.raw(CONTACTS, [list(line_ids)])
    return {one.line_id: one for one in found}


def list_reassigned_contacts(
    *, contacts: Collection[SafeContact], at: datetime, known_by: datetime | None = None, holding: bool = False
) -> list[SafeContact]:
    """List those whose number began with a line of ours after it was proved: it may be somebody else's. One query.

    That it has ended there since gives it back to nobody. `known_by`: only where we knew of the line by then.
    `holding`: only where it has the number still. Of a number that no key opens nobody knows.
    """
    hash_of = _hash_numbers(contacts)
    if not hash_of:
        return []
    newest: dict[bytes, datetime] = {}
    for mark, starts_at in _list_number_starts(hash_of.values(), at, known_by, holding=holding):
        newest[bytes(mark)] = starts_at
    begun = {pk: newest[mark] for pk, mark in hash_of.items() if mark in newest}
    return [one for one in contacts if one.proved_at and begun.get(one.pk, one.proved_at) > one.proved_at]


def _hash_numbers(contacts: Iterable[SafeContact]) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    for one in contacts:
        with suppress(InvalidToken):
            found[one.pk] = sealing.number_hash(sealing.unseal(one.to_sealed))
    return found


def _list_number_starts(
    hashes: Iterable[bytes], at: datetime, known_by: datetime | None, *, holding: bool
) -> Iterable[tuple[bytes | memoryview, datetime]]:
    """Since when lines of ours have, or had, these numbers, in order."""
    begun = LineNumber.objects.filter(msisdn_hash__in=hashes, starts_at__lte=at)
    if known_by is not None:
        begun = begun.exclude(Q(line__recorded_at__gt=known_by) | Q(line__change_known_at__gt=known_by))
    if holding:
        begun = begun.exclude(ends_at__lte=at)
    return begun.order_by("starts_at").values_list("msisdn_hash", "starts_at")


def get_pending_contact(*, line_id: int, at: datetime) -> SafeContact | None:
    """Return the number to which a code was texted that may still be typed, or None."""
    return _query_unproved_contacts(line_id, at).filter(tries_left__gt=0).first()


def has_spent_contact_code(*, line_id: int, at: datetime) -> bool:
    """Return whether the code of that kind was tried so often that it counts no more."""
    return _query_unproved_contacts(line_id, at).filter(tries_left=0).exists()


def _query_unproved_contacts(line_id: int, at: datetime) -> QuerySet[SafeContact]:
    waits = SafeContact.objects.filter(line_id=line_id, proved_at__isnull=True, ended_at__isnull=True)
    return waits.filter(asked_at__gt=at - CODE_LASTS)


def get_double_alert_end(*, contact: SafeContact, at: datetime) -> datetime | None:
    """Return until when the phone is told as well; None: it is told no more."""
    until = (contact.proved_at or contact.asked_at) + BOTH_FOR
    return until if at < until else None


def separation_of(*, line_id: int) -> Separation | None:
    """Return the newest request that this line leaves its account, or None. For the person alone who uses the line."""
    return Separation.objects.filter(line_id=line_id).order_by("-asked_at").first()


def list_confidential_departures(*, account_id: int, at: datetime) -> Sequence[Separation]:
    """Lines of an account that leave it in confidence, or have left it, and whose holder may not be told yet."""
    return list(query_confidential_departures(at=at).filter(from_account=account_id).select_related("line"))


def query_confidential_departures(*, at: datetime) -> QuerySet[Separation]:
    """The same of every account, not read yet."""
    going = (Separation.State.OPEN, Separation.State.DONE)
    return Separation.objects.filter(state__in=going).exclude(tell_from__lte=at)


def query_current_numbers(*, line_ids: Collection[int], at: datetime) -> QuerySet[LineNumber]:
    """Select the numbers that lines have now: one that is no longer theirs may be another's by now."""
    return LineNumber.objects.filter(line__in=line_ids, starts_at__lte=at).exclude(ends_at__lte=at)


def get_current_number(*, line_id: int, at: datetime) -> str:
    """Return the number that a line has now, or "": it has none, or no key opens it."""
    number = query_current_numbers(line_ids=[line_id], at=at).order_by("-starts_at").first()
    return sealing.unseal_to_show(number.msisdn_sealed) if number else ""


def list_current_numbers(*, line_ids: Collection[int], at: datetime) -> dict[int, bytes]:
    """Return the numbers that lines have now, sealed, by line. One query."""
    held = query_current_numbers(line_ids=line_ids, at=at)
    found = held.order_by("starts_at").values_list("line_id", "msisdn_sealed")
    return {line_id: bytes(sealed) for line_id, sealed in found}


def list_last_numbers(*, line_ids: Collection[int]) -> dict[int, bytes]:
    """Return the number that each line had last, sealed, by line, where no other line has had it since. One query."""
    with connection.cursor() as cursor:
        cursor.execute(LAST_NUMBERS, [list(line_ids)])
        return {line_id: bytes(sealed) for line_id, sealed in cursor.fetchall()}


def is_unassigned_elsewhere(*, number: LineNumber) -> bool:
    """Return whether no other line has had a number since it was this line's, also none that has given it back."""
    others = LineNumber.objects.filter(msisdn_hash=number.msisdn_hash, starts_at__gte=number.starts_at)
    return not others.exclude(line=number.line_id).exists()


def open_separations() -> QuerySet[Separation]:
    """Return what was asked and is not done, what is due first in front."""
    return Separation.objects.filter(state=Separation.State.OPEN).select_related("line").order_by("due_at", "id")


def business_days(*, start: datetime, days: int, zone: ZoneInfo) -> datetime:
    """Return the end of the last of so many days after `start`, weekends left out.

    A holiday counts: sooner, never later.
    """
    there = start.astimezone(zone)
    left = days
    while left:
        there += timedelta(days=1)
        left -= there.weekday() < SATURDAY
    return there.replace(hour=23, minute=59, second=59, microsecond=0)


def users_of_ended(*, msisdn: str) -> list[User]:
    """Return who signed in by a line that had this number and has ended; the last to have it first."""
    had = LineUser.objects.filter(
        until__isnull=False, line__deactivated_at__isnull=False, line__numbers__msisdn_hash=sealing.number_hash(msisdn)
    )
    rows = had.select_related("user").order_by("-until", "-pk").distinct()
    return [one.user for one in rows if one.user.is_subscriber]


def _query_active(at: datetime) -> QuerySet[Delegation]:
    return Delegation.objects.filter(ended_at__isnull=True, ends_at__gt=at)


# A new SIM, number or forwarding may mean that somebody else has the phone's texts: so long nothing opens by them.
HOLD = timedelta(hours=24)


def compute_hold_end(*, line: Line, since: datetime | None, at: datetime) -> datetime | None:
    """Return until when what was so of a line since then holds something; None: it does not at `at`.

    Nor by the database's clock: a server's clock that is ahead ends nothing early.
    """
    if since is None or (at >= since + HOLD and get_time(line=line, at=at) >= since + HOLD):
        return None
    return since + HOLD


def get_time(*, line: Line, at: datetime) -> datetime:
    """Return `at`, or the database's time where that is earlier: as of the statement that read the line, if it said."""
    return min(at, vars(line).get("read_at") or database_clock())


def get_relation_hold_end(*, own: Line, line: Line, at: datetime) -> datetime | None:
    """Return until when who holds an account by `own` neither sees another line of it nor decides for it, or None.

    A day from when we learned that one of the two came to the account, to a holder, or to a number that was another
    line's. Not of lines that one import brought together.
    """
    learned = [moment for moment in (own.holder_known_at, line.holder_known_at) if moment is not None]
    return compute_hold_end(line=own, since=max(learned, default=None), at=at)


def get_history_hold_end(*, line: Line, at: datetime) -> datetime | None:
    """Return until when nobody reads a line, by any proof, because releases of another line came to it, or None."""
    return compute_hold_end(line=line, since=line.history_known_at, at=at)


def reaches_line(*, own: Line, line: Line) -> bool:
    """Return whether who holds an account by `own` may see and decide for another line of it, once nothing holds it."""
    minor = line.user_role == Line.UserRole.MINOR
    return own.user_role == Line.UserRole.HOLDER and (
        minor or is_same_holder(line=line, holder_name=sealing.unseal_to_show(own.holder_name_sealed))
    )


def is_same_holder(*, line: Line, holder_name: str) -> bool:
    """Return whether a line is its account holder's own, and that holder's name is this. A name unknown is nobody's."""
    if line.user_role != Line.UserRole.HOLDER or not holder_name:
        return False
    return sealing.unseal_to_show(line.holder_name_sealed) == holder_name
