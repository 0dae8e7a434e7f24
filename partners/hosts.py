"""Which hosts a contract lets us speak to, and lets its partner send people back to."""

from collections.abc import Collection
from urllib.parse import urlsplit

from partners.models import Contract

PORTS = {"https": 443, "http": 80}


def host_of(url: str) -> str:
    """A URL's host in one form: lower case, with its port where that is not 443. "" for what is no such URL."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or PORTS.get(parts.scheme, 0)
    except ValueError:
        return ""
    host = f"[{host}]" if ":" in host else host.rstrip(".")
    return host if port == PORTS["https"] or not host else f"{host}:{port}"


def hosts_of(contract: Contract) -> frozenset[str]:
    """The contract's list: the hosts of its own addresses, and those that were agreed beside them."""
    named = {host_of(url) for url in (contract.endpoint_url, contract.jwks_uri)} | {*contract.hosts}
    return frozenset(host.lower() for host in named if host)


def on_list(*, url: str, hosts: Collection[str]) -> bool:
    """Whether this URL's host and port are among these."""
    return host_of(url) in hosts
