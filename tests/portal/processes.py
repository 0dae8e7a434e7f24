"""Looking at processes from outside."""

import fcntl
import os
from collections.abc import Mapping
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent.parent
# What would lead a child to the servers of this test run instead of its own.
OF_THIS_RUN = (
    "DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "CELERY_BROKER_URL", "SECRET_KEY", "FIELD_ENCRYPTION_KEYS",
    "METRICS_TOKEN", "DOOR_OUT_LOOPBACK", "BASE_URL", "DATA_DIR", "CHECKPOINT_DIR", "STOP_ARCHIVE_DIR", "ALLOWED_HOSTS",
    "DJANGO_SETTINGS_MODULE", "SENTRY_DSN", "OTEL_EXPORTER_OTLP_ENDPOINT",
)  # fmt: skip


def clean_environment(**more: str) -> dict[str, str]:
    """The environment of somebody who has set nothing, and `more`."""
    kept: Mapping[str, str] = os.environ
    return {name: value for name, value in kept.items() if name not in OF_THIS_RUN} | more


def processes_naming(text: str) -> list[str]:
    """The command lines of living processes that hold this text, our own and our parents' aside."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            line = (place / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if text in line and int(place.name) not in (os.getpid(), os.getppid()):
            found.append(line)
    return found


def wait_for_keeper_to_end(data_dir: Path) -> None:
    """Return when the servers of this directory are down: their keeper holds this lock while they are up."""
    with (data_dir / "keeper").open("r+") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)


def processes_of(data_dir: Path) -> list[str]:
    """The command lines of living processes that were started with this data directory, or that serve it."""
    wanted, found = f"DATA_DIR={data_dir}".encode(), processes_naming(str(data_dir))
    for place in Path("/proc").glob("[0-9]*"):
        try:
            environment = (place / "environ").read_bytes().split(b"\0")
            line = (place / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
        if wanted in environment and line:
            found.append(line)
    return found


PRODUCTION = {
    "DATABASE_URL": "postgresql://whereabouts_app:x@127.0.0.1:1/whereabouts", "REDIS_URL": "redis://127.0.0.1:1/0",
    "SECRET_KEY": "a-long-random-string-for-this-test-0123456789-abcdefghijklmnop",
    "FIELD_ENCRYPTION_KEYS": "xpOAEpS5cUP7k0dVAvLpr0eH8fUVrmMslGhyoNYuHts=",
    "BASE_URL": "https://whereabouts.carrier.example", "ALLOWED_HOSTS": "whereabouts.carrier.example",
    "SMS_BACKEND": "partners.clients.sms.HttpBackend", "SMS_WEBHOOK_URL": "https://sms.carrier.example/send",
    "SMS_WEBHOOK_TOKEN": "a-token-of-the-gateway", "EMAIL_URL": "smtp://user:password@mail.carrier.example",
    "CHECKPOINT_DIR": "/srv/checkpoints", "STOP_ARCHIVE_DIR": "/srv/stop-archive",
}  # fmt: skip
