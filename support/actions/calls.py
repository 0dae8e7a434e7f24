"""Calls to numbers of record, as the telephone system logged them."""

from datetime import datetime, timedelta

from django.db import transaction

from accounts.queries import line_of_number
from support.models import LoggedCall

# Clocks of two machines differ by less.
AHEAD = timedelta(minutes=1)


class NotYet(Exception):
    """The call was answered later than now, by its own word."""


@transaction.atomic
def log_call(*, call_ref: str, msisdn: str, answered_at: datetime, by: str, at: datetime) -> None:
    """Keep that a number was called and answered, for the line that had it then. The same id does nothing twice.

    Nothing is kept of a number that was no line's. Raises NotYet.
    """
    if answered_at > at + AHEAD:
        raise NotYet
    line = line_of_number(msisdn=msisdn, at=answered_at)
    if line is not None:
        LoggedCall.objects.get_or_create(
            call_ref=call_ref, defaults={"line_id": line.pk, "answered_at": answered_at, "heard_at": at, "by": by}
        )
