"""Texts that wait: never lost in an outage, never sent twice, sealed, by day where they can wait, gone after a time."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection, transaction
from django.utils import timezone
from pytest_django import Settings

from accounts import actions, delivery
from accounts.models import Line, LineNumber, Message
from accounts.sealing import number_hash, seal, unseal
from accounts.tasks import deliver_texts
from accounts.texts import MemoryBackend
from accounts.zones import next_day_time
from tests.accounts.gateways import Refusing
from tests.factories import a_line
from tests.people import number_of

pytestmark = pytest.mark.usefixtures("committed_db")
WORDS = "Whereabouts: something happened."
MINUTE = timedelta(minutes=1)
MEMORY = "accounts.texts.MemoryBackend"


@pytest.fixture(autouse=True)
def _nothing_tried() -> Iterator[None]:
    Refusing.tried.clear()
    yield
    Refusing.tried.clear()


def post(line: Line, at: datetime, kind: Message.Kind = Message.Kind.STOPPED) -> Message:
    actions.post(line_id=line.pk, kind=kind, words=WORDS, at=at)
    return Message.objects.filter(line=line).latest("made_at")


def sent() -> list[tuple[str, str]]:
    return [(text.msisdn, text.text) for text in MemoryBackend.outbox]


def test_it_goes_out_when_the_transaction_is_committed_and_not_before() -> None:
    line, now = a_line(), timezone.now()
    with transaction.atomic():
        post(line, now)
        assert sent() == []
    assert sent() == [(number_of(line), WORDS)]


def test_what_is_rolled_back_tells_nobody() -> None:
    line = a_line()
    with transaction.atomic():
        post(line, timezone.now())
        transaction.set_rollback(True)
    assert (delivery.deliver(now=timezone.now()), sent(), Message.objects.count()) == (0, [], 0)


def test_a_far_away_gateway_keeps_no_page_waiting_and_the_task_hands_it_over(settings: Settings) -> None:
    settings.SMS_BACKEND = "tests.accounts.gateways.OverTheNetwork"
    line = a_line()
    post(line, timezone.now())
    assert Refusing.tried == []
    settings.SMS_BACKEND = MEMORY
    deliver_texts()
    assert sent() == [(number_of(line), WORDS)]


def test_an_outage_loses_nothing_and_each_try_waits_longer(settings: Settings) -> None:
    settings.SMS_BACKEND = "tests.accounts.gateways.Refusing"
    line, now = a_line(), timezone.now()
    message, waits = post(line, now), []
    for _ in range(8):
        message.refresh_from_db()
        waits.append((message.next_at - now).total_seconds())
        assert delivery.deliver(now=message.next_at - timedelta(microseconds=1)) == 0
        now = message.next_at
        assert delivery.deliver(now=now) == 0
    assert waits == [15, 30, 60, 120, 240, 480, 600, 600]
    assert len(Refusing.tried) == 9
    settings.SMS_BACKEND = MEMORY
    assert delivery.deliver(now=now + timedelta(minutes=10)) == 1
    assert delivery.deliver(now=now + timedelta(minutes=20)) == 0
    assert sent() == [(number_of(line), WORDS)]


def test_one_that_may_have_taken_it_is_not_given_it_again(settings: Settings) -> None:
    settings.SMS_BACKEND = "tests.accounts.gateways.Silent"
    post(a_line(), timezone.now())
    settings.SMS_BACKEND = MEMORY
    assert delivery.deliver(now=timezone.now() + timedelta(hours=1)) == 0
    assert (len(Refusing.tried), sent()) == (1, [])


def test_a_gateway_that_is_away_is_tried_three_times_a_run(settings: Settings) -> None:
    settings.SMS_BACKEND = "tests.accounts.gateways.OverTheNetwork"
    now = timezone.now()
    for _ in range(5):
        post(a_line(), now)
    assert delivery.deliver(now=now) == 0
    assert len(Refusing.tried) == 3


def test_a_worker_that_died_in_between_sends_nothing_twice() -> None:
    """It had claimed the text, and nobody knows whether the gateway got it."""
    line, now = a_line(), timezone.now()
    with transaction.atomic():
        message = post(line, now)
        Message.objects.filter(pk=message.pk).update(taken_at=now)
    assert (delivery.deliver(now=now + MINUTE), sent()) == (0, [])


def test_two_workers_at_once_send_it_once(settings: Settings) -> None:
    settings.SMS_BACKEND = "tests.accounts.gateways.OverTheNetwork"
    now = timezone.now()
    messages = [post(a_line(), now) for _ in range(6)]
    settings.SMS_BACKEND = MEMORY

    def work(_: int) -> int:
        try:
            return delivery.deliver(now=now)
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=3) as pool:
        assert sum(pool.map(work, range(3))) == len(messages)
    assert len(sent()) == len(set(sent())) == len(messages)


def test_nothing_of_it_lies_in_the_open_and_nothing_at_all_once_it_was_taken(settings: Settings) -> None:
    settings.SMS_BACKEND = "tests.accounts.gateways.OverTheNetwork"
    line, now = a_line(), timezone.now()
    message = post(line, now)
    assert (unseal(message.to_sealed), unseal(message.words_sealed)) == (number_of(line), WORDS)
    with connection.cursor() as cursor:
        cursor.execute("SELECT m::text FROM accounts_message m")
        ((row,),) = cursor.fetchall()
    for open_text in (number_of(line)[1:], WORDS, WORDS.encode().hex(), number_of(line).encode().hex()):
        assert open_text not in row
    settings.SMS_BACKEND = MEMORY
    assert delivery.deliver(now=now) == 1
    message.refresh_from_db()
    assert (bytes(message.to_sealed), bytes(message.words_sealed), message.taken_at) == (b"", b"", now)


def test_it_is_forgotten_after_its_time_taken_or_not(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    settings.SMS_BACKEND = "tests.accounts.gateways.Refusing"
    now = timezone.now()
    post(a_line(), now)
    delivery.deliver(now=now + timedelta(days=3) - MINUTE)
    assert Message.objects.count() == 1
    settings.SMS_BACKEND = MEMORY
    assert delivery.deliver(now=now + timedelta(days=3)) == 0
    assert (Message.objects.count(), sent()) == (0, [])


def test_whoever_has_the_number_next_reads_nothing_that_was_meant_for_another(settings: Settings) -> None:
    settings.SMS_BACKEND = "tests.accounts.gateways.OverTheNetwork"
    line, now = a_line(), timezone.now()
    number = number_of(line)
    post(line, now)
    LineNumber.objects.filter(line=line).update(ends_at=now)
    LineNumber.objects.create(line=a_line(), msisdn_hash=number_hash(number), msisdn_sealed=seal(number), starts_at=now)
    settings.SMS_BACKEND = MEMORY
    assert (delivery.deliver(now=now), sent(), Message.objects.count()) == (0, [], 0)


@pytest.mark.parametrize(
    ("there", "sent_there"),
    [
        ((1, 7, 59), (1, 8, 0)),
        ((1, 8, 0), (1, 8, 0)),
        ((1, 20, 59), (1, 20, 59)),
        ((1, 21, 0), (2, 8, 0)),
        ((1, 0, 30), (1, 8, 0)),
    ],
)
def test_what_can_wait_waits_for_day(there: tuple[int, int, int], sent_there: tuple[int, int, int]) -> None:
    zone = ZoneInfo("America/Chicago")
    day, hour, minute = there
    at = datetime(2026, 12, day, hour, minute, tzinfo=zone).astimezone(UTC)
    assert next_day_time(zone, at) == datetime(2026, 12, *sent_there, tzinfo=zone)
    message = post(a_line(state="TX"), at, Message.Kind.LIFELINE)
    assert message.next_at == datetime(2026, 12, *sent_there, tzinfo=zone)
    assert post(a_line(state="TX"), at).next_at == at


def test_what_waited_for_an_outage_into_the_night_waits_for_morning(settings: Settings) -> None:
    settings.SMS_BACKEND = "tests.accounts.gateways.Refusing"
    evening = datetime(2026, 12, 1, 20, 59, 50, tzinfo=ZoneInfo("America/Los_Angeles"))
    message = post(a_line(), evening, Message.Kind.LIFELINE)
    settings.SMS_BACKEND = MEMORY
    assert delivery.deliver(now=evening + MINUTE) == 0
    message.refresh_from_db()
    assert message.next_at == datetime(2026, 12, 2, 8, tzinfo=ZoneInfo("America/Los_Angeles"))
    assert delivery.deliver(now=message.next_at) == 1
