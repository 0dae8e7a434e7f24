"""How a moment goes to the database: in UTC.

RFC 3339 lets an offset be of up to 23:59 hours, PostgreSQL knows none beyond 15:59: the same moment in UTC is good for
both, whichever door it came by.
"""

from datetime import UTC, datetime

import psycopg
from psycopg.abc import Buffer
from psycopg.types.datetime import DatetimeDumper


class UtcDumper(DatetimeDumper):
    """Writes a moment in UTC."""

    def dump(self, obj: datetime) -> Buffer | None:
        """Hours before the first moment of a calendar, or after its last one, are as good as that moment."""
        try:
            return super().dump(obj.astimezone(UTC))
        except OverflowError:
            return super().dump(obj.replace(tzinfo=UTC))


def write_in_utc() -> None:
    """Make every connection from now on write moments so."""
    psycopg.adapters.register_dumper(datetime, UtcDumper)
