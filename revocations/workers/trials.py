"""What is forgotten of partners' trials."""

from datetime import datetime, timedelta

from revocations.models import Trial

KEPT = timedelta(days=90)


def forget(*, now: datetime) -> None:
    """Delete the trials that began 90 days ago, with all that is theirs. Safe to repeat."""
    Trial.objects.filter(started_at__lte=now - KEPT).delete()
