"""The short way in that tests take comes to what the doors come to."""

from typing import Any

import pytest
from pytest_django import Settings

from accounts.clients.texts import MemoryBackend
from accounts.models import DeviceCookie, KnownDevice, Line, TextedCode
from audit.models import AuditEvent
from tests.factories import a_line
from tests.people import METHODS_KEY, Browser, sign_in, signed_in, user_of

pytestmark = pytest.mark.usefixtures("db")
# Of the browser, not of the person; and the clock starts with the first page.
OF_THE_DOORS = {"device", "clock"}


@pytest.fixture(autouse=True)
def _texts(settings: Settings) -> None:
    settings.SMS_BACKEND = "accounts.clients.texts.MemoryBackend"
    MemoryBackend.outbox.clear()


def kept(browser: Browser) -> dict[str, Any]:
    """What a session holds: whoever it is, however many seconds ago."""
    held = {key: value for key, value in browser.client.session.items() if key not in OF_THE_DOORS}
    who = str(held["_auth_user_id"])
    held[METHODS_KEY] = [{**one, "at": 0} for one in held[METHODS_KEY]]
    return {
        key: "its own" if key in {"asker", "_auth_user_hash"} else "who" if str(value) == who else value
        for key, value in held.items()
    }


def trail(line: Line) -> list[str]:
    return list(AuditEvent.objects.filter(line_id=line.pk).order_by("id").values_list("action", flat=True))


def left() -> dict[type[TextedCode | KnownDevice | DeviceCookie], bool]:
    return {model: model.objects.exists() for model in (TextedCode, KnownDevice, DeviceCookie)}


def test_session_trail_and_person_are_alike() -> None:
    doors, short = a_line(), a_line()
    by_doors, by_short = sign_in(doors), signed_in(short)
    assert kept(by_short) == kept(by_doors)
    assert trail(short) == trail(doors) == ["line.signed_in", "line.password_chosen"]
    assert user_of(short).has_usable_password()
    assert user_of(short).last_login is not None
    home = by_short.get("/home/").text
    assert home.count("data-sharing-state") == by_doors.get("/home/").text.count("data-sharing-state") == 1


def test_the_second_time_too() -> None:
    doors, short = a_line(), a_line()
    sign_in(doors)
    signed_in(short)
    assert kept(signed_in(short)) == kept(sign_in(doors))
    assert trail(short) == trail(doors) == ["line.signed_in", "line.password_chosen", "line.signed_in"]


def test_codes_and_cookies_come_of_the_doors_alone() -> None:
    short = a_line()
    signed_in(short)
    assert left() == {TextedCode: False, KnownDevice: True, DeviceCookie: False}
    sign_in(short)
    assert left() == {TextedCode: True, KnownDevice: True, DeviceCookie: True}
    # The doors know the browser.
    assert trail(short) == ["line.signed_in", "line.password_chosen", "line.signed_in"]
