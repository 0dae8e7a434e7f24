"""Where somebody is signed in, and under which key a session goes on once it has proved more."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.conf import settings as configured
from django.test import Client
from django.utils import timezone

from accounts.domain.session_store import SessionStore
from accounts.models import BrowserSession, Line
from tests.factories import a_line
from tests.people import PASSWORD, Browser, Page, newest_text, number_of, sign_in, sign_in_by_code
from tests.staff import a_staff_user

pytestmark = pytest.mark.usefixtures("db", "no_broker")
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
THERE = "198.51.100.7"


def key_of(client: Client) -> str:
    return str(client.cookies[configured.SESSION_COOKIE_NAME].value)


def is_signed_in(key: str) -> bool:
    client = Client()
    client.cookies[configured.SESSION_COOKIE_NAME] = key
    return client.get("/settings/").status_code == 200


def elsewhere(line: Line) -> Browser:
    browser = Browser()
    browser.client.defaults |= {"HTTP_USER_AGENT": FIREFOX, "REMOTE_ADDR": THERE}
    return sign_in(line, browser)


def facts(page: str) -> list[tuple[str, str]]:
    """The facts of each sign-in, without the markup of times."""
    return [(name, re.sub(r"<[^>]+>", "", said)) for name, said in re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", page)]


# Another key at each step-up


def test_giving_the_password_gives_another_key() -> None:
    line = a_line()
    sign_in(line)
    browser = sign_in_by_code(line)
    before = key_of(browser.client)
    assert browser.post("/accounts/reauthenticate/", {"password": "not the password"}).status_code == 200
    assert key_of(browser.client) == before
    assert browser.post("/accounts/reauthenticate/", {"password": PASSWORD}).status_code == 302
    assert key_of(browser.client) != before
    assert [is_signed_in(before), is_signed_in(key_of(browser.client))] == [False, True]


def test_a_request_under_the_old_key_takes_no_cookie_away() -> None:
    """What was asked for before another tab gave the password may be answered after it: the browser keeps the new key.

    A sign-out still takes the cookie back.
    """
    line = a_line()
    sign_in(line)
    browser = sign_in_by_code(line)
    before, late = key_of(browser.client), Client()
    browser.post("/accounts/reauthenticate/", {"password": PASSWORD})
    late.cookies[configured.SESSION_COOKIE_NAME] = before
    for path in ("/settings/", "/home/", "/stop/"):
        assert configured.SESSION_COOKIE_NAME not in late.get(path).cookies
    assert late.get("/settings/").status_code == 302
    browser.post("/accounts/logout/")
    assert key_of(browser.client) == ""


@pytest.fixture
def moved() -> tuple[Line, Browser, Browser]:
    """A line, the browser that gave its password, and one that still sends the key from before."""
    line, late = a_line(), Browser()
    sign_in(line)
    browser = sign_in_by_code(line)
    late.client.cookies[configured.SESSION_COOKIE_NAME] = key_of(browser.client)
    browser.post("/accounts/reauthenticate/", {"password": PASSWORD})
    return line, browser, late


def test_a_late_request_that_writes_signs_nobody_out(moved: tuple[Line, Browser, Browser]) -> None:
    _, browser, late = moved
    before, rows = key_of(late.client), BrowserSession.objects.count()
    # It sends on to the sign-in, and would say so on the next page.
    assert late.post("/settings/", {"language": "es"}).status_code == 302
    assert (key_of(late.client), BrowserSession.objects.count()) == (before, rows)
    assert is_signed_in(key_of(browser.client))


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], None]:
    """Let something happen once the next request has read its session, and before it writes that."""
    write = SessionStore._write

    def happens(verb: Callable[[], object]) -> None:
        once = iter([verb])

        def write_after(self: SessionStore, statement: str, data: dict[str, Any], *, old_key: str = "") -> bool:
            for one in once:
                one()
            return write(self, statement, data, old_key=old_key)

        monkeypatch.setattr(SessionStore, "_write", write_after)

    return happens


def test_a_password_sent_twice_at_once_is_given_once(meanwhile: Callable[[Callable[[], object]], None]) -> None:
    line, second = a_line(), Browser()
    sign_in(line)
    browser, given = sign_in_by_code(line), {"password": PASSWORD}
    before = second.client.cookies[configured.SESSION_COOKIE_NAME] = key_of(browser.client)
    pages = list[Page]()
    meanwhile(lambda: pages.append(browser.post("/accounts/reauthenticate/", given)))
    pages.append(second.post("/accounts/reauthenticate/", given))
    assert [page.status_code for page in pages] == [302, 302]
    assert pages[0].url == pages[1].url
    # The second answer brings no cookie that would take the place of the first's.
    assert key_of(second.client) == before
    assert [is_signed_in(before), is_signed_in(key_of(browser.client))] == [False, True]


def test_what_a_sign_out_ended_meanwhile_stays_ended(meanwhile: Callable[[Callable[[], object]], None]) -> None:
    line, second = a_line(), Browser()
    sign_in(line)
    browser = sign_in_by_code(line)
    second.client.cookies[configured.SESSION_COOKIE_NAME] = key_of(browser.client)
    meanwhile(lambda: browser.post("/accounts/logout/"))
    assert second.post("/accounts/reauthenticate/", {"password": PASSWORD}).status_code == 400
    assert BrowserSession.objects.filter(user__isnull=False).count() == 1


def test_a_stop_begins_right_after_a_double_tap_on_its_code() -> None:
    """The code is sent twice. A browser that drops the first answer with its cookie is led to the start."""
    line, browser = a_line(), Browser()
    browser.post("/stop/", {"number": number_of(line)})
    before, code = key_of(browser.client), {"code": newest_text(number_of(line)).code}
    assert browser.post("/stop/code/", code).url == "/stop/all/"
    proved = key_of(browser.client)
    browser.client.cookies[configured.SESSION_COOKIE_NAME] = before
    assert browser.post("/stop/code/", code).url == "/stop/all/"
    assert browser.get("/stop/all/").url == "/stop/"
    # One that kept it goes on.
    kept = Browser()
    kept.client.cookies[configured.SESSION_COOKIE_NAME] = proved
    assert kept.get("/stop/all/").status_code == 200
    assert browser.post("/stop/", {"number": number_of(line)}).url == "/stop/code/"
    assert browser.get("/stop/code/").status_code == 200
    assert browser.post("/stop/code/", {"code": newest_text(number_of(line)).code}).url == "/stop/all/"
    assert browser.get("/stop/all/").status_code == 200


def test_a_number_sent_under_the_old_key_signs_in(moved: tuple[Line, Browser, Browser]) -> None:
    line, browser, late = moved
    late.post("/accounts/login/", {"number": number_of(line)})
    late.post("/accounts/login/code/", {"code": newest_text(number_of(line)).code})
    assert [is_signed_in(key_of(one.client)) for one in (late, browser)] == [True, True]


def test_staff_sign_in_right_after_a_double_tap_on_their_password() -> None:
    officer = a_staff_user(password=PASSWORD)
    client, form = Client(), {"login": officer.email, "password": PASSWORD}
    client.post("/accounts/login/staff/", form)
    before = key_of(client)
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    client.cookies[configured.SESSION_COOKIE_NAME] = before
    client.post("/accounts/login/staff/", form)
    assert key_of(client) != before
    assert client.get("/accounts/sessions/").status_code == 200


@pytest.mark.parametrize("path", ["/accounts/logout/", "/leave/"])
def test_a_sign_out_under_the_old_key_ends_what_went_on(path: str, moved: tuple[Line, Browser, Browser]) -> None:
    _, browser, late = moved
    assert is_signed_in(key_of(browser.client))
    late.post(path)
    assert key_of(late.client) == ""
    assert not is_signed_in(key_of(browser.client))


def test_choosing_the_first_password_gives_another_key() -> None:
    line = a_line()
    other, browser = sign_in_by_code(line), sign_in_by_code(line)
    before = key_of(browser.client)
    browser.post("/accounts/password/set/", {"password": PASSWORD})
    assert browser.get("/accounts/sessions/").text.count('class="facts"') == 1
    assert [is_signed_in(before), is_signed_in(key_of(other.client))] == [False, False]


def test_staff_get_another_key_with_password_before_the_second_factor() -> None:
    officer = a_staff_user(password=PASSWORD)
    client = Client()
    client.get("/accounts/login/staff/")
    client.post("/accounts/login/staff/", {"login": officer.email, "password": "not the password"})
    assert client.post("/accounts/login/staff/", {"login": officer.email, "password": PASSWORD}).status_code == 302
    before = key_of(client)
    assert client.post("/accounts/reauthenticate/", {"password": PASSWORD}).status_code == 302
    assert key_of(client) != before
    assert not is_signed_in(before)


def test_changing_the_password_ends_other_sign_ins() -> None:
    line = a_line()
    browser, other = sign_in(line), sign_in(line)
    new = "four other quiet words"
    form = {"oldpassword": PASSWORD, "password1": new, "password2": new}
    assert browser.post("/accounts/password/change/", form).status_code == 302
    assert browser.get("/accounts/sessions/").text.count('class="facts"') == 1
    assert [is_signed_in(key_of(one.client)) for one in (browser, other)] == [True, False]


# Who sees by which address and browser


def test_a_code_alone_sees_ages_and_buttons_only() -> None:
    line = a_line()
    with time_machine.travel(timezone.now(), tick=False) as clock:
        elsewhere(line)
        clock.shift(timedelta(hours=3))
        page = sign_in_by_code(line).get("/accounts/sessions/").text
    assert facts(page) == [("Signed in", "0\xa0minutes ago"), ("Signed in", "3\xa0hours ago")]
    assert page.count("Sign out that browser</button>") == 1
    assert [said in page for said in (THERE, "127.0.0.1", "Firefox", "<time")] == [False] * 4


def test_the_password_shows_addresses_and_browsers() -> None:
    line = a_line()
    with time_machine.travel(timezone.now(), tick=False) as clock:
        elsewhere(line)
        clock.shift(timedelta(hours=3))
        browser = sign_in_by_code(line)
        browser.post("/accounts/reauthenticate/", {"password": PASSWORD})
        said = facts(browser.get("/accounts/sessions/").text)
    assert [name for name, _ in said] == ["Since", "Internet address", "Browser"] * 2
    assert len({value for name, value in said if name == "Since"}) == 2
    assert [value for name, value in said if name != "Since"] == [
        "127.0.0.1", "Unknown browser", THERE, "Firefox (Linux)",
    ]  # fmt: skip


def test_ages_are_all_that_is_shown_without_a_proof() -> None:
    line, officer, client = a_line(), a_staff_user(password=PASSWORD), Client()
    ages = [("Signed in", "0\xa0minutes ago")]
    browser = elsewhere(line)
    assert THERE in browser.get("/accounts/sessions/").text
    # Under hold, though the password was given; who has no password yet; staff without a second factor.
    Line.objects.filter(pk=line.pk).update(sim_changed_at=timezone.now())
    unproved = sign_in_by_code(a_line())
    client.post("/accounts/login/staff/", {"login": officer.email, "password": PASSWORD})
    for page in (
        browser.get("/accounts/sessions/").text, unproved.get("/accounts/sessions/").text,
        client.get("/accounts/sessions/").content.decode(),
    ):  # fmt: skip
        assert facts(page) == ages
