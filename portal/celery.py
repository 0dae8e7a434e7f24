"""The Celery app. Tasks are found in each app's `tasks`; the row is the queue, Celery only works it off."""

import os
from typing import Any

from celery import Celery, bootsteps

from portal import garbage
from portal.heartbeats import Heart

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")


class Settled(bootsteps.Step):
    """Once all tasks are loaded, and before the pool's processes are forked."""

    def __init__(self, worker: Any, **options: Any) -> None:
        super().__init__(worker, **options)
        garbage.settle()


app = Celery("portal")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.steps["worker"].update({Heart, Settled})
