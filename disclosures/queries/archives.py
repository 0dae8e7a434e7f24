"""A person's archive of a line: how far it is, and its bytes once it is made."""

import uuid
from collections.abc import Iterator
from datetime import datetime

from django.db import connection

from accounts.primitives.sealing import unseal_bytes
from disclosures.models import Archive, ArchivePart

# What the archive holds and an order hides by now: a row that was there, and not hidden, at its moment.
HIDDEN_SINCE = """
SELECT EXISTS (
    SELECT FROM (
        SELECT DISTINCT ON (disclosure_id) disclosure_id, suppressed_until, recorded_at
        FROM disclosures_delayednotice WHERE line_id = %(line)s ORDER BY disclosure_id, number DESC
    ) newest JOIN disclosures_disclosure d ON d.line_id = %(line)s AND d.id = newest.disclosure_id
    WHERE (newest.suppressed_until IS NULL OR newest.suppressed_until > %(at)s)
        AND newest.recorded_at > %(as_of)s AND d.recorded_at <= %(as_of)s
        AND NOT EXISTS (
            SELECT FROM (
                SELECT suppressed_until FROM disclosures_delayednotice n
                WHERE n.line_id = %(line)s AND n.disclosure_id = d.id AND n.recorded_at <= %(as_of)s
                ORDER BY n.number DESC LIMIT 1
            ) was WHERE was.suppressed_until IS NULL OR was.suppressed_until > %(as_of)s))
"""


def archive_of(*, line_id: int, user_id: int, at: datetime) -> Archive | None:
    """The archive that this person asked for of this line; None: there is none, or its day is over.

    One that tells of what an order hides by now is not there either.
    """
    found = Archive.objects.filter(line_id=line_id, user_id=user_id, expires_at__gt=at).first()
    return None if found is None or tells_hidden(archive=found, at=at) else found


def tells_hidden(*, archive: Archive, at: datetime) -> bool:
    """Whether an order hides by now what this archive tells."""
    if archive.as_of is None:
        return False
    with connection.cursor() as cursor:
        cursor.execute(HIDDEN_SINCE, {"line": archive.line_id, "at": at, "as_of": archive.as_of})
        ((hidden,),) = cursor.fetchall()
    return bool(hidden)


def bytes_of(*, archive_id: uuid.UUID) -> Iterator[bytes]:
    """The archive, a part at a time."""
    for number in ArchivePart.objects.filter(archive_id=archive_id).order_by("number").values_list("number", flat=True):
        yield unseal_bytes(ArchivePart.objects.values_list("sealed", flat=True).get(pk=(archive_id, number)))
