"""Write what a release leaves in lower apps (parties seen, dealings, reach), and queue lines to be judged again.

A row under a delayed-notice order leaves nothing until it lifts (`reveal`). Works on two tables: rows (line, moment,
whether hidden) and the terms that many of them have in common. Of rows that lift, each is its own terms. Lines are
judged again when a campaign or link became known later, or when a release shows what a partner's word was worth.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

import audit.actions
from audit.actions import Release
from audit.models import Incident
from audit.queries import not_ahead
from disclosures.domain.ingest import chunks, paths, rows
from disclosures.domain.ingest.rows import had_the_gates_yes, lock_notices
from disclosures.queries.incident_scope import LONGEST_KEY, day_key
from disclosures.queries.visible import LOOK_UP, SHOWN
from revocations.actions.contradictions import Use, mark_contradicted_ends, mark_contradicted_orders

SEEN = """
INSERT INTO partners_party (uri, name, kind, website, about, jwks_uri)
SELECT DISTINCT hop.uri, hop.uri, 'unnamed', '', '', '' FROM {terms} t, unnest(t.path || t.aggregator) AS hop (uri)
WHERE EXISTS (SELECT FROM {rows} r WHERE r.term = t.term AND NOT r.hidden)
    AND NOT EXISTS (SELECT FROM partners_party p WHERE p.uri = hop.uri)
ORDER BY 1 ON CONFLICT (uri) DO NOTHING
"""
# A dealing of the aggregator itself follows from those behind it (`partners_received`), and would be a third of the
# writing: it is written only where nobody behind it is named.
# A party new to a line that has said no may be affected by its stop, and so may one that had something earlier than we
# knew. Its order is made after the commit (`rejudging.enqueue_affected_lines`); the row left here makes sure of it.
DEALINGS = """
WITH hop AS MATERIALIZED (
    SELECT DISTINCT t.term, aggregator.id AS aggregator_id, party.id AS party_id
    FROM {terms} t CROSS JOIN LATERAL unnest(
            coalesce(nullif(array_remove(t.path, t.aggregator), '{{}}'), ARRAY[t.aggregator])) AS hop (uri)
        JOIN partners_party aggregator ON aggregator.uri = t.aggregator
        JOIN partners_party party ON party.uri = hop.uri
    WHERE t.basis = 'approval' AND t.outcome = 'released'
), dealt AS MATERIALIZED (
    SELECT r.line_id, hop.aggregator_id, hop.party_id, max(r.occurred_at) AS last_at, min(r.occurred_at) AS first_at
    FROM {rows} r JOIN hop ON hop.term = r.term
    WHERE NOT r.hidden
    GROUP BY r.line_id, hop.aggregator_id, hop.party_id
), put AS (
    INSERT INTO partners_dealing AS known (line_id, aggregator_id, party_id, last_at, first_at)
    SELECT line_id, aggregator_id, party_id, last_at, first_at FROM dealt ORDER BY line_id, aggregator_id, party_id
    ON CONFLICT (line_id, aggregator_id, party_id) DO UPDATE
        SET last_at = greatest(known.last_at, excluded.last_at),
            first_at = least(coalesce(known.first_at, known.last_at), excluded.first_at)
    WHERE known.last_at < excluded.last_at OR excluded.first_at < coalesce(known.first_at, known.last_at)
    RETURNING line_id, aggregator_id, party_id, first_at
)
INSERT INTO consent_touched (line_id, since)
SELECT DISTINCT line_id, audit_now() FROM put JOIN dealt USING (line_id, aggregator_id, party_id, first_at)
WHERE EXISTS (
    SELECT FROM consent_choice c WHERE c.line_id = put.line_id AND c.kind IN ('stop', 'pause', 'refuse'))
RETURNING id, line_id
"""
# A name that is no plain address may be another's in another spelling (capitals, escapes, a slash or dot at its end,
# characters that nobody sees): a request for it is held by every stop within reach.
REACH = r"""
INSERT INTO partners_reach (campaign_id, party_id, told_apart)
SELECT DISTINCT c.id, party.id, spelt.plainly
FROM {terms} t
    JOIN partners_campaign c ON c.ref = t.campaign AND c.purpose = t.purpose AND c.scope = t.scope
    JOIN partners_contract k ON k.id = c.contract_id
    JOIN partners_party aggregator ON aggregator.id = k.aggregator_id
        AND aggregator.uri = t.aggregator AND t.path[1] = aggregator.uri
    JOIN partners_party provider ON provider.id = c.lbs_provider_id AND provider.uri = ANY (t.path)
    CROSS JOIN LATERAL unnest(t.path) AS hop (uri)
    JOIN partners_party party ON party.uri = hop.uri AND party.id NOT IN (aggregator.id, provider.id)
    CROSS JOIN LATERAL (SELECT party.uri ~ '^https://[a-z0-9.-]*[a-z0-9](:[0-9]+)?(/[!-$&-~]*[!-$&-.0-~])?$'
        AND party.uri !~ ':443(/|$)' AS plainly) spelt
WHERE t.basis = 'approval' AND t.outcome = 'released'
    AND EXISTS (SELECT FROM {rows} r WHERE r.term = t.term AND NOT r.hidden)
    AND NOT EXISTS (SELECT FROM partners_reach known
        WHERE known.campaign_id = c.id AND known.party_id = party.id AND (known.told_apart OR NOT spelt.plainly))
ORDER BY c.id, party.id ON CONFLICT (campaign_id, party_id) DO UPDATE
    SET told_apart = true WHERE NOT partners_reach.told_apart AND excluded.told_apart
"""
# What was counted so of a row as another line's is not counted again.
DOUBTFUL = """
SELECT p.uri, (r.occurred_at AT TIME ZONE 'UTC')::date::text, r.line_id, r.id, r.occurred_at
FROM {terms} t CROSS JOIN LATERAL (SELECT DISTINCT unnest(t.path) AS uri) seen
    JOIN partners_party p ON p.uri = seen.uri
    JOIN {rows} r ON r.term = t.term
WHERE t.basis IN ('emergency', 'network') AND p.kind IN ('lbs_provider', 'end_customer') AND NOT r.hidden
    AND NOT EXISTS (SELECT FROM disclosures_givenback g WHERE g.disclosure_id = r.id AND p.uri = ANY (g.doubted))
ORDER BY 1, 2, r.occurred_at, r.id
"""
GATED = """
SELECT r.line_id, t.campaign, r.decision_id, r.occurred_at, t.aggregator, r.id
FROM {rows} r JOIN {terms} t ON t.term = r.term
WHERE r.gated AND t.basis = 'approval' AND t.outcome = 'released' AND NOT r.hidden ORDER BY r.occurred_at, r.id
"""
# Only rows dated after a partner's signed word can go against it.
SUSPECT = """
SELECT r.line_id, p.id, t.path, t.purpose, t.scope, r.occurred_at, '', NULL::bigint, r.id
FROM {rows} r JOIN {terms} t ON t.term = r.term JOIN partners_party p ON p.uri = t.aggregator
WHERE t.basis = 'approval' AND NOT r.hidden AND EXISTS (
    SELECT FROM revocations_order o
    WHERE o.line_id = r.line_id AND o.party_id = p.id AND o.state IN ('completed', 'partial')
        AND o.completed_at < r.occurred_at)
"""
# The same of what was signed for a whole agreement, or one campaign, that ended: by the campaign that rows name.
SUSPECT_OF_ENDED = """
SELECT r.line_id, p.id, t.path, t.purpose, t.scope, r.occurred_at, t.campaign, NULL::bigint, r.id
FROM {terms} t JOIN partners_party p ON p.uri = t.aggregator
    JOIN partners_campaign named ON named.ref = t.campaign
    CROSS JOIN LATERAL (
        SELECT min(signed.received_at) AS at
        FROM revocations_cohort c
            JOIN revocations_cohortreceipt signed
                ON signed.cohort_id = c.id AND signed.signer_uri = p.uri AND signed.status = 'completed'
        WHERE c.party_id = p.id AND c.contract_id = named.contract_id
            AND (c.of = 'contract' OR c.target_id = named.id)
        HAVING min(signed.received_at) IS NOT NULL) word
    JOIN {rows} r ON r.term = t.term AND r.occurred_at > word.at
WHERE t.basis = 'approval' AND NOT r.hidden
"""
# What has been concealed since it was stored, and is no longer: no order on it holds.
LIFTED = """
CREATE TEMPORARY TABLE lifted ON COMMIT DROP AS
WITH d AS MATERIALIZED (
    SELECT d.*, concealed.gated FROM disclosures_concealeddisclosure concealed
        JOIN disclosures_disclosure d
            ON d.line_id = concealed.line_id AND d.occurred_at = concealed.occurred_at AND d.id = concealed.id
    WHERE coalesce(concealed.id = %(only)s, true) AND <shown>
)
SELECT row_number() OVER () AS term, d.id, d.line_id, d.occurred_at, d.aggregator, <parties> AS path, d.campaign,
    d.purpose, d.scope, d.basis, d.outcome, d.decision_id, false AS hidden, d.gated
FROM d
""".replace("<parties>", paths.JUDGED_BY).replace("<shown>", SHOWN)
REVEALED = "DELETE FROM disclosures_concealeddisclosure WHERE id IN (SELECT id FROM lifted)"


type Ungated = Counter[tuple[str, str]]


def write_projections(
    *, cursor: CursorWrapper, rows: str, terms: str, at: datetime, ungated: Ungated | None = None
) -> dict[int, int]:
    """Write what rows leave behind, inside the transaction of our own tables of rows and of what they have in common.

    `ungated`: what is without the gate's yes besides these rows, by aggregator and day.
    Returns what was touched by it: its id, and the line. Should be the last before the commit: until then whoever
    stores rows of the same lines waits.
    """
    named = {"rows": rows, "terms": terms}
    cursor.execute(SEEN.format_map(named))
    cursor.execute(REACH.format_map(named))
    cursor.execute(SUSPECT.format_map(named))
    uses = _uses(cursor)
    cursor.execute(SUSPECT_OF_ENDED.format_map(named))
    uses_of_ended = _uses(cursor)
    cursor.execute(DOUBTFUL.format_map(named))
    doubtful = cursor.fetchall()
    cursor.execute(GATED.format_map(named))
    without_yes = defaultdict[tuple[str, str], list[Release]](list)
    for line_id, campaign, decision_id, occurred_at, aggregator, disclosure_id in cursor.fetchall():
        if not had_the_gates_yes(line_id=line_id, campaign=campaign, decision_id=decision_id, occurred_at=occurred_at):
            without_yes[by_day(aggregator, occurred_at)].append(Release(line_id, disclosure_id, occurred_at))
    cursor.execute(DEALINGS.format_map(named))
    touched = dict(cursor.fetchall())
    open_doubtful_incident(found=doubtful, at=at)
    if uses:
        mark_contradicted_orders(uses=uses, at=at)
    if uses_of_ended:
        mark_contradicted_ends(uses=uses_of_ended, at=at)
    counted = Counter({of: len(releases) for of, releases in without_yes.items()})
    open_ungated_incident(ungated=(ungated or Counter()) + counted, at=at)
    store_ungated_lines(releases=without_yes)
    return touched


@transaction.atomic
def reveal(*, at: datetime, disclosure_id: UUID | None = None) -> None:
    """Rows whose delayed-notice order has ended by `at` now leave all that other rows leave at once, each of them once.

    However late it runs, none is passed over. `disclosure_id`: only this one.
    """
    lock_notices()
    at = not_ahead(at=at)
    with connection.cursor() as cursor:
        cursor.execute(LIFTED, {"at": at, "only": disclosure_id})
        write_projections(cursor=cursor, rows="lifted", terms="lifted", at=at)
        cursor.execute(REVEALED)
        cursor.execute("DROP TABLE lifted")


def _uses(cursor: CursorWrapper) -> list[Use]:
    return [Use(line_id, party, tuple(path), *rest) for line_id, party, path, *rest in cursor.fetchall()]


def by_day(aggregator: str, occurred_at: datetime) -> tuple[str, str]:
    """Under which aggregator and day a release without the gate's yes is counted."""
    return aggregator, occurred_at.date().isoformat()


def open_ungated_incident(*, ungated: Ungated, at: datetime) -> None:
    """So many releases of an aggregator on a day were without the gate's yes."""
    for (aggregator, day), count in sorted(ungated.items()):
        _incident(Incident.Kind.UNGATED, aggregator, day, at, count)


def store_ungated_lines(*, releases: Mapping[tuple[str, str], Sequence[Release]]) -> None:
    """Keep whom these releases were of, by aggregator and day, that were counted as without the gate's yes.

    Which report must carry one is known of it while it comes in, and not later.
    """
    for (aggregator, day), of_day in sorted(releases.items()):
        key = day_key(party=aggregator, day=day)
        audit.actions.store_affected_lines(kind=Incident.Kind.UNGATED, key=key, releases=of_day)


def open_doubtful_incident(*, found: Iterable[Sequence[Any]], at: datetime) -> None:
    """Releases by emergency or network went to companies that sell look-ups.

    `found`: company, day, and the release (line, id, moment), in order of company and day; one day is held at a time.
    """
    for (party, day), group in groupby(found, key=lambda row: (row[0], row[1])):
        releases = [Release(*release) for _, _, *release in group]
        key = _incident(Incident.Kind.BASIS_DOUBTFUL, party, day, at, len(releases))
        audit.actions.store_affected_lines(kind=Incident.Kind.BASIS_DOUBTFUL, key=key, releases=releases)


def _incident(kind: str, party: str, day: str, at: datetime, count: int) -> str:
    """Open it, or count it. Returns its key."""
    key = day_key(party=party, day=day)
    audit.actions.open_incident(kind=kind, key=key, subject=party[:LONGEST_KEY], at=at, count=count)
    return key


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
    rows.lock_notices()
    with connection.cursor() as cursor:
        cursor.execute(NAMED_PARTIES, [sorted(parties)])
        named = {"parties": [uri for (uri,) in cursor.fetchall()]}
        cursor.execute(CONVERT, named)
        cursor.execute(DOUBT, named)
        cursor.execute(TO_TELL, named)
        open_doubtful_incident(found=cursor, at=at)
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
        cursor.execute(REACH.format(rows="named", terms="named"))
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
