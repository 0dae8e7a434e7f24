"""Where checkpoints are kept: a folder outside the database, or whatever CHECKPOINT_BACKEND names by its dotted path.

A store of objects fits as well as a folder: each checkpoint may be an object of its own.
"""

import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Protocol

from django.conf import settings
from django.utils.module_loading import import_string

# Where interim checkpoints lie, below the others, in a folder for each day.
INTERIM = "interim"


class Place(Protocol):
    """A place of tokens, each under a name that is the moment of its signing (`20261126T143000000000Z.jws`).

    Nothing in it is changed or taken away by us. What fails raises OSError. As text it says where it is.
    """

    def oldest_first(self) -> Iterator[tuple[str, bytes]]:
        """Return every name and what it holds."""
        ...

    def newest_first(self) -> Iterator[tuple[str, bytes]]:
        """Return them from the newest on, each looked for and read only when it is asked for."""
        ...

    def put(self, *, name: str, token: bytes) -> None:
        """Add one. It is there whole or not at all; when this returns, a power cut does not take it back."""
        ...

    def interim(self) -> "Place":
        """Return the place of interim checkpoints, which lies apart: there are many, and few are ever read."""
        ...


class FolderPlace:
    """A file for each in CHECKPOINT_DIR."""

    def __init__(self, *, below: str = "") -> None:
        self._folder = Path(settings.CHECKPOINT_DIR) / below
        self._by_day = bool(below)

    def __str__(self) -> str:
        return str(self._folder)

    def oldest_first(self) -> Iterator[tuple[str, bytes]]:
        """Go by the files' names."""
        return self._read(newest_first=False)

    def newest_first(self) -> Iterator[tuple[str, bytes]]:
        """Go by the files' names."""
        return self._read(newest_first=True)

    def put(self, *, name: str, token: bytes) -> None:
        """Written under another name first, which a full disk or a crash may leave behind."""
        folder = self._folder / day(name) if self._by_day else self._folder
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / name
        unfinished = path.with_suffix(".unfinished")
        with unfinished.open("wb") as file:
            file.write(token)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
        for holds in (folder, folder.parent) if self._by_day else (folder,):
            sync_folder(folder=holds)

    def interim(self) -> Place:
        """Below CHECKPOINT_DIR."""
        return FolderPlace(below=INTERIM)

    def _read(self, *, newest_first: bool) -> Iterator[tuple[str, bytes]]:
        for folder in sorted(self._folder.glob("*/"), reverse=newest_first) if self._by_day else [self._folder]:
            for path in sorted(folder.glob("*.jws"), reverse=newest_first):
                yield path.name, path.read_bytes()


def day(name: str) -> str:
    """Return the day in a checkpoint's name, as its folder is called."""
    return f"{name[:4]}-{name[4:6]}-{name[6:8]}"


def place() -> Place:
    """Open the place that the settings name."""
    made: Place = _backend(settings.CHECKPOINT_BACKEND)()
    return made


def sync_folder(*, folder: Path) -> None:
    """Have the disk keep the names of what was written into a folder."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


@cache
def _backend(path: str) -> type[Place]:
    found: type[Place] = import_string(path)
    return found
