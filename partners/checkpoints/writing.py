"""Signing the audit chains' heads, and keeping that outside the database."""

import time
from datetime import UTC, datetime, timedelta

import structlog
from django.conf import settings
from django.core.cache import cache

import audit.queries
from accounts.turns import turn
from partners import keys
from partners.checkpoints.places import Place
from partners.checkpoints.reading import digest, end, is_ahead
from partners.models import SigningKey

log = structlog.get_logger(__name__)
NAME = "%Y%m%dT%H%M%S%fZ"
TURN = "partners.checkpoints"
MICROSECOND = timedelta(microseconds=1)
# Where the moment of the newest is kept, for whoever watches: a place that hangs must hold up no figures.
WRITTEN = "checkpoint:written"


class Behind(Exception):
    """The newest checkpoint signed events that the database does not have: it was restored, or its trail cut off."""


def write(*, place: Place, at: datetime, over: bool = False) -> str:
    """Sign every chain's newest event and put the token there. Returns its name. Never inside a transaction.

    It names the whole checkpoint before it by its digest, so that none can be taken out from between others; of two
    that named the same one, the second would look as if one were gone. So there is one writer at a time: where another
    is at it this writes none, and returns "".

    `over`: after a restore, which the trail itself then tells of. It waits for whoever else is at it. Raises Behind
    where it would cover up that events are gone, but for `over`. Raises OSError where the place fails.
    """
    with turn(name=TURN, waits=over) as mine:
        return _write(place, at, over=over) if mine else ""


def age_s() -> float:
    """Seconds since any process last wrote a checkpoint; infinite where none is known to have. Looks into no place."""
    written = cache.get(WRITTEN)
    return max(0.0, time.time() - written) if isinstance(written, float) else float("inf")


def _write(place: Place, at: datetime, *, over: bool) -> str:
    there = end(place=place)
    if not over and is_ahead(token=there.token):
        raise Behind
    heads = {str(chain): [seq, newest.hex()] for chain, (seq, newest) in audit.queries.heads().items()}
    if there.newest != there.whole:
        log.error("checkpoint.unreadable", name=there.newest)
    # A clock that was set back must not put it before those that are there.
    at = max(at, _written_at(there.newest) + MICROSECOND) if there.newest else at
    token = keys.sign(
        use=SigningKey.Use.CHECKPOINT,
        claims={
            "iss": settings.BASE_URL,
            "iat": int(at.timestamp()),
            "heads": heads,
            "before": digest(there.token) if there.token else "",
        },
    )
    name = f"{at:{NAME}}.jws"
    place.put(name=name, token=token.encode())
    cache.set(WRITTEN, time.time(), timeout=None)
    return name


def _written_at(name: str) -> datetime:
    return datetime.strptime(name.removesuffix(".jws"), NAME).replace(tzinfo=UTC)
