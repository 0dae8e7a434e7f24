"""Partners' keys, fetched and kept."""

import json
from datetime import timedelta

import pytest

from partners import keysets
from partners.models import PartnerKeySet, Party
from partners.tokens import UnknownKey
from tests.factories import NOW, a_contract, a_party
from tests.partners.outside import Outside, Signer

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


@pytest.mark.parametrize("body", [b"", b"[]", b'{"keys":7}', b'{"keys":[7,{"kty":"EC"}]}', b"\xff", b"[" * 9000])
def test_a_broken_set_is_no_set(outside: Outside, body: bytes) -> None:
    party, signer = a_party_with_keys(outside)
    outside.documents["/jwks.json"] = body
    with pytest.raises(UnknownKey):
        keysets.key_of(party=party, kid=signer.kid, at=NOW)


def test_private_halves_and_weak_keys_are_not_kept(outside: Outside) -> None:
    party, signer = a_party_with_keys(outside)
    leaked = {**signer.key.as_dict(private=True), "kid": signer.kid}
    secret = {"kty": "oct", "k": "c2VjcmV0", "kid": "shared"}
    outside.documents["/jwks.json"] = json.dumps({"keys": [leaked, secret]}).encode()
    keysets.key_of(party=party, kid=signer.kid, at=NOW)
    assert [sorted(key) for key in PartnerKeySet.objects.get().jwks["keys"]] == [["crv", "kid", "kty", "x", "y"]]
