"""Celery's doors to the jobs of keys and proofs."""

from pathlib import Path

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from partners import checkpoints, rotation


@shared_task
def write_checkpoint() -> None:
    """Sign the audit chains' heads and keep them outside the database."""
    checkpoints.write(folder=Path(settings.CHECKPOINT_DIR), at=timezone.now())


@shared_task
def rotate_keys() -> None:
    """Publish, take over and retire our signing keys as they come due."""
    rotation.rotate(now=timezone.now())
