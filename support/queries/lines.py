"""Lines that staff treat with care: those that take two of staff to see, and those that belong to no person."""

from datetime import datetime, timedelta

from django.db.models import Q

from accounts.models import Separation
from accounts.policies import delegations
from accounts.primitives import synthetic
from support.models import ProtectedLine

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
        or delegations.untold(at=at).filter(line_id=line_id).exists()
    )


def find_officer_mark(*, line_id: int) -> ProtectedLine | None:
    """Return an officer's own word that it does, while it counts."""
    return ProtectedLine.objects.filter(line_id=line_id, ended_at__isnull=True).first()


# Of no figure about what people did. Whenever a line was watched, it was the carrier's own all the time.
NOBODYS = """
SELECT id AS line_id FROM accounts_line WHERE carrier_id = '<name>'
UNION SELECT line_id FROM support_seedline
""".replace("<name>", synthetic.NAME)
