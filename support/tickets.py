"""Open the tickets that the rows below ask for: each once, whatever else happens."""

import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction

import audit.actions
from support import queries
from support.models import Ticket

DUE = {
    Ticket.Kind.DISPUTE: timedelta(days=10),
    Ticket.Kind.INCIDENT: timedelta(days=5),
    Ticket.Kind.OVERDUE: timedelta(days=3),
}
# No letter or digit that can be read as another.
ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"


@transaction.atomic
def open_tickets(*, at: datetime) -> int:
    """Open one ticket for each dispute, incident and late partner's day that has none yet. Returns how many."""
    return _open(
        (
            Ticket(
                code=f"T-{''.join(secrets.choice(ALPHABET) for _ in range(6))}",
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
                actor="system:tickets",
                target=f"ticket:{ticket.code}",
                at=at,
                line_id=ticket.line_id,
                detail={"kind": ticket.kind},
            )
    return opened
