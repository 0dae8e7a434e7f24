"""Whoever floods the doors spends texts, is seen, and keeps nobody from stopping."""

import re
from datetime import timedelta
from ipaddress import ip_address

import pytest
from django.test import RequestFactory
from django.utils import timezone
from pytest_django import Settings

from accounts.clients.texts import MemoryBackend
from accounts.models import CodeAsker, Line, TextedCode
from accounts.primitives import browsers
from accounts.tasks import watch_code_texts as task
from accounts.workers import sms_delivery
from accounts.workers.clocks import forget_codes, watch_code_texts
from audit.models import Incident
from consent.models import Choice
from portal import health
from tests.factories import a_line
from tests.people import NO_CODE, Browser, newest_text, number_of, texts_to

pytestmark = pytest.mark.usefixtures("committed_db", "no_broker")
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
THERE, ELSEWHERE = "198.51.100.7", "203.0.113.9"


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("accounts.actions.codes.LINES_A_NETWORK", 5)


def browser_at(address: str) -> Browser:
    browser = Browser()
    browser.client.defaults["REMOTE_ADDR"] = address
    return browser


def asks(line: Line, door: str = "/stop/", address: str = THERE) -> str:
    """One browser asks for a code. Returns the page that it then sees, without secrets."""
    page = browser_at(address).post(door, {"number": number_of(line)}, follow=True).text
    return re.sub(r'name="csrfmiddlewaretoken" value="[^"]*"|\(\d{3}\) \d{3}-\d{4}', "", page)


def stops(line: Line, address: str) -> None:
    """The line's person stops all sharing, with the newest code on their phone."""
    browser, number = browser_at(address), number_of(line)
    assert browser.post("/stop/", {"number": number}).url == "/stop/code/"
    code = next(text.code for text in reversed(MemoryBackend.outbox) if text.msisdn == number and text.code)
    assert browser.post("/stop/code/", {"code": code}).url == "/stop/all/"
    assert browser.post("/stop/all/", {"stop-all": "1"}).url.startswith("/stop/progress/")
    assert Choice.objects.filter(line_id=line.pk, kind="stop", scope="all").count() == 1


def test_a_crowded_network_gets_each_line_one_code() -> None:
    """Everybody behind a carrier's own network can still stop and sign in, whoever floods from there."""
    door, lines = "/accounts/login/", [a_line() for _ in range(8)]
    pages = [asks(line, door) for line in lines]
    assert len(set(pages)) == 1
    assert [len(texts_to(number_of(line))) for line in lines] == [1] * 8
    # Asked again, the code is not sent twice, and the page is the same; who is elsewhere gets it again.
    assert {asks(lines[7], door), asks(lines[0], door)} == set(pages)
    assert [len(texts_to(number_of(line))) for line in lines] == [1] * 8
    asks(lines[7], door, address=ELSEWHERE)
    assert len(texts_to(number_of(lines[7]))) == 2


def test_the_same_line_however_often_is_one() -> None:
    line = a_line()
    for _ in range(9):
        asks(line, "/accounts/login/")
    other = a_line()
    asks(other, "/accounts/login/")
    assert len(texts_to(number_of(other))) == 1
    for _ in range(6):
        asks(a_line())
    asks(other, "/accounts/login/")
    assert len(texts_to(number_of(other))) == 1
    CodeAsker.objects.update(asked_at=timezone.now() - timedelta(hours=1, seconds=1))
    asks(other, "/accounts/login/")
    assert len(texts_to(number_of(other))) == 2


def test_a_flood_from_their_own_network_keeps_nobody_from_stopping() -> None:
    owner = a_line()
    for _ in range(7):
        asks(a_line())
    for _ in range(12):
        asks(owner)
    stops(owner, THERE)
    assert Choice.objects.get().line_id == owner.pk


def test_a_flood_of_guesses_keeps_nobody_from_stopping() -> None:
    owner, number = a_line(), ""
    number = number_of(owner)
    for n in range(15):
        browser = browser_at(f"198.51.{n}.7")
        browser.post("/stop/", {"number": number})
        for _ in range(6):
            browser.post("/stop/code/", {"code": NO_CODE})
    assert len(texts_to(number)) < 20
    stops(owner, ELSEWHERE)


def test_of_a_network_only_a_keyed_hash_is_kept() -> None:
    asks(a_line())
    (kept,) = CodeAsker.objects.values_list("network_hash", flat=True)
    assert len(bytes(kept)) == 32
    assert not any(part in bytes(kept) for part in (THERE.encode(), b"198.51.", ip_address(THERE).packed))


def test_who_is_in_front_is_what_one_proxy_saw(settings: Settings) -> None:
    request = RequestFactory().get("/", headers={"X-Forwarded-For": "192.0.2.1, 203.0.113.9"}, REMOTE_ADDR=THERE)
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 0
    assert browsers.get_network(request) == "198.51.100.0/24"
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    assert browsers.get_network(request) == "203.0.113.0/24"
    mapped = RequestFactory().get("/", headers={"X-Forwarded-For": f"::ffff:{THERE}"})
    assert browsers.get_network(mapped) == "198.51.100.0/24"


# What is spent is seen


def test_far_too_many_codes_are_an_incident_an_hour(settings: Settings) -> None:
    settings.CODE_TEXTS_ALARM = 3
    for _ in range(3):
        asks(a_line())
    now = timezone.now()
    assert not watch_code_texts(now=now)
    line = a_line()
    asks(line)
    asks(line, address=ELSEWHERE)
    now = timezone.now().replace(minute=30)
    TextedCode.objects.update(sent_at=now)
    assert watch_code_texts(now=now)
    assert not watch_code_texts(now=now + timedelta(minutes=1))
    figures = health.metrics(at=now).decode()
    assert 'whereabouts_code_texts_last_hour{purpose="stop"} 5.0' in figures
    assert 'whereabouts_code_texts_last_hour{purpose="sign_in"} 0.0' in figures
    incident = Incident.objects.get()
    assert (incident.kind, incident.subject, incident.key) == (
        "texts_spent", "5 in an hour", now.strftime("%Y-%m-%dT%H"),
    )  # fmt: skip
    assert incident.get_kind_display().startswith("Unusually many codes are sent by text")
    assert not watch_code_texts(now=now + timedelta(hours=1, seconds=1))
    task()
    # Nothing is closed by it.
    stops(line, THERE)


def test_the_confirmation_of_a_stop_waits_through_an_outage(settings: Settings) -> None:
    line = a_line()
    number = number_of(line)
    browser = Browser()
    browser.post("/stop/", {"number": number})
    browser.post("/stop/code/", {"code": newest_text(number).code})
    settings.SMS_BACKEND = "tests.accounts.gateways.Refusing"
    assert browser.post("/stop/all/", {"stop-all": "1"}).url.startswith("/stop/progress/")
    assert "the change you made" not in newest_text(number).text
    settings.SMS_BACKEND = "accounts.clients.texts.MemoryBackend"
    from_now = timezone.now() + timedelta(minutes=1)
    assert sms_delivery.deliver(now=from_now) == 1
    assert sms_delivery.deliver(now=from_now + timedelta(minutes=1)) == 0
    assert "the change you made" in newest_text(number).text


def test_codes_are_deleted_once_no_limit_counts_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("accounts.workers.clocks.BATCH", 2)
    now, counted = timezone.now(), a_line()
    for _ in range(7):
        asks(counted)
        TextedCode.objects.update(made_at=now - DAY + MINUTE, sent_at=now - DAY + MINUTE)
    used, unused, other = a_line(), a_line(), a_line()
    stops(used, THERE)
    for line in (unused, other):
        asks(line)
    over = TextedCode.objects.exclude(line=counted)
    over.update(made_at=now - DAY - MINUTE, sent_at=now - DAY)
    assert (over.count(), CodeAsker.objects.count()) == (3, 10)
    assert [forget_codes(now=now - MINUTE), forget_codes(now=now), forget_codes(now=now)] == [0, 3, 0]
    assert set(TextedCode.objects.values_list("line_id", flat=True)) == {counted.pk}
    assert CodeAsker.objects.count() == 7
    for said in ("short", "long"):
        asks(counted)
        newest = TextedCode.objects.filter(line=counted).latest("made_at")
        assert (newest.long, said) == (said == "long", said)
        TextedCode.objects.filter(pk=newest.pk).update(sent_at=now - DAY + MINUTE)
