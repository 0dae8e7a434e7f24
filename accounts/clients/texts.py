"""Text messages out, signed with the carrier's name. SMS_BACKEND names a class, loaded by its dotted path.

A text is news about something that already happened, or a code that can be asked for again: when it cannot be sent,
the page goes on.
"""

import sys
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from enum import StrEnum
from functools import cache, partial
from types import TracebackType
from typing import ClassVar, NamedTuple, Protocol

import structlog
from django.conf import settings
from django.db import connection, transaction
from django.utils.module_loading import import_string
from prometheus_client import Counter

from accounts.primitives import numbers
from audit.primitives.counters import Tally

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


# Without a code nobody stops who has no account, and the page can't say whether it went out: this is how it shows.
CODES = Counter(
    "whereabouts_codes_handed_over", "Texts with codes given to the text gateway, by what became of them.", ["result"],
    registry=None,
)  # fmt: skip
for outcome in Outcome:
    CODES.labels(outcome.value)
# Makes a phone lay out a text from the right although it begins with a name in Latin letters.
FROM_THE_RIGHT = "\u200f"
CODES_TAKEN, CODES_NOT_TAKEN = Tally("codes-taken"), Tally("codes-not-taken")


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


def sign_text(*, text: str) -> str:
    """Return a text as phones get it: it begins with who sends it."""
    is_from_the_right = any(unicodedata.bidirectional(letter) in {"R", "AL"} for letter in text)
    return f"{FROM_THE_RIGHT if is_from_the_right else ''}{settings.CARRIER_NAME}: {text}"


def send_text(*, msisdn: str, text: str, code: str = "") -> None:
    """Hand a text to the backend. Call it after the commit: in a transaction it raises. An outage is logged only.

    Nothing goes to the number that is nobody's (`accounts.primitives.numbers.CANARY_NUMBER`).
    """
    _send_in_background(_call_backend, msisdn, text, code)


def send_code(*, msisdn: str, text: str, code: str, at: datetime) -> None:
    """Like `send_text`, for a code by which somebody may stop: what became of it is counted, where no page waits."""
    _send_in_background(partial(_call_and_count, at), msisdn, text, code)


def is_networked() -> bool:
    """Return whether the backend is a server of somebody's, which no page waits for."""
    return _backend(settings.SMS_BACKEND).waits_for_network


def send_and_wait(*, msisdn: str, text: str) -> Outcome:
    """Send a text now and wait for the backend. UNFIT and AWAY may be tried again.

    SILENT may not: the backend may have sent it. Call outside a transaction.
    """
    _refuse_in_a_transaction()
    if msisdn == numbers.CANARY_NUMBER:
        return Outcome.TAKEN
    return _call_backend(_backend(settings.SMS_BACKEND), msisdn, text, "")


def _refuse_in_a_transaction() -> None:
    if connection.in_atomic_block:
        with transaction.atomic(durable=True):
            pass  # refuses to nest, but in the transaction around a test


def _send_in_background(give: Callable[[Backend, str, str, str], Outcome], msisdn: str, text: str, code: str) -> None:
    _refuse_in_a_transaction()
    if msisdn == numbers.CANARY_NUMBER:
        return
    backend = _backend(settings.SMS_BACKEND)
    if backend.waits_for_network:
        _threads().submit(give, backend, msisdn, text, code)
    else:
        give(backend, msisdn, text, code)


def _call_backend(backend: Backend, msisdn: str, text: str, code: str) -> Outcome:
    outage = _Outage()
    with outage:
        backend.send(msisdn=msisdn, text=sign_text(text=text), code=code)
    match outage.error:
        case None:
            return Outcome.TAKEN
        case Unfit():
            return Outcome.UNFIT
        case NotTaken():
            return Outcome.AWAY
    return Outcome.SILENT


def _call_and_count(at: datetime, backend: Backend, msisdn: str, text: str, code: str) -> Outcome:
    outcome = _call_backend(backend, msisdn, text, code)
    CODES.labels(outcome.value).inc()
    tally = CODES_TAKEN if outcome == Outcome.TAKEN else CODES_NOT_TAKEN
    if backend.waits_for_network:
        tally.count(at=at)
    else:
        # A cache that hangs would tell by the time of the page that there was somebody to text.
        _threads().submit(tally.count, at=at)
    return outcome


class _Outage:
    """Log what a backend raises, and go on. Our own refusals hold no number: of them the reason is logged too."""

    error: BaseException | None = None

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        self.error = error
        if isinstance(error, Exception):
            why = str(error) if isinstance(error, NotTaken) else ""
            log.warning("text_not_sent", error=type(error).__name__, why=why)
            return True
        return False


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=8, thread_name_prefix="texts")


@cache
def _backend(path: str) -> Backend:
    made: Backend = import_string(path)()
    return made
