"""Which approvals count for their line, which outlast an earlier no, and which are left from a line's childhood."""

import json
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from django.db import connection
from django.db.models import Exists, OuterRef

from consent.models import InvalidatedApproval

# A yes of the person outlasts any earlier no, one from a file only a no from a file; a claim outlasts none. What the
# partner had is what it was agreed to have before the no, and what it received before the first such yes.
PIERCED = """
SELECT asked.n, found.contract_id, found.since, found.had_from
FROM jsonb_to_recordset(%(asked)s::jsonb) AS asked (n int, line bigint, scope text, ref text, made_at timestamptz,
    origin text, contracts bigint[])
CROSS JOIN LATERAL (
    WITH covered AS (
        SELECT c.contract_id, c.ref, c.lbs_provider_id, v.parties
        FROM partners_campaign c JOIN partners_cover v ON v.campaign_id = c.id
        WHERE c.contract_id = ANY (asked.contracts) AND (asked.scope = 'all' OR asked.ref = ANY (
            CASE asked.scope WHEN 'party' THEN v.parties WHEN 'purpose' THEN v.purposes ELSE v.campaigns END))
    ), said AS (
        SELECT covered.contract_id, h.made_at AS at, h.origin = 'person' OR asked.origin = 'file' AS counts
        FROM consent_choice h JOIN covered ON covered.ref = h.ref
        WHERE h.line_id = asked.line AND h.kind = 'allow'
            AND NOT EXISTS (SELECT FROM consent_setaside x WHERE x.line_id = h.line_id AND x.yes_id = h.id)
        UNION ALL
        SELECT covered.contract_id, a.captured_at, a.verified_by = 'carrier' AND asked.origin = 'file'
        FROM consent_approval a JOIN covered ON covered.ref = a.campaign
        WHERE a.line_id = asked.line
            AND NOT EXISTS (SELECT FROM consent_setaside x WHERE x.line_id = a.line_id AND x.yes_id = a.id)
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

# Whichever came last, the stop or the yes, makes the pair; one that was complete before was counted before.
OVERRIDDEN_STOPS = """
WITH said AS (
    SELECT a.line_id, a.id, a.campaign, a.captured_at AS at, true AS of_file FROM consent_approval a
    WHERE a.line_id = ANY (%(lines)s) AND a.verified_by = 'carrier'
    UNION ALL
    SELECT a.line_id, a.id, a.ref, a.made_at, a.origin = 'file' FROM consent_choice a
    WHERE a.line_id = ANY (%(lines)s) AND a.kind = 'allow'
), yes AS (
    SELECT * FROM said
    WHERE NOT EXISTS (SELECT FROM consent_setaside x WHERE x.line_id = said.line_id AND x.yes_id = said.id)
)
SELECT count(*) FROM consent_choice s
WHERE s.line_id IN (SELECT line_id FROM yes) AND s.kind = 'stop' AND s.origin = 'file' AND EXISTS (
    SELECT FROM yes JOIN partners_campaign c ON c.ref = yes.campaign JOIN partners_cover v ON v.campaign_id = c.id
    WHERE yes.line_id = s.line_id AND yes.of_file AND yes.at > s.made_at
        AND CASE s.scope WHEN 'all' THEN true WHEN 'party' THEN s.ref = ANY (v.parties)
            WHEN 'purpose' THEN s.ref = ANY (v.purposes) ELSE s.ref = ANY (v.campaigns) END
        AND (s.id = ANY (%(new)s) OR yes.id = ANY (%(new)s) AND NOT EXISTS (
            SELECT FROM yes known
            WHERE known.line_id = yes.line_id AND known.campaign = yes.campaign AND known.at > s.made_at
                AND NOT known.id = ANY (%(new)s))))
"""

# A yes counts for its line unless it was set aside there as another's.
STANDS = ~Exists(InvalidatedApproval.objects.filter(line_id=OuterRef("line_id"), yes_id=OuterRef("id")))

# The trail says which line was a child's, and until when. An adult's own other line is the holder's to allow as well:
# so only what was said before that counts. Who has ever signed in by the line is no other. The few yeses of others are
# found first: the trail is long, and is looked up by line.
LEFT_FROM_CHILDHOOD = """
WITH others AS MATERIALIZED (
    SELECT yes.line_id, yes.made_at FROM consent_choice yes JOIN accounts_line line ON line.id = yes.line_id
    WHERE yes.kind = 'allow' AND yes.origin = 'person' AND line.user_role <> 'minor'
        AND NOT EXISTS (
            SELECT FROM accounts_lineuser own
            WHERE own.line_id = yes.line_id AND 'subscriber:' || own.user_id = yes.actor)
        AND NOT EXISTS (
            SELECT FROM consent_choice newer
            WHERE newer.line_id = yes.line_id AND newer.scope = 'campaign' AND newer.ref = yes.ref
                AND newer.kind <> 'pause' AND newer.made_at > yes.made_at)
)
SELECT DISTINCT line_id FROM others CROSS JOIN LATERAL (
    SELECT FROM audit_auditevent grew
    WHERE grew.line_id = others.line_id AND grew.at >= others.made_at AND grew.action = 'line.changed'
        AND grew.detail ->> 'was' = 'minor'
    LIMIT 1) grew
ORDER BY line_id
"""


@dataclass(frozen=True)
class Override:
    """The first yes under an agreement that outlasts a no.

    `had_from`: since when its partner had something before that yes; None where it had nothing.
    """

    since: datetime
    had_from: datetime | None


class Denial(Protocol):
    """A stop or pause, written down or about to be."""

    @property
    def id(self) -> uuid.UUID: ...
    @property
    def kind(self) -> str: ...
    @property
    def scope(self) -> str: ...
    @property
    def ref(self) -> str: ...
    @property
    def made_at(self) -> datetime: ...


@dataclass(frozen=True)
class LateDenial:
    """A no of a line that came late, or met some agreements late, and those whose partner it concerns.

    `running`: it has not ended by itself yet. `signed_for`: contracts whose partner had signed, and owes that anew
    whatever outlasts the no.
    """

    line_id: int
    no: Denial
    origin: str
    contract_ids: Sequence[int]
    running: bool = True
    signed_for: Collection[int] = ()


def list_overrides(*, denied: Sequence[LateDenial]) -> list[dict[int, Override]]:
    """List for each no, in order and by contract, those alone under which a newer yes to what it covers outlasts it."""
    found: list[dict[int, Override]] = [{} for _ in denied]
    asked = [
        {
            "n": n, "line": one.line_id, "scope": one.no.scope, "ref": one.no.ref,
            "made_at": one.no.made_at.isoformat(), "origin": one.origin, "contracts": list(one.contract_ids),
        }
        for n, one in enumerate(denied)
    ]  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(PIERCED, {"asked": json.dumps(asked)})
        for n, contract_id, since, had_from in cursor.fetchall():
            found[n][contract_id] = Override(since, had_from)
    return found


def count_overridden_stops(*, line_ids: Collection[int], new: Collection[uuid.UUID]) -> int:
    """Count the stops of these lines that are outweighed now and were not before these choices and approvals came."""
    with connection.cursor() as cursor:
        cursor.execute(OVERRIDDEN_STOPS, {"lines": list(line_ids), "new": list(new)})
        (count,) = cursor.fetchone() or (0,)
    return int(count)


def list_lines_left_from_childhood() -> list[int]:
    """List the lines that grew up where what another allowed has not ended: a run was cut off there."""
    with connection.cursor() as cursor:
        cursor.execute(LEFT_FROM_CHILDHOOD)
        return [line_id for (line_id,) in cursor.fetchall()]
