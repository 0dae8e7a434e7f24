"""The transparency report in tests: when a month is counted."""

from datetime import datetime, timedelta


def when_counted(at: datetime) -> datetime:
    """A moment at which the month (UTC) of this one is the newest that is counted."""
    return (at.replace(day=28) + timedelta(days=4)).replace(day=4)
