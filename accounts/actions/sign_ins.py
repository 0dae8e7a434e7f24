"""Where a person is signed in, and what lets them in: passwords, passkeys, codes, a wait for a new password.

Every change is written into the trail, and the person's line is told of it without the new value.
"""

import secrets
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from functools import partial

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import translation

import audit.actions
from accounts.actions.sms_outbox import enqueue_text
from accounts.domain import auth_factors, message_templates, sessions
from accounts.domain.auth_factors import Factors
from accounts.models import BrowserSession, KnownDevice, Line, LineUser, Message, NewPassword, User
from accounts.policies.permissions import actor_of
from accounts.primitives.sealing import compute_hmac, token_hash

PASSWORD_WAIT, PASSWORD_GOOD_FOR = timedelta(hours=24), timedelta(days=7)
TOKEN_BYTES = 16


def record_sign_in_event(*, user: User, what: str, at: datetime) -> None:
    """Append to the trail what somebody did about their own sign-in; a subscriber finds it in the log of their line.

    Of somebody whose line has ended it is that line's.
    """
    line = _line(user) or _ended_line(user)
    audit.actions.record(
        action=f"{'line' if line else 'staff'}.{what}",
        actor=actor_of(user),
        target=f"{'subscriber' if line else 'user'}:{user.pk}",
        line_id=line.pk if line else None,
        at=at,
    )


def send_security_notice(*, user: User, text: Callable[[], str], at: datetime) -> None:
    """Text a person's own line. `text`: makes the words, in the line's language."""
    line = _line(user)
    if line is not None:
        with translation.override(message_templates.language_of(line)):
            enqueue_text(line_id=line.pk, kind=Message.Kind.WAY_IN, words=text(), at=at)


def _line(user: User) -> Line | None:
    current = LineUser.objects.select_related("line").filter(user=user, until__isnull=True).first()
    return current.line if current else None


def _ended_line(user: User) -> Line | None:
    last = LineUser.objects.select_related("line").filter(user=user, until__isnull=False).order_by("-until").first()
    return last.line if last else None


def end_sessions(*, user_id: int, kept: bytes = b"", only: int | None = None, at: datetime) -> int:
    """End a person's sign-ins but the one of `kept` (`sessions.key_hash`); `only`: one alone, by its id.

    Returns: how many were open and are ended.
    """
    wanted = BrowserSession.objects.filter(user_id=user_id).exclude(key_hash=kept)
    if only is not None:
        wanted = wanted.filter(pk=only)
    wanted.filter(expires_at__lte=at).delete()
    ended, _ = wanted.delete()
    return ended


@transaction.atomic
def end_sign_ins(*, user: User, kept: bytes = b"", only: int | None = None, at: datetime) -> int:
    """End a person's sign-ins but the one of `kept` (`sessions.key_hash`); `only`: that one alone. Returns how many."""
    ended = end_sessions(user_id=user.pk, kept=kept, only=only, at=at)
    if ended:
        record_sign_in_event(user=user, what="sign_ins_ended", at=at)
    return ended


@transaction.atomic
def record_device(*, user: User, device: str, at: datetime) -> None:
    """Remember the browser and network by which somebody has just signed in; tell their line of one it did not know.

    `device`: what `browsers.device` says. Only a keyed hash of it is kept. The first of a tenure is no news.
    """
    mark = compute_hmac("device", f"{user.pk}|{device}".encode())
    user = User.objects.select_for_update(of=("self",)).get(pk=user.pk)
    # Whoever comes back after a year has signed in before, though we know no device of theirs any more.
    others = user.last_login is not None or KnownDevice.objects.filter(user=user).exists()
    _, is_new = KnownDevice.objects.update_or_create(
        user=user, mark_hash=mark, defaults={"last_at": at}, create_defaults={"first_at": at, "last_at": at}
    )
    if is_new and others:
        record_sign_in_event(user=user, what="new_device", at=at)
        send_security_notice(user=user, text=message_templates.new_device_text, at=at)


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
    if sessions.has_own_proof(user=user, but_carrier=by_carrier):
        raise HasProofAlready
    user.set_password(password)
    user.save(update_fields=["password"])
    _record_changes(user, ["password_chosen"], at)
    return user


@transaction.atomic
def record_factor_differences(*, user_id: int, before: Factors, kept: bytes, at: datetime) -> None:
    """Write down what became different about what lets a person in since `before`, in the transaction that changed it.

    Who gave their password to change it has not forgotten it: a wait for a new one is over. Their other sign-ins end,
    all but the one of `kept` (`sessions.key_hash`).
    """
    user = User.objects.get(pk=user_id)
    what = auth_factors.list_differences(before=before, after=auth_factors.get_factors(user=user))
    if what:
        _record_changes(user, what, at)
    if "password_changed" in what:
        end_sessions(user_id=user_id, kept=kept, at=at)
        _open(user).update(cancelled_at=at)


@transaction.atomic
def start_new_password(*, user: User, at: datetime) -> None:
    """Begin the wait for a new password, and text the line a link that ends it. Does nothing while one waits."""
    user = User.objects.select_for_update(of=("self",)).get(pk=user.pk)
    _open(user).filter(expires_at__lte=at).update(cancelled_at=at)
    if _open(user).exists() or not sessions.has_own_proof(user=user):
        return
    token = secrets.token_urlsafe(TOKEN_BYTES)
    NewPassword.objects.create(
        user=user,
        token_hash=token_hash(token=token),
        asked_at=at,
        counts_from=at + PASSWORD_WAIT,
        expires_at=at + PASSWORD_WAIT + PASSWORD_GOOD_FOR,
    )
    url = f"{settings.BASE_URL}{reverse('new-password-cancel', args=[token])}"
    record_sign_in_event(user=user, what="new_password_asked", at=at)
    send_security_notice(user=user, text=partial(message_templates.new_password_text, url=url), at=at)


@transaction.atomic
def cancel_new_password(*, user_id: int, at: datetime) -> bool:
    """End the wait for a new password. Returns whether there was one."""
    user = User.objects.select_for_update(of=("self",)).get(pk=user_id)
    found = bool(_open(user).update(cancelled_at=at))
    if found:
        record_sign_in_event(user=user, what="new_password_cancelled", at=at)
        send_security_notice(user=user, text=message_templates.new_password_cancelled_text, at=at)
    return found


@transaction.atomic
def replace_password(*, user: User, password: str, at: datetime) -> User:
    """Give a person another password by texted code alone, after the wait. Ends their other sign-ins. Raises NotYet."""
    user = User.objects.select_for_update(of=("self",)).get(pk=user.pk)
    waited = auth_factors.get_pending_password(user=user, at=at)
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
        record_sign_in_event(user=user, what=one, at=at)
    send_security_notice(user=user, text=partial(message_templates.changed_text, what=what), at=at)
