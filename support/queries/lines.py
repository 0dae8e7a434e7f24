"""Lines that staff treat with care: those that take two of staff to see, and those that belong to no person."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db.models import Q

from accounts.models import Separation
from accounts.policies import delegations
from accounts.policies.permissions import StaffAction, staff_may
from accounts.primitives import synthetic
from support.models import ProtectedLine, Reveal, Ticket

# So long an officer's protection still counts after it was ended: to end it is no quick way to look.
GOES_ON = timedelta(hours=24)


def takes_two(*, line_id: int, at: datetime) -> bool:
    """Return whether a second person must agree before one sees whose this line is. Never says why.

    A safe contact, a separation that is under way or that nobody may be told of yet, or an officer's word.
    """
    return (
        ProtectedLine.objects.filter(Q(ended_at__isnull=True) | Q(ended_at__gt=at - GOES_ON), line_id=line_id).exists()
        or delegations.contact_of(line_id=line_id) is not None
        or Separation.objects.filter(line_id=line_id, state=Separation.State.OPEN).exists()
        or delegations.query_confidential_departures(at=at).filter(line_id=line_id).exists()
    )


def find_officer_mark(*, line_id: int) -> ProtectedLine | None:
    """Return an officer's own word that it does, while it counts."""
    return ProtectedLine.objects.filter(line_id=line_id, ended_at__isnull=True).first()


# Of no figure about what people did. Whenever a line was watched, it was the carrier's own all the time.
NOBODYS = """
SELECT id AS line_id FROM accounts_line WHERE carrier_id = '<name>'
UNION SELECT line_id FROM support_seedline
""".replace("<name>", synthetic.NAME)


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
    # The database lets no case change its line, nor go on as one of somebody else.
    asks = Reveal.objects.filter(ticket__in=_with_those_it_went_into(ticket))
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
