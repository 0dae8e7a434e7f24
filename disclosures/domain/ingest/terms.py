"""Campaigns and links that became known later: whom they touch, and the reach that earlier releases showed."""

from collections.abc import Collection
from datetime import datetime

from django.db import connection, transaction

from disclosures.domain.ingest import chunks, notices, paths, projections
from disclosures.queries.visible import LOOK_UP

TOUCH = """
INSERT INTO consent_touched (line_id, since)
WITH kin AS MATERIALIZED (
    SELECT %(campaigns)s || partners_kin_of('campaign', %(linked_campaigns)s) AS campaigns,
        partners_kin_of('purpose', %(linked_purposes)s) AS purposes,
        partners_kin_of('party', %(linked_parties)s) AS parties
)
SELECT d.line_id, min(d.occurred_at) FROM disclosures_disclosure d CROSS JOIN kin
WHERE d.basis = 'approval' AND d.outcome = 'released' AND (
    d.campaign = ANY (kin.campaigns)
    OR %(linked_purposes)s <> '{}' AND d.purpose = ANY (kin.purposes)
    OR %(linked_parties)s <> '{}' AND (d.path || d.aggregator)::text[] && kin.parties)
GROUP BY d.line_id
"""
NAMED = """
CREATE TEMPORARY TABLE named ON COMMIT DROP AS
WITH d AS MATERIALIZED (
    SELECT d.* FROM disclosures_disclosure d WHERE d.campaign = ANY (%(campaigns)s) AND <look-up>
)
SELECT row_number() OVER () AS term, d.aggregator, <parties> AS path, d.campaign, d.purpose, d.scope, d.basis,
    d.outcome, false AS hidden
FROM d
""".replace("<parties>", paths.JUDGED_BY).replace("<look-up>", LOOK_UP)
# Paths that were given their aggregator when nobody knew yet that their first company is another one.
BEGINS_ELSEWHERE = """
INSERT INTO consent_touched (line_id, since)
SELECT d.line_id, min(d.occurred_at) FROM disclosures_disclosure d
    JOIN partners_party first ON first.uri = d.path[2] AND first.kind = 'aggregator' AND first.uri = ANY (%s)
WHERE d.basis = 'approval' AND d.outcome = 'released' AND d.path_completed IN ('aggregator', 'both')
GROUP BY d.line_id
"""

IN_STATE = """
INSERT INTO consent_touched (line_id, since)
SELECT d.line_id, min(d.occurred_at) FROM disclosures_disclosure d
    JOIN (SELECT DISTINCT line_id FROM accounts_linestate WHERE state = %(state)s) lived ON lived.line_id = d.line_id
WHERE d.basis = 'approval' AND d.outcome = 'released' AND d.occurred_at >= %(since)s
GROUP BY d.line_id
"""
SINCE = """
INSERT INTO consent_touched (line_id, since)
SELECT d.line_id, min(d.occurred_at) FROM disclosures_disclosure d
WHERE d.basis = 'approval' AND d.outcome = 'released' AND d.occurred_at >= %(since)s
    AND (d.campaign = ANY (%(campaigns)s) OR (d.path || d.aggregator)::text[] && %(parties)s::text[])
GROUP BY d.line_id
"""

NAMED_PARTIES = "SELECT uri FROM partners_party WHERE uri = ANY (%s) AND kind IN ('lbs_provider', 'end_customer')"
OF_PARTIES = """
SELECT d.line_id, d.occurred_at, d.id, d.path, d.term, d.basis_doubtful FROM disclosures_disclosure d
WHERE d.basis IN ('emergency', 'network') AND d.path::text[] && %(parties)s::text[]
"""
# Rows of 1.0 are given their terms before.
CONVERT = """
WITH found AS MATERIALIZED (<of-parties>)
SELECT disclosures_convert(array_agg(line_id), min(occurred_at)) FROM found WHERE term IS NULL
""".replace("<of-parties>", OF_PARTIES)
# A row under an order is marked like any other, and its incident waits until the order ends (`traces.leave`).
DOUBT = """
CREATE TEMPORARY TABLE found ON COMMIT DROP AS <of-parties>;
CREATE TEMPORARY TABLE put ON COMMIT DROP AS
SELECT term, disclosures_doubtful_term(term) AS id
FROM (
    SELECT t.id AS term FROM disclosures_term t
    WHERE t.id IN (SELECT term FROM found WHERE NOT basis_doubtful)
    ORDER BY t.aggregator, t.path, t.campaign, t.purpose, t.scope, t.basis, t.outcome, t.path_completed, t.judgement
    OFFSET 0
) in_order;
UPDATE disclosures_release d SET term = put.id FROM found JOIN put ON put.term = found.term
WHERE d.line_id = found.line_id AND d.occurred_at = found.occurred_at AND d.id = found.id;
SELECT disclosures_note_days(array_agg(line_id), array_agg(occurred_at)) FROM found WHERE NOT basis_doubtful
""".replace("<of-parties>", OF_PARTIES)
TO_TELL = """
WITH hidden AS MATERIALIZED (
    SELECT c.line_id, c.id FROM found JOIN disclosures_concealeddisclosure c
        ON c.line_id = found.line_id AND c.occurred_at = found.occurred_at AND c.id = found.id
)
SELECT named.uri, (found.occurred_at AT TIME ZONE 'UTC')::date::text, found.line_id, found.id, found.occurred_at
FROM found JOIN unnest(%(parties)s::text[]) AS named (uri) ON named.uri = ANY (found.path)
WHERE NOT EXISTS (SELECT FROM hidden WHERE hidden.line_id = found.line_id AND hidden.id = found.id)
ORDER BY 1, 2, found.occurred_at, found.id
"""


@transaction.atomic
def mark_doubtful(*, parties: Collection[str], at: datetime) -> None:
    """Mark the earlier releases by emergency or network whose path names a company that turns out to sell look-ups.

    Reads every partition: seldom does it become known late what a company is.
    """
    if not parties:
        return
    notices.lock_notices()
    with connection.cursor() as cursor:
        cursor.execute(NAMED_PARTIES, [sorted(parties)])
        named = {"parties": [uri for (uri,) in cursor.fetchall()]}
        cursor.execute(CONVERT, named)
        cursor.execute(DOUBT, named)
        cursor.execute(TO_TELL, named)
        projections.open_doubtful_incident(found=cursor, at=at)
        cursor.execute("DROP TABLE found, put")


def enqueue_path_rejudging(*, parties: Collection[str]) -> None:
    """Mark the lines whose past judgements rest on a path that begins, as is known now, with another aggregator.

    Reads every partition. Call outside a transaction, when the parties are committed.
    """
    if not parties:
        return
    chunks.wait_for_chunks()
    with connection.cursor() as cursor:
        cursor.execute(BEGINS_ELSEWHERE, [sorted(parties)])


def enqueue_rejudging(*, campaigns: Collection[str], links: Collection[tuple[str, str]], at: datetime) -> None:
    """Mark the lines whose past judgements may rest on these campaigns or links, and complete the campaigns' reach.

    Reads every partition: terms change seldom. Call outside a transaction, when they are committed.
    """
    if campaigns or links:
        chunks.wait_for_chunks()
        _mark(campaigns, links, at)


@transaction.atomic
def _mark(campaigns: Collection[str], links: Collection[tuple[str, str]], at: datetime) -> None:
    named = sorted(campaigns)
    with connection.cursor() as cursor:
        cursor.execute(
            TOUCH,
            {
                "campaigns": named,
                "linked_campaigns": sorted(ref for of, ref in links if of == "campaign"),
                "linked_purposes": sorted(ref for of, ref in links if of == "purpose"),
                "linked_parties": sorted(ref for of, ref in links if of == "party"),
            },
        )
        cursor.execute(NAMED, {"campaigns": named, "at": at})
        cursor.execute(projections.REACH.format(rows="named", terms="named"))
        cursor.execute("DROP TABLE named")


def enqueue_state_rejudging(*, state: str, since: datetime) -> None:
    """Mark the lines that were ever in this state and had releases since then. Reads the partitions since then.

    Call outside a transaction, when the rule is committed.
    """
    chunks.wait_for_chunks()
    with connection.cursor() as cursor:
        cursor.execute(IN_STATE, {"state": state, "since": since})


def enqueue_rejudging_since(*, campaigns: Collection[str], parties: Collection[str], since: datetime) -> None:
    """Mark the lines that had releases by these campaigns or companies since then. Reads the partitions since then.

    Call outside a transaction, when the beginning or end of their term or suspension is committed.
    """
    chunks.wait_for_chunks()
    with connection.cursor() as cursor:
        cursor.execute(SINCE, {"campaigns": sorted(campaigns), "parties": sorted(parties), "since": since})
