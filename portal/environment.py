"""What the process was told by its environment, checked once. docs/reference/settings.md lists every name."""

import os
import re
from collections.abc import Sequence
from email.utils import formataddr
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from django.core.exceptions import ImproperlyConfigured

from portal import connections, embedded, env, external_storage
from portal.env import (
    LOOPBACK,
    dotted_path,
    fernet_keys,
    issuer_of,
    needed_by_https,
    one_of,
    only_here,
    parse_list,
    require_setting,
    secrets_of,
    switch,
    whole_number,
    with_issuer,
)
from portal.setting_list import LEAST_MONTHS, MOST_MONTHS, SETTINGS

# A name, its labels apart by dots, the last of them no number; an IPv4 address, and an IPv6 one.
HOST = re.compile(r"([\w-]+\.)*(?!\d+\Z)[\w-]+")
ADDRESS = re.compile(r"[\d.]+|[\da-f]*:[\da-f:.]*")

PROJECT = Path(__file__).resolve().parent.parent
# A setting that stays wrong with its example's value is left out once.
MOST_MENDING = 2
# OpenTelemetry's own names of where traces go.
COLLECTORS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


class Environment:
    """The settings that come from outside, in the shapes that `portal.settings` hands on."""

    def __init__(self) -> None:
        self.data_dir = Path(os.environ.get("DATA_DIR") or PROJECT / ".data").resolve()
        if metrics_dir := os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
            # The first figure that a process counts makes a file there.
            Path(metrics_dir).mkdir(parents=True, exist_ok=True)
        if _has_own_servers():
            os.environ.update(embedded.ensure(data_dir=self.data_dir))
        self.base_url = env.own_address()
        self.plain_hosts = [one.lower() for one in parse_list("PLAIN_HOSTS")]
        if self.https:
            connections.check_connections(os.environ, plain=self.plain_hosts)
        external_storage.refuse_nested_stores()
        self.checkpoint_dir = external_storage.folder("CHECKPOINT", self.data_dir / "checkpoints", self.base_url)
        self.stop_archive_dir = external_storage.folder("STOP_ARCHIVE", self.data_dir / "stop-archive", self.base_url)
        external_storage.refuse_same_folder(archive=self.stop_archive_dir, checkpoints=self.checkpoint_dir)
        self._read_house()
        self._read_servers()
        self._read_stores()
        self._read_messages()
        self._read_alarms()
        self._read_sign_in()

    @property
    def https(self) -> bool:
        """Whether people reach us by https, which is everywhere but on the machine itself."""
        return self.base_url.startswith("https://")

    def _read_house(self) -> None:
        """How it is addressed, and its own secrets."""
        given = os.environ
        self.demo = only_here("WHEREABOUTS_DEMO", self.base_url)
        self.door_out_loopback = only_here("DOOR_OUT_LOOPBACK", self.base_url)
        self.secret_key = require_setting("SECRET_KEY", "a long random string")
        self.secret_key_fallbacks = parse_list("SECRET_KEY_FALLBACKS")
        self.field_encryption_keys = fernet_keys("FIELD_ENCRYPTION_KEYS")
        self.key_vault = dotted_path("KEY_VAULT", "partners.primitives.sealing.SealedKeys")
        self.debug = switch("DEBUG")
        self.allowed_hosts = _allowed_hosts(self.base_url)
        self.password_words = parse_list("PASSWORD_WORDS")
        self.internal_hosts = _internal_hosts()
        self.behind_proxy = switch("BEHIND_PROXY")
        self.mtls_client_certificates = _certificates()
        self.mtls_certificate_header = given.get("MTLS_CERTIFICATE_HEADER") or "Client-Cert"
        self.mtls_base_url = given.get("MTLS_BASE_URL", "").rstrip("/")
        self.carrier_phone = given.get("CARRIER_PHONE", "")
        self.carrier_hours = given.get("CARRIER_HOURS", "")
        self.staff_webhook_url = given.get("STAFF_WEBHOOK_URL", "")
        self.staff_webhook_quiet = _read_quiet_hours()
        self.security_contact = given.get("SECURITY_CONTACT", f"mailto:security@{urlsplit(self.base_url).hostname}")
        self.metrics_token = given.get("METRICS_TOKEN", "")
        self.carrier_name = given.get("CARRIER_NAME") or urlsplit(self.base_url).hostname or ""
        self.drp_business_id = given.get("DRP_BUSINESS_ID", "")

    def _read_servers(self) -> None:
        """The database, the broker, logs and what else it speaks to."""
        given = os.environ
        self.database_url = require_setting("DATABASE_URL", "postgresql://app-role@host/name")
        self.database_owner_url = given.get("DATABASE_OWNER_URL", "")
        self.redis_url = require_setting("REDIS_URL", "redis://host:6379/0")
        self.celery_broker_url = connections.broker(given.get("CELERY_BROKER_URL") or given["REDIS_URL"])
        self.celery_broker_master = _sentinel_s_master()
        self.canary = switch("CANARY", usual=True)
        self.test_accounts = parse_list("TEST_ACCOUNTS")
        self.log_format = one_of("LOG_FORMAT", "console", "json")
        self.log_level = one_of("LOG_LEVEL", "info", "debug", "warning", "error")
        self.retention_months = _retention_months()
        self.reading_limit = whole_number("READING_LIMIT", 8)
        self.sentry_dsn = given.get("SENTRY_DSN", "")
        self.traces = (
            any(given.get(name) for name in COLLECTORS) and given.get("OTEL_SDK_DISABLED", "").lower() != "true"
        )

    def _read_stores(self) -> None:
        """Where what is kept outside the database goes."""
        given = os.environ
        self.checkpoint_backend = external_storage.backend("CHECKPOINT")
        self.checkpoint_s3_url = external_storage.store("CHECKPOINT")
        self.checkpoint_s3_region = given.get("CHECKPOINT_S3_REGION") or "us-east-1"
        self.checkpoint_s3_key_id = external_storage.require_with_store(
            "CHECKPOINT", "S3_KEY_ID", "the id of a key that may write there"
        )
        self.checkpoint_s3_secret = external_storage.require_with_store("CHECKPOINT", "S3_SECRET", "that key's secret")
        self.stop_archive_backend = external_storage.backend("STOP_ARCHIVE")
        self.stop_archive_s3_url = external_storage.store("STOP_ARCHIVE")
        self.stop_archive_s3_region = given.get("STOP_ARCHIVE_S3_REGION") or "us-east-1"
        self.stop_archive_s3_key_id = external_storage.require_with_store(
            "STOP_ARCHIVE", "S3_KEY_ID", "the id of a key that may write there"
        )
        self.stop_archive_s3_secret = external_storage.require_with_store(
            "STOP_ARCHIVE", "S3_SECRET", "that key's secret"
        )
        self.attachments_dir = Path(given.get("ATTACHMENTS_DIR") or self.data_dir / "attachments")
        self.attachment_scanner = dotted_path("ATTACHMENT_SCANNER", "support.domain.files.OwnLook")
        self.clamav_socket = given.get("CLAMAV_SOCKET") or "/run/clamav/clamd.ctl"

    def _read_messages(self) -> None:
        """How texts and mail go out, and come in."""
        given = os.environ
        self.sms_backend = _sms_backend(self.base_url)
        self.sms_webhook_url = given.get("SMS_WEBHOOK_URL", "")
        self.sms_webhook_token = given.get("SMS_WEBHOOK_TOKEN", "")
        self.sms_rate = whole_number("SMS_RATE", 200)
        self.sms_inbound_secrets = secrets_of("SMS_INBOUND_SECRETS")
        self.call_log_secrets = secrets_of("CALL_LOG_SECRETS")
        self.mail_inbound_secrets = secrets_of("MAIL_INBOUND_SECRETS")
        self.mail_reply_address = _reply_address()
        self.email_url = needed_by_https("EMAIL_URL", "console://", self.base_url)
        sender = (self.carrier_name, f"no-reply@{urlsplit(self.base_url).hostname}")
        self.email_from = given.get("EMAIL_FROM", formataddr(sender))

    def _read_alarms(self) -> None:
        """From how many of them on somebody is told."""
        self.code_texts_alarm = whole_number("CODE_TEXTS_ALARM", 5000)
        self.stops_failing_alarm = whole_number("STOPS_FAILING_ALARM", 5)
        self.staff_browsing_alarm = whole_number("STAFF_BROWSING_ALARM", 40)
        self.staff_browsing_alarm_day = whole_number("STAFF_BROWSING_ALARM_DAY", 160)
        self.staff_browsing_alarm_week = whole_number("STAFF_BROWSING_ALARM_WEEK", 600)
        self.stops_by_agent_alarm = whole_number("STOPS_BY_AGENT_ALARM", 30)

    def _read_sign_in(self) -> None:
        """The providers by which staff and subscribers sign in."""
        given = os.environ
        self.staff_oidc_issuer = issuer_of("STAFF_OIDC_ISSUER")
        self.staff_oidc_client_id = with_issuer("STAFF_OIDC_ISSUER", "STAFF_OIDC_CLIENT_ID")
        self.staff_oidc_client_secret = with_issuer("STAFF_OIDC_ISSUER", "STAFF_OIDC_CLIENT_SECRET")
        self.staff_oidc_roles_claim = given.get("STAFF_OIDC_ROLES_CLAIM", "")
        self.oidc_issuer = _carrier_issuer()
        self.oidc_client_id = with_issuer("OIDC_ISSUER", "OIDC_CLIENT_ID")
        self.oidc_client_secret = with_issuer("OIDC_ISSUER", "OIDC_CLIENT_SECRET")
        self.oidc_line_claim = given.get("OIDC_LINE_CLAIM") or "line_id"
        self.oidc_seeing_acr = given.get("OIDC_SEEING_ACR", "")


def environment() -> Environment:
    """Read the environment; with neither DATABASE_URL nor REDIS_URL, let the embedded servers fill it in first.

    Raises ImproperlyConfigured, which names every setting that is missing or wrong, each on a line of its own.
    """
    env.read_secret_files()
    try:
        return Environment()
    except ImproperlyConfigured as first:
        raise ImproperlyConfigured("\n".join(_list_faults(str(first)))) from None


def _list_faults(first: str) -> list[str]:
    """Return what is wrong with each setting, found by reading on as if those before it had their examples' values."""
    faults, given = [first], dict(os.environ)
    try:
        while _mend(faults):
            try:
                Environment()
            except ImproperlyConfigured as another:
                faults.append(str(another))
            else:
                break
        return list(dict.fromkeys(faults))
    finally:
        os.environ.clear()
        os.environ.update(given)


def _mend(faults: Sequence[str]) -> bool:
    """Give the setting that the last fault is about its example, then leave it out. Returns whether that is new."""
    name = next((word for word in re.findall(r"[A-Z][A-Z0-9_]+", faults[-1]) if word in SETTINGS), "")
    if not name or faults.count(faults[-1]) > MOST_MENDING:
        return False
    if faults.count(faults[-1]) == 1:
        os.environ[name] = SETTINGS[name].example
    else:
        os.environ.pop(name, None)
    return True


def _has_own_servers() -> bool:
    """Whether the embedded servers are to fill in what is missing: never where people come by https."""
    named = os.environ.get("DATABASE_URL") or os.environ.get("REDIS_URL")
    return not named and not os.environ.get("BASE_URL", "").startswith("https://")


def _retention_months() -> int:
    """RETENTION_MONTHS, never less than the law asks for (47 CFR 64.2009(c): a year)."""
    given = os.environ.get("RETENTION_MONTHS") or "24"
    if not given.isascii() or not given.isdecimal() or not LEAST_MONTHS <= int(given) <= MOST_MONTHS:
        raise ImproperlyConfigured(
            f"RETENTION_MONTHS must be a whole number from {LEAST_MONTHS} to {MOST_MONTHS}: what was released must be"
            f" kept for at least one year (47 CFR 64.2009(c)). It is {given!r}."
        )
    return int(given)


def _reply_address() -> str:
    """MAIL_REPLY_ADDRESS, to which a plus sign and the case's token are added."""
    address = os.environ.get("MAIL_REPLY_ADDRESS", "")
    name, _, host = address.partition("@")
    if address and (not name or not host or "+" in name or " " in address):
        raise ImproperlyConfigured("MAIL_REPLY_ADDRESS must be a plain address without a plus sign: help@example.com.")
    return address


def _read_quiet_hours() -> tuple[int, int, str]:
    """STAFF_WEBHOOK_QUIET as two hours and a time zone; by default none are quiet."""
    given = os.environ.get("STAFF_WEBHOOK_QUIET") or "0-0 UTC"
    found = re.fullmatch(r"([01]?\d|2[0-3])-([01]?\d|2[0-3]) (\S+)", given)
    if found is None:
        raise ImproperlyConfigured(
            f"STAFF_WEBHOOK_QUIET is {given!r}. Write the hour when it gets quiet, the hour when that ends, each from 0"
            " to 23, and a time zone: 20-7 America/New_York."
        )
    if found[3] not in available_timezones():
        raise ImproperlyConfigured(
            f"STAFF_WEBHOOK_QUIET names no time zone: {found[3]!r}. Write one like America/New_York or UTC."
        )
    return int(found[1]), int(found[2]), found[3]


def _internal_hosts() -> list[str]:
    return [_internal_host(one.lower().rstrip(".")) for one in parse_list("INTERNAL_HOSTS")]


def _internal_host(named: str) -> str:
    """Return a host as it is named, or a network: an address alone is one too, whatever name leads there."""
    if HOST.fullmatch(named):
        return named
    if "/" not in named and not ADDRESS.fullmatch(named):
        raise ImproperlyConfigured(
            f"INTERNAL_HOSTS names no host: {named!r}. Write it without scheme and port, like sms.carrier.example."
        )
    return str(connections.network("INTERNAL_HOSTS", named))


def _sentinel_s_master() -> str:
    """Return what Sentinels call the broker: without it nothing can be sent."""
    if not os.environ.get("CELERY_BROKER_URL", "").startswith("sentinel://"):
        return ""
    return require_setting("CELERY_BROKER_MASTER", "the name by which your Sentinels know the master")


def _carrier_issuer() -> str:
    """OIDC_ISSUER. One provider's word for both doors would let a client of the one stand for the other."""
    issuer = issuer_of("OIDC_ISSUER")
    same_client = os.environ.get("OIDC_CLIENT_ID") == os.environ.get("STAFF_OIDC_CLIENT_ID")
    if issuer and issuer == os.environ.get("STAFF_OIDC_ISSUER") and same_client:
        raise ImproperlyConfigured("OIDC_CLIENT_ID must not be STAFF_OIDC_CLIENT_ID: register this portal twice.")
    return issuer


def _certificates() -> bool:
    """MTLS_CLIENT_CERTIFICATES: a header that anybody could send is no certificate."""
    wanted = switch("MTLS_CLIENT_CERTIFICATES")
    if wanted and not switch("BEHIND_PROXY"):
        raise ImproperlyConfigured(
            "MTLS_CLIENT_CERTIFICATES needs BEHIND_PROXY=1: the TLS terminator checks the certificate and sets "
            "MTLS_CERTIFICATE_HEADER, dropping what callers put there."
        )
    return wanted


def _allowed_hosts(base_url: str) -> list[str]:
    if urlsplit(base_url).hostname in LOOPBACK:
        return parse_list("ALLOWED_HOSTS") or ["localhost", "127.0.0.1", "[::1]"]
    require_setting("ALLOWED_HOSTS", "the host names people use, with commas between them")
    return parse_list("ALLOWED_HOSTS")


def _sms_backend(base_url: str) -> str:
    needed_here = needed_by_https("SMS_BACKEND", "accounts.clients.texts.ConsoleBackend", base_url)
    return dotted_path("SMS_BACKEND", needed_here)
