"""Store a chunk of rows: COPY into staging tables, then everything set-wise, in one transaction.

Rows whose line arrived only later are stored the same way, from where they were held.
"""

import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime

from django.db import IntegrityError, InternalError, connection, transaction
from django.db.backends.utils import CursorWrapper

import audit.actions
from accounts.primitives.slots import lock_job
from consent.queries.permission import JUDGE as ANSWER
from disclosures.domain.ingest import chunks, pending_releases, projections, rejudging, rollups, staging
from disclosures.domain.ingest.pending_releases import hold_rows
from disclosures.domain.ingest.reassigned_rows import hold_reassigned
from disclosures.domain.ingest.rows import CONTENT_BYTES, Outcome, Report, Row, apply, lock_notices_shared, row_of

# Statements of the ledger are such that Citus can plan them: none writes and reads at once, and none asks of each row.
ATTRIBUTED = """
INSERT INTO fresh (n, id, line_id, occurred_at, content_hash, term, precision_m, decision_id, gated, hidden)
SELECT incoming.n, incoming.id, number.line_id, incoming.occurred_at, incoming.content_hash, incoming.term,
    incoming.precision_m, CASE WHEN %(gated)s THEN incoming.decision_id END, %(gated)s,
    coalesce(incoming.suppressed_until > (SELECT audit_now()), false)
FROM incoming JOIN accounts_linenumber number ON number.msisdn_hash = incoming.number_hash
    AND number.starts_at <= incoming.occurred_at
    AND (number.ends_at IS NULL OR incoming.occurred_at < number.ends_at)
ORDER BY number.line_id, incoming.occurred_at;
"""
# Ids in order, so that two imports of the same rows wait for each other and never deadlock.
REGISTER = """
INSERT INTO disclosures_disclosureregister (id, line_id, occurred_at, content_hash)
SELECT id, line_id, occurred_at, content_hash FROM fresh ORDER BY id
"""
REGISTER_NEW = f"{REGISTER} ON CONFLICT (id) DO NOTHING RETURNING id"
NOT_NEW = "DELETE FROM fresh WHERE NOT id = ANY (%s::uuid[])"
SOME_KNOWN = """
SELECT count(*) > 0 FROM (SELECT id FROM incoming LIMIT 20) first_rows
    JOIN disclosures_disclosureregister register ON register.id = first_rows.id
"""
KNOWN = """
WITH others AS MATERIALIZED (
    SELECT n, id, content_hash FROM incoming WHERE NOT EXISTS (SELECT FROM fresh WHERE fresh.n = incoming.n)
), known AS MATERIALIZED (
    SELECT others.n, register.content_hash
    FROM others JOIN disclosures_disclosureregister register ON register.id = others.id
)
SELECT others.n, CASE WHEN known.n IS NULL THEN 'line_unknown'
    WHEN substr(known.content_hash, 1, <bytes>) = others.content_hash THEN 'repeated' ELSE 'id_conflict' END
FROM others LEFT JOIN known ON known.n = others.n
""".replace("<bytes>", str(CONTENT_BYTES))
JUDGE = """
INSERT INTO judged (n, judgement)
WITH asked AS MATERIALIZED (
    SELECT term, campaign, aggregator, CASE WHEN path[1] = aggregator THEN path ELSE path || aggregator END AS parties,
        purpose, scope
    FROM term WHERE asks
), question AS MATERIALIZED (
    SELECT fresh.n AS qid, fresh.line_id, fresh.term, fresh.precision_m, fresh.occurred_at AS at,
        'infinity'::timestamptz AS known_at
    FROM fresh JOIN asked ON asked.term = fresh.term
)
SELECT qid, <words> FROM (<answer>) answered
""".replace("<words>", rejudging.IN_WORDS).replace("<answer>", ANSWER)
# What rows have in common is put once for all. All code puts terms in the order of what they say: two that put the same
# new terms wait for each other and never deadlock.
# Rows in the order of the index, by which neighbours share its pages; sorted before they are wide.
STORE = """
INSERT INTO put (term, judgement, id)
WITH told AS MATERIALIZED (
    SELECT DISTINCT fresh.term, coalesce(judged.judgement, '') AS judgement
    FROM fresh LEFT JOIN judged ON judged.n = fresh.n
), said AS (
    SELECT told.term, told.judgement, ROW(NULL, NULL, term.aggregator, term.path, term.campaign, term.purpose,
        term.scope, term.basis, term.outcome, term.path_completed,
        term.basis IN ('emergency', 'network') AND EXISTS (
            SELECT FROM partners_party p WHERE p.uri = ANY (term.path) AND p.kind IN ('lbs_provider', 'end_customer')),
        CASE WHEN term.basis <> 'approval' THEN term.basis WHEN term.outcome = 'refused' THEN 'refused'
            ELSE told.judgement END)::disclosures_term AS whole
    FROM told JOIN term ON term.term = told.term ORDER BY whole OFFSET 0
)
SELECT term, judgement, disclosures_put_term(whole) FROM said;
INSERT INTO disclosures_release (line_id, occurred_at, recorded_at, id, term, precision_m, source_id, decision_id,
    authority_ref)
SELECT fresh.line_id, fresh.occurred_at, %s, fresh.id, put.id, fresh.precision_m, incoming.source_id,
    incoming.decision_id, incoming.authority_ref
FROM (SELECT * FROM fresh ORDER BY line_id, occurred_at, id) fresh
    JOIN incoming ON incoming.n = fresh.n LEFT JOIN judged ON judged.n = fresh.n
    JOIN put ON put.term = fresh.term AND put.judgement = coalesce(judged.judgement, '')
"""
# One row for each judgement; the numbers as one text, because a driver reads one text faster than many rows.
OUTCOMES = """
SELECT CASE WHEN fresh.hidden THEN '' ELSE coalesce(judged.judgement, '') END, term.path_completed,
    string_agg(fresh.n::text, ',')
FROM fresh JOIN term ON term.term = fresh.term LEFT JOIN judged ON judged.n = fresh.n GROUP BY 1, 2
"""


def write_nothing_else(_: Sequence[Outcome]) -> None:
    """Nothing is written along with a chunk."""


def store(
    *,
    rows: Sequence[Row],
    at: datetime,
    gateway: str = "",
    turn: AbstractContextManager[object] | None = None,
    besides: Callable[[Sequence[Outcome]], None] = write_nothing_else,
) -> list[Outcome]:
    """Take in rows in one transaction; what became of each, in order. Rows of unknown numbers are held.

    `gateway`: the client by which the gateway reported them as it goes, so that each release by approval must carry the
    gate's own yes; "" for all others.
    `turn` lasts while ids are claimed: whoever has an earlier one has the earlier rows. It is waited for before
    anything is locked. `besides` is called with the outcomes before the commit.
    """
    with transaction.atomic():
        outcomes, touched = _all_of(rows, at, turn or nullcontext(), gateway=gateway)
        in_order = [outcomes[row.n] for row in rows]
        besides(in_order)
    rejudging.enqueue_affected_lines(touched=touched)
    return in_order


def _all_of(
    rows: Sequence[Row], at: datetime, turn: AbstractContextManager[object], *, gateway: str
) -> tuple[dict[int, Outcome], dict[int, int]]:
    outcomes: dict[int, Outcome] = {}
    if not rows:
        with turn:
            return outcomes, {}
    first = _first_of_each_id(rows, outcomes)
    if len(first) == len(rows):
        return _take(first, at, turn, gateway=gateway)
    # What is refused may be tried once more below, and must still come before the rows of whoever has the next turn.
    with turn:
        taken, touched = _take(first, at, nullcontext(), gateway=gateway)
        outcomes.update(taken)
        again = _repeats_follow(rows, outcomes)
        if again:
            taken, also_touched = _all_of(again, at, nullcontext(), gateway=gateway)
            outcomes.update(taken)
            touched |= also_touched
    return outcomes, touched


def _take(
    rows: Sequence[Row], at: datetime, turn: AbstractContextManager[object], *, gateway: str
) -> tuple[dict[int, Outcome], dict[int, int]]:
    """Return what became of each of these rows, no two of one id; and what was touched: its id, and the line."""
    with connection.cursor() as cursor:
        completer = staging.stage(cursor=cursor, rows=rows)
        with turn:
            known = _claim(cursor, rows, gateway=gateway)
            unknown = [row for row in rows if known.get(row.n) == "line_unknown"]
            ungated, conflicts = hold_rows(rows=unknown, at=at, gateway=gateway)
            known.update(dict.fromkeys(conflicts, "id_conflict"))
        completer.fill_providers()
        cursor.execute(JUDGE)
        cursor.execute(STORE, [at])
        rollups.mark_changed_days(cursor=cursor, rows="fresh")
        apply(cursor=cursor, at=at)
        cursor.execute(OUTCOMES)
        alike = {fate: Outcome(fate) for fate in known.values()}
        outcomes = {n: alike[fate] for n, fate in known.items()}
        for judgement, completed, numbers in cursor.fetchall():
            outcomes.update(dict.fromkeys(map(int, numbers.split(",")), Outcome("accepted", judgement, completed)))
        touched = projections.write_projections(cursor=cursor, rows="fresh", terms="term", at=at, ungated=ungated)
        staging.clear(cursor=cursor)
    return outcomes, touched


def _claim(cursor: CursorWrapper, rows: Sequence[Row], *, gateway: str) -> dict[int, str]:
    """Register what is new: it stands in `fresh`. Returns the fate of everything else."""
    lock_notices_shared(cursor=cursor)
    chunks.begin_chunk(cursor=cursor)
    if _register(cursor, gated=bool(gateway)) == len(rows):
        return {}
    cursor.execute(KNOWN)
    return dict(cursor.fetchall())


def _register(cursor: CursorWrapper, *, gated: bool) -> int:
    """Return how many ids were new. Nearly always all are: then nothing is looked up but where each is written."""
    cursor.execute(SOME_KNOWN)
    if cursor.fetchone() == (False,):
        try:
            with transaction.atomic():
                cursor.execute(ATTRIBUTED + REGISTER, {"gated": gated})
                return int(cursor.rowcount)
        except (IntegrityError, InternalError):
            pass  # it ended at the first that is known; Citus calls that an internal error
    cursor.execute(ATTRIBUTED, {"gated": gated})
    cursor.execute(REGISTER_NEW)
    new = [identity for (identity,) in cursor.fetchall()]
    cursor.execute(NOT_NEW, [new])
    return len(new)


def _first_of_each_id(rows: Sequence[Row], outcomes: dict[int, Outcome]) -> list[Row]:
    """Return the rows whose id comes for the first time in this chunk; the outcome of the others is known already."""
    if len({row.id for row in rows}) == len(rows):
        return list(rows)
    content: dict[str, bytes] = {}
    first: list[Row] = []
    for row in rows:
        known = content.setdefault(row.id, row.content)
        if known == row.content and len(content) > len(first):
            first.append(row)
        else:
            outcomes[row.n] = Outcome("same" if known == row.content else "id_conflict")
    return first


def _repeats_follow(rows: Sequence[Row], outcomes: dict[int, Outcome]) -> list[Row]:
    """Give the second row of an id the fate of the first: repeated where that is known now, else refused as it was.

    Returns the rows that are to be tried for themselves: other content under an id whose first row was not taken.
    """
    again: list[Row] = []
    fate_of: dict[str, str] = {}
    for row in rows:
        outcome = outcomes[row.n]
        fate = fate_of.setdefault(row.id, outcome.fate)
        if outcome.fate == "same":
            outcomes[row.n] = Outcome("repeated" if fate == "accepted" else fate)
        elif outcome.fate == "id_conflict" and fate == "line_unknown":
            again.append(row)
    return again


FIRST = uuid.UUID(int=0)


def attribute_pending_releases(*, at: datetime, actor: str, waits: bool = True) -> int:
    """Attribute and judge what was held for lines that are known now, and record that. Returns how many rows it was.

    What the gateway reported is asked for the gate's yes as if its line had been there; what stays held and can't have
    any is counted as without. What can't be taken in, because its id is another row's by now, is recorded as so many.
    `waits`: for whoever is at it; else that is left to them.
    """
    # What is held is counted and let go by one at a time: both want the held rows and the day's incident.
    with lock_job(name="disclosures.attribute_held", waits=waits) as mine:
        return _attribute_pending_releases(at, actor) if mine else 0


def _attribute_pending_releases(at: datetime, actor: str) -> int:
    fates, last = Counter[str](), FIRST
    while found := pending_releases.candidates(after=last):
        last = found[-1][0]
        of_client: dict[str, list[tuple[uuid.UUID, Report]]] = defaultdict(list)
        for identity, gateway, sealed in found:
            if report := pending_releases.open_report(sealed=sealed, at=at):
                of_client[gateway].append((identity, report))
        for gateway, rows in of_client.items():
            fates += _store_pending(rows, at, gateway, actor)
    pending_releases.count_ungated(at=at)
    if fates["accepted"] or fates["id_conflict"]:
        detail = {"count": fates["accepted"], "conflicts": fates["id_conflict"]}
        audit.actions.record(
            action="disclosures.attributed", actor=actor, target="feed:disclosures", at=at, detail=detail
        )
    return fates["accepted"]


def _store_pending(found: Sequence[tuple[uuid.UUID, Report]], at: datetime, gateway: str, actor: str) -> Counter[str]:
    ids, reports = [identity for identity, _ in found], dict(found)

    def release(outcomes: Sequence[Outcome]) -> None:
        """With the rows: a moment later they may have been given back, and be held anew."""
        fates = list(zip(ids, outcomes, strict=True))
        taken = [identity for identity, outcome in fates if outcome.fate == "accepted"]
        pending_releases.store_counted_lines(reports={identity: reports[identity] for identity in taken})
        pending_releases.release_rows(ids=[identity for identity, outcome in fates if outcome.fate != "line_unknown"])
        hold_reassigned(ids=taken, actor=actor, at=at)

    rows = [row_of(row, n=n) for n, (_, row) in enumerate(found)]
    return Counter(outcome.fate for outcome in store(rows=rows, at=at, gateway=gateway, besides=release))
