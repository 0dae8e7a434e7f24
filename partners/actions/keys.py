"""Our own signing keys: the first ones. `partners.workers.rotation` does the rest."""

from datetime import datetime

from django.db import transaction

import audit.actions
from partners.domain import keys
from partners.domain.keys import Signer
from partners.models import SigningKey
from partners.primitives import sealing
from partners.workers import rotation

ACTOR = "system:trial"


def ensure_signing_keys(*, at: datetime) -> list[str]:
    """Make a key for each use that has none yet, in use at once. Returns the `kid`s made. Safe to repeat."""
    return list(rotation.ensure(now=at).made)


@transaction.atomic
def publish_trial_key(*, algorithm: str, at: datetime) -> Signer:
    """A new key, in our JWK Set from now on, that signs for this trial alone: no real token is ever signed by it."""
    made = sealing.vault().make(algorithm=algorithm)
    SigningKey.objects.create(
        kid=made.kid,
        use=keys.TRIAL,
        private_sealed=made.handle,
        public_jwk=dict(made.public_jwk),
        published_at=at,
        used_from=at,
    )
    _record_key_event("key.published", made.kid, at)
    opened = sealing.vault().open(handle=made.handle)
    return Signer(use=SigningKey.Use.ORDER.value, kid=made.kid, key=opened, algorithm=algorithm)


@transaction.atomic
def retire_trial_key(*, kid: str, at: datetime) -> None:
    """Take it out of the set again, unless it is out already."""
    if SigningKey.objects.filter(kid=kid, use=keys.TRIAL, retired_at__isnull=True).update(retired_at=at):
        _record_key_event("key.retired", kid, at)


def _record_key_event(action: str, kid: str, at: datetime) -> None:
    audit.actions.record(action=action, actor=ACTOR, target=f"key:{kid}", at=at, detail={"use": keys.TRIAL})
