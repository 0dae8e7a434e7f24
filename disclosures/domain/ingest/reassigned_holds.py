"""Releases that were one line's come to another: that line is held for a day, the other is warned, officers are told.

Rows of a lines feed may say late who had a number, or say it wrongly. Within the transaction that attributes the
releases, so that there is no moment at which they could be read.
"""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.db import connection

import audit.actions
from accounts.actions.people import start_history_hold
from accounts.models import Line
from audit.actions import Release
from audit.models import Incident
from consent.domain.change_notices import Change, notify_of_line_moves

# From whom the rows that everybody may know of came, the last time. What an order hides is held by nothing: that would
# tell that it is there.
MOVED = """
SELECT came.line_id, known.line_id, known.id, known.occurred_at FROM disclosures_disclosureregister known
    CROSS JOIN LATERAL (
        SELECT given.line_id FROM disclosures_givenback given
        WHERE given.disclosure_id = known.id ORDER BY given.id DESC LIMIT 1) came
WHERE known.id = ANY (%s) AND came.line_id <> known.line_id AND NOT EXISTS (
    SELECT FROM disclosures_concealeddisclosure hidden
    WHERE hidden.line_id = known.line_id AND hidden.id = known.id)
ORDER BY known.id
"""


def hold_reassigned(*, ids: Collection[UUID], actor: str, at: datetime) -> None:
    """Of these rows, just attributed: hold the lines that got others' releases, warn those, and open an incident."""
    with connection.cursor() as cursor:
        cursor.execute(MOVED, [list(ids)])
        moved = cursor.fetchall()
    if not moved:
        return
    losers, receivers = {before for before, *_ in moved}, {after for _, after, *_ in moved}
    start_history_hold(line_ids=receivers, at=at)
    told = Line.objects.filter(pk__in=losers).order_by("pk")
    notify_of_line_moves(lines=told, change=Change.HISTORY, at=at)
    nothing: dict[int, dict[str, object]] = {line_id: {} for line_id in losers | receivers}
    audit.actions.record_for_lines(action="line.history_moved", actor=actor, at=at, details=nothing)
    kind, key = Incident.Kind.HISTORY_MOVED, at.date().isoformat()
    audit.actions.open_incident(kind=kind, key=key, subject="The carrier's own records", at=at, count=len(moved))
    audit.actions.store_affected_lines(kind=kind, key=key, releases=[Release(*release) for _, *release in moved])
