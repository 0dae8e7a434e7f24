"""Cases for the desk's tests."""

import itertools
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from support.domain.tickets import new_code, write
from support.models import Entry, Ticket

counter = itertools.count(1)


def a_ticket(*, at: datetime | None = None, due_in: timedelta = timedelta(days=5), **fields: Any) -> Ticket:
    """An open case that is nobody's, about nobody."""
    at, n = at or timezone.now(), next(counter)
    values: dict[str, Any] = {
        "code": new_code(), "kind": "other", "key": f"test:{n}", "about": "A question", "opened_at": at,
        "due_at": at + due_in, "last_at": at, **fields,
    }  # fmt: skip
    if values.get("assignee") is not None:
        values.setdefault("claimed_at", at)
    return Ticket.objects.create(**values)


def said(ticket: Ticket, body: str, *, kind: Entry.Kind = Entry.Kind.HEARD, at: datetime | None = None) -> Entry:
    """Something in a case's thread; by its person, if nothing else is said."""
    return write(
        ticket=ticket, kind=kind, author="subscriber:1", channel=Entry.Channel.WEB, body=body, at=at or timezone.now()
    )
