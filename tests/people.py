"""People at a browser without JavaScript: they type a number, read a text, press a button."""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from django.conf import settings
from django.http import HttpResponse, StreamingHttpResponse
from django.test import Client
from django.utils import timezone

from accounts import queries
from accounts.actions.people import get_or_create_person
from accounts.actions.sign_ins import record_sign_in_event, set_first_password, start_new_password
from accounts.clients.texts import MemoryBackend, Text
from accounts.domain import sessions
from accounts.models import KnownDevice, Line, Message, User
from accounts.primitives.sealing import compute_hmac, unseal
from accounts.primitives.zones import zone_of
from accounts.workers import sms_delivery

PASSWORD = "three quiet words"
# What the doors know a test client by.
TEST_BROWSER = "another|another|127.0.0.0/24"
# Texted codes have six digits, or ten: seven are never right.
NO_CODE = "0000000"
METHODS_KEY, METHODS_OF_KEY = "account_authentication_methods", "account_authentication_methods_user"


@dataclass(frozen=True)
class Page:
    """What came back: `url` is where it sends on to, "" when it does not."""

    status_code: int
    headers: Mapping[str, str]
    text: str

    @property
    def url(self) -> str:
        return self.headers.get("Location", "")


class Browser:
    """One browser with its cookies. Forms are sent without a CSRF token unless `csrf` is asked for."""

    def __init__(self, *, csrf: bool = False) -> None:
        self.client = Client(enforce_csrf_checks=csrf)

    def get(self, path: str, **headers: str) -> Page:
        return _page(self.client.get(path, headers=headers))

    def post(self, path: str, data: Mapping[str, str] | None = None, *, follow: bool = False) -> Page:
        page = _page(self.client.post(path, dict(data or {})))
        return self.get(page.url) if follow and page.url else page


def number_of(line: Line, at: datetime | None = None) -> str:
    return queries.msisdn_of(line_id=line.pk, at=at or timezone.now())


def newest_text(msisdn: str) -> Text:
    return next(text for text in reversed(MemoryBackend.outbox) if text.msisdn == msisdn)


def texts_to(msisdn: str) -> list[Text]:
    return [text for text in MemoryBackend.outbox if text.msisdn == msisdn]


def as_contact_reads(text: str) -> str:
    """A text about a line as its safe contact gets it."""
    return text.replace(": ", ": About your other phone line: ", 1)


def texts_by_day(msisdn: str, *, after: datetime | None = None) -> list[Text]:
    """The texts that a phone has once it is day from New York to Honolulu: on the next day, at noon in Los Angeles."""
    there = (after or timezone.now()).astimezone(zone_of("CA"))
    sms_delivery.deliver(now=(there + timedelta(days=1)).replace(hour=12))
    return texts_to(msisdn)


def sign_in_by_code(line: Line, browser: Browser | None = None) -> Browser:
    """A browser signed in by the code texted to a line: enough to stop, not to see."""
    browser, msisdn = browser or Browser(), number_of(line)
    assert browser.post("/accounts/login/", {"number": msisdn}).url == "/accounts/login/code/"
    assert browser.post("/accounts/login/code/", {"code": newest_text(msisdn).code}).url == "/home/"
    return browser


def sign_in(line: Line, browser: Browser | None = None) -> Browser:
    """A browser that may see: the first time it chooses the password, later it gives it."""
    browser = sign_in_by_code(line, browser)
    chosen = user_of(line).has_usable_password()
    door = "/accounts/reauthenticate/" if chosen else "/accounts/password/set/"
    page = browser.post(door, {"password": PASSWORD})
    assert page.status_code == 302, page.text
    return browser


def signed_in(line: Line, browser: Browser | None = None) -> Browser:
    """The same at a third of the cost: what the doors come to, without the doors (tests/accounts/test_signed_in.py)."""
    browser, now = browser or Browser(), timezone.now()
    user = get_or_create_person(line=line, at=now)
    mark = compute_hmac("device", f"{user.pk}|{TEST_BROWSER}".encode())
    device = KnownDevice(user=user, mark_hash=mark, first_at=now, last_at=now)
    KnownDevice.objects.bulk_create([device], ignore_conflicts=True)
    record_sign_in_event(user=user, what="signed_in", at=now)
    if not user.has_usable_password():
        user = set_first_password(user=user, password=PASSWORD, at=now)
    client = browser.client
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    session, given = client.session, time.time()
    session[METHODS_KEY] = [
        {"method": "code", "at": given}, {"method": "password", "at": given, "reauthenticated": True},
    ]  # fmt: skip
    session[METHODS_OF_KEY] = str(user.pk)
    session[sessions.PROVED_KEY] = user.pk
    session[sessions.ASKER_KEY] = uuid4().hex
    session.save()
    client.cookies[settings.SESSION_COOKIE_NAME] = str(session.session_key)
    return browser


def user_of(line: Line) -> User:
    user = queries.user_of_line(line_id=line.pk)
    assert user is not None
    return user


def asked_for_new_password(line: Line) -> str:
    """The path of the link that ends the wait for a new password, which somebody who signed in has just asked for."""
    start_new_password(user=user_of(line), at=timezone.now())
    waiting = [unseal(one.words_sealed) for one in Message.objects.filter(line=line) if one.words_sealed]
    texts = [*waiting, *(one.text for one in texts_to(number_of(line)))]
    *_, link = re.findall(r"/cancel/[\w-]+/", " ".join(texts))
    return str(link)


def _page(response: object) -> Page:
    if isinstance(response, StreamingHttpResponse):
        return Page(response.status_code, response.headers, response.getvalue().decode(errors="replace"))
    assert isinstance(response, HttpResponse)
    return Page(response.status_code, response.headers, response.content.decode(errors="replace"))
