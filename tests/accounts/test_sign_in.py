"""Signing in: a number, a texted code, then a password. Every answer is the same for customers and strangers."""

import re
from datetime import timedelta
from html import unescape
from time import monotonic
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
    yield_hotp_counters_from_time,
)
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.actions.codes import text_code, verify_code
from accounts.actions.people import end_tenures
from accounts.clients.texts import MemoryBackend
from accounts.domain.message_templates import language_of
from accounts.models import LineUser, TextedCode, User
from accounts.views.access import ANSWER_AT
from audit.models import AuditEvent
from tests.factories import a_line
from tests.people import NO_CODE, PASSWORD, Browser, newest_text, number_of, sign_in, sign_in_by_code, texts_to, user_of

pytestmark = pytest.mark.usefixtures("db")

STRANGER = "+13605550199"
SIGN_IN = TextedCode.Purpose.SIGN_IN
STOP = TextedCode.Purpose.STOP
MINE, THEIRS = "1" * 32, "2" * 32


def ask(client: Browser, number: str) -> str:
    response = client.post("/accounts/login/", {"number": number}, follow=True)
    return without_secrets(response.text)


def without_secrets(page: str) -> str:
    page = re.sub(r'name="csrfmiddlewaretoken" value="[^"]*"', "", page)
    return re.sub(r"\(\d{3}\) \d{3}-\d{4}", "NUMBER", page)


def test_the_doors_have_the_hooks_that_programs_rely_on() -> None:
    client, msisdn = Browser(), number_of(a_line())
    page = client.get("/accounts/login/").text
    assert '<input type="tel" name="number"' in page
    assert 'action="/accounts/login/staff/"' in page
    client.post("/accounts/login/", {"number": msisdn})
    assert re.search(r'<input type="text" name="code"', client.get("/accounts/login/code/").text)
    client.post("/accounts/login/code/", {"code": newest_text(msisdn).code})
    assert '<input type="password" name="password"' in client.get("/accounts/password/set/").text


def test_a_password_is_chosen_before_anything_is_shown() -> None:
    line = a_line()
    client = sign_in_by_code(line)
    assert client.get("/lines/").url == "/accounts/password/set/?next=%2Flines%2F"
    response = client.post("/accounts/password/set/", {"password": PASSWORD, "next": "/lines/"})
    assert (response.status_code, response.url) == (302, "/lines/")
    assert client.get("/lines/").status_code == 200


def test_the_next_time_the_password_is_asked_and_not_chosen() -> None:
    line = a_line()
    sign_in(line)
    client = sign_in_by_code(line)
    assert client.get("/lines/").url == "/accounts/reauthenticate/?next=%2Flines%2F"
    assert (
        client.post("/accounts/password/set/", {"password": "another three words"}).url == "/accounts/reauthenticate/"
    )
    assert client.get("/lines/").status_code == 302
    wrong = client.post("/accounts/reauthenticate/", {"password": "guessed wrongly"})
    assert (wrong.status_code, client.get("/lines/").status_code) == (200, 302)
    right = client.post("/accounts/reauthenticate/", {"password": PASSWORD, "next": "/lines/"})
    assert (right.status_code, right.url) == (302, "/lines/")
    assert client.get("/lines/").status_code == 200


def test_a_short_or_common_password_is_refused() -> None:
    client = sign_in_by_code(a_line())
    assert client.post("/accounts/password/set/", {"password": "short"}).status_code == 200
    assert client.post("/accounts/password/set/", {"password": "password1234"}).status_code == 200


@pytest.mark.parametrize("door", ["/accounts/login/", "/stop/"])
def test_strangers_and_customers_read_the_same_words(door: str) -> None:
    customer, stranger, number = Browser(), Browser(), number_of(a_line())
    for path, forms in (
        (door, ({"number": number}, {"number": STRANGER})), (f"{door}code/", ({"code": NO_CODE},) * 2),
        (f"{door}again/", ({}, {})),
    ):  # fmt: skip
        pages = [
            without_secrets(one.post(path, form, follow=True).text)
            for one, form in zip((customer, stranger), forms, strict=True)
        ]
        assert pages[0] == pages[1], path
    assert {text.msisdn for text in MemoryBackend.outbox} == {number}


def test_no_answer_comes_sooner_than_the_set_time(settings: Settings) -> None:
    settings.ANSWER_SECONDS = 60.0
    for number in (number_of(a_line()), STRANGER):
        started = monotonic()
        answer: Any = Client().post("/accounts/login/", {"number": number})
        assert answer.wsgi_request.META[ANSWER_AT] >= started + 60


def test_the_text_says_what_its_code_is_for() -> None:
    line = a_line()
    msisdn = number_of(line)
    text_code(msisdn=msisdn, purpose=SIGN_IN, asker=MINE, at=timezone.now())
    text_code(msisdn=msisdn, purpose=STOP, asker=MINE, at=timezone.now())
    to_sign_in, to_stop = texts_to(msisdn)
    assert "SIGN IN" in to_sign_in.text
    assert "STOP sharing" in to_stop.text
    assert all(text.code in text.text for text in (to_sign_in, to_stop))


def test_a_text_is_in_the_language_of_its_line() -> None:
    line = a_line()
    for spoken, used in (
        ("es", "es"), ("es-MX", "es"), ("zh", "zh-hans"), ("zh-CN", "zh-hans"), ("vi-VN", "vi"), ("ar", "ar"),
        ("en", "en"), ("klingon", "en"), ("", "en"),
    ):  # fmt: skip
        line.language = spoken
        assert language_of(line) == used


def test_a_code_works_once_where_it_was_asked_for() -> None:
    line, now = a_line(), timezone.now()
    msisdn = number_of(line)
    text_code(msisdn=msisdn, purpose=STOP, asker=MINE, at=now)
    code = newest_text(msisdn).code
    spaced = f" {code[:3]} {code[3:]}"
    for purpose, asker, typed, opens in (
        (SIGN_IN, MINE, code, None), (STOP, THEIRS, code, None), (STOP, MINE, spaced, line), (STOP, MINE, code, None),
    ):  # fmt: skip
        assert verify_code(msisdn=msisdn, purpose=purpose, asker=asker, typed=typed, at=now) == opens


def test_asking_again_repeats_the_code_and_its_tries() -> None:
    line, now = a_line(), timezone.now()
    msisdn = number_of(line)
    text_code(msisdn=msisdn, purpose=STOP, asker=MINE, at=now)
    for _ in range(4):
        assert verify_code(msisdn=msisdn, purpose=STOP, asker=MINE, typed="x", at=now) is None
    text_code(msisdn=msisdn, purpose=STOP, asker=MINE, at=now + timedelta(minutes=9))
    first, second = texts_to(msisdn)
    assert first.code == second.code
    assert verify_code(msisdn=msisdn, purpose=STOP, asker=MINE, typed="x", at=now) is None
    assert verify_code(msisdn=msisdn, purpose=STOP, asker=MINE, typed=first.code, at=now) is None
    # Whoever spent the tries, the line's own user asks again and gets a code that works.
    text_code(msisdn=msisdn, purpose=STOP, asker=MINE, at=now + timedelta(minutes=9))
    third = texts_to(msisdn)[2]
    assert TextedCode.objects.count() == 2
    taken = verify_code(msisdn=msisdn, purpose=STOP, asker=MINE, typed=third.code, at=now + timedelta(minutes=9))
    assert taken is not None


def test_two_sessions_share_a_code_and_not_their_tries() -> None:
    line, now = a_line(), timezone.now()
    msisdn = number_of(line)
    for asker in (THEIRS, MINE):
        text_code(msisdn=msisdn, purpose=STOP, asker=asker, at=now)
    first, second = texts_to(msisdn)
    assert first.code == second.code
    for _ in range(9):
        verify_code(msisdn=msisdn, purpose=STOP, asker=THEIRS, typed="x", at=now)
    assert verify_code(msisdn=msisdn, purpose=STOP, asker=THEIRS, typed=first.code, at=now) is None
    assert verify_code(msisdn=msisdn, purpose=STOP, asker=MINE, typed=first.code, at=now) == line


def test_a_flood_does_not_keep_an_owner_from_stopping() -> None:
    line, now = a_line(), timezone.now()
    msisdn = number_of(line)
    wrong = 0
    for number in range(20):
        asker = f"{number:032}"
        text_code(msisdn=msisdn, purpose=STOP, asker=asker, at=now)
        for _ in range(6):
            wrong += verify_code(msisdn=msisdn, purpose=STOP, asker=asker, typed="no", at=now) is None
    assert wrong == 120
    text_code(msisdn=msisdn, purpose=STOP, asker=MINE, at=now)
    code = newest_text(msisdn).code
    assert (len(code), len(texts_to(msisdn))) == (10, 6)
    assert verify_code(msisdn=msisdn, purpose=STOP, asker=MINE, typed=code, at=now) == line


def test_after_three_unused_codes_an_hour_they_are_long() -> None:
    line, now = a_line(), timezone.now()
    msisdn = number_of(line)
    for minutes in range(0, 60, 10):
        text_code(msisdn=msisdn, purpose=STOP, asker=MINE, at=now + timedelta(minutes=minutes))
    assert [len(one.code) for one in texts_to(msisdn)] == [6, 6, 6, 10, 10]
    at = now + timedelta(minutes=140)
    code = texts_to(msisdn)[-1].code
    assert verify_code(msisdn=msisdn, purpose=STOP, asker=MINE, typed=code, at=at) == line
    text_code(msisdn=msisdn, purpose=SIGN_IN, asker=MINE, at=now)
    assert len(newest_text(msisdn).code) == 6


def test_when_codes_are_long_the_page_looks_the_same() -> None:
    line, other = a_line(), a_line()
    for minutes in (33, 22, 11):
        at = timezone.now() - timedelta(minutes=minutes)
        text_code(msisdn=number_of(line), purpose=SIGN_IN, asker=THEIRS, at=at)
    assert ask(Browser(), number_of(line)) == ask(Browser(), number_of(other))
    assert [len(one.code) for one in texts_to(number_of(line))] == [6, 6, 6, 10]


def test_a_sign_in_makes_one_user_for_the_tenure() -> None:
    line = a_line()
    sign_in_by_code(line)
    sign_in_by_code(line)
    assert LineUser.objects.filter(line=line).count() == 1
    assert User.objects.count() == 1


def test_a_code_is_asked_of_nobody_whose_line_has_ended() -> None:
    now = timezone.now()
    line = a_line(deactivated_at=now - timedelta(days=1))
    ask(Browser(), number_of(line))
    assert MemoryBackend.outbox == []


def test_the_end_of_a_tenure_ends_its_sessions() -> None:
    line = a_line()
    client, user = sign_in(line), user_of(line)
    end_tenures(line_ids=[line.pk], at=timezone.now())
    assert client.get("/lines/").url == "/accounts/login/?next=/lines/"
    # Whoever chose a password comes back by it, to this tenure alone.
    assert User.objects.get(pk=user.pk).is_active
    other = a_line()
    sign_in_by_code(other)
    end_tenures(line_ids=[other.pk], at=timezone.now())
    assert not User.objects.filter(line_users__line=other).get().is_active
    assert AuditEvent.objects.filter(action="line.tenure_ended", line_id=line.pk).count() == 1


def test_every_form_carries_its_token() -> None:
    outside, inside, msisdn = Browser(), sign_in(a_line()), number_of(a_line())
    inside.post("/accounts/reauthenticate/", {"password": PASSWORD})
    doors = ("/stop/", "/stop/code/", "/accounts/login/", "/accounts/login/code/", "/accounts/login/staff/")
    pages = ("/settings/", "/lines/", "/accounts/sessions/", "/accounts/2fa/totp/activate/")
    for browser, paths in ((outside, doors), (inside, pages)):
        for path in paths:
            if path.endswith("/code/"):
                browser.post(path.removesuffix("code/"), {"number": msisdn})
            forms = re.findall(r'<form\b[^>]*method="post".*?</form>', browser.get(path).text, re.DOTALL)
            assert forms, path
            assert all('name="csrfmiddlewaretoken" value="' in form for form in forms), path


def test_staff_give_their_authenticator_code_before_they_are_in() -> None:
    user = User.objects.create_user("officer", "officer@carrier.example", PASSWORD, role=User.Role.OFFICER)
    secret = generate_totp_secret()
    TOTP.activate(user, secret)
    assert secret not in str(Authenticator.objects.get(user=user).data)
    client = Browser()
    response = client.post("/accounts/login/staff/", {"login": "officer@carrier.example", "password": PASSWORD})
    assert response.url == "/accounts/2fa/authenticate/"
    assert client.get("/settings/").status_code == 302
    assert 'name="code"' in client.get("/accounts/2fa/authenticate/").text
    code = format_hotp_value(hotp_value(secret, max(yield_hotp_counters_from_time())))
    right = {format_hotp_value(hotp_value(secret, n)) for n in yield_hotp_counters_from_time()}
    wrong = next(one for one in ("000000", "111111", "222222", "333333", "444444") if one not in right)
    page = client.post("/accounts/2fa/authenticate/", {"code": wrong})
    assert "That code isn't right. Check the newest one in your app and try again." in unescape(page.text)
    assert "Use my passkey" not in page.text
    response = client.post("/accounts/2fa/authenticate/", {"code": code})
    assert (response.status_code, response.url) == (302, "/admin/")
    assert client.get("/settings/").status_code == 200


def test_a_subscriber_with_an_app_gives_its_code_too() -> None:
    line = a_line()
    sign_in(line)
    secret = generate_totp_secret()
    TOTP.activate(user_of(line), secret)
    client = sign_in(line)
    assert client.get("/lines/").url == "/accounts/2fa/reauthenticate/?next=%2Flines%2F"
    code = format_hotp_value(hotp_value(secret, max(yield_hotp_counters_from_time())))
    assert client.post("/accounts/2fa/reauthenticate/", {"code": code, "next": "/lines/"}).url == "/lines/"
    assert client.get("/lines/").status_code == 200


OWN_PAGES = (
    "/settings/", "/access-log/", "/accounts/2fa/", "/accounts/2fa/webauthn/", "/accounts/2fa/webauthn/add/",
    "/accounts/2fa/totp/activate/", "/accounts/sessions/", "/accounts/password/change/", "/accounts/reauthenticate/",
    "/accounts/logout/",
)  # fmt: skip


def test_every_page_of_a_sign_in_stands_in_our_own() -> None:
    line = a_line()
    client = sign_in(line)
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    for path in OWN_PAGES:
        response = client.get(path)
        assert (path, response.status_code) == (path, 200)
        assert 'href="#main"' in response.text
        assert user_of(line).username not in response.text
        # A picture in the page is allowed for the authenticator app alone.
        pictures = "img-src 'self' data:" in response.headers["Content-Security-Policy"]
        assert pictures == (path == "/accounts/2fa/totp/activate/"), path
    # Nothing is kept of the session in any cache.
    response = client.get("/lines/")
    assert response.headers["Cache-Control"] == "no-store, private"
    assert response.headers["X-Robots-Tag"] == "noindex"


def test_the_way_on_never_leads_to_another_site() -> None:
    client, msisdn = Browser(), number_of(a_line())
    client.post("/accounts/login/", {"number": msisdn, "next": "https://evil.example/"})
    response = client.post("/accounts/login/code/", {"code": newest_text(msisdn).code})
    assert response.url == "/home/"
