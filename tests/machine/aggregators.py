"""Aggregators as their engineers would build them: they take orders by push and by poll, and sign what they did."""

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings
from django.test import Client as Http

from partners.models import Party
from tests.partners.outside import Answer, Asked, Outside, Signer
from tests.revocations.scenes import CHANGE, RECEIPT, claims_of, stamp

type Claims = dict[str, Any]


@dataclass(frozen=True)
class Mood:
    """How a push is taken: whether it is kept, and what is answered."""

    answer: Answer
    keeps: bool = False


INVALID_KEY = json.dumps({"err": "invalid_key", "description": "no such kid"}).encode()
INVALID_REQUEST = json.dumps({"err": "invalid_request", "description": "no state"}).encode()
# As the story goes on: "it …".
HOW: Mapping[str, Mood] = {
    "takes it": Mood(Answer(202), keeps=True),
    "keeps it, but its answer is lost": Mood(Answer(0), keeps=True),
    "answers 500 and keeps nothing": Mood(Answer(500)),
    "hangs up": Mood(Answer(0)),
    "says that our key is not valid": Mood(Answer(400, INVALID_KEY)),
    "says that our order is not valid": Mood(Answer(400, INVALID_REQUEST)),
    "answers 429 for two minutes": Mood(Answer(429, headers={"Retry-After": "120"})),
    "answers 202 with a page of its proxy": Mood(Answer(202, b"<html>Accepted</html>")),
}
TAKES = "takes it"


@dataclass(frozen=True)
class Held:
    """An order that an aggregator has."""

    jti: str
    claims: Claims
    event: Claims

    @property
    def about(self) -> tuple[str, str]:
        """Whom, under which agreement."""
        return self.claims["sub_id"]["sub"], self.event["agreement"]

    @property
    def newness(self) -> tuple[int, int]:
        return self.event["epoch"], self.event["version"]


@dataclass(frozen=True)
class Signed:
    """A receipt that was handed in and taken, about the order of this `jti`. `companies`: who signed below."""

    order: str
    status: str
    at: datetime
    companies: frozenset[str]


@dataclass
class Aggregator:
    """One aggregator with its key, its access token, and everything it knows.

    `copy`: by whom and agreement, the newest order it has. `heard`: what reached it, kept or not.
    `acknowledged`: what it has said that it has. `handed_in`: receipts, and whether they were taken.
    """

    name: str
    party: Party
    signer: Signer
    token: str
    http: Http
    mood: str = TAKES
    orders: dict[str, Held] = field(default_factory=dict)
    copy: dict[tuple[str, str], Held] = field(default_factory=dict)
    heard: set[str] = field(default_factory=set)
    acknowledged: set[str] = field(default_factory=set)
    signed: list[Signed] = field(default_factory=list)
    handed_in: list[tuple[str, bool]] = field(default_factory=list)

    @property
    def path(self) -> str:
        return f"/{self.name.lower()}/events"

    def begin_anew(self) -> None:
        """Forget everything that it heard and did."""
        self.mood = TAKES
        for known in (self.orders, self.copy, self.heard, self.acknowledged, self.signed, self.handed_in):
            known.clear()

    # Orders

    def hear(self, asked: Asked, outside: Outside) -> None:
        """A push arrives."""
        how, token = HOW[self.mood], asked.body.decode()
        jti = self._keep(token) if how.keeps else str(claims_of(token)["jti"])
        self.heard.add(jti)
        if how.answer == HOW[TAKES].answer:
            self.acknowledged.add(jti)
        outside.answers.append(how.answer)

    def poll(self, *, ack: Sequence[str] = (), limit: int = 0) -> list[str]:
        """Fetch what waits, at most so much, and acknowledge what was fetched before. Returns each `jti`."""
        body = {"returnImmediately": True, "maxEvents": limit, "ack": list(ack)}
        answer = self.http.post(
            "/ssf/poll", json.dumps(body), content_type="application/json", headers=self._authorization
        )
        assert answer.status_code == 200, answer.content
        self.acknowledged.update(ack)
        got = [self._keep(token) for token in answer.json()["sets"].values()]
        self.heard.update(got)
        return got

    def _keep(self, token: str) -> str:
        """Store it, by the receiver's rule: what is not newer than what is there changes nothing."""
        claims: Claims = claims_of(token)
        jti = str(claims["jti"])
        if CHANGE in claims["events"]:
            held = self.orders[jti] = Held(jti, claims, claims["events"][CHANGE])
            known = self.copy.get(held.about)
            if known is None or held.newness > known.newness:
                self.copy[held.about] = held
        return jti

    @property
    def _authorization(self) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    # Receipts

    def receipt(
        self,
        order: Held,
        status: str,
        *,
        at: datetime,
        nested: Mapping[str, Signer],
        word: Sequence[str],
        wrong: str = "",
    ) -> str:
        """A token that says what was done with an order. `nested`: who signed below; `word`: of whom it only says so.

        `wrong`: what is not right about it.
        """
        when = stamp(at)
        epoch, version = self.copy[order.about].newness
        below = [
            {"recipient": uri, "status": "completed", "at": when, "receipt": self._nested(order, uri, signer, when)}
            for uri, signer in nested.items()
        ]
        done = list(order.event["required_actions"])[1 if wrong == "action missing" else 0 :]
        done_at = "2026-01-01T00:00:00Z" if wrong == "done before" else when
        event: Claims = {
            "status": status,
            "applied": {"epoch": epoch, "version": 0 if wrong == "older version" else version},
            "actions": [{"action": one, "status": "completed", "at": done_at} for one in done],
            "downstream": [*below, *({"recipient": uri, "status": "completed", "at": when} for uri in word)],
            "reason": "not our customer" if status == "rejected" else "",
        }
        claims = self._claims(order, event, settings.BASE_URL, f"rcpt-{uuid.uuid4().hex}")
        if wrong == "for another":
            claims["aud"] = "https://elsewhere.example"
        return (Signer(self.party.uri) if wrong == "another key" else self.signer).sign(claims)

    def _nested(self, order: Held, uri: str, signer: Signer, when: str) -> str:
        event = {
            "status": "completed",
            "actions": [{"action": "delete_held", "status": "completed", "at": when}],
            "root": {"iss": settings.BASE_URL, "jti": order.jti},
        }
        claims = self._claims(order, event, self.party.uri, f"below-{uuid.uuid4().hex}")
        return signer.sign({**claims, "iss": uri, "sub_id": {**claims["sub_id"], "iss": self.party.uri}})

    def _claims(self, order: Held, event: Claims, audience: str, jti: str) -> Claims:
        return {
            "iss": self.party.uri, "aud": audience, "jti": jti, "iat": 1, "toe": 1,
            "sub_id": {"format": "jwt_id", "iss": settings.BASE_URL, "jti": order.jti},
            "events": {RECEIPT: {"event_timestamp": 1, **event}},
        }  # fmt: skip

    def signed_anew(self, token: str) -> str:
        """Other bytes under the same name."""
        return self.signer.sign({**claims_of(token), "toe": 2})

    def hand_in(self, token: str) -> int:
        """Hand in a receipt. Returns the status of the answer."""
        answer = self.http.post(
            "/ssf/receipts", token, content_type="application/secevent+jwt", headers=self._authorization
        )
        return int(answer.status_code)
