"""No door that takes a number or a code tells by its time who is a customer: each answers at its floor, not sooner.

The clock here is not the world's: what a customer's texts cost is put on it by hand.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextvars import Context
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from typing import Any, ClassVar
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import pytest
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from accounts.clients import texts
from accounts.clients.texts import MemoryBackend
from accounts.primitives.slots import Turns
from accounts.views.access import ANSWER_AT
from audit.primitives import counters
from consent.api.asgi import Message, Scope
from portal.wsgi_bridge import delay_in_thread, run_in_threads
from tests.consent.camara import ask
from tests.consent.claiming import a_partner, link_in
from tests.factories import a_line
from tests.people import NO_CODE, PASSWORD, Browser, number_of, signed_in
from tests.staff import a_staff_user

pytestmark = pytest.mark.usefixtures("committed_db", "no_broker")
STRANGER, FLOOR, WORK = "+13605550199", 0.25, 0.1


@dataclass
class Clock:
    """A clock that goes on by what is put on it."""

    now: float = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Clock:
    settings.ANSWER_SECONDS = FLOOR
    clock = Clock()
    monkeypatch.setattr("accounts.views.access.time", clock)
    real = texts.send_code

    def costly(*, msisdn: str, text: str, code: str, at: datetime) -> None:
        clock.now += WORK
        real(msisdn=msisdn, text=text, code=code, at=at)

    monkeypatch.setattr("accounts.clients.texts.send_code", costly)
    return clock


def taken(clock: Clock, browser: Browser, path: str, form: dict[str, str]) -> float:
    """How long after it was asked the answer leaves: what is made sooner waits."""
    started = clock.now
    answer: Any = browser.client.post(path, form)
    assert answer.status_code in {200, 302}
    due = float(answer.wsgi_request.META.get(ANSWER_AT, clock.now))
    return round(max(due, clock.now) - started, 9)


@pytest.mark.parametrize("door", ["/stop/", "/accounts/login/"])
def test_a_stranger_waits_as_long_as_a_customer(clock: Clock, door: str) -> None:
    times = {}
    for who, number in (("customer", number_of(a_line())), ("stranger", STRANGER)):
        browser = Browser()
        times[who] = [
            taken(clock, browser, door, {"number": number}),
            taken(clock, browser, f"{door}again/", {}),
            taken(clock, browser, f"{door}code/", {"code": "nonsense"}),
        ]
    assert times["customer"] == times["stranger"] == [FLOOR] * 3
    # The customer's texts did cost something, and that was hidden.
    assert clock.now == pytest.approx(2 * WORK)


WRONG = [("rain-on-the-tarn", "123456"), ("rain-on-the-tarn", "abcde-fghij"), (PASSWORD, "123456")]


@pytest.mark.parametrize(("password", "code"), WRONG)
def test_time_of_a_refused_password_with_a_code_does_not_tell_which_was_wrong(
    clock: Clock, password: str, code: str
) -> None:
    officer = a_staff_user(password=PASSWORD)
    for door, who in (
        ("/accounts/login/staff/", {"login": officer.email}),
        ("/accounts/login/ended/", {"number": STRANGER}),
    ):
        form = {**who, "password": password, "code": code}
        assert taken(clock, Browser(), door, form) == 20 * FLOOR


@pytest.mark.parametrize(
    ("door", "work", "floor"),
    [
        ("/stop/ended/", "consent.views.stop.without_account.stop_after_end", 20 * FLOOR),
        ("/accounts/login/", "accounts.views.sign_in.text_code", FLOOR),
    ],
)
def test_an_error_comes_no_sooner_than_an_answer(
    clock: Clock, monkeypatch: pytest.MonkeyPatch, door: str, work: str, floor: float
) -> None:
    def fails(**_asked: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(work, fails)
    browser = Browser()
    browser.client.raise_request_exception = False
    answer: Any = browser.client.post(door, {"number": STRANGER, "password": "rain-on-the-tarn"})
    assert answer.status_code == 500
    assert answer.wsgi_request.META[ANSWER_AT] == clock.now + floor


def test_who_asks_about_nobody_does_not_wait(clock: Clock) -> None:
    line, credential = a_line(), {"credential": '{"id": "AA"}'}
    ended, by_passkey = "/accounts/login/ended/", "/accounts/login/ended/passkey/"
    nobody = [
        (ended, {"number": "no number", "password": "x"}),
        (ended, {"number": STRANGER}),
        (by_passkey, credential),
    ]
    for door in ("/stop/", "/accounts/login/"):
        nobody += [
            (door, {"number": "no number"}),
            (door, {}),
            (f"{door}code/", {"code": NO_CODE}),
            (f"{door}again/", {}),
        ]
    found = {(path, *form): taken(clock, Browser(), path, form) for path, form in nobody}
    # Whose number the door knows, and who types no code; and who is signed in as themselves already.
    for door in ("/stop/", "/accounts/login/"):
        browser = Browser()
        browser.post(door, {"number": STRANGER})
        found[door, "typed nothing"] = taken(clock, browser, f"{door}code/", {})
    asked, person = Browser(), signed_in(line)
    asked.post(ended, {"number": STRANGER, "passkey": "1"})
    found[by_passkey, "no credential"] = taken(clock, asked, by_passkey, {"credential": "7"})
    for door in ("/accounts/login/", ended):
        found[door, "signed in"] = taken(clock, person, door, {"number": number_of(line), "password": PASSWORD})
    found["delegates",] = taken(clock, person, "/lines/delegates/", {"number": "no number"})
    # But whoever asks for somebody does: the door for lines that have ended by either way, and for whom to ask.
    waits = [(person, "/lines/delegates/", {"number": STRANGER, "may": "see", "day": f"{timezone.now():%F}"})]
    waits += [(asked, by_passkey, credential), (Browser(), ended, {"number": STRANGER, "password": "x"})]
    assert [taken(clock, *one) for one in waits] == [FLOOR] * 3
    assert {one: seconds for one, seconds in found.items() if seconds} == {}


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


class Served:
    """Requests to an application on an event loop, by default with one thread, and what went out, in order."""

    def __init__(self, application: WSGIApplication, *, threads: int = 1) -> None:
        self._on_the_loop = run_in_threads(application, threads=threads)
        self.answered: list[str] = []

    async def ask(
        self, path: str, body: Sequence[bytes] = (b"",), *, address: str = "192.0.2.1", hangs_up: bool = False
    ) -> bytes:
        coming, gone = [*body], bytearray()

        async def receive() -> Message:
            if not coming and hangs_up:
                return {"type": "http.disconnect"}
            if not coming:
                await asyncio.Event().wait()
            return {"type": "http.request", "body": coming.pop(0), "more_body": bool(coming)}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.answered.append(path)
            gone.extend(message.get("body", b""))

        scope: Scope = {
            "type": "http", "method": "POST", "path": path, "query_string": b"", "http_version": "1.1",
            "headers": [(b"host", b"a"), (b"x_forged", b"1")], "client": (address, 1),
        }  # fmt: skip
        await self._on_the_loop(scope, receive, send)
        return bytes(gone)


def answers(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Says back what it was sent; what is asked at /waits leaves half a second later."""
    body = environ["wsgi.input"].read()
    if environ["PATH_INFO"].startswith("/waits"):
        environ[ANSWER_AT] = time.monotonic() + 0.5
    start_response("200 OK", [])
    said = [body, b"" if "HTTP_X_FORGED" not in environ else b"forged"]
    return iter(said) if environ["PATH_INFO"] == "/waits/bit-by-bit" else said


def test_an_answer_that_waits_keeps_no_thread() -> None:
    async def at_once() -> tuple[Served, list[bytes], float]:
        served, started = Served(answers), time.monotonic()
        # One thread makes all of them, and each that waits would keep it from the last.
        asked = [*(served.ask(f"/waits/{n}", [b"%d" % n]) for n in range(8)), served.ask("/at-once", [b"a", b"b"])]
        return served, await asyncio.gather(*asked), time.monotonic() - started

    served, said, took = asyncio.run(at_once())
    # Of those that wait as long, any may be the first.
    assert [served.answered[0], *sorted(served.answered[1:])] == ["/at-once", *(f"/waits/{n}" for n in range(8))]
    assert said == [*(b"%d" % n for n in range(8)), b"ab"]
    assert 0.5 <= took < 8 * 0.5


def test_what_was_sent_is_read_by_lines_and_pieces_of_them() -> None:
    def reads(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        sent = environ["wsgi.input"]
        start_response("200 OK", [])
        return [repr([sent.readline(2), sent.readline(), sent.readline(9), *sent]).encode()]

    said = asyncio.run(Served(reads).ask("/", [b"abc\nde", b"f\ngh"]))
    assert said == repr([b"ab", b"c\n", b"def\n", b"gh"]).encode()


@pytest.mark.parametrize("door", ["stop-ended", "sign-in-ended", "sign-in-staff"])
def test_a_flood_of_forms_that_hash_keeps_no_other_network_waiting(door: str) -> None:
    """They are taken one at a time, of each network one in turn; none of whoever has hung up, and none that is slow."""
    taken, at_once = list[bytes](), []

    def takes(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        at_once.append(1)
        taken.append(environ["wsgi.input"].read())
        assert len(at_once) == 1
        start_response("200 OK", [])
        at_once.clear()
        return [b""]

    async def flood() -> list[str]:
        served = Served(takes, threads=4)
        await asyncio.gather(
            *(served.ask(reverse(door), [b"%d" % n]) for n in range(4)),
            served.ask(reverse(door), [b"gone"], hangs_up=True),
            served.ask(reverse(door), [b"gone as well"], address="198.51.100.9", hangs_up=True),
            served.ask(reverse(door), [b"elsewhere, ", b"in parts"], address="198.51.100.9"),
            served.ask(reverse(door), [b"there"], address="203.0.113.9"),
        )
        return served.answered

    assert asyncio.run(flood()) == [reverse(door)] * 6
    assert [taken[0], *taken[2:4]] == [b"0", b"elsewhere, in parts", b"there"]
    assert {taken[1], *taken[4:]} == {b"1", b"2", b"3"}


def test_a_flood_from_their_own_network_leaves_the_last_a_chance() -> None:
    """40 hold a connection each; whoever comes last has a turn before the proxy gives up, three times of four."""

    async def last_of(many: int, *, turns: int) -> bool:
        queue, gone = Turns(), asyncio.get_running_loop().create_future()
        assert await queue.take("one network", gone=gone)
        waiting = [asyncio.ensure_future(queue.take("one network", gone=gone)) for _ in range(many)]
        await asyncio.sleep(0)
        for _ in range(turns):
            queue.release()
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        had_a_turn = waiting[-1].done()
        gone.set_result(None)
        await asyncio.gather(*waiting)
        return had_a_turn

    assert any(asyncio.run(last_of(41, turns=30)) for _ in range(20))


class Loop(asyncio.SelectorEventLoop):
    """An event loop whose clock is put forward by hand, and which notes what is to be done later and does it now."""

    ahead = 0.0

    def __init__(self) -> None:
        super().__init__()
        self.delays: list[float] = []

    def time(self) -> float:
        return super().time() + self.ahead

    def call_later[*Ts](
        self, delay: float, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        self.delays.append(delay)
        return super().call_later(0, callback, *args, context=context)


@pytest.mark.parametrize("work", [0.0, 300.0])
def test_whoever_waits_behind_a_guess_does_not_learn_whether_it_was_right(work: float, settings: Settings) -> None:
    """A turn in which something was looked up is as long whatever it takes; any other is over at once."""
    settings.ANSWER_SECONDS = 50.0
    loop = Loop()

    def checks(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["wsgi.input"].read() == b"a guess":
            environ[ANSWER_AT] = time.monotonic()
            loop.ahead += work
        start_response("200 OK", [])
        return [b""]

    async def one_behind_another() -> None:
        served = Served(checks)
        await asyncio.gather(*(served.ask("/stop/ended/", [body]) for body in (b"a guess", b"nothing")))

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(one_behind_another())
    after_the_guess, after_nothing = loop.delays
    assert work + after_the_guess == pytest.approx(400, abs=50)
    assert after_nothing == 0


def test_what_is_sent_bit_by_bit_waits_as_well() -> None:
    async def once() -> tuple[bytes, float]:
        started = time.monotonic()
        return await Served(answers).ask("/waits/bit-by-bit", [b"whole"]), time.monotonic() - started

    said, took = asyncio.run(once())
    assert (said, took >= 0.5) == (b"whole", True)


def test_a_server_of_threads_waits_too(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr("portal.wsgi_bridge.time.sleep", slept.append)
    started: list[str] = []

    def start(status: str, headers: list[tuple[str, str]], *failure: Any) -> Callable[[bytes], object]:
        started.append(f"{status} after {len(slept)}")
        return bytes

    for path in ("/waits", "/at-once"):
        delay_in_thread(answers)({"PATH_INFO": path, "wsgi.input": BytesIO(b"x")}, start)
    assert started == ["200 OK after 1", "200 OK after 1"]
    assert 0.4 < slept[0] <= 0.5


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


@pytest.mark.parametrize("door", ["/stop/", "/accounts/login/"])
def test_a_cache_that_hangs_keeps_no_page_waiting(monkeypatch: pytest.MonkeyPatch, door: str) -> None:
    go_on, counted = threading.Event(), list[int]()

    def hangs(_key: str, n: int) -> bool:
        go_on.wait(30)
        counted.append(n)
        return True

    monkeypatch.setattr(counters, "_increment_cache", hangs)
    browser, number = Browser(), number_of(a_line())
    assert browser.post(door, {"number": number}).status_code == 302
    assert browser.post(f"{door}again/").status_code == 302
    assert counted == []
    assert [text.msisdn for text in MemoryBackend.outbox[-2:]] == [number] * 2
    go_on.set()
