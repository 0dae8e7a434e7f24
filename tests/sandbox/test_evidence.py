"""The carrier asks for the proof that somebody agreed: the partner answers once, or not, as it is told to."""

import uuid

from tests.conformance.schemas import faults
from tests.sandbox.carrier import LBS, Carrier
from tests.sandbox.process import URI, Partner

KIND = "/schemas/secevent/consent/event-type/"


def asked(carrier: Carrier) -> dict[str, object]:
    order = carrier.claims(URI)
    event = {
        "agreement": "https://privacy.example/agreements/A-1", "recipient": LBS, "respond_by": "2026-12-01T22:00:00Z",
    }  # fmt: skip
    return {**order, "jti": uuid.uuid4().hex, "events": {f"{carrier.base_url}{KIND}evidence-request": event}}


def test_it_answers_with_what_it_has_on_file_and_once(partner: Partner, carrier: Carrier) -> None:
    question = asked(carrier)
    for _ in range(2):
        assert partner.push(carrier.sign(question)).status_code == 202
    carrier.wait_for(lambda: len(carrier.handed) > 0)
    claims = partner.opened(carrier.handed[0].token)
    assert faults("evidence-response", claims) == []
    assert claims["sub_id"] == {"format": "jwt_id", "iss": carrier.base_url, "jti": question["jti"]}
    assert claims["events"][f"{carrier.base_url}{KIND}evidence-response"]["answer"] == "evidence"
    assert [one["order"] for one in partner.get("/receipts")] == [question["jti"]]


def test_told_to_it_takes_the_question_and_never_answers(partner: Partner, carrier: Carrier) -> None:
    partner.fault("no-evidence")
    assert partner.push(carrier.sign(asked(carrier))).status_code == 202
    # What comes after it is carried out, so that the courier has been by.
    order = partner.order(version=3)
    partner.receipt_of(order)
    assert [one["order"] for one in partner.get("/receipts")] == [order]
