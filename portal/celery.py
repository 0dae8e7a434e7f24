"""The Celery app. Tasks are found in each app's `tasks`; the row is the queue, Celery only works it off."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

app = Celery("portal", task_cls="portal.heartbeats:HeartbeatTask")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
