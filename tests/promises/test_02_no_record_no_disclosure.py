"""Promise 2. No record, no disclosure: whatever is not known to be allowed is denied."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, transaction
from msgspec import structs

from accounts.models import Line
from audit.queries import database_clock
from consent.actions import choices
from consent.api import decisions
from consent.gate import deciding
from consent.gate.shapes import Answer
from consent.queries.permission import permission_at
from partners.models import Campaign, JurisdictionRule, Reach, Suspension
from tests.consent.claiming import a_partner
from tests.factories import FAR_OFF, LONG_AGO, a_campaign, a_contract, a_line, a_party, an_approval
from tests.promises.asking import question, reason
from tests.staff import an_agreed_proposal

pytestmark = pytest.mark.django_db
NOW = datetime.now(UTC)


@pytest.fixture
def line() -> Line:
    return a_line(msisdn="+12065550177")


def test_what_is_on_record_is_allowed(line: Line, campaign: Campaign) -> None:
    assert reason(line, campaign) == ""
    assert reason(line, campaign, line=None, msisdn="+12065550177") == ""


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"line": "L-nobody"}, "line_unknown"),
        ({"line": None, "msisdn": "+12065550100"}, "line_unknown"),
        ({"aggregator": "https://nobody.example"}, "no_approval"),
        ({"provider": "https://nobody.example"}, "no_approval"),
        ({"campaign": "CMP-unknown"}, "no_approval"),
        ({"campaign": ""}, "no_approval"),
        ({"purpose": "dpv:TargetedAdvertising"}, "no_approval"),
        ({"scope": "location-verification:verify"}, "no_approval"),
        ({"precision_m": 499}, "precision_exceeded"),
        ({"precision_m": None}, "precision_exceeded"),
    ],
)
def test_whatever_differs_from_the_record_is_denied(
    line: Line, campaign: Campaign, changed: dict[str, object], why: str
) -> None:
    assert reason(line, campaign, **changed) == why


def test_no_approval_a_claim_and_an_ended_approval_are_denied(line: Line) -> None:
    nothing, claimed, ended = a_campaign(), a_campaign(), a_campaign()
    an_approval(line, claimed, verified_by="partner")
    an_approval(line, ended, expires_at=NOW - timedelta(days=1))
    assert [reason(line, one) for one in (nothing, claimed, ended)] == [
        "no_approval",
        "approval_unverified",
        "approval_expired",
    ]


def test_what_is_not_in_force_is_denied(line: Line) -> None:
    over = a_campaign(a_contract(ends_at=NOW - timedelta(days=1)))
    ended = a_campaign(ends_at=NOW - timedelta(days=1))
    suspended = a_campaign()
    Suspension.objects.create(
        of="contract", target_id=suspended.contract_id, starts_at=LONG_AGO, reason="test", actor="officer:1"
    )
    for one in (over, ended, suspended):
        an_approval(line, one)
    assert [reason(line, one) for one in (over, ended, suspended)] == [
        "contract_not_in_force",
        "campaign_not_in_force",
        "partner_suspended",
    ]


def test_a_line_that_ended_is_unknown(campaign: Campaign) -> None:
    over = a_line(deactivated_at=NOW - timedelta(days=1))
    an_approval(over, campaign, at=NOW - timedelta(days=30))
    assert reason(over, campaign) == "line_unknown"


def test_a_sale_in_a_state_that_forbids_it_is_denied() -> None:
    marylander = a_line(state="MD")
    sold = a_campaign(provider=a_party("AdReach", "lbs_provider"), consideration="monetary")
    an_approval(marylander, sold)
    assert reason(marylander, sold) == "jurisdiction_prohibits"


def test_a_database_that_fails_denies(line: Line, campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(**_: object) -> list[Answer]:
        raise DatabaseError

    monkeypatch.setattr(deciding, "evaluate", broken)
    assert [answer.allowed for answer in decisions.answers([question(line, campaign)])] == [False]


@pytest.mark.parametrize("named", ["unknown", "https://made-up.example", "https://elsewhere.example"])
def test_an_unknown_recipient_leaves_no_stop_behind(line: Line, named: str) -> None:
    """Only a request that names one of the companies known behind the campaign leaves the stops of the others."""
    a_party("Elsewhere", "end_customer")
    campaign = a_campaign(names_recipient=True)
    for name in ("SecureTrack", "JailCall"):
        Reach.objects.create(campaign=campaign, party=a_party(name, "end_customer"))
    an_approval(line, campaign)
    stopped = a_party("SecureTrack", "end_customer")
    choices.stop(line_id=line.pk, scope="party", ref=stopped.uri, actor="subscriber:1", channel="web")

    def answer(recipient: str) -> str:
        (found,) = deciding.evaluate(questions=[structs.replace(question(line, campaign), recipient=recipient)])
        return found.reason

    assert answer(a_party("JailCall", "end_customer").uri) == ""
    assert {answer(one) for one in (named, "", stopped.uri)} == {"stopped_party"}


def test_a_draft_is_not_in_force_whatever_its_dates_say(line: Line) -> None:
    of_contract, of_campaign = a_campaign(a_contract(is_draft=True)), a_campaign(is_draft=True)
    for one in (of_contract, of_campaign):
        an_approval(line, one)
    assert [reason(line, one) for one in (of_contract, of_campaign)] == [
        "contract_not_in_force",
        "campaign_not_in_force",
    ]


def test_one_officer_alone_lifts_no_suspension_by_any_way(line: Line, campaign: Campaign) -> None:
    suspension = Suspension.objects.create(
        of="contract", target_id=campaign.contract_id, starts_at=LONG_AGO, reason="test", actor="officer:1"
    )
    lifted = Suspension.objects.filter(pk=suspension.pk)
    other = an_agreed_proposal("lift_suspension", "campaign", campaign.pk, at=NOW)
    for change in ({"ends_at": NOW}, {"ends_at": NOW, "lifted_by": other}, {"starts_at": FAR_OFF}):
        with pytest.raises(DatabaseError, match="suspension"), transaction.atomic():
            lifted.update(**change)
    with pytest.raises(DatabaseError), transaction.atomic():
        lifted.delete()
    assert reason(line, campaign) == "partner_suspended"
    lifted_by = an_agreed_proposal("lift_suspension", "contract", campaign.contract_id, at=NOW)
    lifted.update(ends_at=NOW, lifted_by=lifted_by)
    assert reason(line, campaign) == ""


def test_one_officer_alone_makes_no_term_longer(line: Line) -> None:
    over = a_campaign(ends_at=NOW - timedelta(days=1))
    an_approval(line, over)
    longer = Campaign.objects.filter(pk=over.pk)
    terms = {"ends_at": "2095-01-01T00:00:00Z", "was": over.ends_at.isoformat()}
    an_agreed_proposal("extend_term", "campaign", over.pk, payload=terms, at=NOW)
    for change in ({"ends_at": FAR_OFF}, {"starts_at": LONG_AGO - timedelta(days=1)}):
        with pytest.raises(IntegrityError, match="two officers"), transaction.atomic():
            longer.update(**change)
    assert reason(line, over) == "campaign_not_in_force"
    longer.update(ends_at=datetime(2095, 1, 1, tzinfo=UTC))
    assert reason(line, over) == ""


def test_one_officer_alone_relaxes_no_state_s_rule() -> None:
    marylander = a_line(state="MD")
    sold = a_campaign(provider=a_party("AdReach", "lbs_provider"), consideration="monetary")
    an_approval(marylander, sold)
    rule = JurisdictionRule.objects.get(state="MD")
    relaxed = JurisdictionRule.objects.filter(pk=rule.pk)
    changes: list[dict[str, Any]] = [{"ends_at": NOW}, {"purposes": []}, {"sale_test": False}, {"starts_at": FAR_OFF}]
    for change in changes:
        with pytest.raises(DatabaseError, match=r"two officers|permission denied"), transaction.atomic():
            relaxed.update(**change)
    assert reason(marylander, sold) == "jurisdiction_prohibits"
    relaxed.update(ends_at=NOW, relaxed_by=an_agreed_proposal("relax_rule", "rule", rule.pk, at=NOW))
    assert reason(marylander, sold) == ""


def test_a_claim_allows_nothing_and_a_yes_nothing_before_it(no_broker: None) -> None:
    line, partner = a_line(msisdn="+12065550142"), a_partner()
    campaign = partner.campaign
    claimed_at = database_clock() - timedelta(days=30)
    partner.one(partner.claim(captured_at=claimed_at.isoformat()))
    assert reason(line, campaign) == "approval_unverified"
    yes = choices.allow(line_id=line.pk, campaign=campaign.ref, actor="subscriber:1", channel="ask")
    assert reason(line, campaign) == ""

    def judged(at: datetime) -> str:
        parties = [partner.party.uri, campaign.lbs_provider.uri]
        return permission_at(
            line_id=line.pk, campaign=campaign.ref, purpose=campaign.purpose, parties=parties, scope=campaign.scope,
            precision_m=campaign.precision_m, at=at, known_at=database_clock() + timedelta(days=1),
        )  # fmt: skip

    assert judged(claimed_at + timedelta(days=1)) == "approval_unverified"
    assert judged(yes.made_at - timedelta(microseconds=1)) == "approval_unverified"
    assert judged(yes.made_at) == "permitted"
