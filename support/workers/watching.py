"""What is watched: stops that fail, codes that don't come, staff who look at very many, agents, the trail itself.

Each pass counts from rows, or from what was counted outside the database, and states what is so: to look twice changes
nothing.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Count

import audit.actions
import audit.queries
from accounts.clients import texts
from accounts.primitives.slots import lock_job
from accounts.workers.one_by_one import run_each
from audit.actions import IncidentCount
from audit.models import AuditEvent, Incident
from consent.models import Choice, Origin
from consent.primitives import stop_failures
from partners.clients import checkpoint_places
from partners.models import AgentRequest
from partners.workers import checkpoints
from support.queries.incidents import OF_A_SEED
from support.queries.queue import PAGE

# What an order of court hides is not looked at, whatever it is about.
BROKEN = """
WITH signed AS MATERIALIZED (
    SELECT DISTINCT ON (o.line_id, o.contract_id) o.line_id, o.contract_id, o.party_id, p.uri, o.id, o.completed_at
    FROM support_seedline s JOIN revocations_order o ON o.line_id = s.line_id
        JOIN partners_party p ON p.id = o.party_id
    WHERE s.ended_at IS NULL AND o.completed_at IS NOT NULL AND o.snapshot -> 'state' = '[]'::jsonb
        AND NOT EXISTS (
            SELECT FROM revocations_order newer WHERE newer.line_id = o.line_id AND newer.contract_id = o.contract_id
                AND (newer.epoch, newer.version) > (o.epoch, o.version))
    ORDER BY o.line_id, o.contract_id, o.completed_at DESC
), looked AS MATERIALIZED (
    SELECT s.line_id, s.id, count(*) AS n FROM signed s
        JOIN disclosures_disclosure d
            ON d.line_id = s.line_id AND d.aggregator = s.uri AND d.occurred_at > s.completed_at
    WHERE d.basis = 'approval' AND NOT EXISTS (
        SELECT FROM disclosures_delayednotice n WHERE n.line_id = d.line_id AND n.disclosure_id = d.id)
    GROUP BY s.line_id, s.id
), evidence AS (
    SELECT s.id, s.party_id, coalesce((
        SELECT looked.n FROM looked WHERE looked.line_id = s.line_id AND looked.id = s.id
    ), 0) + (
        SELECT count(*) FROM consent_approval a JOIN partners_campaign c ON c.ref = a.campaign
        WHERE a.line_id = s.line_id AND c.contract_id = s.contract_id AND a.verified_by = 'partner'
            AND a.recorded_at > s.completed_at
    ) + (
        SELECT count(*) FROM consent_digestfinding f
        WHERE f.line_id = s.line_id AND f.contract_id = s.contract_id AND f.kind = 'partner_has'
            AND f.found_at > s.completed_at
    ) AS n
    FROM signed s
)
SELECT id::text, party_id, n FROM evidence WHERE n > 0 ORDER BY id
"""


def broken_words() -> Sequence[IncidentCount]:
    """Return each order whose signature does not hold, with how much tells so. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(BROKEN)
        return [
            IncidentCount(Incident.Kind.CONTRADICTED, f"{OF_A_SEED}{order_id}", f"partner:{party_id}", n)
            for order_id, party_id, n in cursor.fetchall()
        ]


ACTOR = "system:watch"
TURN = "support.verify-audit"
HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(days=7)
# Of all stops of the hour so many in a hundred must have failed: one here and there is no failing mechanism.
FAILED_IN_100 = 1
# Rows behind an incident have codes: to read them is to look at nobody in particular.
# One answer to many is one act. A page of a search finds many at once: they count apart, beyond what pages explain.
# Spans slide, and incidents are of a day or week: looks before it began count only where they made none of the one
# before, so that whoever goes on past midnight is found and the same looks never are two incidents.
BROWSING = """
SELECT actor, greatest(looked, CASE WHEN found > %(most_found)s THEN found END) FROM (
    SELECT actor, count(DISTINCT line_id) FILTER (WHERE action <> 'ticket.found') AS looked,
        count(DISTINCT line_id) FILTER (WHERE action = 'ticket.found') AS found
    FROM audit_auditevent
    WHERE at > %(since)s AND at <= %(now)s AND line_id IS NOT NULL
        AND (actor LIKE 'officer:%%' OR actor LIKE 'agent:%%' OR actor LIKE 'auditor:%%' OR actor LIKE 'legal:%%')
        AND action NOT IN ('anomaly.seen', 'anomaly.taken')
        AND NOT (action = 'ticket.answered' AND detail ? 'to_many')
        AND (at >= %(began)s OR actor NOT IN (
            SELECT subject FROM audit_incident
            WHERE kind = 'staff_browsing' AND key = subject || ':' || %(before)s))
    GROUP BY actor
) counted WHERE looked > %(most)s OR found > %(most_found)s ORDER BY actor
"""
# So many pages of a search are work: within an hour, a day, a week.
PAGES, PAGES_A_DAY, PAGES_A_WEEK = 5, 20, 60
# As often as beat has them written, with room for an outage: at its start this looks before the first is written.
LATE = timedelta(days=1)
TIGHTENED = ("consent.stop", "consent.pause", "consent.refuse")


def watch(*, now: datetime) -> None:
    """Watch everything but the audit trail, once."""
    checks: Sequence[Callable[..., None]] = (watch_failed_stops, watch_codes, watch_staff, watch_agents, watch_seeds)

    def look(check: Callable[..., None]) -> int:
        check(now=now)
        return 1

    run_each(job="support.watch", rows=checks, do=look, at=now)


def watch_failed_stops(*, now: datetime) -> None:
    """Open an incident for each hour of the last day in which stops failed, more than now and then."""
    stated = (
        IncidentCount(
            Incident.Kind.STOPS_FAILING, f"{hour:%Y-%m-%dT%H}", f"{hour:%-d %b %Y, %H}:00 to {hour:%H}:59 UTC", failed
        )
        for hour, failed in stop_failures.FAILED.by_hour(now=now).items()
        if _are_more_than_now_and_then(failed, hour, _stops_made)
    )
    _state(stated, now)


def watch_codes(*, now: datetime) -> None:
    """Open an incident for each day with an hour in which codes didn't reach phones, more than now and then.

    Who has no account can't stop without one, and the page looks the same to them. By night few ask: where of the last
    24 hours' codes most did not come, every hour counts.
    """
    failed, taken = texts.CODES_NOT_TAKEN.by_hour(now=now), texts.CODES_TAKEN.by_hour(now=now)
    most = settings.STOPS_FAILING_ALARM <= sum(failed.values()) >= sum(taken.values())
    by_day = Counter[str]()
    for hour, n in failed.items():
        if most or _are_more_than_now_and_then(n, hour, lambda hour: taken.get(hour, 0)):
            by_day[f"{hour:%Y-%m-%d}"] += n
    kind = Incident.Kind.STOPS_FAILING
    _state((IncidentCount(kind, f"codes:{day}", f"codes by text, {day}", n) for day, n in by_day.items()), now)


def watch_staff(*, now: datetime) -> None:
    """Open an incident for each of staff who looked at more subscribers within an hour than work explains."""
    _watch_staff(HOUR, settings.STAFF_BROWSING_ALARM, PAGES, "%Y-%m-%d", _midnight(now), now)


def watch_staff_for_long(*, now: datetime) -> None:
    """Do the same within a day, and a week: whoever looks at a few each hour has seen very many by its end."""
    today = _midnight(now)
    monday = today - now.weekday() * DAY
    _watch_staff(DAY, settings.STAFF_BROWSING_ALARM_DAY, PAGES_A_DAY, "day:%Y-%m-%d", today, now)
    _watch_staff(WEEK, settings.STAFF_BROWSING_ALARM_WEEK, PAGES_A_WEEK, "week:%G-W%V", monday, now)


def _watch_staff(span: timedelta, most: int, pages: int, period: str, began: datetime, now: datetime) -> None:
    """`period`: what an incident's key calls the day or week that `began` then."""
    before = f"{began - HOUR:{period}}"
    spans: dict[str, Any] = {"since": now - span, "now": now, "began": began, "before": before}
    with connection.cursor() as cursor:
        cursor.execute(BROWSING, spans | {"most": most, "most_found": pages * PAGE})
        found = cursor.fetchall()
    kind = Incident.Kind.STAFF_BROWSING
    _state((IncidentCount(kind, f"{actor}:{began:{period}}", actor, lines) for actor, lines in found), now)


def _midnight(now: datetime) -> datetime:
    return now.replace(hour=0, minute=0, second=0, microsecond=0)


def watch_agents(*, now: datetime) -> None:
    """Open an incident for each agent, our own or authorised, by whom more stops came in an hour than expected.

    The stops stand: whoever was stopped against their will allows again.
    """
    of_desk = AuditEvent.objects.filter(
        line_id__isnull=False, actor__startswith="agent:", action__in=TIGHTENED, at__gt=now - HOUR, at__lte=now
    ).values_list("actor")
    authorised = AgentRequest.objects.filter(
        status=AgentRequest.Status.FULFILLED, closed_at__gt=now - HOUR, closed_at__lte=now
    ).values_list("agent__name")
    counted = [
        *of_desk.annotate(n=Count("line_id", distinct=True)).order_by("actor"),
        *authorised.annotate(n=Count("line_id", distinct=True)).order_by("agent__name"),
    ]
    stated = (
        IncidentCount(Incident.Kind.STOPS_BY_AGENT, f"{name[:150]}:{now:%Y-%m-%d}", name[:200], lines)
        for name, lines in counted
        if lines > settings.STOPS_BY_AGENT_ALARM
    )
    _state(stated, now)


def watch_seeds(*, now: datetime) -> None:
    """Open an incident for each order about a test line that its partner signed as done, and then went on."""
    _state(broken_words(), now)


def verify_audit(*, now: datetime) -> None:
    """Open an incident where the trail does not verify: a chain, a checkpoint, or the line of checkpoints.

    It may take longer than the broker waits before it gives the task to another worker: that one leaves.
    """
    with lock_job(name=TURN) as mine:
        rows = [now] if mine else []
        # A check that breaks has found nothing, and officers must not take that for a trail that is whole.
        run_each(job=TURN, rows=rows, do=_verify_audit, at=now)


def _verify_audit(now: datetime) -> int:
    fault = _fault(now)
    if fault:
        _state([IncidentCount(Incident.Kind.AUDIT_FAULT, f"{now:%Y-%m-%d}", fault[:200], 1)], now)
    return 1


def _fault(now: datetime) -> str:
    place = checkpoint_places.place()
    try:
        signed, line = checkpoints.newest(place=place), checkpoints.read_checkpoint_line(place=place)
    except ValueError:
        return "the newest checkpoint can't be trusted"
    except OSError:
        return "the checkpoints can't be read"
    return _fault_of_line(line) or _lateness(signed, now) or _fault_of_chains(signed)


def _fault_of_line(line: checkpoints.Line) -> str:
    if line.forged:
        return "the newest checkpoint can't be trusted"
    if line.gap:
        return f"a checkpoint before {line.gap} is not there"
    return f"the checkpoint {line.back} signed less than the one before it" if line.back else ""


def _lateness(signed: checkpoints.SignedCheckpoint | None, now: datetime) -> str:
    began = audit.queries.began_at()
    if began is not None and began < now - LATE and (signed is None or signed.at < now - LATE):
        return "there is no checkpoint" if signed is None else f"there is no checkpoint since {signed.at:%Y-%m-%d}"
    return ""


def _fault_of_chains(signed: checkpoints.SignedCheckpoint | None) -> str:
    found = audit.queries.verify_chains(since=None, until=None, signed=dict(signed.heads) if signed else {}).fault
    return "" if found is None else f"chain {found.chain}, row {found.seq} {found.what}"


def _are_more_than_now_and_then(failed: int, hour: datetime, went_well: Callable[[datetime], int]) -> bool:
    return failed >= settings.STOPS_FAILING_ALARM and failed * 100 >= FAILED_IN_100 * (failed + went_well(hour))


def _stops_made(hour: datetime) -> int:
    made = Choice.objects.filter(recorded_at__gte=hour, recorded_at__lt=hour + HOUR, origin=Origin.PERSON)
    return made.exclude(kind=Choice.Kind.ALLOW).exclude(reason="grown_up").count()


def _state(stated: Iterable[IncidentCount], now: datetime) -> None:
    """State what is so. Of one that is known only more is news: what an hour's count falls to later is none."""
    found = list(stated)
    known = {
        (kind, key): count
        for kind, key, count in Incident.objects.filter(
            kind__in={one.kind for one in found}, key__in={one.key for one in found}
        ).values_list("kind", "key", "count")
    }
    more = [one for one in found if one.count > known.get((one.kind, one.key), 0)]
    audit.actions.state_incidents(stated=more, actor=ACTOR, at=now)
