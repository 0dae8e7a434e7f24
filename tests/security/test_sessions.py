"""A session is new at each sign-in and worth nothing once it was ended."""

from collections.abc import Callable
from datetime import timedelta
from html import unescape
from itertools import product
from uuid import UUID

import pytest
import time_machine
from django.conf import settings as configured
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.domain import sessions
from accounts.models import Line, User
from audit.queries import database_clock
from consent.actions.choices import allow
from consent.actions.signals import honour_signal
from consent.models import Choice, PrivacySignal
from tests.factories import a_campaign, a_line
from tests.people import Browser, newest_text, number_of, sign_in, sign_in_by_code, user_of
from tests.selection import drawn
from tests.staff import a_staff_user
from tests.support.officers import staff
from tests.walks.world import undone

pytestmark = pytest.mark.usefixtures("db", "no_broker")


@pytest.fixture(autouse=True)
def _fast(settings: Settings) -> None:
    settings.SMS_BACKEND, settings.ANSWER_SECONDS = "accounts.clients.texts.MemoryBackend", 0.0


def session_of(client: Client) -> str:
    return str(client.cookies[configured.SESSION_COOKIE_NAME].value)


def test_signing_in_gives_another_session() -> None:
    line, browser = a_line(), Browser()
    browser.post("/accounts/login/", {"number": number_of(line)})
    before = session_of(browser.client)
    browser.post("/accounts/login/code/", {"code": newest_text(number_of(line)).code})
    assert browser.get("/home/").status_code in {200, 302}
    assert session_of(browser.client) != before


def test_a_session_that_was_ended_opens_nothing() -> None:
    browser = sign_in(a_line())
    assert browser.get("/home/").status_code == 200
    kept = session_of(browser.client)
    browser.post("/accounts/logout/")
    thief = Client()
    thief.cookies[configured.SESSION_COOKIE_NAME] = kept
    assert thief.get("/home/").status_code == 302


def test_a_session_given_by_somebody_else_is_not_taken_over() -> None:
    browser = Browser()
    browser.client.cookies[configured.SESSION_COOKIE_NAME] = "a" * 32
    line = a_line()
    browser.post("/accounts/login/", {"number": number_of(line)})
    assert session_of(browser.client) != "a" * 32


AWAY = "You were signed out because you were away for a while."
READING = "You were signed out because you were away for a while. Your choices haven't changed. Sign in to continue."
SENDING = (
    "You were signed out because you were away for a while. What you just sent didn't go through. Sign in and send it "
    "again. You can stop sharing without signing in."
)
MINUTE = timedelta(minutes=1)


def of_staff() -> Browser:
    browser = Browser()
    browser.client.force_login(a_staff_user(User.Role.OFFICER), backend=configured.AUTHENTICATION_BACKENDS[0])
    return browser


def of_a_subscriber() -> Browser:
    return sign_in(a_line())


def is_in(browser: Browser) -> bool:
    return browser.get("/accounts/sessions/").status_code == 200


@pytest.mark.parametrize(
    ("somebody", "unused", "in_all"),
    [(of_staff, timedelta(minutes=30), timedelta(hours=12)), (of_a_subscriber, timedelta(hours=12), timedelta(days=7))],
)
def test_a_sign_in_ends_unused_and_after_its_time(
    somebody: Callable[[], Browser], unused: timedelta, in_all: timedelta
) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        left, used = somebody(), somebody()
        assert [is_in(left), is_in(used)] == [True, True]
        clock.shift(unused - MINUTE)
        assert is_in(used)
        clock.shift(MINUTE)
        assert [is_in(left), is_in(used)] == [False, True]
        kept = session_of(left.client)
        for _ in range(in_all // (unused - MINUTE) - 1):
            clock.shift(unused - MINUTE)
            assert is_in(used)
        clock.shift(unused - MINUTE)
        assert not is_in(used)
        # It is over at the server, whatever a browser keeps.
        left.client.cookies[configured.SESSION_COOKIE_NAME] = kept
        assert not is_in(left)


def test_the_page_says_why_and_what_was_not_sent() -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        read, wrote = of_a_subscriber(), of_a_subscriber()
        clock.shift(sessions.OWN_UNUSED)
        assert READING in unescape(read.get(read.get("/settings/").url).text)
        door = wrote.post("/settings/", {"language": "es"}).url
        assert door == "/accounts/login/?next=/home/"
        said = unescape(wrote.get(door).text)
        assert SENDING in said
        assert said.count("What you just sent didn't go through") == 1
        # Said once.
        assert AWAY not in read.get("/accounts/login/").text


def test_a_page_that_asks_by_itself_keeps_nobody_signed_in() -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        browser = of_staff()
        assert is_in(browser)
        for _ in range(3):
            clock.shift(timedelta(minutes=10))
            browser.get("/accounts/sessions/", **{"HX-Request": "true"})
        assert not is_in(browser)


SCRIPT = {"HX-Request": "true", "HX-Current-URL": "http://testserver/desk/"}


def test_a_script_without_sign_in_loads_its_page_anew() -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        browser = staff("agent").client
        assert browser.get("/desk/counts/", headers=SCRIPT).status_code == 200
        clock.shift(sessions.STAFF_UNUSED)
        asked = browser.get("/desk/counts/", headers=SCRIPT)
        assert (asked.status_code, asked["HX-Refresh"], asked.content) == (204, "true", b"")
        page = browser.get("/desk/", follow=True)
        assert page.redirect_chain == [("/accounts/login/staff/?next=%2Fdesk%2F", 302)]
        assert AWAY in page.content.decode()


def test_a_script_without_sign_in_sends_nothing() -> None:
    for path in ("/desk/X/write/canned/", "/desk/X/write/draft/answer/", "/settings/"):
        sent = Client().post(path, {"body": "Half a sentence"}, headers=SCRIPT)
        assert (path, sent.status_code, sent.content, sent.has_header("HX-Refresh")) == (path, 401, b"", False)


def test_progress_goes_to_no_sign_in_either() -> None:
    client = sign_in_by_code(a_line()).client
    for path in (f"/choices/{UUID(int=7)}/progress/", "/settings/archive/progress/"):
        asked = client.get(path, headers=SCRIPT)
        assert (path, asked.status_code, asked["HX-Refresh"]) == (path, 204, "true")


# How long after it began a sign-in was last used: not at all, or to the end of its days.
AGES = (timedelta(), timedelta(days=6, hours=23))


def left(line: Line, clock: time_machine.Traveller, last_used: timedelta) -> Browser:
    """A browser whose page lay open for a day since its sign-in was last used."""
    browser = sign_in(line)
    for _ in range(last_used // (sessions.OWN_UNUSED - MINUTE)):
        clock.shift(sessions.OWN_UNUSED - MINUTE)
        assert is_in(browser)
    clock.shift(timedelta(days=1))
    return browser


STOPS = ("/choices/stop/", "/choices/dispute/", "/choices/pause/", "/choices/signal/stop/")


@pytest.mark.parametrize(("last_used", "path"), [*drawn(product(AGES, STOPS), of=3)])
def test_a_stop_from_an_old_page_is_taken_and_stays(line: Line, path: str, last_used: timedelta) -> None:
    said = {"scope": "all", "length": "7"}
    with time_machine.travel(timezone.now(), tick=False) as clock:
        browser = left(line, clock, last_used)
        assert browser.post(path, said).url.startswith("/choices/")
        assert stops_of(line) == ["all"]
        # The sign-in goes on if its days are not over, and this was its last act if they are.
        assert is_in(browser) is (not last_used)
        clock.shift(timedelta(days=30))
        assert not is_in(browser)
        assert stops_of(line) == ["all"]


@pytest.fixture
def asked(line: Line) -> Callable[[], bool]:
    """A line whose person said yes by themselves, and whose browser's signal said no: is the question still open?"""
    sign_in(line)
    actor, campaign = f"subscriber:{user_of(line).pk}", a_campaign()
    allow(line_id=line.pk, campaign=campaign.ref, actor=actor, channel="web")
    honour_signal(line_id=line.pk, actor=actor, at=database_clock())
    return lambda: PrivacySignal.objects.filter(pk=line.pk, answer="").exists()


@pytest.mark.parametrize("last_used", AGES)
def test_a_no_to_the_signal_s_question_is_taken(line: Line, asked: Callable[[], bool], last_used: timedelta) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        browser = left(line, clock, last_used)
        browser.post("/choices/signal/stop/")
        assert (stops_of(line), asked()) == (["all"], False)
        assert is_in(browser) is (not last_used)


@pytest.mark.parametrize("last_used", AGES)
def test_whatever_else_is_sent_there_needs_a_sign_in(
    line: Line, asked: Callable[[], bool], last_used: timedelta
) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        browser = left(line, clock, last_used)
        for answer in ("keep", "stop", ""):
            with undone(browser.client):
                sent = browser.client.post("/choices/signal/?answer=stop", {"answer": answer, "scope": "all"})
                assert sent.headers["Location"].startswith("/accounts/login/"), answer
                assert (answer, stops_of(line), asked()) == (answer, [], True)
                assert "What you just sent didn&#x27;t go through" in browser.get("/accounts/login/").text, answer
                assert not is_in(browser), answer


def test_a_stop_is_one_where_it_is_taken(line: Line) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        browser = left(line, clock, timedelta())
        for path in ("/settings/", "/choices/allow/", "/choices/signal/stop/more/"):
            with undone(browser.client):
                browser.post(path, {"answer": "stop", "language": "es"})
                assert not is_in(browser), path


def test_a_look_where_a_stop_is_taken_is_none(line: Line, asked: Callable[[], bool]) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        browser = left(line, clock, timedelta())
        assert browser.get("/choices/signal/stop/").status_code == 405
        assert (stops_of(line), asked(), is_in(browser)) == ([], True, False)


@pytest.mark.parametrize("path", ["/choices/stop/", "/choices/signal/stop/"])
def test_a_stop_takes_a_code_alone_and_proves_no_more(line: Line, path: str) -> None:
    sign_in(line)
    with time_machine.travel(timezone.now(), tick=False) as clock:
        browser = sign_in_by_code(line)
        clock.shift(timedelta(days=1))
        sent = browser.post(path, {"scope": "all"})
        assert stops_of(line) == ["all"]
        # To see how far it has come takes a password; there it is said that it is done.
        proof = browser.get(sent.url)
        assert proof.url.startswith("/accounts/reauthenticate/")
        assert "Done. Every company is blocked from now on." in browser.get(proof.url).text
        assert browser.get("/home/").url.startswith("/accounts/reauthenticate/")


@pytest.mark.parametrize(("path", "said"), [("/choices/stop/", {"scope": "all"}), ("/choices/signal/stop/", {})])
def test_no_stop_revives_a_sign_in_of_staff(path: str, said: dict[str, str]) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        browser = of_staff()
        assert is_in(browser)
        clock.shift(sessions.STAFF_UNUSED)
        browser.post(path, said)
        assert not is_in(browser)


def test_steps_to_a_stop_outlast_the_sign_in() -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        line = a_line()
        browser = sign_in_by_code(line)
        for _ in range(14):
            clock.shift(timedelta(hours=11, minutes=59))
            assert is_in(browser)
        clock.shift(timedelta(minutes=13))
        browser.post("/stop/", {"number": number_of(line)})
        clock.shift(timedelta(minutes=2))
        assert browser.post("/stop/code/", {"code": newest_text(number_of(line)).code}).url == "/stop/all/"
        # What needs no sign-in was done: nobody is told to send it again.
        assert READING in unescape(browser.get("/accounts/login/").text)
        assert not is_in(browser)


def stops_of(line: Line) -> list[str]:
    """What is stopped or paused on this line as the ledger has it."""
    kinds = (Choice.Kind.STOP, Choice.Kind.PAUSE)
    return list(Choice.objects.filter(line_id=line.pk, kind__in=kinds).values_list("scope", flat=True))
