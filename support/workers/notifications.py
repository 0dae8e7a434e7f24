"""Send officers word of what came to wait for them: by e-mail, and to the webhook. Kinds and counts, and no names.

What came is counted since the last message, so that one that fails is made again from the records. A worker that is
killed between sending and writing that down sends the same once more.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from http import HTTPStatus
from zoneinfo import ZoneInfo

import structlog
from django.conf import settings
from django.core.mail import send_mail
from django.db.models import Q
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import User
from accounts.policies.permissions import actor_of
from accounts.primitives.slots import lock_job
from accounts.workers.one_by_one import run_each
from partners.clients import http
from support.models import NotificationChannel
from support.queries.counts import cap_count
from support.queries.notifications import NEEDED, Kinds, Notification, list_notifications

log = structlog.get_logger()
TURN = "console.notifications"
# An act is dated before it is committed: what came so lately is left for the next message.
SETTLES_WITHIN = timedelta(seconds=30)
BETWEEN_MAILS = timedelta(hours=1)


def send_notifications(*, kinds: Mapping[str, Kinds], now: datetime) -> int:
    """Send to each channel what came since its last message. Returns how many messages were sent.

    `kinds`: what each role is told of; the webhook is told what officers are.
    """
    with lock_job(name=TURN) as mine:
        rows = _list_channels(now) if mine else []
        return run_each(job=TURN, rows=rows, do=partial(_notify, kinds=kinds, now=now), at=now)


def is_quiet(*, channel: NotificationChannel, at: datetime) -> bool:
    """Return whether nothing is sent at this hour."""
    hour, first, last = at.astimezone(ZoneInfo(channel.zone)).hour, channel.quiet_from, channel.quiet_until
    return first <= hour < last if first < last else first != last and (hour >= first or hour < last)


def _list_channels(now: datetime) -> list[NotificationChannel]:
    chosen = NotificationChannel.objects.filter(is_on=True, user__role__in=NEEDED, user__is_active=True)
    mails = chosen.exclude(user__email="").filter(Q(told_at__lte=now - BETWEEN_MAILS)).select_related("user")
    return [*_webhook(now), *mails.order_by("pk")]


def _webhook(now: datetime) -> Iterator[NotificationChannel]:
    """Yield the webhook, with the quiet hours of the settings now."""
    if settings.STAFF_WEBHOOK_URL:
        begun = {"is_on": True, "told_at": now}
        one, _ = NotificationChannel.objects.get_or_create(user=None, defaults=begun)
        one.quiet_from, one.quiet_until, one.zone = settings.STAFF_WEBHOOK_QUIET
        yield one


def _notify(channel: NotificationChannel, kinds: Mapping[str, Kinds], now: datetime) -> bool:
    """Whether a message was sent. Where it could not be, the next run makes it again."""
    if is_quiet(channel=channel, at=now):
        return False
    until = now - SETTLES_WITHIN
    with translation.override(channel.language):
        counted = _count_new(channel, kinds, now, until)
        if not any(new for _one, new in counted):
            return False
        sent = _mail(channel.user, counted) if channel.user else _post(counted)
    if sent:
        NotificationChannel.objects.filter(pk=channel.pk).update(told_at=until)
    return sent


def _count_new(
    channel: NotificationChannel, kinds: Mapping[str, Kinds], now: datetime, until: datetime
) -> list[tuple[Notification, int]]:
    reader = actor_of(channel.user) if channel.user else ""
    of_role = kinds[channel.user.role if channel.user else User.Role.OFFICER]
    told = {name: kind for name, kind in of_role.items() if not kind.in_confidence and name not in channel.left_out}
    found = list_notifications(kinds=told, reader=reader, at=now)
    return [(one, one.count_new(since=channel.told_at, until=until)) for one in found]


def _lines(counted: Sequence[tuple[Notification, int]]) -> list[str]:
    return [f"{one.label}{_say_new(new)}: {_address(one)}" for one, new in counted]


def _say_new(new: int) -> str:
    return " " + ngettext("(%(n)s new)", "(%(n)s new)", new) % {"n": cap_count(new)} if new else ""


def _address(one: Notification) -> str:
    return f"{settings.BASE_URL}{reverse(one.page)}{f'?{one.query}' if one.query else ''}"


def _mail(user: User, counted: Sequence[tuple[Notification, int]]) -> bool:
    new = sum(new for _one, new in counted)
    at_desk = user.role == User.Role.AGENT
    page = f"{settings.BASE_URL}{reverse('desk-notifications' if at_desk else 'admin:notifications')}"
    text = "\n".join([
        _("Waiting for you at the desk:") if at_desk else "Waiting for you in the console:", "", *_lines(counted), "",
        _("Turn these e-mails off: %(page)s") % {"page": page}, "",
    ])  # fmt: skip
    subject = ngettext(
        "Whereabouts: %(n)s new item needs attention", "Whereabouts: %(n)s new items need attention", new
    )
    try:
        send_mail(subject % {"n": f"{new:,}"}, text, None, [user.email])
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
