"""POST /api/v1/approvals: what a partner claims allows nothing, and tells it nothing about who is a customer."""

import json
from collections.abc import Callable
from datetime import timedelta
from time import monotonic
from typing import Any

import pytest
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from accounts.views.access import ANSWER_AT
from audit.models import AuditEvent
from audit.queries import database_clock
from consent.actions import choices
from consent.feeds.approvals import ApprovalsFeed
from consent.models import Approval, ConsentRequest, HeldRow
from consent.queries.current_consent import sharing
from partners.domain import pairwise
from partners.models import Campaign, PairwiseKey, PairwiseSubject, Suspension
from tests.consent.claiming import STRANGER, Partner, a_partner, stamp
from tests.factories import LONG_AGO, a_campaign, a_contract, a_line, a_party
from tests.feeds import as_at_commit
from tests.gate_questions import ask
from tests.people import signed_in
from tests.properties import undone

pytestmark = pytest.mark.usefixtures("db", "no_broker")
NUMBER = "+12065550142"


@pytest.fixture
def partner(db: None) -> Partner:
    return a_partner()


def test_a_claim_is_taken_in_and_allows_nothing(partner: Partner) -> None:
    line = a_line(msisdn=NUMBER)
    status, told = partner.one(partner.claim())
    assert (status, told["id"], told["status"]) == (200, "c-1", "accepted")
    claim = Approval.objects.get(line_id=line.pk)
    assert (claim.campaign, claim.verified_by, claim.method, claim.wording, claim.language, claim.evidence_ref) == (
        partner.campaign.ref, "partner", "sms", partner.claim()["wording"], "es", "ev-77",
    )  # fmt: skip
    assert told["subject_ref"] == PairwiseSubject.objects.get(line_id=line.pk, party=partner.party).sub
    assert ask(line, partner.campaign) == "approval_unverified"


def test_many_claims_each_get_their_result(partner: Partner) -> None:
    a_line(msisdn=NUMBER)
    good = partner.claim()
    status, told = partner.claims(
        good, good, {**good, "wording": "Other words"}, {**good, "id": "c-2", "method": "fax"}
    )
    assert status == 200
    ref = told["results"][0]["subject_ref"]
    assert told == {
        "outcome": "some_rejected",
        "lines": 4,
        "accepted": 1,
        "repeated": 1,
        "rejected": 2,
        "results": [
            {"line": 1, "id": "c-1", "status": "accepted", "subject_ref": ref},
            {"line": 2, "id": "c-1", "status": "repeated", "subject_ref": ref},
            {"line": 3, "id": "c-1", "status": "rejected", "field": "id", "reason": "id_conflict"},
            {"line": 4, "status": "rejected", "field": "method", "reason": "not_allowed"},
        ],
    }
    assert Approval.objects.count() == 1


WRONG: list[tuple[dict[str, object], str, str]] = [
    ({"campaign": "CMP-nobody's"}, "campaign", "campaign_unknown"),
    ({"captured_by": "https://elsewhere.example"}, "captured_by", "not_of_campaign"),
    ({"captured_at": stamp(timezone.now() + timedelta(days=1))}, "captured_at", "in_future"),
    ({"captured_at": "2026-02-30T00:00:00Z"}, "captured_at", "not_a_time"),
    ({"msisdn": "2065550142"}, "msisdn", "not_e164"),
    ({"msisdn": None}, "msisdn", "missing"),
    ({"subject_ref": "k1.both"}, "subject_ref", "not_allowed"),
    ({"msisdn": None, "subject_ref": "k1.madeup"}, "subject_ref", "subject_unknown"),
    ({"wording": "a\x00b"}, "wording", "nul"),
    ({"language": "x" * 41}, "language", "too_long"),
    ({"id": "x" * 201}, "id", "too_long"),
    ({"evidence_ref": None}, "evidence_ref", "missing"),
]


def test_what_is_wrong_is_named(partner: Partner) -> None:
    a_line(msisdn=NUMBER)
    for changes, field, reason in WRONG:
        status, told = partner.one(partner.claim(**changes))
        assert (status, told["field"], told["reason"]) == (400, field, reason)
        assert partner.claims(partner.claim(**changes))[1]["results"][0]["reason"] == reason
    draft = a_campaign(partner.campaign.contract, partner.campaign.lbs_provider, is_draft=True)
    assert partner.one(partner.claim(campaign=draft.ref))[1]["reason"] == "campaign_unknown"
    # Who verified is not the partner's to say.
    for said in ("carrier", "partner", None, 1):
        claim = {**partner.claim(), "verified_by": said}
        assert (partner.one(claim)[0], partner.claims(partner.claim(id="c-0"), claim)[0]) == (400, 400)
    for body in (b" ", b"[]", b"{", b"\xff", b"nul\x00", b"{}" * 3):
        response = partner.post("/api/v1/approvals", body, "application/json")
        assert (response.status_code, response.headers["Content-Type"]) == (400, "application/problem+json")
    assert partner.claims()[0] == 400
    assert Browser().post("/api/v1/approvals", b"{}", content_type="application/json").status_code == 401
    assert (Approval.objects.count(), HeldRow.objects.count(), ConsentRequest.objects.count()) == (0, 0, 0)


def test_another_s_campaign_is_as_unknown_as_none(partner: Partner) -> None:
    other = a_campaign(a_contract(a_party("NorthLink")), a_party("FraudShield", "lbs_provider"))
    told = [
        partner.one(partner.claim(campaign=ref, captured_by="https://fraudshield.example"))
        for ref in (other.ref, "CMP-none")
    ]
    assert told[0] == told[1]


def test_the_aggregator_may_have_captured_it_itself(partner: Partner) -> None:
    assert partner.one(partner.claim(captured_by=partner.party.uri))[0] == 200


def test_a_conflict_alone_is_409(partner: Partner) -> None:
    a_line(msisdn=NUMBER)
    partner.one(partner.claim())
    status, told = partner.one(partner.claim(wording="Other words"))
    assert (status, told["reason"]) == (409, "id_conflict")


def test_two_partners_ids_have_nothing_to_do_with_each_other(partner: Partner) -> None:
    a_line(msisdn=NUMBER)
    other = a_partner("NorthLink", provider="FraudShield")
    assert partner.one(partner.claim())[1]["status"] == "accepted"
    assert other.one(other.claim())[1]["status"] == "accepted"
    assert Approval.objects.count() == 2


def test_a_request_of_claims_is_as_long_as_it_may_be(partner: Partner, monkeypatch: pytest.MonkeyPatch) -> None:
    claim = partner.claim()
    ways: list[tuple[str, int, Callable[[], tuple[int, object]]]] = [
        ("MOST_BYTES", len(json.dumps(claim)), lambda: partner.claims(claim)),
        ("LONGEST_LINE", len(json.dumps(claim, indent=2)), lambda: partner.one(claim)),
    ]
    for limit, size, send in ways:
        for most, status in ((size, 200), (size - 1, 413)):
            monkeypatch.setattr(f"consent.feeds.claims.{limit}", most)
            assert send()[0] == status, limit
        monkeypatch.undo()


def test_a_thousand_lines_and_no_more(partner: Partner) -> None:
    claims = [partner.claim(id=f"c-{n}", msisdn=f"+1206555{n:04}") for n in range(1001)]
    assert partner.claims(*claims)[0] == 413
    assert HeldRow.objects.count() == 0
    assert partner.claims(*claims[:1000])[1]["accepted"] == 1000


def test_nothing_is_claimed_for_what_is_not_in_force(partner: Partner) -> None:
    campaign = partner.campaign
    a_campaign(a_contract(partner.party))
    a_line(msisdn=NUMBER)

    def is_suspended(of: str, target_id: int) -> None:
        Suspension.objects.create(
            of=of, target_id=target_id, starts_at=timezone.now(), reason="test", actor="officer:1"
        )

    closed: list[Callable[[], object]] = [
        lambda: Campaign.objects.filter(pk=campaign.pk).update(ends_at=timezone.now()),
        lambda: is_suspended("campaign", campaign.pk),
        lambda: is_suspended("contract", campaign.contract_id),
        lambda: is_suspended("party", campaign.lbs_provider_id),
    ]
    for close in closed:
        with undone():
            close()
            _, told = partner.claims(partner.claim())
            assert (told["accepted"], told["rejected"]) == (0, 1)
            assert [(one["field"], one["reason"]) for one in told["results"]] == [("campaign", "campaign_not_in_force")]
    is_suspended("party", partner.party.pk)
    assert partner.one(partner.claim())[0] == 403
    assert (Approval.objects.count(), HeldRow.objects.count()) == (0, 0)


# Alike for every number.


def shape(told: dict[str, object]) -> dict[str, object]:
    """An answer without the name itself: only what it looks like."""
    ref = str(told.get("subject_ref", ""))
    return {**told, "subject_ref": (ref.split(".", maxsplit=1)[0], len(ref))}


def test_customers_strangers_and_the_stopped_are_answered_alike(partner: Partner) -> None:
    a_line(msisdn=NUMBER)
    stopped = a_line(msisdn="+12065550143")
    choices.stop(line_id=stopped.pk, scope="all", actor=f"line:{stopped.pk}", channel="stop_page")
    as_at_commit()
    a_line(msisdn="+12065550144", deactivated_at=timezone.now() - timedelta(days=2))
    numbers = (NUMBER, "+12065550143", "+12065550144", STRANGER)
    answers = [partner.claims(partner.claim(msisdn=number)) for number in numbers[:1]]
    for n, number in enumerate(numbers[1:]):
        answers.append(partner.claims(partner.claim(msisdn=number, id=f"d-{n}")))
    shapes = {json.dumps({**shape(told["results"][0]), "id": ""}) for _, told in answers}
    assert len(shapes) == 1
    assert {status for status, _ in answers} == {200}


def test_a_stranger_s_name_is_stable_and_can_be_used(partner: Partner) -> None:
    first = partner.one(partner.claim(msisdn=STRANGER))[1]["subject_ref"]
    PairwiseKey.objects.create(
        party=partner.party, version=2, secret_sealed=PairwiseKey.objects.get().secret_sealed, made_at=timezone.now()
    )
    assert partner.one(partner.claim(msisdn=STRANGER, id="c-2"))[1]["subject_ref"] == first
    by_name = partner.claim(msisdn=None, subject_ref=first, id="c-3")
    assert partner.one(by_name) == (200, {"id": "c-3", "status": "accepted", "subject_ref": first})
    assert partner.one(by_name)[1]["status"] == "repeated"
    assert partner.one({**by_name, "wording": "Other"})[0] == 409


def test_a_customer_s_name_can_be_used_as_well(partner: Partner) -> None:
    line = a_line(msisdn=NUMBER)
    ref = partner.one(partner.claim())[1]["subject_ref"]
    told = partner.one(partner.claim(msisdn=None, subject_ref=ref, id="c-2"))
    assert told == (200, {"id": "c-2", "status": "accepted", "subject_ref": ref})
    assert Approval.objects.filter(line_id=line.pk).count() == 2


def test_two_partners_know_a_stranger_by_different_names(partner: Partner) -> None:
    other = a_partner("NorthLink", provider="FraudShield")
    ours, theirs = (one.one(one.claim(msisdn=STRANGER))[1]["subject_ref"] for one in (partner, other))
    assert ours != theirs
    borrowed = other.claim(msisdn=None, subject_ref=ours, id="c-9")
    assert other.one(borrowed)[1]["reason"] == "subject_unknown"


def test_moment_claimed_does_not_tell_since_when_number_is_ours(partner: Partner) -> None:
    a_line(msisdn=NUMBER, activated_at=timezone.now() - timedelta(days=100))
    refs = {
        partner.one(partner.claim(id=f"c-{days}", captured_at=stamp(timezone.now() - timedelta(days=days))))[1][
            "subject_ref"
        ]
        for days in (1, 99, 101, 1000)
    }
    assert len(refs) == 1


def test_repeats_and_conflicts_of_stranger_are_told_as_a_customers(partner: Partner) -> None:
    a_line(msisdn=NUMBER)
    told = []
    for number in (NUMBER, STRANGER):
        claim = partner.claim(msisdn=number, id=f"of {number}")
        _, answer = partner.claims(claim, claim, {**claim, "wording": "Other"})
        _, again = partner.claims(claim)
        told.append(json.dumps([{**shape(one), "id": ""} for one in (*answer["results"], *again["results"])]))
    assert told[0] == told[1]


def test_a_claim_of_a_stranger_waits_for_its_line(partner: Partner) -> None:
    partner.one(partner.claim())
    assert Approval.objects.count() == 0
    line = a_line(msisdn=NUMBER)
    ApprovalsFeed().replay(at=database_clock())
    assert Approval.objects.get(line_id=line.pk).verified_by == "partner"
    assert partner.one(partner.claim(wording="Other"))[0] == 409
    assert ConsentRequest.objects.count() == 0


def test_work_done_for_a_stranger_is_in_no_more_statements(partner: Partner) -> None:
    """The time of the answer is levelled by waiting; this holds that what is read before differs in nothing."""
    a_line(msisdn=NUMBER)
    partner.one(partner.claim(id="c-0", msisdn="+12065550111"))
    counted = []
    for number in (NUMBER, STRANGER):
        partner.one(partner.claim(msisdn=number, id=f"first {number}"))
        with CaptureQueriesContext(connection) as queries:
            partner.one(partner.claim(msisdn=number, id=f"first {number}"))
        counted.append(len(queries))
    assert counted[0] == counted[1]


def test_the_answer_waits_for_the_slowest(partner: Partner, settings: Settings) -> None:
    settings.ANSWER_SECONDS = 60.0
    a_line(msisdn=NUMBER)
    for number in (NUMBER, STRANGER):
        before, claim = monotonic(), partner.claim(msisdn=number, id=number)
        answer: Any = partner.post("/api/v1/approvals", json.dumps(claim).encode(), "application/json")
        assert answer.wsgi_request.META[ANSWER_AT] >= before + 60


# Whose it is.


def test_a_claim_belongs_to_whoever_had_the_number_then(partner: Partner) -> None:
    ended_at = timezone.now() - timedelta(days=10)
    before = a_line(msisdn=NUMBER, activated_at=LONG_AGO, deactivated_at=ended_at)
    now = a_line(msisdn=NUMBER, activated_at=ended_at)
    told = partner.one(partner.claim(captured_at=stamp(ended_at - timedelta(days=1))))[1]
    assert Approval.objects.get().line_id == before.pk
    assert told["subject_ref"] == pairwise.subject(line_id=now.pk, party_id=partner.party.pk)
    assert ConsentRequest.objects.count() == 0
    assert ask(now, partner.campaign) == "no_approval"
    # Nor is a claim by the earlier line's name, of the moment at which it ended, that line's any more.
    name = pairwise.subject(line_id=before.pk, party_id=partner.party.pk)
    for n, at in enumerate((ended_at, ended_at - timedelta(microseconds=1))):
        partner.one(partner.claim(id=f"late-{n}", msisdn=None, subject_ref=name, captured_at=at.isoformat()))
        assert Approval.objects.count() == 1 + n


def test_the_person_sees_that_only_the_company_says_so(partner: Partner) -> None:
    line = a_line(msisdn=NUMBER)
    partner.one(partner.claim())
    browser = signed_in(line)
    provider = partner.campaign.lbs_provider
    for path in ("/home/", f"/companies/{provider.pk}/"):
        assert "Only the company says you agreed" in browser.get(path).text, path
    assert sharing(line=line, at=timezone.now()).uses[partner.campaign.ref].proof.kind == "claimed"
    log = browser.get("/access-log/").text
    assert "A company we share with" in log
    assert "Imported records of consent" in log


def test_it_is_in_the_audit_trail_without_a_number(partner: Partner) -> None:
    a_line(msisdn=NUMBER)
    partner.claims(partner.claim(), partner.claim(id="c-2", msisdn=STRANGER), {"id": "c-3"})
    event = AuditEvent.objects.get(action="approvals.claimed")
    assert (event.actor, event.target, event.detail) == (
        f"partner:{partner.party.pk}", "feed:approvals",
        {"client": partner.party.uri, "accepted": 2, "repeated": 0, "rejected": 1},
    )  # fmt: skip
    of_the_line = AuditEvent.objects.get(action="consent.approvals_recorded")
    assert of_the_line.detail["client"] == partner.party.uri


def test_a_partner_with_the_longest_name_may_claim(db: None) -> None:
    line, partner = a_line(msisdn=NUMBER), a_partner("long." * 30 + "GeoBridge")
    assert partner.one(partner.claim())[0] == 200
    event = AuditEvent.objects.get(action="consent.approvals_recorded", line_id=line.pk)
    assert event.actor == f"partner:{partner.party.pk}"
