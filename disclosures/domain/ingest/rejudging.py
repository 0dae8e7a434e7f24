"""Judge what was released against the ledger as of its moment; judge again when more becomes known."""

import logging
from collections.abc import Collection, Iterable, Mapping
from itertools import batched

from django.db import connection, transaction

from consent.actions.system_stops import enqueue_orders_for_newly_affected
from consent.queries.permission import ANSWER, COLUMNS
from disclosures.domain.ingest import chunks, paths
from revocations.queries.coverage import find_uncovered_orders

logger = logging.getLogger(__name__)
BATCH = 500
OF_RELEASES = "disclosure_id uuid, was text, term integer"
# For so many at once it is waited until the chunks are over that may have seen nothing of what touched them.
MANY = 20 * BATCH
# A chunk takes seconds. Whoever holds one for longer has stopped in its midst, and nobody can say for how long.
A_CHUNK_TAKES = "60s"

# In the words of a judgement: any stop or running pause is `after_stop`, but where ours alone stands, which the person
# never said.
IN_WORDS = """CASE WHEN answer LIKE 'stopped%%' AND by_us THEN 'partner_suspended'
    WHEN answer LIKE 'stopped%%' OR answer = 'paused' THEN 'after_stop'
    WHEN answer = 'line_unknown' THEN 'no_approval' ELSE answer END"""
TAKE = """
WITH taken AS (
    DELETE FROM consent_touched WHERE id = ANY (%s) RETURNING line_id, since
)
INSERT INTO touched SELECT line_id, min(since) FROM taken GROUP BY line_id
"""
# Rows of 1.0 say themselves what others have a term for, until they are given theirs.
CONVERT = "SELECT disclosures_convert(array_agg(line_id), min(since)) FROM touched"
# By all that is on record: a row is written a moment after the newest of its line, which may be ahead of a clock.
QUESTIONS = """
INSERT INTO questions (qid, line_id, campaign, aggregator, parties, purpose, scope, precision_m, at, known_at,
    disclosure_id, was, term)
WITH d AS MATERIALIZED (
    SELECT d.* FROM touched
        JOIN disclosures_disclosure d ON d.line_id = touched.line_id AND d.occurred_at >= touched.since
    WHERE d.basis = 'approval' AND d.outcome = 'released'
)
SELECT row_number() OVER (), d.line_id, d.campaign, d.aggregator,
    <parties>,
    d.purpose, d.scope, d.precision_m, d.occurred_at, 'infinity', d.id, d.judgement, d.term
FROM d
""".replace("<parties>", paths.JUDGED_BY)
# Terms in the order in which the import puts them: two that put the same new terms wait for each other.
CHANGED = """
CREATE TEMPORARY TABLE changed ON COMMIT DROP AS
SELECT questions.line_id, questions.at, questions.disclosure_id, questions.was, questions.term, judged.becomes
FROM questions JOIN (SELECT qid, <words> AS becomes FROM (<answer>) answered) judged ON judged.qid = questions.qid
WHERE judged.becomes <> questions.was
""".replace("<words>", IN_WORDS).replace("<answer>", ANSWER)
CHANGE = """
INSERT INTO disclosures_judgementchange (line_id, disclosure_id, changed_at, was, becomes, cause)
SELECT line_id, disclosure_id, clock_timestamp(), was, becomes, %s FROM changed;
CREATE TEMPORARY TABLE put ON COMMIT DROP AS
SELECT term, becomes, disclosures_judged_term(term, becomes) AS id
FROM (
    SELECT named.term, named.becomes FROM (SELECT DISTINCT term, becomes FROM changed) named
        JOIN disclosures_term t ON t.id = named.term
    ORDER BY t.aggregator, t.path, t.campaign, t.purpose, t.scope, t.basis, t.outcome, t.path_completed,
        t.basis_doubtful, named.becomes
    OFFSET 0
) in_order;
UPDATE disclosures_release d SET term = put.id
FROM changed JOIN put ON put.term = changed.term AND put.becomes = changed.becomes
WHERE d.line_id = changed.line_id AND d.occurred_at = changed.at AND d.id = changed.disclosure_id;
SELECT disclosures_note_days(array_agg(line_id), array_agg(at)) FROM changed;
DROP TABLE put
"""
# Stops and running pauses with an affected partner that got no order, or only one without actions: it may have received
# something before the approval because of which nothing was asked. Line by line, by the index: without statistics, as
# in a first import, the planner would read the whole ledger for each batch.
UNTOLD = """
SELECT asked.line_id FROM unnest(%s::bigint[]) AS asked (line_id)
CROSS JOIN LATERAL (
    SELECT FROM consent_choice c
    WHERE c.line_id = asked.line_id
        AND (c.kind IN ('stop', 'refuse') OR c.kind = 'pause' AND c.until > audit_now())
        AND EXISTS (
            SELECT contract_id FROM consent_affected(c.line_id, c.scope, c.ref) AS affected (contract_id)
            EXCEPT SELECT t.contract_id FROM consent_choiceorder t
                JOIN revocations_order o ON o.line_id = t.line_id AND o.id = t.order_id
                    AND o.snapshot->'required_actions' <> '[]'
            WHERE t.line_id = c.line_id AND t.choice_id = c.id)
    LIMIT 1
) untold
ORDER BY asked.line_id
"""
# One at a time: two that judge one line at once could each note a change that the other has made.
ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtext('disclosures.rejudge'))"


def rejudge(*, cause: str) -> int:
    """Judge again everything of the lines that were touched, from the moment on. Returns how many judgements changed.

    Chunks that were being taken in when that was committed are waited for: their rows are judged again like all others.
    Call outside a transaction.
    """
    changed = 0
    broken = set[int]()
    while touched := _list_rejudge_queue(besides=broken):
        if not chunks.wait_for_chunks(at_most=A_CHUNK_TAKES):
            logger.error("a chunk of disclosures has not come to its end: what was touched is left for the next run")
            break
        changed += _in_batches(touched, cause, broken)
    return changed


def enqueue_affected_lines(*, touched: Mapping[int, int]) -> None:
    """Take up what a chunk has touched (id and line), for the sake of partners who came to be concerned by it.

    The past of these lines is as it was: nobody is waited for.
    """
    _in_batches(touched, "consent", set())


def _in_batches(touched: Mapping[int, int], cause: str, broken: set[int]) -> int:
    """Partners whom a standing stop of such a line concerns only now are told first.

    Each batch is a transaction of its own: its touched rows go with the changes they brought, so that whatever breaks
    is done again. A batch that breaks is done line by line; the line that breaks it is logged and left for the next
    run, and the others go on.
    """
    changed = 0
    for ids in batched(sorted(touched), BATCH, strict=False):
        batch = {pk: touched[pk] for pk in ids}
        try:
            changed += _rejudge_line(batch, cause)
        except Exception:  # whatever it is, it must not keep every other line from being judged
            logger.exception("a batch of touched lines can't be judged again: line by line now")
            changed += sum(_one_line(batch, line_id, cause, broken) for line_id in sorted(set(batch.values())))
    return changed


def _one_line(touched: Mapping[int, int], line_id: int, cause: str, broken: set[int]) -> int:
    try:
        return _rejudge_line({pk: line for pk, line in touched.items() if line == line_id}, cause)
    except Exception:
        logger.exception("a line can't be judged again: left for the next run")
        broken.add(line_id)
        return 0


def _rejudge_line(touched: Mapping[int, int], cause: str) -> int:
    enqueue_orders_for_newly_affected(line_ids=_list_lines_with_untold_partners(touched.values()))
    return _batch(list(touched), cause)


def _list_rejudge_queue(*, besides: Collection[int]) -> dict[int, int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, line_id FROM consent_touched WHERE NOT line_id = ANY (%s) ORDER BY id LIMIT %s",
            [sorted(besides), MANY],
        )
        return dict(cursor.fetchall())


def _list_lines_with_untold_partners(line_ids: Iterable[int]) -> list[int]:
    asked = sorted(set(line_ids))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(UNTOLD, [asked])
        untold = {line_id for (line_id,) in cursor.fetchall()}
    return sorted(untold | {line_id for line_id, _ in find_uncovered_orders(line_ids=asked)})


def _batch(touched: list[int], cause: str) -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(ONE_AT_A_TIME)
        cursor.execute("CREATE TEMPORARY TABLE touched (line_id bigint, since timestamptz) ON COMMIT DROP")
        cursor.execute(f"CREATE TEMPORARY TABLE questions ({COLUMNS}, {OF_RELEASES}) ON COMMIT DROP")
        cursor.execute(TAKE, [touched])
        changed = 0
        if cursor.rowcount:
            cursor.execute("ANALYZE touched")
            cursor.execute(CONVERT)
            cursor.execute(QUESTIONS)
        if cursor.rowcount:
            cursor.execute("ANALYZE questions")
            cursor.execute(CHANGED, [])
            changed = cursor.rowcount
        if changed:
            cursor.execute(CHANGE, [cause])
        cursor.execute("DROP TABLE IF EXISTS touched, questions, changed")
    return changed
