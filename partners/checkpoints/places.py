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


class Place(Protocol):
    """A place of tokens, each under a name that is the moment of its signing (`20261126T143000000000Z.jws`).

    Nothing in it is changed or taken away by us. What fails raises OSError. As text it says where it is.
    """

    def oldest_first(self) -> Iterator[tuple[str, bytes]]:
        """Every name and what it holds."""
        ...

    def newest_first(self) -> Iterator[tuple[str, bytes]]:
        """The same from the newest on, each looked for and read only when it is asked for."""
        ...

    def put(self, *, name: str, token: bytes) -> None:
        """Add one. It is there whole or not at all; when this returns, a power cut does not take it back."""
        ...


class FolderPlace:
    """A file for each in CHECKPOINT_DIR."""

    def __init__(self) -> None:
        self._folder = Path(settings.CHECKPOINT_DIR)

    def __str__(self) -> str:
        return str(self._folder)

    def oldest_first(self) -> Iterator[tuple[str, bytes]]:
        """By the files' names."""
        return ((path.name, path.read_bytes()) for path in sorted(self._folder.glob("*.jws")))

    def newest_first(self) -> Iterator[tuple[str, bytes]]:
        """By the files' names."""
        return ((path.name, path.read_bytes()) for path in sorted(self._folder.glob("*.jws"), reverse=True))

    def put(self, *, name: str, token: bytes) -> None:
        """Written under another name first, which a full disk or a crash may leave behind."""
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / name
        unfinished = path.with_suffix(".unfinished")
        with unfinished.open("wb") as file:
            file.write(token)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
        opened = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)


def place() -> Place:
    """The one that the settings name."""
    made: Place = _backend(settings.CHECKPOINT_BACKEND)()
    return made


@cache
def _backend(path: str) -> type[Place]:
    found: type[Place] = import_string(path)
    return found
