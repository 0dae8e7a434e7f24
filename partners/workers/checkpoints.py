"""Signed checkpoints of the audit chains, kept outside the database: a cut-off or rewritten trail is found by them.

They lie in a folder or another store (`clients.checkpoint_places`), each by itself under the moment of its signing, and
each names the one before it. Between two of them interim checkpoints sign whatever happened, within seconds. What they
say is held against the database and against each other.
"""

import hashlib
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from heapq import merge
from operator import itemgetter

import msgspec
import structlog
from django.conf import settings
from django.core.cache import cache
from joserfc.util import urlsafe_b64decode

import audit.actions
import audit.queries
from accounts.primitives.slots import lock_job
from audit.actions import IncidentCount
from audit.models import Incident
from partners.clients.checkpoint_places import Place
from partners.domain import keys
from partners.models import SigningKey
from partners.primitives import tokens

# Bytes of an ES256 signature.
SIGNATURE = 64
log = structlog.get_logger(__name__)
NAME = "%Y%m%dT%H%M%S%fZ"
TURN, INTERIM_TURN = "partners.checkpoints", "partners.checkpoints.interim"
ACTOR = "system:checkpoints"
MICROSECOND = timedelta(microseconds=1)
# Where the moment of the newest is kept, for whoever watches: a place that hangs must hold up no figures.
WRITTEN = "checkpoint:written"
# What was signed last, so that nobody need look outside to see that nothing happened since.
SIGNED = "checkpoint:signed"


@dataclass(frozen=True)
class SignedCheckpoint:
    """What a checkpoint says: each chain's `seq` and hash, and when; and its name."""

    at: datetime
    heads: Mapping[int, tuple[int, bytes]]
    name: str = ""


@dataclass(frozen=True)
class End:
    """The newest of a place, "" where there is none, and the newest that is whole, with what it holds, b"" for none."""

    newest: str
    whole: str
    token: bytes


@dataclass
class Line:
    """What a place shows of itself.

    `unreadable`: the names of those that a crash or a full disk left without a whole checkpoint, the oldest first. They
    say nothing, neither of events that are gone nor of a forgery: the next checkpoint follows on what is before.

    `gap`: the name of the first checkpoint whose predecessor is not the one before it; "" if all follow on each other.
    The oldest may follow on one that was put away; one from before checkpoints named theirs follows on any. What is
    unreadable is passed over, unless the next one names it. One that was whole when it was named is missed all the
    same.

    `forged`: what is wrong with the first that is none of ours, if no gap comes before it; "" for none.

    `back`: the name of the first that signed less than the one before it, though no restore says so; "" for none.

    `restored`: the names of those that were signed after a restore, and may say less than was signed before.
    """

    unreadable: list[str] = field(default_factory=list)
    gap: str = ""
    forged: str = ""
    back: str = ""
    restored: list[str] = field(default_factory=list)


def end(*, place: Place) -> End:
    """Find where the next one goes on. Reads from the newest on, and no further than the first that is whole."""
    newest = ""
    for name, token in place.newest_first():
        newest = newest or name
        if _is_whole(token):
            return End(newest, name, token)
    return End(newest, "", b"")


def list_line_ends(*, place: Place) -> list[End]:
    """Return the ends of the line and of the interim checkpoints, the newest first.

    An older interim one says nothing more.
    """
    there, interim = end(place=place), end(place=place.interim())
    return [interim, there] if interim.whole > there.whole else [there]


def newest(*, place: Place) -> SignedCheckpoint | None:
    """Return what the newest whole checkpoint signed; None where there is none.

    Raises ValueError where it is forged.
    """
    return merge_ends(found=list_line_ends(place=place))


def merge_ends(*, found: Sequence[End]) -> SignedCheckpoint | None:
    """Join what these ends signed.

    Of two written at the same time each may know more of some chains: the longer counts.
    """
    signed = [_verify_checkpoint(one.token, one.whole) for one in found if one.token]
    if not signed:
        return None
    heads: dict[int, tuple[int, bytes]] = {}
    for one in signed:
        heads |= {chain: head for chain, head in one.heads.items() if head[0] > heads.get(chain, (-1, b""))[0]}
    return SignedCheckpoint(signed[0].at, heads, signed[0].name)


def read_newest_checkpoint(*, place: Place) -> SignedCheckpoint | None:
    """Return what the newest whole checkpoint says, also where its key is gone with a database that was restored.

    None where there is none, or where it is none of ours. For what must be asked, never for what may be trusted.
    """
    token = list_line_ends(place=place)[0].token
    try:
        return _build_checkpoint(tokens.parse_unverified(token.decode()).claims) if token else None
    except ValueError:
        return None


def find_missing_events(*, place: Place) -> bool:
    """Return whether the newest checkpoint signed events that the database lacks, or by a key that it lacks."""
    return any(is_ahead(token=one.token) for one in list_line_ends(place=place))


def is_ahead(*, token: bytes) -> bool:
    """Return whether a whole checkpoint is ahead of the database; of none, b"", no."""
    try:
        return bool(token) and not _is_covered(_verify_checkpoint(token))
    except ValueError:
        return True


def get_newest_matching(*, place: Place) -> SignedCheckpoint | None:
    """Return the newest checkpoint of which the database has every event; None where there is none."""
    for token in _whole(place):
        try:
            signed = _verify_checkpoint(token)
        except ValueError:
            continue
        if _is_covered(signed):
            return signed
    return None


def read_checkpoint_line(*, place: Place) -> Line:
    """Read every checkpoint once. Raises OSError."""
    found = Line()
    fitting: set[str] | None = None
    before: Mapping[int, tuple[int, bytes]] = {}
    for name, token in place.oldest_first():
        own = digest(token)
        if not _is_whole(token):
            found.unreadable.append(name)
            fitting = None if fitting is None else fitting | {own}
            continue
        if found.gap or found.forged:
            continue
        try:
            claims = _claims(token)
            signed = _build_checkpoint(claims)
        except ValueError as error:
            found.forged = str(error)
            continue
        _compare_with_last(found, name, claims, fitting, went_back=_has_shorter_chain(before, signed.heads))
        fitting, before = {own}, signed.heads
    return found


def _compare_with_last(
    found: Line, name: str, claims: Mapping[str, object], fitting: Collection[str] | None, *, went_back: bool
) -> None:
    named = claims.get("before")
    if fitting is not None and named is not None and named not in fitting:
        found.gap = name
    # Those from before they said whether one follows a restore say nothing of it.
    if claims.get("restored") is False and went_back:
        found.back = found.back or name
    if claims.get("restored") is True:
        found.restored.append(name)


def _has_shorter_chain(before: Mapping[int, tuple[int, bytes]], heads: Mapping[int, tuple[int, bytes]]) -> bool:
    """Whether some chain is shorter than it was, or as long and another."""
    return any(
        seq < before[chain][0] or (seq == before[chain][0] and own_hash != before[chain][1])
        for chain, (seq, own_hash) in heads.items()
        if chain in before
    )


def find_gap(*, place: Place) -> str:
    """Return what `Line` calls so. Raises ValueError where one before it is forged, OSError."""
    found = read_checkpoint_line(place=place)
    if found.forged:
        raise ValueError(found.forged)
    return found.gap


def digest(token: bytes) -> str:
    """Digest a token: by this the next checkpoint names it."""
    return hashlib.sha256(token).hexdigest()


def _is_covered(signed: SignedCheckpoint) -> bool:
    """By the events themselves: a restored database goes on, and counts up to what was signed by others."""
    return not audit.queries.list_missing_heads(signed=signed.heads)


def _verify_checkpoint(token: bytes, name: str = "") -> SignedCheckpoint:
    return _build_checkpoint(_claims(token), name)


def _build_checkpoint(claims: Mapping[str, object], name: str = "") -> SignedCheckpoint:
    heads = msgspec.convert(claims.get("heads"), dict[str, tuple[int, str]])
    return SignedCheckpoint(
        at=datetime.fromtimestamp(msgspec.convert(claims.get("iat"), int), tz=UTC),
        heads={int(chain): (seq, bytes.fromhex(own_hash)) for chain, (seq, own_hash) in heads.items()},
        name=name,
    )


def _whole(place: Place) -> Iterator[bytes]:
    """What holds a whole token, interim ones among them, the newest first."""
    found = merge(place.newest_first(), place.interim().newest_first(), key=itemgetter(0), reverse=True)
    return (token for _, token in found if _is_whole(token))


def _is_whole(token: bytes) -> bool:
    """Whether a token was written to its end; by whom is another question."""
    try:
        tokens.parse_unverified(token.decode())
        return len(urlsafe_b64decode(token.rpartition(b".")[2])) == SIGNATURE
    except ValueError:
        return False


def _claims(token: bytes) -> Mapping[str, object]:
    return keys.verify_own(use=SigningKey.Use.CHECKPOINT, token=token.decode())


class DatabaseBehind(Exception):
    """The newest checkpoint signed events that the database does not have: it was restored, or its trail cut off."""


def write(*, place: Place, at: datetime, over: bool = False) -> str:
    """Sign every chain's newest event and put the token there. Returns its name. Never inside a transaction.

    It names the whole checkpoint before it by its digest, so that none can be taken out from between others; of two
    that named the same one, the second would look as if one were gone. So there is one writer at a time: where another
    is at it this writes none, and returns "".

    `over`: after a restore, which the trail itself then tells of. Waits for whoever else is at it. Raises
    DatabaseBehind where it would cover up that events are gone, but for `over`, and OSError where the place fails.
    """
    with lock_job(name=TURN, waits=over) as mine:
        if not mine:
            return ""
        # An interim one that is named already reads what happened up to now: one of ours that is named later and has
        # read less would stand for it.
        with lock_job(name=INTERIM_TURN, waits=True):
            return _write(place, at, over=over)


def sign_acts(*, place: Place, at: datetime) -> str:
    """Sign what happened since the newest checkpoint, between two of the line's. Returns its name. In no transaction.

    "" where nothing happened, or another is at it. The heads rise, so that the newest alone matters: these follow on
    nothing, and each is of no more use once the line goes on. Raises DatabaseBehind, OSError, as `write` does.
    """
    if cache.get(SIGNED) == audit.queries.get_chain_heads():
        return ""
    with lock_job(name=INTERIM_TURN) as mine:
        return _sign_acts(place, at) if mine else ""


def age_s() -> float:
    """Return the seconds since any process last wrote a checkpoint; infinite where none is known to have.

    Looks into no place.
    """
    written = cache.get(WRITTEN)
    return max(0.0, time.time() - written) if isinstance(written, float) else float("inf")


def _write(place: Place, at: datetime, *, over: bool) -> str:
    found = list_line_ends(place=place) if over else _fitting_ends(place, at)
    there, heads, at = found[-1], audit.queries.get_chain_heads(), _after(found, at)
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
    heads, at = audit.queries.get_chain_heads(), _after(found, at)
    name = f"{at:{NAME}}.jws"
    place.interim().put(name=name, token=_token(heads, at, interim=True))
    cache.set(SIGNED, heads, timeout=None)
    return name


def _fitting_ends(place: Place, at: datetime) -> list[End]:
    """Return where to go on. Raises DatabaseBehind where a chain lacks what was signed; officers learn of it."""
    found = list_line_ends(place=place)
    if not any(is_ahead(token=one.token) for one in found):
        return found
    fault = IncidentCount(Incident.Kind.AUDIT_FAULT, f"{at:%Y-%m-%d}", _fault(found), 1)
    audit.actions.state_incidents(stated=[fault], actor=ACTOR, at=at)
    raise DatabaseBehind


def _fault(found: Sequence[End]) -> str:
    try:
        merge_ends(found=found)
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
