"""Open tickets and write into their threads: what every way into the desk shares, within its caller's transaction."""

import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction

import audit.actions
from support import queries
from support.models import Entry, Ticket

DUE = {
    Ticket.Kind.DISPUTE: timedelta(days=10),
    Ticket.Kind.INCIDENT: timedelta(days=5),
    Ticket.Kind.OVERDUE: timedelta(days=3),
}
USUAL = timedelta(days=7)
# No letter or digit that can be read as another.
ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
SYSTEM = "system:tickets"


@transaction.atomic
def open_tickets(*, at: datetime) -> int:
    """Open one ticket for each dispute, incident and late partner's day that has none yet. Returns how many."""
    return _open(
        (
            Ticket(
                code=new_code(),
                kind=wanted.kind,
                key=wanted.key,
                line_id=wanted.line_id,
                about=wanted.about,
                opened_at=at,
                due_at=at + DUE[wanted.kind],
            )
            for wanted in queries.tickets_wanted(at=at)
        ),
        at,
    )


def due_at(*, kind: str, at: datetime) -> datetime:
    """By when a case of this kind that somebody wrote then is to be answered."""
    return at + DUE.get(Ticket.Kind(kind), USUAL)


def new_code() -> str:
    """What the person quotes: "T-" and six letters or digits that are not read as others."""
    return f"T-{''.join(secrets.choice(ALPHABET) for _ in range(6))}"


def write(
    *,
    ticket: Ticket,
    kind: Entry.Kind,
    author: str,
    channel: Entry.Channel,
    body: str,
    at: datetime,
) -> Entry:
    """Append to a ticket's thread. `author`: as the trail names them. The caller records the act itself."""
    return Entry.objects.create(
        ticket=ticket, kind=kind, author=author, channel=channel, body=body, at=at, language=ticket.language
    )


def happened(*, ticket: Ticket, body: str, at: datetime, author: str = SYSTEM) -> Entry:
    """Append what happened to a ticket, in one sentence for staff."""
    return write(ticket=ticket, kind=Entry.Kind.EVENT, author=author, channel=Entry.Channel.SYSTEM, body=body, at=at)


def _open(tickets: Iterable[Ticket], at: datetime) -> int:
    opened = 0
    for ticket in tickets:
        _, made = Ticket.objects.get_or_create(
            key=ticket.key,
            defaults={
                name: getattr(ticket, name) for name in ("code", "kind", "line_id", "about", "opened_at", "due_at")
            },
        )
        if made:
            opened += 1
            audit.actions.record(
                action="ticket.opened",
                actor=SYSTEM,
                target=f"ticket:{ticket.code}",
                at=at,
                line_id=ticket.line_id,
                detail={"kind": ticket.kind},
            )
    return opened
