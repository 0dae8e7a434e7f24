"""Stops everything for the lines named on standard input, one by one, and says how long each took: "took SECONDS".

Whoever meets an error page tries again: so does this.
"""

import importlib
import sys
import time
from threading import Event

import django

PATIENCE_S = 60.0

if __name__ == "__main__":
    django.setup()
    consent = importlib.import_module("consent.actions.choices")
    celery = importlib.import_module("portal.celery")
    transaction = importlib.import_module("django.db.transaction")
    lines = [int(line) for line in sys.stdin]
    # A web server has long served other people when somebody comes to stop: it is connected, and its code is loaded.
    with transaction.atomic():
        consent.stop(line_id=lines[0], scope="all", actor="subscriber:1", channel="web")
        transaction.set_rollback(True)
    celery.app.connection_for_write().create_transport()
    database = importlib.import_module("django.db")
    for line in lines:
        began = time.monotonic()
        while True:
            try:
                consent.stop(line_id=line, scope="all", actor="subscriber:1", channel="web")
                break
            except database.Error:
                database.connection.close()
                if time.monotonic() - began > PATIENCE_S:
                    raise
                Event().wait(0.1)
        sys.stdout.write(f"took {time.monotonic() - began:.3f}\n")
        sys.stdout.flush()
