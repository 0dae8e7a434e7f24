"""Push to many partners at once, in rounds: for named orders, for one partner, or for all to whom something is due.

One thread speaks to the database, for all partners: it claims in turn and records as answers come. Each partner's
pushes run in threads of its own, over a connection or more. So a partner that hangs keeps nobody waiting but itself,
and a burst to one is no more than one batch in front of the others. While many stop, each partner's orders are claimed
some times a second, together: a claim costs the same for one as for many.
"""

import math
import os
import threading
import time
from collections import Counter, defaultdict, deque
from collections.abc import Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from queue import Empty, SimpleQueue
from uuid import UUID

import structlog
from django.conf import settings
from django.db import connection
from django.db.models import Exists, OuterRef, Q

from accounts.primitives.numbers import CANARY_EVENTS
from accounts.workers.one_by_one import report_broken
from audit.primitives import generic_plans
from audit.primitives.traces import traces
from partners.clients import http
from partners.models import Party
from revocations.models import Breaker, Order, Pulse, Stream, StreamEvent
from revocations.workers.delivery import fairness
from revocations.workers.delivery.claims import BATCH, ClaimedOrders, Clock, Full, Push, claim
from revocations.workers.delivery.records import Result, record

log = structlog.get_logger()

# A push that has waited longer for its turn is given back, so that with its own 10 s it ends within the lease.
BUDGET_S = 15.0
LONGEST_ROUND = timedelta(minutes=2)
SECEVENT = "application/secevent+jwt"
# Where answers take so long, waiting is what costs, and more connections are used at once, up to so many.
SLOW_S = 0.05
# Whoever hasn't answered for so long keeps us waiting: nothing more is claimed for it meanwhile.
HANGS_S = 0.25
WIDEST = 16
MOST_THREADS = 512
GATHER_S = 0.02
# Between two claims for one partner, unless the first one left something.
CLAIMED_EVERY_S = 0.05


@dataclass(frozen=True)
class Wake:
    """Something may be due to these partners."""

    party_ids: Collection[int]
    now: datetime


@dataclass
class Partner:
    """One partner's part of a round. `wanting`: more may be due; `woken`: more came after it had fallen silent.

    `is_full`: as much is in flight as may be. `heard_at`: when it last answered, or was asked first.
    """

    party_id: int
    only: Collection[UUID] | None = None
    waiting: deque[tuple[Push, float]] = field(default_factory=deque)
    posters: int = 0
    width: int = 1
    wanting: bool = True
    woken: bool = False
    silent: bool = False
    is_full: bool = False
    heard_at: float = 0.0

    def wake(self) -> None:
        """Look again: at once, or, if it keeps silent, once that is written down."""
        self.woken = self.silent
        self.wanting = self.wanting or not self.silent

    def has_room(self) -> bool:
        """Return whether a claim for it may find more, and that would be taken up soon."""
        is_stuck = bool(self.waiting) and self.hangs()
        return not self.silent and self.wanting and not is_stuck and len(self.waiting) < BATCH // 2

    def hangs(self) -> bool:
        """Return whether it has kept us waiting for longer than an answer usually takes."""
        return self.posters > 0 and time.monotonic() - self.heard_at >= HANGS_S

    def idle(self) -> bool:
        """Return whether nothing is under way; one that was woken meanwhile begins again."""
        if self.posters or self.waiting or (self.wanting and not self.silent):
            return False
        if self.woken:
            self.woken, self.silent, self.wanting = False, False, True
        return not self.wanting or self.silent


@dataclass(frozen=True)
class _PosterExit:
    """One of a partner's posters found nothing more to post."""

    partner: Partner


type Message = Result | Wake | _PosterExit


class Round:
    """One go over what is due. `inbox` may be given from outside, for wake-ups while it runs."""

    def __init__(self, clock: Clock, inbox: SimpleQueue[Message] | None = None) -> None:
        self.done = Counter[str]()
        self._clock = clock
        self._inbox = inbox if inbox is not None else SimpleQueue()
        self._partners: dict[int, Partner] = {}
        self._claimed_at: dict[int, float] = {}
        # For whom the last claim had nothing: they poll, are left alone, or others have it all.
        self._nothing_for: set[int] = set()
        # Who kept silent the last time gets one at a time: a batch for it would cost the others two claims' time.
        self._unheard: set[int] = set()
        self._threads = ThreadPoolExecutor(max_workers=MOST_THREADS, thread_name_prefix="push")

    def run(self, partners: Iterable[Partner] = (), *, linger_s: float = 0.0) -> Counter[str]:
        """Until nothing is due any more, and then for `linger_s` seconds more without a wake-up."""
        self._partners.update({partner.party_id: partner for partner in partners})
        with self._threads:
            while self._turn(linger_s):
                pass
        return self.done

    def _turn(self, linger_s: float) -> bool:
        """Claim once for each partner that has room, and take in what came. False: it is over."""
        # First for those who answer and have nothing under way: they wait for nobody's answer.
        partners = sorted(self._partners.values(), key=lambda one: (one.party_id in self._unheard, one.posters))
        claimed = [self._claim(partner) for partner in partners]
        self._man_all()
        if not self._partners and not linger_s:
            return False
        messages = self._messages(0.0 if any(claimed) else self._get_wait(linger_s))
        self._take_in(messages)
        return bool(messages or self._partners)

    def _get_wait(self, linger_s: float) -> float | None:
        """Return after how many seconds there is something to do, whatever comes meanwhile; None: never."""
        if not self._partners:
            return linger_s
        return min(
            (self._get_pause(one.party_id) for one in self._partners.values() if self._has_room(one)), default=None
        )

    def _has_room(self, partner: Partner) -> bool:
        is_tried = partner.party_id in self._unheard and bool(partner.posters or partner.waiting)
        return partner.has_room() and not is_tried

    def _get_pause(self, party_id: int) -> float:
        return max(0.0, self._claimed_at.get(party_id, -math.inf) + CLAIMED_EVERY_S - time.monotonic())

    def _man_all(self) -> None:
        for partner in list(self._partners.values()):
            self._man(partner)
            if partner.idle():
                del self._partners[partner.party_id]

    def _claim(self, partner: Partner) -> bool:
        if not self._has_room(partner) or self._get_pause(partner.party_id):
            return False
        self._nothing_for.add(partner.party_id)
        limit = 1 if partner.party_id in self._unheard else BATCH
        try:
            claimed = claim(party_id=partner.party_id, clock=self._clock, limit=limit, only=partner.only)
        except Full:
            # Others have it all, and go on with it; or it is ours, and the next answer makes room.
            partner.wanting, partner.is_full = False, True
            return False
        except Exception:  # one partner's broken row must not keep the others from theirs
            log.exception("claiming for a partner failed", party=partner.party_id)
            if not connection.is_usable():
                # Every partner's claims would fail on it, for as long as this round is woken again and again.
                raise
            report_broken(job="revocations.delivery", count=1, at=self._clock.now())
            self.done["failed"] += 1
            claimed = ClaimedOrders()
        self._take_on(partner, claimed)
        return bool(claimed.pushes)

    def _take_on(self, partner: Partner, claimed: ClaimedOrders) -> None:
        # What comes to be due now has a nudge of its own, or the sweep.
        partner.wanting = claimed.more
        if claimed.pushes:
            self._nothing_for.discard(partner.party_id)
        began = time.monotonic()
        if not claimed.more:
            self._claimed_at[partner.party_id] = began
        partner.waiting.extend((push, began) for push in claimed.pushes)
        self._man(partner)

    def _man(self, partner: Partner) -> None:
        while partner.posters < min(partner.width, len(partner.waiting)):
            partner.heard_at = partner.heard_at if partner.posters else time.monotonic()
            partner.posters += 1
            self._threads.submit(self._post_all, partner)

    def _post_all(self, partner: Partner) -> None:
        """In a thread of its own: push what waits for this partner, one after the other, until nothing does."""
        while True:
            try:
                push, claimed_at = partner.waiting.popleft()
            except IndexError:
                break
            began = time.monotonic()
            reply = None if partner.silent or began - claimed_at > BUDGET_S else _post(push)
            if reply is not None and reply.status is None:
                partner.silent = True
            partner.heard_at = time.monotonic()
            self._inbox.put(Result(push, reply, self._clock.now(), partner.heard_at - began))
        self._inbox.put(_PosterExit(partner))

    def _messages(self, wait: float | None) -> list[Message]:
        """Return what has come; if nothing has, what comes within `wait` seconds. None: wait for as long as it takes.

        While answers keep coming they are let gather for a moment: a record costs about the same for one as for many.
        """
        found, begins = list[Message](), False
        try:
            found.append(self._inbox.get(wait != 0.0, wait))
            until = time.monotonic() + GATHER_S
            while len(found) < BATCH // 2:
                begins = begins or self._begins(found[-1])
                left = until - time.monotonic() if self._busy() and not begins else 0.0
                found.append(self._inbox.get(left > 0, max(left, 0.0)))
        except Empty:
            pass
        return found

    def _busy(self) -> bool:
        """Return whether more answers are about to come: not from whoever hangs, for whom nobody else must wait."""
        return any(partner.waiting and not partner.hangs() for partner in self._partners.values())

    def _begins(self, message: Message) -> bool:
        """Return whether somebody was woken who has nothing under way: to begin there is more urgent than answers.

        Not whoever can't be claimed for now, or had nothing the last time: a burst wakes them with each stop.
        """
        return isinstance(message, Wake) and any(map(self._is_urgent, message.party_ids))

    def _is_urgent(self, party_id: int) -> bool:
        partner = self._partners.get(party_id)
        is_under_way = partner is not None and (partner.posters > 0 or partner.silent)
        return not is_under_way and party_id not in self._nothing_for and not self._get_pause(party_id)

    def _take_in(self, messages: Iterable[Message]) -> None:
        results: list[Result] = []
        for message in messages:
            if isinstance(message, Result):
                results.append(message)
                self._adapt(message)
            elif isinstance(message, Wake):
                self._wake(message)
            else:
                message.partner.posters -= 1
        if results:
            self.done.update(record(batch=results))
        if self._clock.get_elapsed() > LONGEST_ROUND:
            for partner in self._partners.values():
                partner.wanting = False

    def _wake(self, wake: Wake) -> None:
        self._clock = Clock(wake.now)
        for party_id in wake.party_ids:
            if party_id in self._partners:
                self._partners[party_id].wake()
            else:
                self._partners[party_id] = Partner(party_id)

    def _adapt(self, result: Result) -> None:
        partner = self._partners.get(result.push.row.party_id)
        if partner is None:
            return
        # An event may have been the probe, and have closed the breaker.
        partner.wanting = partner.wanting or partner.is_full or isinstance(result.push.row, StreamEvent)
        partner.is_full = False
        if result.reply is not None:
            self._unheard.discard(partner.party_id)
        if result.silent:
            partner.width = 1
            self._unheard.add(partner.party_id)
        elif result.took > SLOW_S and partner.waiting:
            partner.width = min(2 * partner.width, WIDEST)


def _post(push: Push) -> http.Reply:
    if not push.url:
        return http.Reply(None, detail="no address is known")
    headers = {"Authorization": push.authorization} if push.authorization else None
    try:
        with traces.step(push.trace, "push") as tell:
            reply = http.post(
                url=push.url, body=push.token.encode(), content_type=SECEVENT, headers=headers,
                is_ours=push.url == f"{settings.BASE_URL}{CANARY_EVENTS}",
            )  # fmt: skip
            tell(reply.status)
            return reply
    except Exception as error:  # one surprise must not leave the whole batch without a record
        log.exception("push failed", about=str(push.row.id))
        return http.Reply(None, detail=type(error).__name__)


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
    return Round(Clock(now)).run(Partner(party_id) for party_id in begin_sweep(now=now))


def start_delivery(*, party_ids: Collection[int], now: datetime) -> None:
    """Have what is due to these partners pushed by this process's own thread. Returns at once."""
    if party_ids:
        get_dispatcher().wake(party_ids=party_ids, now=now)


def begin_sweep(*, now: datetime) -> list[int]:
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
    ).exclude(pk__in=Breaker.objects.filter(open_until__gt=now).values_list("party_id", flat=True))
    return list(parties.order_by("pk").values_list("pk", flat=True))
