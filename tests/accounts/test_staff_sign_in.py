"""Staff come by invitation, by password, or by the carrier's OpenID provider; always with a second factor of ours."""

import re
from collections.abc import Iterator
from io import StringIO
from urllib.parse import urlsplit

import pytest
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
    yield_hotp_counters_from_time,
)
from allauth.socialaccount.models import SocialAccount
from django.core.management import CommandError, call_command
from pytest_django import Settings

from accounts.clients.texts import MemoryBackend
from accounts.models import BrowserSession, OutgoingEmail, User
from audit.models import AuditEvent
from tests.accounts import provider as providers
from tests.accounts.provider import CLIENT, SECRET, Provider, signed_in, through
from tests.factories import a_line
from tests.people import PASSWORD, Browser, sign_in_by_code, user_of

pytestmark = pytest.mark.usefixtures("db")

START, BACK = "/accounts/login/staff/oidc/", "/accounts/login/staff/oidc/back/"
EMAIL = "officer@carrier.example"


@pytest.fixture
def idp(settings: Settings) -> Iterator[Provider]:
    with providers.running() as provider:
        settings.STAFF_OIDC_ISSUER = provider.url
        settings.STAFF_OIDC_CLIENT_ID, settings.STAFF_OIDC_CLIENT_SECRET = CLIENT, SECRET
        settings.STAFF_OIDC_ROLES_CLAIM = ""
        yield provider


@pytest.fixture
def officer() -> User:
    return User.objects.create_user("o", EMAIL, None, role=User.Role.OFFICER)


def test_an_officer_vouched_for_is_asked_for_a_second_factor(idp: Provider, officer: User) -> None:
    secret = generate_totp_secret()
    TOTP.activate(officer, secret)
    browser = Browser()
    page = through(idp, browser, START)
    assert (page.status_code, page.url) == (302, "/accounts/2fa/authenticate/")
    assert not signed_in(browser)
    code = format_hotp_value(hotp_value(secret, max(yield_hotp_counters_from_time())))
    assert browser.post("/accounts/2fa/authenticate/", {"code": code}).url == "/admin/"
    assert signed_in(browser)
    assert idp.asked["code_challenge_method"] == "S256"
    assert set(idp.asked["scope"].split()) == {"openid", "email"}
    assert idp.tokens[0]["redirect_uri"] == f"http://localhost:8000{BACK}"
    assert list(AuditEvent.objects.filter(actor=f"officer:{officer.pk}").values_list("action", flat=True)) == [
        "staff.pinned",
        "staff.vouched_for",
    ]


def with_codes(officer: User) -> tuple[str, list[str]]:
    """The secret of their app, and the codes on their sheet."""
    officer.set_password(PASSWORD)
    officer.save()
    secret = generate_totp_secret()
    TOTP.activate(officer, secret)
    return secret, RecoveryCodes.activate(officer).get_unused_codes()


def at_the_door() -> Browser:
    """A browser that has given the password and is asked for the second factor."""
    browser = Browser()
    browser.post("/accounts/login/staff/", {"login": EMAIL, "password": PASSWORD})
    return browser


def given(browser: Browser, code: str) -> int:
    """The status of the answer: 302 lets somebody in."""
    return browser.post("/accounts/2fa/authenticate/", {"code": code}).status_code


def trail(officer: User) -> list[tuple[str, str, int | None]]:
    """What was written down of somebody of staff."""
    rows = AuditEvent.objects.filter(target=f"user:{officer.pk}").order_by("id")
    return list(rows.values_list("action", "actor", "line_id"))


def test_a_recovery_code_at_the_door_is_in_the_trail(officer: User) -> None:
    secret, codes = with_codes(officer)
    used = ("staff.code_used", f"officer:{officer.pk}", None)
    browser = at_the_door()
    assert [given(browser, "00000000"), trail(officer)] == [200, []]
    assert [given(browser, codes[0]), trail(officer), signed_in(browser)] == [302, [used], True]
    again = at_the_door()
    assert [given(again, codes[0]), signed_in(again), trail(officer)] == [200, False, [used]]
    app = format_hotp_value(hotp_value(secret, max(yield_hotp_counters_from_time())))
    assert [given(again, app), signed_in(again), trail(officer)] == [302, True, [used]]
    # Inside, where it is asked for once more, it is the same.
    assert again.post("/accounts/2fa/reauthenticate/", {"code": codes[1], "next": "/settings/"}).url == "/settings/"
    assert trail(officer) == [used, used]
    assert (MemoryBackend.outbox, OutgoingEmail.objects.count()) == ([], 0)


def test_without_its_row_a_recovery_code_is_not_used_up(officer: User, monkeypatch: pytest.MonkeyPatch) -> None:
    _, codes = with_codes(officer)
    browser = at_the_door()

    def fails(**_: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as broken:
        broken.setattr("accounts.views.factors.record_factor_differences", fails)
        with pytest.raises(ZeroDivisionError):
            given(browser, codes[0])
    assert not signed_in(browser)
    assert [given(browser, codes[0]), signed_in(browser)] == [302, True]


def test_who_has_just_set_one_up_gives_its_code(idp: Provider, officer: User) -> None:
    browser = Browser()
    assert through(idp, browser, START).url == "/admin/"
    assert browser.get("/admin/").url == "/accounts/2fa/totp/activate/?next=%2Fadmin%2F"
    page = browser.get("/accounts/2fa/totp/activate/").text
    secret = re.findall(r"[A-Z2-7]{32}", page)[0]
    counter = max(yield_hotp_counters_from_time()) - 1
    code = format_hotp_value(hotp_value(secret, counter))
    assert browser.post("/accounts/2fa/totp/activate/", {"code": code}).status_code == 302
    asked = browser.get("/admin/").url
    assert asked == "/accounts/2fa/reauthenticate/?next=%2Fadmin%2F"
    code = format_hotp_value(hotp_value(secret, counter + 1))
    assert browser.post("/accounts/2fa/reauthenticate/", {"code": code, "next": "/admin/"}).url == "/admin/"
    assert browser.get("/admin/").status_code == 200


def test_providers_own_name_for_person_is_pinned_at_first_use(idp: Provider, officer: User) -> None:
    through(idp, Browser(), START)
    assert list(SocialAccount.objects.values_list("user", "provider", "uid", "extra_data")) == [
        (officer.pk, idp.url, "idp-7", {})
    ]
    idp.claims = {"email": "renamed@carrier.example"}
    assert through(idp, Browser(), START).url == "/admin/"
    idp.claims = {"sub": "idp-8"}
    assert through(idp, Browser(), START).status_code == 403
    assert SocialAccount.objects.count() == 1


def test_nobody_is_made_and_no_subscriber_is_let_in(idp: Provider) -> None:
    line = a_line()
    sign_in_by_code(line)
    user = user_of(line)
    User.objects.filter(pk=user.pk).update(email=EMAIL)
    count = User.objects.count()
    browser = Browser()
    assert through(idp, browser, START).status_code == 403
    idp.claims = {"email": "nobody@carrier.example"}
    assert through(idp, browser, START).status_code == 403
    SocialAccount.objects.create(user=user, provider=idp.url, uid="idp-7", extra_data={})
    idp.claims = {}
    assert through(idp, browser, START).status_code == 403
    assert (User.objects.count(), signed_in(browser)) == (count, False)


def test_an_address_that_only_looks_alike_is_nobodys(idp: Provider, officer: User) -> None:
    idp.claims = {"email": EMAIL.replace("i", "\N{LATIN SMALL LETTER DOTLESS I}", 1)}
    assert through(idp, Browser(), START).status_code == 403
    assert not SocialAccount.objects.exists()
    idp.claims = {"email": EMAIL.title()}
    assert through(idp, Browser(), START).status_code == 302


def test_two_with_one_address_and_one_who_left_are_not_let_in(idp: Provider, officer: User) -> None:
    other = User.objects.create_user("p", EMAIL.upper(), None, role=User.Role.AGENT)
    assert through(idp, Browser(), START).status_code == 403
    User.objects.filter(pk=other.pk).update(email="")
    through(idp, Browser(), START)
    User.objects.filter(pk=officer.pk).update(is_active=False)
    assert through(idp, Browser(), START).status_code == 403


def test_provider_may_take_a_role_away_and_never_gives_one(idp: Provider, officer: User, settings: Settings) -> None:
    settings.STAFF_OIDC_ROLES_CLAIM = "roles"
    for roles, status in ((None, 403), (["agent"], 403), ("officer", 302), (["officer", "x"], 302)):
        idp.claims = {"roles": roles}
        assert (roles, through(idp, Browser(), START).status_code) == (roles, status)
    idp.claims = {"roles": ["officer", "auditor", "legal"]}
    through(idp, Browser(), START)
    assert User.objects.get(pk=officer.pk).role == User.Role.OFFICER


def test_staff_land_where_they_work() -> None:
    for role, page in (("officer", "/admin/"), ("auditor", "/admin/"), ("legal", "/admin/"), ("agent", "/desk/")):
        User.objects.create_user(role, f"{role}@carrier.example", PASSWORD, role=role)
        form = {"login": f"{role}@carrier.example", "password": PASSWORD}
        assert Browser().post("/accounts/login/staff/", form).url == page


def invite(role: str = "officer", email: str = "new@carrier.example") -> str:
    out = StringIO()
    call_command("make_staff", email=email, role=role, stdout=out)
    link = out.getvalue().strip()
    assert link.startswith("http://localhost:8000/accounts/invitation/")
    return urlsplit(link).path


def test_invitation_is_good_once_and_leads_to_a_second_factor() -> None:
    path, browser = invite(), Browser()
    for wrong in (path[:-2] + "x/", path.replace("/invitation/", "/invitation/x"), "/accounts/invitation/MA/a-b/"):
        assert (wrong, Browser().get(wrong).status_code) == (wrong, 404)
    user = User.objects.get(email="new@carrier.example")
    assert (user.role, user.has_usable_password()) == ("officer", False)
    assert re.search(r'<input type="password" name="password"', browser.get(path).text)
    assert browser.post(path, {"password": "short"}).status_code == 200
    assert browser.post(path, {"password": PASSWORD}).url == "/accounts/login/staff/"
    assert [browser.get(path).status_code, browser.post(path, {"password": "another one"}).status_code] == [404, 404]
    form = {"login": "new@carrier.example", "password": PASSWORD}
    assert browser.post("/accounts/login/staff/", form).url == "/admin/"
    assert browser.get("/admin/").url == "/accounts/2fa/totp/activate/?next=%2Fadmin%2F"
    assert list(AuditEvent.objects.filter(target=f"user:{user.pk}").order_by("id").values_list("action", "actor")) == [
        ("staff.made", "command:make_staff"),
        ("staff.password_chosen", f"officer:{user.pk}"),
    ]


def test_a_second_invitation_ends_the_password() -> None:
    path, browser, out = invite(), Browser(), StringIO()
    browser.post(path, {"password": PASSWORD})
    form = {"login": "new@carrier.example", "password": PASSWORD}
    browser.post("/accounts/login/staff/", form)
    assert signed_in(browser)
    call_command("make_staff", email="new@carrier.example", again=True, stdout=out)
    assert not BrowserSession.objects.filter(user__isnull=False).exists()
    assert not signed_in(browser)
    assert Browser().post("/accounts/login/staff/", form).status_code == 200
    again = urlsplit(out.getvalue().strip()).path
    assert browser.post(again, {"password": PASSWORD}).status_code == 302
    browser.post("/accounts/login/staff/", form)
    assert signed_in(browser)
    call_command("end_staff", email="NEW@carrier.example", stdout=out)
    assert not BrowserSession.objects.filter(user__isnull=False).exists()
    assert not signed_in(browser)
    assert Browser().post("/accounts/login/staff/", form).url != "/admin/"
    for command in ("make_staff", "end_staff"):
        with pytest.raises(CommandError, match="No staff member"):
            call_command(command, email="new@carrier.example", **({"again": True} if command == "make_staff" else {}))


def test_an_address_with_capitals_signs_in_however_it_is_typed() -> None:
    """Made today; and made before today and invited again."""
    path = invite(email="New.Person@Carrier.example")
    Browser().post(path, {"password": PASSWORD})
    for typed in ("New.Person@Carrier.example", "new.person@carrier.example"):
        assert Browser().post("/accounts/login/staff/", {"login": typed, "password": PASSWORD}).url == "/admin/"
    out = StringIO()
    User.objects.update(email="New.Person@carrier.example")
    call_command("make_staff", email="new.person@carrier.example", again=True, stdout=out)
    Browser().post(urlsplit(out.getvalue().strip()).path, {"password": PASSWORD})
    form = {"login": "New.Person@carrier.example", "password": PASSWORD}
    assert Browser().post("/accounts/login/staff/", form).url == "/admin/"


def test_nobody_is_made_staff_twice() -> None:
    invite()
    with pytest.raises(CommandError, match="is already in use"):
        invite(email="NEW@carrier.example")
    with pytest.raises(CommandError, match="isn't an e-mail"):
        invite(email="x")
    with pytest.raises(CommandError):
        invite(role="subscriber", email="y@carrier.example")
