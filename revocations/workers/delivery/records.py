"""Writing down what came of a push."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Coalesce

import audit.actions
from audit.models import Incident
from partners.clients import http
from revocations.domain.streams import DELIVERY, change_status, standing_stream
from revocations.models import TO_PUSH, Breaker, Order, State, Stream, StreamAttempt, StreamEvent
from revocations.workers.delivery import fairness
from revocations.workers.delivery.claims import Push
from revocations.workers.delivery.verdicts import SCHEDULE, Verdict, judge, wait_after

WRITE_DOWN = """
INSERT INTO revocations_attempt (line_id, order_id, number, at, outcome, status, detail, token)
SELECT * FROM unnest(
    %s::bigint[], %s::uuid[], %s::int[], %s::timestamptz[], %s::text[], %s::int[], %s::text[], %s::text[])
ON CONFLICT DO NOTHING
"""
# Many at once: what was acknowledged again keeps its state, and a receipt that was quicker stands.
ACKNOWLEDGE = """
UPDATE revocations_order AS told
SET state = CASE WHEN told.state = ANY (%(to_push)s) THEN 'acknowledged' ELSE told.state END,
    acknowledged_at = CASE WHEN told.state = ANY (%(to_push)s) THEN heard.at ELSE told.acknowledged_at END,
    note = CASE WHEN told.state = ANY (%(to_push)s) THEN '' ELSE told.note END,
    sent_at = coalesce(told.sent_at, heard.at), next_attempt_at = NULL, again_at = NULL, leased_until = NULL,
    parked_with = ''
FROM (SELECT * FROM unnest(%(line_ids)s::bigint[], %(ids)s::uuid[], %(ats)s::timestamptz[]) AS one (line_id, id, at)
    ORDER BY line_id, id) AS heard
WHERE told.line_id = heard.line_id AND told.id = heard.id
"""
# What was claimed and never tried: the try does not count.
RELEASE = """
UPDATE revocations_order AS held
SET attempts = held.attempts - 1, leased_until = NULL,
    next_attempt_at = CASE WHEN held.next_attempt_at IS NOT NULL THEN untried.due END,
    again_at = CASE WHEN held.again_at IS NOT NULL THEN untried.due END
FROM (SELECT * FROM unnest(%s::bigint[], %s::uuid[], %s::int[], %s::timestamptz[]) AS one (line_id, id, number, due)
    ORDER BY line_id, id) AS untried
WHERE held.line_id = untried.line_id AND held.id = untried.id AND held.attempts = untried.number
"""


@dataclass(frozen=True)
class Result:
    """What came of a push; `reply` None: it was never tried, because the partner had just kept silent.

    `took`: the seconds from its first byte out to the answer.
    """

    push: Push
    reply: http.Reply | None
    at: datetime
    took: float = 0.0

    @property
    def silent(self) -> bool:
        """Whether the partner did not answer at all, so that others to it can wait."""
        return self.reply is not None and self.reply.status is None


@dataclass(frozen=True)
class _PushVerdict:
    """A push that was tried, and what its reply means."""

    push: Push
    reply: http.Reply
    verdict: Verdict
    at: datetime


def record(*, batch: Sequence[Result]) -> list[str]:
    """Write down each try and its outcome, in one transaction. Returns the outcomes."""
    tried = [
        _PushVerdict(one.push, one.reply, judge(reply=one.reply), one.at) for one in batch if one.reply is not None
    ]
    with transaction.atomic():
        _write_down(tried)
        _acknowledge([told for told in tried if told.verdict.state == State.ACKNOWLEDGED])
        for told in tried:
            if told.verdict.state != State.ACKNOWLEDGED:
                _move(told)
        _release_untried(batch)
        _pause(tried)
        _open_incidents(tried)
    _record_breaker_counts(tried)
    return [told.verdict.outcome for told in tried]


def _write_down(tried: Sequence[_PushVerdict]) -> None:
    orders = [(told, told.push.row) for told in tried if isinstance(told.push.row, Order)]
    rows = [
        (
            order.line_id, order.id, told.push.number, told.at, told.verdict.outcome, told.reply.status,
            told.verdict.note, told.push.token,
        )
        for told, order in orders
    ]  # fmt: skip
    if rows:
        with connection.cursor() as cursor:
            cursor.execute(WRITE_DOWN, [list(column) for column in zip(*rows, strict=True)])
    StreamAttempt.objects.bulk_create(
        [
            StreamAttempt(
                event_id=told.push.row.id, number=told.push.number, at=told.at, outcome=told.verdict.outcome,
                status=told.reply.status, detail=told.verdict.note, token=told.push.token,
            )
            for told in tried
            if isinstance(told.push.row, StreamEvent)
        ],
        ignore_conflicts=True,
    )  # fmt: skip


def _acknowledge(told: Sequence[_PushVerdict]) -> None:
    orders = [(one.push.row, one.at) for one in told if isinstance(one.push.row, Order)]
    if orders:
        _acknowledge_orders(orders)
    for one in told:
        if isinstance(one.push.row, StreamEvent):
            acknowledge_event(event=one.push.row, at=one.at)


def _acknowledge_orders(orders: Sequence[tuple[Order, datetime]]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            ACKNOWLEDGE,
            {
                "to_push": [str(state) for state in TO_PUSH],
                "line_ids": [order.line_id for order, _ in orders],
                "ids": [order.id for order, _ in orders],
                "ats": [at for _, at in orders],
            },
        )


def acknowledge_event(*, event: StreamEvent, at: datetime) -> None:
    """Record that the partner has this event."""
    mine = StreamEvent.objects.filter(pk=event.pk)
    mine.filter(state__in=TO_PUSH).update(
        state=State.ACKNOWLEDGED, acknowledged_at=at, sent_at=Coalesce(F("sent_at"), at), note="", parked_with="",
        next_attempt_at=None,
    )  # fmt: skip
    mine.update(again_at=None, leased_until=None)


def _move(told: _PushVerdict) -> None:
    """Bring the row where the verdict puts it. A receipt may have been quicker: then it stands."""
    push, verdict, row = told.push, told.verdict, told.push.row
    due = told.at + wait_after(
        row_id=row.id, tries=push.number, verdict=verdict, retry_after=told.reply.retry_after, at=told.at
    )
    # Another worker may have taken it since: then its word counts.
    rows = Order.objects.filter(pk=row.pk) if isinstance(row, Order) else StreamEvent.objects.filter(pk=row.pk)
    rows.filter(attempts=push.number, state__in=TO_PUSH).update(
        state=verdict.state or F("state"),
        sent_at=Coalesce(F("sent_at"), told.at) if verdict.state == State.SENT else F("sent_at"),
        next_attempt_at=due,
        note=verdict.note,
        parked_with=verdict.parked_with or "",
    )
    rows.filter(attempts=push.number, again_at__isnull=False).update(again_at=due)
    rows.filter(leased_until=push.lease).update(leased_until=None)


def _release_event(result: Result) -> None:
    due = result.at + SCHEDULE[0]
    mine = StreamEvent.objects.filter(pk=result.push.row.pk, attempts=result.push.number)
    mine.filter(again_at__isnull=False).update(again_at=due)
    mine.filter(next_attempt_at__isnull=False).update(next_attempt_at=due)
    mine.update(attempts=F("attempts") - 1, leased_until=None)


def _pause(tried: Sequence[_PushVerdict]) -> None:
    """410: the partner has closed its stream. Everything waits until it, or an officer, enables it; it may poll."""
    for party_id in {told.push.row.party_id for told in tried if told.verdict.outcome == "gone"}:
        told = next(one for one in tried if one.push.row.party_id == party_id and one.verdict.outcome == "gone")
        stream = standing_stream(party_id=party_id, by=DELIVERY, at=told.at)
        if stream.status == Stream.Status.ENABLED:
            change_status(stream=stream, status=Stream.Status.PAUSED, reason=told.verdict.note, by=DELIVERY, at=told.at)


def open_partner_incident(*, kind: Incident.Kind, party_id: int, at: datetime, count: int = 1) -> None:
    """Open an incident about a partner that needs a person, or count on the one of that day."""
    day = at.astimezone(UTC).date().isoformat()
    audit.actions.open_incident(
        kind=kind, key=f"party:{party_id}:{day}", subject=f"partner:{party_id}", at=at, count=count
    )


def _open_incidents(tried: Sequence[_PushVerdict]) -> None:
    """Open one incident for each partner and kind; where nothing left our own house, one for all partners."""
    found: dict[tuple[Incident.Kind, int], list[datetime]] = defaultdict(list)
    for told in tried:
        if told.verdict.incident is not None:
            found[told.verdict.incident, told.push.row.party_id].append(told.at)
    for (kind, party_id), ats in sorted(found.items()):
        open_partner_incident(kind=kind, party_id=party_id, at=max(ats), count=len(ats))
    ours = [told.at for told in tried if told.verdict.outcome == "ours"]
    if ours:
        day = max(ours).astimezone(UTC).date().isoformat()
        audit.actions.open_incident(
            kind=Incident.Kind.NO_WAY_OUT, key=day, subject="delivery", at=max(ours), count=len(ours)
        )


def _record_breaker_counts(tried: Sequence[_PushVerdict]) -> None:
    """Have the breakers take note. What had no address, or never left our house, says nothing of the partner."""
    probes = _probes_among(tried)
    for party_id, all_told in _sent_by_partner(tried).items():
        _count_probes(party_id, [told for told in all_told if told.push.row.id in probes])
        _count_ordinary(party_id, [told for told in all_told if told.push.row.id not in probes])


def _sent_by_partner(tried: Sequence[_PushVerdict]) -> dict[int, list[_PushVerdict]]:
    parties: dict[int, list[_PushVerdict]] = defaultdict(list)
    for told in tried:
        if told.push.url and told.verdict.outcome != "ours":
            parties[told.push.row.party_id].append(told)
    return parties


def _probes_among(tried: Sequence[_PushVerdict]) -> set[UUID | None]:
    """Return the events of these that a breaker had sent to find out whether the partner answers again."""
    events = {told.push.row.id for told in tried if isinstance(told.push.row, StreamEvent)}
    return set(Breaker.objects.filter(probe_id__in=events).values_list("probe_id", flat=True)) if events else set()


def _count_probes(party_id: int, probes: Sequence[_PushVerdict]) -> None:
    for told in probes:
        fairness.record_probe_result(
            party_id=party_id, event_id=told.push.row.id, arrived=not told.verdict.failed, at=told.at
        )


def _count_ordinary(party_id: int, ordinary: Sequence[_PushVerdict]) -> None:
    if ordinary:
        failures = sum(told.verdict.failed for told in ordinary)
        fairness.record_pushes(party_id=party_id, tries=len(ordinary), failures=failures, at=ordinary[-1].at)


def _release_untried(batch: Sequence[Result]) -> None:
    untried = [(one, one.push.row) for one in batch if one.reply is None]
    _release_orders([(one, row) for one, row in untried if isinstance(row, Order)])
    for one, row in untried:
        if isinstance(row, StreamEvent):
            _release_event(one)


def _release_orders(untried: Sequence[tuple[Result, Order]]) -> None:
    if not untried:
        return
    rows = [(row.line_id, row.id, one.push.number, one.at + SCHEDULE[0]) for one, row in untried]
    with connection.cursor() as cursor:
        cursor.execute(RELEASE, [list(column) for column in zip(*rows, strict=True)])
