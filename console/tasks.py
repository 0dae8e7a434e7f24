"""Celery's doors to the console's own jobs."""

from celery import shared_task
from django.utils import timezone

from console.queries.notifications import KINDS
from console.workers import imports
from support.workers import notifications


@shared_task
def send_notifications() -> None:
    """Send staff word of what came to wait for them."""
    notifications.send_notifications(kinds=KINDS, now=timezone.now())


@shared_task
def import_files() -> None:
    """Check or import the next uploaded file."""
    imports.run(now=timezone.now())
