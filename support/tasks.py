"""Celery's doors to the desk's own jobs."""

from celery import shared_task
from django.utils import timezone

from audit.queries import database_clock
from support.domain import tickets
from support.workers import scanning, sending, term_change_propagation, watching
from support.workers.canary import running


@shared_task
def open_tickets() -> None:
    """Open the tickets that disputes, incidents and partners ask for."""
    tickets.open_tickets(at=timezone.now())


@shared_task
def take_evidence() -> None:
    """Write what partners answered into the disputes' threads."""
    tickets.record_evidence_entries(at=timezone.now())


@shared_task
def close_tickets() -> None:
    """Close what was answered long ago, and end waits that are over."""
    tickets.close_overdue_waits(at=timezone.now())


@shared_task
def send_replies() -> None:
    """Send the next batches of replies to many."""
    sending.send_replies(at=timezone.now())


@shared_task
def settle() -> None:
    """Tell partners what officers' acts changed for lines that they know, by the clock by which rules begin."""
    term_change_propagation.settle(now=database_clock())


@shared_task
def watch() -> None:
    """Look for stops that fail, staff who look at very many, and agents who stop very many."""
    watching.watch(now=timezone.now())


@shared_task
def watch_staff_for_long() -> None:
    """Look for staff who looked at very many within a day or a week."""
    watching.watch_staff_for_long(now=timezone.now())


@shared_task
def verify_audit() -> None:
    """Look whether the audit trail is whole."""
    watching.verify_audit(now=timezone.now())


@shared_task
def start_canary() -> None:
    """Begin a trial of stopping with a line of our own."""
    running.start(now=timezone.now())


@shared_task
def tend_canary() -> None:
    """Bring the trial on that runs."""
    running.tend(now=timezone.now())


@shared_task
def send_answers() -> None:
    """Send the answers that can't be taken back any more."""
    sending.send(now=timezone.now())


@shared_task
def scan_files() -> None:
    """Look at the files that came into cases."""
    scanning.scan(now=timezone.now())
