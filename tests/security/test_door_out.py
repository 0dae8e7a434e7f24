"""No address that a partner may name leads our requests inwards, however it is written or looked up."""

import socket

import pytest
from pytest_django import Settings

from partners.clients import http

METADATA = "169.254.169.254"


@pytest.mark.parametrize("host", [
    # One number, octal, hexadecimal, fewer parts, other scripts' digits and dots.
    "2852039166", "0177.0.0.1", "017700000001", "0x7f000001", "0xa9.254.0xa9fe", "10.1", "127。0。0。1", "①②⑦.⓪.⓪.①",
    # Inside IPv6: mapped, compatible, NAT64, 6to4, Teredo, link-local, unique local, multicast, unspecified.
    "[::ffff:a9fe:a9fe]", "[::ffff:169.254.169.254]", "[::a9fe:a9fe]", "[64:ff9b::a9fe:a9fe]", "[2002:a9fe:a9fe::1]",
    "[2001:0:a9fe:a9fe::1]", "[fe80::a9fe:a9fe]", "[fd00:ec2::254]", "[ff02::1]", "[::]",
    # Carriers' own, benchmarks, documentation, reserved, broadcast, and other clouds' metadata.
    "100.100.100.200", "192.0.0.192", "198.18.0.1", "192.0.2.1", "203.0.113.9", "240.0.0.1", "255.255.255.255",
    "0.1.2.3",
])  # fmt: skip
@pytest.mark.filterwarnings("ignore")
def test_no_way_of_writing_it_leads_inwards(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("urllib3.util.connection.create_connection", _must_not_connect)
    reply = http.post(url=f"https://{host}/latest/meta-data/", body=b"x", content_type="text/plain")
    assert (reply.status, reply.taken) == (None, False)
    assert reply.detail in {"the address is not a public one", "ConnectionError", "LocationParseError"}


# Beyond all that anybody's address is from: routing segments, overlays, unassigned; protocols' own, and relays.
@pytest.mark.parametrize("host", [
    "[5f00::1]", "[200::1]", "[4000::1]", "[f000::1]", "[100:0:0:1::1]", "[fec0::1]", "[2001:1::1]", "[2001:20::1]",
    "[::ffff:192.88.99.1]", "192.88.99.1", "192.0.0.9",
])  # fmt: skip
def test_no_form_takes_what_the_door_refuses(host: str, settings: Settings) -> None:
    settings.DOOR_OUT_LOOPBACK = False
    url = f"https://{host}/events"
    assert http.find_url_refusal(url=url) == http.get(url=url).detail == "the address is not a public one"


def test_addresses_of_public_space_are_taken() -> None:
    for host in ("198.41.0.4", "[::ffff:198.41.0.4]", "[2606:4700::1111]", "[2a00:1450::1]", "[64:ff9b::c629:4]"):
        assert http.find_url_refusal(url=f"https://{host}/events") == ""


def _must_not_connect(address: object, *_: object, **__: object) -> None:
    raise AssertionError(f"connected to {address}")


@pytest.mark.parametrize("found", [
    [METADATA], ["10.0.0.7"], ["::1"], ["::ffff:10.0.0.7"], ["fe80::1%1"], ["fd00::7"], [METADATA, "198.41.0.4"],
])  # fmt: skip
def test_no_name_leads_inwards(found: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def resolve(*_: object, **__: object) -> list[tuple[object, ...]]:
        return [
            (socket.AF_INET6, socket.SOCK_STREAM, 6, "", (one, 443, 0, 0))
            if ":" in one
            else (socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, 443))
            for one in found
        ]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr("urllib3.util.connection.create_connection", _must_not_connect)
    assert http.get(url="https://partner.example/jwks.json").detail == "the address is not a public one"


def test_each_new_connection_is_looked_up_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that was public a moment ago and turns inwards."""
    answers = iter(["198.41.0.4", METADATA])
    connected: list[object] = []

    def resolve(*_: object, **__: object) -> list[tuple[object, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), 443))]

    def connect(address: object, *_: object, **__: object) -> None:
        connected.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr("urllib3.util.connection.create_connection", connect)
    told = [http.get(url="https://rebound.example/jwks.json").detail for _ in range(2)]
    assert told == ["ConnectionError", "the address is not a public one"]
    assert connected == [("198.41.0.4", 443)]


@pytest.mark.parametrize("url", [
    "https://partner.example\\@10.0.0.1/", "https://partner.example#@10.0.0.1/", "https://10.0.0.1\t.partner.example/",
    "gopher://10.0.0.1/", "HTTP://10.0.0.1/", "https:10.0.0.1", "https:///10.0.0.1/", "//10.0.0.1/", "https://@10.0.0.1/",
])  # fmt: skip
def test_no_trick_of_writing_a_url_gets_past_the_list(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", _must_not_connect)
    monkeypatch.setattr("urllib3.util.connection.create_connection", _must_not_connect)
    assert http.get(url=url, hosts={"elsewhere.example"}).status is None
