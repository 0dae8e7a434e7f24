"""Texts to a far gateway are sent by several threads: at its rate, each line's in order, confirmed stops first."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from accounts.actions import sms_outbox
from accounts.clients.texts import MemoryBackend
from accounts.models import Line, Message
from accounts.workers import sms_delivery
from accounts.workers.parallel_sending import Pace, send_in_parallel, split
from accounts.workers.sms_delivery import THREADS
from tests.accounts.gateways import Refusing
from tests.factories import a_line
from tests.people import number_of

pytestmark = pytest.mark.usefixtures("committed_db")
FAR = "tests.accounts.gateways.OverTheNetwork"


@pytest.fixture(autouse=True)
def _far_away(settings: Settings) -> Iterator[None]:
    settings.SMS_BACKEND = FAR
    Refusing.tried.clear()
    yield
    Refusing.tried.clear()


def post(line: Line, words: str = "x", kind: Message.Kind = Message.Kind.STOPPED) -> None:
    sms_outbox.enqueue_text(line_id=line.pk, kind=kind, words=words, at=timezone.now())


def test_several_texts_are_with_the_gateway_at_a_time(settings: Settings) -> None:
    for _ in range(5):
        post(a_line())
    settings.SMS_BACKEND = "tests.accounts.gateways.Gathering"
    assert sms_delivery.deliver(now=timezone.now()) == 5
    assert Message.objects.filter(doubt_at__isnull=False).count() == 0


def test_a_lines_texts_arrive_in_their_order(settings: Settings) -> None:
    lines = [a_line() for _ in range(3)]
    for n in range(6):
        for line in lines:
            post(line, str(n))
    settings.SMS_BACKEND = "tests.accounts.gateways.Choosy"
    assert sms_delivery.deliver(now=timezone.now()) == 18
    for line in lines:
        assert [text.text for text in MemoryBackend.outbox if text.msisdn == number_of(line)] == [
            f"localhost: {n}" for n in range(6)
        ]


def test_a_gateway_that_falls_silent_gets_one_text_of_each_thread(settings: Settings) -> None:
    for _ in range(3 * THREADS):
        post(a_line())
    now = timezone.now()
    settings.SMS_BACKEND = "tests.accounts.gateways.FallingSilent"
    assert sms_delivery.deliver(now=now) == 1
    assert 1 <= Message.objects.filter(doubt_at=now).count() <= THREADS
    # However many they were, it is the first silence.
    assert sms_delivery.is_gateway_paused(now=now + timedelta(seconds=14))
    assert not sms_delivery.is_gateway_paused(now=now + timedelta(seconds=15))


def test_confirmed_stops_go_first_and_leave_every_fourth_to_others(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("accounts.workers.sms_delivery.THREADS", 1)
    kinds = {"wave": Message.Kind.RECEIPT, "stop": Message.Kind.CONFIRMED, "number": Message.Kind.NUMBER}
    for words, count in {"number": 1, "wave": 3, "stop": 7}.items():
        for _ in range(count):
            post(a_line(), words, kinds[words])
    settings.SMS_BACKEND = "tests.accounts.gateways.Choosy"
    assert sms_delivery.deliver(now=timezone.now()) == 11
    said = [text.text.removeprefix("localhost: ") for text in MemoryBackend.outbox]
    assert said == [*["stop"] * 3, "wave", *["stop"] * 3, "wave", "stop", "wave", "number"]


def test_a_long_queue_of_one_lane_stops_no_other(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    monkeypatch.setattr(sms_delivery, "BATCH", 4)
    monkeypatch.setattr(sms_delivery, "CONFIRMING_SHARE", 3)
    for kind in (*[Message.Kind.CONFIRMED] * 9, Message.Kind.WAY_IN):
        post(a_line(), str(kind), kind)
    settings.SMS_BACKEND = "tests.accounts.gateways.Choosy"
    assert sms_delivery.deliver(now=timezone.now()) == 4
    assert sorted(text.text for text in MemoryBackend.outbox) == [*["localhost: confirmed"] * 3, "localhost: way_in"]


def test_the_rate_holds_for_all_threads_and_idle_time_is_not_made_up() -> None:
    now, slept = [100.0], list[float]()
    pace = Pace(rate=4, until=103.5, clock=lambda: now[0], sleep=slept.append)
    assert [pace.wait() for _ in range(3)] == [True] * 3
    now[0] = 103.0
    # Nobody waits for a turn that comes when the run is over.
    assert [pace.wait() for _ in range(3)] == [True, True, False]
    assert slept == [0.25, 0.5, 0.25]


def test_one_that_says_so_ends_all_of_them() -> None:
    sent = list[int]()

    def send(one: int) -> bool:
        sent.append(one)
        return False

    send_in_parallel(shards=[[1, 2, 3]], send=send)
    assert sent == [1]


def test_what_one_raises_is_not_swallowed() -> None:
    def send(_: int) -> bool:
        raise LookupError

    with pytest.raises(LookupError):
        send_in_parallel(shards=[[1], [2]], send=send)


def test_what_belongs_together_is_sent_by_one_thread() -> None:
    shards = split(((n, n % 5) for n in range(20)), threads=16)
    assert sorted(shards) == [[n, n + 5, n + 10, n + 15] for n in range(5)]
