"""Celery's doors to what waits for people."""

from celery import shared_task
from django.utils import timezone

from accounts.workers import clocks, email_outbox, sms_delivery


@shared_task
def deliver_texts() -> None:
    """Hand the texts that wait to the gateway."""
    sms_delivery.deliver(now=timezone.now())


@shared_task
def end_reassigned_contacts() -> None:
    """End the safe contacts whose number another line has."""
    sms_delivery.end_reassigned_contacts(now=timezone.now())


@shared_task
def deliver_letters() -> None:
    """Hand the mails that wait to the mail server."""
    email_outbox.deliver(now=timezone.now())


@shared_task
def watch_code_texts() -> None:
    """Look how many texts with codes went out."""
    clocks.watch_code_texts(now=timezone.now())


@shared_task
def forget_codes() -> None:
    """Delete the codes that count for nothing any more."""
    clocks.forget_codes(now=timezone.now())


@shared_task
def forget_sessions() -> None:
    """Delete the browser sessions whose time is over."""
    clocks.forget_sessions(now=timezone.now())
