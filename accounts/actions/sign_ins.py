"""Where a person is signed in and from where; what was done about it: an event of the trail, a text to their line."""

from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import translation

import audit.actions
from accounts.actions.sms_outbox import post
from accounts.domain import message_templates
from accounts.models import BrowserSession, KnownDevice, Line, LineUser, Message, User
from accounts.policies.permissions import actor_of
from accounts.primitives.sealing import compute_hmac

REMEMBERED = timedelta(days=366)


def note(*, user: User, what: str, at: datetime) -> None:
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
            post(line_id=line.pk, kind=Message.Kind.WAY_IN, words=text(), at=at)


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
        note(user=user, what="sign_ins_ended", at=at)
    return ended


@transaction.atomic
def note_device(*, user: User, device: str, at: datetime) -> None:
    """Remember the browser and network by which somebody has just signed in; tell their line of one it did not know.

    `device`: what `browsers.device` says. Only a keyed hash of it is kept. The first of a tenure is no news.
    """
    mark = compute_hmac("device", f"{user.pk}|{device}".encode())
    User.objects.select_for_update(of=("self",)).get(pk=user.pk)
    known = KnownDevice.objects.filter(user=user)
    known.filter(last_at__lt=at - REMEMBERED).delete()
    others = known.exists()
    _, is_new = KnownDevice.objects.update_or_create(
        user=user, mark_hash=mark, defaults={"last_at": at}, create_defaults={"first_at": at, "last_at": at}
    )
    if is_new and others:
        note(user=user, what="new_device", at=at)
        send_security_notice(user=user, text=message_templates.new_device_text, at=at)
