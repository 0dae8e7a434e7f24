"""Which hosts a contract lets us speak to, and lets its partner send people back to; which addresses are public."""

import socket
from collections.abc import Collection
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

from partners.models import Contract

# IPv4 addresses written as IPv6 ones, "compatible" and "translated": old forms that a network may still take inwards.
IPV4_INSIDE = (IPv6Network("::/96"), IPv6Network("::ffff:0:0:0/96"))
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
    if address.is_multicast:
        return False
    if isinstance(address, IPv6Address):
        inward = address.is_site_local or any(address in network for network in IPV4_INSIDE)
        return address.is_global and not inward
    return address.is_global


def _translate(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """Return the address that a network with NAT64 leads to."""
    return IPv4Address(address.packed[-4:]) if address.version == 6 and address in TRANSLATED else address
