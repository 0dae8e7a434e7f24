"""What checkpoints say, held against the database and against each other."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import msgspec
from joserfc.util import urlsafe_b64decode

import audit.queries
from partners import keys, tokens
from partners.checkpoints.places import Place
from partners.models import SigningKey

# Bytes of an ES256 signature.
SIGNATURE = 64


@dataclass(frozen=True)
class Signed:
    """What the newest checkpoint says: each chain's `seq` and hash, and when."""

    at: datetime
    heads: Mapping[int, tuple[int, bytes]]


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
    """

    unreadable: list[str] = field(default_factory=list)
    gap: str = ""
    forged: str = ""


def end(*, place: Place) -> End:
    """Where the next one goes on. Reads from the newest on, and no further than the first that is whole."""
    newest = ""
    for name, token in place.newest_first():
        newest = newest or name
        if _is_whole(token):
            return End(newest, name, token)
    return End(newest, "", b"")


def newest(*, place: Place) -> Signed | None:
    """What the newest whole checkpoint signed; None where there is none. Raises ValueError where it is forged."""
    token = end(place=place).token
    return _signed(token) if token else None


def claimed(*, place: Place) -> Signed | None:
    """What the newest whole checkpoint says, also where its key is gone with a database that was restored.

    None where there is none, or where it is none of ours. For what must be asked, never for what may be trusted.
    """
    token = end(place=place).token
    try:
        return _said(tokens.peek(token.decode()).claims) if token else None
    except ValueError:
        return None


def ahead(*, place: Place) -> bool:
    """Whether the newest checkpoint signed events that the database does not have, or by a key that it does not."""
    return is_ahead(token=end(place=place).token)


def is_ahead(*, token: bytes) -> bool:
    """The same of a whole one; of none, b"", no."""
    try:
        return bool(token) and not _covered(_signed(token))
    except ValueError:
        return True


def fitting(*, place: Place) -> Signed | None:
    """The newest checkpoint of which the database has every event; None where there is none."""
    for token in _whole(place):
        try:
            signed = _signed(token)
        except ValueError:
            continue
        if _covered(signed):
            return signed
    return None


def line(*, place: Place) -> Line:
    """Read every checkpoint once. Raises OSError."""
    found = Line()
    fitting: set[str] | None = None
    for name, token in place.oldest_first():
        own = digest(token)
        if not _is_whole(token):
            found.unreadable.append(name)
            fitting = None if fitting is None else fitting | {own}
            continue
        if found.gap or found.forged:
            continue
        try:
            named = _claims(token).get("before")
        except ValueError as error:
            found.forged = str(error)
            continue
        if fitting is not None and named is not None and named not in fitting:
            found.gap = name
        fitting = {own}
    return found


def gap(*, place: Place) -> str:
    """What `Line` calls so. Raises ValueError where one before it is forged, OSError."""
    found = line(place=place)
    if found.forged:
        raise ValueError(found.forged)
    return found.gap


def digest(token: bytes) -> str:
    """By which the next checkpoint names this one."""
    return hashlib.sha256(token).hexdigest()


def _covered(signed: Signed) -> bool:
    """By the events themselves: a restored database goes on, and counts up to what was signed by others."""
    return not audit.queries.lacking(signed=signed.heads)


def _signed(token: bytes) -> Signed:
    return _said(_claims(token))


def _said(claims: Mapping[str, object]) -> Signed:
    heads = msgspec.convert(claims.get("heads"), dict[str, tuple[int, str]])
    return Signed(
        at=datetime.fromtimestamp(msgspec.convert(claims.get("iat"), int), tz=UTC),
        heads={int(chain): (seq, bytes.fromhex(own_hash)) for chain, (seq, own_hash) in heads.items()},
    )


def _whole(place: Place) -> Iterator[bytes]:
    """What holds a whole token, the newest first."""
    return (token for _, token in place.newest_first() if _is_whole(token))


def _is_whole(token: bytes) -> bool:
    """Whether a token was written to its end; by whom is another question."""
    try:
        tokens.peek(token.decode())
        return len(urlsafe_b64decode(token.rpartition(b".")[2])) == SIGNATURE
    except ValueError:
        return False


def _claims(token: bytes) -> Mapping[str, object]:
    return keys.verify_own(use=SigningKey.Use.CHECKPOINT, token=token.decode())
