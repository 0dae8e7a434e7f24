"""The console's pages of machines and keys: who acts says why, and sees both keys before one is replaced."""

import json
import re
from pathlib import Path

import pytest
from django.utils import timezone

from audit.models import AuditEvent
from partners.domain import keysets
from partners.models import Client, Contract, PartnerKeySet, Party, Proposal
from partners.primitives import tokens
from tests.factories import a_contract, a_party
from tests.partners.outside import Outside, Signer
from tests.partners.terminator import a_certificate
from tests.support.officers import Member, post, shown

pytestmark = pytest.mark.usefixtures("committed_db", "no_broker")


@pytest.fixture
def gateway(officer: Member, second: Member) -> Client:
    """A gateway that two officers have let in."""
    form = {"client_id": "gateway", "kind": "gateway", "party": "", "public_jwk": json.dumps(Signer("old").public)}
    post(officer, "/admin/clients/register/", form)
    agree(second)
    return Client.objects.get()


def agree(member: Member) -> str:
    """Agree to the proposal that waits; what its page said would happen."""
    proposal = Proposal.objects.get(decision="")
    path = f"/admin/proposals/{proposal.pk}/"
    waiting = shown(member, path)
    assert post(member, f"{path}agree/")
    return waiting


def print_of(signer: Signer) -> str:
    return tokens.thumbprint(dict(signer.public))


def seal_in(member: Member, path: str, data: dict[str, object]) -> str:
    """What stands for the keys on the page that asks for a yes."""
    page = member.client.post(path, {"reason": "Yearly.", **data}).content.decode()
    (seal,) = re.findall(r'name="seen" value="(\w+)"', page)
    return str(seal)


def test_the_reason_of_a_registration_stands_in_the_trail(officer: Member, gateway: Client) -> None:
    event = AuditEvent.objects.get(action="machine.registered")
    assert (event.actor, event.reason, event.target) == (
        officer.actor, "They sold it on.", f"machine:{gateway.number}",
    )  # fmt: skip
    row = shown(officer, "/admin/trail/")
    assert "API client: registered" in row
    assert "gateway API client They sold it on." in row


def test_without_a_reason_no_machine_is_registered(officer: Member) -> None:
    key = json.dumps(Signer("old").public)
    form = {"client_id": "gateway", "kind": "gateway", "party": "", "public_jwk": key, "reason": " "}
    assert "Fill in “Reason”." in shown(officer, "/admin/clients/register/", form)
    assert not Client.objects.exists()


def test_a_second_officer_lets_a_machine_in(officer: Member, second: Member) -> None:
    signer = Signer("old")
    form = {"client_id": "feed", "kind": "feed", "party": "", "public_jwk": json.dumps(signer.public)}
    page = post(officer, "/admin/clients/register/", form)
    told = shown(officer, page)
    assert "feed not active yet" in told
    assert "It gets no tokens until another officer agrees." in told
    assert "Activate an API client : proposed by first@carrier.example on" in told
    key = print_of(signer)
    assert (
        f"feed (Carrier feed of the carrier) will be able to sign in immediately for lines:write, with the key"
        f" {key}, bound to no certificate. It can't sign in now; its key is {key}, bound to no certificate."
    ) in agree(second)
    assert "feed active" in shown(officer, page)
    assert "API client: activated" in shown(officer, page)


def test_another_key_is_proposed_after_a_look_at_both(officer: Member, second: Member, gateway: Client) -> None:
    path, page = f"/admin/clients/{gateway.number}/key/", f"/admin/clients/{gateway.number}/"
    new, other = Signer("new"), Signer("other")
    typed: dict[str, object] = {"public_jwk": json.dumps(new.public)}
    was = tokens.thumbprint(gateway.public_jwk)
    asked = shown(officer, path, typed)
    assert f"Now Key {was} New Key {print_of(new)}" in asked
    seal = seal_in(officer, path, typed)
    # The yes is to these two keys, and to no others.
    shown(officer, path, {"public_jwk": json.dumps(other.public), "seen": seal})
    shown(officer, path, {**typed, "seen": "x"})
    assert not Proposal.objects.filter(decision="").exists()
    assert post(officer, path, {**typed, "seen": seal}) == page
    assert Client.objects.get().public_jwk == gateway.public_jwk
    agree(second)
    assert tokens.thumbprint(Client.objects.get().public_jwk) == print_of(new)
    assert f"API client: activated (key: {print_of(new)}, was {was}" in shown(officer, page)
    assert "This is already the key of gateway." in shown(officer, path, typed)
    assert "already registered" in shown(
        officer, "/admin/clients/register/", {"client_id": "gateway", "kind": "gateway", **typed}
    )


def test_a_machine_is_disabled_by_one_let_in_by_two(officer: Member, second: Member, gateway: Client) -> None:
    page = f"/admin/clients/{gateway.number}/"
    assert "gateway active" in shown(officer, page)
    assert post(officer, f"{page}disable/") == page
    assert "gateway disabled" in shown(officer, page)
    assert "disabled" in shown(officer, "/admin/clients/?state=disabled")
    assert "No matches" in shown(officer, "/admin/clients/?state=in")
    assert post(officer, f"{page}enable/") == page
    told = shown(officer, page)
    assert "Activate an API client : proposed by first@carrier.example on" in told
    assert "Propose activation" not in told
    proposal = Proposal.objects.get(decision="")
    assert f'<a href="{page}">' in second.client.get(f"/admin/proposals/{proposal.pk}/").content.decode()
    agree(second)
    assert Client.objects.get().disabled_at is None
    key = tokens.thumbprint(gateway.public_jwk)
    assert f"Signs in with Key {key} EC; its thumbprint (RFC 7638, SHA-256) Certificate none bound" in shown(
        officer, page
    )


def test_a_machine_is_bound_by_two_and_unbound_by_one(
    officer: Member, second: Member, gateway: Client, tmp_path: Path
) -> None:
    page = f"/admin/clients/{gateway.number}/"
    certificate = a_certificate("gateway", tmp_path)
    assert "none bound" in shown(officer, page)
    assert "This is no certificate in PEM." in shown(officer, f"{page}certificate/", {"certificate": "x"})
    assert post(officer, f"{page}certificate/", {"certificate": certificate.pem}) == page
    assert "none bound" in shown(officer, page)
    agree(second)
    assert f"Certificate {certificate.thumbprint} its thumbprint" in shown(officer, page)
    assert f"It is bound to {certificate.thumbprint} now." in shown(officer, f"{page}certificate/")
    assert post(officer, f"{page}unbind/") == page
    told = shown(officer, page)
    assert "Certificate none bound" in told
    assert f"certificate: none, was {certificate.thumbprint}" in told


def test_another_address_is_taken_after_a_look_at_both(officer: Member, second: Member, outside: Outside) -> None:
    old, new = Signer("old"), Signer("new")
    party = a_party("GeoBridge", jwks_uri=f"{outside.url}/old")
    contract = a_contract(party, jwks_uri=f"{outside.url}/old")
    new.publish(outside, "/new")
    there = f"{outside.url}/new"
    # The contract first: the party's own address goes before it.
    for path, page, more in (
        (f"/admin/contracts/{contract.pk}/endpoints/", f"/admin/contracts/{contract.pk}/", {}),
        (f"/admin/parties/{party.pk}/change/", f"/admin/parties/{party.pk}/", {"name": "GeoBridge"}),
    ):
        held = {"jwks": {"keys": [dict(old.public)]}, "fetched_at": "2026-01-01T00:00Z"}
        PartnerKeySet.objects.update_or_create(party=party, defaults=held)
        typed: dict[str, object] = {**more, "jwks_uri": there}
        asked = shown(officer, path, typed)
        assert f"Now Address {outside.url}/old Current keys {print_of(old)}" in asked
        assert f"New Address {there} New keys {print_of(new)}" in asked
        assert post(officer, path, {**typed, "seen": seal_in(officer, path, typed)}) == page
        told = agree(second)
        assert f"The key address will be {there} instead of {outside.url}/old." in told
        assert f"Current keys {print_of(old)} New Address {there} New keys {print_of(new)}" in told
    assert (Party.objects.get(pk=party.pk).jwks_uri, Contract.objects.get().jwks_uri) == (there, there)
    # What we held from the old address is let go of with it.
    assert not PartnerKeySet.objects.exists()


def test_unreadable_keys_are_said_and_others_shown_again(officer: Member, outside: Outside) -> None:
    contract = a_contract(jwks_uri=f"{outside.url}/old")
    path = f"/admin/contracts/{contract.pk}/endpoints/"
    typed: dict[str, object] = {"jwks_uri": f"{outside.url}/new"}
    assert "no readable keys there now" in shown(officer, path, typed)
    seal = seal_in(officer, path, typed)
    Signer("new", outside, "/new")
    assert "New keys" in shown(officer, path, {**typed, "seen": seal})
    assert Contract.objects.get().jwks_uri == f"{outside.url}/old"
    # What stays as it is asks nothing, and neither does the first address.
    assert post(officer, path, {"jwks_uri": f"{outside.url}/old", "endpoint_url": f"{outside.url}/e"})
    gone = shown(officer, path, {"jwks_uri": ""})
    assert "Address none New keys none" in gone


def test_a_draft_shows_no_keys_that_were_fetched_elsewhere(officer: Member, outside: Outside) -> None:
    party = a_party("GeoBridge")
    signer = Signer(party.uri, outside, "/keys")
    contract = a_contract(party, jwks_uri=f"{outside.url}/keys")
    draft = a_contract(party, ref="AGR-2", is_draft=True, jwks_uri="https://nowhere.invalid/jwks.json")
    like = a_contract(party, ref="AGR-3", is_draft=True)
    keysets.key_of(party=party, kid=signer.kid, at=timezone.now())
    for one, fetched in ((contract, signer.kid), (like, signer.kid), (draft, "none yet API clients")):
        assert f"Keys fetched {fetched}" in shown(officer, f"/admin/contracts/{one.pk}/")
