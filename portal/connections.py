"""Read the settings of connections to the database and mail from their URLs, and refuse any that is not over TLS.

What this process speaks to on other machines is spoken to over TLS that names the other side, or it does not start.
Excepted are this very machine, sockets in its file system, and what PLAIN_HOSTS names: hosts and networks whose wires
somebody answers for. Nothing is excepted where the door out would refuse it later: texts and the stores of objects.
"""

import ssl
from collections.abc import Callable, Collection, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

from portal.env import LOOPBACK, process_name

# The isolation is PostgreSQL's own default; the gate and every lock rely on it, whatever the role's or database's is.
# A session looks twice a second whether its client is still there: one that was given up must not wait for a lock on.
# A chunk of an import lies in temporary tables of 20 MB, and what doesn't fit is written to files and read again.
# Names are looked for in our tables first: one that a session makes for itself is never taken for one of ours.
OPTIONS = (
    "-c jit=off -c plan_cache_mode=force_generic_plan -c default_transaction_isolation=read\\ committed"
    " -c client_connection_check_interval=500 -c temp_buffers=32MB -c search_path=public,pg_temp"
)
NETWORK = {"prepare_threshold": 0, "connect_timeout": "3", "tcp_user_timeout": "10000"}


def database(url: str) -> dict[str, Any]:
    """Django's connection settings for a `postgresql://user:password@host:port/name` URL (host may be a folder)."""
    parts = urlsplit(url)
    if parts.scheme not in {"postgres", "postgresql"}:
        raise ImproperlyConfigured("DATABASE_URL and DATABASE_OWNER_URL must start with postgresql://")
    # An option that is given as empty takes out what we would have set.
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    host = query.pop("host", parts.hostname or "")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": host,
        "PORT": str(parts.port or ""),
        "CONN_MAX_AGE": 300,
        "CONN_HEALTH_CHECKS": True,
        # Without options there is a pooler, whose sessions take turns: a cursor would be looked for in another's.
        "DISABLE_SERVER_SIDE_CURSORS": query.get("options") == "",
        # Compiling a statement takes longer than any of ours runs. What is prepared, the gate's statement and those of
        # the database's own functions, is planned once for each connection: planning took ten times what running does.
        # Who waits at the gate can't be kept for long, and a machine that vanished is never heard of again.
        # And `pg_stat_activity` says which process of ours a session is of.
        "OPTIONS": {"options": OPTIONS, "application_name": process_name(), **NETWORK, **query},
    }


def mailer(url: str) -> dict[str, Any]:
    """Django's mailer for `console://`, `memory://`, `smtp://user:password@host:port` or `smtps://…`."""
    parts = urlsplit(url)
    if parts.scheme == "console":
        return {"BACKEND": "django.core.mail.backends.console.EmailBackend"}
    if parts.scheme == "memory":
        return {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}
    if parts.scheme not in {"smtp", "smtps"}:
        raise ImproperlyConfigured("EMAIL_URL must start with console://, memory://, smtp:// or smtps://")
    return _smtp_mailer(parts)


def _smtp_mailer(parts: SplitResult) -> dict[str, Any]:
    return {
        "BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "OPTIONS": {
            "host": parts.hostname or "localhost",
            "port": parts.port or (465 if parts.scheme == "smtps" else 587),
            "username": unquote(parts.username or ""),
            "password": unquote(parts.password or ""),
            "use_ssl": parts.scheme == "smtps",
            "use_tls": parts.scheme == "smtp" and parts.hostname not in LOOPBACK,
            "timeout": 10,
        },
    }


type Network = IPv4Network | IPv6Network

LOOPBACK_NAMES = {"localhost", ""}
CHECKED = {"verify-full", "verify-ca"}
NO_CHECK = {"none", "cert_none", "optional", "cert_optional"}
# `partners.clients.http` opens no http from production, whatever the host.
BY_THE_DOOR_OUT = {"SMS_WEBHOOK_URL", "STOP_ARCHIVE_S3_URL", "CHECKPOINT_S3_URL"}
HOW = {
    "postgresql": "add ?sslmode=verify-full (and sslrootcert=… for an authority of your own)",
    "broker": "use rediss:// or amqps://, with certificates checked",
    "smtp": "use smtps://, or smtp:// which asks for STARTTLS",
    "http": "use https://",
}


def check_connections(given: Mapping[str, str], *, plain: Collection[str]) -> None:
    """Raise ImproperlyConfigured for the first of these settings that would speak openly to another machine."""
    for name, (kind, is_safe) in SPOKEN_TO.items():
        for url in given.get(name, "").split(";" if kind == "broker" else None):
            if not is_safe(url):
                _refuse_unsafe(name, kind, url, plain)


def _refuse_unsafe(name: str, kind: str, url: str, plain: Collection[str]) -> None:
    """Raise ImproperlyConfigured, unless this leads to nothing but this machine and networks named in PLAIN_HOSTS."""
    networks = _networks(plain)
    for host in _bare_names(kind, url) or _hosts(url):
        if name in BY_THE_DOOR_OUT:
            raise ImproperlyConfigured(f"{name} must start with https://, on this machine and in PLAIN_HOSTS too.")
        if not (_is_here(host) or host in plain or _is_inside(host, networks)):
            raise ImproperlyConfigured(
                f"{name} leads to another machine without TLS that checks its certificate: {HOW[kind]}. "
                "For a network that you answer for name the host in PLAIN_HOSTS."
            )


def broker(url: str) -> str:
    """Return the broker's URL with what makes Celery look at its certificate: without, it takes any over `rediss://`.

    Of several with semicolons between them Celery reads each by itself.
    """
    return ";".join(_add_certificate_check(one) for one in url.split(";"))


def broker_tls(url: str) -> dict[str, Any] | None:
    """Return what makes Celery look whether a certificate of `amqps://` is the host's; None for other brokers.

    Celery holds every broker to this one name. Raises ImproperlyConfigured where there are several.
    """
    parts = [urlsplit(one) for one in url.split(";")]
    if all(one.scheme != "amqps" for one in parts):
        return None
    if len({(one.scheme, one.hostname) for one in parts}) > 1:
        raise ImproperlyConfigured(
            "CELERY_BROKER_URL names several hosts with amqps://, and only one name can be looked for in their "
            "certificates: give one name that leads to all of them."
        )
    return {"cert_reqs": ssl.CERT_REQUIRED, "server_hostname": parts[0].hostname}


def _add_certificate_check(url: str) -> str:
    if urlsplit(url).scheme != "rediss" or "ssl_cert_reqs" in _query(url):
        return url
    return f"{url}{'&' if urlsplit(url).query else '?'}ssl_cert_reqs=required&ssl_check_hostname=true"


def _database_is_safe(url: str) -> bool:
    return _query(url).get("sslmode", "") in CHECKED


def _broker_is_safe(url: str) -> bool:
    unchecked = _query(url).get("ssl_cert_reqs", "required").lower() in NO_CHECK
    return urlsplit(url).scheme in {"rediss", "amqps"} and not unchecked


def _mail_is_safe(url: str) -> bool:
    return urlsplit(url).scheme in {"smtp", "smtps", "console", "memory"}


def _web_is_safe(url: str) -> bool:
    return urlsplit(url).scheme == "https"


SPOKEN_TO: Mapping[str, tuple[str, Callable[[str], bool]]] = {
    "DATABASE_URL": ("postgresql", _database_is_safe),
    "DATABASE_OWNER_URL": ("postgresql", _database_is_safe),
    "REDIS_URL": ("broker", _broker_is_safe),
    "CELERY_BROKER_URL": ("broker", _broker_is_safe),
    "EMAIL_URL": ("smtp", _mail_is_safe),
    "SMS_WEBHOOK_URL": ("http", _web_is_safe),
    "STOP_ARCHIVE_S3_URL": ("http", _web_is_safe),
    "CHECKPOINT_S3_URL": ("http", _web_is_safe),
    "SENTRY_DSN": ("http", _web_is_safe),
    "OTEL_EXPORTER_OTLP_ENDPOINT": ("http", _web_is_safe),
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": ("http", _web_is_safe),
}


def _query(url: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url).query))


def _networks(plain: Collection[str]) -> list[Network]:
    return [network("PLAIN_HOSTS", one) for one in plain if "/" in one]


def _bare_names(kind: str, url: str) -> list[str]:
    """After the first of several brokers Celery takes a bare name too."""
    return [url] if kind == "broker" and url and "://" not in url else []


def _is_of_no_host(scheme: str) -> bool:
    return not scheme or scheme.endswith(("+socket", "+unix")) or scheme in {"unix", "memory", "console"}


def _hosts(url: str) -> list[str]:
    """Return the hosts that a URL names; a folder, which is one of sockets, is none."""
    parts = urlsplit(url)
    if _is_of_no_host(parts.scheme):
        return []
    named = _query(url).get("host", "") if parts.scheme.startswith("postgres") else ""
    return [host for host in (named or parts.hostname or "").split(",") if not host.startswith("/")]


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host in LOOPBACK_NAMES


def network(setting: str, text: str) -> Network:
    """Return a network as a setting names it. Raises ImproperlyConfigured."""
    try:
        return ip_network(text, strict=False)
    except ValueError as error:
        raise ImproperlyConfigured(f"{setting} names no network: {text!r}. Write it like 10.0.0.0/8.") from error


def _is_inside(host: str, networks: Collection[Network]) -> bool:
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return any(address in network for network in networks)
