"""Save a list as someone narrowed and sorted it, rename that and remove it again."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

import audit.actions
from accounts.models import User
from accounts.policies.permissions import StaffAction, actor_of
from accounts.primitives.reasons import has_visible_text, holds_number
from accounts.queries import acting_staff
from support.models import SavedView
from support.policies.lifecycle import NotNow

# Of each list; more are found no faster than by its filters.
MOST = 20
# What lets a role see its lists; all others see terms.
SEES: Mapping[str, StaffAction] = {
    User.Role.LEGAL: StaffAction.SEE_DELAYED, User.Role.AGENT: StaffAction.SEE_TICKETS,
}  # fmt: skip


@transaction.atomic
def save_view(*, user: User, page: str, name: str, query: str, typed: Sequence[str], at: datetime) -> None:
    """Save a view under a name; one of the same name is replaced.

    `query`: the address's own, `typed`: the words in it. Raises StaffOnly, and NotNow for one that holds a phone
    number, has no name that can be read, or is one too many.
    """
    actor = _acting(user)
    _check_words(name, *typed)
    mine = SavedView.objects.filter(user=user, page=page)
    if mine.exclude(name=name).count() >= MOST:
        raise NotNow(_("You have %(n)s views of this list. Remove one first.") % {"n": MOST})
    one, _made = SavedView.objects.update_or_create(user=user, page=page, name=name, defaults={"query": query})
    _record("saved", one, actor, at)


@transaction.atomic
def rename_view(*, user: User, view_id: int, name: str, at: datetime) -> None:
    """Give one's own view another name; nothing happens where there is none.

    Raises StaffOnly, and NotNow for a name that holds a phone number, can't be read, or is another view's.
    """
    actor = _acting(user)
    _check_words(name)
    one = _lock(user, view_id)
    if one is None or one.name == name:
        return
    if SavedView.objects.filter(user=user, page=one.page, name=name).exists():
        raise NotNow(_("Another of your views has this name."))
    one.name = name
    one.save(update_fields=["name"])
    _record("renamed", one, actor, at)


@transaction.atomic
def remove_view(*, user: User, view_id: int, at: datetime) -> None:
    """Remove one's own view; nothing happens where there is none. Raises StaffOnly."""
    actor = _acting(user)
    one = _lock(user, view_id)
    if one is not None:
        _record("removed", one, actor, at)
        one.delete()


def _acting(user: User) -> str:
    return acting_staff(actor=actor_of(user), action=SEES.get(user.role, StaffAction.SEE_TERMS))


def _check_words(name: str, *typed: str) -> None:
    if not has_visible_text(name):
        raise NotNow(_("Give it a name with a letter or a digit."))
    if any(map(holds_number, (name, *typed))):
        raise NotNow(_("A saved view can't hold a phone number."))


def _lock(user: User, view_id: int) -> SavedView | None:
    return SavedView.objects.select_for_update().filter(user=user, pk=view_id).first()


def _record(verb: str, view: SavedView, actor: str, at: datetime) -> None:
    audit.actions.record(
        action=f"saved_view.{verb}", actor=actor, target=f"saved_view:{view.pk}", at=at,
        detail={"of": view.page.replace("-", " ")},
    )  # fmt: skip
