"""Reading single settings from the environment."""

import os

from django.core.exceptions import ImproperlyConfigured

LOOPBACK = {"localhost", "127.0.0.1", "::1"}
# Classes that settings name, under the names that they had before 1.0: who has set one need change nothing.
MOVED = {
    "accounts.texts.ConsoleBackend": "accounts.clients.texts.ConsoleBackend",
    "accounts.texts.MemoryBackend": "accounts.clients.texts.MemoryBackend",
    "consent.archiving.s3.S3Sink": "consent.clients.archive_s3.S3Sink",
    "consent.archiving.sink.FolderSink": "consent.clients.archive_sink.FolderSink",
    "partners.checkpoints.places.FolderPlace": "partners.clients.checkpoint_places.FolderPlace",
    "partners.checkpoints.s3.S3Place": "partners.clients.checkpoint_s3.S3Place",
    "partners.sms.HttpBackend": "partners.clients.sms.HttpBackend",
    "support.files.ClamAV": "support.domain.files.ClamAV",
    "support.files.OwnLook": "support.domain.files.OwnLook",
}


def require_setting(name: str, what: str) -> str:
    """A setting that must be there: `what` it is set to. Raises ImproperlyConfigured, which says so."""
    value = os.environ.get(name)
    if not value:
        raise ImproperlyConfigured(f"{name} is not set. Set it to {what}.")
    return value


def dotted_path(name: str, default: str) -> str:
    """The class that a setting names, under the name that it has now; `default` where none is named."""
    path = os.environ.get(name) or default
    return MOVED.get(path, path)
