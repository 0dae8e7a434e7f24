"""Figures about what does the work: beat, workers, the broker, the database, texts, and pushes to partners."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Max, Sum
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from accounts.models import Message
from partners.workers.checkpoints import age_s
from portal import heartbeats
from revocations.models import Pulse, PushTally

HOUR, LATELY = timedelta(hours=1), timedelta(minutes=10)
# Its own sessions alone: the application's role sees no more, and needs no right for it.
SESSIONS = """
SELECT coalesce(state, 'unknown'), count(*), (SELECT setting::int FROM pg_settings WHERE name = 'max_connections')
FROM pg_stat_activity WHERE usename = current_user AND datname = current_database() GROUP BY 1
"""


class WorkerMetrics(Collector):
    """Gauges read when asked. `depth`: how many tasks wait at the broker, None while it is away."""

    def __init__(self, at: datetime, *, depth: int | None) -> None:
        self._at, self._depth = at, depth

    def describe(self) -> list[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily(
            "whereabouts_broker_up", "Whether the broker answers.", value=0 if self._depth is None else 1
        )
        waiting = GaugeMetricFamily("whereabouts_broker_tasks", "Tasks that wait at the broker.", labels=[])
        if self._depth is not None:
            waiting.add_metric([], self._depth)
        yield waiting
        yield self._heartbeats()
        yield GaugeMetricFamily(
            "whereabouts_checkpoint_age_seconds",
            "Since the audit trail was last signed outside the database.",
            value=age_s(),
        )
        yield self._pushes()
        yield self._texts()
        yield from _sessions()

    def _heartbeats(self) -> Metric:
        ages = GaugeMetricFamily(
            "whereabouts_heartbeat_age_seconds", "Since the newest sign of life of each kind.", labels=["process"]
        )
        for process in heartbeats.PROCESSES:
            ages.add_metric([process], heartbeats.age_s(process=process))
        minute = Pulse.objects.aggregate(newest=Max("minute"))["newest"]
        # A minute is noted as it begins.
        since = float("inf") if minute is None else max(0.0, (self._at - minute).total_seconds() - 60)
        ages.add_metric(["delivery"], since)
        return ages

    def _pushes(self) -> Metric:
        pushes = GaugeMetricFamily(
            "whereabouts_pushes_last_ten_minutes",
            "Pushes to partners by what came of them.",
            labels=["party", "result"],
        )
        lately = PushTally.objects.filter(minute__gt=self._at - LATELY, minute__lte=self._at)
        for party, tries, failures in lately.values_list("party_id").annotate(Sum("tries"), Sum("failures")):
            pushes.add_metric([str(party), "taken"], tries - failures)
            pushes.add_metric([str(party), "failed"], failures)
        return pushes

    def _texts(self) -> Metric:
        texts = GaugeMetricFamily(
            "whereabouts_texts", "Texts to people: waiting now; taken, in doubt or given up in the last hour.",
            labels=["state"],
        )  # fmt: skip
        for state, count in _texts_by_state(since=self._at - HOUR, at=self._at).items():
            texts.add_metric([state], count)
        return texts


def _texts_by_state(*, since: datetime, at: datetime) -> dict[str, int]:
    open_ones = Message.objects.filter(taken_at__isnull=True, doubt_at__isnull=True)
    return {
        "waiting": open_ones.filter(next_at__lte=at, expires_at__gt=at).count(),
        "taken": Message.objects.filter(taken_at__gt=since, doubt_at__isnull=True).count(),
        "in_doubt": Message.objects.filter(doubt_at__gt=since).count(),
        "given_up": open_ones.filter(expires_at__gt=since, expires_at__lte=at).count(),
    }


def _sessions() -> Iterator[Metric]:
    with connection.cursor() as cursor:
        cursor.execute(SESSIONS)
        found = cursor.fetchall()
    sessions = GaugeMetricFamily("whereabouts_database_sessions", "Our sessions at the database.", labels=["state"])
    for state, count, _ in found:
        sessions.add_metric([state], count)
    yield sessions
    most = max((most for _, _, most in found), default=0)
    yield GaugeMetricFamily("whereabouts_database_sessions_limit", "How many it takes in all.", value=most)
