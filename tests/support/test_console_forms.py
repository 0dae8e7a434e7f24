"""Slips of an officer's hand: what may not stand for ever is refused at the form, all of it at once; a draft can go."""

import re
from datetime import timedelta
from html import unescape

import pytest
from django import forms
from django.db import connection
from django.utils import timezone

from audit.models import AuditEvent
from partners.actions.drafts import CampaignTerms, change_draft
from partners.models import Campaign, Client, Contract, Party, Proposal, Reach
from support.forms.acting import ActForm
from tests.factories import FRAUD, LONG_AGO, READ, ROADSIDE, a_campaign, a_contract, a_line, a_party, an_approval
from tests.feeds import BRIDGE, ROAD, parties_document, take_parties
from tests.fixtures import Refusal
from tests.partners.outside import Signer
from tests.support.officers import Member, post, rows_of, shown

pytestmark = pytest.mark.usefixtures("db", "no_broker")
A_URI = "Write an address with its scheme and without spaces, like https://geobridge.example."
AN_ID = "Use letters, digits, dots, dashes, underscores and colons, like AGR-2026-07."


def faults(member: Member, path: str, **typed: object) -> dict[str, str]:
    """What the form says beside each field."""
    answer = member.client.post(path, {"reason": "It was agreed.", **typed})
    assert answer.status_code == 200, answer.headers.get("Location")
    text = unescape(answer.content.decode())
    return dict(re.findall(r'<p class="o-error" id="id_(\w+)_error">(.*?)</p>', text))


def test_nothing_becomes_a_name_for_ever_that_is_none(officer: Member) -> None:
    party = a_party()
    said = faults(officer, "/admin/parties/add/", uri="not a uri", name="", kind="lbs_provider", website="elsewhere",
                  reason="")  # fmt: skip
    assert said == {
        "uri": A_URI, "name": "Fill in “Name”.", "reason": "Fill in “Reason”.",
        "website": "Enter an address that starts with https://.",
    }  # fmt: skip
    at_home = {"uri": "https://a.example", "kind": "lbs_provider", "jwks_uri": "https://b.example/keys"}
    assert faults(officer, "/admin/parties/add/", **at_home) == {
        "name": "Fill in “Name”.", "jwks_uri": "Its keys must be on its own host, the one of its address.",
    }  # fmt: skip
    for uri in ("https://", "https://user@a.example", "https://a.example/#x", "//a.example", "a.example", "https://[b"):
        assert faults(officer, "/admin/parties/add/", uri=uri, name="A", kind="lbs_provider")["uri"] == A_URI, uri
    tomorrow = timezone.now().date() + timedelta(days=1)
    said = faults(
        officer, "/admin/contracts/draft/", ref="bad ref !!/../", aggregator=party.uri, signed_at=str(tomorrow),
        starts_at="2026-01-01", ends_at="2025-01-01", purposes=[], ack_within_s="900", complete_within_days="99",
        endpoint_url="https://10.0.0.7/events", jwks_uri="http://a.example", hosts="two words",
    )  # fmt: skip
    assert said == {
        "endpoint_url": "It can't be used: the address is not a public one.",
        "jwks_uri": "It can't be used: the address is not https.",
        "hosts": "Write each host as name or name:port, one per line.",
        "ref": AN_ID,
        "signed_at": "That day is still to come. Draft a contract once it is signed.",
        "ends_at": "The end must be after the start.",
        "purposes": "Choose an answer for “Permitted purposes”.",
        "complete_within_days": "Enter 21 or less.",
    }
    key = Signer("x").public
    said = faults(
        officer, "/admin/clients/register/", client_id="my client", kind="feed", party="", public_jwk=str(key)
    )
    assert said == {
        "client_id": f"{AN_ID} An aggregator's may be its address, like https://geobridge.example.",
        "public_jwk": "This isn't valid JSON.",
    }
    assert (Party.objects.count(), Contract.objects.count(), Client.objects.count()) == (2, 0, 0)


ODD_YEAR = "Check the year. It must be from 1990 to 2199."
OUT_OF_REASON: list[tuple[str, dict[str, str], dict[str, str]]] = [
    (
        "/admin/contracts/draft/",
        {"ref": "AGR-7", "purposes": FRAUD, "ack_within_s": "900", "complete_within_days": "10",
         "signed_at": "0026-01-01", "starts_at": "0001-01-01", "ends_at": "9999-12-31"},
        {"aggregator": "Choose an answer for “Aggregator”.", "signed_at": ODD_YEAR, "starts_at": ODD_YEAR,
         "ends_at": ODD_YEAR},
    ),
    (
        "/admin/incidents/report/",
        {"kind": "partner_breach", "known_at": "2094-01-01T00:00", "happened": "", "affected": "All."},
        {
            "known_at": "That time is in the future. Enter when it became known.",
            "happened": "Fill in “What happened”.",
            "company": "Choose the company that had the breach.",
        },
    ),
]  # fmt: skip


@pytest.mark.parametrize(("path", "typed", "expected"), OUT_OF_REASON)
def test_what_is_out_of_reason_is_said_beside_what_is_missing(
    officer: Member, path: str, typed: dict[str, str], expected: dict[str, str]
) -> None:
    assert faults(officer, path, **typed) == expected


def test_a_campaign_stays_within_its_contract(officer: Member) -> None:
    contract = a_contract(purposes=[FRAUD], ends_at=LONG_AGO + timedelta(days=3650))
    a_party("RoadAid", "lbs_provider")
    until = f"{contract.ends_at:%-d %b %Y}"
    path, typed = f"/admin/contracts/{contract.pk}/draft/", {
        "ref": "CMP-1", "lbs_provider": ROAD, "purpose": ROADSIDE, "description": "Finds you",
        "consent_flow": "carrier pigeon", "scope": "location", "precision_m": "500", "starts_at": "2026-01-01",
        "ends_at": f"{contract.ends_at + timedelta(days=1):%Y-%m-%d}", "consideration": "none",
    }  # fmt: skip
    assert faults(officer, path, **typed) == {
        "purpose": "The choice for “Purpose” isn't available. Choose another.",
        "consent_flow": "Begin with how people agree (sms, ivr, web, app or paper), like sms-double-opt-in.",
        "scope": "Write a scope as partners ask by it, like location-retrieval:read.",
        "ends_at": f"Its contract {contract.ref} ends on {until}. Choose that day or earlier.",
    }
    early = faults(officer, path, starts_at=f"{contract.starts_at - timedelta(days=1):%Y-%m-%d}", recipients="a uri")
    assert early["starts_at"] == (
        f"Its contract {contract.ref} starts on {contract.starts_at:%-d %b %Y}. Choose that day or later."
    )
    assert early["recipients"] == f"Name each recipient. {A_URI}"
    right = {**typed, "purpose": FRAUD, "consent_flow": "sms-double-opt-in", "scope": READ, "ends_at": until}
    assert faults(officer, path, **right, recipients="not a uri\nhttps://third.example") == {
        "recipients": f"Name each recipient. {A_URI}"
    }
    assert post(officer, path, right) != ""
    campaign = Campaign.objects.get()
    # The verb says it too, whoever calls it; and once more where the contract was made shorter meanwhile.
    terms = CampaignTerms(
        lbs_provider=ROAD, purpose=ROADSIDE, description="", consent_flow="a horse", scope="x", precision_m=1,
        starts_at=contract.starts_at, ends_at=contract.ends_at + timedelta(days=1),
    )  # fmt: skip
    with pytest.raises(Exception, match="ends on") as refused:
        change_draft(
            of="campaign", target_id=campaign.pk, terms=terms, reason="Due", actor=officer.actor, at=timezone.now()
        )
    assert sorted(getattr(refused.value, "message_dict", {})) == [
        "consent_flow", "description", "ends_at", "purpose", "scope",
    ]  # fmt: skip
    Contract.objects.filter(pk=contract.pk).update(ends_at=contract.ends_at - timedelta(days=1))
    told = shown(officer, f"/admin/force/campaign/{campaign.pk}/", {})
    assert f"CMP-1 can't be put in force yet. It ends after its contract {contract.ref}" in told


def test_an_id_that_is_taken_is_said_beside_all_else_that_is_wrong(officer: Member) -> None:
    campaign = a_campaign(a_contract(ref="AGR-7"), ref="CMP-7")
    said = faults(officer, "/admin/contracts/draft/", ref="AGR-7")
    assert (said["ref"], said["ends_at"]) == ("AGR-7 already exists. Choose another ID.", "Fill in “Until”.")
    said = faults(officer, f"/admin/contracts/{campaign.contract_id}/draft/", ref="CMP-7")
    assert (said["ref"], said["ends_at"]) == ("CMP-7 already exists. Choose another ID.", "Fill in “Until”.")


def test_what_subscribers_read_has_no_sign_that_nobody_sees(officer: Member) -> None:
    unseen = "It has characters that no one can see. Type it again instead of pasting it."
    party = {"uri": "https://a.example", "kind": "lbs_provider"}
    said = faults(officer, "/admin/parties/add/", **party, name="Road\u202eAid", about="Finds\x01you")
    assert said == {"name": unseen, "about": unseen}
    contract = a_contract()
    said = faults(officer, f"/admin/contracts/{contract.pk}/draft/", description="Finds\u2066 you")
    assert said["description"] == unseen
    seen = {**party, "name": "Café  e\u0301 👩‍🚒", "about": "Finds you\r\nby night"}
    assert post(officer, "/admin/parties/add/", seen) != ""


def test_a_long_form_lists_at_its_top_what_to_correct(officer: Member) -> None:
    page = officer.client.post("/admin/contracts/draft/", {"ack_within_s": "900", "complete_within_days": "99"})
    top = page.content.decode().partition('role="alert" tabindex="-1" autofocus>')[2].partition("</div>")[0]
    assert "8 fields to correct" in top
    assert re.findall(r'<li><a href="#(\w+)">(.*?)</a>: (.*?)</li>', top) == [
        ("id_ref", "Contract", "Fill in “Contract”."),
        ("id_aggregator", "Aggregator", "Choose an answer for “Aggregator”."),
        ("id_starts_at", "From", "Fill in “From”."), ("id_ends_at", "Until", "Fill in “Until”."),
        ("id_signed_at", "Signed on", "Fill in “Signed on”."),
        ("id_purposes_0", "Permitted purposes", "Choose an answer for “Permitted purposes”."),
        ("id_complete_within_days", "Must complete a stop within (days)",
         "Enter 21 or less."),
        ("id_reason", "Reason", "Fill in “Reason”."),
    ]  # fmt: skip
    assert "to correct" not in shown(officer, "/admin/contracts/draft/")
    # One that fits on a screen says it beside the field alone.
    assert "to correct" not in shown(officer, f"/admin/suspend/contract/{a_contract().pk}/", {"reason": ""})


def test_a_longer_term_ends_with_its_contract_at_the_latest(officer: Member) -> None:
    contract = a_contract(ends_at=LONG_AGO + timedelta(days=3650))
    campaign = a_campaign(contract, ends_at=LONG_AGO + timedelta(days=3000))
    told = shown(officer, f"/admin/extend/campaign/{campaign.pk}/", {"ends_at": "2090-01-01"})
    assert (
        f"Its contract {contract.ref} ends on {contract.ends_at:%-d %b %Y}. Choose that day or an earlier one" in told
    )
    assert not Proposal.objects.exists()
    assert post(officer, f"/admin/extend/campaign/{campaign.pk}/", {"ends_at": f"{contract.ends_at:%Y-%m-%d}"}) != ""


def test_a_discarded_draft_frees_its_id(officer: Member) -> None:
    contract = a_contract(ref="AGR-SLIP", is_draft=True)
    campaign = a_campaign(contract, ref="CMP-SLIP", is_draft=True)
    Reach.objects.create(campaign=campaign, party=a_party("Bail", "end_customer"))
    page = f"/admin/campaigns/{campaign.pk}/"
    assert "Discard the draft" in shown(officer, page)
    assert "AGR-SLIP has campaigns. Discard those first." in shown(
        officer, f"/admin/discard/contract/{contract.pk}/", {}
    )
    assert post(officer, f"/admin/discard/campaign/{campaign.pk}/") == "/admin/campaigns/"
    assert officer.client.get(page).status_code == 404
    assert post(officer, f"/admin/discard/contract/{contract.pk}/") == "/admin/contracts/"
    assert not Contract.objects.filter(ref="AGR-SLIP").exists()
    gone = (
        AuditEvent.objects.filter(action__endswith="draft_discarded")
        .order_by("pk")
        .values_list("action", "detail__ref")
    )
    assert [*gone] == [("campaign.draft_discarded", "CMP-SLIP"), ("contract.draft_discarded", "AGR-SLIP")]
    a_campaign(a_contract(ref="AGR-SLIP"), ref="CMP-SLIP")


def test_what_counts_and_what_somebody_agreed_to_stays(officer: Member, refused: Refusal) -> None:
    campaign = a_campaign()
    draft = a_campaign(campaign.contract, ref="CMP-YES", is_draft=True)
    an_approval(a_line(), draft)
    told = shown(officer, f"/admin/discard/campaign/{draft.pk}/", {})
    assert "CMP-YES can't be discarded: consent to it is on record. As a draft it has no effect." in told
    assert "is no longer a draft, so it stays on record." in shown(
        officer, f"/admin/discard/campaign/{campaign.pk}/", {}
    )
    with connection.cursor() as cursor:
        cursor.execute("SELECT partners_discard_draft('campaign', %s)", [campaign.pk])
    assert Campaign.objects.count() == 2
    refused(f"DELETE FROM partners_contract WHERE id = {campaign.contract_id}", constraint="partners_contract_kept")
    refused(f"DELETE FROM partners_campaign WHERE id = {campaign.pk}", constraint="partners_campaign_kept")


def test_a_file_is_held_to_the_same_names() -> None:
    document = parties_document()
    # One that a path named so is held to it as well.
    Party.objects.create(uri="not a name", name="not a name", kind=Party.Kind.UNNAMED)
    odd = {"name": "X", "kind": "end_customer", "website": "", "about": ""}
    document["parties"] += [{**odd, "id": "not a uri"}, {**odd, "id": "not a name"}]
    document["contracts"].append({**document["contracts"][0], "id": "bad ref !!/../"})
    document["contracts"].append({**document["contracts"][0], "id": "AGR-9", "signed_at": "2090-01-01T00:00:00Z"})
    first = document["campaigns"][0]
    document["campaigns"] += [
        {**first, "id": "CMP/9"}, {**first, "id": "CMP-9", "recipients": ["no uri"]},
        {**first, "id": "CMP-long", "ends_at": "2095-01-01T00:00:00Z", "purpose": FRAUD, "consent_flow": "pigeon"},
        {**first, "id": "CMP-early", "starts_at": "2001-01-01T00:00:00Z"},
    ]  # fmt: skip
    fates = {str(fate.line): fate for fate in take_parties(document)}
    refusals = {place: f"{fate.field} {fate.reason}" for place, fate in fates.items() if fate.status == "rejected"}
    assert refusals == {
        "parties[5]": "id not_a_uri", "parties[6]": "id not_a_uri",
        "contracts[2]": "id not_an_id", "contracts[3]": "signed_at in_future",
        f"campaigns[{len(document['campaigns']) - 4}]": "id not_an_id",
        f"campaigns[{len(document['campaigns']) - 3}]": "recipients not_a_uri",
    }  # fmt: skip
    warned = {place: fate.warnings for place, fate in fates.items() if fate.warnings}
    assert warned == {
        f"campaigns[{len(document['campaigns']) - 2}]": (
            "ends_at after_its_contract", "purpose not_its_contract's", "consent_flow not_one_we_know",
        ),
        f"campaigns[{len(document['campaigns']) - 1}]": ("starts_at before_its_contract",),
    }  # fmt: skip
    assert Campaign.objects.get(ref="CMP-long").ends_at.year == 2095
    assert Campaign.objects.get(ref="CMP-early").starts_at.year == 2001
    # An agreement that is made shorter than what is done under it.
    shorter = {**document["contracts"][0], "ends_at": "2093-01-01T00:00:00Z"}
    (fate,) = take_parties({"parties": [], "contracts": [shorter], "campaigns": []})
    assert (fate.status, fate.warnings) == ("accepted", ("ends_at before_its_campaigns",))
    assert Party.objects.get(uri=BRIDGE).name == "Geobridge"


def test_nothing_is_allowed_by_words_in_a_file_that_nobody_asks_by(officer: Member) -> None:
    document = parties_document()
    agreement, use = document["contracts"][0], document["campaigns"][0]
    document["contracts"] = [
        {**agreement, "id": "AGR-odd", "purposes": ["not a purpose", "dpv:RequestedServiceProvision", "dpv:Pigeons"]},
        {**agreement, "id": "AGR-right"},
    ]
    document["campaigns"] = [
        {**use, "id": "CMP-scope", "contract": "AGR-right", "scope": "no scope at all"},
        {**use, "id": "CMP-why", "contract": "AGR-odd", "purpose": "not a purpose"},
        {**use, "id": "CMP-right", "contract": "AGR-right"},
    ]
    for status in ("accepted", "repeated"):
        fates = {str(fate.line): fate for fate in take_parties(document) if str(fate.line)[0] == "c"}
        assert {fate.status for fate in fates.values()} == {status}
        assert {place: fate.warnings for place, fate in fates.items() if fate.warnings} == {
            "contracts[0]": ("purposes not_one_we_know",), "campaigns[0]": ("scope not_one_we_know",),
            "campaigns[1]": ("purpose not_one_we_know",),
        }  # fmt: skip
    # Nothing is allowed by such words: an officer puts them right first.
    drafts = {campaign.ref: campaign for campaign in Campaign.objects.filter(is_draft=True)}
    assert sorted(drafts) == ["CMP-scope", "CMP-why"]
    for campaign, lacks in ((drafts["CMP-scope"], "scope"), (drafts["CMP-why"], "purpose")):
        told = shown(officer, f"/admin/force/campaign/{campaign.pk}/", {})
        assert f"We don't know its {lacks}: change the draft." in told
    for changed, place in (({"scope": "no scope at all"}, "scope"), ({"purpose": "dpv:Pigeons"}, "purpose")):
        (fate,) = (one for one in take_parties({"campaigns": [{**document["campaigns"][2], **changed}]}))
        assert (fate.status, fate.field, fate.reason) == ("rejected", place, "not_one_we_know")


def test_the_page_says_done_only_of_what_was_done(officer: Member) -> None:
    contract = a_contract(endpoint_url="https://partner.example/e")
    party = contract.aggregator
    same = "Nothing has changed, so nothing was saved."
    change = f"/admin/parties/{party.pk}/change/"
    assert same in shown(officer, change, {"name": party.name})
    endpoints = f"/admin/contracts/{contract.pk}/endpoints/"
    assert same in shown(officer, endpoints, {"endpoint_url": contract.endpoint_url})
    draft = a_campaign(contract, is_draft=True)
    terms = {name: getattr(draft, name) for name in ("purpose", "description", "scope", "precision_m")}
    typed = {
        **terms, "consent_flow": "sms-double-opt-in", "lbs_provider": draft.lbs_provider.uri, "consideration": "none",
        "starts_at": f"{draft.starts_at:%Y-%m-%d}", "ends_at": f"{draft.ends_at:%Y-%m-%d}",
    }  # fmt: skip
    page = f"/admin/campaigns/{draft.pk}/"
    assert post(officer, f"{page}change/", typed) == page
    assert same in shown(officer, f"{page}change/", typed)
    shown(officer, page)
    link, path = {"kin_ref": "https://old.example", "link": "succeeds"}, f"/admin/link/party/{party.pk}/"
    assert A_URI in shown(officer, path, {**link, "kin_ref": "not a uri"})
    assert AN_ID in shown(officer, f"/admin/link/campaign/{draft.pk}/", {**link, "kin_ref": "bad ref !!/../"})
    for told in ("Linked. Stops of one now apply to the other.", "They are already linked."):
        assert post(officer, path, link) == f"/admin/parties/{party.pk}/"
        assert told in shown(officer, f"/admin/parties/{party.pk}/")
    assert post(officer, f"/admin/streams/{party.pk}/resend/")
    assert "Nothing to send: it has signed for every order." in shown(officer, f"/admin/streams/{party.pk}/")


def test_what_ends_within_60_days_is_listed(officer: Member) -> None:
    at = timezone.now()
    soon = a_contract(ref="AGR-45", ends_at=at + timedelta(days=45))
    a_contract(ref="AGR-90", ends_at=at + timedelta(days=90))
    a_campaign(a_contract(), ref="CMP-45", ends_at=at + timedelta(days=45))
    dashboard = officer.client.get("/admin/").content.decode()
    counted = re.findall(r'href="/admin/(\w+)/\?ends=(\w+)"', dashboard)
    assert counted == [("contracts", "60"), ("campaigns", "60"), ("contracts", "60"), ("campaigns", "first")]
    for title, ref in (("Contracts that end soon", "AGR-45"), ("Campaigns that end before their contract", "CMP-45")):
        panel = dashboard.partition(title)[2].partition("</section>")[0]
        assert re.findall(r"<bdi>((?:AGR|CMP)-\d+)</bdi>", panel) == [ref]
    a_campaign(soon, ref="CMP-44", ends_at=soon.ends_at)
    assert [row.split()[0] for row in rows_of(officer, "/admin/campaigns/?ends=first")] == ["CMP-45"]
    listed = shown(officer, "/admin/contracts/?ends=60")
    assert (soon.ref in listed, "AGR-90" in listed) == (True, False)
    assert "AGR-45" not in shown(officer, "/admin/contracts/?ends=30")
    assert "CMP-45" in shown(officer, "/admin/campaigns/?ends=60")


def test_a_choice_of_nothing_is_listed_among_the_faults() -> None:
    class LongForm(ActForm):
        sections = (("Whom it is about", ("company", "days")),)
        company = forms.ChoiceField(widget=forms.RadioSelect, choices=())
        days = forms.ChoiceField(widget=forms.RadioSelect, choices=((1, "1"), (2, "2")))

    assert [field.name for field in LongForm()] == ["company", "days", "reason"]
    assert [(field.name, anchor) for field, anchor in LongForm({"reason": "Asked."}).wrong] == [
        ("company", "id_company"), ("days", "id_days_0")
    ]  # fmt: skip
