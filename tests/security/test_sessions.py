"""A session is new at each sign-in and worth nothing once it was ended."""

import pytest
from django.conf import settings as configured
from django.test import Client
from pytest_django.fixtures import Settings

from tests.factories import a_line
from tests.people import Browser, newest_text, number_of, sign_in

pytestmark = pytest.mark.usefixtures("db", "no_broker")


@pytest.fixture(autouse=True)
def _fast(settings: Settings) -> None:
    settings.SMS_BACKEND, settings.ANSWER_SECONDS = "accounts.texts.MemoryBackend", 0.0


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
