"""Find anomalies in what was recorded, judged again, hidden or shown since the last time; suspend where they stand.

A stretch of recorded time is one transaction with a fixed number of statements. It is safe to look at the same stretch
again. What changes what is found waits for a search that runs, and a second search leaves it to the first.

A company is suspended for one line that it looked up after a stop, or with no approval, if that still stands after
days. The days are for us: an approval that reaches us late may be why. An anomaly that is no longer so by then has no
consequence; a stop of ours is never undone by us. A line whose look-ups are to be judged again, or were and have not
been looked at since, waits for that: a day at the most, so that no company can delay it for ever by new claims.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

import audit.actions
from accounts.primitives.slots import lock_job
from accounts.primitives.zones import ZONE_OF_STATE
from accounts.workers.one_by_one import run_each
from audit.actions import IncidentCount, Release
from consent.actions.system_stops import Outcome, stop_company
from consent.domain.conflicts import retry_on_conflict
from disclosures.models import Anomaly, AnomalyRule, AnomalyWatch
from disclosures.queries.anomaly_rows import incident_key
from disclosures.queries.rules import JUDGED_AS, MAY_BE_LATE, SUSPENDS_FOR, LastOn, rules_last_on
from disclosures.workers.anomalies import statements

Kind = AnomalyRule.Kind

# What is recorded as of a moment may be committed later: so far back each run looks again. Nothing takes longer.
OVERLAP = timedelta(minutes=10)
# A run that is told to looks so far back, in case that something did.
DEEP = timedelta(days=2)
FIRST_LOOK_BACK = timedelta(days=30)
STRETCH = timedelta(days=1)
LONGEST_KEY = 200
ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtext('disclosures.anomalies'))"
NIGHTS_AROUND = timedelta(days=1)
NOTHING = timedelta(0)
NEVER = "infinity"
ZONES = {"states": list(ZONE_OF_STATE), "zones": list(ZONE_OF_STATE.values())}

type Values = dict[str, Any]


@dataclass(frozen=True)
class _Search:
    """How one kind is looked for: what is due, all that is found of it, and what both statements need to know.

    `prepare`: a statement before the second.
    """

    due: str
    find: str
    values: Callable[[AnomalyRule], Values]
    prepare: str = ""


def _days(rule: AnomalyRule) -> timedelta:
    return timedelta(days=rule.window)


def _by_moment(window: timedelta, judgement: str) -> Values:
    return {"window": window, "before": NOTHING, "after": window, "judgement": judgement}


def _get_judged_values(rule: AnomalyRule) -> Values:
    return _by_moment(_days(rule), JUDGED_AS[rule.kind])


def _burst(rule: AnomalyRule) -> Values:
    return _by_moment(timedelta(minutes=rule.window), "")


def _night(rule: AnomalyRule) -> Values:
    window = _days(rule)
    return {"window": window, "before": NIGHTS_AROUND, "after": window + NIGHTS_AROUND, **ZONES}


SEARCHES: Mapping[str, _Search] = {
    Kind.AFTER_STOP: _Search(statements.DUE_BY_MONTH, statements.BY_MOMENT, _get_judged_values),
    Kind.NO_APPROVAL: _Search(statements.DUE_BY_MONTH, statements.BY_MOMENT, _get_judged_values),
    Kind.SUSPENDED: _Search(statements.DUE_BY_MONTH, statements.BY_MOMENT, _get_judged_values),
    Kind.BURST: _Search(statements.DUE_BY_MONTH, statements.BY_MOMENT, _burst),
    Kind.NIGHT: _Search(statements.DUE_BY_MONTH, statements.BY_NIGHT, _night),
    Kind.DORMANT: _Search(
        statements.DUE_AFTER_QUIET,
        statements.AFTER_QUIET,
        lambda rule: {"window": _days(rule)},
        prepare=statements.WOKEN,
    ),
    Kind.MANY_LINES: _Search(statements.DUE_BY_DAY, statements.ACROSS_LINES, lambda rule: {"window": _days(rule)}),
    Kind.DISPUTED: _Search(statements.DUE_BY_CLAIM, statements.BY_CLAIM, lambda rule: {"window": rule.window}),
}


def find(*, at: datetime, deep: bool = False) -> int:
    """Look at all that came since the last time. Returns how many stretches of recorded time that was.

    `deep`: and at the last two days once more. 0 where another process looks just now: after a long import it does so
    for minutes, and a worker that waited for it would keep stops from their partners.
    """
    with lock_job(name="disclosures.anomalies.find") as mine:
        return _find_all(at, deep=deep) if mine else 0


def _find_all(at: datetime, *, deep: bool) -> int:
    looked = 0
    since = (_get_watch_end() or _first_look(at)) - (DEEP if deep else OVERLAP)
    while since < at:
        until = min(since + STRETCH, at)
        _look(since, until, at)
        since = until
        looked += 1
    return looked


def _get_watch_end() -> datetime | None:
    return AnomalyWatch.objects.values_list("until", flat=True).first()


def _first_look(at: datetime) -> datetime:
    """Where the very first look begins: thirty days back, or with the first that came since. Before it all is empty."""
    with connection.cursor() as cursor:
        cursor.execute(statements.FIRST_RECORDED, {"since": at - FIRST_LOOK_BACK, "at": at})
        (first,) = cursor.fetchone() or (at,)
    came: datetime = first
    return came


def lock_anomalies() -> None:
    """Before anything that ends in `recheck_watches`: alone with what is found until this transaction ends.

    Whoever writes orders takes this before the turn that rows wait for, and before any event of the trail: a search
    that runs is waited for with empty hands, so that nothing is held up meanwhile and no two wait for each other.
    """
    with connection.cursor() as cursor:
        cursor.execute(ONE_AT_A_TIME)


@transaction.atomic
def recheck_watches(*, disclosure_ids: Collection[UUID], at: datetime) -> bool:
    """What these rows are part of is found anew, in the transaction that hides them. Returns whether they are of any.

    So nothing that is found ever rests on a row that is hidden, not even for a moment.
    """
    ids = sorted(disclosure_ids)
    lock_anomalies()
    with connection.cursor() as cursor:
        cursor.execute(statements.PART_OF, {"ids": ids})
        (part,) = cursor.fetchone() or (False,)
    if part:
        _find(statements.TOUCHED_BY_ID, {"ids": ids, "since": at, "until": at, "at": at})
    return bool(part)


@transaction.atomic
def recheck_without_rule(
    *, rows: Collection[tuple[int, datetime, Sequence[str]]], ids: Collection[UUID], at: datetime
) -> None:
    """Find anew what rests on look-ups (line, moment, path) that this transaction is about to take out of their line,
    or what they kept from being found. `ids`: of all that it takes out. Call after `lock_anomalies`."""
    places = [
        {"line_id": line_id, "occurred_at": moment.isoformat(), "path": [*path]} for line_id, moment, path in rows
    ]
    _find(
        statements.TOUCHED_WHERE, {"rows": json.dumps(places), "since": at, "until": at, "at": at, "besides": list(ids)}
    )


@transaction.atomic
def _look(since: datetime, until: datetime, at: datetime) -> None:
    lock_anomalies()
    _find(statements.TOUCHED, {"since": since, "until": until, "at": at})
    AnomalyWatch.objects.update_or_create(pk=1, defaults={"until": max(until, _get_watch_end() or until)})


def _find(touch: str, values: Values) -> None:
    """Find anew whatever rests on the rows that `touch` says, or on claims that came since."""
    at: datetime = values["at"]
    values = {"besides": [], **values}
    rules = rules_last_on()
    with connection.cursor() as cursor:
        cursor.execute(statements.TABLES)
        cursor.execute(touch, values)
        touched = bool(cursor.rowcount)
        cursor.execute("ANALYZE touched")
        looked_for = [last for last in rules if touched or last.rule.kind == Kind.DISPUTED]
        for last in looked_for:
            cursor.execute(SEARCHES[last.rule.kind].due, values | _get_search_values(last))
        cursor.execute(statements.DUE_AS_FOUND, {"kinds": [last.rule.kind for last in rules]})
        cursor.execute("ANALYZE due")
        for last in looked_for:
            search, said = SEARCHES[last.rule.kind], values | _get_search_values(last)
            if search.prepare:
                cursor.execute(search.prepare, said)
            cursor.execute(search.find, said)
        cursor.execute(statements.NOTHING_NEW, {"off": _kinds_off(rules)})
        standing = _settle(cursor, at)
        cursor.execute(statements.LAST_HIDDEN)
        hidden = cursor.fetchall()
        cursor.execute(statements.DROP_TABLES)
    audit.actions.state_incidents(stated=standing, actor="system:anomalies", at=at)
    _store_hidden(hidden)


def _store_hidden(rows: Sequence[tuple[str, str, str, int, UUID, datetime]]) -> None:
    """Keep by which hidden releases the last that was found of an incident is gone."""
    incidents: dict[tuple[str, str], list[Release]] = defaultdict(list)
    for kind, party, year, line_id, disclosure_id, occurred_at in rows:
        incidents[kind, incident_key(party=party, year=year)].append(Release(line_id, disclosure_id, occurred_at))
    for (kind, key), releases in incidents.items():
        audit.actions.store_affected_lines(kind=kind, key=key, releases=releases)


def _kinds_off(rules: Sequence[LastOn]) -> list[str]:
    return [last.rule.kind for last in rules if last.off_at]


def _get_search_values(last: LastOn) -> Values:
    rule = last.rule
    own = SEARCHES[rule.kind].values(rule)
    return {"kind": rule.kind, "rule": rule.pk, "threshold": rule.threshold, "off_at": last.off_at or NEVER, **own}


def _settle(cursor: CursorWrapper, at: datetime) -> Sequence[IncidentCount]:
    """Keep what was found and let go of what is no longer so. Returns what stands, by incident."""
    for statement in (statements.GONE, statements.FORGET, statements.CLEAR, statements.KEEP):
        cursor.execute(statement, {"at": at})
    cursor.execute(statements.STANDING)
    return [
        IncidentCount(kind, incident_key(party=party, year=year), party[:LONGEST_KEY], count, grown_at)
        for kind, party, year, count, grown_at in cursor.fetchall()
    ]


BATCH = 500
ACTOR = "system:anomalies"
TOO_OLD = "old"

# What is due of the anomalies `a`, by the rule as it is now.
DUE = """
    FROM disclosures_anomaly a JOIN (
        SELECT DISTINCT ON (kind) kind, enabled, suspend_after_days FROM disclosures_anomalyrule
        ORDER BY kind, version DESC
    ) rule ON rule.kind = a.kind
    CROSS JOIN LATERAL (SELECT a.found_at + rule.suspend_after_days * interval '1 day' AS since) due
    WHERE a.kind IN ('after_stop', 'no_approval') AND a.consequence = '' AND a.cleared_at IS NULL AND rule.enabled
        AND due.since <= %(at)s AND (
            due.since <= %(long_ago)s
            OR NOT EXISTS (SELECT FROM consent_touched t WHERE t.line_id = a.line_id)
            AND NOT disclosures_judged_again(a.line_id, (SELECT until FROM disclosures_anomalywatch)))
"""
OPEN = """
SELECT a.line_id, a.party, array_agg(a.id) <due> AND (a.line_id, a.party) > (%(line)s, %(party)s)
GROUP BY a.line_id, a.party ORDER BY a.line_id, a.party LIMIT %(batch)s
""".replace("<due>", DUE)
# Whoever comes second waits here, and finds what is so by then.
STILL_OPEN = """
SELECT a.id, a.newest_at <due> AND a.id = ANY (%(ids)s) ORDER BY a.id FOR UPDATE OF a
""".replace("<due>", DUE)


def act(*, at: datetime) -> int:
    """See to every line and company that is due. Returns how many were suspended. Safe to repeat, and twice at once.

    Each is a transaction of its own; one that breaks is left for the next run, and keeps nobody else waiting.
    """
    old = Anomaly.objects.filter(kind__in=("after_stop", "no_approval"), consequence="", cleared_at__isnull=True)
    old.filter(newest_at__lte=at - SUSPENDS_FOR).update(consequence=TOO_OLD)
    suspended, last = 0, (0, "")
    while due := _open(at, after=last):
        suspended += run_each(job="disclosures.anomalies", rows=due, do=partial(_suspend, at=at), at=at)
        last = due[-1][0], due[-1][1]
    return suspended


def _open(at: datetime, *, after: tuple[int, str]) -> list[tuple[int, str, list[int]]]:
    line_id, party = after
    with connection.cursor() as cursor:
        cursor.execute(OPEN, {**_moments(at), "line": line_id, "party": party, "batch": BATCH})
        found: list[tuple[int, str, list[int]]] = cursor.fetchall()
    return found


def _moments(at: datetime) -> dict[str, Any]:
    return {"at": at, "long_ago": at - MAY_BE_LATE}


def _suspend(due: tuple[int, str, list[int]], at: datetime) -> bool:
    return _suspend_once(*due, at) == Outcome.SUSPENDED


@retry_on_conflict
@transaction.atomic
def _suspend_once(line_id: int, party: str, ids: list[int], at: datetime) -> Outcome | None:
    """By what is so now: it may have been cleared, seen to or switched off since it was read."""
    with connection.cursor() as cursor:
        cursor.execute(STILL_OPEN, {**_moments(at), "ids": ids})
        still_open: dict[int, datetime] = dict(cursor.fetchall())
    if not still_open:
        return None
    outcome = stop_company(line_id=line_id, party=party, after=max(still_open.values()), actor=ACTOR, at=at)
    Anomaly.objects.filter(pk__in=still_open).update(consequence=outcome)
    return outcome
