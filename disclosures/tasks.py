"""Celery's doors to the ledger's upkeep: two lines each."""

from celery import shared_task
from django.utils import timezone

from accounts.primitives.slots import lock_job
from audit.queries import database_clock
from consent.feeds.approvals import apply_pending_rows
from disclosures.domain.ingest import projections, rejudging, rollups
from disclosures.workers import archiving, publishing, reassignment, retention
from disclosures.workers.anomalies import detection


@shared_task
def rejudge() -> None:
    """Judge again what choices, approvals and lines have touched. One worker at a time waits for what is underway."""
    with lock_job(name="disclosures.rejudge") as mine:
        if mine:
            rejudging.rejudge(cause="consent")


@shared_task
def attribute_held() -> None:
    """Give back what is no line's by the number it came by, and take in what was held for lines that are known now."""
    reassignment.attribute(at=timezone.now(), actor="system:attribute_held", waits=False)


@shared_task
def take_in_records() -> None:
    """Take in choices and approvals held for what is known now, where an import was cut off. One worker at a time."""
    with lock_job(name="disclosures.take_in_records") as mine:
        if mine:
            apply_pending_rows(at=timezone.now())


@shared_task
def reveal() -> None:
    """Rows whose delayed-notice order has ended count like all others from now on."""
    projections.reveal(at=timezone.now())


@shared_task
def roll_up() -> None:
    """Count the days of long lines that changed."""
    rollups.roll_up(at=timezone.now())


@shared_task
def make_partitions() -> None:
    """Make the months ahead."""
    retention.make_partitions(now=timezone.now())


@shared_task
def drop_months() -> None:
    """Drop the months whose time of keeping is over."""
    retention.drop_months(now=timezone.now())


@shared_task
def find_anomalies(*, deep: bool = False) -> None:
    """Look at what came since the last time, or at the last two days once more."""
    detection.find(at=database_clock(), deep=deep)


@shared_task
def act_on_anomalies() -> None:
    """Suspend, for the lines concerned, who has no answer after days."""
    detection.act(at=timezone.now())


@shared_task
def make_figures() -> None:
    """Count the figures for everyone."""
    publishing.make()


@shared_task
def make_archives() -> None:
    """Make the files that people asked for, and delete those whose day is over."""
    archiving.make(now=database_clock())
