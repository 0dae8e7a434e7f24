"""Style sheets, scripts and images: collected and compressed only when they changed, which takes longest of all."""

import hashlib
import subprocess
import sys
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders

from tools.demo.processes import build_tethered_command


class StaticFiles:
    """Collects in a process of its own, from `begin` on; `end` waits for it and raises CollectingFailed."""

    def __init__(self, *, data_dir: Path) -> None:
        self._stamp = data_dir / "static-files.sha256"
        self._state = _state()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def due(self) -> bool:
        """Whether some file is not as it was when they were last collected, or none was collected yet."""
        there = (Path(settings.STATIC_ROOT) / "staticfiles.json").exists()
        return not (there and self._stamp.exists() and self._stamp.read_text() == self._state)

    def begin(self) -> None:
        if not self.due:
            return
        command = (str(settings.BASE_DIR / "manage.py"), "collectstatic", "--no-input", "--verbosity", "0")
        self._process = subprocess.Popen(build_tethered_command(sys.executable, *command))

    def end(self) -> None:
        if self._process is None:
            return
        if self._process.wait():
            raise CollectingFailed
        self.note_collected()

    def note_collected(self) -> None:
        """Remember that what was there when this began has been collected."""
        self._stamp.write_text(self._state)


class CollectingFailed(Exception):
    """`collectstatic` ended with an error, which it has printed."""


def _state() -> str:
    """Of every file that would be collected: where it lies, how long it is and when it was last written."""
    found = hashlib.sha256()
    for finder in get_finders():
        for path, storage in sorted(finder.list([]), key=lambda one: str(one[0])):
            at = Path(storage.path(path))
            stat = at.stat()
            found.update(f"{at}\0{stat.st_size}\0{stat.st_mtime_ns}\n".encode())
    return found.hexdigest()
