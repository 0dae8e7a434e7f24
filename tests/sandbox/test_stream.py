"""A partner that looks after its own stream, polls, reconciles its books and changes its key."""

import hashlib
from base64 import b64decode
from typing import Any

import requests

from tests.conformance.schemas import faults
from tests.sandbox.carrier import Carrier, granted
from tests.sandbox.conftest import Start
from tests.sandbox.process import URI, Partner, until

VERIFICATION = "https://schemas.openid.net/secevent/ssf/event-type/verification"
UPDATED = "https://schemas.openid.net/secevent/ssf/event-type/stream-updated"
POLL = "urn:ietf:rfc:8936"
PUSH = "urn:ietf:rfc:8935"
STREAM = {"format": "opaque", "id": "stream-1"}


def stream_event(carrier: Carrier, kind: str, event: dict[str, object]) -> dict[str, Any]:
    return carrier.claims(URI) | {"sub_id": STREAM, "events": {kind: event}}


def test_the_last_verification_and_status_can_be_seen_and_nothing_is_stored(partner: Partner, carrier: Carrier) -> None:
    assert partner.get("/verifications") == {"count": 0, "last": None}
    first, claims = (stream_event(carrier, VERIFICATION, {"state": state}) for state in ("one", "two"))
    assert [partner.push(carrier.sign(one)).status_code for one in (first, claims)] == [202, 202]
    found = partner.get("/verifications")
    assert (found["count"], found["last"]["state"], found["last"]["jti"]) == (2, "two", claims["jti"])
    claims = stream_event(carrier, UPDATED, {"status": "paused", "reason": "by hand"})
    assert partner.push(carrier.sign(claims)).status_code == 202
    assert [partner.get(path) for path in ("/received", "/state", "/receipts", "/cohorts")] == [[], [], [], []]


def test_it_creates_a_push_stream_and_asks_for_a_verification(start: Start, carrier: Carrier) -> None:
    carrier.answers = {"/ssf/streams": [(201, {"stream_id": "s-1", "status": "enabled"})], "/ssf/verify": [(204, {})]}
    partner = start("--manage-stream")
    carrier.wait_for(lambda: bool(carrier.asked_for("/ssf/verify")))
    (made,) = carrier.asked_for("/ssf/streams")
    assert (made.method, carrier.scope_of(made.bearer)) == ("POST", "ssf.manage")
    names = ("consent-change", "cohort-revoked", "evidence-request")
    ours = [carrier.change.replace("consent-change", name) for name in names]
    assert made.body == {
        "delivery": {"method": PUSH, "endpoint_url": f"{partner.base_url}/events"},
        "events_requested": [*ours, VERIFICATION, UPDATED],
        "description": "Meridian",
    }
    (asked,) = carrier.asked_for("/ssf/verify")
    assert asked.body["stream_id"] == "s-1"
    assert partner.get("/stream")["verified"] is False
    token = carrier.sign(stream_event(carrier, VERIFICATION, {"state": asked.body["state"]}))
    assert partner.push(token).status_code == 202
    assert partner.get("/stream") == {
        "configuration": {"stream_id": "s-1", "status": "enabled"}, "verified": True, "updated": None,
    }  # fmt: skip


def test_a_stream_that_is_there_is_made_its_own(start: Start, carrier: Carrier) -> None:
    carrier.answers = {
        "/ssf/streams": [(409, {}), (200, [{"stream_id": "s-7"}]), (200, {"stream_id": "s-7"})],
        "/ssf/verify": [(204, {})],
    }
    start("--manage-stream")
    carrier.wait_for(lambda: bool(carrier.asked_for("/ssf/verify")))
    asked = carrier.asked_for("/ssf/streams")
    assert [one.method for one in asked] == ["POST", "GET", "PUT"]
    assert asked[2].body == {"stream_id": "s-7", **asked[0].body}


def test_it_polls_keeps_and_then_acknowledges(start: Start, carrier: Carrier) -> None:
    good = carrier.claims(URI, state=[granted()], required=[])
    bad = carrier.claims("https://somebody.example")
    sets = {str(claims["jti"]): carrier.sign(claims) for claims in (good, bad)}
    carrier.answers = {
        "/ssf/streams": [(201, {"stream_id": "s-1"})],
        "/ssf/verify": [(204, {})],
        "/ssf/poll": [(503, {}), (200, {"sets": sets, "moreAvailable": True}), (200, {"sets": {}})],
    }
    partner = start("--poll")
    carrier.wait_for(lambda: len(carrier.asked_for("/ssf/poll")) >= 3)
    polls = carrier.asked_for("/ssf/poll")
    assert carrier.asked_for("/ssf/streams")[0].body["delivery"] == {"method": POLL}
    assert carrier.scope_of(polls[0].bearer) == "ssf.read"
    first = {"maxEvents": 100, "returnImmediately": False, "ack": [], "setErrs": {}}
    assert [polls[0].body, polls[1].body] == [first, first]
    description = "aud is not this receiver alone."
    assert [faults("poll-request", one.body) for one in polls] == [[]] * len(polls)
    assert [faults("stream-request", one.body) for one in carrier.asked_for("/ssf/streams")] == [[]]
    assert [faults("verify-request", one.body) for one in carrier.asked_for("/ssf/verify")] == [[]]
    assert polls[2].body == first | {
        "ack": [good["jti"]],
        "setErrs": {bad["jti"]: {"err": "invalid_audience", "description": description}},
    }
    assert [one["jti"] for one in partner.get("/received")] == [good["jti"]]


def test_it_reconciles_by_the_digest_that_the_guide_describes(partner: Partner, carrier: Carrier) -> None:
    partner.order(sub="k1.9fJ0sQ2vYwB1n7ZkQxT4aLrM", version=7, state=[granted()], required=[])
    partner.order(sub="k1.stopped", state=[], required=[])
    partner.order(sub="k1.over", state=[granted(expires_at="2020-01-01T00:00:00Z")], required=[])
    carrier.answers = {
        "/ssf/digest": [
            (200, {"run": "r-1", "differing": ["62cc", "0000"]}),
            (200, {"run": "r-1", "remaining": 0, "findings": {}}),
        ]
    }
    found = requests.post(f"{partner.base_url}/digest", timeout=20).json()
    assert (found["entries"], found["differing"]) == (1, ["62cc", "0000"])
    whole, part = [one.body for one in carrier.asked_for("/ssf/digest")]
    assert [faults("digest-request", one) for one in (whole, part)] == [[], []]
    entry = {
        "sub": "k1.9fJ0sQ2vYwB1n7ZkQxT4aLrM", "agreement": f"{carrier.base_url}/agreements/AGR-1", "epoch": 1,
        "version": 7, "recipient": granted()["recipient"], "purpose": granted()["purpose"],
        "scope": "location-retrieval:read",
    }  # fmt: skip
    text = "\n".join(str(value) for value in entry.values())
    raw = b64decode(whole["buckets"])
    assert (whole["entries"], len(raw)) == (1, 524_288)
    assert raw[0x62CC * 8 : 0x62CC * 8 + 8] == hashlib.sha256(text.encode()).digest()[:8]
    assert raw.count(0) >= 524_280
    assert (part["run"], part["buckets"]) == ("r-1", {"62cc": [entry], "0000": []})
    assert {one.method for one in carrier.asked_for("/ssf/digest")} == {"PUT"}


def test_it_changes_its_key_and_publishes_both(partner: Partner) -> None:
    before = [key["kid"] for key in partner.get("/jwks.json")["keys"]]
    made = requests.post(f"{partner.base_url}/rotate", timeout=20).json()["kid"]
    assert [key["kid"] for key in partner.get("/jwks.json")["keys"]] == [made, *before]
    partner.order()
    until(lambda: len(partner.get("/receipts")) == 1)
    assert partner.receipt()["status"] == "completed"
