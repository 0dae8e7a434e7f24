"""Delayed-notice orders: on rows we have, and kept for rows that are still to come.

A notice and the row it is about may arrive at the same moment. Whoever stores rows shares a lock; whoever writes
notices, or reveals what they hid, holds it alone: so a notice is never held for a row that has just been stored.
"""

from collections.abc import Sequence
from datetime import datetime
from operator import itemgetter
from uuid import UUID

from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.db.models import QuerySet

from disclosures.domain.ingest.rows import id_of
from disclosures.models import DelayedNotice, DisclosureRegister, HeldNotice

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


def not_arrived(*, source_ids: Sequence[str]) -> list[str]:
    """Return those of the carrier's ids under which we have no release of a line."""
    ids = {id_of(one): one for one in source_ids}
    known = set(DisclosureRegister.objects.filter(id__in=ids).values_list("id", flat=True))
    return [one for row_id, one in ids.items() if row_id not in known]


def append(
    *, disclosure_id: UUID, suppressed_until: datetime | None, order_ref: str, at: datetime, renews: bool
) -> bool | None:
    """Add an order to a disclosure's, or keep it for one that we do not have. Whether it was new; None: it is kept.

    The same as the newest changes nothing; nor does, unless it `renews`, the same as any before: an old file that is
    taken in again must not hide what was shown since. Call after `lock_notices`.
    """
    known = DisclosureRegister.objects.filter(id=disclosure_id).first()
    if known is None:
        held = HeldNotice.objects.filter(disclosure_id=disclosure_id).order_by("-number")
        if not _is_repeated_notice(held, suppressed_until, order_ref, renews=renews):
            HeldNotice.objects.create(
                disclosure_id=disclosure_id,
                number=held[0].number + 1 if held else 1,
                suppressed_until=suppressed_until,
                order_ref=order_ref,
                recorded_at=at,
            )
        return None
    notices = DelayedNotice.objects.filter(line_id=known.line_id, disclosure_id=known.id).order_by("-number")
    if _is_repeated_notice(notices, suppressed_until, order_ref, renews=renews):
        return False
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
    return True


def _is_repeated_notice(
    orders: QuerySet[DelayedNotice] | QuerySet[HeldNotice], until: datetime | None, order_ref: str, *, renews: bool
) -> bool:
    """`orders`: of one disclosure, the newest first."""
    said = [(order.suppressed_until, order.order_ref) for order in orders]
    return (until, order_ref) in (said[:1] if renews else said)
