"""Check one reported release, prove its decision id, and put delayed-notice orders on rows known and still to come.

A decision id holds for one line and a short time.

A notice and the row it is about may arrive at the same moment. Whoever stores rows shares a lock; whoever writes
notices, or reveals what they hid, holds it alone: so a notice is never held for a row that has just been stored.
"""

import hashlib
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from operator import itemgetter
from typing import NamedTuple
from uuid import UUID

import msgspec
from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.db.models import QuerySet

from accounts.primitives.sealing import number_hash
from consent.gate import rules
from consent.gate.rules import get_claimed_time
from consent.gate.shapes import USE_WITHIN_S
from disclosures.models import DelayedNotice, DisclosureRegister, HeldDisclosure, HeldNotice
from partners.feeds.checking import hash_of_meaning

# How many bytes of the keyed hash we keep to tell a repeat from a conflict. 1.0 kept all 32.
CONTENT_BYTES = 7
IDS = uuid.UUID("0b9a3a5e-52a0-4d0e-8c0d-6a7c5a1f0e11")
IN_IDS = hashlib.sha1(IDS.bytes, usedforsecurity=False)


def id_of(source_id: str) -> uuid.UUID:
    """Our id of a disclosure, derived from the sender's."""
    return uuid.uuid5(IDS, source_id)


def hex_id_of(source_id: str) -> str:
    """Return the same as 32 hexadecimal digits, in half the time."""
    digest = IN_IDS.copy()
    digest.update(source_id.encode())
    found = digest.hexdigest()
    return f"{found[:12]}5{found[13:16]}{VARIANT[found[16]]}{found[17:32]}"


# Of a UUID's seventeenth digit the two highest bits are "10".
VARIANT = {f"{digit:x}": f"{digit & 0b11 | 0b1000:x}" for digit in range(16)}


class Report(msgspec.Struct, frozen=True, gc=False):
    """What a row of the disclosures feed says: instants in UTC, absent texts empty."""

    source_id: str
    occurred_at: datetime
    msisdn: str
    aggregator: str
    path: list[str]
    campaign: str
    purpose: str
    scope: str
    precision_m: int
    basis: str
    outcome: str
    decision_id: str
    authority_ref: str
    suppressed_until: datetime | None


class Row(msgspec.Struct, frozen=True, gc=False):
    """A report with its place in the chunk, our id of it, a hash of what it means, and the hash of its number."""

    n: int
    id: str
    content: bytes
    number: bytes
    report: Report


def row_of(said: Report, *, n: int) -> Row:
    """Return the row of a report: what is computed once and needed at several places."""
    content = hash_of_meaning(
        [
            said.occurred_at, said.msisdn, said.aggregator, said.path, said.campaign or None, said.purpose, said.scope,
            said.precision_m, said.basis, said.outcome, said.decision_id or None, said.authority_ref or None,
            said.suppressed_until,
        ]
    )[:CONTENT_BYTES]  # fmt: skip
    return Row(n, hex_id_of(said.source_id), content, number_hash(said.msisdn), said)


class Outcome(msgspec.Struct, frozen=True, gc=False):
    """What became of a row: accepted, repeated, line_unknown or id_conflict.

    `judgement` is set for an accepted one that counts among the judged: released, by approval, not under a gag.
    `path_completed`: which places of its path were filled (`PathCompleted`).
    """

    fate: str
    judgement: str = ""
    path_completed: str = ""


MAY_BE_REPORTED_WITHIN = timedelta(seconds=USE_WITHIN_S)


def may_have_the_gates_yes(*, decision_id: str, occurred_at: datetime) -> bool:
    """Return whether this id claims a yes for that moment. Whether it is the gate's can be told only for a line."""
    claimed_at = get_claimed_time(decision_id=decision_id)
    return claimed_at is not None and _may_follow(claimed_at, occurred_at)


def had_the_gates_yes(*, line_id: int, campaign: str, decision_id: str, occurred_at: datetime) -> bool:
    """Return whether the gate allowed this release: by this id, for this line and campaign, a moment before."""
    allowed_at = rules.allowed_at(decision_id=decision_id, line_id=line_id, campaign=campaign)
    return allowed_at is not None and _may_follow(allowed_at, occurred_at)


def _may_follow(yes_at: datetime, occurred_at: datetime) -> bool:
    """Return whether a release may rest on a yes of that moment. Who reports may tell the time in whole seconds."""
    since = yes_at if occurred_at.microsecond else yes_at.replace(microsecond=0)
    return since <= occurred_at <= yes_at + MAY_BE_REPORTED_WITHIN


SHARED = "SELECT pg_advisory_xact_lock_shared(hashtext('disclosures.notices'))"
ALONE = "SELECT pg_advisory_xact_lock(hashtext('disclosures.notices'))"
# A row's own order is the first; those that waited for it came after, in their order. The newest says what holds, here
# and in the archive outside, which takes them in the order in which they are put.
WITH_THE_ROWS = """
INSERT INTO disclosures_delayednotice (line_id, disclosure_id, number, suppressed_until, order_ref, recorded_at)
SELECT fresh.line_id, fresh.id, 1, incoming.suppressed_until, incoming.authority_ref, %s
FROM incoming JOIN fresh ON fresh.n = incoming.n WHERE incoming.suppressed_until IS NOT NULL
"""
# Where the ledger is spread over servers no trigger notes what follows from a notice: these do, and elsewhere nothing.
KEEP = "SELECT disclosures_keep_notices(%s::bigint[], %s::uuid[], %s::timestamptz[], %s::text[])"
KEEP_WITH_THE_ROWS = """
SELECT disclosures_keep_notices(array_agg(fresh.line_id), array_agg(fresh.id), array_agg(incoming.suppressed_until),
    array_agg(incoming.authority_ref))
FROM incoming JOIN fresh ON fresh.n = incoming.n WHERE incoming.suppressed_until IS NOT NULL
"""
NOTE_DAY = "SELECT disclosures_note_days(ARRAY[%s]::bigint[], ARRAY[%s]::timestamptz[])"
WAITING = """
DELETE FROM disclosures_heldnotice held USING fresh JOIN incoming ON incoming.n = fresh.n
WHERE held.disclosure_id = fresh.id
RETURNING fresh.line_id, fresh.id, held.number + CASE WHEN incoming.suppressed_until IS NULL THEN 0 ELSE 1 END,
    held.suppressed_until, held.order_ref, held.recorded_at
"""
PUT = """
INSERT INTO disclosures_delayednotice (line_id, disclosure_id, number, suppressed_until, order_ref, recorded_at)
SELECT * FROM unnest(%s::bigint[], %s::uuid[], %s::integer[], %s::timestamptz[], %s::text[], %s::timestamptz[])
ORDER BY 2, 3
"""
HIDE = """
UPDATE fresh SET hidden = newest.suppressed_until IS NULL OR newest.suppressed_until > audit_now()
FROM (
    SELECT DISTINCT ON (id) id, suppressed_until FROM unnest(%s::uuid[], %s::integer[], %s::timestamptz[])
        AS put (id, number, suppressed_until)
    ORDER BY id, number DESC
) newest WHERE fresh.id = newest.id
"""
CONCEAL = """
INSERT INTO disclosures_concealeddisclosure (id, line_id, occurred_at, gated)
SELECT id, line_id, occurred_at, gated FROM fresh WHERE hidden
"""


def lock_notices_shared(*, cursor: CursorWrapper) -> None:
    """Before rows are registered: wait for whoever writes notices, and keep them waiting until this commits."""
    cursor.execute(SHARED)


def lock_notices() -> None:
    """Before notices are read or written: alone until this transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute(ALONE)


def apply(*, cursor: CursorWrapper, at: datetime) -> None:
    """Put the orders on the staged rows: their own, and those that waited for them. Notes which rows are concealed."""
    cursor.execute(WITH_THE_ROWS, [at])
    if cursor.rowcount:
        cursor.execute(KEEP_WITH_THE_ROWS)
    cursor.execute(WAITING)
    waited = sorted(cursor.fetchall(), key=itemgetter(1, 2))  # in the order in which they go to the archive
    if waited:
        lines, ids, numbers, untils, refs, recorded = (list(column) for column in zip(*waited, strict=True))
        cursor.execute(PUT, [lines, ids, numbers, untils, refs, recorded])
        cursor.execute(KEEP, [lines, ids, untils, refs])
        cursor.execute(HIDE, [ids, numbers, untils])
    cursor.execute(CONCEAL)


def list_unknown(*, source_ids: Sequence[str]) -> list[str]:
    """Return those of the carrier's ids of which we know nothing. Each may be mistyped.

    Known are a release of a line, one that waits for its line, and one of which an order said that it is to come.
    """
    ids = {id_of(one): one for one in source_ids}
    known = {
        *DisclosureRegister.objects.filter(id__in=ids).values_list("id", flat=True),
        *HeldDisclosure.objects.filter(id__in=ids).values_list("id", flat=True),
        *HeldNotice.objects.filter(disclosure_id__in=ids).values_list("disclosure_id", flat=True),
    }
    return [one for row_id, one in ids.items() if row_id not in known]


class NoticeFate(NamedTuple):
    """What became of an order: whether it is a new one, and whether its release is here or it is kept until then."""

    is_new: bool
    has_arrived: bool


def append(
    *, disclosure_id: UUID, suppressed_until: datetime | None, order_ref: str, at: datetime, renews: bool
) -> NoticeFate:
    """Add an order to a disclosure's, or keep it for one that we do not have.

    The same as the newest changes nothing; nor does, unless it `renews`, the same as any before: an old file that is
    taken in again must not hide what was shown since. Call after `lock_notices`.
    """
    known = DisclosureRegister.objects.filter(id=disclosure_id).first()
    if known is None:
        held = HeldNotice.objects.filter(disclosure_id=disclosure_id).order_by("-number")
        if _is_repeated_notice(held, suppressed_until, order_ref, renews=renews):
            return NoticeFate(is_new=False, has_arrived=False)
        HeldNotice.objects.create(
            disclosure_id=disclosure_id,
            number=held[0].number + 1 if held else 1,
            suppressed_until=suppressed_until,
            order_ref=order_ref,
            recorded_at=at,
        )
        return NoticeFate(is_new=True, has_arrived=False)
    notices = DelayedNotice.objects.filter(line_id=known.line_id, disclosure_id=known.id).order_by("-number")
    if _is_repeated_notice(notices, suppressed_until, order_ref, renews=renews):
        return NoticeFate(is_new=False, has_arrived=True)
    DelayedNotice.objects.create(
        line_id=known.line_id,
        disclosure_id=known.id,
        number=notices[0].number + 1 if notices else 1,
        suppressed_until=suppressed_until,
        order_ref=order_ref,
        recorded_at=at,
    )
    with connection.cursor() as cursor:
        cursor.execute(KEEP, [[known.line_id], [known.id], [suppressed_until], [order_ref]])
        cursor.execute(NOTE_DAY, [known.line_id, known.occurred_at])
    return NoticeFate(is_new=True, has_arrived=True)


def _is_repeated_notice(
    orders: QuerySet[DelayedNotice] | QuerySet[HeldNotice], until: datetime | None, order_ref: str, *, renews: bool
) -> bool:
    """`orders`: of one disclosure, the newest first."""
    said = [(order.suppressed_until, order.order_ref) for order in orders]
    return (until, order_ref) in (said[:1] if renews else said)
