"""What was done about how somebody gets in: a row of the trail, and a text to their line."""

from collections.abc import Callable
from datetime import datetime

from django.utils import translation

import audit.actions
from accounts.actions.sms_outbox import post
from accounts.domain import message_templates
from accounts.models import Line, LineUser, Message, User
from accounts.policies.permissions import actor_of


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
