"""Subscribers come by the carrier's own OpenID provider: it names a line, and is worth a code, or enough to see."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from allauth.socialaccount.models import SocialAccount
from django.utils import timezone
from pytest_django import Settings

from accounts.actions.factors import HasProofAlready, set_first_password
from accounts.actions.people import end_tenure
from accounts.models import Line, LineUser, Message, NewPassword, User
from accounts.primitives.sealing import unseal
from audit.models import AuditEvent
from tests.accounts import provider as providers
from tests.accounts.provider import CLIENT, NOT_FOR_US, SECRET, Provider
from tests.factories import a_line
from tests.people import PASSWORD, Browser, Page, number_of, sign_in, sign_in_by_code, user_of

pytestmark = pytest.mark.usefixtures("db")

START, BACK = "/accounts/login/carrier/", "/accounts/login/carrier/back/"
STAFF_START, STAFF_BACK = "/accounts/login/staff/oidc/", "/accounts/login/staff/oidc/back/"
EMAIL, STRONG = "officer@carrier.example", "urn:carrier:acr:2"
DAY = timedelta(days=1)


@pytest.fixture
def line(db: None) -> Line:
    return a_line()


@pytest.fixture
def idp(settings: Settings, line: Line) -> Iterator[Provider]:
    with providers.running() as provider:
        settings.OIDC_ISSUER = provider.url
        settings.OIDC_CLIENT_ID, settings.OIDC_CLIENT_SECRET = CLIENT, SECRET
        settings.OIDC_LINE_CLAIM, settings.OIDC_SEEING_ACR = "line_id", ""
        provider.claims = {"line_id": line.carrier_id, "email": None, "email_verified": None}
        yield provider


def through(idp: Provider, browser: Browser, start: str = START) -> Page:
    """The whole way of a browser: to the provider and back."""
    sent = browser.get(start)
    assert (sent.status_code, sent.url.split("?")[0]) == (302, f"{idp.url}/authorize")
    return browser.get(idp.authorize(sent.url))


def signed_in(browser: Browser) -> bool:
    return browser.get("/settings/").status_code == 200


def nothing_came_of_it(idp: Provider, browser: Browser | None = None) -> bool:
    browser, users = browser or Browser(), User.objects.count()
    page = through(idp, browser)
    return (page.status_code, signed_in(browser), User.objects.count()) == (403, False, users)


def test_its_word_is_worth_a_texted_code_and_no_more(idp: Provider, line: Line) -> None:
    browser = Browser()
    page = through(idp, browser, f"{START}?next=/lines/")
    assert (page.status_code, page.url) == (302, "/lines/")
    assert browser.get("/lines/").url == "/accounts/password/set/?next=%2Flines%2F"
    assert browser.get("/choices/pause/").status_code == 200
    assert idp.asked["scope"] == "openid"
    assert idp.asked["code_challenge_method"] == "S256"
    assert idp.tokens[0]["redirect_uri"] == f"http://localhost:8000{BACK}"
    event = AuditEvent.objects.get(line_id=line.pk, action="line.signed_in_by_carrier")
    assert event.actor == f"subscriber:{user_of(line).pk}"


@pytest.mark.parametrize(
    ("wanted", "said", "sees"),
    [
        (STRONG, STRONG, True), (STRONG, "urn:carrier:acr:1", False), (STRONG, None, False), (STRONG, [STRONG], False),
        ("", STRONG, False), ("", "", False), ("", None, False),
    ],
)  # fmt: skip
def test_only_the_strong_word_that_was_named_is_enough_to_see(
    idp: Provider, settings: Settings, wanted: str, said: object, *, sees: bool
) -> None:
    settings.OIDC_SEEING_ACR = wanted
    idp.claims |= {"acr": said}
    browser = Browser()
    through(idp, browser)
    assert (browser.get("/lines/").status_code == 200) == sees
    assert signed_in(browser)


def test_a_strong_word_opens_nothing_that_a_new_sim_holds(idp: Provider, settings: Settings, line: Line) -> None:
    settings.OIDC_SEEING_ACR = STRONG
    idp.claims |= {"acr": STRONG}
    Line.objects.filter(pk=line.pk).update(sim_changed_at=timezone.now())
    browser = Browser()
    through(idp, browser)
    assert [browser.get(path).status_code for path in ("/lines/", "/choices/pause/")] == [403, 200]


def test_it_is_the_same_person_as_by_texted_code(idp: Provider, line: Line) -> None:
    sign_in(line)
    user = user_of(line)
    browser = Browser()
    through(idp, browser)
    assert (user_of(line), User.objects.count()) == (user, 1)
    assert browser.get("/lines/").url == "/accounts/reauthenticate/?next=%2Flines%2F"


def test_the_line_is_told_of_the_first_time_and_of_no_other(idp: Provider, line: Line) -> None:
    through(idp, Browser())
    (message,) = Message.objects.filter(line=line)
    assert message.kind == Message.Kind.WAY_IN
    assert unseal(message.words_sealed) == (
        "Whereabouts: somebody signed in to this phone's pages with a carrier account, which is new here. Was it not "
        "you? Sign out everywhere: http://localhost:8000/accounts/sessions/ and stop all sharing: "
        "http://localhost:8000/stop/"
    )
    through(idp, Browser())
    idp.claims |= {"sub": "idp-8"}
    assert nothing_came_of_it(idp)
    assert Message.objects.filter(line=line).count() == 1


def test_who_sees_by_it_is_not_overtaken_by_who_has_the_phone(idp: Provider, settings: Settings, line: Line) -> None:
    """By texted code alone no password, passkey or app is set up beside it: that waits a day, as if one were lost."""
    settings.OIDC_SEEING_ACR = STRONG
    idp.claims |= {"acr": STRONG}
    through(idp, Browser())
    browser, waits = sign_in_by_code(line), "/accounts/password/forgotten/"
    assert browser.get("/lines/").url == f"{waits}?next=%2Flines%2F"
    for path in ("/accounts/password/set/", "/accounts/2fa/webauthn/add/", "/accounts/2fa/totp/activate/"):
        assert (path, browser.get(path).url) == (path, waits)
        assert (path, browser.post(path, {"password": PASSWORD}).url) == (path, waits)
    with pytest.raises(HasProofAlready):
        set_first_password(user=user_of(line), password=PASSWORD, at=timezone.now())
    assert not user_of(line).has_usable_password()
    assert f'href="{START}"' in browser.get(waits).text
    browser.post(waits)
    assert NewPassword.objects.get().user == user_of(line)


def test_who_came_by_it_chooses_a_password_at_once(idp: Provider, settings: Settings, line: Line) -> None:
    settings.OIDC_SEEING_ACR = STRONG
    idp.claims |= {"acr": STRONG}
    browser = Browser()
    through(idp, browser)
    assert browser.get("/accounts/2fa/webauthn/add/").status_code == 200
    assert browser.post("/accounts/password/set/", {"password": PASSWORD}).url == "/home/"
    assert user_of(line).has_usable_password()
    assert sign_in_by_code(line).get("/lines/").url == "/accounts/reauthenticate/?next=%2Flines%2F"


def test_who_came_by_it_no_more_strongly_than_by_a_code_has_no_proof_yet(idp: Provider, line: Line) -> None:
    through(idp, Browser())
    browser = sign_in_by_code(line)
    assert browser.get("/lines/").url == "/accounts/password/set/?next=%2Flines%2F"
    assert browser.post("/accounts/password/set/", {"password": PASSWORD}).url == "/home/"


def test_a_line_is_one_person_s_of_the_provider_s_and_one_person_may_have_two(idp: Provider, line: Line) -> None:
    through(idp, Browser())
    (kept,) = SocialAccount.objects.values_list("uid", "extra_data")
    assert ("idp-7" in kept[0], len(kept[0]), kept[1]) == (False, 64, {})
    idp.claims |= {"sub": "idp-8"}
    assert nothing_came_of_it(idp)
    other = a_line(account="A-other")
    idp.claims |= {"sub": "idp-7", "line_id": other.carrier_id}
    assert through(idp, Browser()).status_code == 302
    assert user_of(other) != user_of(line)
    idp.claims |= {"line_id": line.carrier_id}
    assert through(idp, Browser()).status_code == 302


def test_a_line_that_is_none_has_ended_or_has_not_begun_lets_nobody_in_and_makes_nobody(idp: Provider) -> None:
    now = timezone.now()
    ended = a_line(deactivated_at=now - DAY)
    coming = a_line(activated_at=now + DAY)
    for named in ("no-such-line", ended.carrier_id, coming.carrier_id, str(ended.pk)):
        idp.claims |= {"line_id": named}
        assert (named, nothing_came_of_it(idp)) == (named, True)


def test_the_end_of_a_tenure_ends_this_sign_in_too(idp: Provider, line: Line) -> None:
    browser = Browser()
    through(idp, browser)
    at = timezone.now()
    Line.objects.filter(pk=line.pk).update(deactivated_at=at)
    end_tenure(line_id=line.pk, at=at)
    assert not signed_in(browser)
    assert nothing_came_of_it(idp)
    assert LineUser.objects.get().until is not None


def test_a_number_counts_only_verified(idp: Provider, settings: Settings, line: Line) -> None:
    settings.OIDC_LINE_CLAIM = "phone_number"
    for verified in (None, False, "true", 1):
        idp.claims = {"phone_number": number_of(line), "phone_number_verified": verified}
        assert (verified, nothing_came_of_it(idp)) == (verified, True)
    idp.claims = {"phone_number": "+13605550199", "phone_number_verified": True}
    assert nothing_came_of_it(idp)
    idp.claims = {"phone_number": number_of(line), "phone_number_verified": True}
    assert through(idp, Browser()).status_code == 302
    assert LineUser.objects.get().line == line


@pytest.mark.parametrize(
    "claims",
    [
        *NOT_FOR_US,
        {"line_id": None},
        {"line_id": ""},
        {"line_id": 7},
        {"line_id": ["L1"]},
        {"line_id": "x" * 101},
        {"line_id": "a\x00b"},
    ],
    ids=[str(n) for n in range(19)],
)
def test_a_word_that_is_not_for_us_fresh_and_whole_is_refused(idp: Provider, claims: dict[str, object]) -> None:
    idp.claims |= claims
    assert nothing_came_of_it(idp)
    assert not SocialAccount.objects.exists()


@pytest.mark.parametrize("spoil", ["none", "hs256", "key", "signature"])
def test_a_word_that_the_provider_did_not_sign_is_refused(idp: Provider, spoil: str) -> None:
    idp.spoil = spoil
    assert nothing_came_of_it(idp)


def test_an_answer_counts_once_and_only_in_the_browser_that_asked(idp: Provider) -> None:
    asked, other = Browser(), Browser()
    answer = idp.authorize(asked.get(START).url)
    assert other.get(answer).status_code == 403
    assert asked.get(answer).status_code == 302
    assert Browser().get(answer).status_code == 403
    fresh = Browser()
    again = idp.authorize(fresh.get(START).url)
    assert fresh.get(f"{BACK}?state={idp.asked['state']}&error=access_denied").status_code == 403
    assert fresh.get(again).status_code == 403
    assert fresh.get(BACK).status_code == 403


@pytest.mark.parametrize("down", ["/.well-known/openid-configuration", "/keys", "/token"])
@pytest.mark.parametrize("spoil", ["", "text"])
def test_a_provider_that_fails_lets_nobody_in(idp: Provider, down: str, spoil: str) -> None:
    browser = Browser()
    answer = idp.authorize(browser.get(START).url)
    idp.down, idp.spoil = down, spoil
    assert browser.get(answer).status_code == 403
    assert Browser().get(START).status_code == (302 if down != "/.well-known/openid-configuration" else 403)


def test_a_provider_that_calls_itself_something_else_is_not_asked(idp: Provider) -> None:
    idp.issuer = "https://another.example"
    assert Browser().get(START).status_code == 403


def test_the_two_doors_do_not_take_each_other_s_answers(idp: Provider, settings: Settings) -> None:
    """One provider for both, which nobody should have: neither door takes what the other one asked for."""
    User.objects.create_user("o", EMAIL, None, role=User.Role.OFFICER)
    settings.STAFF_OIDC_ISSUER = idp.url
    settings.STAFF_OIDC_CLIENT_ID, settings.STAFF_OIDC_CLIENT_SECRET = CLIENT, SECRET
    settings.STAFF_OIDC_ROLES_CLAIM = ""
    idp.claims |= {"email": EMAIL, "email_verified": True}
    for start, other in ((START, STAFF_BACK), (STAFF_START, BACK)):
        browser = Browser()
        query = idp.authorize(browser.get(start).url).partition("?")[2]
        assert browser.get(f"{other}?{query}").status_code == 403
        assert not signed_in(browser)
    assert not SocialAccount.objects.exists()


def test_the_staff_s_provider_is_not_the_subscribers(idp: Provider, settings: Settings) -> None:
    settings.STAFF_OIDC_ISSUER = ""
    assert [Browser().get(path).status_code for path in (STAFF_START, STAFF_BACK)] == [404, 404]
    assert Browser().get(START).status_code == 302
    settings.OIDC_ISSUER, settings.STAFF_OIDC_ISSUER = "", idp.url
    assert [Browser().get(path).status_code for path in (START, BACK)] == [404, 404]


def test_it_never_leads_to_another_site(idp: Provider) -> None:
    assert through(idp, Browser(), f"{START}?next=https://evil.example/").url == "/home/"


def test_pages_offer_it_where_it_is_named_and_nowhere_else(idp: Provider, settings: Settings) -> None:
    pages = ("/stop/", "/accounts/login/")
    assert [START in Browser().get(path).text for path in pages] == [True, True]
    assert "Sign in with your carrier account, and stop there." in Browser().get("/help/").text
    settings.OIDC_ISSUER = ""
    assert [START in Browser().get(path).text for path in pages] == [False, False]
    assert "carrier account" not in Browser().get("/help/").text
