"""Our own signing keys: the first ones. `partners.workers.rotation` does the rest."""

from datetime import datetime

from partners.workers import rotation


def ensure_signing_keys(*, at: datetime) -> list[str]:
    """Make a key for each use that has none yet, in use at once. Returns the `kid`s made. Safe to repeat."""
    return list(rotation.ensure(now=at).made)
