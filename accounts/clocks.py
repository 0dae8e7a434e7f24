"""What is watched: how many texts with codes go out."""

from datetime import datetime, timedelta

from django.conf import settings

import audit.actions
from accounts import queries
from audit.models import Incident

HOUR = timedelta(hours=1)


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
