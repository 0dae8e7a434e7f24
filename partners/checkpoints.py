"""Signed checkpoints of the audit chains, kept outside the database: a cut-off or rewritten trail is found by them."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import msgspec
from django.conf import settings

import audit.queries
from partners import keys
from partners.models import SigningKey

NAME = "%Y%m%dT%H%M%S%fZ"
MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class Signed:
    """What the newest checkpoint says: each chain's `seq` and hash, and when."""

    at: datetime
    heads: Mapping[int, tuple[int, bytes]]


class Behind(Exception):
    """The newest checkpoint signed events that the database does not have: it was restored, or its trail cut off."""


def write(*, folder: Path, at: datetime, over: bool = False) -> Path:
    """Sign every chain's newest event and put the token in `folder`. Returns its path.

    It names the checkpoint before it by its digest, so that none can be taken out from between others. Raises Behind
    where it would cover up that events are gone; `over`: after a restore, which the trail itself then tells of.
    """
    if not over and ahead(folder=folder):
        raise Behind
    heads = {str(chain): [seq, newest.hex()] for chain, (seq, newest) in audit.queries.heads().items()}
    before = max(folder.glob("*.jws"), default=None)
    # A clock that was set back must not put it before those that are there.
    at = max(at, _written_at(before) + MICROSECOND) if before else at
    token = keys.sign(
        use=SigningKey.Use.CHECKPOINT,
        claims={
            "iss": settings.BASE_URL,
            "iat": int(at.timestamp()),
            "heads": heads,
            "before": _digest(before.read_text()) if before else "",
        },
    )
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{at:{NAME}}.jws"
    path.write_text(token)
    return path


def newest(*, folder: Path) -> Signed | None:
    """What the newest checkpoint signed; None where there is none. Raises ValueError where it is forged."""
    path = max(folder.glob("*.jws"), default=None)
    if path is None:
        return None
    return _signed(path)


def _covered(signed: Signed, heads: Mapping[int, tuple[int, bytes]]) -> bool:
    return all(heads.get(chain, (0, b""))[0] >= seq for chain, (seq, _) in signed.heads.items())


def _signed(path: Path) -> Signed:
    claims = _claims(path)
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
    return signed is not None and not _covered(signed, audit.queries.heads())


def fitting(*, folder: Path) -> Signed | None:
    """The newest checkpoint of which the database has every event; None where there is none."""
    heads = audit.queries.heads()
    for path in sorted(folder.glob("*.jws"), reverse=True):
        try:
            signed = _signed(path)
        except ValueError:
            continue
        if _covered(signed, heads):
            return signed
    return None


def gap(*, folder: Path) -> str:
    """The name of the first checkpoint whose predecessor is not the one before it; "" if all follow on each other.

    The oldest may follow on one that was put away; one from before checkpoints named theirs follows on any.
    """
    for before, after in pairwise(sorted(folder.glob("*.jws"))):
        named = _claims(after).get("before")
        if named is not None and named != _digest(before.read_text()):
            return after.name
    return ""


def _claims(path: Path) -> Mapping[str, object]:
    return keys.verify_own(use=SigningKey.Use.CHECKPOINT, token=path.read_text())


def _written_at(path: Path) -> datetime:
    return datetime.strptime(path.stem, NAME).replace(tzinfo=UTC)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
