"""Comparisons of partners' books with ours, for the officers."""

from django.db.models import QuerySet

from consent.models import DigestRun


def digest_runs(*, party_id: int | None = None) -> QuerySet[DigestRun]:
    """The newest first, of one partner or of all. `differing` and `drilled` are buckets in hexadecimal."""
    runs = DigestRun.objects.order_by("-received_at")
    return runs if party_id is None else runs.filter(party_id=party_id)
