"""Where what must outlive the database is kept: the archive of stops, and checkpoints of the audit trail.

Each has a folder, or a store of objects by another backend. Of the names here `of` is the first part: STOP_ARCHIVE,
CHECKPOINT.
"""

import os
from itertools import permutations
from pathlib import Path
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from portal.env import LOOPBACK, dotted_path, require_setting

FOLDERS = {
    "STOP_ARCHIVE": "consent.clients.archive_sink.FolderSink",
    "CHECKPOINT": "partners.clients.checkpoint_places.FolderPlace",
}
STORES = {"STOP_ARCHIVE": "consent.clients.archive_s3.S3Sink", "CHECKPOINT": "partners.clients.checkpoint_s3.S3Place"}


def backend(of: str) -> str:
    """Return the dotted path of what keeps it; the folder's, if none is named."""
    return dotted_path(f"{of}_BACKEND", FOLDERS[of])


def folder(of: str, locally: Path, base_url: str) -> Path:
    """The folder. On a server none is taken for granted: DATA_DIR may be gone with the next start, or be another on
    each machine. The folder that is named for checkpoints outlives the same, so the archive may lie below it."""
    name = f"{of}_DIR"
    if base_url.startswith("https://") and backend(of) == FOLDERS[of]:
        checkpoints = os.environ.get("CHECKPOINT_DIR")
        if of == "STOP_ARCHIVE" and checkpoints and backend("CHECKPOINT") == FOLDERS["CHECKPOINT"]:
            return Path(os.environ.get(name) or Path(checkpoints) / "stop-archive")
        return Path(
            require_setting(
                name,
                "a folder on another disk than the database, the same for every web and worker,"
                f" or set {of}_BACKEND to {STORES[of]} and {of}_S3_URL to https://host/bucket/folder",
            )
        )
    return Path(os.environ.get(name) or locally)


def require_with_store(of: str, name: str, what: str) -> str:
    """Return a setting that is needed where it is kept in a store that speaks S3."""
    return require_setting(f"{of}_{name}", what) if backend(of) == STORES[of] else os.environ.get(f"{of}_{name}", "")


def store(of: str) -> str:
    """Return the URL of a store with a bucket; by http only where the demo opens its doors.

    Raises ImproperlyConfigured for others, and where nothing would go there although it was named.
    """
    name = f"{of}_S3_URL"
    url = require_with_store(of, "S3_URL", "https://host/bucket/folder, where it is kept")
    if url and not _is_bucket(url):
        raise ImproperlyConfigured(f"{name} must be https://host/bucket or https://host/bucket/folder.")
    if url and not os.environ.get(f"{of}_BACKEND"):
        raise ImproperlyConfigured(f"{name} is set, and nothing would go there. Set {of}_BACKEND to {STORES[of]}.")
    return url


def _is_bucket(url: str) -> bool:
    parts = urlsplit(url)
    here = parts.scheme == "http" and parts.hostname in LOOPBACK and os.environ.get("DOOR_OUT_LOOPBACK") == "1"
    more = [parts.username, parts.password, parts.query, parts.fragment]
    return bool(parts.hostname and parts.path.strip("/")) and not any(more) and (parts.scheme == "https" or here)


def refuse_nested_stores() -> None:
    """Raise ImproperlyConfigured where one store lies in the other: each takes strange objects for an error."""
    urls = [_plain(store(of)) for of in STORES if backend(of) == STORES[of]]
    if any(one.startswith(other) for one, other in permutations(urls, 2)):
        raise ImproperlyConfigured(
            "STOP_ARCHIVE_S3_URL and CHECKPOINT_S3_URL must be two places, and neither within the other. Give each a"
            " folder of its own: https://host/bucket/stops and https://host/bucket/checkpoints."
        )


def refuse_same_folder(*, archive: Path, checkpoints: Path) -> None:
    """Raise ImproperlyConfigured where both are one folder: each would read the other's files as its own."""
    if any(backend(of) != FOLDERS[of] for of in FOLDERS) or archive.resolve() != checkpoints.resolve():
        return
    raise ImproperlyConfigured(
        f"STOP_ARCHIVE_DIR and CHECKPOINT_DIR must be two folders, and both are {archive.resolve()}. Give each a folder"
        " of its own, or leave out STOP_ARCHIVE_DIR: then the archive lies below the checkpoints."
    )


def _plain(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.netloc.lower()}/{parts.path.strip('/')}/"
