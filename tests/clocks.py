"""One clock for Python and for the database that stands still until a test moves it, so that exact ends can be met."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import time_machine
from django.db import connection, connections

# The setting counts only while this stands in place of the database's own clock, whoever has opened the session.
STILL = """
CREATE OR REPLACE FUNCTION audit_now() RETURNS timestamptz LANGUAGE sql VOLATILE PARALLEL SAFE AS
$$ SELECT coalesce(nullif(current_setting('tests.now', true), '')::timestamptz, clock_timestamp()) $$
"""


class Clock:
    """What time it is, for timezone.now() and for audit_now() alike."""

    def __init__(self, traveller: time_machine.Traveller, at: datetime) -> None:
        self._traveller = traveller
        self.now = at

    def move_to(self, at: datetime) -> None:
        """Make it this moment."""
        self.now = at
        self._traveller.move_to(at)
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('tests.now', %s, false)", [at.isoformat()])


@contextmanager
def standing_still(at: datetime) -> Iterator[Clock]:
    """Stop both clocks at this moment. `time.monotonic` goes on."""
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT pg_get_functiondef('audit_now'::regproc)")
        ((own,),) = cursor.fetchall()
        cursor.execute(STILL)
        try:
            with time_machine.travel(at, tick=False) as traveller:
                clock = Clock(traveller, at)
                clock.move_to(at)
                yield clock
        finally:
            cursor.execute(own)
