"""Texts handed to a gateway that needs 50 ms for each: what a news day's confirmed stops would take.

Real posts over kept connections, by runs of the worker as beat starts them, every five seconds.
"""

import time
from datetime import datetime, timedelta
from uuid import uuid4

from django.db import connection
from django.test import override_settings

from accounts.models import Line, Message
from accounts.primitives.sealing import seal
from accounts.workers import sms_delivery
from audit.queries import database_clock
from tools.bench import measure, stops, world
from tools.bench.measure import Bench, BenchmarkFailed, Result

POST_S, SECONDS, EVERY_S = 0.05, 120, 5.0
# What is wanted of a gateway that takes as much: five million in less than twelve hours.
RATE, WANTED, WITHIN_H = 200, 5_000_000, 12
GATEWAY = {"SMS_BACKEND": "partners.clients.sms.HttpBackend", "SMS_WEBHOOK_TOKEN": "a-token", "SMS_RATE": RATE}
WORDS = "Carrier: you stopped all sharing of this phone's location. Follow it at https://carrier.example/r/x"


def run(bench: Bench) -> Result:
    """Texts taken in a second over two minutes, runs' pauses included; the ceiling: five million in twelve hours."""
    _write(RATE * SECONDS)
    with world.receiver(hang_s=POST_S) as url, override_settings(SMS_WEBHOOK_URL=url, **GATEWAY):
        before, began, taken = measure.spent(), time.monotonic(), 0
        while (passed := time.monotonic() - began) < SECONDS:
            taken += sms_delivery.deliver(now=database_clock())
            time.sleep(max(0.0, EVERY_S - (time.monotonic() - began - passed)))
        a_second = taken / (time.monotonic() - began)
        cost = measure.format_processor_time(before, measure.spent(), count=taken)
    if Message.objects.filter(doubt_at__isnull=False).exists():
        raise BenchmarkFailed("the gateway was silent")
    hours = WANTED / a_second / 3600
    bench.tell(f"texts: {taken} taken; {WANTED} would take {hours:.1f} h; processor time a text, ms: {cost}")
    return Result("texts", a_second, "texts/s", WANTED / WITHIN_H / 3600)


def _write(count: int) -> None:
    at = database_clock() - timedelta(days=60)
    numbers = [f"+1206{4_000_000 + n}" for n in range(count)]
    stops.write_lines(name="texts", numbers=numbers, campaigns=[], at=at)
    lines = dict(Line.objects.filter(carrier_id__startswith="texts-").values_list("carrier_id", "pk"))
    now = database_clock()
    for first in range(0, count, 1000):
        some = range(first, min(first + 1000, count))
        Message.objects.bulk_create([_confirmation(lines[f"texts-{n}"], numbers[n], now) for n in some])
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE accounts_message")


def _confirmation(line_id: int, number: str, at: datetime) -> Message:
    return Message(
        id=uuid4(), line_id=line_id, kind=Message.Kind.CONFIRMED, to_sealed=seal(number), words_sealed=seal(WORDS),
        made_at=at, next_at=at, expires_at=at + timedelta(days=3),
    )  # fmt: skip
