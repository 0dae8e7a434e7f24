"""Texts that wait: never lost in an outage, never sent twice, sealed, by day where they can wait, gone after a time."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from cryptography.fernet import Fernet
from django.db import connection, transaction
from django.utils import timezone
from pytest_django import Settings

from accounts.actions import sms_outbox
from accounts.clients.texts import MemoryBackend
from accounts.models import Line, LineNumber, Message
from accounts.primitives.sealing import number_hash, seal, unseal
from accounts.primitives.slots import lock_job
from accounts.primitives.zones import next_day_time
from accounts.tasks import deliver_texts
from accounts.workers import sms_delivery
from tests.accounts.gateways import Choosy, Refusing, Slow
from tests.factories import a_line
from tests.people import number_of

pytestmark = pytest.mark.usefixtures("committed_db")
WORDS = "something happened."
SIGNED = f"localhost: {WORDS}"
MINUTE = timedelta(minutes=1)
MEMORY = "accounts.clients.texts.MemoryBackend"


@pytest.fixture(autouse=True)
def _nothing_tried() -> Iterator[None]:
    Refusing.tried.clear()
    Choosy.unfit.clear()
    Slow.clock[0] = 0.0
    yield
    Refusing.tried.clear()


@pytest.fixture
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("accounts.workers.sms_delivery.THREADS", 1)


def post(line: Line, at: datetime, kind: Message.Kind = Message.Kind.STOPPED) -> Message:
    sms_outbox.enqueue_text(line_id=line.pk, kind=kind, words=WORDS, at=at)
    return Message.objects.filter(line=line).latest("made_at")


def sent() -> list[tuple[str, str]]:
    return [(text.msisdn, text.text) for text in MemoryBackend.outbox]


def test_it_goes_out_at_the_commit_and_not_before() -> None:
    line, now = a_line(), timezone.now()
    with transaction.atomic():
        post(line, now)
        transaction.set_rollback(True)
    assert (sms_delivery.deliver(now=now), sent(), Message.objects.count()) == (0, [], 0)
    with transaction.atomic():
        post(line, now)
        assert sent() == []
    assert sent() == [(number_of(line), SIGNED)]
    # What goes wrong with it then is nothing that went wrong with what was done.
    with transaction.atomic():
        post(line, now)
        sms_outbox.enqueue_warnings(
            lines=[line], words=lambda _: WORDS, of="sim", to={line.pk: number_of(line)}, at_most=None, at=now
        )
        assert Message.objects.filter(taken_at=None).update(to_sealed=b"") == 2
    assert len(sent()) == 1


def test_a_text_that_no_key_here_opens_yet_keeps_no_other_waiting(settings: Settings) -> None:
    first, other, now, keys = a_line(), a_line(), timezone.now(), settings.FIELD_ENCRYPTION_KEYS
    settings.SMS_BACKEND = "tests.accounts.gateways.OverTheNetwork"
    newer = [Fernet.generate_key().decode(), *keys]
    settings.FIELD_ENCRYPTION_KEYS = newer
    post(first, now)
    settings.FIELD_ENCRYPTION_KEYS = keys
    post(other, now + MINUTE)
    settings.SMS_BACKEND = MEMORY
    assert (sms_delivery.deliver(now=now + MINUTE), sent()) == (1, [(number_of(other), SIGNED)])
    settings.FIELD_ENCRYPTION_KEYS = newer
    assert (sms_delivery.deliver(now=now + 2 * MINUTE), len(sent())) == (1, 2)


def test_a_far_away_gateway_is_handed_it_by_the_task(settings: Settings) -> None:
    settings.SMS_BACKEND = "tests.accounts.gateways.OverTheNetwork"
    line = a_line()
    post(line, timezone.now())
    assert Refusing.tried == []
    settings.SMS_BACKEND = MEMORY
    deliver_texts()
    assert sent() == [(number_of(line), SIGNED)]


def test_an_outage_loses_nothing_and_each_try_waits_longer(settings: Settings) -> None:
    settings.SMS_BACKEND = "tests.accounts.gateways.Refusing"
    line, now = a_line(), timezone.now()
    message, waits = post(line, now), []
    for _ in range(8):
        message.refresh_from_db()
        waits.append((message.next_at - now).total_seconds())
        assert sms_delivery.deliver(now=message.next_at - timedelta(microseconds=1)) == 0
        now = message.next_at
        assert sms_delivery.deliver(now=now) == 0
    assert waits == [15, 30, 60, 120, 240, 480, 600, 600]
    assert len(Refusing.tried) == 9
    settings.SMS_BACKEND = MEMORY
    assert sms_delivery.deliver(now=now + timedelta(minutes=10)) == 1
    assert sms_delivery.deliver(now=now + timedelta(minutes=20)) == 0
    assert sent() == [(number_of(line), SIGNED)]


def test_what_may_have_been_taken_is_not_given_again(settings: Settings) -> None:
    settings.SMS_BACKEND = "tests.accounts.gateways.Silent"
    post(a_line(), timezone.now())
    settings.SMS_BACKEND = MEMORY
    assert sms_delivery.deliver(now=timezone.now() + timedelta(hours=1)) == 0
    assert (len(Refusing.tried), sent()) == (1, [])


def test_gateway_that_is_away_is_tried_three_times_a_run(settings: Settings) -> None:
    settings.SMS_BACKEND = "tests.accounts.gateways.OverTheNetwork"
    now = timezone.now()
    for _ in range(5):
        post(a_line(), now)
    assert sms_delivery.deliver(now=now) == 0
    assert len(Refusing.tried) == 3
    # An outage of days is no wait that is too long to count.
    message = post(a_line(), now + 60 * MINUTE)
    Message.objects.filter(pk=message.pk).update(tries=430)
    Message.objects.exclude(pk=message.pk).delete()
    assert sms_delivery.deliver(now=now + 60 * MINUTE) == 0
    message.refresh_from_db()
    assert (message.taken_at, message.next_at, message.tries) == (None, now + 70 * MINUTE, 431)


def many(now: datetime, count: int, kind: Message.Kind = Message.Kind.STOPPED) -> list[Message]:
    return [post(a_line(), now, kind) for _ in range(count)]


def test_a_slow_gateway_has_a_worker_for_a_few_seconds(settings: Settings, one_thread: None) -> None:
    """1.5 s each: after 4 s none is begun any more."""
    settings.SMS_BACKEND = "tests.accounts.gateways.Slow"
    now = timezone.now()
    many(now, 7)
    runs = [sms_delivery.deliver(now=now, clock=lambda: Slow.clock[0]) for _ in range(4)]
    assert runs == [3, 3, 1, 0]
    assert len(set(sent())) == 7


def test_a_hanging_gateway_gets_one_text_at_a_time(settings: Settings) -> None:
    """What it was given it may have taken: that is not given to it again. All the others are kept, word for word."""
    settings.SMS_BACKEND = "tests.accounts.gateways.OverTheNetwork"
    now = timezone.now()
    messages = many(now, 10)
    settings.SMS_BACKEND = "tests.accounts.gateways.Silent"
    asked_at = []
    for seconds in range(0, 1600, 15):
        before = len(Refusing.tried)
        assert sms_delivery.deliver(now=now + timedelta(seconds=seconds)) == 0
        asked_at += [seconds] * (len(Refusing.tried) - before)
    assert asked_at == [0, 15, 45, 105, 225, 465, 945, 1545]
    assert len(set(Refusing.tried)) == len(messages) - 2


def test_a_gateway_that_speaks_again_is_given_what_waited(settings: Settings) -> None:
    settings.SMS_BACKEND = "tests.accounts.gateways.OverTheNetwork"
    now = timezone.now()
    messages = many(now, 10)
    settings.SMS_BACKEND = "tests.accounts.gateways.Silent"
    assert [sms_delivery.deliver(now=now + timedelta(seconds=seconds)) for seconds in (0, 5, 15, 20)] == [0] * 4
    settings.SMS_BACKEND = MEMORY
    assert sms_delivery.deliver(now=now + timedelta(seconds=44)) == 0
    assert sms_delivery.deliver(now=now + timedelta(seconds=45)) == 8
    lost = Message.objects.filter(doubt_at__isnull=False)
    assert [(bytes(one.to_sealed), bytes(one.words_sealed)) for one in lost] == [(b"", b"")] * 2
    assert {number for number, _ in sent()} == {number_of(one.line) for one in messages} - set(Refusing.tried)


def test_one_silence_after_it_spoke_counts_as_the_first(settings: Settings) -> None:
    settings.SMS_BACKEND = "tests.accounts.gateways.OverTheNetwork"
    now = timezone.now()
    many(now, 2)
    settings.SMS_BACKEND = "tests.accounts.gateways.Silent"
    assert [sms_delivery.deliver(now=now), sms_delivery.deliver(now=now + timedelta(seconds=15))] == [0, 0]
    assert sms_delivery.is_gateway_paused(now=now + timedelta(seconds=44))
    settings.SMS_BACKEND = MEMORY
    post(a_line(), now + MINUTE)
    settings.SMS_BACKEND = "tests.accounts.gateways.Silent"
    post(a_line(), now + 2 * MINUTE)
    rests = [
        sms_delivery.is_gateway_paused(now=now + 2 * MINUTE + timedelta(seconds=seconds)) for seconds in (0, 14, 15)
    ]
    assert rests == [True, True, False]


def test_while_one_worker_is_at_it_no_other_begins(settings: Settings) -> None:
    settings.SMS_BACKEND = "tests.accounts.gateways.OverTheNetwork"
    now = timezone.now()
    post(a_line(), now)
    settings.SMS_BACKEND = MEMORY

    def work() -> int:
        try:
            return sms_delivery.deliver(now=now)
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=1) as pool, lock_job(name=sms_delivery.TURN) as mine:
        assert (mine, pool.submit(work).result(), sent()) == (True, 0, [])
    assert sms_delivery.deliver(now=now) == 1


def test_what_one_person_must_know_goes_before_a_wave(settings: Settings, one_thread: None) -> None:
    settings.SMS_BACKEND = "tests.accounts.gateways.OverTheNetwork"
    noon = datetime(2026, 12, 1, 12, tzinfo=ZoneInfo("America/Los_Angeles"))
    wave = [*many(noon, 5, Message.Kind.LIFELINE), *many(noon, 2, Message.Kind.SUSPENDED)]
    later = noon + timedelta(seconds=30)
    first = [*many(later, 2, Message.Kind.WAY_IN), *many(later, 1, Message.Kind.REPLY)]
    settings.SMS_BACKEND = "tests.accounts.gateways.Slow"
    runs = [sms_delivery.deliver(now=later, clock=lambda: Slow.clock[0]) for _ in range(4)]
    assert runs == [3, 3, 3, 1]
    numbers = [number for number, _ in sent()]
    assert set(numbers[:3]) == {number_of(one.line) for one in first}
    assert set(numbers[3:]) == {number_of(one.line) for one in wave}


def test_numbers_that_the_gateway_never_takes_stand_in_nobodys_way(settings: Settings) -> None:
    settings.SMS_BACKEND = "tests.accounts.gateways.Choosy"
    now = timezone.now()
    bad = many(now, 4)
    good = post(a_line(), now + timedelta(seconds=1))
    Choosy.unfit |= {number_of(one.line) for one in bad}
    now += timedelta(seconds=1)
    assert sms_delivery.deliver(now=now) == 1
    assert sent() == [(number_of(good.line), SIGNED)]
    assert len(Refusing.tried) == 5
    assert Message.objects.filter(taken_at__isnull=True, next_at=now + timedelta(seconds=15)).count() == 4


def test_a_worker_that_died_in_between_sends_nothing_twice() -> None:
    """It had claimed the text, and nobody knows whether the gateway got it."""
    line, now = a_line(), timezone.now()
    with transaction.atomic():
        message = post(line, now)
        Message.objects.filter(pk=message.pk).update(taken_at=now)
    assert (sms_delivery.deliver(now=now + MINUTE), sent()) == (0, [])


def test_two_workers_at_once_send_it_once(settings: Settings) -> None:
    settings.SMS_BACKEND = "tests.accounts.gateways.OverTheNetwork"
    now = timezone.now()
    messages = [post(a_line(), now) for _ in range(6)]
    settings.SMS_BACKEND = MEMORY

    def work(_: int) -> int:
        try:
            return sms_delivery.deliver(now=now)
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=3) as pool:
        assert sum(pool.map(work, range(3))) == len(messages)
    assert len(sent()) == len(set(sent())) == len(messages)


def test_nothing_of_it_lies_in_the_open(settings: Settings) -> None:
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
    assert sms_delivery.deliver(now=now) == 1
    message.refresh_from_db()
    assert (bytes(message.to_sealed), bytes(message.words_sealed), message.taken_at) == (b"", b"", now)


def test_it_is_forgotten_after_its_time_taken_or_not(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    settings.SMS_BACKEND = "tests.accounts.gateways.Refusing"
    now = timezone.now()
    post(a_line(), now)
    sms_delivery.deliver(now=now + timedelta(days=3) - MINUTE)
    assert Message.objects.count() == 1
    settings.SMS_BACKEND = MEMORY
    assert sms_delivery.deliver(now=now + timedelta(days=3)) == 0
    assert (Message.objects.count(), sent()) == (0, [])


def test_whoever_has_the_number_next_reads_nothing(settings: Settings) -> None:
    settings.SMS_BACKEND = "tests.accounts.gateways.OverTheNetwork"
    line, now = a_line(), timezone.now()
    number = number_of(line)
    post(line, now)
    LineNumber.objects.filter(line=line).update(ends_at=now)
    LineNumber.objects.create(line=a_line(), msisdn_hash=number_hash(number), msisdn_sealed=seal(number), starts_at=now)
    settings.SMS_BACKEND = MEMORY
    assert (sms_delivery.deliver(now=now), sent(), Message.objects.count()) == (0, [], 0)


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


def test_what_waited_into_the_night_waits_for_morning(settings: Settings) -> None:
    settings.SMS_BACKEND = "tests.accounts.gateways.Refusing"
    evening = datetime(2026, 12, 1, 20, 59, 50, tzinfo=ZoneInfo("America/Los_Angeles"))
    message = post(a_line(), evening, Message.Kind.LIFELINE)
    settings.SMS_BACKEND = MEMORY
    assert sms_delivery.deliver(now=evening + MINUTE) == 0
    message.refresh_from_db()
    assert message.next_at == datetime(2026, 12, 2, 8, tzinfo=ZoneInfo("America/Los_Angeles"))
    assert sms_delivery.deliver(now=message.next_at) == 1
