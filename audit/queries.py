"""Read the clock, the trail, and whether the trail is whole."""

import hashlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.db.models import QuerySet

from audit.models import AuditEvent, ChainHead, IncidentStep

# A row of a chain: its `seq`, the hash before it, its own hash, and the text that is hashed.
type _Row = tuple[int, bytes, bytes, str]

CHAINS = 16
# What a person asked in confidence, or what it did for them: a holder who reads it would know that there is something.
CONFIDENTIAL = r"^(separation\.|protection\.|person\.reveal_)"
# What a person writes to us is for nobody else near that line: that they wrote is enough to be asked about it.
WRITTEN = ("ticket.asked", "ticket.heard", "ticket.rated")
ABOUT_CASES = r"^(ticket|case)\."
BATCH = 5000
MOST_STEPS = 200
ENDS = """
SELECT c.chain, coalesce(h.seq, 0), coalesce(h.hash, ''),
    coalesce((SELECT max(e.seq) FROM audit_auditevent e WHERE e.chain = c.chain), 0)
FROM generate_series(0, %s) AS c (chain) LEFT JOIN audit_chainhead h ON h.chain = c.chain
"""
# `at` comes from many clocks, and need not rise with `seq`.
RANGE = """
SELECT coalesce(min(seq), 0), coalesce(max(seq), 0) FROM audit_auditevent
WHERE chain = %s AND seq <= %s
    AND at >= coalesce(%s, '-infinity'::timestamptz) AND at < coalesce(%s, 'infinity'::timestamptz)
"""
ROWS = """
SELECT e.seq, e.prev_hash, e.hash, jsonb_build_array(e.chain, e.seq, (extract(epoch FROM e.at) * 1000000)::bigint,
    e.action, e.actor, e.target, e.line_id, e.reason, e.detail)::text
FROM audit_auditevent e WHERE e.chain = %s AND e.seq > %s AND e.seq <= %s ORDER BY e.seq LIMIT %s
"""
# Where the trigger puts an event; one anywhere else would stand in a log and in no chain that is checked.
MISPLACED = """
SELECT chain, seq FROM audit_auditevent
WHERE chain <> (coalesce(line_id, hashtext(target)::bigint) & 15) ORDER BY chain, seq LIMIT 1
"""


@dataclass(frozen=True)
class Fault:
    """The first bad row: where it stands and what is wrong with it."""

    chain: int
    seq: int
    what: str


@dataclass(frozen=True)
class Verification:
    """How many events were checked, and the first fault, if there is one."""

    checked: int
    fault: Fault | None


def database_clock() -> datetime:
    """Read the database's clock: the one that orders choices (SQL function `audit_now`)."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT audit_now()")
        (now,) = cursor.fetchone() or (None,)
    if not isinstance(now, datetime):
        raise TypeError("audit_now() gave no time")
    return now


def events_of_line(*, line_id: int, reader: str, own: bool = False, confidential: bool = False) -> QuerySet[AuditEvent]:
    """Query all that was read or done about a line, by anybody, the newest first; as the chain has it, not the ids.

    `reader`: for whom, as the trail names them; that another person wrote to us is left out. `own`: for whoever uses
    it, with what staff did in another's case about it; for everybody else such a case leaves no trace. `confidential`:
    with what they asked in confidence.
    """
    ours = AuditEvent.objects.filter(line_id=line_id)
    others = ours.filter(action=WRITTEN[0]).exclude(actor=reader).values_list("target", flat=True)
    if own:
        events = ours.exclude(action__in=WRITTEN, target__in=others)
    else:
        events = ours.exclude(action__regex=ABOUT_CASES, target__in=others)
        if codes := [target.removeprefix("ticket:") for target in others]:
            events = events.exclude(action="ticket.found", detail__tickets__has_any_keys=codes)
    events = events.order_by("-at", "-seq")
    return events if confidential else events.exclude(action__regex=CONFIDENTIAL)


def happened_at(*, action: str, target: str) -> datetime | None:
    """Return when this was done to that, the first time; None: it never was."""
    return list_first_moments(action=action, targets=[target]).get(target)


def list_first_moments(*, action: str, targets: Collection[str]) -> dict[str, datetime]:
    """Return when this was done to each of those, the first time; those to which it was."""
    done = AuditEvent.objects.filter(action=action, target__in=targets).order_by("-at")
    return dict(done.values_list("target", "at"))


def not_ahead(*, at: datetime) -> datetime:
    """Return this moment, or now by the database's clock if the clock that it was read from is ahead of that."""
    return min(at, database_clock())


def get_newest_detail(*, action: str, actor: str, target: str, since: datetime) -> dict[str, object] | None:
    """Return the detail of what this actor did last on this target, if that was since then."""
    done = AuditEvent.objects.filter(action=action, actor=actor, target=target, at__gt=since)
    return done.order_by("-at", "-seq").values_list("detail", flat=True).first()


def began_at() -> datetime | None:
    """Return the moment of the oldest event; None: there is none yet."""
    return AuditEvent.objects.order_by("at").values_list("at", flat=True).first()


@dataclass(frozen=True)
class CompletedDuty:
    """That a duty was done: on which day, under which reference, by whom it was written down, and when."""

    on: str
    reference: str
    actor: str
    at: datetime


def list_completed_duties(*, incident_id: int, since: datetime, but_by: str = "") -> dict[str, CompletedDuty]:
    """Return the duties of an incident that were done since it was last opened, by name; of each the newest word.

    `but_by`: whose word is left out, by how the trail's name for them begins.
    """
    events = AuditEvent.objects.filter(target=f"incident:{incident_id}", action="incident.told", at__gte=since)
    if but_by:
        events = events.exclude(actor__startswith=but_by)
    return {
        str(one.detail["duty"]): CompletedDuty(str(one.detail["on"]), str(one.detail["reference"]), one.actor, one.at)
        for one in events.order_by("at", "id")
    }


def list_clock_starts(*, incident_id: int, opened_at: datetime) -> list[datetime]:
    """Return when an incident's clocks began: as it was last opened, and each time that new trouble came since."""
    anew = IncidentStep.objects.filter(incident_id=incident_id, what=IncidentStep.What.RENEWED, at__gt=opened_at)
    return [opened_at, *anew.order_by("at").values_list("at", flat=True)]


def steps_of(*, incident_id: int) -> list[IncidentStep]:
    """Return what became of an incident, the oldest first; at most the newest 200."""
    newest = IncidentStep.objects.filter(incident_id=incident_id).order_by("-id")
    return list(reversed(newest[:MOST_STEPS]))


def get_chain_heads() -> dict[int, tuple[int, bytes]]:
    """Return each chain's newest `seq` and hash."""
    return {head.chain: (head.seq, bytes(head.hash)) for head in ChainHead.objects.order_by("chain")}


def list_missing_heads(*, signed: Mapping[int, tuple[int, bytes]]) -> list[int]:
    """Return the chains in which the event that these heads name is not there, or is another."""
    return [
        chain
        for chain, (seq, own_hash) in sorted(signed.items())
        if seq and not AuditEvent.objects.filter(chain=chain, seq=seq, hash=own_hash).exists()
    ]


def verify_chains(
    *, since: datetime | None, until: datetime | None, signed: dict[int, tuple[int, bytes]]
) -> Verification:
    """Recompute the chains. `signed`: a checkpoint's heads, kept outside the database; each must still be in its chain.

    Finds a changed, removed, reordered or cut-off event. Events may be written meanwhile: those up to the heads that
    are read first are checked. `since` and `until` choose from each chain its first event in range to its last, and
    all between, whose times may lie outside; the neighbours on both sides must be there and fit.
    """
    checked = 0
    ends = _ends()
    for chain in range(CHAINS):
        fault, seen = _verify_chain(chain, ends[chain], since, until, signed.get(chain))
        checked += seen
        if fault is not None:
            return Verification(checked, fault)
    return Verification(checked, _find_misplaced_event())


def _find_misplaced_event() -> Fault | None:
    """The first event that does not stand in the chain of what it is about."""
    with connection.cursor() as cursor:
        cursor.execute(MISPLACED)
        found = cursor.fetchone()
    if found is None:
        return None
    chain, seq = found
    return Fault(chain, seq, "is in a chain that is not its own")


@dataclass(frozen=True)
class _End:
    """Where a chain ends: what its head says, and the `seq` of the newest event there is."""

    seq: int
    hash: bytes
    newest: int


def _ends() -> dict[int, _End]:
    """The ends of all chains, as of one moment."""
    with connection.cursor() as cursor:
        cursor.execute(ENDS, [CHAINS - 1])
        return {chain: _End(seq, bytes(own_hash), newest) for chain, seq, own_hash, newest in cursor.fetchall()}


def _verify_chain(
    chain: int, end: _End, since: datetime | None, until: datetime | None, signed: tuple[int, bytes] | None
) -> tuple[Fault | None, int]:
    first, last = _range(chain, end, since, until)
    if not first:
        return None, 0
    low, high = max(first - 1, 1), min(last + 1, end.seq)
    # What the first row of a chain names as the hash before it.
    link = hashlib.sha256(f"whereabouts audit chain {chain}".encode()).digest() if low == 1 else None
    place, checked = low - 1, 0
    for row in _rows(chain, low, high):
        fault = _row_fault(chain, row, place, link, signed)
        if fault is not None:
            return fault, checked
        place, _, link, _ = row
        checked += first <= place <= last
    if until is None and _is_cut_off(place, link, end, signed):
        return Fault(chain, place + 1, "is cut off"), checked
    return _end_fault(chain, place, high, end), checked


def _row_fault(chain: int, row: _Row, place: int, link: bytes | None, signed: tuple[int, bytes] | None) -> Fault | None:
    """What is wrong with a row that follows on the one at `place`, whose hash is `link`."""
    seq, prev_hash, own_hash, text = row
    if seq != place + 1:
        return Fault(chain, place + 1, "is missing")
    if prev_hash != (link or prev_hash) or own_hash != hashlib.sha256(prev_hash + text.encode()).digest():
        return Fault(chain, seq, "was changed")
    if signed is not None and seq == signed[0] and own_hash != signed[1]:
        return Fault(chain, seq, "is not what the checkpoint signed")
    return None


def _is_cut_off(place: int, link: bytes | None, end: _End, signed: tuple[int, bytes] | None) -> bool:
    """Whether the last row that was read is not the one where the chain ends, or where a checkpoint saw it."""
    return place != max(end.seq, signed[0] if signed else 0) or (place > 0 and link != end.hash)


def _end_fault(chain: int, place: int, high: int, end: _End) -> Fault | None:
    if place < high:
        return Fault(chain, place + 1, "is missing")
    return Fault(chain, end.seq + 1, "is beyond the head") if end.newest > end.seq else None


def _range(chain: int, end: _End, since: datetime | None, until: datetime | None) -> tuple[int, int]:
    """The places of the first and the last event in range; 0 and 0 if there is none."""
    if since is None and until is None:
        return 1, end.seq
    with connection.cursor() as cursor:
        cursor.execute(RANGE, [chain, end.seq, since, until])
        first, last = cursor.fetchone() or (0, 0)
    return first, last if until is not None else end.seq


def _rows(chain: int, first: int, last: int) -> Iterator[_Row]:
    """Some events of one chain in order, in batches by `seq`, with the text that is hashed."""
    seen = first - 1
    while seen < last:
        with connection.cursor() as cursor:
            cursor.execute(ROWS, [chain, seen, last, BATCH])
            rows = cursor.fetchall()
        for seq, prev_hash, own_hash, text in rows:
            yield seq, bytes(prev_hash), bytes(own_hash), text
            seen = seq
        if len(rows) < BATCH:
            return
