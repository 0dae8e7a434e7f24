"""Secrets from files, as container and service managers hand them over: NAME_FILE names the file that holds NAME."""

import os
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

NAMES = (
    "DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "CELERY_BROKER_URL", "SECRET_KEY", "SECRET_KEY_FALLBACKS",
    "FIELD_ENCRYPTION_KEYS", "EMAIL_URL", "SMS_WEBHOOK_TOKEN", "SMS_INBOUND_SECRETS", "CALL_LOG_SECRETS",
    "MAIL_INBOUND_SECRETS", "METRICS_TOKEN", "OIDC_CLIENT_SECRET", "STAFF_OIDC_CLIENT_SECRET", "SENTRY_DSN",
    "STOP_ARCHIVE_S3_SECRET", "CHECKPOINT_S3_SECRET",
)  # fmt: skip


def read() -> None:
    """Put what the files hold in place of their names, for this process and those it starts.

    Raises ImproperlyConfigured where a file can't be read or is empty, and where both the secret and a file are given.
    """
    for name in NAMES:
        path = os.environ.pop(f"{name}_FILE", "")
        if not path:
            continue
        if os.environ.get(name):
            raise ImproperlyConfigured(f"Both {name} and {name}_FILE are set. Unset one of them.")
        os.environ[name] = _content(name, Path(path))


def _content(name: str, path: Path) -> str:
    try:
        content = path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ImproperlyConfigured(
            f"{name}_FILE can't be read: {type(error).__name__}. Name a readable file."
        ) from None
    if not content:
        raise ImproperlyConfigured(f"{name}_FILE names an empty file. Put the secret into it.")
    return content
