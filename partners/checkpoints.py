"""Signed checkpoints of the audit chains, kept outside the database: a cut-off or rewritten trail is found by them."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import msgspec
from django.conf import settings

import audit.queries
from partners import keys
from partners.models import SigningKey


@dataclass(frozen=True)
class Signed:
    """What the newest checkpoint says: each chain's `seq` and hash, and when."""

    at: datetime
    heads: Mapping[int, tuple[int, bytes]]


def write(*, folder: Path, at: datetime) -> Path:
    """Sign every chain's newest event and put the token in `folder`. Returns its path.

    It names the checkpoint before it by its digest, so that none can be taken out from between others.
    """
    heads = {str(chain): [seq, newest.hex()] for chain, (seq, newest) in audit.queries.heads().items()}
    before = max(folder.glob("*.jws"), default=None)
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
    path = folder / f"{at:%Y%m%dT%H%M%S%fZ}.jws"
    path.write_text(token)
    return path


def newest(*, folder: Path) -> Signed | None:
    """What the newest checkpoint signed; None where there is none. Raises ValueError where it is forged."""
    path = max(folder.glob("*.jws"), default=None)
    if path is None:
        return None
    claims = _claims(path)
    heads = msgspec.convert(claims.get("heads"), dict[str, tuple[int, str]])
    return Signed(
        at=datetime.fromtimestamp(msgspec.convert(claims.get("iat"), int), tz=UTC),
        heads={int(chain): (seq, bytes.fromhex(own_hash)) for chain, (seq, own_hash) in heads.items()},
    )


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


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
