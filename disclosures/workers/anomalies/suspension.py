"""Suspend a company for one line that it looked up after a stop, or with no approval, if that still stands after days.

The days are for us: an approval that reaches us late may be why. An anomaly that is no longer so by then has no
consequence; a stop of ours that was written is never undone by us. A line whose look-ups are to be judged again, or
were and have not been looked at since, waits for that: a day at the most, so that nobody can put it off for ever by
claims that keep coming.
"""

import logging
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from consent.actions.choices import retry_on_conflict
from consent.actions.suspend import Outcome, suspend
from disclosures.models import Anomaly
from disclosures.queries.rules import MAY_BE_LATE, SUSPENDS_FOR

logger = logging.getLogger(__name__)
BATCH = 500
ACTOR = "system:anomalies"
TOO_OLD = "old"

# What is due of the anomalies `a`, by the rule as it is now.
DUE = """
    FROM disclosures_anomaly a JOIN (
        SELECT DISTINCT ON (kind) kind, enabled, suspend_after_days FROM disclosures_anomalyrule
        ORDER BY kind, version DESC
    ) rule ON rule.kind = a.kind
    CROSS JOIN LATERAL (SELECT a.found_at + rule.suspend_after_days * interval '1 day' AS since) due
    WHERE a.kind IN ('after_stop', 'no_approval') AND a.consequence = '' AND a.cleared_at IS NULL AND rule.enabled
        AND a.newest_at > %(recent)s AND due.since <= %(at)s AND (
            due.since <= %(long_ago)s
            OR NOT EXISTS (SELECT FROM consent_touched t WHERE t.line_id = a.line_id)
            AND NOT EXISTS (
                SELECT FROM disclosures_judgementchange c
                WHERE c.line_id = a.line_id AND c.changed_at > (SELECT until FROM disclosures_anomalywatch)))
"""
OPEN = """
SELECT a.line_id, a.party, array_agg(a.id) <due> AND (a.line_id, a.party) > (%(line)s, %(party)s)
GROUP BY a.line_id, a.party ORDER BY a.line_id, a.party LIMIT %(batch)s
""".replace("<due>", DUE)
# Whoever comes second waits here, and finds what is so by then.
STILL_OPEN = """
SELECT a.id, a.newest_at <due> AND a.id = ANY (%(ids)s) ORDER BY a.id FOR UPDATE OF a
""".replace("<due>", DUE)


def act(*, at: datetime) -> int:
    """See to every line and company that is due. Returns how many were suspended. Safe to repeat, and twice at once.

    Each is a transaction of its own; one that breaks is logged, left for the next run, and keeps nobody else waiting.
    """
    old = Anomaly.objects.filter(kind__in=("after_stop", "no_approval"), consequence="", cleared_at__isnull=True)
    old.filter(newest_at__lte=at - SUSPENDS_FOR).update(consequence=TOO_OLD)
    suspended, last = 0, (0, "")
    while due := _open(at, after=last):
        for line_id, party, ids in due:
            suspended += _suspend(line_id, party, ids, at) == Outcome.SUSPENDED
        last = due[-1][0], due[-1][1]
    return suspended


def _open(at: datetime, *, after: tuple[int, str]) -> list[tuple[int, str, list[int]]]:
    line_id, party = after
    with connection.cursor() as cursor:
        cursor.execute(OPEN, {**_moments(at), "line": line_id, "party": party, "batch": BATCH})
        found: list[tuple[int, str, list[int]]] = cursor.fetchall()
    return found


def _moments(at: datetime) -> dict[str, Any]:
    return {"at": at, "recent": at - SUSPENDS_FOR, "long_ago": at - MAY_BE_LATE}


def _suspend(line_id: int, party: str, ids: list[int], at: datetime) -> Outcome | None:
    try:
        return _suspend_once(line_id, party, ids, at)
    except Exception:  # whatever it is, it must not keep every other line from being seen to
        logger.exception("a line can't be seen to: left for the next run")
        return None


@retry_on_conflict
@transaction.atomic
def _suspend_once(line_id: int, party: str, ids: list[int], at: datetime) -> Outcome | None:
    """By what is so now: it may have been cleared, seen to or switched off since it was read."""
    with connection.cursor() as cursor:
        cursor.execute(STILL_OPEN, {**_moments(at), "ids": ids})
        still_open: dict[int, datetime] = dict(cursor.fetchall())
    if not still_open:
        return None
    outcome = suspend(line_id=line_id, party=party, after=max(still_open.values()), actor=ACTOR, at=at)
    Anomaly.objects.filter(pk__in=still_open).update(consequence=outcome)
    return outcome
