"""How long a change holds what a line opens, and what one line of an account opens of another. Reads alone."""

from datetime import datetime, timedelta

from accounts.models import Line
from accounts.primitives.sealing import unseal

# A new SIM, number or forwarding may mean that somebody else has the phone's texts: so long nothing opens by them.
HOLD = timedelta(hours=24)


def compute_hold_end(*, since: datetime | None, at: datetime) -> datetime | None:
    """Return until when what was so since then holds something; None: it does not at `at`."""
    return since + HOLD if since is not None and at < since + HOLD else None


def get_relation_hold_end(*, own: Line, line: Line, at: datetime) -> datetime | None:
    """Return until when who holds an account by `own` neither sees another line of it nor decides for it, or None.

    A day from when we learned that one of the two came to the account, to a holder, or to a number that was another
    line's. Not of lines that one import brought together.
    """
    learned = [moment for moment in (own.holder_known_at, line.holder_known_at) if moment is not None]
    return compute_hold_end(since=max(learned, default=None), at=at)


def get_history_hold_end(*, line: Line, at: datetime) -> datetime | None:
    """Return until when nobody reads a line, by any proof, because releases of another line came to it, or None."""
    return compute_hold_end(since=line.history_known_at, at=at)


def reaches_line(*, own: Line, line: Line) -> bool:
    """Return whether who holds an account by `own` may see and decide for another line of it, once nothing holds it."""
    minor = line.user_role == Line.UserRole.MINOR
    return own.user_role == Line.UserRole.HOLDER and (
        minor or is_same_holder(line=line, holder_name=unseal(own.holder_name_sealed))
    )


def is_same_holder(*, line: Line, holder_name: str) -> bool:
    """Return whether a line is its account holder's own, and that holder's name is this."""
    return line.user_role == Line.UserRole.HOLDER and unseal(line.holder_name_sealed) == holder_name
