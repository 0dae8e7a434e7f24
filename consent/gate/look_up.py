"""The gate's statement, written out for one question and for many; and a short form of the first, for nearly all.

Everything is found by primary key or unique index (`tests/consent/test_gate_plan.py`). Moments come as `consent_us`
counts them, written out, because a function would be called each time.
"""

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import NamedTuple

from django.db import DatabaseError

from accounts.primitives.sealing import keyed_hash, number_hash
from consent.gate.execution import Rows, by_cursor, by_libpq
from consent.gate.pipeline import Pipeline
from consent.gate.shapes import Line, Question, Terms, parse_covered_keys


class Caller(NamedTuple):
    """The machine that asks, by its token: the key that signed that, and since when the machine signs in as it did.

    `key_since`: None for our own trial's machines, which nobody lets in.
    """

    client_id: str | None
    kid: str | None
    key_since: str | None


# A page, or a job of our own.
NOBODY = Caller(None, None, None)

type Run = Callable[[bytes, Sequence[object]], Rows]

# One question as its campaign agreed it, with no recipient named: nearly all. It finds nothing for any other. What
# covers it is in the campaign's row (`partners_cover`), and matters only if the line has a stop or a pause. The plan is
# begun in less time: it costs by parts and columns, not by rows, so no column is asked for that isn't needed. A state's
# rule without a radius prohibits more than can be asked for. Each `LIMIT 1` makes the planner use the key instead of
# reading small tables whole.
LOOK_UP_OWN = b"""
SELECT 0, (extract(epoch FROM moment.now) * 1000000)::bigint,
    EXISTS (SELECT FROM partners_client
            WHERE client_id = $1::text AND disabled_at IS NULL AND changed_at IS NOT DISTINCT FROM $10::timestamptz)
        AND EXISTS (SELECT FROM partners_signingkey WHERE kid = $2::text AND retired_at IS NULL),
    EXISTS (SELECT FROM consent_gateopening o WHERE o.server_started = pg_postmaster_start_time()
        AND o.table_oid = o.tableoid::bigint AND o.closed_because = ''
        AND split_part(o.incarnation, '/', 3) = split_part(pg_relation_filepath(o.tableoid), '/', -2)),
    c.ref, c.precision_m, k.epoch, suspended.suspended,
    CASE WHEN g.stops <> '{}' OR g.pauses <> '{}'
        THEN json_build_array(cover.parties, cover.purposes, cover.campaigns)::text END,
    g.line_id, g.version,
    g.active_from <= at.at AND (g.active_until IS NULL OR at.at < g.active_until),
    k.starts_at <= at.at AND at.at < k.in_force_until,
    c.starts_at <= at.at AND at.at < CASE WHEN c.is_draft THEN c.starts_at ELSE c.ends_at END,
    (SELECT max(coalesce(rule.max_radius_m, 4294967296)) FROM partners_jurisdictionrule rule
        WHERE rule.state = g.state
            AND rule.starts_at <= moment.now AND (rule.ends_at IS NULL OR moment.now < rule.ends_at)
            AND (c.purpose = ANY (rule.purposes) OR rule.sale_test AND c.consideration IN ('monetary', 'other')
                AND rule.consideration IN ('', c.consideration))),
    CASE WHEN moment.now < g.newest_at THEN (extract(epoch FROM g.newest_at) * 1000000)::bigint END,
    (extract(epoch FROM g.number_changed_at) * 1000000)::bigint,
    g.stops::text, g.pauses::text, g.approvals ->> c.ref::text, g.claims ? c.ref,
    standing.epoch, standing.version, subject.sub
FROM (SELECT audit_now() AS now OFFSET 0) moment
CROSS JOIN partners_campaign c
CROSS JOIN LATERAL (
    SELECT aggregator_id, epoch, starts_at, CASE WHEN is_draft THEN starts_at ELSE ends_at END AS in_force_until
    FROM partners_contract WHERE id = c.contract_id LIMIT 1) k
CROSS JOIN LATERAL (
    SELECT targets, parties, purposes, campaigns
    FROM partners_cover WHERE campaign_id = c.id AND aggregator = $4::text AND provider = $5::text LIMIT 1) cover
CROSS JOIN LATERAL (SELECT bool_and(s.automatic) AS suspended
    FROM partners_suspension s
    WHERE s.target = ANY (cover.targets)
        AND s.starts_at <= moment.now AND (s.ends_at IS NULL OR moment.now < s.ends_at)) suspended
LEFT JOIN consent_linegate g ON g.line_id = CASE WHEN $9::bytea IS NULL
    THEN (SELECT id FROM accounts_line WHERE carrier_id = $8::text)
    ELSE (SELECT line_id FROM accounts_linenumber WHERE msisdn_hash = $9::bytea
        AND starts_at <= moment.now AND (ends_at IS NULL OR moment.now < ends_at)) END
CROSS JOIN LATERAL (SELECT greatest(moment.now, g.newest_at) AS at) at
LEFT JOIN revocations_standing standing ON standing.line_id = g.line_id AND standing.contract_id = c.contract_id
LEFT JOIN partners_pairwisesubject subject ON subject.line_id = g.line_id AND subject.party_id = k.aggregator_id
WHERE c.ref = $3::text AND c.scope = $7::text AND c.purpose = $6::text
"""
# Any other question. `terms`: what holds for this kind of question. If the request differs from the campaign's own
# details, the campaign is ignored, and so is a recipient that is not one of its own. Linked companies and campaigns are
# looked up only where they add something.
LOOK_UP_ONE = b"""
WITH caller AS (SELECT $1::text AS client_id, $2::text AS kid, $11::timestamptz AS key_since),
asking AS (SELECT 0 AS k, $3::text AS campaign, $4::text AS aggregator, $5::text AS provider, $6::text AS recipient,
    $7::text AS purpose, $8::text AS scope),
asked AS (SELECT 0 AS n, 0 AS k, $9::text AS line, $10::bytea AS number),
moment AS MATERIALIZED (
    SELECT audit_now() AS now,
        EXISTS (SELECT FROM partners_client m JOIN partners_signingkey s ON s.kid = caller.kid
            WHERE m.client_id = caller.client_id AND m.disabled_at IS NULL
                AND m.changed_at IS NOT DISTINCT FROM caller.key_since
                AND s.retired_at IS NULL) AS live,
        EXISTS (SELECT FROM consent_gateopening o WHERE o.server_started = pg_postmaster_start_time()
            AND o.table_oid = o.tableoid::bigint AND o.closed_because = ''
            AND split_part(o.incarnation, '/', 3) = split_part(pg_relation_filepath(o.tableoid), '/', -2)) AS is_open
    FROM caller
),
terms AS (
    SELECT asking.k, moment.now, moment.live, moment.is_open, own.*, suspended.*,
        (SELECT jsonb_object_agg(rule.state, rule.within_m) FROM (
            SELECT rule.state, max(coalesce(rule.max_radius_m, 4294967296)) AS within_m
            FROM partners_jurisdictionrule rule
            WHERE rule.starts_at <= moment.now AND (rule.ends_at IS NULL OR moment.now < rule.ends_at)
                AND (own.purpose = ANY (rule.purposes)
                    OR rule.sale_test AND own.consideration IN ('monetary', 'other')
                        AND rule.consideration IN ('', own.consideration))
            GROUP BY rule.state) rule) AS prohibited_in,
        CASE WHEN own.id IS NULL THEN
                partners_kin_of('party', ARRAY[asking.aggregator, asking.provider, asking.recipient])
            WHEN asking.recipient = '' OR asking.recipient = ANY (own.covering) THEN own.covering
            ELSE own.covering || partners_kin_of('party', ARRAY[asking.recipient]) END AS parties,
        CASE WHEN own.id IS NULL THEN partners_kin_of('purpose', ARRAY[asking.purpose])
            ELSE own.own_purposes END AS purposes
    FROM asking CROSS JOIN moment
    LEFT JOIN LATERAL (
        SELECT c.*, CASE WHEN c.is_draft THEN c.starts_at ELSE c.ends_at END AS in_force_until,
            k.aggregator_id, k.epoch, k.starts_at AS contract_starts_at,
            CASE WHEN k.is_draft THEN k.starts_at ELSE k.ends_at END AS contract_in_force_until,
            cover.campaigns, cover.purposes AS own_purposes,
            CASE WHEN naming.recipient_is_named THEN cover.named_parties ELSE cover.parties END AS covering,
            CASE WHEN naming.recipient_is_named THEN cover.named_targets ELSE cover.targets END AS targets
        FROM partners_campaign c
        CROSS JOIN LATERAL (SELECT * FROM partners_contract WHERE id = c.contract_id LIMIT 1) k
        CROSS JOIN LATERAL (SELECT * FROM partners_cover WHERE campaign_id = c.id LIMIT 1) cover
        CROSS JOIN LATERAL (SELECT c.names_recipient AND asking.recipient = ANY (cover.told_apart)
            AS recipient_is_named) naming
        WHERE c.ref = asking.campaign AND c.scope = asking.scope AND c.purpose = asking.purpose
            AND cover.aggregator = asking.aggregator AND cover.provider = asking.provider
    ) own ON true
    LEFT JOIN LATERAL (
        SELECT bool_and(s.automatic) AS suspended
        FROM partners_suspension s
        WHERE s.target = ANY (CASE WHEN own.id IS NULL THEN
                    partners_targets_of(ARRAY[asking.aggregator, asking.provider, asking.recipient])
                WHEN asking.recipient = '' THEN own.targets
                ELSE own.targets || partners_targets_of(ARRAY[asking.recipient]) END)
            AND s.starts_at <= moment.now AND (s.ends_at IS NULL OR moment.now < s.ends_at)
    ) suspended ON true
)
SELECT asked.n, (extract(epoch FROM terms.now) * 1000000)::bigint, terms.live, terms.is_open, terms.ref,
    terms.precision_m, terms.epoch, terms.suspended,
    CASE WHEN g.stops <> '{}' OR g.pauses <> '{}'
        THEN json_build_array(terms.parties, terms.purposes, terms.campaigns)::text END,
    g.line_id, g.version,
    g.active_from <= at.at AND (g.active_until IS NULL OR at.at < g.active_until),
    terms.contract_starts_at <= at.at AND at.at < terms.contract_in_force_until,
    terms.starts_at <= at.at AND at.at < terms.in_force_until,
    (terms.prohibited_in ->> g.state::text)::bigint,
    CASE WHEN terms.now < g.newest_at THEN (extract(epoch FROM g.newest_at) * 1000000)::bigint END,
    (extract(epoch FROM g.number_changed_at) * 1000000)::bigint,
    g.stops::text, g.pauses::text, g.approvals ->> terms.ref::text, g.claims ? terms.ref,
    standing.epoch, standing.version, subject.sub
FROM (
    SELECT asked.n, asked.k, coalesce(by_number.line_id, by_line.id) AS line_id
    FROM asked CROSS JOIN moment
    LEFT JOIN accounts_linenumber by_number ON by_number.msisdn_hash = asked.number
        AND by_number.starts_at <= moment.now AND (by_number.ends_at IS NULL OR moment.now < by_number.ends_at)
    LEFT JOIN accounts_line by_line ON by_line.carrier_id = asked.line
) asked JOIN terms ON terms.k = asked.k
LEFT JOIN consent_linegate g ON g.line_id = asked.line_id
LEFT JOIN LATERAL (SELECT greatest(terms.now, g.newest_at) AS at) at ON true
LEFT JOIN revocations_standing standing ON standing.line_id = g.line_id AND standing.contract_id = terms.contract_id
LEFT JOIN partners_pairwisesubject subject ON subject.line_id = g.line_id AND subject.party_id = terms.aggregator_id
"""
# The same for many. The numbers of each list come as its text: the driver takes longer over a list of numbers than over
# all the rest. The first question of each kind brings its terms back, once for all lines. Lines are taken in their
# order, because neighbours share index pages.
LOOK_UP_MANY = b"""
WITH caller AS (SELECT $1::text AS client_id, $2::text AS kid, $13::timestamptz AS key_since),
asking AS (SELECT place - 1 AS k, a.* FROM unnest($3::text::int4[], $4::text[], $5::text[], $6::text[], $7::text[],
    $8::text[], $9::text[]) WITH ORDINALITY AS a (first, campaign, aggregator, provider, recipient, purpose, scope,
    place)),
asked AS (SELECT place - 1 AS n, a.* FROM unnest($10::text::int4[], $11::text[], $12::bytea[])
    WITH ORDINALITY AS a (k, line, number, place)),
moment AS MATERIALIZED (
    SELECT audit_now() AS now,
        EXISTS (SELECT FROM partners_client m JOIN partners_signingkey s ON s.kid = caller.kid
            WHERE m.client_id = caller.client_id AND m.disabled_at IS NULL
                AND m.changed_at IS NOT DISTINCT FROM caller.key_since
                AND s.retired_at IS NULL) AS live,
        EXISTS (SELECT FROM consent_gateopening o WHERE o.server_started = pg_postmaster_start_time()
            AND o.table_oid = o.tableoid::bigint AND o.closed_because = ''
            AND split_part(o.incarnation, '/', 3) = split_part(pg_relation_filepath(o.tableoid), '/', -2)) AS is_open
    FROM caller
),
terms AS MATERIALIZED (
    SELECT asking.k, asking.first, moment.now, moment.live, moment.is_open, own.*, suspended.*,
        (SELECT jsonb_object_agg(rule.state, rule.within_m) FROM (
            SELECT rule.state, max(coalesce(rule.max_radius_m, 4294967296)) AS within_m
            FROM partners_jurisdictionrule rule
            WHERE rule.starts_at <= moment.now AND (rule.ends_at IS NULL OR moment.now < rule.ends_at)
                AND (own.purpose = ANY (rule.purposes)
                    OR rule.sale_test AND own.consideration IN ('monetary', 'other')
                        AND rule.consideration IN ('', own.consideration))
            GROUP BY rule.state) rule) AS prohibited_in,
        CASE WHEN own.id IS NULL THEN
                partners_kin_of('party', ARRAY[asking.aggregator, asking.provider, asking.recipient])
            WHEN asking.recipient = '' OR asking.recipient = ANY (own.covering) THEN own.covering
            ELSE own.covering || partners_kin_of('party', ARRAY[asking.recipient]) END AS parties,
        CASE WHEN own.id IS NULL THEN partners_kin_of('purpose', ARRAY[asking.purpose])
            ELSE own.own_purposes END AS purposes
    FROM asking CROSS JOIN moment
    LEFT JOIN LATERAL (
        SELECT c.*, CASE WHEN c.is_draft THEN c.starts_at ELSE c.ends_at END AS in_force_until,
            k.aggregator_id, k.epoch, k.starts_at AS contract_starts_at,
            CASE WHEN k.is_draft THEN k.starts_at ELSE k.ends_at END AS contract_in_force_until,
            cover.campaigns, cover.purposes AS own_purposes,
            CASE WHEN naming.recipient_is_named THEN cover.named_parties ELSE cover.parties END AS covering,
            CASE WHEN naming.recipient_is_named THEN cover.named_targets ELSE cover.targets END AS targets
        FROM partners_campaign c
        CROSS JOIN LATERAL (SELECT * FROM partners_contract WHERE id = c.contract_id LIMIT 1) k
        CROSS JOIN LATERAL (SELECT * FROM partners_cover WHERE campaign_id = c.id LIMIT 1) cover
        CROSS JOIN LATERAL (SELECT c.names_recipient AND asking.recipient = ANY (cover.told_apart)
            AS recipient_is_named) naming
        WHERE c.ref = asking.campaign AND c.scope = asking.scope AND c.purpose = asking.purpose
            AND cover.aggregator = asking.aggregator AND cover.provider = asking.provider
    ) own ON true
    LEFT JOIN LATERAL (
        SELECT bool_and(s.automatic) AS suspended
        FROM partners_suspension s
        WHERE s.target = ANY (CASE WHEN own.id IS NULL THEN
                    partners_targets_of(ARRAY[asking.aggregator, asking.provider, asking.recipient])
                WHEN asking.recipient = '' THEN own.targets
                ELSE own.targets || partners_targets_of(ARRAY[asking.recipient]) END)
            AND s.starts_at <= moment.now AND (s.ends_at IS NULL OR moment.now < s.ends_at)
    ) suspended ON true
)
SELECT asked.n, (extract(epoch FROM told.now) * 1000000)::bigint, told.live, told.is_open, told.ref, told.precision_m,
    told.epoch, told.suspended,
    CASE WHEN told.k IS NOT NULL THEN json_build_array(terms.parties, terms.purposes, terms.campaigns)::text END,
    g.line_id, g.version,
    g.active_from <= at.at AND (g.active_until IS NULL OR at.at < g.active_until),
    terms.contract_starts_at <= at.at AND at.at < terms.contract_in_force_until,
    terms.starts_at <= at.at AND at.at < terms.in_force_until,
    (terms.prohibited_in ->> g.state::text)::bigint,
    CASE WHEN terms.now < g.newest_at THEN (extract(epoch FROM g.newest_at) * 1000000)::bigint END,
    (extract(epoch FROM g.number_changed_at) * 1000000)::bigint,
    g.stops::text, g.pauses::text, g.approvals ->> terms.ref::text, g.claims ? terms.ref,
    standing.epoch, standing.version, subject.sub
FROM (
    SELECT asked.n, asked.k, coalesce(by_number.line_id, by_line.id) AS line_id
    FROM asked CROSS JOIN moment
    LEFT JOIN accounts_linenumber by_number ON by_number.msisdn_hash = asked.number
        AND by_number.starts_at <= moment.now AND (by_number.ends_at IS NULL OR moment.now < by_number.ends_at)
    LEFT JOIN accounts_line by_line ON by_line.carrier_id = asked.line
    ORDER BY line_id
) asked JOIN terms ON terms.k = asked.k LEFT JOIN terms told ON told.first = asked.n
LEFT JOIN consent_linegate g ON g.line_id = asked.line_id
LEFT JOIN LATERAL (SELECT greatest(terms.now, g.newest_at) AS at) at ON true
LEFT JOIN revocations_standing standing ON standing.line_id = g.line_id AND standing.contract_id = terms.contract_id
LEFT JOIN partners_pairwisesubject subject ON subject.line_id = g.line_id AND subject.party_id = terms.aggregator_id
"""


def look_up(*, questions: Sequence[Question]) -> list[tuple[Terms, Line]]:
    """Look up what holds for each question, in order, from one statement and so of one moment."""
    return _look_up_by(by_cursor, questions, NOBODY)


def look_up_for(*, questions: Sequence[Question], caller: Caller) -> list[tuple[Terms, Line]]:
    """Look up what holds for a machine; `Terms.live`: it and the key that signed its token still stand."""
    return _look_up_by(by_libpq, questions, caller)


async def look_up_in(
    *, pipeline: Pipeline, questions: Sequence[Question], caller: Caller, until: float
) -> list[tuple[Terms, Line]]:
    """Look up what holds for a machine on an event loop, by this moment of its clock."""
    if len(questions) != 1:
        askings = _number_askings(questions)
        rows = await pipeline.run(LOOK_UP_MANY, _by(caller, _of_many(questions, askings)), until=until)
        return _parse_rows(rows, askings)
    question, rows = questions[0], []
    if not question.recipient:
        rows = await pipeline.run(LOOK_UP_OWN, _by(caller, _build_own_asking(question)), until=until)
    if not rows:
        rows = await pipeline.run(LOOK_UP_ONE, _by(caller, _of_one(question)), until=until)
    return _parse_rows(rows, [0])


def _look_up_by(run: Run, questions: Sequence[Question], caller: Caller) -> list[tuple[Terms, Line]]:
    if not questions:
        return []
    if len(questions) != 1:
        askings = _number_askings(questions)
        return _parse_rows(run(LOOK_UP_MANY, _by(caller, _of_many(questions, askings))), askings)
    question = questions[0]
    rows = [] if question.recipient else run(LOOK_UP_OWN, _by(caller, _build_own_asking(question)))
    return _parse_rows(rows or run(LOOK_UP_ONE, _by(caller, _of_one(question))), [0])


def _by(caller: Caller, asked: Sequence[object]) -> list[object]:
    return [caller.client_id, caller.kid, *asked, caller.key_since]


def _parse_rows(rows: Rows, askings: Sequence[int]) -> list[tuple[Terms, Line]]:
    """Raises DatabaseError if it says two things of one question, as of a number that is two lines' at once."""
    if len(rows) != len(askings):
        raise DatabaseError(f"{len(rows)} answers to {len(askings)} questions")
    rows = sorted(rows, key=itemgetter(0))  # the database answers in the order of lines
    terms = [Terms(*(*row[1:8], parse_covered_keys(row[8]))) for row in rows if row[1] is not None]
    return [(terms[asking], Line(*row[9:])) for asking, row in zip(askings, rows, strict=True)]


def _number_askings(questions: Sequence[Question]) -> list[int]:
    """For each question which of the different askings it belongs to, numbered as they first appear."""
    numbers: dict[tuple[str, ...], int] = {}
    return [numbers.setdefault(_asking(question), len(numbers)) for question in questions]


def _asking(question: Question) -> tuple[str, ...]:
    return (
        question.campaign,
        question.aggregator,
        question.provider,
        question.recipient,
        question.purpose,
        question.scope,
    )


def _build_own_asking(question: Question) -> list[object]:
    return [
        question.campaign,
        question.aggregator,
        question.provider,
        question.purpose,
        question.scope,
        *_line_of(question),
    ]


def _of_one(question: Question) -> list[object]:
    return [*_asking(question), *_line_of(question)]


def _line_of(question: Question) -> tuple[str | None, bytes | None]:
    return question.line, None if question.msisdn is None else number_hash(question.msisdn)


def _of_many(questions: Sequence[Question], askings: Sequence[int]) -> list[object]:
    """The columns of both tables; the first question of each asking brings its terms back."""
    firsts = _list_first_places(askings)
    different = [_asking(questions[place]) for place in firsts]
    hashed = keyed_hash("number-hash")
    return [
        _as_text(firsts),
        *(list(column) for column in zip(*different, strict=True)),
        _as_text(askings),
        [question.line for question in questions],
        [None if question.msisdn is None else hashed(question.msisdn.encode()) for question in questions],
    ]


def _as_text(numbers: Sequence[int]) -> str:
    return "{" + ",".join(map(str, numbers)) + "}"


def _list_first_places(askings: Sequence[int]) -> list[int]:
    """Where each asking appears first."""
    places: dict[int, int] = {}
    for place, asking in enumerate(askings):
        places.setdefault(asking, place)
    return list(places.values())
