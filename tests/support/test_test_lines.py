"""Lines of our own at real partners: what was signed is held against what comes after it."""

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from pytest_django import Settings

from accounts.models import Line, User
from accounts.queries import StaffOnly
from audit.models import AuditEvent, Incident
from audit.queries import database_clock
from consent.actions import choices
from consent.models import DigestFinding, DigestRun
from console.actions.test_lines import mark_test_line
from disclosures.models import Disclosure
from partners.models import Campaign
from partners.policies.lifecycle import NotNow
from revocations.models import Order, State
from support.models import CarrierTestLine
from support.workers.watching import watch_seeds
from tests.factories import a_campaign, a_contract, a_line, a_party, an_approval
from tests.orders import bring_to
from tests.support.officers import Member, post, rows_of, shown, staff

pytestmark = pytest.mark.usefixtures("db", "no_broker")
HOUR = timedelta(hours=1)
OURS = "TEST-ACCOUNT"


@pytest.fixture
def officer(settings: Settings) -> Member:
    settings.TEST_ACCOUNTS = [OURS]
    return staff(name="first")


@pytest.fixture
def campaign() -> Campaign:
    return a_campaign(a_contract(a_party("GeoBridge")), a_party("SecureTrack", "lbs_provider"))


def a_test_line(campaign: Campaign, officer: Member) -> tuple[Line, Order]:
    """One that agreed, stopped, and about which its partner signed that all is done. An hour has passed since."""
    line = a_line(account=OURS)
    an_approval(line, campaign)
    choices.stop(line_id=line.pk, scope="all", actor=f"line:{line.pk}", channel="web")
    order = Order.objects.get(line_id=line.pk)
    signed(order, at=database_clock() - HOUR)
    mark_test_line(carrier_id=line.carrier_id, actor=officer.actor, reason="Put at GeoBridge.", at=database_clock())
    return line, order


def signed(order: Order, *, at: datetime) -> None:
    assert bring_to(State.COMPLETED, Order.objects.filter(pk=order.pk), acknowledged_at=at, completed_at=at) == 1


def asked(line: Line, campaign: Campaign, at: datetime, outcome: str = "refused") -> None:
    aggregator, provider = campaign.contract.aggregator.uri, campaign.lbs_provider.uri
    Disclosure.objects.create(
        line_id=line.pk, occurred_at=at, id=uuid.uuid4(), source_id=str(uuid.uuid4()), aggregator=aggregator,
        path=[aggregator, provider], campaign=campaign.ref, purpose=campaign.purpose, scope=campaign.scope,
        precision_m=500, basis="approval", outcome=outcome,
        judgement="permitted" if outcome == "released" else "refused", recorded_at=database_clock(),
    )  # fmt: skip


def claimed(line: Line, campaign: Campaign, at: datetime) -> None:
    an_approval(line, campaign, at=at, verified_by="partner", recorded_at=at)


def in_its_books(line: Line, campaign: Campaign, at: datetime) -> None:
    run = DigestRun.objects.create(
        id=uuid.uuid4(), party_id=campaign.contract.aggregator_id, received_at=at, differing=["1"], drilled=["1"],
        findings={"partner_has": 1}, finished_at=at,
    )  # fmt: skip
    DigestFinding.objects.create(
        run=run, kind="partner_has", line_id=line.pk, contract_id=campaign.contract_id, purpose=campaign.purpose,
        recipient=campaign.lbs_provider.uri, scope=campaign.scope, found_at=at,
    )  # fmt: skip


@pytest.mark.parametrize("evidence", [asked, claimed, in_its_books])
def test_what_follows_the_signature_is_an_incident(
    officer: Member, campaign: Campaign, evidence: Callable[[Line, Campaign, datetime], None]
) -> None:
    line, order = a_test_line(campaign, officer)
    now = database_clock()
    evidence(line, campaign, now - 2 * HOUR)
    watch_seeds(now=now)
    assert not Incident.objects.exists(), "before it signed, it had every right"
    evidence(line, campaign, now - HOUR / 2)
    watch_seeds(now=now)
    watch_seeds(now=now)
    one = Incident.objects.get()
    assert (one.kind, one.key, one.subject, one.count) == (
        "contradicted", f"test-line:{order.id}", f"partner:{order.party_id}", 1,
    )  # fmt: skip
    said = shown(officer, f"/admin/incidents/{one.pk}/")
    assert "A partner continued after signing that it stopped open test line About GeoBridge" in said
    sent = officer.client.post(f"/admin/incidents/{one.pk}/export/", {"form": "html", "reason": "For the agencies."})
    assert "<dt>Line</dt><dd>One of our test lines, not a subscriber's</dd>" in sent.content.decode()
    assert "test line" in rows_of(officer, "/admin/incidents/")[0]
    assert line.carrier_id not in said


def test_nothing_is_found_of_an_ended_test_line(officer: Member, campaign: Campaign) -> None:
    line, _ = a_test_line(campaign, officer)
    path = "/admin/test-lines/"
    assert rows_of(officer, path)[0].startswith("Test line")
    assert "Put at GeoBridge. 1 1 " in rows_of(officer, path)[0]
    seed = CarrierTestLine.objects.get()
    assert f'href="{path}{seed.pk}/end/"' in officer.client.get(path).content.decode()
    assert post(officer, f"{path}{seed.pk}/end/", {"reason": "Done with it."}) == path
    asked(line, campaign, database_clock())
    watch_seeds(now=database_clock())
    assert not Incident.objects.exists()
    acts = AuditEvent.objects.filter(line_id=line.pk, action__startswith="test_line").order_by("id")
    assert list(acts.values_list("action", "reason")) == [
        ("test_line.marked", "Put at GeoBridge."), ("test_line.ended", "Done with it."),
    ]  # fmt: skip


def test_a_line_that_allows_again_may_be_asked_about(officer: Member, campaign: Campaign) -> None:
    line, _ = a_test_line(campaign, officer)
    choices.allow(line_id=line.pk, campaign=campaign.ref, actor="subscriber:1", channel="web")
    asked(line, campaign, database_clock(), "released")
    watch_seeds(now=database_clock())
    assert not Incident.objects.exists()


def test_only_lines_of_our_own_account_and_by_an_officer(officer: Member) -> None:
    person, ours, now = a_line(), a_line(account=OURS), database_clock()
    for carrier_id in (person.carrier_id, "NOBODY-1"):
        answer = shown(officer, "/admin/test-lines/add/", {"line": carrier_id, "reason": "Try it."})
        assert "No line with this ID is in our test accounts" in answer
        assert carrier_id in officer.client.post("/admin/test-lines/add/", {"line": carrier_id}).content.decode()
    for role in (User.Role.AGENT, User.Role.AUDITOR, User.Role.LEGAL):
        with pytest.raises(StaffOnly):
            mark_test_line(carrier_id=ours.carrier_id, actor=staff(role).actor, reason="Due", at=now)
    assert (
        post(officer, "/admin/test-lines/add/", {"line": ours.carrier_id, "reason": "Try it."}) == "/admin/test-lines/"
    )
    with pytest.raises(NotNow, match="already a test line"):
        mark_test_line(carrier_id=ours.carrier_id, actor=officer.actor, reason="Due", at=now)
    assert list(CarrierTestLine.objects.values_list("line_id", flat=True)) == [ours.pk]
