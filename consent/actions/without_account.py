"""Stopping by a texted code alone: the stop, a link that shows how far it has come, and a text that confirms it."""

import secrets
import uuid
from datetime import datetime, timedelta

from django.db import connection, transaction

from consent.actions.choices import deny, retry_on_conflict
from consent.domain import messages, order_planning
from consent.domain.notices import DisplayedNotice
from consent.models import Choice
from consent.queries.links import token_hash

LINK = "INSERT INTO consent_progresslink (token_hash, line_id, choice_id, expires_at) VALUES (%s, %s, %s, %s)"
LINK_LASTS = timedelta(days=30)


@retry_on_conflict
@transaction.atomic
def stop_all_by_line(*, line_id: int, notice: DisplayedNotice | None = None, at: datetime) -> str:
    """Stop everything for a line that was proved by code. Returns the token of the link that shows how far it is.

    Pressed again, in another tab say, it is the same stop, with one receipt and one text.

    `notice`: what was read before. The text waits in the same transaction: no gateway that is down loses it.
    """
    choice = Choice(
        kind=Choice.Kind.STOP, line_id=line_id, scope=Choice.Scope.ALL, actor=f"line:{line_id}", channel="stop_page"
    )
    recorded = deny(choice=choice, duties=order_planning.STOP_DUTIES, by="user", notice=notice)
    token = _open_link(line_id=line_id, choice_id=recorded.choice_id, at=at)
    if not recorded.repeated:
        messages.confirm_stop(line_id=line_id, at=at)
    return token


def _open_link(*, line_id: int, choice_id: uuid.UUID, at: datetime) -> str:
    token = secrets.token_urlsafe(24)
    with connection.cursor() as cursor:
        cursor.execute(LINK, [token_hash(token=token), line_id, choice_id, at + LINK_LASTS])
    return token
