"""What is taken, what is refused and why, and what an order means once it is taken."""

import sys
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from joserfc import jws
from joserfc.jwk import ECKey, OctKey

from tests.sandbox.carrier import FRAUD, LBS, WAIT_SECONDS, Carrier, change, granted
from tests.sandbox.conftest import Start
from tests.sandbox.process import URI, Partner, until

# It asks for keys again after a moment, not after some seconds.
SOON = """
import runpy
from tools.sandbox import transmitter
transmitter.REFETCH_SECONDS = 0.1
runpy.run_module("tools.sandbox", run_name="__main__")
"""
type Claims = dict[str, Any]


def test_an_order_is_stored_and_answered_with_202_and_nothing(partner: Partner, carrier: Carrier) -> None:
    before = datetime.now(UTC)
    jti = partner.order(sub="k1.a", epoch=2, version=6, state=[granted()], required=[])
    (row,) = partner.get("/received")
    assert before <= datetime.fromisoformat(row.pop("at")) <= datetime.now(UTC)
    assert row == {
        "jti": jti,
        "agreement": f"{carrier.base_url}/agreements/AGR-1",
        "epoch": 2,
        "version": 6,
        "sub": "k1.a",
        "state": [granted()],
    }
    (standing,) = partner.get("/state")
    assert standing["allowed"] == [{"recipient": LBS, "purpose": FRAUD, "scopes": ["location-retrieval:read"]}]


def _set(**changed: object) -> Callable[[Claims], None]:
    return lambda claims: claims.update(changed)


def _event(**changed: object) -> Callable[[Claims], None]:
    return lambda claims: next(iter(claims["events"].values())).update(changed)


def _subject(**changed: object) -> Callable[[Claims], None]:
    return lambda claims: claims["sub_id"].update(changed)


def _two_events(claims: Claims) -> None:
    claims["events"]["https://carrier.example/another"] = {}


def _unknown_type(claims: Claims) -> None:
    claims["events"] = {"https://carrier.example/another": {}}


@pytest.mark.parametrize(
    ("spoil", "err"),
    [
        (_set(iss="https://somebody.example"), "invalid_issuer"),
        (_set(aud="https://another.example"), "invalid_audience"),
        (_set(aud=[URI, "https://another.example"]), "invalid_audience"),
        (_set(sub="k1.a"), "invalid_request"),
        (_set(exp=9_999_999_999), "invalid_request"),
        (_set(jti=""), "invalid_request"),
        (_set(events={}), "invalid_request"),
        (_two_events, "invalid_request"),
        (_unknown_type, "invalid_request"),
        (_subject(format="opaque"), "invalid_request"),
        (_subject(iss="https://somebody.example"), "invalid_request"),
        (_event(snapshot=False), "invalid_request"),
        (_event(default="granted"), "invalid_request"),
        (_event(version="6"), "invalid_request"),
        (_event(version=True), "invalid_request"),
        (_event(epoch=-1), "invalid_request"),
        (_event(state={}), "invalid_request"),
        (_event(state=["everything"]), "invalid_request"),
        (_event(required_actions=None), "invalid_request"),
    ],
)  # fmt: skip
def test_a_wrong_claim_is_refused(shared: Partner, spoil: Callable[[Claims], None], err: str) -> None:
    claims = shared.carrier.claims(URI)
    spoil(claims)
    assert _refused(shared, shared.carrier.sign(claims)) == err


@pytest.mark.parametrize(
    ("header", "err"),
    [({"typ": "at+jwt"}, "invalid_request"), ({"typ": "JWT"}, "invalid_request"), ({"kid": "no-such"}, "invalid_key")],
)
def test_a_wrong_header_is_refused(shared: Partner, header: dict[str, object], err: str) -> None:
    assert _refused(shared, shared.carrier.sign(shared.carrier.claims(URI), **header)) == err


def test_a_forged_signature_is_refused(shared: Partner) -> None:
    kid = shared.carrier.key.thumbprint()
    forged = jws.serialize_compact(
        {"typ": "secevent+jwt", "alg": "ES256", "kid": kid}, b"{}", ECKey.generate_key("P-256")
    )
    assert _refused(shared, forged) == "invalid_key"


def test_no_other_algorithm_is_taken(shared: Partner) -> None:
    header = {"typ": "secevent+jwt", "alg": "HS256", "kid": shared.carrier.key.thumbprint()}
    assert _refused(shared, jws.serialize_compact(header, b"{}", OctKey.generate_key(256))) == "invalid_request"
    assert _refused(shared, "eyJhbGciOiJub25lIiwidHlwIjoic2VjZXZlbnQrand0In0.e30.") == "invalid_request"
    assert _refused(shared, "no token at all") == "invalid_request"


def test_another_content_type_is_refused(shared: Partner) -> None:
    token = shared.carrier.sign(shared.carrier.claims(URI))
    assert _refused(shared, token, content_type="application/jwt") == "invalid_request"


def _refused(partner: Partner, token: str, content_type: str = "application/secevent+jwt") -> str:
    """The code with which a token is refused; nothing of it is kept."""
    before = partner.get("/received")
    answer = partner.push(token, content_type=content_type)
    said = answer.json()
    assert (answer.status_code, answer.headers["Content-Language"]) == (400, "en")
    assert set(said) == {"err", "description"}
    assert partner.get("/received") == before
    return str(said["err"])


def test_a_stream_event_is_acknowledged_and_is_no_order(partner: Partner, carrier: Carrier) -> None:
    claims = carrier.claims(URI) | {
        "sub_id": {"format": "opaque", "id": "stream-1"},
        "events": {"https://schemas.openid.net/secevent/ssf/event-type/verification": {"state": "abc"}},
    }
    answer = partner.push(carrier.sign(claims))
    assert (answer.status_code, answer.content, partner.get("/received")) == (202, b"", [])


def test_without_the_carriers_keys_the_answer_is_try_again(partner: Partner, carrier: Carrier) -> None:
    carrier.keys_status = 500
    assert partner.push(carrier.sign(carrier.claims(URI))).status_code == 503
    carrier.keys_status = 200
    partner.order()


def test_keys_are_kept_and_an_unknown_one_does_not_make_it_fetch_each_time(partner: Partner, carrier: Carrier) -> None:
    partner.order(version=1)
    partner.order(version=2)
    assert carrier.keys_fetched == 1
    for _ in range(20):
        assert partner.push(carrier.sign(carrier.claims(URI), kid="no-such")).status_code == 400
    assert carrier.keys_fetched <= 2


def test_a_repeat_is_acknowledged_listed_and_changes_nothing(partner: Partner, carrier: Carrier) -> None:
    token = carrier.sign(carrier.claims(URI, state=[granted()], required=[]))
    assert [partner.push(token).status_code for _ in range(2)] == [202, 202]
    rows = partner.get("/received")
    assert len(rows) == 2
    assert rows[0]["jti"] == rows[1]["jti"]
    assert [one["version"] for one in partner.get("/state")] == [1]


def test_a_new_key_is_found(start: Start, carrier: Carrier) -> None:
    partner = start(program=(sys.executable, "-c", SOON))
    carrier.published = [ECKey.generate_key("P-256")]
    assert partner.push(carrier.sign(carrier.claims(URI))).status_code == 400
    carrier.published = [carrier.key]
    token = carrier.sign(carrier.claims(URI))
    until(lambda: partner.push(token).status_code == 202)
    assert carrier.keys_fetched == 2


@pytest.mark.parametrize(
    "entry",
    [
        granted(purpose="dpv:SomethingNew"),
        granted(scopes=["location-everything:read"]),
        granted(scopes=[]),
        granted(status="perhaps"),
        {**granted(), "recipient": None},
        granted(expires_at="2020-01-01T00:00:00Z"),
        granted(expires_at="some day"),
    ],
)
def test_what_is_not_understood_or_is_over_is_denied(shared: Partner, entry: dict[str, object]) -> None:
    sub = f"k1.{uuid.uuid4().hex}"
    shared.order(sub=sub, state=[entry], required=[])
    standing = shared.standing(sub)
    assert (standing["state"], standing["allowed"]) == ([entry], [])


def test_a_known_scope_beside_an_unknown_one_is_allowed_alone(shared: Partner) -> None:
    soon = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    scopes = ["location-everything:read", "location-retrieval:read"]
    shared.order(sub="k1.scopes", state=[granted(scopes=scopes, expires_at=soon)], required=[])
    standing = shared.standing("k1.scopes")
    assert standing["allowed"] == [{"recipient": LBS, "purpose": FRAUD, "scopes": ["location-retrieval:read"]}]


def test_use_stops_with_the_acknowledgement(shared: Partner) -> None:
    other = "https://lbs-b.example"
    shared.order(
        sub="k1.use",
        state=[granted(other), granted("https://lbs-c.example")],
        changes=[change("granted", "withdrawn"), change("withdrawn", "granted", "https://lbs-c.example")],
        required=["stop_use"],
    )
    standing = shared.standing("k1.use")
    # Twelve each of what was allowed before, and one that the new permission brought.
    assert (standing["held"], standing["in_use"]) == (25, 13)


def test_nothing_else_is_served(shared: Partner) -> None:
    assert requests.get(f"{shared.base_url}/etc/passwd", timeout=WAIT_SECONDS).status_code == 404
    assert requests.post(f"{shared.base_url}/received", timeout=WAIT_SECONDS).status_code == 404
    assert requests.post(f"{shared.base_url}/fault?name=unheard-of", timeout=WAIT_SECONDS).status_code == 400
