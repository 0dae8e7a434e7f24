"""Where the archive is kept: a folder outside the database, or whatever STOP_ARCHIVE_BACKEND names by its dotted path.

A store of objects fits as well as a folder: each `append` may be an object of its own under its day.
"""

import os
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Protocol

from django.conf import settings
from django.utils.module_loading import import_string

from partners.clients.checkpoint_places import sync_folder

TAIL = 1024 * 1024


class Sink(Protocol):
    """A place of lines by day (`2026-11-26`) that are added and never changed. What fails raises OSError.

    As text it says where it is.
    """

    def days(self) -> list[str]:
        """Return the days that have lines, the oldest first."""
        ...

    def lines(self, *, day: str) -> Iterator[str]:
        """Return a day's lines as they were added, each with its end of line; one that was cut off has none."""
        ...

    def newest_first(self, *, day: str) -> Iterator[str]:
        """Return a day's lines, what was added last first where each addition is read by itself; else in any order."""
        ...

    def last(self) -> str:
        """Return the newest whole line, without its end; "" where there is none."""
        ...

    def append(self, *, day: str, lines: Sequence[str]) -> None:
        """Add lines. When it returns they are safe: a power cut does not take them back."""
        ...


class FolderSink:
    """A file for each day in STOP_ARCHIVE_DIR, synced to its disk with every append."""

    def __init__(self) -> None:
        self._folder = Path(settings.STOP_ARCHIVE_DIR)

    def __str__(self) -> str:
        return str(self._folder)

    def days(self) -> list[str]:
        """List the files' names."""
        return sorted(path.stem for path in self._folder.glob("*.jws"))

    def lines(self, *, day: str) -> Iterator[str]:
        """Read as they are needed."""
        with self._path(day).open(encoding="ascii", errors="replace", newline="\n") as file:
            yield from file

    def newest_first(self, *, day: str) -> Iterator[str]:
        """Return the lines as they stand: a file is read at once."""
        return self.lines(day=day)

    def last(self) -> str:
        """Read it from the end of the newest file that has a whole line."""
        for day in reversed(self.days()):
            path = self._path(day)
            with path.open("rb") as file:
                file.seek(max(path.stat().st_size - TAIL, 0))
                whole = file.read().decode("ascii", errors="replace").split("\n")[:-1]
            found = next((line for line in reversed(whole) if line), "")
            if found:
                return found
        return ""

    def append(self, *, day: str, lines: Sequence[str]) -> None:
        """Add lines; close one that a crash cut off first, and leave it as it is."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._path(day)
        new = not path.exists()
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as file:
            torn = b"\n" if file.tell() and not _ends_whole(path) else b""
            file.write(torn + "".join(f"{line}\n" for line in lines).encode())
            file.flush()
            os.fsync(file.fileno())
        if new:
            sync_folder(folder=self._folder)

    def _path(self, day: str) -> Path:
        return self._folder / f"{day}.jws"


def open_sink() -> Sink:
    """Open the sink that the settings name."""
    made: Sink = _backend(settings.STOP_ARCHIVE_BACKEND)()
    return made


@cache
def _backend(path: str) -> type[Sink]:
    found: type[Sink] = import_string(path)
    return found


def _ends_whole(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read() == b"\n"
