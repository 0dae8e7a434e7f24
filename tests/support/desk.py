"""Cases for the desk's tests."""

import itertools
import zlib
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from support.domain import tickets
from support.domain.tickets import new_code, write
from support.models import Entry, Ticket
from tests.people import Browser
from tests.staff import an_actor

counter = itertools.count(1)


def png_part(kind: bytes, content: bytes = b"") -> bytes:
    return len(content).to_bytes(4) + kind + content + zlib.crc32(kind + content).to_bytes(4)


PNG = b"\x89PNG\r\n\x1a\n" + b"".join(
    (png_part(b"IHDR", b"\0\0\0\1\0\0\0\1\x08\0\0\0\0"), png_part(b"IDAT", zlib.compress(b"\0\0")), png_part(b"IEND"))
)


def a_ticket(*, at: datetime | None = None, due_in: timedelta = timedelta(days=5), **fields: Any) -> Ticket:
    """An open case that is nobody's, about nobody."""
    at, n = at or timezone.now(), next(counter)
    values: dict[str, Any] = {
        "code": new_code(), "kind": "other", "key": f"test:{n}", "about": "A question", "opened_at": at,
        "due_at": at + due_in, "last_at": at + timedelta(minutes=1), **fields,
    }  # fmt: skip
    if values.get("assignee") is not None:
        values.setdefault("claimed_at", at)
    return Ticket.objects.create(**values)


def said(ticket: Ticket, body: str, *, kind: Entry.Kind = Entry.Kind.HEARD, at: datetime | None = None) -> Entry:
    """Something in a case's thread; by its person, if nothing else is said."""
    return write(
        ticket=ticket, kind=kind, author="subscriber:1", channel=Entry.Channel.WEB, body=body, at=at or timezone.now()
    )


def asks(browser: Browser, path: str = "/help/write/", **said: object) -> Ticket:
    """Write something; the case that it makes."""
    answer = browser.client.post(path, {"topic": "other", "message": "Who is this?", **said})
    assert answer.status_code == 302, answer.content.decode()
    return Ticket.objects.get(code=answer.headers["Location"].split("/")[-2])


def answered(ticket: Ticket, body: str = "It was a tow truck.", then: Ticket.State = Ticket.State.SOLVED) -> None:
    locked = Ticket.objects.select_for_update().get(pk=ticket.pk)
    tickets.answer(ticket=locked, body=body, actor=an_actor("agent"), then=then, at=timezone.now())
