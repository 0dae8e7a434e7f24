"""What lets a person in: every change is written down, and their line is told of it without the new value."""

import secrets
from collections.abc import Collection
from datetime import datetime, timedelta
from functools import partial

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse

from accounts.actions.sign_ins import end_sessions, note, send_security_notice
from accounts.domain import auth_factors, message_templates, sessions
from accounts.domain.auth_factors import Factors, link_hash
from accounts.models import NewPassword, User

WAIT, GOOD_FOR = timedelta(hours=24), timedelta(days=7)
TOKEN_BYTES = 24


class HasProofAlready(Exception):
    """A password or passkey stands already: a texted code alone does not replace it."""


class NotYet(Exception):
    """No wait is over: a forgotten password is replaced a day after that was asked for, and for a week."""


@transaction.atomic
def set_first_password(*, user: User, password: str, by_carrier: bool = False, at: datetime) -> User:
    """Give a person the first password of their tenure. Raises HasProofAlready: a later one needs the earlier.

    `by_carrier`: they came by the carrier's sign-in as strongly as it takes to see, which is their proof until then.
    """
    user = User.objects.select_for_update(of=("self",)).get(pk=user.pk)
    if sessions.has_proof_of_their_own(user=user, but_carrier=by_carrier):
        raise HasProofAlready
    user.set_password(password)
    user.save(update_fields=["password"])
    _record_changes(user, ["password_chosen"], at)
    return user


@transaction.atomic
def note_changes(*, user_id: int, before: Factors, kept: bytes, at: datetime) -> None:
    """Write down what became different about what lets a person in since `before`, in the transaction that changed it.

    Who gave their password to change it has not forgotten it: a wait for a new one is over. Their other sign-ins end,
    all but the one of `kept` (`sessions.key_hash`).
    """
    user = User.objects.get(pk=user_id)
    what = auth_factors.differences(before=before, after=auth_factors.factors_of(user=user))
    if what:
        _record_changes(user, what, at)
    if "password_changed" in what:
        end_sessions(user_id=user_id, kept=kept, at=at)
        _open(user).update(cancelled_at=at)


@transaction.atomic
def ask_new_password(*, user: User, at: datetime) -> None:
    """Begin the wait for a new password, and text the line a link that ends it. Does nothing while one waits."""
    user = User.objects.select_for_update(of=("self",)).get(pk=user.pk)
    _open(user).filter(expires_at__lte=at).update(cancelled_at=at)
    if _open(user).exists() or not sessions.has_proof_of_their_own(user=user):
        return
    token = secrets.token_urlsafe(TOKEN_BYTES)
    NewPassword.objects.create(
        user=user,
        token_hash=link_hash(token=token),
        asked_at=at,
        counts_from=at + WAIT,
        expires_at=at + WAIT + GOOD_FOR,
    )
    url = f"{settings.BASE_URL}{reverse('new-password-cancel', args=[token])}"
    note(user=user, what="new_password_asked", at=at)
    send_security_notice(user=user, text=partial(message_templates.new_password_text, url=url), at=at)


@transaction.atomic
def cancel_new_password(*, user_id: int, at: datetime) -> bool:
    """End the wait for a new password. Returns whether there was one."""
    user = User.objects.select_for_update(of=("self",)).get(pk=user_id)
    found = bool(_open(user).update(cancelled_at=at))
    if found:
        note(user=user, what="new_password_cancelled", at=at)
        send_security_notice(user=user, text=message_templates.new_password_cancelled_text, at=at)
    return found


@transaction.atomic
def replace_password(*, user: User, password: str, at: datetime) -> User:
    """Give a person another password by texted code alone, after the wait. Ends their other sign-ins. Raises NotYet."""
    user = User.objects.select_for_update(of=("self",)).get(pk=user.pk)
    waited = auth_factors.new_password_of(user=user, at=at)
    if waited is None or at < waited.counts_from:
        raise NotYet
    waited.used_at = at
    waited.save(update_fields=["used_at"])
    user.set_password(password)
    user.save(update_fields=["password"])
    _record_changes(user, ["password_replaced"], at)
    return user


def _open(user: User) -> QuerySet[NewPassword]:
    return NewPassword.objects.filter(user=user, cancelled_at__isnull=True, used_at__isnull=True)


def _record_changes(user: User, what: Collection[str], at: datetime) -> None:
    for one in what:
        note(user=user, what=one, at=at)
    send_security_notice(user=user, text=partial(message_templates.changed_text, what=what), at=at)
