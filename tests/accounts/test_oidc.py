"""What both doors of the carrier's OpenID providers refuse: the subscribers' and the staff's."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Barrier, Event
from typing import Any

import pytest
from allauth.socialaccount.models import SocialAccount
from django.db import connection
from pytest_django import Settings

from accounts.clients.oidc import AT_ONCE
from accounts.models import User
from tests.accounts import provider as providers
from tests.accounts.provider import CLIENT, NOT_FOR_US, SECRET, Provider, b64, signed_in, through
from tests.factories import a_line
from tests.people import Browser

pytestmark = pytest.mark.usefixtures("db")
CARRIER, STAFF = "/accounts/login/carrier/", "/accounts/login/staff/oidc/"
EMAIL = "officer@carrier.example"
NO_LINE: tuple[dict[str, object], ...] = (
    {"line_id": None}, {"line_id": ""}, {"line_id": 7}, {"line_id": ["L1"]}, {"line_id": "x" * 101},
    {"line_id": "a\x00b"},
)  # fmt: skip
NO_MAIL: tuple[dict[str, object], ...] = (
    {"email_verified": False}, {"email_verified": "true"}, {"email_verified": None}, {"email": None},
)  # fmt: skip


@dataclass(frozen=True)
class Door:
    """One of the two. `own`: what makes a word incomplete there."""

    idp: Provider
    start: str
    own: tuple[dict[str, object], ...]

    @property
    def back(self) -> str:
        return f"{self.start}back/"

    def lets_in(self, claims: dict[str, Any]) -> bool:
        """Whether anything came of a word that says this."""
        self.idp.claims, browser, before = claims, Browser(), User.objects.count()
        page = through(self.idp, browser, self.start)
        seen = (page.status_code, signed_in(browser), User.objects.count(), SocialAccount.objects.exists())
        return seen != (403, False, before, False)


@pytest.fixture
def both(settings: Settings) -> Iterator[dict[str, Door]]:
    """One provider for both, which nobody should have."""
    with providers.running() as idp:
        for name in ("OIDC", "STAFF_OIDC"):
            setattr(settings, f"{name}_ISSUER", idp.url)
            setattr(settings, f"{name}_CLIENT_ID", CLIENT)
            setattr(settings, f"{name}_CLIENT_SECRET", SECRET)
        settings.OIDC_LINE_CLAIM, settings.OIDC_SEEING_ACR, settings.STAFF_OIDC_ROLES_CLAIM = "line_id", "", ""
        User.objects.create_user("o", EMAIL, None, role=User.Role.OFFICER)
        idp.claims = {"line_id": a_line().carrier_id}
        yield {"carrier": Door(idp, CARRIER, NO_LINE), "staff": Door(idp, STAFF, NO_MAIL)}


@pytest.fixture(params=["carrier", "staff"])
def door(request: pytest.FixtureRequest, both: dict[str, Door]) -> Door:
    return both[request.param]


def test_a_word_that_is_not_for_us_is_refused(door: Door) -> None:
    good = dict(door.idp.claims)
    for claims in (*NOT_FOR_US, *door.own):
        assert not door.lets_in({**good, **claims}), claims
    for spoil in ("none", "hs256", "key", "signature"):
        door.idp.spoil = spoil
        assert not door.lets_in(good), spoil
    door.idp.spoil = ""
    assert door.lets_in(good)


@pytest.mark.filterwarnings("ignore:Key size should be")
def test_keys_for_others_spoil_none_of_ours(door: Door) -> None:
    """A provider publishes what it will: of it those count by which we may check a signature."""
    good, ours = dict(door.idp.claims), door.idp.key.as_dict(private=False)
    weak = {"kty": "RSA", "n": b64(b"\xff" * 128), "e": "AQAB", "kid": "1"}
    odd: list[object] = [
        {"kty": "OKP", "crv": "Ed9", "x": "AA", "kid": "1"}, {"kty": "EC", "crv": "P-999", "x": "AA", "y": "AA"}, 7,
        {"kid": "1"}, {"kty": ["EC"]}, {"kty": "RSA", "n": "", "e": "AQAB", "kid": "1"}, {**ours, "kid": 7}, weak,
        {**ours, "y": ours["x"]}, {**ours, "use": "enc"}, {"kty": "AKP", "alg": "ML-DSA-44", "pub": "AA", "kid": "1"},
    ]  # fmt: skip
    for published, counts in ((odd, False), ([*odd, ours], True)):
        door.idp.published = published
        assert door.lets_in(good) is counts


def test_an_answer_counts_once_and_in_the_asking_browser(door: Door) -> None:
    idp, asked, other = door.idp, Browser(), Browser()
    answer = idp.authorize(asked.get(door.start).url)
    assert other.get(answer).status_code == 403
    assert asked.get(answer).status_code == 302
    assert Browser().get(answer).status_code == 403
    fresh = Browser()
    again = idp.authorize(fresh.get(door.start).url)
    assert fresh.get(f"{door.back}?state={idp.asked['state']}&error=access_denied").status_code == 403
    assert fresh.get(again).status_code == 403
    assert fresh.get(door.back).status_code == 403


def test_another_provider_s_answer_is_refused(door: Door) -> None:
    for iss, status in (("https://another.example", 403), (door.idp.url, 302)):
        asked = Browser()
        answer = door.idp.authorize(asked.get(door.start).url)
        assert asked.get(f"{answer}&iss={iss}").status_code == status


@pytest.mark.usefixtures("committed_db")
def test_a_provider_that_hangs_keeps_few_threads(
    both: dict[str, Door], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    idp, hanging, on = both["carrier"].idp, Barrier(AT_ONCE + 1), Event()
    description = idp.description()

    def hangs() -> dict[str, Any]:
        hanging.wait(timeout=30)
        on.wait(timeout=30)
        return description

    def asks() -> int:
        try:
            return Browser().get(CARRIER).status_code
        finally:
            connection.close()

    monkeypatch.setattr(idp, "description", hangs)
    with providers.running() as staffs, ThreadPoolExecutor(AT_ONCE) as pool:
        settings.STAFF_OIDC_ISSUER = staffs.url
        asking = [pool.submit(asks) for _ in range(AT_ONCE)]
        hanging.wait(timeout=30)
        # One more waits for nobody, and is shown another way; staff have a provider of their own, which answers.
        others = [Browser().get(path).status_code for path in (CARRIER, STAFF)]
        on.set()
    assert (others, [one.result() for one in asking]) == ([403, 302], [302] * AT_ONCE)
    monkeypatch.setattr(idp, "description", lambda: description)
    assert asks() == 302


def test_a_provider_that_fails_lets_nobody_in(door: Door) -> None:
    idp, description = door.idp, "/.well-known/openid-configuration"
    for down in (description, "/keys", "/token"):
        for spoil in ("", "text"):
            browser = Browser()
            answer = idp.authorize(browser.get(door.start).url)
            idp.down, idp.spoil = down, spoil
            assert browser.get(answer).status_code == 403
            assert Browser().get(door.start).status_code == (302 if down != description else 403)
            idp.down = idp.spoil = ""
    # Nor is one asked that calls itself something else.
    idp.issuer = "https://another.example"
    assert Browser().get(door.start).status_code == 403


def test_the_way_on_never_leads_to_another_host(both: dict[str, Door]) -> None:
    for name, path, home in (("carrier", "/lines/", "/home/"), ("staff", "/settings/", "/admin/")):
        door = both[name]
        assert through(door.idp, Browser(), f"{door.start}?next={path}").url == path
        assert through(door.idp, Browser(), f"{door.start}?next=https://evil.example/").url == home


def test_neither_door_takes_the_other_s_answers(both: dict[str, Door]) -> None:
    for door, other in ((both["carrier"], both["staff"]), (both["staff"], both["carrier"])):
        browser = Browser()
        query = door.idp.authorize(browser.get(door.start).url).partition("?")[2]
        assert browser.get(f"{other.back}?{query}").status_code == 403
        assert not signed_in(browser)
    assert not SocialAccount.objects.exists()


def test_where_no_provider_is_named_there_is_no_door(both: dict[str, Door], settings: Settings) -> None:
    pages = {"OIDC_ISSUER": (CARRIER, "/accounts/login/"), "STAFF_OIDC_ISSUER": (STAFF, "/accounts/login/staff/")}
    for name, (start, page) in pages.items():
        (other,) = (one for one, _ in pages.values() if one != start)
        assert (start in Browser().get(page).text, Browser().get(start).status_code) == (True, 302)
        setattr(settings, name, "")
        assert [Browser().get(path).status_code for path in (start, f"{start}back/", other)] == [404, 404, 302]
        assert start not in Browser().get(page).text
        setattr(settings, name, both["carrier"].idp.url)
