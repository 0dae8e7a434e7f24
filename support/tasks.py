"""Celery's doors to the desk's own jobs."""

from celery import shared_task
from django.utils import timezone

from support import replying, scanning, sending, settling, tickets


@shared_task
def open_tickets() -> None:
    """Open the tickets that disputes, incidents and partners ask for."""
    tickets.open_tickets(at=timezone.now())


@shared_task
def take_evidence() -> None:
    """Write what partners answered into the disputes' threads."""
    tickets.take_evidence(at=timezone.now())


@shared_task
def close_tickets() -> None:
    """Close what was answered long ago."""
    tickets.close_tickets(at=timezone.now())


@shared_task
def send_replies() -> None:
    """Send the next batches of replies to many."""
    replying.send_replies(at=timezone.now())


@shared_task
def settle() -> None:
    """Tell partners what officers' acts changed for lines that they know."""
    settling.settle(now=timezone.now())


@shared_task
def send_answers() -> None:
    """Send the answers that can't be taken back any more."""
    sending.send(now=timezone.now())


@shared_task
def scan_files() -> None:
    """Look at the files that came into cases."""
    scanning.scan(now=timezone.now())
