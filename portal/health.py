"""Whether this process can do its work, and the figures that operators watch."""

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.models import Count
from kombu import Connection, Queue
from kombu.exceptions import KombuError
from prometheus_client import CollectorRegistry, generate_latest, multiprocess
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

import accounts.queries
import support.queries.pending_tickets
from accounts.clients.texts import CODES
from consent.gate.deciding import DECISIONS, read_opening
from consent.models import ArchiveQueueEntry, Tightening
from consent.primitives.stop_failures import STOPS_FAILED
from disclosures.models import AnomalyWatch
from disclosures.queries.delayed import count_pending_rows
from disclosures.workers import retention
from partners.workers.checkpoints import age_s
from portal.load_shedding import REQUESTS, TURNED_AWAY
from portal.worker_metrics import WorkerMetrics
from revocations.models import TO_PUSH, Order
from revocations.workers.stream_health import list_unanswered_since
from support.queries.visible import visible_incidents

HOUR = timedelta(hours=1)
REMEMBERED_S = 2.0
PATIENCE_S = 0.5
# Connecting is not all that may hang: the answer to the first question may never come either.
PATIENT_OPTIONS = {
    "socket_timeout": PATIENCE_S,
    "socket_connect_timeout": PATIENCE_S,
    "read_timeout": PATIENCE_S,
    "write_timeout": PATIENCE_S,
}


@dataclass(frozen=True)
class Readiness:
    """What `/readyz` answers. A stop needs the database alone; without the broker orders wait for the sweep.

    `canary`: "ok", "failed", "never", "late" or "off": the last trial of stopping; it makes nothing unready.
    `partitions`: "ok", or the months ahead that have none. Their rows are kept in the default partition meanwhile.
    `gate`: "open", or "closed: " and why: it says no to every release until the database was compared with the archive
    of stops. `unarchived_s`: how long the oldest choice waits for that archive. `checkpoint_s`: since the audit trail
    was last signed outside the database; None where it is not known to have been.
    """

    database: str
    broker: str
    oldest_due_s: float | None
    partitions: str
    canary: str = "unknown"
    gate: str = "unknown"
    unarchived_s: float | None = None
    checkpoint_s: float | None = None

    @property
    def ready(self) -> bool:
        return self.database == "ok"


def readiness(*, at: datetime) -> Readiness:
    """Look at the database and the broker, each with a short time-out."""
    try:
        oldest, missing = _oldest_due_s(at), retention.missing_months(now=at)
        gate, unarchived, trial = (
            read_opening(),
            _unarchived_s(at),
            support.queries.pending_tickets.canary(at=at).state,
        )
    except DatabaseError:
        return Readiness("down", broker.state(settings.CELERY_BROKER_URL), None, "unknown")
    return Readiness(
        "ok",
        broker.state(settings.CELERY_BROKER_URL),
        oldest,
        f"missing: {', '.join(missing)}" if missing else "ok",
        trial,
        "open" if gate.is_open else f"closed: {gate.why}",
        unarchived,
        _checkpoint_s(),
    )


def metrics(*, at: datetime) -> bytes:
    """Return the figures in Prometheus's text form, counted now.

    Answers of the gate and requests are counted by each process; with PROMETHEUS_MULTIPROC_DIR each tells of all.
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Figures(at))
    registry.register(WorkerMetrics(at, depth=broker.depth(settings.CELERY_BROKER_URL)))
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        of_all: Callable[..., object] = multiprocess.MultiProcessCollector
        of_all(registry)
    else:
        for counted in (DECISIONS, STOPS_FAILED, CODES, REQUESTS, TURNED_AWAY):
            registry.register(counted)
    return generate_latest(registry)


class Figures(Collector):
    """Gauges read from the database when asked, so that every web process answers the same."""

    def __init__(self, at: datetime) -> None:
        self._at = at

    def describe(self) -> list[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        yield from self._orders()
        yield GaugeMetricFamily(
            "whereabouts_partitions_missing",
            "Of this month and the next, those whose releases have no partition.",
            value=len(retention.missing_months(now=self._at)),
        )
        yield GaugeMetricFamily(
            "whereabouts_gate_open", "0: every release is denied.", value=int(read_opening().is_open)
        )
        yield GaugeMetricFamily(
            "whereabouts_unarchived_seconds",
            "How long the oldest choice waits for the archive outside the database.",
            value=_unarchived_s(self._at),
        )
        yield _count_open_incidents(self._at)
        yield _build_pending_rows_metric()
        yield from _canary(self._at)
        yield from self._late_and_many()

    def _orders(self) -> Iterator[Metric]:
        states = GaugeMetricFamily(
            "whereabouts_orders", "Orders that no partner has taken, by state.", labels=["state"]
        )
        # Of these there is an index; of all that ever were there is none, and nobody waits for them.
        open_ones = Order.objects.filter(next_attempt_at__isnull=False)
        counts = dict(open_ones.order_by().values("state").annotate(n=Count("id")).values_list("state", "n"))
        for state in TO_PUSH:
            states.add_metric([state], counts.get(state, 0))
        yield states
        oldest = GaugeMetricFamily(
            "whereabouts_oldest_unacknowledged_seconds",
            "Age of the oldest order, or end of an agreement, that a partner has not taken.",
            labels=["party"],
        )
        for party, since in list_unanswered_since().items():
            oldest.add_metric([str(party)], (self._at - since).total_seconds())
        yield oldest
        yield GaugeMetricFamily(
            "whereabouts_oldest_due_seconds", "How long the oldest due order waits.", value=_oldest_due_s(self._at)
        )

    def _late_and_many(self) -> Iterator[Metric]:
        behind = GaugeMetricFamily(
            "whereabouts_anomalies_behind_seconds", "How far behind the search for anomalies is.", labels=[]
        )
        for until in AnomalyWatch.objects.values_list("until", flat=True):
            behind.add_metric([], (self._at - until).total_seconds())
        yield behind
        codes = GaugeMetricFamily(
            "whereabouts_code_texts_last_hour", "Texts with codes in the last hour.", labels=["purpose"]
        )
        for purpose, count in accounts.queries.code_texts(since=self._at - HOUR).items():
            codes.add_metric([purpose], count)
        yield codes


def _canary(at: datetime) -> Iterator[Metric]:
    """Yield how the trial of stopping with a line of our own stands."""
    found = support.queries.pending_tickets.canary(at=at)
    yield GaugeMetricFamily(
        "whereabouts_canary_ok", "Whether the last trial of stopping went through, in its time.",
        value=found.state == "ok",
    )  # fmt: skip
    last = GaugeMetricFamily(
        "whereabouts_canary_last_success_timestamp_seconds", "When a trial of stopping last went through.", labels=[]
    )
    if found.succeeded_at is not None:
        last.add_metric([], found.succeeded_at.timestamp())
    yield last
    steps = GaugeMetricFamily("whereabouts_canary_step_seconds", "How long each step of it took then.", labels=["step"])
    for step, seconds in found.seconds.items():
        steps.add_metric([step], seconds)
    yield steps


def _build_pending_rows_metric() -> Metric:
    """Return what waits for its line; what an order hides is not in it."""
    found = count_pending_rows()
    held = GaugeMetricFamily(
        "whereabouts_releases_held",
        "Reported releases of numbers that no line has, by where they came from, of 10,000 at most; ungated: the"
        " gateway's, released without the gate's yes.",
        labels=["of"],
    )
    for of, n in (("file", found.from_files), ("gateway", found.from_gateway), ("ungated", found.ungated)):
        held.add_metric([of], n)
    return held


def _oldest_due_s(at: datetime) -> float:
    with connection.cursor() as cursor:
        cursor.execute("SELECT min(next_attempt_at) FROM revocations_order WHERE next_attempt_at <= %s", [at])
        (oldest,) = cursor.fetchone()
    return 0.0 if oldest is None else float((at - oldest).total_seconds())


def _unarchived_s(at: datetime) -> float:
    choices = ArchiveQueueEntry.objects.order_by("queued_at", "id").values_list("queued_at", flat=True)
    others = Tightening.objects.filter(archived_at__isnull=True).order_by("at").values_list("at", flat=True)
    return max((at - oldest).total_seconds() if oldest else 0.0 for oldest in (choices.first(), others.first(), at))


def _checkpoint_s() -> float | None:
    age = age_s()
    return None if age == float("inf") else age


class Broker:
    """The broker's state, and how much waits there, as last seen: one look every two seconds, whoever asks how often.

    A broker that hangs would hold each thread of the web server that looks at it, and the gate with them.
    """

    def __init__(self) -> None:
        self._looking = Lock()
        self._seen: tuple[str, float, int | None] = ("", 0.0, None)

    def state(self, url: str) -> str:
        """Either "ok" or "down"."""
        return "down" if self.depth(url) is None else "ok"

    def depth(self, url: str) -> int | None:
        """Return how many tasks wait at the broker; None while it is away."""
        with self._looking:
            seen_url, seen_at, depth = self._seen
            if seen_url != url or time.monotonic() - seen_at > REMEMBERED_S:
                depth = _look_at(url)
                self._seen = (url, time.monotonic(), depth)
            return depth


broker = Broker()


def _look_at(url: str) -> int | None:
    master = settings.CELERY_BROKER_TRANSPORT_OPTIONS.get("master_name")
    options = {**PATIENT_OPTIONS, "master_name": master} if master else PATIENT_OPTIONS
    try:
        with Connection(url, connect_timeout=PATIENCE_S, transport_options=options) as found:
            found.ensure_connection(max_retries=1, interval_start=0, timeout=1)
            return _waiting(found)
    except (OSError, KombuError):
        return None


def _waiting(found: Connection) -> int:
    """Return what is in the queue of tasks; one that nothing was ever put into does not exist, and holds nothing."""
    try:
        queue: Any = Queue("celery", channel=found.default_channel)
        return int(queue.queue_declare(passive=True).message_count)
    except found.channel_errors:
        return 0


def _count_open_incidents(at: datetime) -> Metric:
    open_now = visible_incidents(at=at).filter(closed_at__isnull=True)
    incidents = GaugeMetricFamily("whereabouts_incidents_open", "Incidents that are open.", labels=["kind"])
    for kind, count in open_now.values_list("kind").annotate(Count("id")):
        incidents.add_metric([kind], count)
    return incidents
