"""What is forgotten of machines' sign-ins."""

from datetime import datetime, timedelta

from partners.models import UsedAssertion

# A server whose clock is behind still takes an assertion for so long.
CLOCKS_APART = timedelta(seconds=5)


def forget(*, now: datetime) -> None:
    """Delete the used assertions that have ended. Safe to repeat."""
    UsedAssertion.objects.filter(expires_at__lte=now - CLOCKS_APART).delete()
