"""A worker that dies at a named point: `python -m tests.faults.worker POINT`. It makes one pass and ends.

`claimed`   after the claim is committed, before a byte is sent
`answered`  after the partner's 202, before it is recorded
`none`      does not die
"""

import os
import signal
import sys
from unittest.mock import patch

import django
from django.core.management import call_command

SEAMS = {"claimed": "partners.clients.http.post", "answered": "revocations.workers.delivery.delivery_rounds.record"}


def die(**_: object) -> None:
    """Here the machine loses its power."""
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    django.setup()
    if sys.argv[1] in SEAMS:
        patch(SEAMS[sys.argv[1]], die).start()
    call_command("sweep_revocations")
