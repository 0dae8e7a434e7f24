"""How the partner misbehaves when it is told to, and that it is itself again afterwards."""

import pytest
import requests

from tests.sandbox.carrier import WAIT_SECONDS, Carrier, granted
from tests.sandbox.conftest import Start
from tests.sandbox.process import DOWNSTREAM, URI, Partner, until
from tools.sandbox.faults import Fault


def test_it_can_start_with_a_fault(start: Start) -> None:
    assert start("--fault", Fault.DOWN).get("/healthz")["fault"] == Fault.DOWN


def test_slow_takes_the_bytes_and_lets_the_sender_wait(partner: Partner, carrier: Carrier) -> None:
    partner.fault("slow", seconds=600)
    with pytest.raises(requests.ReadTimeout):
        partner.push(carrier.sign(carrier.claims(URI)), seconds=0.3)
    assert partner.get("/received") == []
    partner.fault("none")
    until(lambda: len(partner.get("/received")) == 1)
    partner.fault("slow", seconds=0.2)
    assert partner.push(carrier.sign(carrier.claims(URI))).status_code == 202


def test_down_answers_nothing_and_sends_nothing(partner: Partner, carrier: Carrier) -> None:
    carrier.receipts_status = 503
    partner.order()
    carrier.wait_for(lambda: len(carrier.handed) == 1)
    partner.fault("down")
    for path in ("/jwks.json", "/downstream/lbs-a.example/jwks.json"):
        with pytest.raises(requests.ConnectionError):
            requests.get(partner.base_url + path, timeout=WAIT_SECONDS)
    with pytest.raises(requests.ConnectionError):
        partner.push(carrier.sign(carrier.claims(URI, version=2)))
    assert [one["version"] for one in partner.get("/received")] == [1]
    carrier.receipts_status = 202
    partner.fault("none")
    until(lambda: [one["state"] for one in partner.get("/receipts")] == ["accepted"])
    partner.order(version=2)


def test_what_is_refused_lost_or_taken_for_nothing_is_not_kept(partner: Partner, carrier: Carrier) -> None:
    partner.fault("err400")
    answer = partner.push(carrier.sign(carrier.claims(URI)))
    assert (answer.status_code, answer.json()["err"]) == (400, "invalid_request")
    partner.fault("mislabel")
    answer = partner.push("no token")
    assert (answer.status_code, answer.json()["err"]) == (400, "invalid_request")
    assert answer.headers["Content-Type"] == "text/plain"
    assert "Content-Language" not in answer.headers
    partner.fault("gullible")
    answers = [partner.push(token) for token in ("no token", carrier.sign(carrier.claims(URI)))]
    assert [(answer.status_code, answer.content) for answer in answers] == [(202, b"")] * 2
    partner.fault("err500")
    assert partner.push(carrier.sign(carrier.claims(URI))).status_code == 500
    assert partner.get("/received") == []
    partner.fault("none")
    partner.order()


def test_duplicate_sends_each_receipt_twice(partner: Partner, carrier: Carrier) -> None:
    partner.fault("duplicate")
    partner.order()
    carrier.wait_for(lambda: len(carrier.handed) == 2)
    assert carrier.handed[0].token == carrier.handed[1].token
    until(lambda: [one["tries"] for one in partner.get("/receipts")] == [2])
    assert [one["state"] for one in partner.get("/receipts")] == ["accepted"]


def test_drop_receipt_works_and_keeps_silent_until_lifted(partner: Partner, carrier: Carrier) -> None:
    partner.fault("drop-receipt")
    partner.order()
    until(lambda: [(one["state"], one["tries"]) for one in partner.get("/receipts")] == [("queued", 0)])
    assert partner.get("/state")[0]["held"] == 0
    assert carrier.handed == []
    partner.fault("none")
    assert partner.receipt()["status"] == "completed"
    until(lambda: [(one["state"], one["tries"]) for one in partner.get("/receipts")] == [("accepted", 1)])


def test_partial_leaves_one_company_out(partner: Partner) -> None:
    partner.fault("partial")
    partner.order()
    event = partner.receipt()
    assert event["status"] == "completed"
    assert [one["recipient"] for one in event["downstream"]] == [*DOWNSTREAM[:-1]]


def test_forget_loses_everything_and_says_202(partner: Partner, carrier: Carrier) -> None:
    partner.order(version=9)
    partner.receipt()
    partner.fault("forget")
    lost = [partner.get(path) for path in ("/received", "/state", "/receipts")]
    assert partner.push(carrier.sign(carrier.claims(URI, version=10))).status_code == 202
    assert [*lost, partner.get("/received"), partner.get("/state")] == [[], [], [], [], []]
    partner.fault("none")
    partner.order(version=2, state=[granted()], required=[])
    assert [one["version"] for one in partner.get("/state")] == [2]
