"""Purposes in the console: what each is for, and the link by which the stops of one hold for another."""

import re
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from audit.models import AuditEvent
from consent.actions import choices
from console.queries.purposes import RuleImpact, get_purpose_words, get_rule_impact
from partners.actions.terms import RuleTerms
from partners.models import Campaign, IdentifierLink
from tests.factories import ADS, FAR_OFF, FRAUD, NOW, a_campaign, a_contract, a_line, a_party, an_approval
from tests.moments import begins_at, ends_at
from tests.support.officers import Member, ask, post, shown, staff

pytestmark = pytest.mark.usefixtures("no_broker")


@pytest.fixture
def officer(committed_db: None) -> Member:
    return staff(name="first")


def test_a_purpose_says_who_uses_it_and_where_not(officer: Member) -> None:
    campaign = a_campaign(a_contract(a_party()), a_party("AdReach", "lbs_provider"), purpose=ADS)
    page = f"/admin/purposes/{ADS}/"
    assert f'<a href="{page}">' in officer.client.get("/admin/purposes/").content.decode()
    assert f'<a href="{page}">' in officer.client.get(f"/admin/campaigns/{campaign.pk}/").content.decode()
    told = shown(officer, page)
    for said in ("To show you ads by where you go", ADS, campaign.ref, "AdReach", "MD from 1 Oct 2025"):
        assert said in told
    assert "No campaign has this purpose." in shown(officer, "/admin/purposes/dpv:Marketing/")
    assert officer.client.get("/admin/purposes/dpv:Nothing/").status_code == 404
    assert officer.client.get("/admin/purposes/dpv:Nothing/link/").status_code == 404


def test_stops_hold_across_linked_purposes_and_approvals_do_not(officer: Member) -> None:
    line, other = a_line(), a_line()
    fraud = a_campaign(a_contract(a_party()), a_party("Finder", "lbs_provider"), purpose=FRAUD)
    a_campaign(fraud.contract, a_party("AdReach", "lbs_provider"), purpose=ADS)
    for one in (line, other):
        an_approval(one, fraud, at=timezone.now())
    choices.stop(line_id=line.pk, scope="purpose", ref=ADS, actor=f"subscriber:{line.pk}", channel="web")
    assert ask(fraud, line.carrier_id) == ""
    page, path = f"/admin/purposes/{FRAUD}/", f"/admin/purposes/{FRAUD}/link/"
    # Every other one to choose from, those that we have no words for too.
    a_campaign(fraud.contract, ref="CMP-Z", purpose="dpv:Aardvarks")
    form = officer.client.get(path).content.decode().partition('name="kin_ref"')[2].partition("</select>")[0]
    assert re.findall('<option value="([^"]+)"', form) == sorted(({*get_purpose_words()} - {FRAUD}) | {"dpv:Aardvarks"})
    assert "Fill in “Reason”." in shown(officer, path, {"kin_ref": ADS, "link": "succeeds", "reason": ""})
    assert "isn't available. Choose another." in shown(officer, path, {"kin_ref": FRAUD, "link": "succeeds"})
    assert "isn't available. Choose another." in shown(officer, path, {"kin_ref": ADS, "link": "same_as"})
    assert not IdentifierLink.objects.exists()
    assert post(officer, path, {"kin_ref": ADS, "link": "succeeds", "reason": "DPV renamed it."}) == page
    assert list(IdentifierLink.objects.values_list("of", "ref", "link", "kin_ref")) == [
        ("purpose", FRAUD, "succeeds", ADS)
    ]
    assert ask(fraud, line.carrier_id) == "stopped_purpose"
    assert ask(fraud, other.carrier_id) == ""
    told = shown(officer, page)
    assert "Linked. Stops of one now apply to the other." in told
    assert f"Linked to {FRAUD} succeeds {ADS}" in told
    assert "purpose: linked" in told
    assert f"Linked to {FRAUD} succeeds {ADS}" in shown(officer, f"/admin/purposes/{ADS}/")
    IdentifierLink.objects.create(of="purpose", ref=FRAUD, kin_ref="dpv:Aardvarks", link="same_as", recorded_at=NOW)
    assert f"Linked to {FRAUD} same as dpv:Aardvarks {FRAUD} succeeds {ADS}" in shown(officer, page)
    event = AuditEvent.objects.get(action="purpose.linked")
    assert (event.actor, event.reason, event.target) == (officer.actor, "DPV renamed it.", f"purpose:{FRAUD}")
    assert f'<a href="{page}"><bdi>purpose: To spot fraud</bdi></a>' in re.sub(
        r">\s+<", "><", officer.client.get("/admin/trail/").content.decode()
    )
    assert post(officer, path, {"kin_ref": ADS, "link": "succeeds"}) == page
    told = officer.client.get(page).content.decode()
    assert '<p class="o-note info">They are already linked.</p>' in told


def test_a_rule_prohibits_what_runs_after_its_beginning(officer: Member) -> None:
    day, provider = FAR_OFF - timedelta(days=1), a_party("AdReach", "lbs_provider")

    def seen(starts_at: datetime, at: datetime = NOW) -> RuleImpact:
        terms = RuleTerms("MD", starts_at, (ADS,), sale_test=False, source="A law")
        return get_rule_impact(terms=terms, at=at)

    # Whichever ends first, the campaign or its contract.
    for of_contract, own in ((FAR_OFF, day), (day, FAR_OFF)):
        campaign = a_campaign(a_contract(a_party(), ends_at=of_contract), provider, purpose=ADS, ends_at=own)
        assert ends_at(lambda starts_at: seen(starts_at).campaigns, day)
        Campaign.objects.filter(pk=campaign.pk).update(purpose=FRAUD)
    assert begins_at(lambda at: seen(NOW, at).has_begun, NOW)
