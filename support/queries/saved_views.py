"""Read the views of a list that a member of staff saved."""

from collections.abc import Sequence

from accounts.models import User
from support.models import SavedView


def list_views(*, user: User, page: str) -> Sequence[SavedView]:
    """Return what this reader saved of a list, by name. `page`: the name of its address."""
    return list(SavedView.objects.filter(user=user, page=page).order_by("name", "pk"))
