"""The settings of connections to the database and to mail, from their URLs."""

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
