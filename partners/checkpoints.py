"""Signed checkpoints of the audit chains, kept outside the database: a cut-off or rewritten trail is found by them."""

import hashlib
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import structlog
from django.conf import settings
from django.core.cache import cache
from joserfc.util import urlsafe_b64decode

import audit.queries
from partners import keys, tokens
from partners.models import SigningKey

log = structlog.get_logger(__name__)
NAME = "%Y%m%dT%H%M%S%fZ"
MICROSECOND = timedelta(microseconds=1)
# Bytes of an ES256 signature.
SIGNATURE = 64
# Where the moment of the newest is kept, for whoever watches: a folder that hangs must hold up no figures.
WRITTEN = "checkpoint:written"


@dataclass(frozen=True)
class Signed:
    """What the newest checkpoint says: each chain's `seq` and hash, and when."""

    at: datetime
    heads: Mapping[int, tuple[int, bytes]]


class Behind(Exception):
    """The newest checkpoint signed events that the database does not have: it was restored, or its trail cut off."""


def write(*, folder: Path, at: datetime, over: bool = False) -> Path:
    """Sign every chain's newest event and put the token in `folder`. Returns its path.

    It names the whole checkpoint before it by its digest, so that none can be taken out from between others. Raises
    Behind where it would cover up that events are gone; `over`: after a restore, which the trail itself then tells of.
    """
    if not over and ahead(folder=folder):
        raise Behind
    heads = {str(chain): [seq, newest.hex()] for chain, (seq, newest) in audit.queries.heads().items()}
    there = max(folder.glob("*.jws"), default=None)
    before = next(_whole(folder), None)
    if there != before:
        log.error("checkpoint.unreadable", name=there.name if there else "")
    # A clock that was set back must not put it before those that are there.
    at = max(at, _written_at(there) + MICROSECOND) if there else at
    token = keys.sign(
        use=SigningKey.Use.CHECKPOINT,
        claims={
            "iss": settings.BASE_URL,
            "iat": int(at.timestamp()),
            "heads": heads,
            "before": _digest(before.read_text()) if before else "",
        },
    )
    path = _put(folder / f"{at:{NAME}}.jws", token)
    cache.set(WRITTEN, time.time(), timeout=None)
    return path


def age_s() -> float:
    """Seconds since any process last wrote a checkpoint; infinite where none is known to have. Reads no folder."""
    written = cache.get(WRITTEN)
    return max(0.0, time.time() - written) if isinstance(written, float) else float("inf")


def newest(*, folder: Path) -> Signed | None:
    """What the newest whole checkpoint signed; None where there is none. Raises ValueError where it is forged."""
    path = next(_whole(folder), None)
    return _signed(path) if path else None


def claimed(*, folder: Path) -> Signed | None:
    """What the newest whole checkpoint says, also where its key is gone with a database that was restored.

    None where there is none, or where it is none of ours. For what must be asked, never for what may be trusted.
    """
    path = next(_whole(folder), None)
    try:
        return _said(tokens.peek(path.read_text()).claims) if path else None
    except ValueError:
        return None


def unreadable(*, folder: Path) -> list[str]:
    """The names of files that a crash or a full disk left without a whole checkpoint, the oldest first.

    They say nothing, neither of events that are gone nor of a forgery: the next checkpoint follows on what is before.
    """
    return [path.name for path in sorted(folder.glob("*.jws")) if not _is_whole(path)]


def _covered(signed: Signed) -> bool:
    """By the events themselves: a restored database goes on, and counts up to what was signed by others."""
    return not audit.queries.lacking(signed=signed.heads)


def _signed(path: Path) -> Signed:
    return _said(_claims(path))


def _said(claims: Mapping[str, object]) -> Signed:
    heads = msgspec.convert(claims.get("heads"), dict[str, tuple[int, str]])
    return Signed(
        at=datetime.fromtimestamp(msgspec.convert(claims.get("iat"), int), tz=UTC),
        heads={int(chain): (seq, bytes.fromhex(own_hash)) for chain, (seq, own_hash) in heads.items()},
    )


def ahead(*, folder: Path) -> bool:
    """Whether the newest checkpoint signed events that the database does not have, or by a key that it does not."""
    try:
        signed = newest(folder=folder)
    except ValueError:
        return True
    return signed is not None and not _covered(signed)


def fitting(*, folder: Path) -> Signed | None:
    """The newest checkpoint of which the database has every event; None where there is none."""
    for path in _whole(folder):
        try:
            signed = _signed(path)
        except ValueError:
            continue
        if _covered(signed):
            return signed
    return None


def gap(*, folder: Path) -> str:
    """The name of the first checkpoint whose predecessor is not the one before it; "" if all follow on each other.

    The oldest may follow on one that was put away; one from before checkpoints named theirs follows on any. What is
    unreadable is passed over, unless the next one names it. One that was whole when it was named is missed all the
    same.
    """
    fitting: set[str] | None = None
    for path in sorted(folder.glob("*.jws")):
        own = hashlib.sha256(path.read_bytes()).hexdigest()
        if not _is_whole(path):
            fitting = None if fitting is None else fitting | {own}
            continue
        named = _claims(path).get("before")
        if fitting is not None and named is not None and named not in fitting:
            return path.name
        fitting = {own}
    return ""


def _whole(folder: Path) -> Iterator[Path]:
    """The files that hold a whole token, the newest first."""
    return (path for path in sorted(folder.glob("*.jws"), reverse=True) if _is_whole(path))


def _is_whole(path: Path) -> bool:
    """Whether a file was written to its end; by whom is another question."""
    try:
        token = path.read_text()
        tokens.peek(token)
        return len(urlsafe_b64decode(token.rpartition(".")[2].encode())) == SIGNATURE
    except ValueError:
        return False


def _put(path: Path, token: str) -> Path:
    """Write a file that is there whole or not at all, whatever happens meanwhile. Returns its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".unfinished")
    with unfinished.open("w") as file:
        file.write(token)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
    opened = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
    return path


def _claims(path: Path) -> Mapping[str, object]:
    return keys.verify_own(use=SigningKey.Use.CHECKPOINT, token=path.read_text())


def _written_at(path: Path) -> datetime:
    return datetime.strptime(path.stem, NAME).replace(tzinfo=UTC)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
