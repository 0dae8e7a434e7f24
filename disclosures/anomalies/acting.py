"""Suspend a company for one line that it looked up after a stop, or with no approval, if that still stands after days.

The days are for us: an approval that reaches us late may be why. An anomaly that is no longer so by then has no
consequence; a stop of ours that was written is never undone by us.
"""

import logging
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from consent.actions import Outcome, suspend
from consent.actions.choices import again_if_a_release_came_between
from disclosures.models import Anomaly
from disclosures.queries.rules import SUSPENDS_FOR

logger = logging.getLogger(__name__)
BATCH = 500
ACTOR = "system:anomalies"
TOO_OLD = "old"

OPEN = """
WITH rule AS (
    SELECT DISTINCT ON (kind) kind, enabled, suspend_after_days FROM disclosures_anomalyrule ORDER BY kind, version DESC
)
SELECT a.line_id, a.party, max(a.newest_at), array_agg(a.id)
FROM disclosures_anomaly a JOIN rule ON rule.kind = a.kind
WHERE a.kind IN ('after_stop', 'no_approval') AND a.consequence = '' AND a.cleared_at IS NULL
    AND rule.enabled AND a.found_at <= %(at)s::timestamptz - rule.suspend_after_days * interval '1 day'
    AND a.newest_at > %(recent)s AND (a.line_id, a.party) > (%(line)s, %(party)s)
GROUP BY a.line_id, a.party ORDER BY a.line_id, a.party LIMIT %(batch)s
"""


def act(*, at: datetime) -> int:
    """See to every line and company that is due. Returns how many were suspended. Safe to repeat, and twice at once.

    Each is a transaction of its own; one that breaks is logged, left for the next run, and keeps nobody else waiting.
    """
    Anomaly.objects.filter(
        kind__in=("after_stop", "no_approval"),
        consequence="",
        cleared_at__isnull=True,
        newest_at__lte=at - SUSPENDS_FOR,
    ).update(consequence=TOO_OLD)
    suspended, last = 0, (0, "")
    while due := _open(at, after=last):
        for line_id, party, newest_at, ids in due:
            suspended += _suspend(line_id, party, newest_at, ids, at) == Outcome.SUSPENDED
        last = due[-1][0], due[-1][1]
    return suspended


def _open(at: datetime, *, after: tuple[int, str]) -> list[tuple[int, str, datetime, list[int]]]:
    line_id, party = after
    values: dict[str, Any] = {"at": at, "recent": at - SUSPENDS_FOR, "line": line_id, "party": party, "batch": BATCH}
    with connection.cursor() as cursor:
        cursor.execute(OPEN, values)
        found: list[tuple[int, str, datetime, list[int]]] = cursor.fetchall()
    return found


def _suspend(line_id: int, party: str, newest_at: datetime, ids: list[int], at: datetime) -> Outcome | None:
    try:
        return _suspend_once(line_id, party, newest_at, ids, at)
    except Exception:  # whatever it is, it must not keep every other line from being seen to
        logger.exception("a line can't be seen to: left for the next run")
        return None


@again_if_a_release_came_between
@transaction.atomic
def _suspend_once(line_id: int, party: str, newest_at: datetime, ids: list[int], at: datetime) -> Outcome | None:
    """Whoever comes second waits here, and finds that all was seen to."""
    still_open = Anomaly.objects.filter(pk__in=ids, newest_at__lte=newest_at, consequence="").order_by("pk")
    if not still_open.select_for_update():
        return None
    outcome = suspend(line_id=line_id, party=party, after=newest_at, actor=ACTOR, at=at)
    still_open.update(consequence=outcome)
    return outcome
