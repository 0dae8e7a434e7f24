"""No door that takes a number or a code tells by its time who is a customer: each answers at its floor, not sooner.

The clock here is not the world's: what a customer's texts cost is put on it by hand.
"""

import threading
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

import pytest
from pytest_django import Settings

from accounts import texts
from accounts.texts import MemoryBackend
from tests.consent.camara import ask
from tests.consent.claiming import a_partner, link_in
from tests.factories import a_line
from tests.people import Browser, number_of

pytestmark = pytest.mark.usefixtures("committed_db", "no_broker")
STRANGER, FLOOR, WORK = "+13605550199", 0.25, 0.1


@dataclass
class Clock:
    """A clock that goes on by what is put on it, and by sleeping."""

    now: float = 0.0
    slept: list[float] = field(default_factory=list)

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def clock(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Clock:
    settings.ANSWER_SECONDS = FLOOR
    clock = Clock()
    monkeypatch.setattr("accounts.access.time", clock)
    real = texts.send_code

    def costly(*, msisdn: str, text: str, code: str, at: datetime) -> None:
        clock.now += WORK
        real(msisdn=msisdn, text=text, code=code, at=at)

    monkeypatch.setattr("accounts.texts.send_code", costly)
    return clock


def taken(clock: Clock, browser: Browser, path: str, form: dict[str, str]) -> float:
    started = clock.now
    assert browser.post(path, form).status_code in {200, 302}
    return round(clock.now - started, 9)


@pytest.mark.parametrize("door", ["/stop/", "/accounts/login/"])
def test_a_stranger_waits_as_long_as_a_customer(clock: Clock, door: str) -> None:
    times = {}
    for who, number in (("customer", number_of(a_line())), ("stranger", STRANGER)):
        browser = Browser()
        times[who] = [
            taken(clock, browser, door, {"number": number}),
            taken(clock, browser, f"{door}again/", {}),
            taken(clock, browser, f"{door}code/", {"code": "nonsense"}),
            taken(clock, browser, door, {"number": "no number"}),
        ]
    assert times["customer"] == times["stranger"] == [FLOOR] * 4
    # The customer's texts did cost something, and that was hidden.
    assert {round(one, 9) for one in clock.slept} == {round(FLOOR - WORK, 9), FLOOR}


def test_nor_does_a_question_s_door_tell(clock: Clock) -> None:
    partner, line = a_partner(), a_line()
    times = []
    for number in (number_of(line), STRANGER):
        path = link_in(ask(partner, requestCaptureUrl=True, phoneNumber=number)["captureUrl"])
        browser = Browser()
        times.append(
            [
                taken(clock, browser, f"{path}text/", {}),
                taken(clock, browser, f"{path}code/", {"code": "nonsense"}),
                taken(clock, browser, f"{path}text/", {"again": "1"}),
            ]
        )
    assert times[0] == times[1] == [FLOOR] * 3
    assert len([text for text in MemoryBackend.outbox if text.code]) == 2


class Stuck:
    """A gateway that never comes back while the page is being made."""

    waits_for_network = True
    go_on: ClassVar[threading.Event] = threading.Event()
    given: ClassVar[list[str]] = []

    def send(self, *, msisdn: str, text: str, code: str = "") -> None:
        self.go_on.wait(30)
        self.given.append(msisdn)


@pytest.mark.parametrize("door", ["/stop/", "/accounts/login/"])
def test_a_slow_gateway_keeps_no_page_waiting(settings: Settings, door: str) -> None:
    settings.SMS_BACKEND = f"{__name__}.Stuck"
    Stuck.go_on.clear()
    Stuck.given.clear()
    browser, number = Browser(), number_of(a_line())
    assert browser.post(door, {"number": number}).status_code == 302
    assert browser.post(f"{door}again/").status_code == 302
    assert Stuck.given == []
    Stuck.go_on.set()
