"""The pages of a company, contract and campaign say how it stands, and what each change changed."""

import re
import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.utils import timezone

import audit.actions
from accounts.models import User
from audit.models import AuditEvent, Incident
from consent.models import DigestRun
from disclosures.models import DelayedNotice, Disclosure
from partners.models import Campaign
from tests.factories import a_ledger_row, a_line
from tests.support.console import a_chain
from tests.support.officers import Member, post, rows_of, shown, sign_in_anew, staff

pytestmark = pytest.mark.usefixtures("db", "no_broker")
DAY = timedelta(days=1)


def a_release(line_id: int, campaign: Campaign, at: datetime) -> Disclosure:
    return Disclosure.objects.create(
        line_id=line_id, occurred_at=at, id=uuid.uuid4(), source_id=str(uuid.uuid4()), aggregator="a", path=["a"],
        campaign=campaign.ref, purpose=campaign.purpose, scope=campaign.scope, precision_m=500, basis="approval",
        outcome="released", judgement="permitted", recorded_at=at,
    )  # fmt: skip


def test_a_company_says_how_it_stands(officer: Member) -> None:
    at, line = timezone.now(), a_line()
    campaign, other = a_chain(line, "Ash", at=at), a_chain(line, "Birch", at=at)
    contract, party = campaign.contract, campaign.contract.aggregator
    # The chain has one of yesterday.
    days = (1, 20, 21, 60)
    for n in (*days[1:], 400):
        a_release(line.pk, campaign, at - n * DAY)
    months = Counter(f"{(at - n * DAY).astimezone(UTC):%B %Y}" for n in days)
    a_release(line.pk, other, at - DAY)
    paths = (f"/admin/parties/{party.pk}/", f"/admin/contracts/{contract.pk}/", f"/admin/campaigns/{campaign.pk}/")
    before = [shown(officer, path) for path in paths]
    hidden = a_release(line.pk, campaign, at - 2 * DAY)
    DelayedNotice.objects.create(
        line_id=line.pk, disclosure_id=hidden.id, number=1, suppressed_until=None, order_ref="x", recorded_at=at
    )
    assert [shown(officer, path) for path in paths] == before
    for ref in (campaign.ref, other.ref):
        a_ledger_row(a_line(), "stop", scope="campaign", ref=ref, at=at, reason="never_agreed")
    for subject, key in ((party.uri, "1"), (f"partner:{party.pk}", "2"), ("https://birch.example", "3")):
        audit.actions.open_incident(kind=Incident.Kind.OVERDUE, key=key, subject=subject, at=at)
    DigestRun.objects.create(
        id=uuid.uuid4(), party_id=party.pk, received_at=at, differing=[1], finished_at=at, findings={"partner_has": 3}
    )
    company, agreement, _ = (shown(officer, path).partition("At a glance")[2] for path in paths)
    for said in (
        *(f"{month} {n} " for month, n in months.items()), "Lines reached 1",
        "Missing signatures none past their date",
        f"Reconciliation {at:%-d %b %Y} : 3 consents the partner allows and we deny",
        "Open incidents 2", "Disputes “I never agreed” 1 time, 100.0% of 1 consents on record", "Owner nobody",
    ):  # fmt: skip
        assert said in company
    assert f"{at:%b %Y} Show as a table" in agreement
    assert "Reconciliation (whole company)" in agreement
    assert "Open incidents (whole company) 2" in agreement
    assert sum(int(n) for n in re.findall(r"[a-z]+ 20\d\d (\d+)", company.partition("Lines reached")[0])) == len(days)
    assert len(rows_of(officer, f"/admin/incidents/?company={party.uri}&state=open")) == 2


def test_a_note_names_an_owner_and_reminds_officers(officer: Member) -> None:
    at, second = timezone.now(), staff(User.Role.OFFICER, name="second")
    contract = a_chain(a_line(), "Ash", at=at).contract
    other = a_chain(a_line(), "Birch", at=at).contract
    page, form = f"/admin/contracts/{contract.pk}/", f"/admin/note/contract/{contract.pk}/"
    day = f"{at + 3 * DAY:%Y-%m-%d}"
    assert post(officer, form, {"reason": "They want a longer term.", "owner": second.actor, "remind_on": day}) == page
    assert post(officer, form, {"reason": "Called them.", "owner": "same"}) == page
    assert post(officer, form, {"reason": "Too late.", "owner": "same", "remind_on": f"{at:%Y-%m-%d}"}) == ""
    assert post(officer, form, {"reason": "Nobody's.", "owner": "officer:999999"}) == ""
    told = shown(officer, page)
    assert f"Owner second@carrier.example Reminder {at + 3 * DAY:%-d %b %Y}" in told
    assert f"contract: note added (owner changed; reminder: {at + 3 * DAY:%-d %b %Y})" in told
    assert f"{officer.user.email}: Called them." in told
    assert post(officer, form, {"reason": "?", "owner": "same", "remind_on": day, "no_reminder": "on"}) == ""
    about = f"/admin/parties/{contract.aggregator_id}/"
    assert post(officer, f"/admin/note/party/{contract.aggregator_id}/", {
        "reason": "Theirs.", "owner": "same", "remind_on": day,
    }) == about  # fmt: skip
    assert "Remind us on" not in shown(officer, f"/admin/note/party/{contract.aggregator_id}/")
    assert "company: note added " in shown(officer, about)
    assert "reminder" not in shown(officer, about)
    post(officer, f"/admin/note/contract/{other.pk}/", {"reason": "Later.", "owner": "same", "remind_on": "2090-01-01"})
    assert rows_of(officer, "/admin/contracts/?remind=due") == []
    with time_machine.travel(at + 4 * DAY, tick=False):
        sign_in_anew(officer)
        (row,) = rows_of(officer, "/admin/contracts/?remind=due")
        assert row.startswith(contract.ref)
        assert '<a href="/admin/contracts/?remind=due">Contracts to renew</a></dt><dd class="warn">1</dd>' in (
            officer.client.get("/admin/").content.decode()
        )
        assert post(officer, form, {"reason": "Renewed.", "owner": "same", "no_reminder": "on"}) == page
        assert rows_of(officer, "/admin/contracts/?remind=due") == []
        assert "contract: note added (reminder: none)" in shown(officer, page)
    assert AuditEvent.objects.filter(action="contract.noted", target=f"contract:{contract.pk}").count() == 3


def test_each_change_is_said_before_and_after(officer: Member) -> None:
    party = a_chain(a_line(), "Ash", at=timezone.now()).contract.aggregator
    page = f"/admin/parties/{party.pk}/"
    fields = {"name": "Ash Two", "website": "", "about": "Finds cars.", "jwks_uri": party.jwks_uri}
    assert post(officer, f"{page}change/", {**fields, "reason": "New name."}) == page
    said = "company: changed (what it does: Finds cars., was none; name: Ash Two, was Ash)"
    assert said in shown(officer, page)
    assert "what it does: Finds cars., was none; name: Ash Two, was Ash" in shown(
        officer, f"/admin/trail/?on=party:{party.pk}"
    )
    assert [row for row in rows_of(officer, f"/admin/trail/?on=party:{party.pk}") if "changed" not in row] == []
