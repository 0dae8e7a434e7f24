"""The life of our signing keys: published, used, still published, retired, kept for ever.

A key is published 24 h before it signs, so that everybody who fetched the set within its hour knows it, and stays
published for 7 days after the next one took over. Each pass does what is due and no more, so it may run at any time,
twice, or late. Nothing here deletes: the public half of every key stays in the archive.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from cryptography.fernet import InvalidToken
from django.db import connection, transaction

import audit.actions
from accounts.primitives.sealing import seal, unseal
from audit.actions import Event
from partners.domain.keys import ALGORITHM, KEY_TYPES, PUBLISHED_AFTER, TRIAL, Signer
from partners.models import PairwiseKey, SigningKey
from partners.primitives import sealing

PUBLISHED_BEFORE = timedelta(hours=24)
PERIOD = timedelta(days=90)
# Two people who press the same button make one new key.
JUST_NOW = timedelta(minutes=1)
# A trial takes its key out of the set within minutes, unless its process was killed.
TRIAL_LASTS = timedelta(hours=1)
SYSTEM = "system:rotation"
# How the trail names a key.
KEY = "key:"


@dataclass(frozen=True)
class Kind:
    """Keys that replace each other: of one use and one algorithm."""

    use: SigningKey.Use
    algorithm: str = ALGORITHM


# Streams of receivers that know nothing else get RS256.
KINDS = (*(Kind(use) for use in SigningKey.Use), Kind(SigningKey.Use.ORDER, "RS256"))


@dataclass(frozen=True)
class RotationResult:
    """The `kid`s of what one pass made and retired."""

    made: tuple[str, ...] = ()
    retired: tuple[str, ...] = ()


@dataclass(frozen=True)
class ResealResult:
    """How many keys were sealed anew, and how many no key opens."""

    done: int
    unopened: int


@transaction.atomic
def ensure(*, now: datetime) -> RotationResult:
    """Make a key, in use at once, for each kind that has none: a new installation's first. Safe to repeat."""
    _lock_rotation()
    return _record_rotation([_make(kind, now, now, SYSTEM, "") for kind in KINDS if not _live(kind)], [])


@transaction.atomic
def rotate(*, now: datetime) -> RotationResult:
    """Do what is due: publish the next key a day before it is used, retire a week after it was. Safe to repeat.

    The key of a trial that was cut off is retired as well.
    """
    _lock_rotation()
    made, retired = [], []
    for kind in KINDS:
        live = _live(kind)
        if not live:
            made.append(_make(kind, now, now, SYSTEM, ""))
        elif live[-1].used_from + PERIOD - PUBLISHED_BEFORE <= now:
            made.append(_make(kind, now, now + PUBLISHED_BEFORE, SYSTEM, ""))
        over = [row for row, newer in pairwise(live) if newer.used_from + PUBLISHED_AFTER <= now]
        retired += [_retire(row, now, SYSTEM, "") for row in over]
    left = SigningKey.objects.filter(use=TRIAL, retired_at__isnull=True, published_at__lte=now - TRIAL_LASTS)
    retired += [_retire(row, now, SYSTEM, "its trial was cut off") for row in left.order_by("published_at", "kid")]
    return _record_rotation(made, retired)


@transaction.atomic
def replace(
    *, uses: Collection[SigningKey.Use], emergency: bool, actor: str, reason: str, now: datetime
) -> RotationResult:
    """New keys for these uses, signing from this moment. Partners find one by its unknown `kid`.

    `emergency`: every other live key of these uses is taken out of the set at once, the coming one too, because
    others may know it; access tokens under it end. Otherwise the old one keeps its week. `reason` must be given.
    """
    if not reason.strip():
        raise ValueError("a reason must be given")
    _lock_rotation()
    made, retired = [], []
    for kind in KINDS:
        if kind.use not in uses:
            continue
        live = _live(kind)
        fresh = [row.kid for row in live if now - JUST_NOW <= row.published_at == row.used_from <= now]
        if not fresh:
            made.append(_make(kind, now, now, actor, reason))
        if emergency:
            retired += _retire_others(live, fresh[-1:], now, actor, reason)
    return _record_rotation(made, retired)


def _retire_others(
    live: Sequence[SigningKey], kept: Collection[str], now: datetime, actor: str, reason: str
) -> list[Event]:
    return [_retire(row, now, actor, reason) for row in live if row.kid not in kept]


@transaction.atomic
def reseal(*, actor: str, now: datetime) -> ResealResult:
    """Seal every private key and pairwise secret anew with the newest of FIELD_ENCRYPTION_KEYS.

    What no key opens is left as it is, and keeps no other from being sealed.
    """
    _lock_rotation()
    done = unopened = 0
    rows: list[SigningKey | PairwiseKey] = [*SigningKey.objects.all(), *PairwiseKey.objects.select_for_update()]
    for row in rows:
        try:
            _reseal_row(row)
        except InvalidToken:
            unopened += 1
        else:
            done += 1
    detail = {"count": done, **({"unopened": unopened} if unopened else {})}
    audit.actions.record(action="keys.resealed", actor=actor, target="keys:all", at=now, detail=detail)
    return ResealResult(done, unopened)


def _reseal_row(row: SigningKey | PairwiseKey) -> None:
    if isinstance(row, SigningKey):
        handle = sealing.vault().reseal(handle=bytes(row.private_sealed))
        SigningKey.objects.filter(pk=row.pk).update(private_sealed=handle)
    else:
        PairwiseKey.objects.filter(pk=row.pk).update(secret_sealed=seal(unseal(bytes(row.secret_sealed))))


@transaction.atomic
def publish_trial_key(*, algorithm: str, at: datetime) -> Signer:
    """Publish a new key in our JWK Set that signs for this trial alone: no real token is ever signed by it."""
    made = sealing.vault().make(algorithm=algorithm)
    SigningKey.objects.create(
        kid=made.kid,
        use=TRIAL,
        private_sealed=made.handle,
        public_jwk=dict(made.public_jwk),
        published_at=at,
        used_from=at,
    )
    _record_trial_key("key.published", made.kid, at)
    opened = sealing.vault().open(handle=made.handle)
    return Signer(use=SigningKey.Use.ORDER.value, kid=made.kid, key=opened, algorithm=algorithm)


@transaction.atomic
def retire_trial_key(*, kid: str, at: datetime) -> None:
    """Take it out of the set again, unless it is out already."""
    if SigningKey.objects.filter(kid=kid, use=TRIAL, retired_at__isnull=True).update(retired_at=at):
        _record_trial_key("key.retired", kid, at)


def _record_trial_key(action: str, kid: str, at: datetime) -> None:
    audit.actions.record(action=action, actor="system:trial", target=f"{KEY}{kid}", at=at, detail={"use": TRIAL})


def _lock_rotation() -> None:
    """One rotation at a time, also where the table is still empty."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('rotate signing keys', 0))")


def _live(kind: Kind) -> Sequence[SigningKey]:
    """The keys of this kind that were not retired, in the order of their use."""
    rows = SigningKey.objects.filter(use=kind.use, public_jwk__kty=KEY_TYPES[kind.algorithm], retired_at__isnull=True)
    return list(rows.order_by("used_from", "-kid"))


def _make(kind: Kind, published_at: datetime, used_from: datetime, actor: str, reason: str) -> Event:
    """Make a key. Returns what the trail is to say of it."""
    made = sealing.vault().make(algorithm=kind.algorithm)
    SigningKey.objects.create(
        kid=made.kid,
        use=kind.use,
        private_sealed=made.handle,
        public_jwk=dict(made.public_jwk),
        published_at=published_at,
        used_from=used_from,
    )
    detail = {"use": kind.use.value, "algorithm": kind.algorithm, "used_from": used_from.isoformat()}
    return Event("key.published", actor, f"{KEY}{made.kid}", published_at, reason, detail)


def _retire(row: SigningKey, now: datetime, actor: str, reason: str) -> Event:
    SigningKey.objects.filter(pk=row.pk, retired_at__isnull=True).update(retired_at=now)
    return Event("key.retired", actor, f"{KEY}{row.kid}", now, reason, {"use": row.use})


def _record_rotation(made: Sequence[Event], retired: Sequence[Event]) -> RotationResult:
    """Write a pass into the trail, all at once: imports append to many chains beside it."""
    audit.actions.record_events(events=[*made, *retired])
    return RotationResult(*(tuple(event.target.removeprefix(KEY) for event in events) for events in (made, retired)))
