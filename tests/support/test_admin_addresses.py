"""The console's pages of endpoints and addresses of keys: a first one is one officer's, another takes two."""

from uuid import uuid4

import pytest

from audit.models import AuditEvent
from audit.queries import database_clock
from partners.models import Contract, Party, Proposal
from tests.factories import a_contract, a_party
from tests.support.officers import Member, confirmed, post, shown

pytestmark = pytest.mark.usefixtures("committed_db", "no_broker")
BRIDGE = "https://geobridge.example"
TYPED = {"endpoint_url": f"{BRIDGE}/events", "jwks_uri": f"{BRIDGE}/jwks.json", "hosts": "calls.geobridge.example"}
SIGNS = "Anyone who holds a key there can sign stop receipts in its name."


@pytest.fixture
def contract(officer: Member) -> Contract:
    return a_contract(
        endpoint_url=TYPED["endpoint_url"], jwks_uri=TYPED["jwks_uri"], hosts=["calls.geobridge.example"], ref="AGR-1"
    )


def test_a_proposal_of_an_older_release_is_told_as_such_and_breaks_no_page(second: Member, contract: Contract) -> None:
    one = Proposal.objects.create(
        id=uuid4(), act=Proposal.Act.SET_ENDPOINTS, of=Proposal.Of.CONTRACT, target_id=contract.pk,
        payload={"endpoint": BRIDGE}, reason="They moved.", proposed_by=second.actor, proposed_at=database_clock(),
    )  # fmt: skip
    said = "It was proposed before the last upgrade. Propose it again."
    assert f"They moved. {said} Waiting for another officer." in shown(second, f"/admin/contracts/{contract.pk}/")
    assert f"What changes {said} About" in shown(second, f"/admin/proposals/{one.pk}/")


def test_first_endpoints_take_effect_at_once(officer: Member) -> None:
    contract = a_contract()
    path = f"/admin/contracts/{contract.pk}/"
    form = shown(officer, f"{path}endpoints/")
    assert (
        "We connect only to these hosts. A first address takes effect with the next order. Replacing an address, or"
        " polling, takes effect when a second officer agrees."
    ) in form
    assert post(officer, f"{path}endpoints/", TYPED) == path
    assert "Saved." in officer.client.get(path).content.decode()
    assert Contract.objects.get().endpoint_url == f"{BRIDGE}/events"


def test_other_endpoints_are_proposed_to_a_second_officer(officer: Member, second: Member, contract: Contract) -> None:
    path = f"/admin/contracts/{contract.pk}/"
    new = {"endpoint_url": f"{BRIDGE}/new", "jwks_uri": "", "hosts": "a.geobridge.example\nb.geobridge.example"}
    assert confirmed(officer, f"{path}endpoints/", new) == path
    page = officer.client.get(path).content.decode()
    assert "Proposed. It takes effect when another officer agrees, within 7 days." in page
    assert f"<bdi>{BRIDGE}/events</bdi>" in page
    for place in (path, f"{path}endpoints/"):
        assert "Change endpoints : proposed by first@carrier.example on" in shown(officer, place)
    proposal = Proposal.objects.get()
    asked = shown(second, f"/admin/proposals/{proposal.pk}/")
    assert (
        f"What changes Events will go to {BRIDGE}/new instead of {BRIDGE}/events. The key address will be no address"
        f" instead of {BRIDGE}/jwks.json. {SIGNS} Other allowed hosts will be a.geobridge.example,"
        " b.geobridge.example instead of calls.geobridge.example. About"
    ) in asked
    assert "You proposed this." in shown(officer, f"/admin/proposals/{proposal.pk}/")
    assert post(second, f"/admin/proposals/{proposal.pk}/agree/")
    row = Contract.objects.get()
    assert (row.endpoint_url, row.jwks_uri, row.hosts) == (
        f"{BRIDGE}/new", "", ["a.geobridge.example", "b.geobridge.example"],
    )  # fmt: skip
    assert (
        f"endpoint url: {BRIDGE}/new, was {BRIDGE}/events; hosts: a.geobridge.example, b.geobridge.example, was"
        f" calls.geobridge.example; jwks uri: none, was {BRIDGE}/jwks.json"
    ) in shown(officer, path)


def test_only_what_changes_is_said(officer: Member, second: Member, contract: Contract) -> None:
    path = f"/admin/contracts/{contract.pk}/endpoints/"
    assert post(officer, path, {**TYPED, "hosts": ""})
    proposal = f"/admin/proposals/{Proposal.objects.get().pk}/"
    asked = shown(second, proposal)
    assert "What changes Other allowed hosts will be none instead of calls.geobridge.example. About" in asked
    assert post(second, f"{proposal}agree/")
    assert "(hosts: none, was calls.geobridge.example" in shown(officer, f"/admin/contracts/{contract.pk}/")


def test_a_company_is_renamed_at_once_its_keys_wait(officer: Member, second: Member, contract: Contract) -> None:
    party = contract.aggregator
    path = f"/admin/parties/{party.pk}/"
    assert (
        "A first key address takes effect immediately. Replacing it takes effect when a second officer agrees."
        in shown(officer, f"{path}change/")
    )
    # It has none of its own: its contract's counts, and is shown beside the new one.
    typed = {"name": "GeoBridge Ltd", "jwks_uri": f"{BRIDGE}/own.json"}
    look = shown(officer, f"{path}change/", typed)
    assert f"Now Address {BRIDGE}/jwks.json" in look
    assert f"New Address {BRIDGE}/own.json" in look
    assert confirmed(officer, f"{path}change/", typed) == path
    page = officer.client.get(path).content.decode()
    assert "Saved. The new key address takes effect when another officer agrees, within 7 days." in page
    row = Party.objects.get(pk=party.pk)
    assert (row.name, row.jwks_uri) == ("GeoBridge Ltd", "")
    for place in (path, f"{path}change/"):
        assert "Change a key address : proposed by first@carrier.example on" in shown(second, place)
    proposal = Proposal.objects.get()
    asked = shown(second, f"/admin/proposals/{proposal.pk}/")
    assert f"The key address will be {BRIDGE}/own.json instead of {BRIDGE}/jwks.json. {SIGNS}" in asked
    assert post(second, f"/admin/proposals/{proposal.pk}/agree/")
    assert Party.objects.get(pk=party.pk).jwks_uri == f"{BRIDGE}/own.json"
    assert f"key address: {BRIDGE}/own.json, was {BRIDGE}/jwks.json" in shown(officer, path)
    # Without it, its contract's count again, and that is what the second officer reads.
    assert confirmed(officer, f"{path}change/", {"name": "GeoBridge Ltd", "jwks_uri": ""}) == path
    asked = shown(second, f"/admin/proposals/{Proposal.objects.get(decision='').pk}/")
    assert f"The key address will be {BRIDGE}/jwks.json instead of {BRIDGE}/own.json. {SIGNS}" in asked


def test_a_first_address_of_keys_takes_effect_at_once(officer: Member) -> None:
    party = a_party("RoadAid", "lbs_provider")
    path = f"/admin/parties/{party.pk}/"
    assert post(officer, f"{path}change/", {"name": "RoadAid", "jwks_uri": "https://roadaid.example/jwks.json"}) == path
    assert "Saved." in officer.client.get(path).content.decode()
    assert Party.objects.get(pk=party.pk).jwks_uri == "https://roadaid.example/jwks.json"
    assert AuditEvent.objects.get(action="party.changed").detail["fields"] == ["jwks_uri"]


def test_a_draft_with_other_addresses_is_not_put_in_force(officer: Member, contract: Contract) -> None:
    draft = a_contract(contract.aggregator, ref="AGR-2", is_draft=True, endpoint_url="https://evil.example/")
    assert (
        "AGR-2 can't be put in force yet. It would change what is in force for GeoBridge: Event address. That"
        " takes two officers. Clear these fields in the draft, put it in force, then propose them on its page under"
        " Endpoints and keys."
    ) in shown(officer, f"/admin/force/contract/{draft.pk}/", {"despite": ["Event address", "Keys"]})
    assert Contract.objects.get(pk=draft.pk).is_draft
