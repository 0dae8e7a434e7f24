"""What `manage.py check --deploy` refuses: settings that only a demo, a test or a developer's machine may have.

Each is an error, so that the command fails: Django itself only warns of most of them.
"""

import socket
import zlib
from base64 import b64decode
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from itertools import pairwise
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.http.request import validate_host
from django.utils.module_loading import import_string

from portal.env import LOOPBACK
from portal.setting_list import SETTINGS

# Django's own measure (security.W009), of which it only warns.
SHORTEST_KEY, LEAST_DIFFERENT, INSECURE = 50, 5, "django-insecure-"
LEAST_PACKED = 48
# The same of what has 32 characters or bytes.
LEAST_PACKED_SHORT = 32
PLACEHOLDERS = (
    "changeme", "changethis", "replaceme", "replacethis", "placeholder", "insecure", "password", "secretkey",
    "yoursecret", "notsecret", "verysecret", "topsecret", "supersecret", "example", "onlyforthisstep",
)  # fmt: skip
# Under these of a country, as under ".com", anybody may have names of their own: ".co.uk".
UNDER_A_COUNTRY, OF_A_COUNTRY = {"ac", "co", "com", "edu", "go", "gov", "ne", "net", "or", "org"}, 2
SHOWN_HERE_ALONE = {
    "accounts.clients.texts.ConsoleBackend",
    "accounts.clients.texts.MemoryBackend",
    "portal.demo_phone.Backend",
}
GATEWAY = "partners.clients.sms.HttpBackend"
MAILS_NOBODY = {"console", "locmem", "dummy", "filebased"}
# No carrier's network is larger: 10.0.0.0/8, fc00::/7.
WIDEST_NETWORK = 7
REACHES_NO_OTHER = {"memory", "filesystem"}


@dataclass(frozen=True)
class Refusal:
    """One reason for which production must not start: `is_so` looks at the settings."""

    id: str
    is_so: Callable[[], bool]
    message: str
    hint: str


def _is_weak(key: str) -> bool:
    letters = "".join(char for char in key.lower() if char.isalnum())
    is_short = len(key) < SHORTEST_KEY or len(set(key)) < LEAST_DIFFERENT or key.startswith(INSECURE)
    return is_short or _pack(key.encode()) < LEAST_PACKED or any(word in letters for word in PLACEHOLDERS)


def _pack(secret: bytes) -> int:
    """How many bytes tell this secret: few where it repeats itself, or counts up ("0123456789abcdef")."""
    steps = bytes((after - before) % 256 for before, after in pairwise(secret))
    return min(len(zlib.compress(told)) for told in (secret, steps))


def _has_weak_key() -> bool:
    return any(_is_weak(key) for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS))


def _can_be_guessed(secret: bytes) -> bool:
    return _pack(secret) < LEAST_PACKED_SHORT


def _has_guessable_field_key() -> bool:
    """Whether one of these keys stands in the documentation, or repeats itself."""
    keys = settings.FIELD_ENCRYPTION_KEYS
    return any(
        key == SETTINGS["FIELD_ENCRYPTION_KEYS"].example or _can_be_guessed(b64decode(key, b"-_")) for key in keys
    )


def _has_weak_shared_secret() -> bool:
    gateways = (*settings.SMS_INBOUND_SECRETS, *settings.CALL_LOG_SECRETS, *settings.MAIL_INBOUND_SECRETS)
    return any(_can_be_guessed(secret.encode()) for secret in (*gateways, settings.METRICS_TOKEN) if secret)


def _refuses_itself() -> bool:
    host = urlsplit(settings.BASE_URL).hostname or ""
    return not _is_on_loopback() and not validate_host(host, settings.ALLOWED_HOSTS)


def _lacks_gateway() -> bool:
    url = urlsplit(settings.SMS_WEBHOOK_URL)
    is_there = url.scheme == "https" and bool(url.hostname) and bool(settings.SMS_WEBHOOK_TOKEN.strip())
    return settings.SMS_BACKEND == GATEWAY and not is_there


def _has_plain_issuer() -> bool:
    issuers = (settings.BASE_URL, settings.OIDC_ISSUER, settings.STAFF_OIDC_ISSUER, settings.MTLS_BASE_URL)
    return any(issuer and urlsplit(issuer).scheme != "https" for issuer in issuers)


def _trusts_everywhere() -> bool:
    networks = [one for one in (*settings.PLAIN_HOSTS, *settings.INTERNAL_HOSTS) if "/" in one]
    return any(ip_network(one, strict=False).prefixlen < WIDEST_NETWORK for one in networks)


def _runs_as_owner() -> bool:
    owner = settings.DATABASES.get("owner")
    return owner is not None and owner["USER"] == settings.DATABASES["default"]["USER"]


def _lacks_broker() -> bool:
    return any(urlsplit(one).scheme in REACHES_NO_OTHER for one in settings.CELERY_BROKER_URL.split(";"))


def _lacks_webhook() -> bool:
    url = urlsplit(settings.STAFF_WEBHOOK_URL)
    return bool(settings.STAFF_WEBHOOK_URL) and (url.scheme != "https" or not url.hostname)


def _is_shared_host(host: str) -> bool:
    """Whether this stands for host names that others may have: "*", ".com", ".co.uk"."""
    first, *others = host.strip(".").split(".")
    is_suffix = not others or (len(others) == 1 and len(others[0]) == OF_A_COUNTRY and first in UNDER_A_COUNTRY)
    return host.strip(".") in {"", "*"} or "*" in host or (host.startswith(".") and is_suffix)


def _is_on_loopback() -> bool:
    host = (urlsplit(settings.BASE_URL).hostname or "").rstrip(".")
    if host in LOOPBACK or host.endswith(".localhost") or not host:
        return True
    address = _address_of(host)
    return address is not None and not address.is_global


def _address_of(host: str) -> IPv4Address | IPv6Address | None:
    """The address that a host is, also as a browser reads it ("127.1"); None for a name."""
    with suppress(ValueError):
        found = ip_address(host)
        return (found.ipv4_mapped or found) if isinstance(found, IPv6Address) else found
    with suppress(OSError):
        return IPv4Address(socket.inet_aton(host))
    return None


def _lacks_mailer() -> bool:
    return str(settings.MAILERS["default"]["BACKEND"]).split(".")[-2] in MAILS_NOBODY


def _names_no_class() -> bool:
    return any(not _is_class(str(getattr(settings, one.name))) for one in SETTINGS.values() if one.kind == "class")


def _is_class(path: str) -> bool:
    try:
        return isinstance(import_string(path), type)
    except ImportError:
        return False


REFUSALS = (
    Refusal(
        "whereabouts.E001",
        lambda: settings.DOOR_OUT_LOOPBACK,
        "Partners may be spoken to by http on this machine's own addresses.",
        "Unset DOOR_OUT_LOOPBACK; only the demo sets it.",
    ),
    Refusal(
        "whereabouts.E002",
        lambda: settings.DEMO,
        "The demo's phone and sample people can be reached.",
        "Unset WHEREABOUTS_DEMO; `manage.py demo` sets it for its own processes.",
    ),
    Refusal(
        "whereabouts.E003",
        lambda: settings.DEBUG,
        "Errors are shown to whoever causes them, with settings and local variables.",
        "Unset DEBUG.",
    ),
    Refusal(
        "whereabouts.E004",
        _has_weak_key,
        "SECRET_KEY, or one of SECRET_KEY_FALLBACKS, can be guessed.",
        f"Set it to a random string of at least {SHORTEST_KEY} characters.",
    ),
    Refusal(
        "whereabouts.E005",
        lambda: not settings.ALLOWED_HOSTS or any(map(_is_shared_host, settings.ALLOWED_HOSTS)),
        "The portal answers under host names that may be anybody's.",
        "Set ALLOWED_HOSTS to the host names people use, with commas between them.",
    ),
    Refusal(
        "whereabouts.E006",
        lambda: settings.SMS_BACKEND in SHOWN_HERE_ALONE,
        "No text reaches a phone: SMS_BACKEND shows texts on this machine only.",
        f"Set SMS_BACKEND to {GATEWAY}, or to a class of your own.",
    ),
    Refusal(
        "whereabouts.E007",
        _lacks_gateway,
        "No text reaches a phone: the text gateway's address or token is missing.",
        "Set SMS_WEBHOOK_URL, with https:// and a host, and SMS_WEBHOOK_TOKEN.",
    ),
    Refusal(
        "whereabouts.E008",
        _has_plain_issuer,
        "An issuer is reached by http: whoever is on the way can sign in its name.",
        "Set BASE_URL, OIDC_ISSUER, STAFF_OIDC_ISSUER and MTLS_BASE_URL to https addresses.",
    ),
    Refusal(
        "whereabouts.E009",
        _is_on_loopback,
        "People can't reach the portal: its address is this machine's own, or of a private network.",
        "Set BASE_URL to the address people use.",
    ),
    Refusal(
        "whereabouts.E010",
        _lacks_mailer,
        "No mail reaches anybody: EMAIL_URL shows mail on this machine only.",
        "Set EMAIL_URL to smtps://user:password@host.",
    ),
    Refusal(
        "whereabouts.E011",
        _has_guessable_field_key,
        "One of FIELD_ENCRYPTION_KEYS can be guessed, or is the documentation's example.",
        "Make one of your own: `manage.py setup` does, and the guide to keys says how to replace one.",
    ),
    Refusal(
        "whereabouts.E012",
        _has_weak_shared_secret,
        "METRICS_TOKEN, or a secret of SMS_INBOUND_SECRETS, CALL_LOG_SECRETS or MAIL_INBOUND_SECRETS, can be guessed.",
        "Set each to a random string.",
    ),
    Refusal(
        "whereabouts.E013",
        _refuses_itself,
        "The portal answers nobody: ALLOWED_HOSTS doesn't have the host of BASE_URL.",
        "Add it to ALLOWED_HOSTS.",
    ),
    Refusal(
        "whereabouts.E014",
        _names_no_class,
        "A setting names a class that isn't there: its first use fails, such as the first text.",
        f"Look at {', '.join(one.name for one in SETTINGS.values() if one.kind == 'class')}.",
    ),
    Refusal(
        "whereabouts.E015",
        _trusts_everywhere,
        "PLAIN_HOSTS or INTERNAL_HOSTS names networks that aren't yours: connections there may be read by anybody.",
        "Name your own hosts and networks.",
    ),
    Refusal(
        "whereabouts.E016",
        _runs_as_owner,
        "The application signs in to the database as its owner, who can change the audit trail.",
        "Set DATABASE_URL to the application's own role.",
    ),
    Refusal(
        "whereabouts.E017",
        _lacks_broker,
        "Nothing is sent to anybody: the broker is in this process, or in files of this machine.",
        "Set CELERY_BROKER_URL, or REDIS_URL alone, to a broker that workers reach.",
    ),
    Refusal(
        "whereabouts.E018",
        _lacks_webhook,
        "Staff aren't told of incidents: STAFF_WEBHOOK_URL isn't an https address.",
        "Correct it, or unset it.",
    ),
)


@register(Tags.security, deploy=True)
def only_for_the_demo(app_configs: Sequence[Any] | None, **_: object) -> list[CheckMessage]:
    """Return an error for each setting that production must not have."""
    del app_configs
    return [Error(one.message, hint=one.hint, id=one.id) for one in REFUSALS if one.is_so()]
