"""Yeses that outlast an earlier no: since when, and what their partner had before them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from consent.queries.invalidated_approvals import stands

# A yes of the person outlasts any earlier no, one from a file only a no from a file; a claim outlasts none. What the
# partner had is what it was agreed to have before the no, and what it received before the first such yes.
PIERCED = """
SELECT asked.n, found.contract_id, found.since, found.had_from
FROM jsonb_to_recordset(%(asked)s::jsonb) AS asked (n int, line bigint, scope text, ref text, made_at timestamptz,
    contracts bigint[])
CROSS JOIN LATERAL (
    WITH covered AS (
        SELECT c.contract_id, c.ref, c.lbs_provider_id, v.parties
        FROM partners_campaign c JOIN partners_cover v ON v.campaign_id = c.id
        WHERE c.contract_id = ANY (asked.contracts) AND (asked.scope = 'all' OR asked.ref = ANY (
            CASE asked.scope WHEN 'party' THEN v.parties WHEN 'purpose' THEN v.purposes ELSE v.campaigns END))
    ), said AS (
        SELECT covered.contract_id, h.made_at AS at, h.origin = 'person' OR %(origin)s = 'file' AS counts
        FROM consent_choice h JOIN covered ON covered.ref = h.ref
        WHERE h.line_id = asked.line AND h.kind = 'allow' AND <choice stands>
        UNION ALL
        SELECT covered.contract_id, a.captured_at, a.verified_by = 'carrier' AND %(origin)s = 'file'
        FROM consent_approval a JOIN covered ON covered.ref = a.campaign
        WHERE a.line_id = asked.line AND <approval stands>
    ), pierced AS (
        SELECT contract_id, min(at) FILTER (WHERE counts AND at > asked.made_at) AS since,
            min(at) FILTER (WHERE at <= asked.made_at) AS agreed
        FROM said GROUP BY contract_id
    )
    SELECT pierced.contract_id, pierced.since, least(pierced.agreed, (
        SELECT min(d.first_at)
        FROM partners_contract k
            JOIN partners_party aggregator ON aggregator.id = k.aggregator_id
            JOIN partners_received(asked.line) d ON d.aggregator_id = k.aggregator_id
            JOIN partners_party party ON party.id = d.party_id
        WHERE k.id = pierced.contract_id AND d.first_at < pierced.since
            AND CASE asked.scope
                WHEN 'all' THEN true
                WHEN 'party' THEN
                    ARRAY[party.uri, aggregator.uri]::text[] && partners_kin_of('party', ARRAY[asked.ref]::text[])
                ELSE EXISTS (SELECT FROM covered c WHERE c.contract_id = k.id AND party.uri = ANY (c.parties)
                    AND (d.party_id <> d.aggregator_id OR c.lbs_provider_id = d.aggregator_id))
                END)) AS had_from
    FROM pierced WHERE pierced.since IS NOT NULL
) found
"""
PIERCED = PIERCED.replace("<choice stands>", stands(line="h.line_id", yes="h.id")).replace(
    "<approval stands>", stands(line="a.line_id", yes="a.id")
)


@dataclass(frozen=True)
class Override:
    """The first yes under an agreement that outlasts a no.

    `had_from`: since when its partner had something before that yes; None where it had nothing.
    """

    since: datetime
    had_from: datetime | None


@dataclass(frozen=True)
class LateDenial:
    """A no of a line that came late, and the agreements under which it may be outlasted."""

    line_id: int
    scope: str
    ref: str
    made_at: datetime
    contract_ids: Sequence[int]


def list_overrides(*, denied: Sequence[LateDenial], origin: str) -> list[dict[int, Override]]:
    """For each no, in order, by contract: those alone under which a yes to what it covers is newer and outlasts it."""
    found: list[dict[int, Override]] = [{} for _ in denied]
    asked = [
        {
            "n": n, "line": one.line_id, "scope": one.scope, "ref": one.ref, "made_at": one.made_at.isoformat(),
            "contracts": list(one.contract_ids),
        }
        for n, one in enumerate(denied)
    ]  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(PIERCED, {"asked": json.dumps(asked), "origin": origin})
        for n, contract_id, since, had_from in cursor.fetchall():
            found[n][contract_id] = Override(since, had_from)
    return found
