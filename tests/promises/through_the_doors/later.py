"""`python -m tests.promises.through_the_doors.later SECONDS COMMAND …`: a command on a machine whose clock is ahead."""

import sys
from datetime import UTC, datetime, timedelta

import time_machine
from django.core.management import execute_from_command_line

if __name__ == "__main__":
    _, seconds, *command = sys.argv
    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=float(seconds))):
        execute_from_command_line(["manage.py", *command])
