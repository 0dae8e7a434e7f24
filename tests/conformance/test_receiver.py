"""The guide's receiver of fifty lines, as a process of its own."""

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from joserfc import jws
from joserfc.jwk import ECKey

from tests.conformance.receiver import ME, PROGRAM, Receiver
from tests.partners.outside import Outside, Signer
from tests.sandbox.carrier import Carrier, granted
from tests.sandbox.process import until

VERIFICATION = "https://schemas.openid.net/secevent/ssf/event-type/verification"


@pytest.fixture
def receiver(carrier: Carrier, tmp_path: Path) -> Iterator[Receiver]:
    receiver = Receiver(carrier.base_url, tmp_path / "receiver.sqlite3")
    yield receiver
    receiver.end()


def test_it_is_no_longer_than_it_says() -> None:
    lines = PROGRAM.read_text().splitlines()
    assert len([line for line in lines if line.strip()]) <= 50


def test_it_keeps_the_newest_and_answers_the_rest_alike(receiver: Receiver, carrier: Carrier, tmp_path: Path) -> None:
    first, third, second = (
        carrier.sign(carrier.claims(ME, sub="k1.a", version=n, state=[granted()] if n == 2 else [])) for n in (1, 3, 2)
    )
    assert [receiver.push(token) for token in (first, first, third, second, first)] == [(202, "")] * 5
    assert receiver.push(carrier.sign(carrier.claims(ME, sub="k1.b", epoch=2))) == (202, "")
    assert receiver.push(carrier.sign(carrier.claims(ME, sub="k1.b", epoch=1, version=9))) == (202, "")
    receiver.end()
    assert receiver.kept() == [("k1.a", 1, 3, "[]"), ("k1.b", 2, 1, "[]")]
    again = Receiver(carrier.base_url, receiver.file)
    assert again.push(second) == (202, "")
    again.end()
    assert again.kept() == [("k1.a", 1, 3, "[]"), ("k1.b", 2, 1, "[]")]


def test_many_at_once_are_all_kept_and_the_newest_of_each_stands(receiver: Receiver, carrier: Carrier) -> None:
    tokens = [carrier.sign(carrier.claims(ME, sub=f"k1.{n % 4}", version=1 + n // 4)) for n in range(64)]
    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(receiver.push, tokens)) == [(202, "")] * 64
    receiver.end()
    assert sorted(receiver.kept()) == [(f"k1.{n}", 1, 16, "[]") for n in range(4)]


def test_it_refuses_what_is_not_for_it(receiver: Receiver, carrier: Carrier) -> None:
    kid = carrier.key.thumbprint()
    header = {"typ": "secevent+jwt", "alg": "ES256", "kid": kid}
    claims = carrier.claims(ME)
    assert receiver.push(jws.serialize_compact(header, b"{}", ECKey.generate_key("P-256"))) == (400, "invalid_key")
    assert receiver.push(carrier.sign(claims, kid="nobody's")) == (400, "invalid_key")
    assert receiver.push(carrier.sign(claims, typ="at+jwt")) == (400, "invalid_request")
    assert receiver.push(carrier.sign(claims | {"iss": "https://other.example"})) == (400, "invalid_issuer")
    assert receiver.push(carrier.sign(claims | {"aud": "https://other.example"})) == (400, "invalid_audience")
    assert receiver.push(carrier.sign(claims | {"aud": [ME, "https://other.example"]})) == (400, "invalid_audience")
    assert receiver.push(carrier.sign(claims | {"events": {}})) == (400, "invalid_request")
    ((kind, _),) = claims["events"].items()
    assert receiver.push(carrier.sign(claims | {"events": {kind: {"epoch": 1}}})) == (400, "invalid_request")
    assert receiver.push("no token at all")[0] == 400
    assert receiver.push("x" * 1_500_000)[0] == 400
    assert receiver.kept() == []


def test_it_refuses_in_the_right_form(receiver: Receiver) -> None:
    answer = receiver.refusal("no token at all")
    assert (answer.status_code, {*answer.json()}) == (400, {"err", "description"})
    assert (answer.headers["Content-Type"], answer.headers["Content-Language"]) == ("application/json", "en")


def test_it_takes_no_event_that_the_guide_does_not_name(receiver: Receiver, carrier: Carrier) -> None:
    claims = carrier.claims(ME)
    ((kind, event),) = claims["events"].items()
    others = [
        claims | {"sub": "x"},
        claims | {"exp": 2_000_000_000},
        claims | {"events": {kind: event, VERIFICATION: {}}},
        claims | {"events": {f"{kind}d": event}},
        claims | {"events": {VERIFICATION.replace("verification", "made-up"): {}}},
    ]
    assert [receiver.push(carrier.sign(one)) for one in others] == [(400, "invalid_request")] * 5
    assert receiver.kept() == []


def test_where_the_keys_can_t_be_had_it_says_so_and_a_withdrawn_key_is_gone(
    carrier: Carrier, tmp_path: Path, outside: Outside
) -> None:
    signer, newer, claims = Signer("carrier"), Signer("carrier"), carrier.claims(ME) | {"iss": outside.url}
    ((kind, event),) = claims["events"].items()
    claims["events"] = {kind.replace(carrier.base_url, outside.url): event}
    receiver = Receiver(outside.url, tmp_path / "other.sqlite3")
    try:
        for broken in (b"<html>502</html>", b'{"error": "x"}'):
            outside.documents["/.well-known/jwks.json"] = broken
            assert receiver.refusal(signer.sign(claims)).status_code == 503
        receiver.end()
        signer.publish(outside, "/.well-known/jwks.json")
        receiver = Receiver(outside.url, tmp_path / "other.sqlite3")
        assert receiver.push(signer.sign(claims)) == (202, "")
        newer.publish(outside, "/.well-known/jwks.json")
        until(lambda: receiver.push(newer.sign(claims)) == (202, ""))
        assert receiver.push(signer.sign(claims)) == (400, "invalid_key")
    finally:
        receiver.end()


def test_one_that_never_ends_its_request_holds_up_nobody(receiver: Receiver, carrier: Carrier) -> None:
    port = int(receiver.url.rpartition(":")[2].partition("/")[0])
    with socket.create_connection(("127.0.0.1", port)) as stuck:
        stuck.sendall(b"POST /events HTTP/1.1\r\nContent-Length: 100\r\n\r\nabc")
        assert receiver.push(carrier.sign(carrier.claims(ME))) == (202, "")


def test_it_answers_a_verification_and_keeps_nothing_of_it(receiver: Receiver, carrier: Carrier) -> None:
    claims = carrier.claims(ME) | {
        "sub_id": {"format": "opaque", "id": "s-1"},
        "events": {VERIFICATION: {"state": "abc"}},
    }
    assert receiver.push(carrier.sign(claims)) == (202, "")
    assert receiver.kept() == []


def test_it_keeps_a_cohort_for_the_program_that_fetches_the_list(receiver: Receiver, carrier: Carrier) -> None:
    claims = carrier.cohort(ME, ["k1.a", "k1.b"])
    assert receiver.push(carrier.sign(claims)) == (202, "")
    assert receiver.kept() == [(claims["jti"], 2, claims["iat"], None)]


def test_it_keeps_a_question_for_proof_beside_the_order(receiver: Receiver, carrier: Carrier) -> None:
    order = carrier.claims(ME)
    assert receiver.push(carrier.sign(order)) == (202, "")
    (event,) = order["events"].values()
    kind = f"{carrier.base_url}/schemas/secevent/consent/event-type/evidence-request"
    about = {"agreement": event["agreement"], "recipient": ME, "respond_by": "2026-12-01T22:00:00Z"}
    assert receiver.push(carrier.sign(order | {"jti": "another", "events": {kind: about}})) == (202, "")
    assert len(receiver.kept()) == 2
