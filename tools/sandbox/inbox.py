"""Take events in by push and by poll, then do an order: delete, tell the companies below, sign it, hand it in.

Each event is kept, or refused, before anybody is answered.
"""

import logging
import uuid
from datetime import datetime, timedelta
from threading import Event, Lock

from tools.sandbox import clock, orders, rules, signing
from tools.sandbox.cohorts import Cohorts
from tools.sandbox.faults import Fault, Faults
from tools.sandbox.identity import Identity
from tools.sandbox.orders import Cohort, EventRefused, EvidenceRequest, Order, Record, StreamUpdated, Verification
from tools.sandbox.signing import Deeds
from tools.sandbox.store import Store, Work
from tools.sandbox.transmitter import Transmitter, Unreachable

FIRST_PAUSE = timedelta(milliseconds=250)
LONGEST_PAUSE = timedelta(seconds=30)

log = logging.getLogger(__name__)


class Courier:
    """One thread's work. `nudge` wakes it; what is left undone is found again after a restart."""

    def __init__(
        self,
        *,
        store: Store,
        cohorts: Cohorts,
        identity: Identity,
        transmitter: Transmitter,
        faults: Faults,
        delay: timedelta,
    ) -> None:
        """`delay`: how long after an order's arrival it is carried out."""
        self._store = store
        self._cohorts = cohorts
        self._identity = identity
        self._transmitter = transmitter
        self._faults = faults
        self._delay = delay
        self._wake = Event()

    def nudge(self) -> None:
        self._wake.set()

    def run(self) -> None:
        """Work until the process ends."""
        while True:
            self._wake.clear()
            self.work()
            self._wake.wait(self._pause())

    def work(self) -> None:
        """Do what there is to do, once."""
        if self._faults.now is Fault.DOWN:
            return
        for order, came_at in self._store.owing(before=clock.now() - self._delay):
            self._carry_out(order, came_at)
        self._cohorts.work(before=clock.now() - self._delay)
        if self._faults.now is Fault.DROP_RECEIPT:
            return
        for jti, token in self._store.due(at=clock.now()):
            for _ in range(2 if self._faults.now is Fault.DUPLICATE else 1):
                self._hand_in(jti, token)

    def _pause(self) -> float | None:
        """Seconds until there is something to do; None: until nudged."""
        if self._faults.now is Fault.DOWN:
            return None
        owing = self._store.first_owing()
        due = None if self._faults.now is Fault.DROP_RECEIPT else self._store.next_due()
        ends = (due, owing + self._delay if owing else None, self._cohorts.next_due(delay=self._delay))
        moments = [moment for moment in ends if moment is not None]
        return max((min(moments) - clock.now()).total_seconds(), 0.01) if moments else None

    def _carry_out(self, order: Order, came_at: datetime) -> None:
        with self._store.carrying_out(order) as work:
            if work is None:
                return
            actions, downstream = self._do(order, work, came_at)
            result: dict[str, object] = {"status": "completed"}
            if signing.unknown(order.required_actions, rules.ACTIONS):
                result = {"status": "rejected", "reason": "unknown_action"}
            jti = uuid.uuid4().hex
            event = {**result, "actions": actions, "downstream": downstream}
            token = signing.receipt(order, self._identity, jti=jti, event=event)
            work.queue_receipt(jti=jti, status=str(result["status"]), token=token, at=clock.now())

    def _do(self, order: Order, work: Work, came_at: datetime) -> tuple[Deeds, Deeds]:
        """Return what was done, and who below did it."""
        actions: Deeds = []
        downstream: Deeds = []
        for action in order.required_actions:
            if action == "stop_use":
                # What is not allowed went out of use in the transaction that took the order.
                actions.append(signing.deed(action, came_at))
            elif action == "delete_held":
                gone = work.delete_held()
                actions.append(signing.deed(action, clock.now(), records=gone))
            elif action == "notify_downstream":
                downstream = signing.sign_for_downstream(order, self._identity, self._faults)
                actions.append(signing.deed(action, clock.now()))
            else:
                actions.append(signing.deed(action, clock.now(), status="rejected"))
        return actions, downstream

    def _hand_in(self, jti: str, token: str) -> None:
        try:
            answer = self._transmitter.post_receipt(token)
            said, accepted = (
                f"{answer.status} {answer.body[:500].decode(errors='replace')}".strip(),
                answer.status == 202,
            )
        except Unreachable as error:
            said, accepted = str(error), False
        if self._faults.now is Fault.DEAF:
            accepted = True
        if not accepted:
            log.warning("receipt not taken: %s", said)
        again = min(FIRST_PAUSE * 2 ** min(self._store.tries(jti), 16), LONGEST_PAUSE)
        self._store.record_answer(jti, answer=said, accepted=accepted, again=again, at=clock.now())


class Inbox:
    """Safe to share between threads."""

    def __init__(
        self,
        *,
        store: Store,
        cohorts: Cohorts,
        courier: Courier,
        identity: Identity,
        transmitter: Transmitter,
        faults: Faults,
    ) -> None:
        self._store = store
        self._cohorts = cohorts
        self._courier = courier
        self._identity = identity
        self._transmitter = transmitter
        self._faults = faults
        self._lock = Lock()
        self._verifications = 0
        self._verification: Record | None = None
        self._updated: Record | None = None

    def take(self, token: str) -> None:
        """On disk when it returns. Raises EventRefused, or Unreachable where the event may come again."""
        if self._faults.now is Fault.ERR400:
            raise EventRefused("invalid_request", "Broken, as ordered.")
        if self._faults.now is Fault.GULLIBLE:
            return
        event = orders.read(token, transmitter=self._transmitter, audience=self._identity.uri)
        match event:
            case Verification() | StreamUpdated():
                self._note(event)
            case _ if self._faults.now is Fault.FORGET:
                return
            case Order():
                self._store.take(event, at=clock.now())
                self._courier.nudge()
            case EvidenceRequest():
                self._answer(event)
            case Cohort():
                self._cohorts.take(event, at=clock.now())
                self._courier.nudge()

    def _answer(self, asked: EvidenceRequest) -> None:
        """Sign what is on file about this subscriber, at once; the courier hands it in."""
        if self._faults.now is Fault.NO_EVIDENCE:
            return
        token, jti = signing.evidence(asked, self._identity)
        self._store.queue_evidence(asked, jti=jti, token=token, at=clock.now())
        self._courier.nudge()

    def verifications(self) -> Record:
        """Return how many came since the start, and the last."""
        with self._lock:
            return {"count": self._verifications, "last": self._verification}

    def get_stream_update(self) -> Record | None:
        """Return the last `stream-updated` since the start."""
        with self._lock:
            return self._updated

    def _note(self, event: Verification | StreamUpdated) -> None:
        at = clock.stamp(clock.now())
        with self._lock:
            if isinstance(event, Verification):
                self._verifications += 1
                self._verification = {"at": at, "jti": event.jti, "state": event.state}
            else:
                self._updated = {"at": at, "jti": event.jti, "status": event.status, "reason": event.reason}
