"""Stops everything for the lines named on standard input, one by one, and says how long each stop took in seconds."""

import importlib
import sys
import time

import django

if __name__ == "__main__":
    django.setup()
    consent = importlib.import_module("consent.actions")
    celery = importlib.import_module("portal.celery")
    transaction = importlib.import_module("django.db.transaction")
    lines = [int(line) for line in sys.stdin]
    # A web server has long served other people when somebody comes to stop: it is connected, and its code is loaded.
    with transaction.atomic():
        consent.stop(line_id=lines[0], scope="all", actor="subscriber:1", channel="web")
        transaction.set_rollback(True)
    celery.app.connection_for_write().create_transport()
    for line in lines:
        began = time.monotonic()
        consent.stop(line_id=line, scope="all", actor="subscriber:1", channel="web")
        sys.stdout.write(f"{time.monotonic() - began:.3f}\n")
        sys.stdout.flush()
