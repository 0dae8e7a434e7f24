"""Anomalies as officers look into them: what is under an incident, and the rows of the ledger behind each.

Rows under a delayed-notice order are in none of it, from the moment on which the order says so.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import reduce
from typing import Any, NamedTuple

from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.db.models import F, QuerySet

from accounts.primitives.zones import ZONE_OF_STATE
from audit.queries import not_ahead
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
# The ledger is read for a few lines at a time, twice as many each time, or for a day (UTC): no more of it is read than
# about as much again as fills the page. What each statement asks of other tables it reads first: the ledger may be on
# other servers (docs/guides/citus.md).
LINES = "SELECT DISTINCT a.line_id FROM disclosures_anomaly a WHERE <under> AND a.line_id >= %(line)s ORDER BY 1"
# Each row once, line by line. Of the nights only what lies in them, by the clock of the state where the line was then.
OF_LINES = """
WITH windows AS MATERIALIZED (
    SELECT a.line_id, a.party, <starts> AS starts, <ends> AS ends FROM disclosures_anomaly a
    WHERE <under> AND a.line_id = ANY (%(part)s::bigint[])
), lines AS MATERIALIZED (
    SELECT line_id, min(starts) AS starts, max(ends) AS ends FROM windows GROUP BY line_id
), clocks AS MATERIALIZED (
    SELECT lived.line_id, lived.since, coalesce(known.zone, 'UTC') AS zone,
        lead(lived.since, 1, 'infinity') OVER (PARTITION BY lived.line_id ORDER BY lived.since) AS until
    FROM (
        SELECT id AS line_id, state, '-infinity'::timestamptz AS since FROM accounts_line
        UNION ALL SELECT line_id, state, since FROM accounts_linestate
    ) lived LEFT JOIN unnest(%(states)s::text[], %(zones)s::text[]) AS known (state, zone) ON known.state = lived.state
    WHERE %(kind)s = 'night' AND lived.line_id = ANY (%(part)s::bigint[])
)
SELECT d.line_id, d.occurred_at, d.id::text, d.path, d.purpose, d.judgement
FROM lines JOIN disclosures_disclosure d
    ON d.line_id = lines.line_id AND d.occurred_at >= lines.starts AND d.occurred_at <= lines.ends
WHERE d.line_id = ANY (%(part)s::bigint[])
    AND (d.line_id > %(line)s OR (d.occurred_at, d.id) > (%(moment)s, %(id)s::uuid))
    AND (%(judgement)s = '' OR d.judgement = %(judgement)s OR %(kind)s = 'no_approval' AND <claimed-later>)
    AND <look-up>
    AND EXISTS (
        SELECT FROM windows a WHERE a.line_id = d.line_id AND a.party = disclosures_company(d.path)
            AND d.occurred_at >= a.starts AND d.occurred_at <= a.ends)
    AND (%(kind)s <> 'night' OR EXISTS (
        SELECT FROM clocks c WHERE c.line_id = d.line_id AND d.occurred_at >= c.since AND d.occurred_at < c.until
            AND ((d.occurred_at AT TIME ZONE c.zone)::time >= '22:00'
                OR (d.occurred_at AT TIME ZONE c.zone)::time < '06:00')))
ORDER BY d.line_id, d.occurred_at, d.id LIMIT %(rows)s
"""
DAYS = """
SELECT DISTINCT day AT TIME ZONE 'UTC' FROM disclosures_anomaly a CROSS JOIN LATERAL generate_series(
    date_trunc('day', greatest(a.first_at, %(moment)s) AT TIME ZONE 'UTC'), a.last_at AT TIME ZONE 'UTC',
    interval '1 day') AS day
WHERE <under> AND a.last_at >= %(moment)s ORDER BY 1
"""
OF_A_CUSTOMER = """
WITH windows AS MATERIALIZED (
    SELECT a.recipient, a.first_at, a.last_at FROM disclosures_anomaly a WHERE <under>
)
SELECT d.line_id, d.occurred_at, d.id::text, d.path, d.purpose, d.judgement FROM disclosures_disclosure d
WHERE d.occurred_at >= %(day)s AND d.occurred_at < %(day)s + interval '24 hours' AND d.occurred_at >= %(moment)s
    AND (d.occurred_at, d.line_id, d.id) > (%(moment)s, %(line)s, %(id)s::uuid)
    AND d.path[3:] && %(parties)s::varchar[] AND <look-up>
    AND EXISTS (
        SELECT FROM windows a
        WHERE a.recipient = ANY (d.path[3:]) AND d.occurred_at >= a.first_at AND d.occurred_at <= a.last_at)
ORDER BY d.occurred_at, d.line_id, d.id LIMIT %(rows)s
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


def _fill_parts(text: str) -> str:
    return reduce(lambda filled, part: filled.replace(*part), PARTS.items(), text)


# What the ledger is read for, and how, by kind; of all others line by line. Disputes are of claims alone.
CLAIMS = _fill_parts(OF_CLAIMS)
BY_LINES, BY_DAYS = (_fill_parts(LINES), _fill_parts(OF_LINES)), (_fill_parts(DAYS), _fill_parts(OF_A_CUSTOMER))


class Place(NamedTuple):
    """Where a row stands among those behind an incident, so that a page can begin after it."""

    line_id: int
    at: datetime
    id: str


START = Place(0, datetime.min.replace(tzinfo=UTC), str(NOBODY))


@dataclass(frozen=True)
class IncidentRow:
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


def list_anomaly_releases(
    *, kind: str, key: str, subject: str, at: datetime, rows: int, after: Place = START
) -> list[IncidentRow]:
    """Rows behind what stands under one incident, each once: the first ones after a place.

    Line by line; of an end customer across many lines by time.
    """
    parties = _parties(kind, key, subject) if kind in Kind.values else []
    if not parties:
        return []
    values: dict[str, Any] = {
        "kind": kind, "parties": parties, "year": int(key[:YEAR]), "judgement": JUDGED_AS.get(kind, ""),
        "at": not_ahead(at=at), "rows": rows, "line": after.line_id, "moment": after.at, "id": after.id, **ZONES,
    }  # fmt: skip
    with connection.cursor() as cursor:
        if kind == Kind.DISPUTED:
            cursor.execute(CLAIMS, values)
            return [build_incident_row(row=row) for row in cursor.fetchall()]
        return _read(cursor, kind, values)


def _read(cursor: CursorWrapper, kind: str, values: dict[str, Any]) -> list[IncidentRow]:
    """Read the ledger part by part until the page is full."""
    (parts, rows), growth = (BY_DAYS, 1) if kind == Kind.MANY_LINES else (BY_LINES, 2)
    cursor.execute(parts, values)
    left, many = [part for (part,) in cursor.fetchall()], 1
    found: list[IncidentRow] = []
    while left and len(found) < values["rows"]:
        part, left, many = left[:many], left[many:], many * growth
        cursor.execute(rows, {**values, "rows": values["rows"] - len(found), "part": part, "day": part[0]})
        found += [build_incident_row(row=row) for row in cursor.fetchall()]
    return found


def build_incident_row(*, row: Sequence[Any]) -> IncidentRow:
    """Return a row as statements give it: line, moment, id, path, purpose, judgement."""
    line_id, moment, row_id, path, purpose, judgement = row
    return IncidentRow(line_id, moment, row_id, tuple(path), purpose, judgement)


def _parties(kind: str, key: str, subject: str) -> list[str]:
    """Whom an incident is about: its key has a hash of an address that is too long for it."""
    rows = Anomaly.objects.filter(kind=kind, period__year=int(key[:YEAR]), party__startswith=subject)
    parties = sorted(set(rows.values_list("party", flat=True).distinct()))
    return [one for one in parties if incident_key(party=one, year=key[:YEAR]) == key]
