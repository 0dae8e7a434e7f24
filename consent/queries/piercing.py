"""Yeses that outlast an earlier no: since when, and what their partner had before them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from consent.queries.set_aside import stands

# A yes of the person outlasts any earlier no, one from a file only a no from a file; a claim outlasts none. What the
# partner had is what it was agreed to have before the no, and what it received before the first such yes.
PIERCED = """
WITH covered AS (
    SELECT c.contract_id, c.ref, c.lbs_provider_id, v.parties
    FROM partners_campaign c JOIN partners_cover v ON v.campaign_id = c.id
    WHERE c.contract_id = ANY (%(contracts)s) AND (%(scope)s = 'all' OR %(ref)s = ANY (
        CASE %(scope)s WHEN 'party' THEN v.parties WHEN 'purpose' THEN v.purposes ELSE v.campaigns END))
), said AS (
    SELECT covered.contract_id, h.made_at AS at, h.origin = 'person' OR %(origin)s = 'file' AS counts
    FROM consent_choice h JOIN covered ON covered.ref = h.ref
    WHERE h.line_id = %(line)s AND h.kind = 'allow' AND <choice stands>
    UNION ALL
    SELECT covered.contract_id, a.captured_at, a.verified_by = 'carrier' AND %(origin)s = 'file'
    FROM consent_approval a JOIN covered ON covered.ref = a.campaign
    WHERE a.line_id = %(line)s AND <approval stands>
), pierced AS (
    SELECT contract_id, min(at) FILTER (WHERE counts AND at > %(made_at)s) AS since,
        min(at) FILTER (WHERE at <= %(made_at)s) AS agreed
    FROM said GROUP BY contract_id
)
SELECT pierced.contract_id, pierced.since, least(pierced.agreed, (
    SELECT min(d.first_at)
    FROM partners_contract k
        JOIN partners_party aggregator ON aggregator.id = k.aggregator_id
        JOIN partners_received(%(line)s) d ON d.aggregator_id = k.aggregator_id
        JOIN partners_party party ON party.id = d.party_id
    WHERE k.id = pierced.contract_id AND d.first_at < pierced.since
        AND CASE %(scope)s
            WHEN 'all' THEN true
            WHEN 'party' THEN
                ARRAY[party.uri, aggregator.uri]::text[] && partners_kin_of('party', ARRAY[%(ref)s]::text[])
            ELSE EXISTS (SELECT FROM covered c WHERE c.contract_id = k.id AND party.uri = ANY (c.parties)
                AND (d.party_id <> d.aggregator_id OR c.lbs_provider_id = d.aggregator_id))
            END))
FROM pierced WHERE pierced.since IS NOT NULL
"""
PIERCED = PIERCED.replace("<choice stands>", stands(line="h.line_id", yes="h.id")).replace(
    "<approval stands>", stands(line="a.line_id", yes="a.id")
)


@dataclass(frozen=True)
class Pierced:
    """The first yes under an agreement that outlasts a no.

    `had_from`: since when its partner had something before that yes; None where it had nothing.
    """

    since: datetime
    had_from: datetime | None


def pierced(
    *, line_id: int, scope: str, ref: str, made_at: datetime, origin: str, contract_ids: Sequence[int]
) -> Mapping[int, Pierced]:
    """By contract, those alone under which a yes to something that this no covers is newer and outlasts it."""
    with connection.cursor() as cursor:
        cursor.execute(
            PIERCED,
            {
                "line": line_id, "scope": scope, "ref": ref, "made_at": made_at, "origin": origin,
                "contracts": list(contract_ids),
            },
        )  # fmt: skip
        return {contract_id: Pierced(since, had_from) for contract_id, since, had_from in cursor.fetchall()}
