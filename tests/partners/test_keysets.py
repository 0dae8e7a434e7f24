"""Partners' keys, fetched and kept."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from partners.actions.drafts import ContractTerms, change_draft, draft_contract
from partners.actions.parties import change_party
from partners.actions.proposals import carry_out, mark_agreed
from partners.actions.terms import set_endpoints
from partners.domain import keysets
from partners.models import PartnerKeySet, Party, Proposal
from partners.primitives.tokens import UnknownKey
from tests.factories import FAR_OFF, ROADSIDE, a_contract, a_party
from tests.partners.outside import Outside, Signer
from tests.staff import an_actor, move_keys

pytestmark = pytest.mark.django_db
NOW = datetime.now(UTC)


def a_party_with_keys(outside: Outside) -> tuple[Party, Signer]:
    party = a_party(jwks_uri=f"{outside.url}/jwks.json")
    return party, Signer(party.uri, outside)


def test_keys_are_fetched_once_and_kept(outside: Outside) -> None:
    party, signer = a_party_with_keys(outside)
    for minutes in range(5):
        keysets.key_of(party=party, kid=signer.kid, at=NOW + timedelta(minutes=minutes))
    assert len(outside.asked) == 1
    # A failed fetch leaves the known keys standing; one that is taken out counts no longer than the set is kept.
    documents = dict(outside.documents)
    outside.documents.clear()
    keysets.key_of(party=party, kid=signer.kid, at=NOW + timedelta(hours=25))
    assert len(outside.asked) == 2
    outside.documents.update(documents | {"/jwks.json": b'{"keys":[]}'})
    with pytest.raises(UnknownKey):
        keysets.key_of(party=party, kid=signer.kid, at=NOW + timedelta(hours=50))


def test_an_unknown_kid_is_looked_for_once_a_minute(outside: Outside) -> None:
    party, signer = a_party_with_keys(outside)
    keysets.key_of(party=party, kid=signer.kid, at=NOW)
    newer = Signer(party.uri, outside)
    for seconds in (1, 30, 59):
        with pytest.raises(UnknownKey):
            keysets.key_of(party=party, kid=newer.kid, at=NOW + timedelta(seconds=seconds))
    assert len(outside.asked) == 1
    keysets.key_of(party=party, kid=newer.kid, at=NOW + timedelta(seconds=60))
    assert len(outside.asked) == 2


def test_a_contract_s_address_serves_a_party_without_one(outside: Outside) -> None:
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
        party_id=party.pk, name=party.name, website="", about="", jwks_uri=url, actor=an_actor(), reason="Due", at=NOW
    )


def moved_by_set_endpoints(party: Party, url: str) -> None:
    set_endpoints(
        contract_id=party.contracts.get().pk, endpoint_url="", jwks_uri=url, hosts=(), actor=an_actor(), reason="Due",
        at=NOW,
    )  # fmt: skip


@pytest.mark.parametrize("moves", [moved_by_change_party, moved_by_set_endpoints])
def test_keys_of_an_address_that_was_left_count_no_longer(
    outside: Outside, moves: Callable[[Party, str], None]
) -> None:
    party = a_party()
    a_contract(party, jwks_uri=f"{outside.url}/old.json")
    old, new = keys_at(outside, party, "/old.json"), keys_at(outside, party, "/new.json")
    keysets.key_of(party=party, kid=old.kid, at=NOW)
    moves(party, f"{outside.url}/new.json")
    assert PartnerKeySet.objects.exists()
    proposal = Proposal.objects.get()
    agreed = mark_agreed(proposal_id=proposal.pk, actor=an_actor(), reason="Due", at=NOW)
    carry_out(proposal=agreed, at=NOW)
    assert not PartnerKeySet.objects.exists()
    party.refresh_from_db()
    # At once, not in a minute: the old one is refused and the new one is found.
    with pytest.raises(UnknownKey):
        keysets.key_of(party=party, kid=old.kid, at=NOW + timedelta(seconds=1))
    keysets.key_of(party=party, kid=new.kid, at=NOW + timedelta(seconds=1))


def test_what_moves_no_keys_in_force_keeps_them(outside: Outside) -> None:
    """A draft, whatever it says; another address for events; another name."""
    party, url = a_party(), f"{outside.url}/old.json"
    contract = a_contract(party, jwks_uri=url)
    keysets.key_of(party=party, kid=keys_at(outside, party, "/old.json").kid, at=NOW)
    by: dict[str, Any] = {"actor": an_actor(), "reason": "Due", "at": NOW}
    terms = [ContractTerms(NOW, NOW, FAR_OFF, (ROADSIDE,), jwks_uri=f"{outside.url}/{one}") for one in ("new", "newer")]
    draft = draft_contract(ref="AGR-new", aggregator=party.uri, terms=terms[0], **by)
    change_draft(of="contract", target_id=draft.pk, terms=terms[1], **by)
    assert keysets.jwks_uri_of(party=party) == url
    events = "https://events.geobridge.example"
    set_endpoints(contract_id=contract.pk, endpoint_url=events, jwks_uri=url, hosts=(), **by)
    change_party(party_id=party.pk, name="Renamed", website="", about="", jwks_uri="", **by)
    assert PartnerKeySet.objects.get().party_id == party.pk
    assert len(outside.asked) == 1


def test_what_came_from_the_old_address_is_not_kept(outside: Outside) -> None:
    party = a_party()
    a_contract(party, jwks_uri=f"{outside.url}/old.json")
    old = keys_at(outside, party, "/old.json")
    move_keys(party, f"{outside.url}/new.json")
    # The party as it was read before an officer's act committed.
    with pytest.raises(UnknownKey):
        keysets.key_of(party=party, kid=old.kid, at=NOW)
    assert not PartnerKeySet.objects.exists()


def test_only_the_first_fifty_good_keys_are_kept(outside: Outside) -> None:
    party, signer = a_party_with_keys(outside)
    (key,) = json.loads(outside.documents["/jwks.json"])["keys"]
    broken = (b"", b"[]", b'{"keys":7}', b'{"keys":[7,{"kty":"EC"}]}', b"\xff", b"[" * 9000)
    for minutes, body in enumerate(broken):
        outside.documents["/jwks.json"] = body
        with pytest.raises(UnknownKey):
            keysets.key_of(party=party, kid=signer.kid, at=NOW + timedelta(minutes=2 * minutes))
    assert len(outside.asked) == len(broken)

    def kept(*keys: object, kid: str, at: datetime) -> list[dict[str, str]]:
        outside.documents["/jwks.json"] = json.dumps({"keys": keys}).encode()
        keysets.key_of(party=party, kid=kid, at=at)
        found: list[dict[str, str]] = PartnerKeySet.objects.get().jwks["keys"]
        return found

    many = [{**key, "kid": f"{signer.kid}-{n}"} for n in range(51)]
    assert len(kept(*many, kid=f"{signer.kid}-49", at=NOW + timedelta(hours=1))) == 50
    # Neither private halves nor weak keys, nor those for something else than signatures.
    leaked = {**signer.key.as_dict(private=True), "kid": signer.kid}
    secret = {"kty": "oct", "k": "c2VjcmV0", "kid": "shared"}
    uses: tuple[dict[str, object], ...] = ({"use": "enc"}, {"use": 7}, {"alg": "ECDH-ES"}, {"alg": []})
    (one,) = kept(
        *({**key, "kid": "other", **use} for use in uses), leaked, secret, kid=signer.kid, at=NOW + timedelta(hours=2)
    )
    assert sorted(one) == ["crv", "kid", "kty", "x", "y"]
