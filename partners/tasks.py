"""Celery's doors to the jobs of keys and proofs."""

from celery import shared_task
from django.utils import timezone

from partners.clients import checkpoint_places
from partners.workers import assertions, checkpoints, rotation


@shared_task
def write_checkpoint() -> None:
    """Sign the audit chains' heads and keep them outside the database."""
    checkpoints.write(place=checkpoint_places.place(), at=timezone.now())


@shared_task
def sign_acts() -> None:
    """Sign what was done in the last seconds, between two of these checkpoints."""
    checkpoints.sign_acts(place=checkpoint_places.place(), at=timezone.now())


@shared_task
def rotate_keys() -> None:
    """Publish, take over and retire our signing keys as they come due."""
    rotation.rotate(now=timezone.now())


@shared_task
def forget_assertions() -> None:
    """Delete the used assertions that have ended."""
    assertions.forget(now=timezone.now())
