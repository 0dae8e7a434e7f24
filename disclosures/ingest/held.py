"""Rows whose number had no line at their time: kept, sealed, and taken in when the line arrives."""

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime
from operator import attrgetter

import msgspec
from django.db import connection

from accounts.sealing import seal, unseal
from disclosures.ingest.rows import Report, Row
from disclosures.models import HeldDisclosure

BATCH = 2000
DECODER = msgspec.json.Decoder(Report)
# Those whose number is somebody's by now; whether it was at their time, taking them in will tell.
CANDIDATES = """
SELECT held.id, held.row_sealed FROM disclosures_helddisclosure held
WHERE held.id > %s AND EXISTS (SELECT FROM accounts_linenumber n WHERE n.msisdn_hash = held.msisdn_hash)
ORDER BY held.id LIMIT %s
"""


def hold(*, rows: Iterable[Row], at: datetime) -> None:
    """Keep rows that can't be attributed yet; one that is held already stays as it is."""
    HeldDisclosure.objects.bulk_create(
        [
            HeldDisclosure(
                id=uuid.UUID(row.id),
                msisdn_hash=row.number,
                row_sealed=seal(msgspec.json.encode(row.report).decode()),
                held_at=at,
            )
            for row in sorted(rows, key=attrgetter("id"))
        ],
        ignore_conflicts=True,
    )


def candidates(*, after: uuid.UUID) -> list[tuple[uuid.UUID, Report]]:
    """Some held rows whose number is known by now, beyond an id, in the order of ids."""
    with connection.cursor() as cursor:
        cursor.execute(CANDIDATES, [after, BATCH])
        found = cursor.fetchall()
    return [(identity, DECODER.decode(unseal(bytes(sealed)))) for identity, sealed in found]


def release(*, ids: Sequence[uuid.UUID]) -> None:
    """These rows are taken in: no longer held."""
    HeldDisclosure.objects.filter(id__in=ids).delete()
