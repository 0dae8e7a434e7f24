"""The servers that a test run uses: the machine's where its addresses are given, else a throwaway pair of its own."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from portal import embedded
from tests import forks

# So many a Redis has, unless it was told otherwise.
DATABASES = 16


def start() -> None:
    """Start PostgreSQL and Valkey in a temporary folder, gone when the run ends, if none is named."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    forks.start()
    _start()
    # A test that clears the cache clears the whole of a Redis database.
    worker = os.environ.get("PYTEST_XDIST_WORKER", "").removeprefix("gw")
    if worker.isdecimal():
        url = urlsplit(os.environ["REDIS_URL"])
        own = (int(url.path.removeprefix("/") or 0) + 1 + int(worker)) % DATABASES
        os.environ["REDIS_URL"] = url._replace(path=f"/{own}").geturl()


def _start() -> None:
    if os.environ.get("DATABASE_URL") or os.environ.get("REDIS_URL"):
        return
    data_dir = Path(tempfile.mkdtemp(prefix="whereabouts-tests-"))
    atexit.register(shutil.rmtree, data_dir, ignore_errors=True)
    # pytest makes its own database and migrates that one.
    os.environ.update(EMBEDDED_THROWAWAY="1", EMBEDDED_WITHOUT_MIGRATIONS="1")
    os.environ.update(embedded.ensure(data_dir=data_dir))
    del os.environ["EMBEDDED_THROWAWAY"], os.environ["EMBEDDED_WITHOUT_MIGRATIONS"]
