"""Remember when a member of staff was at the dashboard."""

from datetime import UTC, datetime

from django.core.cache import cache

from accounts.models import User
from console.queries.visits import KEPT_S, get_visit, visit_key


def note_visit(*, user: User, at: datetime) -> datetime:
    """Note that they are here, and return when they were here before they signed in this time.

    It stays the same until they sign in again, however often they come back to the page.
    """
    signed_in, seen, since = get_visit(user=user, at=at)
    now = user.last_login.timestamp() if user.last_login else 0.0
    if now != signed_in:
        since = seen
    cache.set(visit_key(user=user), (now, at.timestamp(), since), KEPT_S)
    return datetime.fromtimestamp(since, UTC)
