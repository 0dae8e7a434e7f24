"""When a member of staff was at the dashboard before, so that it can say what changed since.

Kept in the cache, by the number of their account: a convenience, which may be lost.
"""

from datetime import UTC, datetime, timedelta

from django.core.cache import cache

from accounts.models import User

# What somebody reads who was never here, or whose last visit is forgotten.
WITHOUT = timedelta(days=1)
KEPT_S = 180 * 86_400

# When they signed in, when they were last here, and what they compare with: each in seconds.
type Visit = tuple[float, float, float]


def get_visit(*, user: User, at: datetime) -> Visit:
    """Return the visit that is kept; where none is, one that compares with a day ago."""
    found = cache.get(visit_key(user=user))
    if isinstance(found, (list, tuple)) and len(found) == 3:
        signed_in, seen, since = found
        return float(signed_in), float(seen), float(since)
    before = (at - WITHOUT).timestamp()
    return 0.0, before, before


def last_visit(*, user: User, at: datetime) -> datetime:
    """Return when they were last here, before they signed in this time."""
    return datetime.fromtimestamp(get_visit(user=user, at=at)[2], UTC)


def visit_key(*, user: User) -> str:
    """Return under which name the cache keeps it."""
    return f"dashboard-visit:{user.pk}"
