"""What the answer was, read from the ledger alone. The gate reads the gate row alone; neither knows the other.

`JUDGE` answers any number of questions at once. It reads two relations, tables or names of a WITH around it:
`question` (qid bigint, line_id bigint, term bigint, precision_m integer, at timestamptz, known_at timestamptz), no two
of them with the same qid, and `asked` (term bigint, campaign text, aggregator text, parties text[], purpose text, scope
text), what any number of questions have in common. `parties` are those of the path, the aggregator first; where the
request names none beyond them, the campaign's reach may be added by the asker. `by_us`: no stop or pause covers it but
stops of ours (`Origin.SYSTEM`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec
from django.db import connection

from audit.primitives import generic_plans

# `own` is the campaign of each term. `plain` holds the questions that need no weighing, which are most: the line has
# never said anything, no suspension and no rule of any time touches the campaign, and an approval stands. What is left
# is weighed one by one: each covering stop is set against the approvals that count against it, a file's against a
# file's stop only, the person's own against any. A stop at the same instant as an approval is the newer.
JUDGE = """
WITH kinless AS (SELECT NOT EXISTS (SELECT FROM partners_kin) AS so),
own AS MATERIALIZED (
    SELECT asked.term, asked.parties, c.ref, c.id, c.contract_id, c.purpose, c.precision_m, c.consideration,
        c.starts_at, CASE WHEN c.is_draft THEN c.starts_at ELSE c.ends_at END AS ends_at,
        k.starts_at AS contract_starts_at, CASE WHEN k.is_draft THEN k.starts_at ELSE k.ends_at END AS contract_ends_at,
        CASE WHEN kinless.so THEN asked.parties ELSE partners_kin_of('party', asked.parties) END AS covering_parties,
        CASE WHEN kinless.so THEN ARRAY[asked.purpose] ELSE partners_kin_of('purpose', ARRAY[asked.purpose]) END
            AS covering_purposes,
        CASE WHEN kinless.so OR c.ref IS NULL THEN ARRAY[c.ref::text]
            ELSE partners_kin_of('campaign', ARRAY[c.ref::text]) END AS covering_campaigns,
        EXISTS (
            SELECT FROM partners_suspension s
            WHERE NOT s.automatic AND (
                s.of = 'campaign' AND s.target_id = c.id
                OR s.of = 'contract' AND s.target_id = c.contract_id
                OR s.of = 'party' AND s.target_id IN (
                    SELECT p.id FROM partners_party p WHERE p.uri = ANY (asked.parties)))
        ) AS ever_suspended,
        EXISTS (
            SELECT FROM partners_jurisdictionrule rule
            WHERE c.purpose = ANY (rule.purposes) OR rule.sale_test AND c.consideration IN ('monetary', 'other')
        ) AS ruled_somewhere
    FROM asked
        CROSS JOIN kinless
        LEFT JOIN (
            partners_campaign c
            JOIN partners_contract k ON k.id = c.contract_id
            JOIN partners_party agg ON agg.id = k.aggregator_id
            JOIN partners_party lbs ON lbs.id = c.lbs_provider_id
        ) ON c.ref = asked.campaign AND agg.uri = asked.aggregator AND asked.parties[1] = asked.aggregator
            AND lbs.uri = ANY (asked.parties) AND c.purpose = asked.purpose AND c.scope = asked.scope
),
plain AS MATERIALIZED (
    SELECT question.qid
    FROM question
        JOIN own ON own.term = question.term
        JOIN accounts_line line ON line.id = question.line_id
    WHERE own.ref IS NOT NULL AND NOT own.ever_suspended AND NOT own.ruled_somewhere
        AND own.contract_starts_at <= question.at AND question.at < own.contract_ends_at
        AND own.starts_at <= question.at AND question.at < own.ends_at
        AND coalesce(question.precision_m, 0) >= own.precision_m
        AND line.activated_at <= question.at AND (line.deactivated_at IS NULL OR question.at < line.deactivated_at)
        AND NOT EXISTS (SELECT FROM consent_choice c WHERE c.line_id = question.line_id)
        AND EXISTS (
            SELECT FROM consent_approval a
            WHERE a.line_id = question.line_id AND a.campaign = own.ref AND a.verified_by = 'carrier'
                AND a.captured_at <= question.at AND a.recorded_at <= question.known_at
                AND (a.expires_at IS NULL OR question.at < a.expires_at) AND <stands>
                AND NOT EXISTS (
                    SELECT FROM accounts_linenumber n
                    WHERE n.line_id = question.line_id AND n.starts_at > line.activated_at
                        AND n.starts_at > a.captured_at AND n.starts_at <= question.at))
),
weighed AS MATERIALIZED (SELECT * FROM question WHERE qid NOT IN (SELECT qid FROM plain))
SELECT plain.qid, 'permitted' AS answer, false AS by_us FROM plain
UNION ALL
SELECT question.qid,
    CASE
        WHEN line.id IS NULL THEN 'line_unknown'
        WHEN suspended.so THEN 'partner_suspended'
        WHEN stop.scope IS NOT NULL THEN 'stopped_' || stop.scope
        WHEN pausing.so THEN 'paused'
        WHEN own.ref IS NULL THEN 'no_approval'
        WHEN NOT (own.contract_starts_at <= question.at AND question.at < own.contract_ends_at)
            THEN 'contract_not_in_force'
        WHEN NOT (own.starts_at <= question.at AND question.at < own.ends_at) THEN 'campaign_not_in_force'
        WHEN prohibited.so THEN 'jurisdiction_prohibits'
        WHEN yes.newest IS NULL AND claimed.so THEN 'approval_unverified'
        WHEN yes.newest IS NULL THEN 'no_approval'
        WHEN NOT alive.so THEN 'approval_expired'
        WHEN coalesce(question.precision_m, 0) < own.precision_m THEN 'precision_exceeded'
        ELSE 'permitted'
    END AS answer, coalesce(stop.all_ours AND NOT pausing.so, false) AS by_us
FROM weighed question
JOIN own ON own.term = question.term
LEFT JOIN accounts_line line ON line.id = question.line_id
    AND line.activated_at <= question.at AND (line.deactivated_at IS NULL OR question.at < line.deactivated_at)
CROSS JOIN LATERAL (
    SELECT own.ever_suspended AND EXISTS (
        SELECT FROM partners_suspension s
        WHERE NOT s.automatic AND s.starts_at <= question.at AND (s.ends_at IS NULL OR question.at < s.ends_at) AND (
            s.of = 'campaign' AND s.target_id = own.id
            OR s.of = 'contract' AND s.target_id = own.contract_id
            OR s.of = 'party' AND s.target_id IN (
                SELECT p.id FROM partners_party p WHERE p.uri = ANY (own.parties)))
    ) AS so
) suspended
CROSS JOIN LATERAL (
    SELECT max(a.at) AS newest, max(a.at) FILTER (WHERE a.origin = 'person') AS newest_person
    FROM (
        SELECT id, made_at AS at, origin FROM consent_choice
        WHERE line_id = question.line_id AND kind = 'allow' AND ref = own.ref
            AND made_at <= question.at AND recorded_at <= question.known_at
        UNION ALL
        SELECT id, captured_at, 'file' FROM consent_approval
        WHERE line_id = question.line_id AND campaign = own.ref AND verified_by = 'carrier'
            AND captured_at <= question.at AND recorded_at <= question.known_at
    ) a
    WHERE <stands>
) yes
LEFT JOIN LATERAL (
    SELECT s.scope, bool_and(s.origin = 'system') OVER () AS all_ours FROM consent_choice s
    WHERE s.line_id = question.line_id AND s.kind IN ('stop', 'refuse')
        AND s.made_at <= question.at AND s.recorded_at <= question.known_at
        AND CASE s.scope WHEN 'all' THEN true WHEN 'party' THEN s.ref = ANY (own.covering_parties)
            WHEN 'purpose' THEN s.ref = ANY (own.covering_purposes) ELSE s.ref = ANY (own.covering_campaigns) END
        AND (CASE s.origin WHEN 'file' THEN yes.newest ELSE yes.newest_person END > s.made_at) IS NOT TRUE
    ORDER BY s.made_at DESC, array_position(ARRAY['campaign', 'purpose', 'party', 'all'], s.scope::text)
    LIMIT 1
) stop ON true
CROSS JOIN LATERAL (
    SELECT EXISTS (
        SELECT FROM consent_choice p
        WHERE p.line_id = question.line_id AND p.kind = 'pause'
            AND p.made_at <= question.at AND question.at < p.until AND p.recorded_at <= question.known_at
            AND CASE p.scope WHEN 'all' THEN true WHEN 'party' THEN p.ref = ANY (own.covering_parties)
                WHEN 'purpose' THEN p.ref = ANY (own.covering_purposes) ELSE p.ref = ANY (own.covering_campaigns) END
            AND (CASE p.origin WHEN 'file' THEN yes.newest ELSE yes.newest_person END > p.made_at) IS NOT TRUE
    ) AS so
) pausing
CROSS JOIN LATERAL (
    SELECT own.ruled_somewhere AND EXISTS (
        SELECT FROM partners_jurisdictionrule rule
        WHERE rule.starts_at <= question.at AND (rule.ends_at IS NULL OR question.at < rule.ends_at)
            AND rule.state = (
                SELECT s.state FROM accounts_linestate s WHERE s.line_id = question.line_id AND s.since <= question.at
                ORDER BY s.since DESC LIMIT 1)
            AND (own.purpose = ANY (rule.purposes)
                OR rule.sale_test AND own.consideration IN ('monetary', 'other')
                    AND rule.consideration IN ('', own.consideration))
            AND (rule.max_radius_m IS NULL OR coalesce(question.precision_m, 0) <= rule.max_radius_m)
    ) AS so
) prohibited
CROSS JOIN LATERAL (
    SELECT EXISTS (
        SELECT FROM consent_approval a
        WHERE a.line_id = question.line_id AND a.campaign = own.ref AND a.verified_by = 'partner'
            AND a.captured_at <= question.at AND a.recorded_at <= question.known_at AND <stands>
    ) AS so
) claimed
CROSS JOIN LATERAL (
    SELECT EXISTS (
        SELECT FROM (
            SELECT id, made_at AS at, until, origin FROM consent_choice
            WHERE line_id = question.line_id AND kind = 'allow' AND ref = own.ref
                AND made_at <= question.at AND recorded_at <= question.known_at
            UNION ALL
            SELECT id, captured_at, expires_at, 'file' FROM consent_approval
            WHERE line_id = question.line_id AND campaign = own.ref AND verified_by = 'carrier'
                AND captured_at <= question.at AND recorded_at <= question.known_at
        ) a
        WHERE (a.until IS NULL OR question.at < a.until) AND <stands>
            AND NOT EXISTS (
                SELECT FROM accounts_linenumber n
                WHERE n.line_id = question.line_id AND n.starts_at > line.activated_at
                    AND n.starts_at > a.at AND n.starts_at <= question.at)
            AND NOT EXISTS (
                SELECT FROM consent_choice s
                WHERE s.line_id = question.line_id
                    AND (s.kind IN ('stop', 'refuse') OR s.kind = 'pause' AND question.at < s.until)
                    AND s.made_at <= question.at AND s.recorded_at <= question.known_at
                    AND CASE s.scope WHEN 'all' THEN true WHEN 'party' THEN s.ref = ANY (own.covering_parties)
                        WHEN 'purpose' THEN s.ref = ANY (own.covering_purposes)
                        ELSE s.ref = ANY (own.covering_campaigns) END
                    AND (s.made_at >= a.at OR s.origin <> 'file' AND a.origin = 'file'))
    ) AS so
) alive
"""
# A yes that was another's counts until that was known. Whether there is any at all is asked once, and looked at one by
# one only if so. It stands where a yes is found and not beside the conditions on a question: there it made the planner
# expect fewer questions than there are, and compare each with each campaign.
JUDGE = JUDGE.replace(
    "<stands>",
    "((SELECT NOT EXISTS (SELECT FROM consent_setaside)) OR NOT EXISTS (SELECT FROM consent_setaside s"
    " WHERE s.line_id = question.line_id AND s.yes_id = a.id AND s.recorded_at <= question.known_at))",
)
# For questions that have nothing in common: each a row of `questions`.
COLUMNS = (
    "qid bigint, line_id bigint, campaign text, aggregator text, parties text[], purpose text, scope text,"
    " precision_m integer, at timestamptz, known_at timestamptz"
)
ANSWER = """
WITH question AS (SELECT qid, line_id, qid AS term, precision_m, at, known_at FROM questions),
    asked AS (SELECT qid AS term, campaign, aggregator, parties, purpose, scope FROM questions)
SELECT qid, answer, by_us FROM (<judge>) judged
""".replace("<judge>", JUDGE)
# A few of them, with no table: a page asks, and to drop one makes the driver forget every plan of its connection.
ANSWER_ASKED = """
WITH questions AS (SELECT * FROM jsonb_to_recordset(%s::jsonb) AS asked (<columns>))
SELECT * FROM (<answer>) answered ORDER BY qid
""".replace("<columns>", COLUMNS).replace("<answer>", ANSWER)


@dataclass(frozen=True)
class PermissionQuestion:
    """One question about a moment. `parties` are URIs, the aggregator first; `precision_m` None counts as 0 m."""

    line_id: int
    campaign: str
    parties: Sequence[str]
    purpose: str
    scope: str
    precision_m: int | None
    at: datetime
    known_at: datetime


def answers_at(*, asked: Sequence[PermissionQuestion]) -> list[str]:
    """Return the answers in order: "permitted", or the first reason why not, in the gate's words."""
    rows = [
        {
            "qid": n, "line_id": q.line_id, "campaign": q.campaign, "aggregator": next(iter(q.parties), ""),
            "parties": list(q.parties), "purpose": q.purpose, "scope": q.scope, "precision_m": q.precision_m,
            "at": q.at, "known_at": q.known_at,
        }
        for n, q in enumerate(asked)
    ]  # fmt: skip
    # Its only value is the list itself, so that a kept plan loses nothing; to make one takes longer than the answer.
    with generic_plans.use_generic_plans(), connection.cursor() as cursor:
        cursor.execute(ANSWER_ASKED, [msgspec.json.encode(rows).decode()])
        return [str(answer) for _, answer, _ in cursor.fetchall()]


def permission_at(
    *,
    line_id: int,
    campaign: str,
    purpose: str,
    parties: Sequence[str],
    precision_m: int | None,
    at: datetime,
    known_at: datetime,
    scope: str = "location-retrieval:read",
) -> str:
    """Return the answer at `at`, knowing what was recorded until `known_at`: "permitted" or a reason.

    `parties`: URIs, the aggregator first; add the campaign's reach to ask as the gate does.
    """
    (answer,) = answers_at(
        asked=[PermissionQuestion(line_id, campaign, parties, purpose, scope, precision_m, at, known_at)]
    )
    return answer
