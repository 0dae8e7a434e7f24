"""Celery's doors to what waits for people."""

from celery import shared_task
from django.utils import timezone

from accounts import delivery


@shared_task
def deliver_texts() -> None:
    """Hand the texts that wait to the gateway."""
    delivery.deliver(now=timezone.now())
