"""Send officers word of what came to wait for them: by e-mail, and to the webhook. Kinds and counts, and no names.

What came is counted since the last message, so that one that fails is made again from the records. A worker that is
killed between sending and writing that down sends the same once more.
"""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from http import HTTPStatus
from zoneinfo import ZoneInfo

import structlog
from django.conf import settings
from django.core.mail import send_mail
from django.db.models import Q
from django.urls import reverse

from accounts.models import User
from accounts.policies.permissions import actor_of
from accounts.primitives.slots import lock_job
from console.queries.notifications import Notification, list_notifications
from partners.clients import http
from support.models import NotificationChannel
from support.queries.counts import cap_count

log = structlog.get_logger()
TURN = "console.notifications"
# An act is dated before it is committed: what came so lately is left for the next message.
SETTLES_WITHIN = timedelta(seconds=30)
READERS = (User.Role.OFFICER, User.Role.LEGAL)
BETWEEN_MAILS = timedelta(hours=1)


def send_notifications(*, now: datetime) -> int:
    """Send to each channel what came since its last message. Returns how many messages were sent."""
    with lock_job(name=TURN) as mine:
        return sum(_notify(one, now) for one in _list_channels(now)) if mine else 0


def is_quiet(*, channel: NotificationChannel, at: datetime) -> bool:
    """Return whether nothing is sent at this hour."""
    hour, first, last = at.astimezone(ZoneInfo(channel.zone)).hour, channel.quiet_from, channel.quiet_until
    return first <= hour < last if first < last else first != last and (hour >= first or hour < last)


def _list_channels(now: datetime) -> list[NotificationChannel]:
    chosen = NotificationChannel.objects.filter(is_on=True, user__role__in=READERS, user__is_active=True)
    mails = chosen.exclude(user__email="").filter(Q(told_at__lte=now - BETWEEN_MAILS)).select_related("user")
    return [*_webhook(now), *mails.order_by("pk")]


def _webhook(now: datetime) -> Iterator[NotificationChannel]:
    """Yield the webhook, with the quiet hours of the settings now."""
    if settings.STAFF_WEBHOOK_URL:
        begun = {"is_on": True, "told_at": now}
        one, _ = NotificationChannel.objects.get_or_create(user=None, defaults=begun)
        one.quiet_from, one.quiet_until, one.zone = settings.STAFF_WEBHOOK_QUIET
        yield one


def _notify(channel: NotificationChannel, now: datetime) -> bool:
    """Whether a message was sent. Where it could not be, the next run makes it again."""
    if is_quiet(channel=channel, at=now):
        return False
    until = now - SETTLES_WITHIN
    counted = _count_new(channel, now, until)
    if not any(new for _, new in counted):
        return False
    sent = _mail(channel.user.email, counted) if channel.user else _post(counted)
    if sent:
        NotificationChannel.objects.filter(pk=channel.pk).update(told_at=until)
    return sent


def _count_new(channel: NotificationChannel, now: datetime, until: datetime) -> list[tuple[Notification, int]]:
    found = list_notifications(reader=actor_of(channel.user) if channel.user else "", at=now)
    return [(one, one.count_new(since=channel.told_at, until=until)) for one in found if not one.in_confidence]


def _lines(counted: Sequence[tuple[Notification, int]]) -> list[str]:
    return [f"{one.label}{f' ({cap_count(new)} new)' if new else ''}: {_address(one)}" for one, new in counted]


def _address(one: Notification) -> str:
    return f"{settings.BASE_URL}{reverse(one.page)}{f'?{one.query}' if one.query else ''}"


def _mail(address: str, counted: Sequence[tuple[Notification, int]]) -> bool:
    new = sum(new for _, new in counted)
    text = "\n".join([
        "Waiting for you in the console:", "", *_lines(counted), "",
        f"Turn these e-mails off: {settings.BASE_URL}/admin/notifications/", "",
    ])  # fmt: skip
    try:
        send_mail(
            f"Whereabouts: {new:,} new {'item needs' if new == 1 else 'items need'} attention", text, None, [address]
        )
    except (OSError, ValueError) as error:  # The mail server is down, or this address is none.
        log.warning("notification_not_mailed", error=type(error).__name__)
        return False
    return True


def _post(counted: Sequence[tuple[Notification, int]]) -> bool:
    body = json.dumps({"text": "\n".join(["Waiting in Whereabouts:", *_lines(counted)])}).encode()
    reply = http.post(url=settings.STAFF_WEBHOOK_URL, body=body, content_type="application/json", is_ours=True)
    if reply.status is None or not HTTPStatus.OK <= reply.status < HTTPStatus.MULTIPLE_CHOICES:
        log.warning("notification_not_posted", status=reply.status or reply.detail)
        return False
    return True
