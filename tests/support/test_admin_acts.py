"""What officers do from the console: one form, one verb, a reason, and nothing typed is lost."""

import json
import re
import uuid
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
import time_machine
from django.utils import timezone

from audit.models import AuditEvent
from console.queries import pages
from partners.actions import proposals
from partners.actions.suspensions import suspend
from partners.models import Campaign, Client, Contract, IdentifierLink, JurisdictionRule, Party, Proposal, Suspension
from partners.policies.loosening import OPEN_FOR
from revocations.models import Cohort, Order, Stream
from support.queries import chains
from tests.factories import FRAUD, a_campaign, a_contract, a_line, a_party, an_approval
from tests.support.officers import WHY, Member, ask, confirmed, post, rows_of, shown
from tests.words.pages import words_of

pytestmark = pytest.mark.usefixtures("committed_db", "no_broker")


def test_what_something_else_suspended_an_officer_may_suspend_as_well(officer: Member) -> None:
    campaign, at = a_campaign(), timezone.now()
    party = campaign.contract.aggregator_id
    suspend(of="party", target_id=party, actor="system:clocks", reason="Silent.", at=at, automatic=True)
    for page in (f"parties/{party}", f"contracts/{campaign.contract_id}", f"campaigns/{campaign.pk}"):
        told = shown(officer, f"/admin/{page}/")
        assert "Automatically, by the stream rules: Silent." in told
        assert "Suspend now" in told
    assert post(officer, f"/admin/suspend/party/{party}/") == f"/admin/parties/{party}/"
    assert "Suspended. Every request is now denied." in shown(officer, f"/admin/parties/{party}/")
    assert "Suspend now" not in shown(officer, f"/admin/parties/{party}/")
    # Done already: to do it again changes nothing, and says so.
    for written in (1, 1):
        assert post(officer, f"/admin/suspend/party/{party}/") == f"/admin/parties/{party}/"
        assert "It was suspended already. Nothing was changed" in shown(officer, f"/admin/parties/{party}/")
        assert AuditEvent.objects.filter(action="suspension.began", actor=officer.actor).count() == written


def test_before_a_suspension_its_lines_and_lifelines_are_shown(
    officer: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = a_campaign(lifeline=True)
    line = a_line()
    # Two consents of one line, and one that only the partner claims.
    for agreed in (line, line):
        an_approval(agreed, campaign)
    an_approval(a_line(), campaign, verified_by="partner")
    contract = campaign.contract
    a_campaign(contract, a_party("Adworks", "lbs_provider"), ref="CMP-2")
    assert "1 lifeline ends, for 1 line." in shown(officer, f"/admin/terminate/contract/{contract.pk}/")
    lifeline = (
        "1 lifeline is among them: RoadAid (1 line agreed). These people can no longer be found for medical or"
        " roadside help. 911 can still find them."
    )
    for of, path in (("party", f"parties/{contract.aggregator_id}"), ("contract", f"contracts/{contract.pk}")):
        assert lifeline in shown(officer, f"/admin/{path}/")
        asked = shown(officer, f"/admin/suspend/{of}/{path.split('/')[1]}/")
        assert f"Denied: 2 campaigns in force, with 1 line agreed. {lifeline}" in asked
    panel = "It is a lifeline, with 1 line agreed. These people can no longer be found for medical or roadside help."
    assert panel in shown(officer, f"/admin/campaigns/{campaign.pk}/")
    a_campaign(contract, a_party("Alder", "lbs_provider"), ref="A-1")
    monkeypatch.setattr(pages, "MOST", 2)
    monkeypatch.setattr(chains, "MOST_CHAINS", 2)
    for of, target_id in (("party", contract.aggregator_id), ("contract", contract.pk)):
        asked = shown(officer, f"/admin/suspend/{of}/{target_id}/")
        assert f"Denied: at least 2 campaigns in force, with at least 1 line agreed. {lifeline}" in asked
    draft = a_contract(is_draft=True)
    assert "No campaign is in force now, so no subscriber loses anything." in shown(
        officer, f"/admin/suspend/contract/{draft.pk}/"
    )


def test_without_a_reason_nothing_is_done_or_lost(officer: Member) -> None:
    contract = a_contract()
    again = officer.client.post(f"/admin/suspend/contract/{contract.pk}/", {"reason": "  "})
    assert "Fill in “Reason”." in again.content.decode()
    for blank in ("\u3164", "\u2800 \u200b", "…"):
        again = officer.client.post(f"/admin/suspend/contract/{contract.pk}/", {"reason": blank})
        assert "Say why: the reason is kept with every act." in again.content.decode()
    assert not Suspension.objects.exists()
    typed = officer.client.post(
        f"/admin/shorten/contract/{contract.pk}/", {"reason": "Half a thought", "ends_at": "2099-01-01"}
    ).content.decode()
    assert 'value="2099-01-01"' in typed
    assert "Half a thought</textarea>" in typed
    assert "This loosens it, so another officer must approve it. Propose it." in unescape(typed)


def test_a_proposal_is_declined_or_withdrawn(officer: Member, second: Member) -> None:
    contract = a_contract()
    assert post(officer, f"/admin/extend/contract/{contract.pk}/", {"ends_at": "2099-01-01"})
    first = Proposal.objects.get()
    assert "will end on 1 Jan 2099 instead of 1 Jan 2096" in shown(second, f"/admin/proposals/{first.pk}/")
    assert post(second, f"/admin/proposals/{first.pk}/decline/")
    assert post(officer, f"/admin/extend/contract/{contract.pk}/", {"ends_at": "2098-01-01"})
    other = Proposal.objects.get(decision="")
    assert post(officer, f"/admin/proposals/{other.pk}/withdraw/")
    assert sorted(Proposal.objects.values_list("decision", flat=True)) == ["declined", "withdrawn"]
    contract.refresh_from_db()
    assert contract.ends_at.year == 2096


def test_a_contract_and_campaign_from_draft_to_their_end(officer: Member) -> None:
    party = a_party("GeoBridge", jwks_uri="https://geobridge.example/jwks.json")
    a_party("RoadAid", "lbs_provider")
    terms: dict[str, object] = {
        "ref": "AGR-NEW", "aggregator": party.uri, "signed_at": "2026-01-01", "starts_at": "2026-01-01",
        "ends_at": "2094-01-01", "purposes": [FRAUD], "ack_within_s": "900", "complete_within_days": "10",
        "hosts": "events.geobridge.example\nother.geobridge.example:8443\n",
    }  # fmt: skip
    assert post(officer, "/admin/contracts/draft/", {**terms, "complete_within_days": "22"}) == ""
    page = post(officer, "/admin/contracts/draft/", terms)
    contract = Contract.objects.get(ref="AGR-NEW")
    assert page == f"/admin/contracts/{contract.pk}/"
    assert contract.is_draft
    assert contract.hosts == ["events.geobridge.example", "other.geobridge.example:8443"]
    changed = {**terms, "ack_within_s": "600"}
    assert post(officer, f"/admin/contracts/{contract.pk}/change/", changed) == page
    campaign: dict[str, object] = {
        "ref": "CMP-NEW", "lbs_provider": "https://roadaid.example", "purpose": FRAUD, "description": "Spots fraud",
        "consent_flow": "sms", "scope": "location-retrieval:read", "precision_m": "500", "starts_at": "2026-01-01",
        "ends_at": "2093-01-01", "consideration": "monetary", "recipients": "https://third.example",
    }  # fmt: skip
    there = post(officer, f"/admin/contracts/{contract.pk}/draft/", campaign)
    made = Campaign.objects.get(ref="CMP-NEW")
    assert there == f"/admin/campaigns/{made.pk}/"
    assert "is a draft: put that in force first" in shown(officer, f"/admin/force/campaign/{made.pk}/", {})
    despite = {"despite": ["Keys"]}
    assert post(officer, f"/admin/force/contract/{contract.pk}/", despite) == page
    assert post(officer, f"/admin/force/campaign/{made.pk}/") == there
    assert post(officer, f"/admin/shorten/campaign/{made.pk}/", {"ends_at": "2092-06-01"}) == there
    made.refresh_from_db()
    assert (made.is_draft, made.ends_at) == (False, datetime(2092, 6, 1, tzinfo=UTC))
    assert post(officer, f"/admin/campaigns/{made.pk}/change/", campaign) == there
    fixed = "It was put in force, which fixed its terms. This page shows what you can still do."
    assert fixed in words_of(officer.client.get(f"/admin/contracts/{contract.pk}/change/", follow=True).text)
    history = shown(officer, there)
    for words in ("campaign: drafted", "campaign: put in force", "campaign: shortened"):
        assert words in history


def test_whoever_extends_a_term_reads_that_people_must_be_asked_again(officer: Member) -> None:
    contract = a_contract()
    says = "A consent given on our pages ends when its page said: those people must be asked again."
    assert says not in shown(officer, f"/admin/extend/contract/{contract.pk}/")
    an_approval(a_line(), a_campaign(contract))
    assert (
        "It currently ends on 1 Jan 2096. It is extended when another officer agrees. A change concerns 1 campaign in"
        f" force, with 1 line agreed. {says}"
    ) in shown(officer, f"/admin/extend/contract/{contract.pk}/")


def test_a_longer_term_comes_with_the_second_officer(officer: Member, second: Member) -> None:
    contract = a_contract()
    post(officer, f"/admin/extend/contract/{contract.pk}/", {"ends_at": "2097-01-01"})
    proposal = Proposal.objects.get()
    assert "You proposed this" in shown(officer, "/admin/")
    assert "Review" in shown(second, "/admin/")
    post(second, f"/admin/proposals/{proposal.pk}/agree/")
    contract.refresh_from_db()
    assert contract.ends_at == datetime(2097, 1, 1, tzinfo=UTC)
    link = f'<a href="/admin/proposals/{proposal.pk}/">'
    for path, made, done in (
        (f"/admin/contracts/{contract.pk}/", "proposal: created</a><bdi>(Extend a term)", "contract: extended</a>"),
        ("/admin/trail/", "proposal: created</bdi></a><small><bdi>Extend a term", "contract: extended</bdi></a>"),
    ):
        page = re.sub(r">\s+<", "><", second.client.get(path).content.decode())
        assert page.count(link) == 3
        assert made in page
        assert done in page
        assert "end: 1 Jan 2097, was 1 Jan 2096" in page


@pytest.mark.parametrize("of", ["contract", "campaign"])
def test_no_earlier_end_lies_in_the_past(officer: Member, of: str) -> None:
    campaign = a_campaign(a_contract(), a_party("MedAlert", "lbs_provider"), lifeline=True)
    a_campaign(campaign.contract)
    target = campaign if of == "campaign" else campaign.contract
    path = f"/admin/shorten/{of}/{target.pk}/"
    page = shown(officer, path)
    assert "It currently ends on 1 Jan 2096." in page
    assert "This ends a lifeline, which finds people in an emergency: MedAlert." in page
    for day in ("2016-12-01", timezone.now().date().isoformat()):
        again = shown(officer, path, {"ends_at": day})
        assert "That day has passed, or is today. Name one to come; to end it now, terminate it, by its plan." in again
    target.refresh_from_db()
    assert target.ends_at.year == 2096
    assert "It currently ends on 1 Jan 2096." in shown(officer, f"/admin/extend/{of}/{target.pk}/")
    assert "in need" not in shown(officer, f"/admin/extend/{of}/{target.pk}/")


def test_a_proposal_that_is_too_old_waits_for_nobody(officer: Member, second: Member) -> None:
    contract = a_contract()
    for age, of in ((OPEN_FOR + timedelta(days=1), contract), (OPEN_FOR - timedelta(minutes=2), a_contract())):
        proposals.propose(
            act="extend_term", of="contract", target_id=of.pk, payload={"ends_at": "2097-01-01T00:00:00Z"},
            reason="Due", actor=officer.actor, at=timezone.now() - age,
        )  # fmt: skip
    assert shown(second, "/admin/").count("Review") == 1
    assert contract.ref not in shown(second, "/admin/proposals/?state=open")
    assert shown(second, "/admin/proposals/").count("waiting for a second officer") == 1
    waits = Proposal.objects.latest("proposed_at")
    for early, are_old in ((timedelta(microseconds=1), 1), (timedelta(), 2)):
        with time_machine.travel(waits.proposed_at + OPEN_FOR - early, tick=False):
            old = rows_of(second, "/admin/proposals/?state=old")
            assert (len(old), sum("expired" in row for row in old)) == (are_old, are_old)
            assert len(rows_of(second, "/admin/proposals/?state=open")) == 2 - are_old
    assert "Review" not in shown(second, f"/admin/contracts/{contract.pk}/")


def test_a_history_is_of_one_contract_alone(officer: Member) -> None:
    contract = a_contract(a_party("GeoBridge", jwks_uri="https://geobridge.example/jwks.json"))
    terms: dict[str, object] = {
        "ref": str(contract.pk), "aggregator": contract.aggregator.uri, "signed_at": "2026-01-01",
        "starts_at": "2026-01-01", "ends_at": "2094-01-01", "purposes": [FRAUD], "ack_within_s": "900",
        "complete_within_days": "10", "reason": "The numbered one alone.",
    }  # fmt: skip
    there = post(officer, "/admin/contracts/draft/", terms)
    assert there != f"/admin/contracts/{contract.pk}/"
    assert "The numbered one alone." in shown(officer, there)
    assert "The numbered one alone." not in shown(officer, f"/admin/contracts/{contract.pk}/")
    assert f'<a href="{there}">' in officer.client.get("/admin/trail/").content.decode()


def test_what_is_paid_falls_by_two_officers(officer: Member, second: Member) -> None:
    campaign = a_campaign(consideration="other")
    path = f"/admin/campaigns/{campaign.pk}/paid/"
    page = f"/admin/campaigns/{campaign.pk}/"
    assert post(officer, path, {"consideration": "monetary"}) == page
    assert "Saved. It applies from now on." in shown(officer, page)
    campaign.refresh_from_db()
    assert campaign.consideration == "monetary"
    assert "That is already recorded." in shown(officer, path, {"consideration": "monetary"})
    assert post(officer, path, {"consideration": "none"}) == page
    told = shown(officer, page)
    assert "Proposed. It takes effect when another officer agrees" in told
    assert "Saved." not in told
    campaign.refresh_from_db()
    assert campaign.consideration == "monetary"
    assert post(second, f"/admin/proposals/{Proposal.objects.get().pk}/agree/")
    campaign.refresh_from_db()
    assert campaign.consideration == "none"


def chosen(member: Member, path: str) -> list[str]:
    """The answer at which the form starts, of each answer that it offers: the chosen one in brackets."""
    form = member.client.get(path).content.decode().partition('name="consideration"')[2].partition("</select>")[0]
    return [f"[{value}]" if more else value for value, more in re.findall(r'<option value="(\w*)"( selected)?', form)]


def test_what_is_paid_starts_at_what_is_so(officer: Member) -> None:
    for now, offered in (
        ("monetary", ["none", "[monetary]", "other"]), ("other", ["none", "monetary", "[other]"]),
        ("", ["[]", "none", "monetary", "other"]),
    ):  # fmt: skip
        path = f"/admin/campaigns/{a_campaign(consideration=now).pk}/paid/"
        assert chosen(officer, path) == offered
        assert "Choose an answer for “Payment for the data”." in shown(officer, path, {"consideration": ""})
    drafted = a_campaign(consideration="monetary", is_draft=True)
    assert chosen(officer, f"/admin/campaigns/{drafted.pk}/change/") == ["", "none", "[monetary]", "other"]
    assert chosen(officer, f"/admin/contracts/{drafted.contract_id}/draft/") == ["[]", "none", "monetary", "other"]


def test_parties_are_added_changed_and_linked(officer: Member) -> None:
    assert post(officer, "/admin/parties/add/", {"uri": "https://old.example", "name": "Old", "kind": "lbs_provider"})
    page = post(officer, "/admin/parties/add/", {"uri": "https://new.example", "name": "New", "kind": "lbs_provider"})
    new = Party.objects.get(uri="https://new.example")
    assert page == f"/admin/parties/{new.pk}/"
    assert (
        post(officer, f"/admin/parties/{new.pk}/change/", {"name": "Newer", "website": "https://new.example"}) == page
    )
    wrong = officer.client.post(f"/admin/parties/{new.pk}/change/", {**WHY, "name": "Newer", "website": "javascript:x"})
    assert "Enter an address that starts with https://." in wrong.content.decode()
    assert post(officer, f"/admin/link/party/{new.pk}/", {"kin_ref": "https://old.example", "link": "succeeds"}) == page
    assert list(IdentifierLink.objects.values_list("ref", "link", "kin_ref")) == [
        ("https://new.example", "succeeds", "https://old.example")
    ]
    assert "https://new.example succeeds https://old.example" in shown(officer, page)


def test_endpoints_are_set_and_private_addresses_refused(officer: Member) -> None:
    contract = a_contract()
    path = f"/admin/contracts/{contract.pk}/endpoints/"
    again = officer.client.post(path, {**WHY, "endpoint_url": "http://10.0.0.1/x", "jwks_uri": "", "hosts": ""})
    assert 'id="id_endpoint_url_error"' in again.content.decode()
    assert post(officer, path, {"endpoint_url": "https://partner.example/e", "hosts": "cb.partner.example"})
    contract.refresh_from_db()
    assert (contract.endpoint_url, contract.hosts) == ("https://partner.example/e", ["cb.partner.example"])


def test_a_rule_is_added_by_one_and_ended_by_two(officer: Member, second: Member) -> None:
    begins = timezone.now().year + 5
    typed = {"state": "NV", "starts_at": f"{begins}-01-01", "sale_test": "on", "source": "test act"}
    assert confirmed(officer, "/admin/rules/add/", typed)
    rule = JurisdictionRule.objects.get(source="test act")
    assert (rule.state, rule.purposes, rule.sale_test) == ("NV", [], True)
    path = f"/admin/rules/{rule.pk}/relax/"
    assert "propose to end takes two officers test act" in shown(officer, "/admin/rules/")
    assert post(officer, path, {"ends_at": "2092-01-01"})
    rule.refresh_from_db()
    assert rule.ends_at is None
    proposal = Proposal.objects.get()
    on = f"{proposal.proposed_at:%-d %b %Y}"
    assert f"end proposed by first@carrier.example, {on} test act" in shown(second, "/admin/rules/")
    listed = second.client.get("/admin/rules/").content.decode()
    assert f'<a href="/admin/proposals/{proposal.pk}/"><bdi' in listed
    assert f"End a state rule : proposed by first@carrier.example on {on}" in shown(second, path)
    assert post(second, f"/admin/proposals/{Proposal.objects.get().pk}/agree/")
    rule.refresh_from_db()
    assert rule.ends_at == datetime(2092, 1, 1, tzinfo=UTC)
    told = shown(officer, "/admin/rules/?state=now")
    assert "upcoming until 1 Jan 2092" in told
    assert "1 Jan 2092, 00:00 agreed by two officers test act" in told
    assert "test act" not in shown(officer, "/admin/rules/?state=ended")
    assert "Its end on 1 Jan 2092 was agreed." in shown(officer, path)


KEY = json.dumps(
    {
        "kty": "EC",
        "crv": "P-256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    }
)


def test_a_machine_is_registered_by_its_public_key_alone(officer: Member) -> None:
    party = a_party()
    form: dict[str, object] = {"client_id": "geobridge", "kind": "aggregator", "party": party.uri, "public_jwk": KEY}
    private = {**form, "public_jwk": KEY.replace('"kty"', '"d":"c2VjcmV0c2VjcmV0","kty"')}
    assert "This contains a private key." in shown(officer, "/admin/clients/register/", private)
    assert "belongs to its party" in shown(officer, "/admin/clients/register/", {**form, "kind": "gateway"})
    assert "This isn't valid JSON." in shown(officer, "/admin/clients/register/", {**form, "public_jwk": "{"})
    there = post(officer, "/admin/clients/register/", form)
    machine = Client.objects.get()
    assert there == f"/admin/clients/{machine.number}/"
    assert (machine.client_id, machine.party_id, "d" in machine.public_jwk) == ("geobridge", party.pk, False)


def test_a_stream_is_paused_and_enabled(officer: Member) -> None:
    party = a_contract().aggregator
    page = f"/admin/streams/{party.pk}/"
    assert post(officer, f"{page}status/pause/") == page
    assert Stream.objects.get().status == "paused"
    told = shown(officer, page)
    assert "The stream is paused. They sold it on." in told
    assert post(officer, f"{page}status/enable/") == page
    assert Stream.objects.get().status == "enabled"
    assert Stream.objects.get().status_by == officer.actor
    assert officer.client.get(f"{page}status/delete/").status_code == 404


def test_orders_are_sent_again_or_offered_since_a_time(officer: Member) -> None:
    at = timezone.now()
    contract = a_contract()
    order = Order.objects.create(
        line_id=1, id=uuid.uuid4(), contract_id=contract.pk, party_id=contract.aggregator_id, epoch=1, version=1,
        jti="j", txn="t", record_id=uuid.uuid4(), lane="stop", snapshot={}, queued_at=at - timedelta(hours=3),
        next_attempt_at=at + timedelta(hours=8),
    )  # fmt: skip
    page = f"/admin/streams/{contract.aggregator_id}/"
    assert post(officer, f"{page}resend/") == page
    assert post(officer, f"{page}recover/", {"since": "yesterday"}) == ""
    assert post(officer, f"{page}recover/", {"since": "2026-01-01T00:00"}) == page
    assert Order.objects.get(id=order.id).state == "queued"
    acts = list(AuditEvent.objects.filter(actor=officer.actor).order_by("id").values_list("action", "reason"))
    assert acts == [("orders.resent", "They sold it on."), ("orders.recovered", "They sold it on.")]


def test_terminate_needs_the_plan_and_the_id_typed_out(officer: Member) -> None:
    line, campaign = a_line(), a_campaign(lifeline=True)
    for agreed in (line, a_line()):
        an_approval(agreed, campaign, at=timezone.now() - timedelta(days=3))
    contract = campaign.contract
    path = f"/admin/terminate/contract/{contract.pk}/"
    plan = officer.client.get(path).content.decode()
    assert "1 lifeline ends, for 2 lines." in shown(officer, path)
    (digest,) = re.findall(r'name="plan" value="([^"]+)"', plan)
    assert "That isn't its ID." in shown(officer, path, {"plan": digest, "typed": "AGR", "how": "now"})
    stale = officer.client.post(path, {**WHY, "plan": "0.0.0", "typed": contract.ref, "how": "now"}).content.decode()
    assert "is not as it was when you looked" in stale
    assert f'name="plan" value="{digest}"' in stale
    assert not Cohort.objects.exists()
    there = post(officer, path, {"plan": digest, "typed": contract.ref, "how": "now"})
    cohort = Cohort.objects.get()
    assert there == f"/admin/terminations/{cohort.pk}/"
    assert ask(campaign, line.carrier_id) == "contract_not_in_force"
    progress = shown(officer, there)
    for words in ("Denied at our gate", "List of lines completed and signed not yet", "has not signed", "in progress"):
        assert words in progress
    assert "ended" in shown(officer, f"/admin/contracts/{contract.pk}/")
    assert "Suspend now" not in shown(officer, f"/admin/contracts/{contract.pk}/")
    again = officer.client.post(path, {**WHY, "plan": digest, "typed": contract.ref, "how": "now"}, follow=True)
    assert again.redirect_chain == [(there, 302)]
    said = again.content.decode()
    assert "It has already ended. Nothing was changed." in said
    assert "Terminated." not in said
    # Nor does a page that was opened again plan what is over.
    assert officer.client.get(path).headers["Location"] == there
    assert Cohort.objects.count() == 1


def test_an_end_is_proposed_unless_the_officer_says_now(officer: Member, second: Member) -> None:
    contract = a_campaign().contract
    path = f"/admin/terminate/contract/{contract.pk}/"
    page = officer.client.get(path).content.decode()
    assert re.findall(r'<button class="\w+" name="how" value="(\w+)">([^<]+)<', page) == [
        ("propose", "Propose to terminate"), ("now", "Terminate now"),
    ]  # fmt: skip
    (digest,) = re.findall(r'name="plan" value="([^"]+)"', page)
    there = post(officer, path, {"plan": digest, "typed": contract.ref})
    assert not Cohort.objects.exists()
    assert f"What changes {contract.ref} will be terminated permanently." in shown(officer, there)
    post(second, f"{there}agree/")
    done = second.client.get(there).content.decode()
    assert "will be terminated" not in done
    assert f'href="/admin/terminations/{Cohort.objects.get().pk}/">See the progress of its deletion.' in done
    assert f"What was agreed {contract.ref} was terminated on" in shown(officer, there)


def test_a_term_that_ends_then_already_is_not_shortened(officer: Member) -> None:
    contract = a_contract()
    path, day = f"/admin/shorten/contract/{contract.pk}/", {"ends_at": "2090-06-01"}
    assert post(officer, path, day) == f"/admin/contracts/{contract.pk}/"
    again = officer.client.post(path, {**WHY, **day})
    assert f"{contract.ref} already ends then. Nothing was changed." in again.content.decode()
    assert AuditEvent.objects.filter(action="contract.shortened").count() == 1
