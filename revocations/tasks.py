"""Celery's doors to delivery: two lines each."""

from celery import shared_task
from django.utils import timezone

from revocations.workers import deadlines, stream_health, trials, verification
from revocations.workers.delivery import delivery_rounds


@shared_task
def deliver(*, party_ids: list[int]) -> None:
    """Push to these partners now. Only a nudge: the rows are the queue, and the sweep finds what it missed.

    It asks the database nothing: Celery closes a task's session after each, and to open one costs more than a push.
    """
    delivery_rounds.start_delivery(party_ids=party_ids, now=timezone.now())


@shared_task
def deliver_due(*, party_id: int) -> None:
    """Push what is due to one partner."""
    delivery_rounds.start_delivery(party_ids=[party_id], now=timezone.now())


@shared_task
def sweep() -> None:
    """One task for each partner to whom something is due: the only retry, and all that a lost nudge needs."""
    for party_id in delivery_rounds.begin_sweep(now=timezone.now()):
        deliver_due.delay(party_id=party_id)


@shared_task
def verify_streams() -> None:
    """Ask streams that were not asked lately whether they live, and take what came of the last questions."""
    verification.verify_streams(now=timezone.now())


@shared_task
def watch_partners() -> None:
    """Deny the partners that let orders lie or whose stream is not well."""
    stream_health.watch(now=timezone.now())


@shared_task
def note_overdue(*, whole: bool = False) -> None:
    """Write down the agreed dates that passed. `whole`: look at all of them."""
    deadlines.record_overdue(now=timezone.now(), whole=whole)


@shared_task
def note_evidence() -> None:
    """Note the partners that did not show their proof of consent by its date."""
    deadlines.record_missing_evidence(now=timezone.now())


@shared_task
def mend_breaches() -> None:
    """Write down what came late after all."""
    deadlines.record_late_completions()


@shared_task
def forget_trials() -> None:
    """Delete the trials whose time of keeping is over."""
    trials.forget(now=timezone.now())
