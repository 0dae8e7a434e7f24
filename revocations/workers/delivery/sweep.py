"""Start rounds of delivery: for named orders, for one partner, or for everybody to whom something is due."""

import os
import threading
from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from functools import cache
from queue import SimpleQueue
from uuid import UUID

import structlog
from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet

from audit.primitives import generic_plans
from partners.models import Party
from revocations.models import Breaker, Order, Pulse, Stream, StreamEvent
from revocations.workers.delivery import fairness
from revocations.workers.delivery.claims import Clock
from revocations.workers.delivery.delivery_rounds import Message, Partner, Round, Wake

log = structlog.get_logger()

LINGER_S = 20.0


class Dispatcher:
    """Where this process delivers from. The thread ends when nothing has come for a while, and starts again.

    Tasks hand over to it: one that waited for a slow partner would keep its worker from everybody else's orders. What
    is under way when the process ends is given back by its leases.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inbox: SimpleQueue[Message] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def wake(self, *, party_ids: Collection[int], now: datetime, linger_s: float = LINGER_S) -> None:
        """Have what is due to these partners pushed. Returns at once."""
        with self._lock:
            self._inbox.put(Wake(party_ids, now))
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, args=(now, linger_s), daemon=True, name="delivery")
                self._thread.start()

    def finish(self, *, within_s: float) -> None:
        """Wait until the thread has ended."""
        thread = self._thread
        if thread is not None:
            thread.join(within_s)

    def _work(self, now: datetime, linger_s: float) -> None:
        try:
            while True:
                connection.ensure_connection()
                with generic_plans.use_generic_plans():
                    Round(Clock(now), self._inbox).run(linger_s=linger_s)
                with self._lock:
                    if self._inbox.empty():
                        self._thread = None
                        return
        except Exception:  # the sweep begins anew, on another session and with whatever the leases give back
            log.exception("delivery stopped")
            with self._lock:
                self._thread = None
        finally:
            connection.close()


@cache
def _make_dispatcher(_pid: int) -> Dispatcher:
    return Dispatcher()


def get_dispatcher() -> Dispatcher:
    """This process's own: a thread does not live on in a forked one."""
    return _make_dispatcher(os.getpid())


def deliver(*, order_ids: Sequence[UUID], now: datetime) -> Counter[str]:
    """Push these orders if they are due, partners side by side. Returns how many ended how."""
    orders: dict[int, list[UUID]] = defaultdict(list)
    for party_id, order_id in Order.objects.filter(id__in=order_ids).values_list("party_id", "id"):
        orders[party_id].append(order_id)
    return Round(Clock(now)).run(Partner(party_id, only=ids) for party_id, ids in sorted(orders.items()))


def deliver_due(*, party_id: int, now: datetime) -> Counter[str]:
    """Push what is due to one partner, stops first, until nothing is left, it falls silent, or two minutes are over."""
    return Round(Clock(now)).run([Partner(party_id)])


def sweep(*, now: datetime) -> Counter[str]:
    """Push all that is due, here and now, without Celery. Returns how many ended how."""
    return Round(Clock(now)).run(Partner(party_id) for party_id in record_delivery_minute(now=now))


def start_delivery(*, party_ids: Collection[int], now: datetime) -> None:
    """Have what is due to these partners pushed by this process's own thread. Returns at once."""
    if party_ids:
        get_dispatcher().wake(party_ids=party_ids, now=now)


def record_delivery_minute(*, now: datetime) -> list[int]:
    """Note that delivery ran in this minute, and return the partners to whom something is due."""
    Pulse.objects.bulk_create([Pulse(minute=now.replace(second=0, microsecond=0))], ignore_conflicts=True)
    fairness.delete_old_tallies(now=now)
    return parties_due(now=now)


def parties_due(*, now: datetime) -> list[int]:
    """The partners to whom something is to be pushed now; not those that poll, have paused, or are left alone."""
    due = Q(next_attempt_at__lte=now) | Q(again_at__lte=now)
    orders = Order.objects.filter(party_id=OuterRef("pk"))
    events = StreamEvent.objects.filter(due, party_id=OuterRef("pk"))
    mine = Stream.objects.filter(party_id=OuterRef("pk"))
    parties = Party.objects.filter(
        Q(Exists(orders.filter(next_attempt_at__lte=now)))
        | Q(Exists(orders.filter(again_at__lte=now)))
        | Q(Exists(events)),
        ~Exists(mine.filter(method=Stream.Method.POLL)),
        Q(Exists(events.filter(kind=StreamEvent.Kind.STREAM_UPDATED)))
        | ~Exists(mine.exclude(status=Stream.Status.ENABLED)),
    ).exclude(pk__in=_list_paused_parties(now))
    return list(parties.order_by("pk").values_list("pk", flat=True))


def _list_paused_parties(now: datetime) -> QuerySet[Breaker, int]:
    return Breaker.objects.filter(open_until__gt=now).values_list("party_id", flat=True)
