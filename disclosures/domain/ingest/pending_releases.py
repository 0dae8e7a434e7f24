"""Rows whose number had no line at their time: kept, sealed, and taken in when the line arrives.

What the gateway released for such a number it released without the gate's yes, which knows no line by it. That is
counted while the row is held: at once where the row does not even claim a yes; a day later where it claims one, for the
gate may have been asked by the line's id, and the number come with the next file of lines.
"""

import uuid
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from operator import attrgetter

import msgspec
from django.db import connection, transaction

from accounts.primitives.sealing import seal, unseal
from accounts.workers.one_by_one import unseal_or_report
from audit.actions import Release
from disclosures.domain.ingest.projections import Ungated, by_day, open_ungated_incident, store_ungated_lines
from disclosures.domain.ingest.rows import Report, Row, lock_notices_shared, may_have_the_gates_yes, row_of
from disclosures.models import HeldDisclosure
from disclosures.queries.delayed import NOT_HIDDEN

BATCH = 2000
JOB = "disclosures.held_rows"
A_YES_IS_AWAITED = timedelta(days=1)
# What the gateway reported, by whichever client: that is not kept of what a line has.
UNKNOWN_CLIENT = "unknown"
DECODER = msgspec.json.Decoder(Report)
# Those whose number is somebody's by now; whether it was at their time, taking them in will tell. What was counted
# while it was held is not asked for its yes once more.
CANDIDATES = """
SELECT held.id, CASE WHEN held.ungated_at IS NULL THEN held.gateway ELSE '' END, held.row_sealed
FROM disclosures_helddisclosure held
WHERE held.id > %s AND EXISTS (SELECT FROM accounts_linenumber n WHERE n.msisdn_hash = held.msisdn_hash)
ORDER BY held.id LIMIT %s
"""
# Ids in order, so that two imports of the same rows wait for each other and never deadlock.
KEEP = """
INSERT INTO disclosures_helddisclosure (id, msisdn_hash, row_sealed, held_at, gateway, suppressed_until, ungated_from)
SELECT id, number, sealed, %s, %s, suppressed_until, ungated_from
FROM unnest(%s::uuid[], %s::bytea[], %s::bytea[], %s::timestamptz[], %s::timestamptz[])
    AS kept (id, number, sealed, suppressed_until, ungated_from)
ORDER BY id ON CONFLICT (id) DO NOTHING RETURNING id
"""
COUNT = """
WITH due AS (
    SELECT held.id FROM disclosures_helddisclosure held
    WHERE held.ungated_from <= %(at)s AND held.ungated_at IS NULL
        AND (%(ids)s::uuid[] IS NULL OR held.id = ANY (%(ids)s)) AND <not hidden>
    ORDER BY held.id LIMIT %(most)s FOR UPDATE
)
UPDATE disclosures_helddisclosure held SET ungated_at = %(at)s FROM due WHERE due.id = held.id
RETURNING held.row_sealed
""".replace("<not hidden>", NOT_HIDDEN)

COUNTED = """
WITH counted AS MATERIALIZED (
    SELECT id FROM disclosures_helddisclosure WHERE id = ANY (%s) AND ungated_at IS NOT NULL
)
SELECT known.line_id, known.id, known.occurred_at
FROM counted JOIN disclosures_disclosureregister known ON known.id = counted.id ORDER BY known.id
"""


def hold_rows(*, rows: Sequence[Row], at: datetime, gateway: str) -> tuple[Ungated, set[int]]:
    """Keep rows that can't be attributed yet, no two of one id; one that is held already stays as it is.

    Returns what of it, by aggregator and day, is without the gate's yes for certain, each row once: for whoever calls
    to note before the commit, last of all. And the places of the rows that were not kept, because other content is held
    under their id.
    """
    if not rows:
        return Counter(), set()
    kept = _keep(rows, at, gateway)
    conflicts = set() if len(kept) == len(rows) else _find_conflicts([row for row in rows if row.id not in kept])
    mine = [row.id for row in rows if row.n not in conflicts]
    return _count(at, mine) if gateway else Counter(), conflicts


def _keep(rows: Sequence[Row], at: datetime, gateway: str) -> set[str]:
    """Write the rows that are not held yet. Returns the ids of those that are held so now."""
    held = [_build_pending_row(row, at, gateway) for row in rows]
    values = map(attrgetter("id", "msisdn_hash", "row_sealed", "suppressed_until", "ungated_from"), held)
    with connection.cursor() as cursor:
        cursor.execute(KEEP, [at, gateway, *(list(column) for column in zip(*values, strict=True))])
        return {identity.hex for (identity,) in cursor.fetchall()}


def _find_conflicts(rows: Sequence[Row]) -> set[int]:
    """Return the places of those under whose id something else is held."""
    held = HeldDisclosure.objects.filter(id__in=[row.id for row in rows]).values_list("id", "row_sealed")
    content = {identity.hex: row_of(_unseal_report(bytes(sealed)), n=0).content for identity, sealed in held}
    return {row.n for row in rows if content.get(row.id, row.content) != row.content}


def hold_reassigned_rows(*, rows: Sequence[Row], at: datetime, asked: Collection[str]) -> None:
    """Keep rows that were a line's until now; one that is held under the same id, which was refused, makes room.

    `asked`: the ids of those that must still show the gate's yes. Nothing is counted: what the gate's yes was asked of
    was counted then, and all others are hidden.
    """
    release_rows(ids=[uuid.UUID(row.id) for row in rows])
    HeldDisclosure.objects.bulk_create(
        [
            _build_pending_row(row, at, UNKNOWN_CLIENT if row.id in asked else "")
            for row in sorted(rows, key=attrgetter("id"))
        ]
    )


def count_ungated(*, at: datetime) -> None:
    """Count what is held for longer than a yes is awaited, and what an order hid until now, as without the gate's."""
    more = True
    while more:
        with transaction.atomic(), connection.cursor() as cursor:
            lock_notices_shared(cursor=cursor)
            found = _count(at, None)
            open_ungated_incident(ungated=found, at=at)
        more = found.total() == BATCH


def candidates(*, after: uuid.UUID) -> list[tuple[uuid.UUID, str, bytes]]:
    """Return some held rows whose number is known by now, beyond an id, in the order of ids.

    Each sealed, with the client whose gateway must show the gate's yes for it, or "".
    """
    with connection.cursor() as cursor:
        cursor.execute(CANDIDATES, [after, BATCH])
        return [*cursor.fetchall()]


def open_report(*, sealed: bytes, at: datetime) -> Report | None:
    """Return what is held; None where no key opens it, and officers hear of it: it keeps no other waiting."""
    held = unseal_or_report(sealed=sealed, job=JOB, row="", at=at)
    return DECODER.decode(held) if held else None


def store_counted_lines(*, reports: Mapping[uuid.UUID, Report]) -> None:
    """Keep whom those of these rows were of, now that they are taken in, that were counted while they were held.

    Call before they are let go.
    """
    releases = defaultdict[tuple[str, str], list[Release]](list)
    with connection.cursor() as cursor:
        cursor.execute(COUNTED, [list(reports)])
        for line_id, identity, occurred_at in cursor.fetchall():
            report = reports[identity]
            releases[by_day(report.aggregator, report.occurred_at)].append(Release(line_id, identity, occurred_at))
    store_ungated_lines(releases=releases)


def release_rows(*, ids: Iterable[uuid.UUID]) -> None:
    """Let these rows go: they are taken in."""
    HeldDisclosure.objects.filter(id__in=ids).delete()


def _build_pending_row(row: Row, at: datetime, gateway: str) -> HeldDisclosure:
    return HeldDisclosure(
        id=uuid.UUID(row.id),
        msisdn_hash=row.number,
        row_sealed=seal(msgspec.json.encode(row.report).decode()),
        held_at=at,
        gateway=gateway,
        suppressed_until=row.report.suppressed_until,
        ungated_from=_get_ungated_start(row.report, at) if gateway else None,
    )


def _get_ungated_start(report: Report, at: datetime) -> datetime | None:
    if report.basis != "approval" or report.outcome != "released":
        return None
    claims = may_have_the_gates_yes(decision_id=report.decision_id, occurred_at=report.occurred_at)
    return at + A_YES_IS_AWAITED if claims else at


def _count(at: datetime, ids: list[str] | None) -> Ungated:
    with connection.cursor() as cursor:
        cursor.execute(COUNT, {"at": at, "ids": ids, "most": BATCH if ids is None else len(ids)})
        reports = [open_report(sealed=sealed, at=at) for (sealed,) in cursor.fetchall()]
    return Counter(by_day(report.aggregator, report.occurred_at) for report in reports if report)


def _unseal_report(sealed: bytes) -> Report:
    return DECODER.decode(unseal(bytes(sealed)))
