"""Signing the audit chains' heads, and keeping that outside the database."""

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import structlog
from django.conf import settings
from django.core.cache import cache

import audit.actions
import audit.queries
from accounts.primitives.advisory_locks import turn
from audit.actions import IncidentCount
from audit.models import Incident
from partners.clients.checkpoint_places import Place
from partners.domain import keys
from partners.models import SigningKey
from partners.workers.checkpoints.reading import End, digest, ends, is_ahead, together

log = structlog.get_logger(__name__)
NAME = "%Y%m%dT%H%M%S%fZ"
TURN, INTERIM_TURN = "partners.checkpoints", "partners.checkpoints.interim"
ACTOR = "system:checkpoints"
MICROSECOND = timedelta(microseconds=1)
# Where the moment of the newest is kept, for whoever watches: a place that hangs must hold up no figures.
WRITTEN = "checkpoint:written"
# What was signed last, so that nobody need look outside to see that nothing happened since.
SIGNED = "checkpoint:signed"


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


def sign_acts(*, place: Place, at: datetime) -> str:
    """Sign what happened since the newest checkpoint, between two of the line's. Returns its name. In no transaction.

    "" where nothing happened, or another is at it. The heads rise, so that the newest alone matters: these follow on
    nothing, and each is of no more use once the line goes on. Raises Behind, OSError, as `write` does.
    """
    if cache.get(SIGNED) == audit.queries.heads():
        return ""
    with turn(name=INTERIM_TURN) as mine:
        return _sign_acts(place, at) if mine else ""


def age_s() -> float:
    """Seconds since any process last wrote a checkpoint; infinite where none is known to have. Looks into no place."""
    written = cache.get(WRITTEN)
    return max(0.0, time.time() - written) if isinstance(written, float) else float("inf")


def _write(place: Place, at: datetime, *, over: bool) -> str:
    found = ends(place=place) if over else _fitting_ends(place, at)
    there, heads, at = found[-1], audit.queries.heads(), _after(found, at)
    if there.newest != there.whole:
        log.error("checkpoint.unreadable", name=there.newest)
    before = digest(there.token) if there.token else ""
    name = f"{at:{NAME}}.jws"
    place.put(name=name, token=_token(heads, at, before=before, restored=over))
    cache.set(WRITTEN, time.time(), timeout=None)
    cache.set(SIGNED, heads, timeout=None)
    return name


def _sign_acts(place: Place, at: datetime) -> str:
    found = _fitting_ends(place, at)
    heads, at = audit.queries.heads(), _after(found, at)
    name = f"{at:{NAME}}.jws"
    place.interim().put(name=name, token=_token(heads, at, interim=True))
    cache.set(SIGNED, heads, timeout=None)
    return name


def _fitting_ends(place: Place, at: datetime) -> list[End]:
    """Where to go on. Raises Behind where a chain went back behind what was signed; officers learn of it at once."""
    found = ends(place=place)
    if not any(is_ahead(token=one.token) for one in found):
        return found
    fault = IncidentCount(Incident.Kind.AUDIT_FAULT, f"{at:%Y-%m-%d}", _fault(found), 1)
    audit.actions.state_incidents(stated=[fault], actor=ACTOR, at=at)
    raise Behind


def _fault(found: Sequence[End]) -> str:
    try:
        together(found=found)
    except ValueError:
        return "the newest checkpoint can't be trusted"
    return "rows that a checkpoint signed are gone or changed"


def _token(heads: Mapping[int, tuple[int, bytes]], at: datetime, **more: object) -> bytes:
    said = {str(chain): [seq, own_hash.hex()] for chain, (seq, own_hash) in heads.items()}
    claims = {"iss": settings.BASE_URL, "iat": int(at.timestamp()), "heads": said, **more}
    return keys.sign(use=SigningKey.Use.CHECKPOINT, claims=claims).encode()


def _after(found: Sequence[End], at: datetime) -> datetime:
    """A clock that was set back must not put the next one before those that are there."""
    newest = max(one.newest for one in found)
    return max(at, _written_at(newest) + MICROSECOND) if newest else at


def _written_at(name: str) -> datetime:
    return datetime.strptime(name.removesuffix(".jws"), NAME).replace(tzinfo=UTC)
