"""Partners' keys, fetched and kept."""

import json
from collections.abc import Callable
from datetime import timedelta

import pytest

from partners.actions.drafts import ContractTerms, change_draft, draft_contract
from partners.actions.parties import change_party
from partners.actions.proposals import carry_out, mark_agreed
from partners.actions.terms import set_endpoints
from partners.domain import keysets
from partners.models import Contract, PartnerKeySet, Party, Proposal
from partners.primitives.tokens import UnknownKey
from tests.factories import FAR_OFF, NOW, ROADSIDE, a_contract, a_party
from tests.partners.outside import Outside, Signer
from tests.staff import an_actor, move_keys

pytestmark = pytest.mark.django_db


def a_party_with_keys(outside: Outside) -> tuple[Party, Signer]:
    party = a_party(jwks_uri=f"{outside.url}/jwks.json")
    return party, Signer(party.uri, outside)


def test_keys_are_fetched_once_and_kept(outside: Outside) -> None:
    party, signer = a_party_with_keys(outside)
    for minutes in range(5):
        keysets.key_of(party=party, kid=signer.kid, at=NOW + timedelta(minutes=minutes))
    assert len(outside.asked) == 1


def test_an_unknown_kid_is_looked_for_at_most_once_a_minute(outside: Outside) -> None:
    party, signer = a_party_with_keys(outside)
    keysets.key_of(party=party, kid=signer.kid, at=NOW)
    newer = Signer(party.uri, outside)
    for seconds in (1, 30, 59):
        with pytest.raises(UnknownKey):
            keysets.key_of(party=party, kid=newer.kid, at=NOW + timedelta(seconds=seconds))
    assert len(outside.asked) == 1
    keysets.key_of(party=party, kid=newer.kid, at=NOW + timedelta(seconds=60))
    assert len(outside.asked) == 2


def test_a_failed_fetch_leaves_the_known_keys_standing(outside: Outside) -> None:
    party, signer = a_party_with_keys(outside)
    keysets.key_of(party=party, kid=signer.kid, at=NOW)
    outside.documents.clear()
    keysets.key_of(party=party, kid=signer.kid, at=NOW + timedelta(hours=25))
    assert len(outside.asked) == 2


def test_a_key_taken_out_of_the_set_counts_no_longer_than_the_set_is_kept(outside: Outside) -> None:
    party, signer = a_party_with_keys(outside)
    keysets.key_of(party=party, kid=signer.kid, at=NOW)
    Signer(party.uri, outside)
    outside.documents["/jwks.json"] = b'{"keys":[]}'
    with pytest.raises(UnknownKey):
        keysets.key_of(party=party, kid=signer.kid, at=NOW + timedelta(hours=25))


def test_the_newest_contract_s_address_serves_a_party_without_its_own(outside: Outside) -> None:
    party = a_party()
    signer = Signer(party.uri, outside, "/contract.json")
    a_contract(party, jwks_uri=f"{outside.url}/contract.json")
    found = keysets.key_of(party=party, kid=signer.kid, at=NOW)
    assert found.key_type == "EC"


def keys_at(outside: Outside, party: Party, path: str) -> Signer:
    """A key of the party's that stands at this address alone."""
    return Signer(party.uri, outside, path)


def moved_by_change_party(party: Party, url: str) -> None:
    change_party(
        party_id=party.pk, name=party.name, website="", about="", jwks_uri=url, actor=an_actor(), reason="r", at=NOW
    )


def moved_by_set_endpoints(party: Party, url: str) -> None:
    set_endpoints(
        contract_id=party.contracts.get().pk, endpoint_url="", jwks_uri=url, hosts=(), actor=an_actor(), reason="r",
        at=NOW,
    )  # fmt: skip


def drafted(party: Party, url: str) -> Contract:
    terms = ContractTerms(NOW, NOW, FAR_OFF, (ROADSIDE,), jwks_uri=url)
    return draft_contract(ref="AGR-new", aggregator=party.uri, terms=terms, actor=an_actor(), reason="r", at=NOW)


@pytest.mark.parametrize("moves", [moved_by_change_party, moved_by_set_endpoints])
def test_keys_from_an_address_that_is_no_longer_the_party_s_count_no_longer(
    outside: Outside, moves: Callable[[Party, str], None]
) -> None:
    party = a_party()
    a_contract(party, jwks_uri=f"{outside.url}/old.json")
    old, new = keys_at(outside, party, "/old.json"), keys_at(outside, party, "/new.json")
    keysets.key_of(party=party, kid=old.kid, at=NOW)
    moves(party, f"{outside.url}/new.json")
    assert PartnerKeySet.objects.exists()
    proposal = Proposal.objects.get()
    agreed = mark_agreed(proposal_id=proposal.pk, actor=an_actor(), reason="r", at=NOW)
    carry_out(proposal=agreed, at=NOW)
    assert not PartnerKeySet.objects.exists()
    party.refresh_from_db()
    # At once, not in a minute: the old one is refused and the new one is found.
    with pytest.raises(UnknownKey):
        keysets.key_of(party=party, kid=old.kid, at=NOW + timedelta(seconds=1))
    keysets.key_of(party=party, kid=new.kid, at=NOW + timedelta(seconds=1))


def test_a_draft_moves_no_keys_of_what_is_in_force(outside: Outside) -> None:
    party = a_party()
    a_contract(party, jwks_uri=f"{outside.url}/old.json")
    old = keys_at(outside, party, "/old.json")
    keysets.key_of(party=party, kid=old.kid, at=NOW)
    draft = drafted(party, f"{outside.url}/new.json")
    terms = ContractTerms(NOW, NOW, FAR_OFF, (ROADSIDE,), jwks_uri=f"{outside.url}/newer.json")
    change_draft(of="contract", target_id=draft.pk, terms=terms, actor=an_actor(), reason="r", at=NOW)
    assert keysets.jwks_uri_of(party=party) == f"{outside.url}/old.json"
    assert PartnerKeySet.objects.get().party_id == party.pk


def test_an_act_that_moves_no_keys_keeps_them(outside: Outside) -> None:
    party = a_party()
    url = f"{outside.url}/jwks.json"
    contract = a_contract(party, jwks_uri=url)
    keysets.key_of(party=party, kid=Signer(party.uri, outside).kid, at=NOW)
    set_endpoints(
        contract_id=contract.pk, endpoint_url="https://events.geobridge.example", jwks_uri=url, hosts=(),
        actor=an_actor(), reason="r", at=NOW,
    )  # fmt: skip
    change_party(
        party_id=party.pk, name="Renamed", website="", about="", jwks_uri="", actor=an_actor(), reason="r", at=NOW
    )
    assert PartnerKeySet.objects.get().party_id == contract.aggregator_id
    assert len(outside.asked) == 1


def test_what_was_being_fetched_from_the_old_address_is_not_kept(outside: Outside) -> None:
    party = a_party()
    a_contract(party, jwks_uri=f"{outside.url}/old.json")
    old = keys_at(outside, party, "/old.json")
    move_keys(party, f"{outside.url}/new.json")
    # The party as it was read before an officer's act committed.
    with pytest.raises(UnknownKey):
        keysets.key_of(party=party, kid=old.kid, at=NOW)
    assert not PartnerKeySet.objects.exists()


@pytest.mark.parametrize("body", [b"", b"[]", b'{"keys":7}', b'{"keys":[7,{"kty":"EC"}]}', b"\xff", b"[" * 9000])
def test_a_broken_set_is_no_set(outside: Outside, body: bytes) -> None:
    party, signer = a_party_with_keys(outside)
    outside.documents["/jwks.json"] = body
    with pytest.raises(UnknownKey):
        keysets.key_of(party=party, kid=signer.kid, at=NOW)


def test_of_very_many_keys_the_first_fifty_are_kept(outside: Outside) -> None:
    party, signer = a_party_with_keys(outside)
    (key,) = json.loads(outside.documents["/jwks.json"])["keys"]
    keys = [{**key, "kid": f"{signer.kid}-{n}"} for n in range(51)]
    outside.documents["/jwks.json"] = json.dumps({"keys": keys}).encode()
    keysets.key_of(party=party, kid=f"{signer.kid}-49", at=NOW)
    assert len(PartnerKeySet.objects.get().jwks["keys"]) == 50


def test_private_halves_and_weak_keys_are_not_kept(outside: Outside) -> None:
    party, signer = a_party_with_keys(outside)
    leaked = {**signer.key.as_dict(private=True), "kid": signer.kid}
    secret = {"kty": "oct", "k": "c2VjcmV0", "kid": "shared"}
    outside.documents["/jwks.json"] = json.dumps({"keys": [leaked, secret]}).encode()
    keysets.key_of(party=party, kid=signer.kid, at=NOW)
    assert [sorted(key) for key in PartnerKeySet.objects.get().jwks["keys"]] == [["crv", "kid", "kty", "x", "y"]]
