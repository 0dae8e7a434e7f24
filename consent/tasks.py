"""Celery's doors to consent's own jobs."""

from celery import shared_task
from django.utils import timezone

from audit.queries import database_clock
from consent.workers import (
    agent_callbacks,
    archive_writing,
    cohort_texts,
    cohorts,
    expiry,
    outcome_texts,
    reminders,
    request_texts,
)
from consent.workers.archive_comparison import find_missing


@shared_task
def end_pauses() -> None:
    """Tell partners what counts again where a pause has ended, by the clock that ends it."""
    expiry.end_pauses(now=database_clock())


@shared_task
def end_terms() -> None:
    """End the agreements and campaigns whose term is over, as Terminate would."""
    cohorts.end_terms(now=timezone.now())


@shared_task
def build_manifests() -> None:
    """List the lines whose agreement ended, and tell its partner once. Goes on where it was cut off."""
    cohorts.build_manifests(now=timezone.now())


@shared_task
def tell_subscribers() -> None:
    """Text those who lost a service that finds them in an emergency."""
    cohort_texts.tell_subscribers(now=timezone.now())


@shared_task
def settle_orders() -> None:
    """What a partner signed about a whole agreement settles its open orders."""
    cohorts.settle_orders(now=timezone.now())


@shared_task
def text_questions() -> None:
    """Text the questions that wait, to lines where it is day."""
    request_texts.text_waiting(now=timezone.now())


@shared_task
def see_to_agents() -> None:
    """End requests that nobody answered, and tell agents what became of theirs."""
    agent_callbacks.run_agent_callbacks(now=timezone.now())


@shared_task
def remind() -> None:
    """Remind lines of what is still on."""
    reminders.remind(now=timezone.now())


@shared_task
def send_yearly() -> None:
    """Send whoever asked for it a link to the past year's history."""
    reminders.send_yearly(now=timezone.now())


@shared_task
def tell_outcomes() -> None:
    """Tell lines that the last company has signed, or that one is late."""
    outcome_texts.notify_outcomes(now=timezone.now())


@shared_task
def archive_stops() -> None:
    """Write what was chosen, suspended and ended to the archive outside the database."""
    archive_writing.write(now=timezone.now())


@shared_task
def find_unarchived() -> None:
    """Look for choices that the archive does not have."""
    find_missing(now=timezone.now())
