"""Campaigns and links that became known later: whom they touch, and the reach that earlier releases showed."""

from collections.abc import Collection
from datetime import datetime

from django.db import connection, transaction

from disclosures.domain.ingest import chunks, notices, paths, projections

TOUCH = """
INSERT INTO consent_touched (line_id, since)
SELECT d.line_id, min(d.occurred_at) FROM disclosures_disclosure d
WHERE d.basis = 'approval' AND d.outcome = 'released' AND (
    d.campaign = ANY (%(campaigns)s || partners_kin_of('campaign', %(linked_campaigns)s))
    OR %(linked_purposes)s <> '{}' AND d.purpose = ANY (partners_kin_of('purpose', %(linked_purposes)s))
    OR %(linked_parties)s <> '{}' AND (d.path || d.aggregator)::text[] && partners_kin_of('party', %(linked_parties)s))
GROUP BY d.line_id
"""
NAMED = """
CREATE TEMPORARY TABLE named ON COMMIT DROP AS
SELECT row_number() OVER () AS term, d.aggregator, <parties> AS path, d.campaign, d.purpose, d.scope, d.basis,
    d.outcome, EXISTS (
    SELECT FROM disclosures_delayednotice n
    WHERE n.line_id = d.line_id AND n.disclosure_id = d.id
        AND (n.suppressed_until IS NULL OR n.suppressed_until > %(at)s)
        AND NOT EXISTS (
            SELECT FROM disclosures_delayednotice newer
            WHERE newer.line_id = n.line_id AND newer.disclosure_id = n.disclosure_id AND newer.number > n.number)
    ) AS hidden
FROM disclosures_disclosure d
WHERE d.campaign = ANY (%(campaigns)s) AND d.basis = 'approval' AND d.outcome = 'released'
""".replace("<parties>", paths.JUDGED_BY)
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
WHERE d.basis = 'approval' AND d.outcome = 'released' AND d.occurred_at >= %(since)s
    AND EXISTS (SELECT FROM accounts_linestate s WHERE s.line_id = d.line_id AND s.state = %(state)s)
GROUP BY d.line_id
"""
SINCE = """
INSERT INTO consent_touched (line_id, since)
SELECT d.line_id, min(d.occurred_at) FROM disclosures_disclosure d
WHERE d.basis = 'approval' AND d.outcome = 'released' AND d.occurred_at >= %(since)s
    AND (d.campaign = ANY (%(campaigns)s) OR (d.path || d.aggregator)::text[] && %(parties)s::text[])
GROUP BY d.line_id
"""

# Rows of 1.0 are given their terms before.
OF_PARTIES = """
WITH named AS (
    SELECT p.uri FROM partners_party p
    WHERE p.uri = ANY (%(parties)s) AND p.kind IN ('lbs_provider', 'end_customer')
), found AS MATERIALIZED (
    SELECT d.line_id, d.occurred_at, d.id, d.path, d.term, d.basis_doubtful FROM disclosures_disclosure d
    WHERE d.basis IN ('emergency', 'network') AND d.path::text[] && ARRAY(SELECT uri::text FROM named)
)
"""
CONVERT = """<found>
SELECT disclosures_convert(array_agg(line_id), min(occurred_at)) FROM found WHERE term IS NULL
""".replace("<found>", OF_PARTIES)
# A row under an order is marked like any other, and its incident waits until the order ends (`traces.leave`).
DOUBT = """<found>, put AS MATERIALIZED (
    SELECT term, disclosures_doubtful_term(term) AS id
    FROM (
        SELECT t.id AS term FROM disclosures_term t
        WHERE t.id IN (SELECT term FROM found WHERE NOT basis_doubtful)
        ORDER BY t.aggregator, t.path, t.campaign, t.purpose, t.scope, t.basis, t.outcome, t.path_completed, t.judgement
    ) in_order
), marked AS (
    UPDATE disclosures_release d SET term = put.id FROM found JOIN put ON put.term = found.term
    WHERE d.line_id = found.line_id AND d.occurred_at = found.occurred_at AND d.id = found.id
)
SELECT named.uri, (found.occurred_at AT TIME ZONE 'UTC')::date::text, found.line_id, found.id, found.occurred_at
FROM found JOIN named ON named.uri = ANY (found.path)
WHERE NOT EXISTS (
    SELECT FROM disclosures_concealeddisclosure c
    WHERE c.line_id = found.line_id AND c.occurred_at = found.occurred_at AND c.id = found.id)
ORDER BY 1, 2, found.occurred_at, found.id
""".replace("<found>", OF_PARTIES)


@transaction.atomic
def mark_doubtful(*, parties: Collection[str], at: datetime) -> None:
    """Mark the earlier releases by emergency or network whose path names a company that turns out to sell look-ups.

    Reads every partition: seldom does it become known late what a company is.
    """
    if not parties:
        return
    notices.lock_notices()
    with connection.cursor() as cursor:
        cursor.execute(CONVERT, {"parties": sorted(parties)})
        cursor.execute(DOUBT, {"parties": sorted(parties)})
        projections.open_doubtful_incident(found=cursor, at=at)


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
