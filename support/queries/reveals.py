"""To whom of staff a case's person is shown now."""

from collections.abc import Sequence
from datetime import datetime

from accounts.policies.permissions import StaffAction, staff_may
from support.models import Reveal, Ticket
from support.queries.lines import takes_two


def is_shown(*, ticket: Ticket, reader: str, at: datetime) -> bool:
    """Return whether `reader` ("agent:7") may see now whose case it is, and with that the files in it.

    A case without a line is in nobody's log: the permission to reveal is enough to open it. What was merged into a case
    is shown with that case.
    """
    role, _colon, number = reader.partition(":")
    if not staff_may(role, StaffAction.REVEAL_PERSON):
        return False
    if ticket.line_id is None:
        return True
    asks = Reveal.objects.filter(ticket__in=_with_those_it_went_into(ticket), line_id=ticket.line_id)
    mine = list(asks.filter(user_id=int(number), until__gt=at))
    return shown_until(mine=mine, two=takes_two(line_id=ticket.line_id, at=at), at=at) is not None


def shown_until(*, mine: Sequence[Reveal], two: bool, at: datetime) -> datetime | None:
    """Return until when one's own reveals show the person, or None. `two`: the line takes two people now."""
    # What one alone was shown ends at once when the line comes to take two.
    counts = [one for one in mine if one.two_needed or not two]
    return max((one.until for one in counts if one.until and one.until > at), default=None)


def _with_those_it_went_into(ticket: Ticket) -> list[Ticket]:
    """A case and those it was merged into, one after another."""
    found = [ticket]
    while (into := found[-1].merged_into) is not None:
        found.append(into)
    return found
