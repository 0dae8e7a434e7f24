"""Text messages out. SMS_BACKEND names a class with `send(*, msisdn, text, code)`, loaded by its dotted path.

A text is news about something that already happened, or a code that can be asked for again: when it cannot be sent,
the page goes on.
"""

import sys
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum
from functools import cache
from types import TracebackType
from typing import ClassVar, NamedTuple, Protocol

import structlog
from django.conf import settings
from django.db import connection, transaction
from django.utils.module_loading import import_string

from accounts import synthetic

log = structlog.get_logger()


class Backend(Protocol):
    """What sends texts. `waits_for_network` puts it on a thread of its own, so that a slow sender slows no page."""

    waits_for_network: bool

    def send(self, *, msisdn: str, text: str, code: str = "") -> None:
        """Send one text to an E.164 number. `code` repeats the code that `text` holds, for the demo phone.

        Raises NotTaken where it is certain that the text did not go out.
        """


class NotTaken(Exception):
    """The backend did not take the text, and knows it. Holds no number."""


class Unfit(NotTaken):
    """The backend is there and takes others, but not this text or this number."""


class Outcome(StrEnum):
    """What became of a text that was handed to the backend."""

    TAKEN = "taken"
    UNFIT = "unfit"  # not taken, for what it is
    AWAY = "away"  # not taken: the backend takes nothing, or is not reached
    SILENT = "silent"  # given, and nobody knows whether it was taken


class Text(NamedTuple):
    """A text as the memory backend keeps it."""

    msisdn: str
    text: str
    code: str


class ConsoleBackend:
    """Prints texts where the server was started."""

    waits_for_network = False

    def send(self, *, msisdn: str, text: str, code: str = "") -> None:
        sys.stdout.write(f"Text to {msisdn}: {text}" + (f" [{code}]\n" if code and code not in text else "\n"))
        sys.stdout.flush()


class MemoryBackend:
    """Keeps texts in a list, newest last."""

    waits_for_network = False
    outbox: ClassVar[list[Text]] = []

    def send(self, *, msisdn: str, text: str, code: str = "") -> None:
        self.outbox.append(Text(msisdn=msisdn, text=text, code=code))


def send_text(*, msisdn: str, text: str, code: str = "") -> None:
    """Hand a text to the backend. Call it after the commit: in a transaction it raises. An outage is logged only.

    Nothing goes to the number that is nobody's (`synthetic`).
    """
    _refuse_in_a_transaction()
    if msisdn == synthetic.NUMBER:
        return
    backend = _backend(settings.SMS_BACKEND)
    if backend.waits_for_network:
        _threads().submit(_send, backend, msisdn, text, code)
    else:
        _send(backend, msisdn, text, code)


def waits_for_network() -> bool:
    """Whether the backend is a server of somebody's, which no page waits for."""
    return _backend(settings.SMS_BACKEND).waits_for_network


def hand_over(*, msisdn: str, text: str) -> Outcome:
    """Send a text now and wait for the backend. UNFIT and AWAY may be tried again.

    SILENT may not: the backend may have sent it. Call outside a transaction.
    """
    _refuse_in_a_transaction()
    if msisdn == synthetic.NUMBER:
        return Outcome.TAKEN
    outage = _Outage()
    with outage:
        _backend(settings.SMS_BACKEND).send(msisdn=msisdn, text=text)
    match outage.error:
        case None:
            return Outcome.TAKEN
        case Unfit():
            return Outcome.UNFIT
        case NotTaken():
            return Outcome.AWAY
    return Outcome.SILENT


def _refuse_in_a_transaction() -> None:
    if connection.in_atomic_block:
        with transaction.atomic(durable=True):
            pass  # refuses to nest, but in the transaction around a test


def _send(backend: Backend, msisdn: str, text: str, code: str) -> None:
    with _Outage():
        backend.send(msisdn=msisdn, text=text, code=code)


class _Outage:
    """Logs what a backend raises and goes on. The message may hold the number: only the name is logged."""

    error: BaseException | None = None

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        self.error = error
        if isinstance(error, Exception):
            log.warning("text_not_sent", error=type(error).__name__)
            return True
        return False


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=8, thread_name_prefix="texts")


@cache
def _backend(path: str) -> Backend:
    made: Backend = import_string(path)()
    return made
