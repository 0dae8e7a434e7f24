"""Which browser somebody is at: by the name that it gives itself (its User-Agent), and by its cookie and network."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network

from allauth.account.adapter import get_adapter
from django.conf import settings
from django.http import HttpRequest

# By the mark that tells it. The first that is found counts: most browsers name others beside themselves.
FAMILIES = {
    "Edg": "Edge", "OPR/": "Opera", "SamsungBrowser": "Samsung Internet", "Firefox/": "Firefox", "FxiOS": "Firefox",
    "CriOS": "Chrome", "Chrome/": "Chrome", "Safari/": "Safari",
}  # fmt: skip
MACHINES = {
    "Android": "Android", "iPhone": "iPhone", "iPad": "iPad", "Windows": "Windows", "Macintosh": "Mac",
    "CrOS": "Chromebook", "Linux": "Linux",
}  # fmt: skip

IPV4, IPV4_PREFIX, IPV6_PREFIX = 4, 24, 48
# In a session: the line for which the privacy signal of this browser was honoured.
SIGNAL_KEY, LOOKED_KEY = "signal", "looked"
# Which safe contact's code was typed here, and when the line's number had changed.
CONTACT_KEY = "shown_by_contact"
# So long somebody who reads about another's line is noted once, whatever pages they open.
LOOK_LASTS = timedelta(minutes=10)
# So long a browser is known after its last sign-in.
DEVICE_LASTS = timedelta(days=365)
DEVICE_BYTES, DEVICE_TOKEN = 24, re.compile(r"[\w-]{32}", re.ASCII)


def get_browser_family(user_agent: str) -> str:
    """ "Firefox", as its person calls it; "" for one that is not known here."""
    return next((name for mark, name in FAMILIES.items() if mark in user_agent), "")


def get_machine_kind(user_agent: str) -> str:
    """Return the mark of its machine, a key of MACHINES; "" for one that is not known here."""
    return next((mark for mark in MACHINES if mark in user_agent), "")


@dataclass(frozen=True)
class Source:
    """Where a try at a door comes from: its network, and the token of its device cookie, "" for none."""

    network: str
    device: str = ""


def get_device_label(request: HttpRequest) -> str:
    """Name the family of browsers and the network of a request: to be hashed with a key, never kept as it is."""
    said = request.headers.get("User-Agent", "")
    return f"{get_browser_family(said) or 'another'}|{get_machine_kind(said) or 'another'}|{get_network(request)}"


def get_network(request: HttpRequest) -> str:
    """Name the network that a request comes from: 256 addresses of IPv4, or what a customer gets of IPv6."""
    found: str = get_adapter().get_client_ip(request)
    said = ip_address(found)
    # Where one socket takes both, IPv4 comes written as IPv6: all of it would be one network.
    address = getattr(said, "ipv4_mapped", None) or said
    return str(ip_network((address, IPV4_PREFIX if address.version == IPV4 else IPV6_PREFIX), strict=False))


def get_source(request: HttpRequest) -> Source:
    """Return where a request comes from, for limits on guessing."""
    token = request.COOKIES.get(settings.DEVICE_COOKIE_NAME, "")
    return Source(get_network(request), token if DEVICE_TOKEN.fullmatch(token) else "")


def sends_signal(request: HttpRequest) -> bool:
    """Return whether the browser sends Global Privacy Control."""
    return request.headers.get("Sec-GPC") == "1"


def record_signal(request: HttpRequest, *, line_id: int) -> None:
    """Note that the browser's privacy signal was honoured for a line in this session."""
    request.session[SIGNAL_KEY] = line_id


def forget_signal(request: HttpRequest) -> None:
    """Another line is proved now: what was honoured before was about the one before it."""
    request.session.pop(SIGNAL_KEY, None)


def has_recorded_signal(request: HttpRequest, *, line_id: int | None = None) -> bool:
    """Return whether it was, in this session: for this line, or for any where none is named."""
    taken = request.session.get(SIGNAL_KEY)
    return taken is not None and line_id in {None, taken}


def show_by_contact(request: HttpRequest, *, contact_id: int, moved: datetime) -> None:
    """Note that the code texted to this safe contact was typed here, after the line's number had changed then.

    The session goes on under another key, as with every proof.
    """
    request.session.cycle_key()
    request.session[CONTACT_KEY] = [contact_id, moved.isoformat()]


def shown_by_contact(request: HttpRequest) -> tuple[int, datetime] | None:
    """Which contact's code was typed here, and after which change; None: none was."""
    kept = request.session.get(CONTACT_KEY)
    return (kept[0], datetime.fromisoformat(kept[1])) if kept else None


def has_looked(request: HttpRequest, *, about: str, at: datetime) -> bool:
    """Return whether this session was noted lately as reading about another's line; notes it where it was not."""
    looked: dict[str, str] = request.session.get(LOOKED_KEY, {})
    since = looked.get(about, "")
    if since and at < datetime.fromisoformat(since) + LOOK_LASTS:
        return True
    request.session[LOOKED_KEY] = {**looked, about: at.isoformat()}
    return False
