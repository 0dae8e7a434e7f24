"""Which state of a ticket may follow which, and what else moves with it.

`NEXT` says the same as the database's trigger `support_ticket_moves`; a test holds the two together.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from support.models import Ticket

State = Ticket.State
NEXT: Mapping[Ticket.State, frozenset[Ticket.State]] = {
    State.OPEN: frozenset({State.WAITING, State.PARTNER, State.SOLVED, State.MERGED}),
    State.WAITING: frozenset({State.OPEN, State.PARTNER, State.SOLVED, State.MERGED}),
    State.PARTNER: frozenset({State.OPEN, State.WAITING, State.SOLVED, State.MERGED}),
    State.SOLVED: frozenset({State.OPEN, State.CLOSED}),
    State.CLOSED: frozenset({State.OPEN}),
    State.MERGED: frozenset(),
}
OURS = (State.OPEN,)
UNDER_WAY = (State.OPEN, State.WAITING, State.PARTNER)
DONE = (State.SOLVED, State.CLOSED, State.MERGED)
# How long an answer waits for the person's word before the case is closed.
CLOSES_AFTER = timedelta(days=14)


class NotNow(Exception):
    """A ticket in this state does not go there."""


def move(*, ticket: Ticket, to: Ticket.State, at: datetime) -> None:
    """Set a locked ticket's state and what goes with it; does not save. Raises NotNow."""
    was = Ticket.State(ticket.state)
    if to not in NEXT[was]:
        raise NotNow(f"A case that is “{was.label}” does not become “{to.label}”.")
    if was in DONE and to == State.OPEN:
        ticket.reopened += 1
    ticket.state, ticket.last_at = to, at
    ticket.solved_at = at if to == State.SOLVED else ticket.solved_at if to == State.CLOSED else None
    ticket.closed_at = at if to == State.CLOSED else None
