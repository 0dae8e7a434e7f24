"""What changed terms bring about above their own app."""

from datetime import datetime

from accounts.primitives.slots import lock_job
from consent.feeds.approvals import apply_pending_rows
from consent.workers.expiry import notify_partners_of_links
from disclosures import actions
from disclosures.domain.ingest.projections import enqueue_rejudging
from partners.feeds import terms
from partners.feeds.terms import Changes


def settle_files(*, at: datetime, waits: bool = True) -> int | None:
    """Do what changes by parties files call for, also where a file was cut off before that. Safe to repeat.

    Returns how many stops from files the held approvals outweigh; None where somebody else is at it and it `waits` not.
    """
    with lock_job(name="disclosures.settle_files", waits=waits) as mine:
        if not mine:
            return None
        changes, ids = terms.load_unsettled_changes()
        pierced = settle_terms(changes=changes, at=at)
        terms.delete_settled_changes(ids=ids)
        return pierced


def settle_terms(*, changes: Changes, at: datetime, cause: str = "parties") -> int:
    """Do what changed terms call for: held records, links that partners hear of, past judgements, doubts.

    Returns how many stops from files the held approvals outweigh. `cause`: what changed the terms, for the changes of
    judgement; a parties file, or officers' acts.
    """
    pierced = apply_pending_rows(at=at)
    notify_partners_of_links(links=changes.links)
    actions.rejudge_for_parties(uris=changes.parties, at=at)
    enqueue_rejudging(campaigns=changes.campaigns, links=changes.links, at=at)
    actions.catch_up(cause=cause, at=at)
    return pierced
