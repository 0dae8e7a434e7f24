"""The demo's phones: texts are kept in a file only we can read, shown at `/demo/phone/` and on the demo's terminal."""

import fcntl
import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import TypedDict

from django.conf import settings


class DisplayedText(TypedDict):
    """A text as the page and programs see it."""

    at: str
    text: str
    code: str


class StoredText(DisplayedText):
    """A text as it lies in the file."""

    number: str


class Backend:
    """An SMS_BACKEND for the demo alone: the text can be read before the page that caused it answers."""

    waits_for_network = False

    def send(self, *, msisdn: str, text: str, code: str = "") -> None:
        """Append the text to the file and print it."""
        at = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        kept: StoredText = {"number": msisdn, "at": at, "text": text, "code": code}
        descriptor = os.open(_file(), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.write(json.dumps(kept, ensure_ascii=False) + "\n")
        sys.stdout.write(f"Text to {msisdn}: {text}\n")
        sys.stdout.flush()


def texts(*, number: str) -> list[DisplayedText]:
    """Return what this number's phone has received, newest first."""
    return [
        {"at": kept["at"], "text": kept["text"], "code": kept["code"]} for kept in _all() if kept["number"] == number
    ]


class Inbox:
    """All phones' texts for somebody who looks again and again: each line of the file is read once."""

    def __init__(self) -> None:
        self._lock, self._read = Lock(), 0
        self._codes: dict[str, str] = {}

    def code(self, *, number: str) -> str:
        """Return the newest code that this number's phone has received. Raises KeyError where there is none."""
        with self._lock:
            with _file().open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_SH)
                file.seek(self._read)
                came = file.readlines()
                self._read = file.tell()
            for kept in map(json.loads, came):
                if kept["code"]:
                    self._codes[kept["number"]] = kept["code"]
            return self._codes[number]


def phones() -> dict[str, list[DisplayedText]]:
    """Return every phone that has received a text, the one with the newest text first."""
    found: dict[str, list[DisplayedText]] = {}
    for kept in _all():
        found.setdefault(kept["number"], []).append({"at": kept["at"], "text": kept["text"], "code": kept["code"]})
    return found


def _all() -> list[StoredText]:
    if not _file().exists():
        return []
    with _file().open(encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        return [json.loads(line) for line in reversed(file.readlines())]


def _file() -> Path:
    return Path(settings.DATA_DIR) / "demo-texts.ndjson"
