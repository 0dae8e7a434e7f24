"""Save a list as someone narrowed and sorted it, and remove that again."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

import audit.actions
from accounts.models import User
from accounts.policies.permissions import StaffAction, actor_of
from accounts.primitives.reasons import has_visible_text, remove_numbers
from accounts.queries import acting_staff
from partners.policies.lifecycle import NotNow
from support.models import SavedView

# Of each list; more are found no faster than by its filters.
MOST = 20
NUMBER = "A saved view can't hold a phone number."


@transaction.atomic
def save_view(*, user: User, page: str, name: str, query: str, typed: Sequence[str], at: datetime) -> None:
    """Save a view under a name; one of the same name is replaced.

    `query`: the address's own, `typed`: the values in it. Raises StaffOnly, and NotNow for one that holds a phone
    number, has no name that can be read, or is one too many.
    """
    actor = _acting(user)
    if not has_visible_text(name):
        raise NotNow("Give it a name with a letter or a digit.")
    if any(remove_numbers(one) != one for one in (name, *typed)):
        raise NotNow(NUMBER)
    mine = SavedView.objects.filter(user=user, page=page)
    if mine.exclude(name=name).count() >= MOST:
        raise NotNow(f"You have {MOST} views of this list. Remove one first.")
    one, _ = SavedView.objects.update_or_create(user=user, page=page, name=name, defaults={"query": query})
    _record("saved", page, one.pk, actor, at)


@transaction.atomic
def remove_view(*, user: User, view_id: int, at: datetime) -> None:
    """Remove one's own view; nothing happens where there is none. Raises StaffOnly."""
    actor = _acting(user)
    one = SavedView.objects.select_for_update().filter(user=user, pk=view_id).first()
    if one is not None:
        one.delete()
        _record("removed", one.page, view_id, actor, at)


def _acting(user: User) -> str:
    needed = StaffAction.SEE_DELAYED if user.role == User.Role.LEGAL else StaffAction.SEE_TERMS
    return acting_staff(actor=actor_of(user), action=needed)


def _record(verb: str, page: str, view_id: int, actor: str, at: datetime) -> None:
    audit.actions.record(
        action=f"saved_view.{verb}", actor=actor, target=f"saved_view:{view_id}", at=at,
        detail={"of": page.replace("-", " ")},
    )  # fmt: skip
