"""Figures for everyone: what people chose, how fast partners followed, what left. No figure is about few people."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

FEWEST = 10
WINDOW = timedelta(days=30)

CHOICES = """
SELECT kind, count(*) FROM consent_choice WHERE origin = 'person' AND made_at >= %s GROUP BY kind
"""
ORDERS = """
SELECT count(*), count(acknowledged_at), count(*) FILTER (WHERE state = 'completed'),
    count(*) FILTER (WHERE complete_by <= %s AND state NOT IN ('completed', 'superseded')),
    percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM acknowledged_at - queued_at)),
    percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM completed_at - queued_at))
        FILTER (WHERE state = 'completed')
FROM revocations_order WHERE queued_at >= %s
"""
# Rows under a delayed-notice order are in no figure. Counted by month partition, never by person.
RELEASES = """
SELECT d.basis, d.outcome, d.judgement = 'permitted', count(*)
FROM disclosures_disclosure d
WHERE d.occurred_at >= %s AND d.occurred_at < %s AND NOT EXISTS (
    SELECT FROM disclosures_delayednotice n
    WHERE n.line_id = d.line_id AND n.disclosure_id = d.id
        AND (n.suppressed_until IS NULL OR n.suppressed_until > %s)
        AND NOT EXISTS (
            SELECT FROM disclosures_delayednotice newer
            WHERE newer.line_id = n.line_id AND newer.disclosure_id = n.disclosure_id AND newer.number > n.number))
GROUP BY 1, 2, 3
"""
PARTNERS = """
SELECT count(DISTINCT k.aggregator_id), count(DISTINCT c.lbs_provider_id)
FROM partners_contract k LEFT JOIN partners_campaign c ON c.contract_id = k.id AND c.starts_at <= %s AND %s < c.ends_at
WHERE k.starts_at <= %s AND %s < k.ends_at
"""


@dataclass(frozen=True)
class Figure:
    """A count, or None where it is too small to show."""

    n: int | None

    @classmethod
    def of(cls, n: int) -> "Figure":
        """Nought is shown; one to nine are not."""
        return cls(n if n == 0 or n >= FEWEST else None)


@dataclass(frozen=True)
class Figures:
    """The last 30 days. Times are medians in seconds, None where nothing has happened yet."""

    made_at: datetime
    stops: Figure
    pauses: Figure
    allows: Figure
    orders: Figure
    acknowledged: Figure
    signed: Figure
    late: Figure
    acknowledged_after_s: float | None
    signed_after_s: float | None
    permitted: Figure
    not_permitted: Figure
    refused: Figure
    emergency: Figure
    legal_process: Figure
    network: Figure
    aggregators: int
    services: int


def figures(*, at: datetime) -> Figures:
    """Count now. Four statements over indexes and the newest partitions; callers keep the answer for a while."""
    since = at - WINDOW
    with connection.cursor() as cursor:
        cursor.execute(CHOICES, [since])
        made = dict(cursor.fetchall())
        cursor.execute(ORDERS, [at, since])
        orders, acknowledged, signed, late, acknowledged_after, signed_after = cursor.fetchone() or (0,) * 6
        cursor.execute(RELEASES, [since, at, at])
        released = {tuple(row[:3]): row[3] for row in cursor.fetchall()}
        cursor.execute(PARTNERS, [at] * 4)
        aggregators, services = cursor.fetchone() or (0, 0)

    def outside(basis: str) -> Figure:
        return Figure.of(sum(n for (of, outcome, _), n in released.items() if of == basis and outcome == "released"))

    return Figures(
        made_at=at,
        stops=Figure.of(made.get("stop", 0)),
        pauses=Figure.of(made.get("pause", 0)),
        allows=Figure.of(made.get("allow", 0)),
        orders=Figure.of(orders),
        acknowledged=Figure.of(acknowledged),
        signed=Figure.of(signed),
        late=Figure.of(late),
        acknowledged_after_s=acknowledged_after if acknowledged >= FEWEST else None,
        signed_after_s=signed_after if signed >= FEWEST else None,
        permitted=Figure.of(released.get(("approval", "released", True), 0)),
        not_permitted=Figure.of(released.get(("approval", "released", False), 0)),
        refused=Figure.of(sum(n for (_, outcome, _), n in released.items() if outcome == "refused")),
        emergency=outside("emergency"),
        legal_process=outside("legal_process"),
        network=outside("network"),
        aggregators=aggregators,
        services=services,
    )
