"""Anomalies as officers look into them: what is under an incident, and the rows of the ledger behind each.

Rows under a delayed-notice order are in none of it, from the moment on which the order says so.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import F, QuerySet

from accounts.zones import ZONE_OF_STATE
from disclosures.models import Anomaly, AnomalyRule
from disclosures.queries.claimed import CLAIMED_LATER
from disclosures.queries.visible import LOOK_UP

Kind = AnomalyRule.Kind
LONGEST_KEY = 200
YEAR = len("2026")
ZONES = {"states": list(ZONE_OF_STATE), "zones": list(ZONE_OF_STATE.values())}
# Of a line; of the nights only what lies in them.
OF_LINES = """
SELECT a.id, a.line_id, d.occurred_at, d.path, d.purpose, d.judgement
FROM disclosures_anomaly a CROSS JOIN LATERAL (
    SELECT d.occurred_at, d.id, d.path, d.purpose, d.judgement FROM disclosures_disclosure d
    WHERE d.line_id = a.line_id AND d.occurred_at >= a.first_at AND d.occurred_at <= a.last_at
        AND disclosures_company(d.path) = a.party
        AND (a.kind NOT IN ('after_stop', 'no_approval') OR d.judgement = a.kind
            OR a.kind = 'no_approval' AND <claimed-later>)
        AND (a.kind <> 'suspended' OR d.judgement = 'partner_suspended') AND <look-up>
        AND (a.kind <> 'night' OR (
            SELECT here.at::time >= '22:00' OR here.at::time < '06:00' FROM (
                SELECT d.occurred_at AT TIME ZONE coalesce((
                    SELECT known.zone FROM unnest(%(states)s::text[], %(zones)s::text[]) AS known (state, zone)
                    WHERE known.state = coalesce((
                        SELECT s.state FROM accounts_linestate s
                        WHERE s.line_id = a.line_id AND s.since <= d.occurred_at ORDER BY s.since DESC LIMIT 1
                    ), (SELECT state FROM accounts_line WHERE id = a.line_id))
                ), 'UTC') AS at) here))
    OFFSET 0
) d
WHERE a.id = ANY (%(ids)s) ORDER BY a.id, d.occurred_at, d.id LIMIT %(rows)s OFFSET %(after)s
""".replace("<look-up>", LOOK_UP).replace("<claimed-later>", CLAIMED_LATER)
OF_A_CUSTOMER = """
SELECT a.id, d.line_id, d.occurred_at, d.path, d.purpose, d.judgement
FROM disclosures_anomaly a CROSS JOIN LATERAL (
    SELECT d.line_id, d.occurred_at, d.id, d.path, d.purpose, d.judgement FROM disclosures_disclosure d
    WHERE d.occurred_at >= a.first_at AND d.occurred_at <= a.last_at AND a.recipient = ANY (d.path[3:]) AND <look-up>
    OFFSET 0
) d
WHERE a.id = ANY (%(ids)s) ORDER BY a.id, d.occurred_at, d.line_id, d.id LIMIT %(rows)s OFFSET %(after)s
""".replace("<look-up>", LOOK_UP)
# The claims that people dispute, each with when they did.
OF_CLAIMS = """
SELECT a.id, disputed.line_id, disputed.at, ARRAY[a.party, disputed.uri], disputed.purpose, 'disputed'
FROM disclosures_anomaly a JOIN disclosures_anomalyrule rule ON rule.id = a.rule_id CROSS JOIN LATERAL (
    SELECT claim.line_id, claim.id, provider.uri, k.purpose, min(c.made_at) AS at
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
    WHERE c.reason = 'never_agreed'
        AND (c.scope = 'campaign' AND c.ref = ANY (v.campaigns) OR c.scope = 'party' AND c.ref = ANY (v.parties))
    GROUP BY 1, 2, 3, 4
) disputed
WHERE a.id = ANY (%(ids)s) AND %(at)s::timestamptz IS NOT NULL
ORDER BY a.id, disputed.at, disputed.line_id, disputed.id LIMIT %(rows)s OFFSET %(after)s
"""
BEHIND: Mapping[str, str] = {Kind.MANY_LINES: OF_A_CUSTOMER, Kind.DISPUTED: OF_CLAIMS}


@dataclass(frozen=True)
class Behind:
    """One row behind an incident: a look-up, a claim that was disputed at `at`, or a use in a partner's books.

    `judgement`: the ledger's word.
    """

    line_id: int
    at: datetime
    path: tuple[str, ...]
    purpose: str
    judgement: str


def incident_key(*, party: str, year: str) -> str:
    """Under which key of its kind's incidents a company (URI) and year ("2026") stand."""
    key = f"{year} {party}"
    return key if len(key) <= LONGEST_KEY else f"{year} {hashlib.sha256(party.encode()).hexdigest()}"


def found_under(*, kind: str, key: str, subject: str) -> QuerySet[Anomaly]:
    """The anomalies of one incident, those that are no longer so last, and the latest first."""
    if kind not in Kind.values:
        return Anomaly.objects.none()
    rows = Anomaly.objects.filter(kind=kind, period__year=int(key[:YEAR]))
    parties = set(rows.filter(party__startswith=subject).values_list("party", flat=True).distinct())
    own = [one for one in parties if incident_key(party=one, year=key[:YEAR]) == key]
    return rows.filter(party__in=own).order_by(F("cleared_at").desc(nulls_first=True), "-newest_at", "id")


def rows_behind(*, kind: str, ids: Sequence[int], at: datetime, rows: int, after: int = 0) -> list[Behind]:
    """Rows behind these anomalies, all of one kind, in their order; from the `after`th on. One statement."""
    values: dict[str, Any] = {"ids": list(ids), "at": at, "rows": rows, "after": after, **ZONES}
    with connection.cursor() as cursor:
        cursor.execute(BEHIND.get(kind, OF_LINES), values)
        return [
            Behind(line_id, moment, tuple(path), purpose, judgement)
            for _, line_id, moment, path, purpose, judgement in cursor.fetchall()
        ]
