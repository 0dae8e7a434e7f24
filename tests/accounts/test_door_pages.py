"""What pages promise is there; what a page says next needs no cookie; too many tries lead to the stop door."""

import re

import pytest
from allauth.core.internal.ratelimit import respond_429
from django.contrib.auth.models import AnonymousUser
from django.test import RequestFactory
from django.utils import translation
from pytest_django import Settings

from tests.factories import a_line
from tests.people import Browser, number_of, sign_in

pytestmark = pytest.mark.usefixtures("db")
PUBLIC = ("/stop/", "/stop/code/", "/accounts/login/", "/accounts/login/code/", "/help/", "/safety/")
NOT_THERE_YET = re.compile(r"\bagents?\b|visit a (store|shop)|signed permission", re.IGNORECASE)


def main_of(page: str) -> str:
    found = re.search(r"<body.*</body>", page, re.DOTALL)
    assert found is not None
    return " ".join(re.sub(r"<[^>]+>", " ", found.group()).split())


def test_no_page_before_sign_in_promises_what_is_not_there() -> None:
    for path in PUBLIC:
        browser, door = Browser(), path.removesuffix("code/")
        if path != door:
            browser.post(door, {"number": number_of(a_line())})
        page = browser.get(path, **{"Sec-GPC": "1"})
        assert (path, page.status_code, NOT_THERE_YET.findall(main_of(page.text))) == (path, 200, [])


def test_nor_do_the_pages_where_a_proof_is_asked() -> None:
    browser = sign_in(a_line())
    for path in ("/accounts/reauthenticate/", "/accounts/password/forgotten/", "/settings/"):
        assert NOT_THERE_YET.findall(main_of(browser.get(path).text)) == []


def test_stop_page_names_the_text_only_where_it_is_taken(settings: Settings) -> None:
    for secrets, there in (([], False), (["s" * 32], True)):
        settings.SMS_INBOUND_SECRETS = secrets
        assert [("Reply STOP LOCATION" in Browser().get(path).text) for path in ("/stop/", "/help/")] == [there, there]


def test_what_page_says_next_needs_no_cookie_of_its_own() -> None:
    browser, number = Browser(), number_of(a_line())
    browser.post("/stop/", {"number": number})
    assert "we have texted the code again" in browser.post("/stop/again/", follow=True).text
    inside = sign_in(a_line())
    assert "Saved." in inside.post("/settings/", {"language": "en"}, follow=True).text
    for one in (browser, inside):
        assert {*one.client.cookies} <= {"sessionid", "csrftoken", "django_language", "device"}


SAID = [
    ("en", "Too many tries."), ("es", "Demasiados intentos."), ("zh-hans", "尝试次数太多。"),
    ("vi", "Thử quá nhiều lần."), ("ar", "محاولات كثيرة."),
]  # fmt: skip


@pytest.mark.parametrize(("language", "said"), SAID)
def test_too_many_tries_are_answered_with_the_way_to_stop(language: str, said: str) -> None:
    request = RequestFactory().get("/accounts/reauthenticate/")
    request.user = AnonymousUser()
    with translation.override(language):
        answer = respond_429(request)
    page = answer.content.decode()
    assert (answer.status_code, said in page, 'href="/stop/"' in page) == (429, True, True)


def test_who_looks_for_another_way_is_told_there(settings: Settings) -> None:
    agents = "An organization that acts for you can ask us. "
    agents += "We'll text your phone first, and stop sharing once you say yes."
    for business, said in (("", False), ("CARRIER", True)):
        settings.DRP_BUSINESS_ID = business
        for path in ("/stop/", "/help/"):
            assert (agents in Browser().get(path).text, path) == (said, path)
    assert "You'll get a signed receipt to keep: a page, a PDF to print and a file." in Browser().get("/stop/").text
    text = Browser().get("/help/").text
    assert "we can also e-mail it or text you a link" in text.partition('id="receipt"')[2].partition("<h2")[0]
    assert 'href="/settings/archive/"' in text.partition('id="take"')[2]
    for path in ("/help/", "/accounts/login/"):
        assert '<a href="/accounts/login/ended/">Sign in with your password or passkey</a>' in Browser().get(path).text
