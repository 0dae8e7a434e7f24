"""The partner looks after its own stream (SSF 1.0): creates it, asks for a verification, polls where it polls."""

import logging
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from threading import Condition

from tools.sandbox.faults import Fault, Faults
from tools.sandbox.inbox import Inbox
from tools.sandbox.orders import CHANGE, COHORT, EVIDENCE, STREAM_UPDATED, VERIFICATION, EventRefused, Record
from tools.sandbox.transmitter import MANAGE, READ, Answer, Transmitter, Unreachable

STREAMS, VERIFY, POLL = "/ssf/streams", "/ssf/verify", "/ssf/poll"
FIRST_PAUSE = timedelta(milliseconds=250)
LONGEST_PAUSE = timedelta(seconds=30)
# A waiting poll is answered within 30 s.
POLL_SECONDS = 45.0

log = logging.getLogger(__name__)


class Method(StrEnum):
    PUSH = "urn:ietf:rfc:8935"
    POLL = "urn:ietf:rfc:8936"


@dataclass(frozen=True)
class Outcome:
    """What became of the tokens of one poll: kept, or refused and why."""

    kept: list[str] = field(default_factory=list)
    refused: dict[str, dict[str, str]] = field(default_factory=dict)


class Stream:
    """One thread's work, after the server listens."""

    def __init__(
        self,
        *,
        method: Method,
        endpoint_url: str,
        authorization: str,
        name: str,
        transmitter: Transmitter,
        inbox: Inbox,
        faults: Faults,
    ) -> None:
        """`authorization`: the header that it wants each push to have; "" for none."""
        self._method = method
        self._authorization = authorization
        self._endpoint_url = endpoint_url
        self._name = name
        self._transmitter = transmitter
        self._inbox = inbox
        self._faults = faults
        self._again = Condition()
        self._asked = ""
        self.configuration: Record = {}

    def run(self) -> None:
        """Have a stream, see that it works, then poll for ever or be done."""
        self._until_done(self._ensure)
        self._until_done(self._verify)
        pause, last = FIRST_PAUSE, Outcome()
        while self._method is Method.POLL:
            try:
                last = self._poll(last)
                pause = FIRST_PAUSE
            except Unreachable as error:
                log.warning("polling: %s", error)
                self._wait(pause)
                pause = min(pause * 2, LONGEST_PAUSE)

    def get_status(self) -> Record:
        """Return what a tester may see."""
        last = self._inbox.verifications()["last"]
        verified = isinstance(last, dict) and bool(self._asked) and last.get("state") == self._asked
        return {"configuration": self.configuration, "verified": verified, "updated": self._inbox.get_stream_update()}

    def _until_done(self, step: Callable[[], None]) -> None:
        pause = FIRST_PAUSE
        while True:
            try:
                return step()
            except Unreachable as error:
                log.warning("stream: %s", error)
                self._wait(pause)
                pause = min(pause * 2, LONGEST_PAUSE)

    def _ensure(self) -> None:
        delivery: dict[str, object] = {"method": self._method.value}
        if self._method is Method.PUSH:
            delivery["endpoint_url"] = self._endpoint_url
            if self._authorization:
                delivery["authorization_header"] = self._authorization
        wanted: dict[str, object] = {
            "delivery": delivery,
            "events_requested": [
                *(self._transmitter.issuer + kind for kind in (CHANGE, COHORT, EVIDENCE)), VERIFICATION, STREAM_UPDATED,
            ],
            "description": self._name,
        }  # fmt: skip
        answer = self._manage("POST", wanted)
        if answer.status == 409:
            # One stream for each partner: make the one that is there ours.
            answer = self._manage("PUT", {"stream_id": self._existing(), **wanted})
        if answer.status not in {200, 201}:
            raise Unreachable(f"{STREAMS} answers {answer.status} {answer.body[:300].decode(errors='replace')}")
        self.configuration = dict(answer.json())

    def _existing(self) -> str:
        answer = self._transmitter.call("GET", STREAMS, scope=MANAGE)
        found = answer.any_json()
        first = found[0] if isinstance(found, list) and found else found
        stream_id = first.get("stream_id") if isinstance(first, dict) else None
        if not isinstance(stream_id, str):
            raise Unreachable(f"{STREAMS} shows no stream")
        return stream_id

    def _verify(self) -> None:
        self._asked = secrets.token_urlsafe(12)
        asked = {"stream_id": self.configuration.get("stream_id"), "state": self._asked}
        answer = self._transmitter.send_json("POST", VERIFY, asked, scope=MANAGE)
        if answer.status == 429:
            raise Unreachable("asked for a verification too soon")
        if answer.status != 204:
            log.warning("%s answers %s", VERIFY, answer.status)

    def _manage(self, method: str, body: Mapping[str, object]) -> Answer:
        return self._transmitter.send_json(method, STREAMS, body, scope=MANAGE)

    def _poll(self, last: Outcome) -> Outcome:
        """Tell what was kept and what was refused, and take what comes. What to tell the next time."""
        if self._faults.now in {Fault.DOWN, Fault.ERR500}:
            self._wait(FIRST_PAUSE)
            return last
        asked = {"maxEvents": 100, "returnImmediately": False, "ack": last.kept, "setErrs": last.refused}
        answer = self._transmitter.send_json("POST", POLL, asked, scope=READ, seconds=POLL_SECONDS)
        sets = answer.json().get("sets")
        if answer.status != 200 or not isinstance(sets, dict):
            raise Unreachable(f"{POLL} answers {answer.status}")
        if self._faults.now is Fault.SLOW:
            self._faults.dawdle()
        told = self._take(sets)
        if not sets:
            # A transmitter that does not let us wait is not asked without a pause.
            self._wait(FIRST_PAUSE)
        return told

    def _take(self, sets: Mapping[str, object]) -> Outcome:
        told = Outcome()
        for jti, token in sets.items():
            try:
                self._inbox.take(token if isinstance(token, str) else "")
                told.kept.append(jti)
            except EventRefused as refusal:
                told.refused[jti] = {"err": refusal.err, "description": str(refusal)}
            except Unreachable as error:
                log.warning("left for the next poll: %s", error)
        return told

    def _wait(self, pause: timedelta) -> None:
        with self._again:
            self._again.wait(pause.total_seconds())
