"""Every public figure: the one statement that counts it, and which of its numbers speak of people.

Each is one statement over many lines, run by a periodic task and never for a page (`publishing.make`). `since` and
`until` bound the days it is about; `at` is the moment of counting: what an order hides then is not counted. A kind of
choice of which there are less than `fewest` is added to nothing. One that has no `counts` speaks of no people, and is
counted anew each time.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from disclosures.queries.visible import UNDER_ORDER

# Of people's doings no fewer are shown.
FEWEST = 10


class Figure(StrEnum):
    """A public figure, as it is called in addresses."""

    COMPANIES = "companies"
    CHOICES = "choices"
    FOLLOWED = "followed"
    RELEASES = "releases"
    PHONES = "phones"
    DISPUTES = "disputes"


@dataclass(frozen=True)
class Statement:
    """How a figure is counted.

    `counts`: its columns that count what people did. `parts`: which of them are parts, that have nothing in common, of
    which. `times`: its columns of seconds, each with the counts whose difference says of how many things it speaks.
    `totals`: whether the sum of each count over all rows is shown too. `words` and `plain` numbers are about companies
    and hide nothing.
    """

    sql: str
    words: tuple[str, ...]
    counts: tuple[str, ...] = ()
    parts: tuple[tuple[str, tuple[str, ...]], ...] = ()
    times: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    plain: tuple[str, ...] = ()
    totals: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """In the order in which the statement gives them."""
        return (*self.words, *self.plain, *self.counts, *self.times)


# A company stands as well as the best of its agreements. Drafts are nobody's business yet.
COMPANIES = """
WITH stopped AS (
    SELECT of, target_id, bool_or(NOT automatic) AS by_us FROM partners_suspension
    WHERE starts_at <= %(at)s AND (ends_at IS NULL OR ends_at > %(at)s) GROUP BY of, target_id
), agreement AS (
    SELECT 'aggregator' AS role, k.aggregator_id AS party_id, k.starts_at, k.ends_at, (
        SELECT bool_or(by_us) FROM stopped
        WHERE (of, target_id) IN (('contract', k.id), ('party', k.aggregator_id))) AS by_us
    FROM partners_contract k WHERE NOT k.is_draft
    UNION ALL
    SELECT 'lbs_provider', c.lbs_provider_id, greatest(c.starts_at, k.starts_at), least(c.ends_at, k.ends_at), (
        SELECT bool_or(by_us) FROM stopped
        WHERE (of, target_id) IN (
            ('contract', k.id), ('party', k.aggregator_id), ('campaign', c.id), ('party', c.lbs_provider_id)))
    FROM partners_campaign c JOIN partners_contract k ON k.id = c.contract_id
    WHERE NOT c.is_draft AND NOT k.is_draft
), standing AS (
    SELECT role, party_id, CASE
        WHEN ends_at <= %(at)s THEN 'ended' WHEN starts_at > %(at)s THEN 'not yet begun'
        WHEN by_us THEN 'suspended' WHEN NOT by_us THEN 'unanswered'
        WHEN ends_at <= %(at)s + interval '30 days' THEN 'ending' ELSE 'in force' END AS state
    FROM agreement
)
SELECT p.name AS company, s.role, (array_agg(s.state ORDER BY array_position(
        ARRAY['in force', 'ending', 'unanswered', 'suspended', 'not yet begun', 'ended'], s.state)))[1] AS state,
    count(*) FILTER (WHERE s.state IN ('in force', 'ending')) AS in_force,
    count(*) FILTER (WHERE s.state IN ('suspended', 'unanswered')) AS suspended
FROM standing s JOIN partners_party p ON p.id = s.party_id
WHERE p.uri <> 'https://canary.whereabouts.invalid'
GROUP BY p.id, p.name, s.role
ORDER BY s.role, p.name, p.id
"""

# A stop is in force with the row that records it: one transaction. So that is the gate's moment. Our own trial is
# nobody's choice, and nor is what the carrier's own test lines say. What ends a child's yeses as it grows up is ours.
KIND = """CASE
        WHEN c.origin = 'system' OR c.reason = 'grown_up' THEN 'ours'
        WHEN c.reason = 'never_agreed' THEN 'dispute' ELSE c.kind END"""
OF_PEOPLE = """c.recorded_at >= %(since)s AND c.recorded_at < %(until)s
        AND c.line_id NOT IN (
            SELECT id FROM accounts_line WHERE carrier_id = 'whereabouts-canary'
            UNION SELECT line_id FROM support_seedline)
        AND NOT EXISTS (SELECT FROM consent_setaside x WHERE x.line_id = c.line_id AND x.yes_id = c.id)"""
CHOICES = """
SELECT said.kind, count(c.id) AS n, count(c.id) FILTER (WHERE c.origin = 'file') AS from_files,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM c.recorded_at - c.made_at))
        FILTER (WHERE c.origin <> 'file') AS to_gate_median_s,
    percentile_cont(0.95) WITHIN GROUP (ORDER BY extract(epoch FROM c.recorded_at - c.made_at))
        FILTER (WHERE c.origin <> 'file') AS to_gate_p95_s
FROM (VALUES (1, 'stop'), (2, 'dispute'), (3, 'refuse'), (4, 'pause'), (5, 'allow'), (6, 'ours')) AS said (place, kind)
    LEFT JOIN consent_choice c ON {of_people}
        AND said.kind = {kind}
GROUP BY said.place, said.kind
ORDER BY said.place
"""

# What companies were told of adds up kinds of choices: with a kind in it whose own count is not shown, that would be
# what is missing to the sum. The carrier's own test lines are in it: a company that knows how many orders it got must
# not find out by subtraction that some are about such lines. Of one choice a partner may be told by an order that was
# on its way already: then it was told at once. What an order asks is done when it, or a newer one under the same
# agreement, which asks it too, is. Of what is signed by now, the breaches know what was late before. An order that
# nobody had acknowledged was replaced when the newer one was sent.
FOLLOWED = """
WITH many AS (
    SELECT {kind} AS kind
    FROM consent_choice c WHERE {of_people}
    GROUP BY 1 HAVING count(*) >= %(fewest)s
), told AS (
    SELECT k.aggregator_id AS party_id, c.origin = 'person' AND c.reason <> 'grown_up' AS here,
        extract(epoch FROM c.recorded_at - c.made_at) AS to_gate_s,
        CASE WHEN did.acknowledged_at < %(until)s
            THEN extract(epoch FROM greatest(did.acknowledged_at - c.recorded_at, interval '0'))
        END AS to_acknowledged_s,
        CASE WHEN did.completed_at < %(until)s AND did.acknowledged_at < %(until)s
            THEN extract(epoch FROM greatest(did.completed_at - c.recorded_at, interval '0')) END AS to_completed_s
    FROM consent_choice c
        JOIN consent_choiceorder t ON t.line_id = c.line_id AND t.choice_id = c.id
        JOIN revocations_order o ON o.line_id = t.line_id AND o.id = t.order_id
        JOIN partners_contract k ON k.id = t.contract_id
        CROSS JOIN LATERAL (
            SELECT min(same.acknowledged_at) AS acknowledged_at,
                min(same.completed_at) FILTER (WHERE same.state = 'completed') AS completed_at
            FROM revocations_order same
            WHERE same.line_id = o.line_id AND same.contract_id = o.contract_id
                AND (same.epoch, same.version) >= (o.epoch, o.version)) did
    WHERE c.recorded_at >= %(since)s AND c.recorded_at < %(until)s AND c.kind IN ('stop', 'refuse', 'pause')
        AND {kind} IN (SELECT kind FROM many)
), past AS (
    SELECT line_id, id FROM revocations_order
    WHERE complete_by <= %(until)s AND state NOT IN ('completed', 'superseded')
    UNION
    SELECT o.line_id, o.id FROM revocations_breach b
        JOIN revocations_order o ON o.line_id = b.line_id AND o.id::text = b.about
    WHERE b.kind = 'complete' AND b.due_at <= %(until)s AND (b.mended_at IS NULL OR b.mended_at >= %(until)s)
), late AS (
    SELECT o.party_id, count(*) AS n FROM past JOIN revocations_order o USING (line_id, id)
    WHERE NOT EXISTS (
        SELECT FROM revocations_order same
        WHERE same.line_id = o.line_id AND same.contract_id = o.contract_id
            AND (same.epoch, same.version) >= (o.epoch, o.version)
            AND (same.state = 'completed' AND same.completed_at < %(until)s
                OR same.id = o.superseded_by AND o.acknowledged_at IS NULL AND same.queued_at < %(until)s))
    GROUP BY o.party_id
)
SELECT p.name AS company, count(told.party_id) AS received,
    count(told.party_id) FILTER (WHERE told.here) AS said_here,
    count(told.to_acknowledged_s) AS acknowledged, count(told.to_completed_s) AS completed,
    coalesce(max(late.n), 0) AS overdue,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY told.to_gate_s) FILTER (WHERE told.here) AS to_gate_median_s,
    percentile_cont(0.95) WITHIN GROUP (ORDER BY told.to_gate_s) FILTER (WHERE told.here) AS to_gate_p95_s,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY told.to_acknowledged_s) AS to_acknowledged_median_s,
    percentile_cont(0.95) WITHIN GROUP (ORDER BY told.to_acknowledged_s) AS to_acknowledged_p95_s,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY told.to_completed_s) AS to_completed_median_s,
    percentile_cont(0.95) WITHIN GROUP (ORDER BY told.to_completed_s) AS to_completed_p95_s
FROM partners_party p LEFT JOIN told ON told.party_id = p.id LEFT JOIN late ON late.party_id = p.id
WHERE p.uri <> 'https://canary.whereabouts.invalid'
    AND EXISTS (SELECT FROM partners_contract k WHERE k.aggregator_id = p.id AND NOT k.is_draft)
GROUP BY p.id, p.name
ORDER BY p.name, p.id
"""

# What an order hides at the moment of counting is not there. A purpose that no agreement names is not written out: it
# is whatever a request said.
RELEASES = """
WITH <hidden>
SELECT coalesce(known.purpose, '') AS purpose, d.basis, count(*) FILTER (WHERE d.outcome = 'released') AS released,
    count(*) FILTER (WHERE d.outcome = 'released' AND d.basis = 'approval' AND d.judgement <> 'permitted')
        AS not_allowed,
    count(*) FILTER (WHERE d.outcome = 'refused') AS refused
FROM disclosures_disclosure d
    LEFT JOIN (SELECT DISTINCT purpose FROM partners_campaign WHERE NOT is_draft) known ON known.purpose = d.purpose
    LEFT JOIN hidden ON hidden.line_id = d.line_id AND hidden.disclosure_id = d.id
WHERE d.occurred_at >= %(since)s AND d.occurred_at < %(until)s AND d.recorded_at <= %(at)s AND hidden.line_id IS NULL
GROUP BY 1, 2
ORDER BY 2, 1
""".replace("<hidden>", UNDER_ORDER)

# Look-ups add up, over companies and over purposes. Phones do not: several companies find one, and each often, so that
# no count here is what is missing to another figure. A company that found fewer than ten has no row, just as one that
# found none: with a row it would have found one at least, and the look-ups of a purpose may leave room for no more. How
# many were found without consent is not told: with as many look-ups as phones it would be what is missing. The
# carrier's own test lines are in it, as a company knows how many phones it found.
PHONES = """
WITH <hidden>, found AS (
    SELECT DISTINCT disclosures_company(d.path) AS uri, d.line_id
    FROM disclosures_disclosure d
        LEFT JOIN hidden ON hidden.line_id = d.line_id AND hidden.disclosure_id = d.id
    WHERE d.occurred_at >= %(since)s AND d.occurred_at < %(until)s AND d.recorded_at <= %(at)s
        AND d.basis = 'approval' AND d.outcome = 'released' AND hidden.line_id IS NULL
)
SELECT p.name AS company, count(*) AS phones
FROM found JOIN partners_party p ON p.uri = found.uri
WHERE p.uri <> 'https://canary.whereabouts.invalid' AND (
    EXISTS (SELECT FROM partners_campaign c WHERE c.lbs_provider_id = p.id AND NOT c.is_draft)
    OR EXISTS (SELECT FROM partners_contract k WHERE k.aggregator_id = p.id AND NOT k.is_draft))
GROUP BY p.id, p.name HAVING count(*) >= %(fewest)s
ORDER BY 2 DESC, p.name, p.id
""".replace("<hidden>", UNDER_ORDER)

DISPUTES = """
SELECT p.name AS company, count(e.id) AS asked,
    count(e.id) FILTER (WHERE e.answer = 'evidence' AND e.answered_at < %(until)s) AS showed_proof,
    count(e.id) FILTER (WHERE e.answer = 'none' AND e.answered_at < %(until)s) AS had_none,
    count(e.id) FILTER (WHERE e.due_at < %(until)s AND coalesce(e.answered_at, %(until)s) >= %(until)s) AS late
FROM partners_party p
    LEFT JOIN revocations_evidencerequest e ON e.party_id = p.id AND e.asked_at >= %(since)s AND e.asked_at < %(until)s
WHERE p.uri <> 'https://canary.whereabouts.invalid'
    AND EXISTS (SELECT FROM partners_contract k WHERE k.aggregator_id = p.id AND NOT k.is_draft)
GROUP BY p.id, p.name
ORDER BY p.name, p.id
"""

TO_GATE = ("to_gate_median_s", "to_gate_p95_s")
TO_ACKNOWLEDGED = ("to_acknowledged_median_s", "to_acknowledged_p95_s")
TO_COMPLETED = ("to_completed_median_s", "to_completed_p95_s")
STATEMENTS: Mapping[Figure, Statement] = {
    Figure.COMPANIES: Statement(COMPANIES, words=("company", "role", "state"), plain=("in_force", "suspended")),
    Figure.CHOICES: Statement(
        CHOICES.format(kind=KIND, of_people=OF_PEOPLE),
        words=("kind",),
        counts=("n", "from_files"),
        parts=(("n", ("from_files",)),),
        times=dict.fromkeys(TO_GATE, ("n", "from_files")),
        totals=True,
    ),
    Figure.FOLLOWED: Statement(
        FOLLOWED.format(kind=KIND, of_people=OF_PEOPLE),
        words=("company",),
        counts=("received", "said_here", "acknowledged", "completed", "overdue"),
        parts=(
            ("received", ("said_here",)),
            ("received", ("acknowledged",)),
            ("received", ("completed",)),
            ("acknowledged", ("completed",)),
        ),
        times=dict.fromkeys(TO_GATE, ("said_here",))
        | dict.fromkeys(TO_ACKNOWLEDGED, ("acknowledged",))
        | dict.fromkeys(TO_COMPLETED, ("completed",)),
    ),
    Figure.RELEASES: Statement(
        RELEASES,
        words=("purpose", "basis"),
        counts=("released", "not_allowed", "refused"),
        parts=(("released", ("not_allowed",)),),
        totals=True,
    ),
    Figure.PHONES: Statement(PHONES, words=("company",), counts=("phones",)),
    Figure.DISPUTES: Statement(
        DISPUTES,
        words=("company",),
        counts=("asked", "showed_proof", "had_none", "late"),
        parts=(("asked", ("showed_proof", "had_none", "late")),),
    ),
}
