"""What is watched: how many texts with codes go out. And what of them is forgotten when it counts for nothing more."""

from datetime import datetime, timedelta

from django.conf import settings

import audit.actions
from accounts import queries
from accounts.models import BrowserSession, DeviceCookie, KnownDevice, TextedCode, TextTaken, Throttle, WrongCode
from accounts.primitives import browsers
from audit.models import Incident

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
BATCH = 5000
# The door takes nothing that is older than minutes: what was taken need not be known for longer than this.
TEXT_TAKEN = DAY
DEVICE_KNOWN = timedelta(days=366)


def watch_code_texts(*, now: datetime) -> bool:
    """Open an incident where more texts with codes went out within an hour than are ever needed. Returns whether.

    One for each hour of the clock. Nothing is closed to anybody by it: whoever must stop can.
    """
    sent = sum(queries.code_texts(since=now - HOUR).values())
    if sent <= settings.CODE_TEXTS_ALARM:
        return False
    return audit.actions.open_incident(
        kind=Incident.Kind.TEXTS_SPENT, key=now.strftime("%Y-%m-%dT%H"), subject=f"{sent} in an hour", at=now
    )


def forget_codes(*, now: datetime) -> int:
    """Delete the codes that were sent last a day ago, used or not. Returns how many. Safe to repeat.

    None of them opens anything by then, and no limit looks further back (`actions.codes`). Who asked goes with them;
    so do the wrong guesses of the day before, the texts that were taken then, and the devices of nobody who came back.
    """
    WrongCode.objects.filter(at__lte=now - DAY).delete()
    # By then every limit has faded (`actions.rate_limits`).
    Throttle.objects.filter(last_at__lte=now - 3 * DAY).delete()
    TextTaken.objects.filter(taken_at__lte=now - TEXT_TAKEN).delete()
    KnownDevice.objects.filter(last_at__lte=now - DEVICE_KNOWN).delete()
    DeviceCookie.objects.filter(last_at__lte=now - browsers.DEVICE_LASTS).delete()
    forgotten = 0
    while over := list(TextedCode.objects.filter(sent_at__lte=now - DAY).values_list("pk", flat=True)[:BATCH]):
        TextedCode.objects.filter(pk__in=over).delete()
        forgotten += len(over)
    return forgotten


def forget_sessions(*, now: datetime) -> int:
    """Delete the browser sessions whose time is over. Returns how many. Safe to repeat."""
    forgotten = 0
    while over := list(BrowserSession.objects.filter(expires_at__lte=now).values_list("pk", flat=True)[:BATCH]):
        forgotten += BrowserSession.objects.filter(pk__in=over).delete()[0]
    return forgotten
