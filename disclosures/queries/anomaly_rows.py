"""Anomalies as officers look into them: what is under an incident, and the rows of the ledger behind each.

Rows under a delayed-notice order are in none of it, from the moment on which the order says so.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import reduce
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import F, QuerySet

from accounts.primitives.zones import ZONE_OF_STATE
from disclosures.models import NOBODY, Anomaly, AnomalyRule
from disclosures.queries.rules import JUDGED_AS
from disclosures.queries.visible import CLAIMED_LATER, LOOK_UP

Kind = AnomalyRule.Kind
LONGEST_KEY = 200
YEAR = len("2026")
ZONES = {"states": list(ZONE_OF_STATE), "zones": list(ZONE_OF_STATE.values())}
# What stands under one incident. Of look-ups that were judged so all of the month are behind it, as its person sees
# them; else those of the window: it may begin in the month before, and months may share rows.
UNDER = """a.kind = %(kind)s AND a.party = ANY (%(parties)s::varchar[]) AND a.cleared_at IS NULL
        AND a.period >= make_date(%(year)s, 1, 1) AND a.period < make_date(%(year)s + 1, 1, 1)"""
STARTS = """CASE WHEN %(judgement)s = '' THEN a.first_at
            ELSE least(a.first_at, a.period::timestamp AT TIME ZONE 'UTC') END"""
ENDS = """CASE WHEN %(judgement)s = '' THEN a.last_at
            ELSE (a.period + interval '1 month') AT TIME ZONE 'UTC' - interval '1 microsecond' END"""
# Each row once, line by line: no more lines are read than fill the page. Of the nights only what lies in them.
OF_LINES = """
SELECT d.line_id, d.occurred_at, d.id::text, d.path, d.purpose, d.judgement
FROM (
    SELECT a.line_id, min(<starts>) AS starts, max(<ends>) AS ends FROM disclosures_anomaly a
    WHERE <under> AND a.line_id >= %(line)s GROUP BY a.line_id ORDER BY a.line_id
) lines CROSS JOIN LATERAL (
    SELECT d.line_id, d.occurred_at, d.id, d.path, d.purpose, d.judgement FROM disclosures_disclosure d
    WHERE d.line_id = lines.line_id AND d.occurred_at >= lines.starts AND d.occurred_at <= lines.ends
        AND (lines.line_id > %(line)s OR (d.occurred_at, d.id) > (%(moment)s, %(id)s::uuid))
        AND (%(judgement)s = '' OR d.judgement = %(judgement)s OR %(kind)s = 'no_approval' AND <claimed-later>)
        AND <look-up>
        AND EXISTS (
            SELECT FROM disclosures_anomaly a
            WHERE a.line_id = d.line_id AND <under> AND a.party = disclosures_company(d.path)
                AND d.occurred_at >= <starts> AND d.occurred_at <= <ends>
            OFFSET 0)
        AND (%(kind)s <> 'night' OR (
            SELECT here.at::time >= '22:00' OR here.at::time < '06:00' FROM (
                SELECT d.occurred_at AT TIME ZONE coalesce((
                    SELECT known.zone FROM unnest(%(states)s::text[], %(zones)s::text[]) AS known (state, zone)
                    WHERE known.state = coalesce((
                        SELECT s.state FROM accounts_linestate s
                        WHERE s.line_id = d.line_id AND s.since <= d.occurred_at ORDER BY s.since DESC LIMIT 1
                    ), (SELECT state FROM accounts_line WHERE id = d.line_id))
                ), 'UTC') AS at) here))
    ORDER BY d.occurred_at, d.id LIMIT %(rows)s
) d
ORDER BY lines.line_id, d.occurred_at, d.id LIMIT %(rows)s
"""
# Day by day (UTC), across all lines: no more days are read than fill the page.
OF_A_CUSTOMER = """
SELECT d.line_id, d.occurred_at, d.id::text, d.path, d.purpose, d.judgement
FROM (
    SELECT DISTINCT day AT TIME ZONE 'UTC' AS starts FROM disclosures_anomaly a CROSS JOIN LATERAL generate_series(
        date_trunc('day', a.first_at AT TIME ZONE 'UTC'), a.last_at AT TIME ZONE 'UTC', interval '1 day') AS day
    WHERE <under> AND a.last_at >= %(moment)s ORDER BY 1
) days CROSS JOIN LATERAL (
    SELECT d.line_id, d.occurred_at, d.id, d.path, d.purpose, d.judgement FROM disclosures_disclosure d
    WHERE d.occurred_at >= days.starts AND d.occurred_at < days.starts + interval '24 hours'
        AND d.occurred_at >= %(moment)s
        AND (d.occurred_at, d.line_id, d.id) > (%(moment)s, %(line)s, %(id)s::uuid)
        AND d.path[3:] && %(parties)s::varchar[] AND <look-up>
        AND EXISTS (
            SELECT FROM disclosures_anomaly a
            WHERE <under> AND a.recipient = ANY (d.path[3:]) AND d.occurred_at >= a.first_at
                AND d.occurred_at <= a.last_at
            OFFSET 0)
    ORDER BY d.occurred_at, d.line_id, d.id LIMIT %(rows)s
) d
ORDER BY days.starts, d.occurred_at, d.line_id, d.id LIMIT %(rows)s
"""
# The claims that people dispute, each once, with when they did.
OF_CLAIMS = """
SELECT DISTINCT disputed.line_id, disputed.at, disputed.id, ARRAY[a.party, disputed.uri], disputed.purpose, 'disputed'
FROM disclosures_anomaly a JOIN disclosures_anomalyrule rule ON rule.id = a.rule_id CROSS JOIN LATERAL (
    SELECT claim.line_id, claim.id::text AS id, provider.uri, k.purpose, min(c.made_at) AS at
    FROM consent_choice c
        JOIN consent_approval claim ON claim.line_id = c.line_id AND claim.verified_by = 'partner'
            AND claim.captured_at < c.made_at
            AND claim.recorded_at >= (a.period - (rule.window - 1) * interval '1 month') AT TIME ZONE 'UTC'
            AND claim.recorded_at < (a.period + interval '1 month') AT TIME ZONE 'UTC'
        JOIN partners_campaign k ON k.ref = claim.campaign
        JOIN partners_cover v ON v.campaign_id = k.id
        JOIN partners_party provider ON provider.id = k.lbs_provider_id
        JOIN partners_contract contract ON contract.id = k.contract_id
        JOIN partners_party partner ON partner.id = contract.aggregator_id AND partner.uri = a.party
    WHERE c.reason = 'never_agreed' AND claim.line_id >= %(line)s
        AND NOT EXISTS (SELECT FROM consent_setaside x WHERE x.line_id = claim.line_id AND x.yes_id = claim.id)
        AND (c.scope = 'campaign' AND c.ref = ANY (v.campaigns) OR c.scope = 'party' AND c.ref = ANY (v.parties))
    GROUP BY 1, 2, 3, 4
) disputed
WHERE <under> AND (disputed.line_id, disputed.at, disputed.id) > (%(line)s, %(moment)s, %(id)s)
    AND %(at)s::timestamptz IS NOT NULL
ORDER BY 1, 2, 3 LIMIT %(rows)s
"""
PARTS = {
    "<under>": UNDER, "<starts>": STARTS, "<ends>": ENDS, "<look-up>": LOOK_UP, "<claimed-later>": CLAIMED_LATER,
}  # fmt: skip
# By kind; of all others line by line.
STATEMENTS: Mapping[str, str] = {
    kind: reduce(lambda text, part: text.replace(*part), PARTS.items(), text)
    for kind, text in {"": OF_LINES, Kind.MANY_LINES: OF_A_CUSTOMER, Kind.DISPUTED: OF_CLAIMS}.items()
}


class Place(NamedTuple):
    """Where a row stands among those behind an incident, so that a page can begin after it."""

    line_id: int
    at: datetime
    id: str


START = Place(0, datetime.min.replace(tzinfo=UTC), str(NOBODY))


@dataclass(frozen=True)
class Behind:
    """One row behind an incident: a look-up, a claim that was disputed at `at`, or a use in a partner's books.

    `id`: its own id among those of its kind. `judgement`: the ledger's word.
    """

    line_id: int
    at: datetime
    id: str
    path: tuple[str, ...]
    purpose: str
    judgement: str

    @property
    def place(self) -> Place:
        """What the next page begins after."""
        return Place(self.line_id, self.at, self.id)


def incident_key(*, party: str, year: str) -> str:
    """Under which key of its kind's incidents a company (URI) and year ("2026") stand."""
    key = f"{year} {party}"
    return key if len(key) <= LONGEST_KEY else f"{year} {hashlib.sha256(party.encode()).hexdigest()}"


def list_anomalies(*, kind: str, key: str, subject: str) -> QuerySet[Anomaly]:
    """Return the anomalies of one incident, those that are no longer so last, and the latest first."""
    if kind not in Kind.values:
        return Anomaly.objects.none()
    rows = Anomaly.objects.filter(kind=kind, period__year=int(key[:YEAR]), party__in=_parties(kind, key, subject))
    return rows.order_by(F("cleared_at").desc(nulls_first=True), "-newest_at", "id")


def rows_behind(*, kind: str, key: str, subject: str, at: datetime, rows: int, after: Place = START) -> list[Behind]:
    """Rows behind what stands under one incident, each once: the first ones after a place. Two statements.

    Line by line; of an end customer across many lines by time.
    """
    parties = _parties(kind, key, subject) if kind in Kind.values else []
    if not parties:
        return []
    values: dict[str, Any] = {
        "kind": kind, "parties": parties, "year": int(key[:YEAR]), "judgement": JUDGED_AS.get(kind, ""), "at": at,
        "rows": rows, "line": after.line_id, "moment": after.at, "id": after.id, **ZONES,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(STATEMENTS.get(kind, STATEMENTS[""]), values)
        return [behind(row=row) for row in cursor.fetchall()]


def behind(*, row: Sequence[Any]) -> Behind:
    """Return a row as statements give it: line, moment, id, path, purpose, judgement."""
    line_id, moment, row_id, path, purpose, judgement = row
    return Behind(line_id, moment, row_id, tuple(path), purpose, judgement)


def _parties(kind: str, key: str, subject: str) -> list[str]:
    """Whom an incident is about: its key has a hash of an address that is too long for it."""
    rows = Anomaly.objects.filter(kind=kind, period__year=int(key[:YEAR]), party__startswith=subject)
    parties = sorted(set(rows.values_list("party", flat=True).distinct()))
    return [one for one in parties if incident_key(party=one, year=key[:YEAR]) == key]
