"""Compare the database with what is kept outside it, after each start of its server, and open the gate if it has all.

Whoever runs first does it: a worker, or a web process that met a closed gate.
"""

import time
from threading import Lock, Thread

import structlog
from django.db import DatabaseError, connection

from consent.clients.archive_sink import sink
from consent.gate import readiness
from consent.gate.readiness import Opening
from consent.workers.archiving.reading import after_head, list_missing_entries
from partners.clients import checkpoint_places
from partners.workers.checkpoints import reading

log = structlog.get_logger(__name__)
AGAIN_AFTER_S = 1.0


class NotThere(OSError):
    """The archive here is not the one that this database wrote to: not mounted, perhaps, or lost."""


def look() -> Opening:
    """Open the gate again if nothing outside is newer than the database, or close it until `after_restore`.

    An archive or checkpoints that can't be read open nothing and close nothing. Returns how it stands then. Raises
    DatabaseError. Never inside a transaction.
    """
    now = readiness.opening()
    if now.is_open or not now.may_reopen:
        return now
    try:
        why = behind()
    except OSError as error:
        log.warning("archive.unreadable", error=type(error).__name__, said=str(error))
        return now
    _call("SELECT consent_gate_close(%s)", [why]) if why else _call("SELECT consent_gate_reopen()", [])
    log.info("gate.looked", why=why)
    return readiness.opening()


def behind() -> str:
    """What outside the database is newer than it, in a sentence; "" where nothing is. Raises OSError, NotThere."""
    place = sink()
    found = after_head(sink=place)
    if not found.knows_head:
        raise NotThere(f"in {place}: {found.faults[0]}")
    if found.faults:
        return f"the archive can't be trusted: {found.faults[0]}"
    missing = list_missing_entries(entries=found.entries)
    if missing:
        return f"the archive holds {len(missing)} entries that the database lacks"
    if reading.ahead(place=checkpoint_places.place()):
        return "a checkpoint outside signed events that the database lacks"
    return ""


def close(*, why: str) -> None:
    """Close the gate until `after_restore` opens it."""
    _call("SELECT consent_gate_close(%s)", [why])


def _call(statement: str, values: list[str]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


class _Looker:
    """One look at a time and a second at most in each process, beside the request that met a closed gate.

    A store may take its time, and each look holds a session at the database.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._next, self._running = 0.0, False

    def soon(self) -> None:
        with self._lock:
            if self._running or time.monotonic() < self._next:
                return
            self._next = time.monotonic() + AGAIN_AFTER_S
            Thread(target=self._look, name="look-at-archive", daemon=True).start()
            self._running = True

    def _look(self) -> None:
        try:
            look()
        except DatabaseError as error:
            log.warning("gate.not_looked", error=type(error).__name__)
        finally:
            try:
                connection.close()
            finally:
                with self._lock:
                    self._running = False


look_soon = _Looker().soon
