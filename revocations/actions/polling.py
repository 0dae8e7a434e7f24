"""A partner fetches its orders instead of waiting for them."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from partners.models import Party
from revocations.actions.redelivery import recover_own
from revocations.workers.delivery import polling
from revocations.workers.delivery.polling import Offer


def poll(
    *,
    party: Party,
    limit: int,
    acknowledged: Collection[str],
    errors: Mapping[str, tuple[str, str]],
    at: datetime,
    wait: timedelta = timedelta(0),
    since: datetime | None = None,
) -> Offer:
    """Settle what the partner names, then give it up to `limit` of what it has not acknowledged yet.

    `wait`: how long it is willing to wait where nothing waits for it. `since`: it lost what it stored since then, and
    is offered all of that again.
    """
    if acknowledged or errors:
        polling.settle(party_id=party.pk, acknowledged=acknowledged, errors=errors, now=at)
    if since is not None:
        recover_own(party=party, since=since, at=at)
    return polling.offer(party_id=party.pk, limit=limit, now=at, wait=wait)
