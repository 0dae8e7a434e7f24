"""What is looked at again, and one statement for each kind of anomaly that finds all of it there is.

What is found of a line and month (of a company and day, of a partner and month) is a function of the visible rows, of
how they are and were judged, and of the rule: it is found anew as a whole whenever something it rests on came, was
judged again, hidden or shown. So neither the order in which rows come nor how often this runs makes a difference. Only
how far back the ledger reaches, by which a line was quiet, is asked when it is looked at. Of a kind that is switched
off the last rule that was on says so, and what was recorded after `off_at` counts to nothing: it may only take away.

Rows are read first, one range of an index for each line and month that is due, and joined with what is local after
that. What was released for an emergency, by a lawful order or to run the network never asked, and is never an anomaly.
"""

from disclosures.queries.visible import CLAIMED_LATER, HIDING, SHOWN
from disclosures.queries.visible import LOOK_UP as ANY_LOOK_UP

# `besides`: what is about to be taken out of its line. `off_at`: of a kind that is on, never.
LOOK_UP = f"d.recorded_at <= %(off_at)s::timestamptz AND {ANY_LOOK_UP} AND NOT d.id = ANY (%(besides)s::uuid[])"

# The planner may hold a few lines to be so many that it merges them with whole months.
TABLES = """
CREATE TEMPORARY TABLE touched (line_id bigint, occurred_at timestamptz, path varchar[]) ON COMMIT DROP;
CREATE TEMPORARY TABLE due (kind text, line_id bigint, party varchar, period date) ON COMMIT DROP;
CREATE TEMPORARY TABLE woken (line_id bigint, period date, at timestamptz) ON COMMIT DROP;
CREATE TEMPORARY TABLE found (kind text, rule_id bigint, line_id bigint, party varchar, recipient varchar, period date,
    first_at timestamptz, last_at timestamptz, newest_at timestamptz, n bigint, looks bigint, out_of bigint)
    ON COMMIT DROP;
SELECT disclosures_plan_anew();
SET LOCAL enable_mergejoin = off;
"""
DROP_TABLES = "DROP TABLE touched, due, woken, found, gone; SET LOCAL enable_mergejoin TO DEFAULT"
# All that a look goes by, where nobody looked before.
FIRST_RECORDED = """
SELECT least(%(at)s,
    (SELECT min(recorded_at) FROM disclosures_disclosure WHERE recorded_at > %(since)s),
    (SELECT min(changed_at) FROM disclosures_judgementchange WHERE changed_at > %(since)s),
    (SELECT min(recorded_at) FROM disclosures_delayednotice WHERE recorded_at > %(since)s),
    (SELECT min(suppressed_until) FROM disclosures_delayednotice WHERE suppressed_until > %(since)s),
    (SELECT min(recorded_at) FROM consent_approval WHERE recorded_at > %(since)s),
    (SELECT min(recorded_at) FROM consent_choice WHERE recorded_at > %(since)s),
    (SELECT min(recorded_at) FROM consent_setaside WHERE recorded_at > %(since)s))
"""
# Hidden rows too: that they are hidden may be what changed. But not a row that came hidden, as long as it is: it was
# never part of anything, and nothing is looked for where it lies.
NEVER_SEEN = f"""EXISTS (
    SELECT FROM disclosures_concealeddisclosure c WHERE c.line_id = d.line_id AND c.id = d.id) AND NOT {SHOWN}"""
TOUCHED = """
INSERT INTO touched (line_id, occurred_at, path)
WITH said AS MATERIALIZED (
    SELECT disclosure_id FROM disclosures_judgementchange WHERE changed_at > %(since)s AND changed_at <= %(until)s
    UNION
    SELECT disclosure_id FROM disclosures_delayednotice WHERE recorded_at > %(since)s AND recorded_at <= %(until)s
    UNION
    SELECT disclosure_id FROM disclosures_delayednotice
    WHERE suppressed_until > %(since)s AND suppressed_until <= %(until)s
), known AS MATERIALIZED (
    SELECT known.line_id, known.occurred_at, known.id
    FROM said JOIN disclosures_disclosureregister known ON known.id = said.disclosure_id
)
SELECT d.line_id, d.occurred_at, d.path FROM disclosures_disclosure d
WHERE d.recorded_at > %(since)s AND d.recorded_at <= %(until)s AND d.basis = 'approval' AND d.outcome = 'released'
    AND NOT (<never-seen>)
UNION
SELECT d.line_id, d.occurred_at, d.path
FROM known JOIN disclosures_disclosure d
    ON d.line_id = known.line_id AND d.occurred_at = known.occurred_at AND d.id = known.id
WHERE d.basis = 'approval' AND d.outcome = 'released' AND NOT (<never-seen>)
""".replace("<never-seen>", NEVER_SEEN)
TOUCHED_BY_ID = """
INSERT INTO touched (line_id, occurred_at, path)
WITH known AS MATERIALIZED (
    SELECT line_id, occurred_at, id FROM disclosures_disclosureregister WHERE id = ANY (%(ids)s::uuid[])
)
SELECT d.line_id, d.occurred_at, d.path
FROM known JOIN disclosures_disclosure d
    ON d.line_id = known.line_id AND d.occurred_at = known.occurred_at AND d.id = known.id
WHERE d.basis = 'approval' AND d.outcome = 'released'
"""
# Of rows that are their line's no longer.
TOUCHED_WHERE = """
INSERT INTO touched (line_id, occurred_at, path)
SELECT line_id, occurred_at, ARRAY(SELECT jsonb_array_elements_text(path))
FROM jsonb_to_recordset(%(rows)s::jsonb) AS was (line_id bigint, occurred_at timestamptz, path jsonb)
"""
# Whether any of these rows lies where an anomaly of its line, or of an end customer, was found.
PART_OF = """
WITH known AS MATERIALIZED (
    SELECT line_id, occurred_at FROM disclosures_disclosureregister WHERE id = ANY (%(ids)s::uuid[])
)
SELECT EXISTS (
    SELECT 1 FROM known JOIN disclosures_anomaly a
        ON a.line_id = known.line_id AND known.occurred_at BETWEEN a.first_at AND a.newest_at
    UNION ALL
    SELECT 1 FROM known JOIN disclosures_anomaly a
        ON a.kind = 'many_lines' AND a.period BETWEEN (known.occurred_at AT TIME ZONE 'UTC')::date
            AND (known.occurred_at AT TIME ZONE 'UTC')::date + 31)
"""

# A row counts in every window that ends up to the window's length after it.
DUE_BY_MONTH = """
INSERT INTO due (kind, line_id, period)
SELECT DISTINCT %(kind)s, t.line_id, month::date
FROM touched t CROSS JOIN LATERAL generate_series(
    date_trunc('month', (t.occurred_at - %(before)s::interval) AT TIME ZONE 'UTC'),
    date_trunc('month', (t.occurred_at + %(after)s::interval) AT TIME ZONE 'UTC'), interval '1 month') AS month
"""
# The fullest window of a month, the earliest of equals.
BY_MOMENT = """
INSERT INTO found (kind, rule_id, line_id, party, recipient, period, first_at, last_at, newest_at, n, looks)
WITH range AS MATERIALIZED (
    SELECT line_id, period, period::timestamp AT TIME ZONE 'UTC' - %(window)s::interval AS starts,
        (period + interval '1 month') AT TIME ZONE 'UTC' AS ends
    FROM due WHERE kind = %(kind)s
), d AS MATERIALIZED (
    SELECT range.line_id, range.period, d.occurred_at, disclosures_company(d.path) AS party
    FROM range JOIN disclosures_disclosure d
        ON d.line_id = range.line_id AND d.occurred_at >= range.starts AND d.occurred_at < range.ends
    WHERE (%(judgement)s = '' OR d.judgement = %(judgement)s OR %(judgement)s = 'no_approval' AND <claimed-later>)
        AND <look-up>
)
SELECT DISTINCT ON (line_id, party, period) %(kind)s, %(rule)s, line_id, party, '', period, first_at, occurred_at,
    max(occurred_at) OVER (PARTITION BY line_id, party, period), n, n
FROM (
    SELECT line_id, period, party, occurred_at, count(*) OVER fullest AS n, min(occurred_at) OVER fullest AS first_at
    FROM d
    WINDOW fullest AS (
        PARTITION BY line_id, period, party ORDER BY occurred_at
        RANGE BETWEEN %(window)s::interval PRECEDING AND CURRENT ROW)
) counted
WHERE n >= %(threshold)s AND occurred_at >= period::timestamp AT TIME ZONE 'UTC'
ORDER BY line_id, party, period, n DESC, occurred_at
""".replace("<look-up>", LOOK_UP).replace("<claimed-later>", CLAIMED_LATER)
# A night is called by the day on which it begins, and both are by the clock of the state that the line was in then.
BY_NIGHT = """
INSERT INTO found (kind, rule_id, line_id, party, recipient, period, first_at, last_at, newest_at, n, looks)
WITH range AS MATERIALIZED (
    SELECT line_id, period, period::timestamp AT TIME ZONE 'UTC' - %(window)s::interval - interval '1 day' AS starts,
        (period + interval '1 month 1 day') AT TIME ZONE 'UTC' AS ends
    FROM due WHERE kind = %(kind)s
), d AS MATERIALIZED (
    SELECT range.line_id, range.period, d.occurred_at, disclosures_company(d.path) AS party
    FROM range JOIN disclosures_disclosure d
        ON d.line_id = range.line_id AND d.occurred_at >= range.starts AND d.occurred_at < range.ends
    WHERE <look-up>
), slept AS (
    SELECT d.line_id, d.period, d.party, of.night, count(*) AS looks, min(d.occurred_at) AS first_at,
        max(d.occurred_at) AS last_at
    FROM d
        CROSS JOIN LATERAL (
            SELECT coalesce((
                SELECT s.state FROM accounts_linestate s WHERE s.line_id = d.line_id AND s.since <= d.occurred_at
                ORDER BY s.since DESC LIMIT 1), (SELECT state FROM accounts_line WHERE id = d.line_id)) AS state
        ) lived
        LEFT JOIN unnest(%(states)s::text[], %(zones)s::text[]) AS known (state, zone) ON known.state = lived.state
        CROSS JOIN LATERAL (SELECT d.occurred_at AT TIME ZONE coalesce(known.zone, 'UTC') AS at) clock
        CROSS JOIN LATERAL (SELECT (clock.at - interval '6 hours')::date AS night) of
    WHERE (clock.at::time >= '22:00' OR clock.at::time < '06:00')
    GROUP BY 1, 2, 3, 4
), counted AS (
    SELECT line_id, period, party, night, count(*) OVER fullest AS n, sum(looks) OVER fullest AS looks,
        min(first_at) OVER fullest AS first_at, max(last_at) OVER fullest AS last_at
    FROM slept
    WINDOW fullest AS (
        PARTITION BY line_id, period, party ORDER BY night
        RANGE BETWEEN %(window)s::interval - interval '1 day' PRECEDING AND CURRENT ROW)
)
SELECT DISTINCT ON (line_id, party, period) %(kind)s, %(rule)s, line_id, party, '', period, first_at, last_at,
    max(last_at) OVER (PARTITION BY line_id, party, period), n, looks
FROM counted
WHERE n >= %(threshold)s AND night >= period AND night < period + interval '1 month'
ORDER BY line_id, party, period, n DESC, night
""".replace("<look-up>", LOOK_UP)

# A row may wake a line, may be of the day on which it was woken, and may be why a later one woke nobody.
DUE_AFTER_QUIET = """
INSERT INTO due (kind, line_id, period)
SELECT DISTINCT %(kind)s, t.line_id, date_trunc('month', moment.at AT TIME ZONE 'UTC')::date
FROM touched t CROSS JOIN LATERAL (
    SELECT t.occurred_at AS at
    UNION ALL SELECT t.occurred_at - interval '1 day'
    UNION ALL SELECT disclosures_next_look_up(t.line_id, t.occurred_at,
        t.occurred_at + %(window)s::interval + interval '1 microsecond', %(at)s, %(besides)s::uuid[])
) moment
WHERE moment.at IS NOT NULL
"""
# Of a month only its first look-up can end a quiet of at least 31 days. Where the ledger does not reach back so far,
# nobody knows whether it was quiet.
WOKEN = """
INSERT INTO woken (line_id, period, at)
SELECT due.line_id, due.period, first.at
FROM due
    JOIN accounts_line line ON line.id = due.line_id
    CROSS JOIN LATERAL disclosures_next_look_up(
        due.line_id, due.period::timestamp AT TIME ZONE 'UTC' - interval '1 microsecond',
        (due.period + interval '1 month') AT TIME ZONE 'UTC', %(at)s, %(besides)s::uuid[]) AS first (at)
WHERE due.kind = %(kind)s AND line.activated_at <= first.at - %(window)s::interval
    AND (SELECT disclosures_kept_from()) <= first.at - %(window)s::interval
    AND disclosures_next_look_up(
        due.line_id, first.at - %(window)s::interval, first.at, %(at)s, %(besides)s::uuid[]) IS NULL;
ANALYZE woken
"""
AFTER_QUIET = """
INSERT INTO found (kind, rule_id, line_id, party, recipient, period, first_at, last_at, newest_at, n, looks)
SELECT %(kind)s, %(rule)s, woken.line_id, disclosures_company(d.path), '', woken.period, min(d.occurred_at),
    max(d.occurred_at), max(d.occurred_at), count(*), count(*)
FROM woken JOIN disclosures_disclosure d
    ON d.line_id = woken.line_id AND d.occurred_at >= woken.at AND d.occurred_at < woken.at + interval '1 day'
WHERE <look-up>
GROUP BY woken.line_id, woken.period, disclosures_company(d.path)
HAVING count(*) >= %(threshold)s
""".replace("<look-up>", LOOK_UP)

# End customers stand in a path from its third place on, behind the location service.
DUE_BY_DAY = """
INSERT INTO due (kind, party, period)
SELECT DISTINCT %(kind)s, hop.uri, day::date
FROM touched t CROSS JOIN LATERAL unnest(t.path[3:]) AS hop (uri)
    CROSS JOIN LATERAL generate_series(
        date_trunc('day', t.occurred_at AT TIME ZONE 'UTC'),
        date_trunc('day', t.occurred_at AT TIME ZONE 'UTC') + %(window)s::interval - interval '1 day', interval '1 day'
    ) AS day
WHERE hop.uri <> 'unknown'
"""
ACROSS_LINES = """
INSERT INTO found (kind, rule_id, line_id, party, recipient, period, first_at, last_at, newest_at, n, looks)
WITH span AS MATERIALIZED (
    SELECT DISTINCT day::date AS day, day AT TIME ZONE 'UTC' AS starts,
        (day + interval '1 day') AT TIME ZONE 'UTC' AS ends
    FROM due CROSS JOIN LATERAL generate_series(
        due.period - %(window)s::interval + interval '1 day', due.period, interval '1 day') AS day
    WHERE due.kind = %(kind)s
), d AS MATERIALIZED (
    SELECT span.day, d.line_id, d.occurred_at, d.path
    FROM span JOIN disclosures_disclosure d ON d.occurred_at >= span.starts AND d.occurred_at < span.ends
    WHERE cardinality(d.path) > 2 AND <look-up>
), seen AS MATERIALIZED (
    SELECT hop.uri, d.day, d.line_id, count(*) AS looks, min(d.occurred_at) AS first_at, max(d.occurred_at) AS last_at
    FROM d CROSS JOIN LATERAL (SELECT DISTINCT unnest(d.path[3:]) AS uri) hop
    WHERE hop.uri IN (SELECT due.party FROM due WHERE due.kind = %(kind)s)
    GROUP BY 1, 2, 3
)
SELECT %(kind)s, %(rule)s, NULL, due.party, due.party, due.period, min(seen.first_at), max(seen.last_at),
    max(seen.last_at), count(DISTINCT seen.line_id), sum(seen.looks)
FROM due JOIN seen ON seen.uri = due.party AND seen.day > due.period - %(window)s::interval AND seen.day <= due.period
WHERE due.kind = %(kind)s
GROUP BY due.party, due.period
HAVING count(DISTINCT seen.line_id) >= %(threshold)s
""".replace("<look-up>", LOOK_UP)

DUE_BY_CLAIM = """
INSERT INTO due (kind, party, period)
SELECT DISTINCT %(kind)s, partner.uri, month::date
FROM (
    SELECT a.campaign, a.recorded_at FROM consent_approval a
    WHERE a.recorded_at > %(since)s AND a.recorded_at <= %(until)s AND a.verified_by = 'partner'
    UNION
    SELECT a.campaign, a.recorded_at
    FROM consent_choice c JOIN consent_approval a ON a.line_id = c.line_id AND a.verified_by = 'partner'
    WHERE c.reason = 'never_agreed' AND c.recorded_at > %(since)s AND c.recorded_at <= %(until)s
    UNION
    SELECT a.campaign, a.recorded_at
    FROM consent_setaside s JOIN consent_approval a ON a.line_id = s.line_id AND a.id = s.yes_id
    WHERE s.recorded_at > %(since)s AND s.recorded_at <= %(until)s AND a.verified_by = 'partner'
) claimed
    JOIN partners_campaign k ON k.ref = claimed.campaign
    JOIN partners_contract contract ON contract.id = k.contract_id
    JOIN partners_party partner ON partner.id = contract.aggregator_id
    CROSS JOIN LATERAL generate_series(
        date_trunc('month', claimed.recorded_at AT TIME ZONE 'UTC'),
        date_trunc('month', claimed.recorded_at AT TIME ZONE 'UTC') + (%(window)s - 1) * interval '1 month',
        interval '1 month') AS month
WHERE month <= %(at)s::timestamptz AT TIME ZONE 'UTC'
"""
# "I never agreed" to a use that the partner had claimed, or to a company of it.
BY_CLAIM = """
WITH disputed AS MATERIALIZED (
    SELECT a.line_id, a.id, min(c.made_at) AS at
    FROM consent_choice c
        JOIN consent_approval a ON a.line_id = c.line_id AND a.verified_by = 'partner' AND a.captured_at < c.made_at
        JOIN partners_campaign k ON k.ref = a.campaign
        JOIN partners_cover v ON v.campaign_id = k.id
    WHERE c.reason = 'never_agreed' AND c.recorded_at <= %(off_at)s::timestamptz
        AND NOT EXISTS (SELECT FROM consent_setaside x WHERE x.line_id = a.line_id AND x.yes_id = a.id)
        AND (c.scope = 'campaign' AND c.ref = ANY (v.campaigns) OR c.scope = 'party' AND c.ref = ANY (v.parties))
    GROUP BY a.line_id, a.id
)
INSERT INTO found (kind, rule_id, line_id, party, recipient, period, first_at, last_at, newest_at, n, looks, out_of)
SELECT %(kind)s, %(rule)s, NULL, due.party, '', due.period, min(disputed.at), max(disputed.at), max(disputed.at),
    count(disputed.at), count(disputed.at), count(*)
FROM due
    JOIN partners_party partner ON partner.uri = due.party
    JOIN partners_contract contract ON contract.aggregator_id = partner.id
    JOIN partners_campaign k ON k.contract_id = contract.id
    JOIN consent_approval a ON a.campaign = k.ref AND a.verified_by = 'partner'
        AND a.recorded_at >= (due.period - (%(window)s - 1) * interval '1 month') AT TIME ZONE 'UTC'
        AND a.recorded_at < (due.period + interval '1 month') AT TIME ZONE 'UTC'
    LEFT JOIN disputed ON disputed.line_id = a.line_id AND disputed.id = a.id
WHERE due.kind = %(kind)s
    AND NOT EXISTS (SELECT FROM consent_setaside x WHERE x.line_id = a.line_id AND x.yes_id = a.id)
GROUP BY due.party, due.period
HAVING count(disputed.at) * 1000 > %(threshold)s * count(*)
"""

# What was found by a wider window than the rule has now rests on rows from which none of its windows reaches so far.
DUE_AS_FOUND = """
INSERT INTO due (kind, line_id, party, period)
SELECT a.kind, a.line_id, NULL, a.period
FROM touched t
    JOIN disclosures_anomaly a ON a.line_id = t.line_id AND t.occurred_at >= a.first_at AND t.occurred_at <= a.newest_at
WHERE a.kind = ANY (%(kinds)s::text[])
UNION
SELECT a.kind, NULL, a.party, a.period
FROM touched t CROSS JOIN LATERAL unnest(t.path[3:]) AS hop (uri)
    JOIN disclosures_anomaly a ON a.kind = 'many_lines' AND a.party = hop.uri
        AND t.occurred_at >= a.first_at AND t.occurred_at <= a.newest_at
WHERE a.kind = ANY (%(kinds)s::text[])
EXCEPT
SELECT kind, line_id, party, period FROM due
"""
# A rule that is off finds nothing: what it found is found again as far as it is still so.
NOTHING_NEW = """
DELETE FROM found f WHERE f.kind = ANY (%(off)s::text[]) AND NOT EXISTS (
    SELECT FROM disclosures_anomaly a
    WHERE a.kind = f.kind AND a.party = f.party AND a.period = f.period AND a.line_id IS NOT DISTINCT FROM f.line_id
        AND a.cleared_at IS NULL)
"""
# What stood and is not found again. Where one of its rows is hidden now it goes as if it had never been, even if it was
# no longer so before.
GONE = """
CREATE TEMPORARY TABLE gone ON COMMIT DROP AS
WITH missing AS MATERIALIZED (
    SELECT a.* FROM due JOIN disclosures_anomaly a
        ON a.line_id = due.line_id AND a.kind = due.kind AND a.period = due.period
    UNION
    SELECT a.* FROM due JOIN disclosures_anomaly a
        ON a.kind = due.kind AND a.party = due.party AND a.period = due.period AND a.line_id IS NULL
), known AS MATERIALIZED (
    SELECT a.id, d.line_id, d.id AS disclosure_id, d.occurred_at FROM missing a
        JOIN disclosures_delayednotice n ON n.line_id = a.line_id
        JOIN disclosures_disclosure d ON d.line_id = n.line_id AND d.id = n.disclosure_id
            AND d.occurred_at >= a.first_at AND d.occurred_at <= a.newest_at
    WHERE disclosures_company(d.path) = a.party AND <hides>
    UNION
    SELECT a.id, d.line_id, d.id, d.occurred_at FROM (SELECT * FROM missing WHERE line_id IS NULL) a
        JOIN disclosures_delayednotice n ON true
        JOIN disclosures_disclosure d ON d.line_id = n.line_id AND d.id = n.disclosure_id
            AND d.occurred_at >= a.first_at AND d.occurred_at <= a.newest_at
    WHERE a.recipient = ANY (d.path[3:]) AND <hides>
)
SELECT a.id, a.kind, a.party, a.period, known.disclosure_id IS NOT NULL AS hidden, known.line_id, known.disclosure_id,
    known.occurred_at
FROM missing a LEFT JOIN known ON known.id = a.id
WHERE (a.cleared_at IS NULL OR known.id IS NOT NULL) AND NOT EXISTS (
    SELECT FROM found f
    WHERE f.kind = a.kind AND f.party = a.party AND f.period = a.period AND f.line_id IS NOT DISTINCT FROM a.line_id)
""".replace("<hides>", HIDING)
FORGET = "DELETE FROM disclosures_anomaly WHERE id IN (SELECT id FROM gone WHERE hidden)"
CLEAR = "UPDATE disclosures_anomaly SET cleared_at = %(at)s WHERE id IN (SELECT id FROM gone WHERE NOT hidden)"
KEEP = """
INSERT INTO disclosures_anomaly AS known (kind, line_id, party, recipient, period, first_at, last_at, newest_at, n,
    looks, out_of, rule_id, found_at, changed_at, grown_at, consequence)
SELECT kind, line_id, party, recipient, period, first_at, last_at, newest_at, n, looks, out_of, rule_id, %(at)s,
    %(at)s, %(at)s, ''
FROM found ORDER BY kind, party, period, line_id
ON CONFLICT ON CONSTRAINT disclosures_anomaly_once DO UPDATE
SET first_at = excluded.first_at, last_at = excluded.last_at, newest_at = excluded.newest_at, n = excluded.n,
    looks = excluded.looks, out_of = excluded.out_of, rule_id = excluded.rule_id, changed_at = excluded.changed_at,
    cleared_at = NULL,
    found_at = CASE WHEN known.cleared_at IS NULL THEN known.found_at ELSE excluded.found_at END,
    grown_at = CASE WHEN known.cleared_at IS NULL AND excluded.newest_at <= known.newest_at AND excluded.n <= known.n
        AND excluded.looks <= known.looks THEN known.grown_at ELSE excluded.grown_at END,
    consequence = CASE WHEN known.cleared_at IS NULL AND excluded.newest_at <= known.newest_at THEN known.consequence
        ELSE '' END
WHERE (known.first_at, known.last_at, known.newest_at, known.n, known.looks, known.out_of, known.rule_id,
        known.cleared_at)
    IS DISTINCT FROM (excluded.first_at, excluded.last_at, excluded.newest_at, excluded.n, excluded.looks,
        excluded.out_of, excluded.rule_id, NULL::timestamptz)
"""
# Of each kind, company and year that something was found of or is gone from: how many stand, and when one last grew.
STANDING = """
SELECT key.kind, key.party, to_char(key.year, 'YYYY'), stands.n, stands.grown_at
FROM (
    SELECT kind, party, date_trunc('year', period)::date AS year FROM found
    UNION SELECT kind, party, date_trunc('year', period)::date FROM gone
) key
    CROSS JOIN LATERAL (
        SELECT count(*) AS n, max(a.grown_at) AS grown_at FROM disclosures_anomaly a
        WHERE a.kind = key.kind AND a.party = key.party AND a.period >= key.year
            AND a.period < key.year + interval '1 year' AND a.cleared_at IS NULL
    ) stands
ORDER BY 1, 2, 3
"""
# The hidden rows of what an order took away, where it was the last of its incident: by which that is hidden itself.
LAST_HIDDEN = """
SELECT DISTINCT gone.kind, gone.party, to_char(gone.period, 'YYYY'), gone.line_id, gone.disclosure_id, gone.occurred_at
FROM gone
WHERE gone.hidden AND NOT EXISTS (
    SELECT FROM disclosures_anomaly a
    WHERE a.kind = gone.kind AND a.party = gone.party AND a.period >= date_trunc('year', gone.period)
        AND a.period < date_trunc('year', gone.period) + interval '1 year')
ORDER BY 1, 2, 3, 4, 5
"""
