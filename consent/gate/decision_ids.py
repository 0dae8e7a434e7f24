"""Ids that prove themselves: the gate writes nothing down, and still knows its own answers again."""

import hmac
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import blake2s, sha1
from uuid import UUID

from accounts.primitives.sealing import derived_secret

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
RECORDS = UUID("6b1c9a52-7d0e-4f0e-9d5c-3f1d0f6a9b21").bytes
# What stands where a UUID names its variant, by what stood there (RFC 9562, section 4.1).
VARIANTS = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}


def decision_ids(*, campaign: str, allowed: bool, at_us: int) -> Callable[[int], str]:
    """Make the ids of lines that were given one answer about one campaign at one moment, of which a batch is full.

    An id is `a` or `d`, the moment, and a MAC over line, campaign, answer and moment, by which it proves itself. The
    MAC is keyed BLAKE2 (RFC 7693): as good as HMAC, in a third of the time.
    """
    key, head = derived_secret("decision-id"), f"{'a' if allowed else 'd'}{at_us:x}"
    told = f"{campaign}|{head}".encode()

    def id_of(line_id: int) -> str:
        return f"{head}.{blake2s(b'%d|%b' % (line_id, told), key=key, digest_size=16).hexdigest()}"

    return id_of


def allowed_at(*, decision_id: str, line_id: int, campaign: str) -> datetime | None:
    """Return when this id was given with an allow for this line and campaign; None for any other or forged id."""
    at_us = _claimed_us(decision_id)
    if at_us is None:
        return None
    expected = decision_ids(campaign=campaign, allowed=True, at_us=at_us)(line_id)
    if not hmac.compare_digest(expected.encode(), decision_id.encode()):
        return None
    return EPOCH + at_us * MICROSECOND


def get_claimed_time(*, decision_id: str) -> datetime | None:
    """Return when this id claims to have been given with an allow, proved or not; None where it claims none."""
    at_us = _claimed_us(decision_id)
    try:
        return None if at_us is None else EPOCH + at_us * MICROSECOND
    except OverflowError:
        return None


def _claimed_us(decision_id: str) -> int | None:
    head, _, _ = decision_id.partition(".")
    try:
        return int(head[1:], 16) if head[:1] == "a" else None
    except ValueError:
        return None


def record_id_for(*, line_id: int, version: int) -> str:
    """Name one state of a line's record: a UUID of version 5, as `uuid.uuid5` makes it in thrice the time."""
    d = sha1(b"%b%d.%d" % (RECORDS, line_id, version), usedforsecurity=False).hexdigest()
    return f"urn:uuid:{d[:8]}-{d[8:12]}-5{d[13:16]}-{VARIANTS[d[16]]}{d[17:20]}-{d[20:32]}"
