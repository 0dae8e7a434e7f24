"""Whose host an address is on, where this very machine is nobody's own: no demo, no tests, as at a carrier."""

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from pytest_django import Settings

from console.queries.machines import keys_moved
from partners.actions.parties import add_party, change_party
from partners.clients import http
from partners.domain import keysets
from partners.models import Contract, Party
from partners.policies.identifiers import host_of, hosts_of, on_list
from revocations.actions.streams import _may_be_opened
from revocations.domain import streams
from tests.factories import NOW, a_contract, a_party
from tests.staff import an_actor

OWN = "https://roadaid.example"
LOOPBACK = ["http://127.0.0.1:9/keys", "http://localhost/keys", "http://[::1]/keys", "https://127.0.0.1/keys"]


@pytest.fixture(autouse=True)
def _as_at_a_carrier(settings: Settings) -> None:
    settings.DOOR_OUT_LOOPBACK = False


@pytest.mark.parametrize(
    ("jwks_uri", "is_own"),
    [
        ("https://roadaid.example/jwks.json", True),
        ("https://ROADAID.example:8443/jwks.json", True),
        ("https://keys.roadaid.example/jwks.json", True),
        ("https://a.b.roadaid.example/jwks.json", True),
        ("https://notroadaid.example/jwks.json", False),
        ("https://roadaid.example.evil.example/jwks.json", False),
        ("https://example/jwks.json", False),
        ("https://evil.example/roadaid.example", False),
        ("https://roadaid.example@evil.example/", False),
        *((url, False) for url in LOOPBACK),
        ("", False),
        ("https://[", False),
    ],
)
def test_keys_are_on_their_company_s_own_host(jwks_uri: str, is_own: bool) -> None:
    assert keysets.on_own_host(uri=OWN, jwks_uri=jwks_uri) is is_own


@pytest.mark.parametrize("uri", ["", "unknown", "urn:company:7", "https:///path"])
def test_a_company_without_a_host_has_no_keys(uri: str) -> None:
    assert not keysets.on_own_host(uri=uri, jwks_uri="https://roadaid.example/jwks.json")
    assert not keysets.on_own_host(uri=uri, jwks_uri="")


def test_where_this_machine_is_everybody_s_no_other_host_is(settings: Settings) -> None:
    settings.DOOR_OUT_LOOPBACK = True
    assert all(keysets.on_own_host(uri=OWN, jwks_uri=url) for url in LOOPBACK)
    assert not keysets.on_own_host(uri=OWN, jwks_uri="https://notroadaid.example/jwks.json")
    assert not keysets.on_own_host(uri=OWN, jwks_uri="https://127.0.0.1.evil.example/jwks.json")
    assert not keysets.on_own_host(uri=OWN, jwks_uri="")


@pytest.mark.parametrize("url", ["http://roadaid.example/", *LOOPBACK[:3], "ftp://roadaid.example/", "roadaid.example"])
def test_nothing_but_https_is_opened(url: str) -> None:
    assert http.find_url_refusal(url=url)
    assert not _may_be_opened(url)


@pytest.mark.parametrize(
    "url", ["https://me@roadaid.example/", "https://:pw@roadaid.example/", "https://a:b@x.example/"]
)
def test_no_address_carries_a_name_or_password(url: str) -> None:
    assert http.find_url_refusal(url=url) == "the address is not a plain URL"
    assert not _may_be_opened(url)


def test_the_demo_speaks_to_this_machine_without_tls(settings: Settings) -> None:
    settings.DOOR_OUT_LOOPBACK = True
    assert [http.find_url_refusal(url=url) for url in LOOPBACK[:3]] == [""] * 3
    assert http.find_url_refusal(url="http://roadaid.example/") == "the address is not https"
    assert not _may_be_opened("http://roadaid.example/")
    assert not _may_be_opened("http://me@127.0.0.1/")


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://A.example/x", "a.example"),
        ("https://a.example:443/x", "a.example"),
        ("https://a.example./x", "a.example"),
        ("https://a.example:8443/x", "a.example:8443"),
        ("http://a.example/x", "a.example:80"),
        ("http://a.example:443/x", "a.example"),
        ("https://[::1]:9/x", "[::1]:9"),
        ("https://a.example:99999/", ""),
        ("not a url", ""),
    ],
)
def test_a_host_has_one_form_with_its_port(url: str, host: str) -> None:
    assert host_of(url) == host


@pytest.fixture
def contract(db: None) -> Contract:
    return a_contract(
        a_party(), endpoint_url="https://events.bridge.example:8443/x", jwks_uri="https://bridge.example/keys",
        hosts=["Second.bridge.example"],
    )  # fmt: skip


ON_THE_LIST = ["https://events.bridge.example:8443/y", "https://bridge.example/", "https://second.bridge.example/cb"]
NOT_ON_IT = [
    "https://events.bridge.example/", "https://bridge.example:8443/", "https://sub.bridge.example/",
    "https://notbridge.example/", "http://bridge.example/", *LOOPBACK,
]  # fmt: skip


@pytest.mark.parametrize(
    ("url", "is_listed"), [*((url, True) for url in ON_THE_LIST), *((url, False) for url in NOT_ON_IT)]
)
def test_a_partner_names_addresses_on_its_contract_s_list_alone(contract: Contract, url: str, is_listed: bool) -> None:
    assert on_list(url=url, hosts=hosts_of(contract)) is is_listed
    assert streams.allows(url=url, party_id=contract.aggregator_id) is is_listed


def test_a_draft_lists_nothing(contract: Contract) -> None:
    a_contract(contract.aggregator, is_draft=True, hosts=["draft.bridge.example"])
    assert not streams.allows(url="https://draft.bridge.example/", party_id=contract.aggregator_id)


def test_the_demo_lists_this_machine_alone(contract: Contract, settings: Settings) -> None:
    settings.DOOR_OUT_LOOPBACK = True
    assert all(streams.allows(url=url, party_id=contract.aggregator_id) for url in LOOPBACK)
    assert not any(streams.allows(url=url, party_id=contract.aggregator_id) for url in NOT_ON_IT[:5])


# Where an officer says it, and where a page shows what it would bring.
ELSEWHERE = ["https://notroadaid.example/jwks.json", "https://127.0.0.1.evil.example/jwks.json"]


@pytest.mark.parametrize("loopback", [False, True], ids=["at a carrier", "in the demo"])
def test_keys_are_moved_on_their_own_host(db: None, settings: Settings, loopback: bool) -> None:
    settings.DOOR_OUT_LOOPBACK = loopback
    party, said = a_party("RoadAid", "lbs_provider"), {"reason": "Due", "actor": an_actor(), "at": NOW}
    about: dict[str, Any] = {"name": "RoadAid", "website": "", "about": "", **said}
    for url in ELSEWHERE:
        with pytest.raises(ValidationError, match="Its keys must be on its own host"):
            change_party(party_id=party.pk, jwks_uri=url, **about)
        with pytest.raises(ValidationError, match="Its keys must be on its own host"):
            add_party(uri="https://newaid.example", kind="lbs_provider", jwks_uri=url, **about)
        assert keys_moved(party=party, was=f"{OWN}/jwks.json", address=url, own_host=True) is None
    assert not Party.objects.exclude(jwks_uri="").exists()


@pytest.mark.parametrize("loopback", [False, True], ids=["at a carrier", "in the demo"])
def test_no_address_of_an_inner_network_is_spoken_to(settings: Settings, loopback: bool) -> None:
    settings.DOOR_OUT_LOOPBACK = loopback
    inside = ["10.0.0.1", "192.168.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "[fd00::1]", "[::ffff:10.0.0.1]"]
    within = ["[64:ff9b::a00:1]", "[::10.0.0.1]", "[fec0::1]"]
    for host in [*inside, *within, *([] if loopback else ["127.0.0.1"])]:
        assert http.get(url=f"https://{host}/").detail == "the address is not a public one", host
