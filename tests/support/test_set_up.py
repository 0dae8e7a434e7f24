"""Setting a contract or campaign up: what of it works now, what subscribers read, whom it concerns, and one like it."""

import re
from datetime import timedelta
from html import unescape

import pytest
from django.utils import timezone

from audit.models import AuditEvent
from partners.models import Contract, Reach
from tests.factories import FRAUD, LONG_AGO, ROADSIDE, a_campaign, a_contract, a_line, a_party, an_approval
from tests.partners.outside import Answer, Outside, Signer
from tests.support.officers import Member, confirmed, places, post, shown

pytestmark = pytest.mark.usefixtures("db", "no_broker")
NOBODY = "No campaign is in force under it now: a change affects no one yet."


def checks(page: str) -> str:
    """What the checks say."""
    return page.partition("Checks ")[2]


def typed_in(member: Member, path: str) -> dict[str, str]:
    """What a form begins with, by field."""
    page = unescape(member.client.get(path).content.decode())
    texts = re.findall(r'<input type="(?:text|date|number)" name="(\w+)" value="([^"]*)"', page)
    areas = re.findall(r'<textarea name="(\w+)"[^>]*>\n?(.*?)</textarea>', page, flags=re.DOTALL)
    chosen = re.findall(r'<select name="(\w+)".*?<option value="([^"]*)" selected>', page, flags=re.DOTALL)
    return {name: value for name, value in [*texts, *areas, *chosen] if value}


def test_addresses_and_keys_are_tried(officer: Member, outside: Outside) -> None:
    party = a_party("GeoBridge", jwks_uri=f"{outside.url}/jwks.json")
    contract = a_contract(party, endpoint_url=f"{outside.url}/events", is_draft=True)
    path = f"/admin/set-up/contract/{contract.pk}/"
    day = f"{contract.ends_at:%-d %b %Y}"
    assert checks(shown(officer, path)) == (
        f"Draft It can be put in force. fine Term Ends on {day}. fine "
        "Event address Reachable: HTTP 404 to a request without an event. fine Keys No"
        f" usable keys can be read at {outside.url}/jwks.json. fails {NOBODY}"
    )
    Signer("a", outside)
    contract.endpoint_url = "http://127.0.0.1:9/events"
    contract.save()
    page = checks(shown(officer, f"/admin/force/contract/{contract.pk}/"))
    why = "Can't be reached. No server answers there: its name or port may be wrong, or it may be down."
    assert f"Event address {why} fails" in page
    assert f"Keys 1 usable key at {outside.url}/jwks.json. fine" in page


def test_each_check_that_fails_takes_a_yes_of_its_own(officer: Member, outside: Outside) -> None:
    party = a_party("GeoBridge", jwks_uri=f"{outside.url}/jwks.json")
    contract = a_contract(party, endpoint_url="http://127.0.0.1:9/events", is_draft=True)
    path = f"/admin/force/contract/{contract.pk}/"
    assert "Put it in force although this fails" in shown(officer, path)
    for ticked, missing in (((), "Event address and Keys"), (("Keys",), "Event address")):
        refused = shown(officer, path, {"despite": ticked})
        assert f"Still a draft: {missing} can't be used now. Tick it, or mend it first." in refused
        assert Contract.objects.get().is_draft
    # What works again by then isn't asked about, and what began to fail since is.
    Signer("a", outside)
    assert "Event address: Can't be reached." in shown(officer, path)
    assert post(officer, path, {"despite": ["Event address"]}) == f"/admin/contracts/{contract.pk}/"
    assert not Contract.objects.get().is_draft
    kept = "although a check failed: Event address"
    assert kept in shown(officer, f"/admin/contracts/{contract.pk}/")
    assert f"contract: put in force {kept} {contract.ref}" in shown(officer, "/admin/trail/?kind=act")


def test_what_works_is_put_in_force_without_another_yes(officer: Member, outside: Outside) -> None:
    contract = a_contract(a_party(jwks_uri=f"{outside.url}/jwks.json"), is_draft=True)
    Signer("a", outside)
    path = f"/admin/force/contract/{contract.pk}/"
    assert "although" not in shown(officer, path)
    post(officer, path)
    assert AuditEvent.objects.get(action="contract.put_in_force").detail == {"ref": contract.ref}
    assert "although" not in shown(officer, f"/admin/contracts/{contract.pk}/")


@pytest.mark.parametrize(
    ("status", "says"),
    [
        (300, "Redirects (HTTP 300). Orders don't follow redirects. check"),
        (302, "Redirects (HTTP 302). Orders don't follow redirects. check"),
        (400, "Reachable: HTTP 400 to a request without an event. fine"),
        (500, "Answers with a server error (HTTP 500). check"),
        (200, "Reachable: HTTP 200 to a request without an event. fine"),
        (405, "Reachable: HTTP 405 to a request without an event. fine"),
    ],
)
def test_what_delivery_takes_for_a_failure_is_told(officer: Member, outside: Outside, status: int, says: str) -> None:
    contract = a_contract(a_party(), endpoint_url=f"{outside.url}/events")
    outside.unknown = Answer(status)
    assert f"Event address {says} Keys" in shown(officer, f"/admin/set-up/contract/{contract.pk}/")


def test_what_a_draft_lacks_is_said_before_it_is_put_in_force(officer: Member) -> None:
    contract = a_contract(a_party(), is_draft=True, ends_at=timezone.now() + timedelta(days=30))
    campaign = a_campaign(contract, is_draft=True, ends_at=timezone.now() + timedelta(days=60))
    page = checks(shown(officer, f"/admin/force/campaign/{campaign.pk}/"))
    assert page.startswith(f"Draft Its contract {contract.ref} is a draft: put that in force first. fails Term")
    assert f"Contract Its contract {contract.ref} ends on {contract.ends_at:%-d %b %Y}." in page
    assert f"{NOBODY} What subscribers read before they allow it English " in page


def test_subscribers_words_are_shown_in_every_language(officer: Member) -> None:
    campaign = a_campaign(purpose=FRAUD)
    an_approval(a_line(), campaign, at=LONG_AGO)
    page = shown(officer, f"/admin/set-up/campaign/{campaign.pk}/")
    assert f"Contract Its purpose and term are within {campaign.contract.ref}. fine" in page
    assert "A change concerns 1 campaign in force, with 1 line agreed." in page
    texts = page.partition("before they allow it ")[2]
    assert re.findall(r"English|Español|简体中文|Tiếng Việt|العربية", texts) == [
        "English", "Español", "简体中文", "Tiếng Việt", "العربية",
    ]  # fmt: skip
    assert texts.count(campaign.lbs_provider.name) == 5


def test_states_that_prohibit_it_are_named(officer: Member) -> None:
    campaign = a_campaign(purpose=FRAUD, consideration="none")
    path = f"/admin/set-up/campaign/{campaign.pk}/"
    assert places(officer, path) == ["Campaigns"]
    assert places(officer, f"/admin/set-up/contract/{campaign.contract_id}/") == ["Contracts"]
    assert "State rules Prohibited in no state. fine" in shown(officer, path)
    rule = {"state": "NV", "starts_at": "2026-01-01", "purposes": [FRAUD], "source": "NRS 1"}
    confirmed(officer, "/admin/rules/add/", rule)
    assert "State rules Prohibited in NV, even with consent. check" in shown(officer, path)
    wide = a_campaign(purpose=ROADSIDE, ref="CMP-W")
    confirmed(
        officer, "/admin/rules/add/", rule | {"starts_at": "2026-01-02", "purposes": [ROADSIDE], "max_radius_m": "1534"}
    )
    page = shown(officer, f"/admin/set-up/campaign/{wide.pk}/")
    assert "State rules Prohibited in NV (up to 1,534 m), even with consent. check" in page
    day, over = timezone.now() + timedelta(days=60), campaign.ends_at + timedelta(days=1)
    for state, starts_at in (("MD", day), ("OR", over)):
        confirmed(officer, "/admin/rules/add/", rule | {"state": state, "starts_at": f"{starts_at:%Y-%m-%d}"})
    assert (
        f"State rules Prohibited in NV, even with consent. Prohibited in MD from {day:%-d %b %Y}, even with consent."
        " check"
    ) in shown(officer, path)


def test_states_that_prohibit_a_sale_are_named_for_what_is_sold(officer: Member) -> None:
    sold, free = (a_campaign(consideration=paid, ref=f"CMP-{paid}") for paid in ("other", "none"))
    rule = {"starts_at": "2026-01-01", "source": "An act"}
    by_law: list[dict[str, object]] = [
        {"state": "NV", "sale_test": "on", "consideration": "monetary"}, {"state": "WA", "purposes": [FRAUD]},
        {"state": "TX", "sale_test": "on"},
    ]  # fmt: skip
    for one in by_law:
        confirmed(officer, "/admin/rules/add/", {**rule, **one})
    said = [shown(officer, f"/admin/set-up/campaign/{one.pk}/").partition("State rules ")[2] for one in (sold, free)]
    assert said[0].startswith("Prohibited in MD, OR, TX, VA, CT, even with consent. check")
    assert said[1].startswith("Prohibited in no state. fine")


def test_the_keys_of_a_company_are_tried(officer: Member, outside: Outside) -> None:
    party = a_party("RoadAid", "lbs_provider")
    path = f"/admin/set-up/party/{party.pk}/"
    assert places(officer, path) == ["Companies"]
    assert checks(shown(officer, path)) == (f"Keys No key address, so nothing it signs can be checked. check {NOBODY}")
    for missing in ("party/0", "rule/1", "contract/0", "campaign/0"):
        assert officer.client.get(f"/admin/set-up/{missing}/").status_code == 404


@pytest.mark.parametrize("of", ["contract", "campaign"])
def test_another_end_says_whom_it_concerns(officer: Member, of: str) -> None:
    campaign = a_campaign()
    an_approval(a_line(), campaign, at=LONG_AGO)
    pk = campaign.pk if of == "campaign" else campaign.contract_id
    for act in ("shorten", "extend"):
        told = shown(officer, f"/admin/{act}/{of}/{pk}/")
        assert "A change concerns 1 campaign in force, with 1 line agreed." in told


def test_another_starts_from_the_terms_of_one_without_its_dates(officer: Member) -> None:
    party = a_party("GeoBridge", "aggregator")
    contract = a_contract(party, purposes=[FRAUD], hosts=["a.geobridge.example"], ack_within_s=600)
    begun = typed_in(officer, f"/admin/contracts/{contract.pk}/another/")
    assert begun == {
        "aggregator": party.uri, "ack_within_s": "600", "complete_within_days": str(contract.complete_within_days),
        "hosts": "a.geobridge.example",
    }  # fmt: skip
    campaign = a_campaign(contract, purpose=FRAUD)
    Reach.objects.create(campaign=campaign, party=a_party("Bank", "end_customer"))
    begun = typed_in(officer, f"/admin/campaigns/{campaign.pk}/another/")
    assert (begun["lbs_provider"], begun["purpose"], begun["recipients"]) == (
        campaign.lbs_provider.uri, FRAUD, "https://bank.example",
    )  # fmt: skip
    assert begun.keys() & {"ref", "starts_at", "ends_at"} == set()
    assert "aggregator" not in typed_in(officer, "/admin/contracts/draft/")
    for missing in ("contracts", "campaigns"):
        assert officer.client.get(f"/admin/{missing}/9999/another/").status_code == 404


def test_a_long_form_has_sections_with_help_beside_each_field(officer: Member) -> None:
    told = shown(officer, "/admin/contracts/draft/")
    for heading in ("Agreement", "What it may be used for", "Stops", "Delivery"):
        assert f" {heading} " in told
    assert "Where we post orders, starting with https://. Leave empty if the partner polls us." in told
    page = officer.client.get("/admin/contracts/draft/").content.decode()
    assert page.count('class="o-hint"') == page.count('class="o-field') == 12


def test_a_company_that_is_known_has_no_empty_section(officer: Member) -> None:
    party = a_party()
    assert " Company URI" in shown(officer, "/admin/parties/add/")
    assert "<h2>Company</h2>" not in officer.client.get(f"/admin/parties/{party.pk}/change/").content.decode()
    assert post(officer, f"/admin/parties/{party.pk}/change/", {"name": "Geo"}) == f"/admin/parties/{party.pk}/"
