"""Check the form of names that stand for good (company, contract, campaign, client), and which hosts are allowed.

Such a name stands in tokens, addresses, paths and stops for ever, so a slip of the hand is refused before it is kept.
Hosts: which of them a contract lets us speak to, or lets its partner send people back to, and which addresses are
public.
"""

import re
import socket
from collections.abc import Collection
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError

from partners.models import Client, Contract, Party

# RFC 3986: a scheme, and no character that would have to be escaped. Other scripts are taken, as in an IRI.
URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`]+")
ID = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._:-]*[A-Za-z0-9])?", re.ASCII)
SCOPE = re.compile(r"[a-z][a-z0-9-]*:[a-z][a-z0-9:-]*", re.ASCII)
# How people agree, as a record of approval has it, and whatever tells two such ways apart.
FLOW = re.compile(r"(sms|ivr|web|app|paper)(-[a-z0-9]+)*", re.ASCII)
WITH_A_HOST = {"http", "https"}
LONGEST_URI_BYTES = 2000
NOT_A_URI = "Write an address with its scheme and without spaces, like https://geobridge.example."
NOT_AN_ID = "Use letters, digits, dots, dashes, underscores and colons, like AGR-2026-07."
# Anything else is `invalid_scope` (RFC 6749, 5.2).
SCOPES: dict[str, frozenset[str]] = {
    Client.Kind.GATEWAY: frozenset({"decisions:read", "disclosures:write"}),
    Client.Kind.FEED: frozenset({"lines:write"}),
    Client.Kind.AGGREGATOR: frozenset(
        {"ssf.manage", "ssf.read", "receipts:write", "approvals:write", "consent-info:retrieve"}
    ),
}


def is_uri(text: str) -> bool:
    """Return whether this may name a company: an absolute URI (RFC 3986), a web address with a plain host."""
    if not URI.fullmatch(text) or not text.isprintable() or len(text.encode()) > LONGEST_URI_BYTES:
        return False
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return False
    return parts.scheme not in WITH_A_HOST or bool(parts.hostname and not parts.username and not parts.fragment)


def is_id(text: str) -> bool:
    """Return whether this may name an agreement, a campaign or a machine."""
    return ID.fullmatch(text) is not None


def is_consent_flow(text: str) -> bool:
    """Return whether this says how people agree."""
    return FLOW.fullmatch(text) is not None


def is_scope(text: str) -> bool:
    """Whether partners can ask by this."""
    return SCOPE.fullmatch(text) is not None


def check_uri(text: str) -> None:
    """Raise ValidationError for what may name no company."""
    if not is_uri(text):
        raise ValidationError(NOT_A_URI)


def check_id(text: str) -> None:
    """Raise ValidationError for what may name no agreement and no campaign."""
    if not is_id(text):
        raise ValidationError(NOT_AN_ID)


def check_client_id(text: str) -> None:
    """Raise ValidationError for what may name no machine: it has an id, or its party's URI."""
    if not is_id(text) and not is_uri(text):
        raise ValidationError(f"{NOT_AN_ID} An aggregator's may be its address, like https://geobridge.example.")


def check_consent_flow(text: str) -> None:
    """Raise ValidationError for what does not say how people agree."""
    if not is_consent_flow(text):
        raise ValidationError("Begin with how people agree (sms, ivr, web, app or paper), like sms-double-opt-in.")


def check_scope(text: str) -> None:
    """Raise ValidationError for what is no scope."""
    if not is_scope(text):
        raise ValidationError("Write a scope as partners ask by it, like location-retrieval:read.")


def check_kind(kind: str) -> None:
    """Raise ValidationError for what no company is."""
    if kind == Party.Kind.UNNAMED or kind not in Party.Kind.values:
        raise ValidationError("An aggregator, a location service or an end customer.")


# All of IPv6 that anybody's address is from. Outside are IPv4 addresses in old forms, routing segments and overlays.
UNICAST = IPv6Network("2000::/3")
# Protocols' own and relays, which lead to whatever is nearest: in our own network, perhaps.
OF_PROTOCOLS = (IPv4Network("192.0.0.0/24"), IPv4Network("192.88.99.0/24"), IPv6Network("2001::/23"))
# A network with NAT64 (RFC 6052) takes these to the IPv4 address in their last 32 bits.
TRANSLATED = IPv6Network("64:ff9b::/96")
PORTS = {"https": 443, "http": 80}


def host_of(url: str) -> str:
    """Return a URL's host in one form: lower case, with its port where that is not 443. "" for what is no such URL."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or PORTS.get(parts.scheme, 0)
    except ValueError:
        return ""
    host = f"[{host}]" if ":" in host else host.rstrip(".")
    return host if port == PORTS["https"] or not host else f"{host}:{port}"


def hosts_of(contract: Contract) -> frozenset[str]:
    """List the contract's hosts: those of its own addresses, and those that were agreed beside them."""
    named = {host_of(url) for url in (contract.endpoint_url, contract.jwks_uri)} | {*contract.hosts}
    return frozenset(host.lower() for host in named if host)


def events_address_of(*, party_id: int) -> str:
    """Return where a partner's events go: the address of its newest contract that is no draft; "" where none has one.

    Its stream may name another, on a host that a contract lists.
    """
    contracts = Contract.objects.filter(aggregator_id=party_id, is_draft=False).exclude(endpoint_url="")
    return contracts.order_by("-starts_at", "-id").values_list("endpoint_url", flat=True).first() or ""


def on_list(*, url: str, hosts: Collection[str]) -> bool:
    """Return whether this URL's host and port are among these."""
    return host_of(url) in hosts


def first_address(host: str, port: int) -> str:
    """Resolve the first address that a name leads to, whatever network it is in. Raises OSError."""
    return str(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][4][0])


def literal(host: str) -> IPv4Address | IPv6Address | None:
    """The address that a URL's host is itself; None where it is a name."""
    try:
        return ip_address(host)
    except ValueError:
        return None


def is_listed(*, host: str, address: IPv4Address | IPv6Address, internal: Collection[str]) -> bool:
    """Return whether we may speak to a service of ours there: INTERNAL_HOSTS has its host or its address's network.

    Never on this very machine, nor at an address by which a machine speaks to its own wire: cloud providers hand out
    their machines' secrets there.
    """
    if _is_of_this_machine(address):
        return False
    networks = [ip_network(one) for one in internal if "/" in one]
    return host.lower().rstrip(".") in internal or any(
        address in network for network in networks if network.version == address.version
    )


def _is_of_this_machine(address: IPv4Address | IPv6Address) -> bool:
    address = _translate(address)
    return address.is_loopback or address.is_link_local or address.is_unspecified or address.is_multicast


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Return whether anybody in the world could be spoken to there."""
    address = _translate(address)
    if address.is_multicast or any(address in network for network in OF_PROTOCOLS):
        return False
    return address.is_global and (address.version == 4 or address in UNICAST)


def _translate(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """Return the IPv4 address that is written as one of IPv6, or that a network with NAT64 leads to; else itself."""
    if isinstance(address, IPv4Address):
        return address
    return address.ipv4_mapped or (IPv4Address(address.packed[-4:]) if address in TRANSLATED else address)
