"""Where events come in, by push and by poll alike: each is kept, or refused, before anybody is answered."""

from threading import Lock

from tools.sandbox import clock, orders, signing
from tools.sandbox.cohorts import Cohorts
from tools.sandbox.courier import Courier
from tools.sandbox.faults import Fault, Faults
from tools.sandbox.identity import Identity
from tools.sandbox.orders import Cohort, EventRefused, EvidenceRequest, Order, Record, StreamUpdated, Verification
from tools.sandbox.store import Store
from tools.sandbox.transmitter import Transmitter


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
