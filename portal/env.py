"""Read single settings from the environment, and secrets from the files that it names."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

from portal.setting_list import LARGEST_NUMBER, SECRETS, SHORTEST_SECRET

LOOPBACK = {"localhost", "127.0.0.1", "::1"}
# Classes that settings name, under the names that they had before 1.0: who has set one need change nothing.
MOVED = {
    "accounts.texts.ConsoleBackend": "accounts.clients.texts.ConsoleBackend",
    "accounts.texts.MemoryBackend": "accounts.clients.texts.MemoryBackend",
    "consent.archiving.s3.S3Sink": "consent.clients.archive_s3.S3Sink",
    "consent.archiving.sink.FolderSink": "consent.clients.archive_sink.FolderSink",
    "partners.checkpoints.places.FolderPlace": "partners.clients.checkpoint_places.FolderPlace",
    "partners.checkpoints.s3.S3Place": "partners.clients.checkpoint_s3.S3Place",
    "partners.sealing.SealedKeys": "partners.primitives.sealing.SealedKeys",
    "partners.sms.HttpBackend": "partners.clients.sms.HttpBackend",
    "support.files.ClamAV": "support.domain.files.ClamAV",
    "support.files.OwnLook": "support.domain.files.OwnLook",
}


def require_setting(name: str, what: str) -> str:
    """Return a setting that must be there: `what` it is set to. Raises ImproperlyConfigured, which says so."""
    value = os.environ.get(name)
    if not value:
        raise ImproperlyConfigured(f"{name} is not set. Set it to {what}.")
    return value


def process_name(arguments: Sequence[str] = ()) -> str:
    """Return what this process calls itself at the database and in traces: OTEL_SERVICE_NAME, or by how it started.

    A gate runs the same application as web: its unit names it.
    """
    named = os.environ.get("OTEL_SERVICE_NAME")
    return named or f"whereabouts-{_kind_of_process(*(arguments or sys.argv))}"


def _kind_of_process(program: str, *words: str) -> str:
    known = {Path(program).name, Path(program).parent.name}
    if "uvicorn" in known:
        return "web"
    if "celery" in known:
        return next((word for word in words if word in {"worker", "beat"}), "celery")
    return words[0] if "manage.py" in known and words else "command"


def dotted_path(name: str, default: str) -> str:
    """Return the class that a setting names, under the name that it has now; `default` where none is named."""
    path = os.environ.get(name) or default
    return MOVED.get(path, path)


def secrets_of(name: str) -> list[str]:
    """Return what signs texts from phones, calls to them, or mail that came in: it must not be guessed."""
    secrets = parse_list(name)
    if any(len(secret) < SHORTEST_SECRET for secret in secrets):
        raise ImproperlyConfigured(f"Each of {name} must have {SHORTEST_SECRET} characters or more.")
    return secrets


def own_address() -> str:
    """Return BASE_URL, which is the issuer of everything we sign: by https, but for addresses of this very machine.

    In one way of writing alone: all that is looked up by it is compared letter by letter.
    """
    url = require_setting("BASE_URL", "the address people use, https://…").rstrip("/")
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        raise ImproperlyConfigured("BASE_URL must start with https:// (http:// only for a loopback address).")
    if not parts.hostname or "@" in parts.netloc or url != f"{parts.scheme}://{parts.netloc.lower()}":
        raise ImproperlyConfigured("BASE_URL must be a host alone, in small letters: https://privacy.carrier.example.")
    return url


def fernet_keys(name: str) -> list[str]:
    """Return keys that what is personal is sealed with: found out now, not where the first number is to be kept."""
    require_setting(name, "Fernet keys, the newest first")
    keys = parse_list(name)
    try:
        for key in keys:
            Fernet(key)
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be Fernet keys: 32 bytes in base64 each.") from None
    return keys


def whole_number(name: str, usual: int) -> int:
    given = os.environ.get(name) or str(usual)
    if not given.isascii() or not given.isdecimal() or not 0 < int(given) <= LARGEST_NUMBER:
        raise ImproperlyConfigured(f"{name} must be a whole number from 1 to {LARGEST_NUMBER}. It is {given!r}.")
    return int(given)


def switch(name: str, *, usual: bool = False) -> bool:
    """Return whether something is on. Another word than 1 and 0 would be taken for the one that was not meant."""
    given = os.environ.get(name, "")
    if given not in {"", "0", "1"}:
        raise ImproperlyConfigured(f"{name} must be 1 or 0. It is {given!r}.")
    return given == "1" if given else usual


def only_here(name: str, base_url: str) -> bool:
    """Return what opens the demo's doors: its sample people, phones and keys are for this very machine alone."""
    wanted = switch(name)
    if wanted and urlsplit(base_url).hostname not in LOOPBACK:
        raise ImproperlyConfigured(f"{name} is for a loopback BASE_URL only. Unset it: it opens doors of the demo.")
    return wanted


def needed_by_https(name: str, locally: str, base_url: str) -> str:
    """Return what goes out to people: shown on the console of one's own machine, never silently on a server's."""
    if base_url.startswith("https://"):
        return require_setting(name, f"what sends them in production ({locally} shows them on this machine)")
    return os.environ.get(name) or locally


def parse_list(name: str) -> list[str]:
    return [part.strip() for part in os.environ.get(name, "").split(",") if part.strip()]


def one_of(name: str, *allowed: str) -> str:
    value = os.environ.get(name) or allowed[0]
    if value not in allowed:
        raise ImproperlyConfigured(f"{name} must be one of {', '.join(allowed)}.")
    return value


def issuer_of(name: str) -> str:
    """Return an issuer, exactly as the provider writes itself: by https, but for this very machine."""
    issuer = os.environ.get(name, "")
    parts = urlsplit(issuer)
    if issuer and parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        raise ImproperlyConfigured(f"{name} must start with https:// (http:// only for a loopback address).")
    return issuer


def with_issuer(issuer: str, name: str) -> str:
    """Return what a named provider needs beside its issuer."""
    if os.environ.get(issuer):
        return require_setting(name, "what your OpenID provider registered for this portal")
    return ""


def read_secret_files() -> None:
    """Put what the files hold in place of their names, for this process and those it starts.

    Raises ImproperlyConfigured where a file can't be read or is empty, and where both the secret and a file are given.
    """
    for name in SECRETS:
        path = os.environ.get(f"{name}_FILE", "")
        if not path:
            continue
        if os.environ.get(name):
            raise ImproperlyConfigured(f"Both {name} and {name}_FILE are set. Unset one of them.")
        os.environ[name] = _content(name, Path(path))
        # Not before: Django may read the settings twice, and must be refused twice.
        del os.environ[f"{name}_FILE"]


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
