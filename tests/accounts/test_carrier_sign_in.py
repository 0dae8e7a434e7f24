"""Subscribers come by the carrier's own OpenID provider: it names a line, and is worth a code, or enough to see."""

import hashlib
import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from urllib.parse import urlencode

import pytest
from allauth.socialaccount.models import SocialAccount
from django.utils import timezone
from pytest_django import Settings

from accounts.actions.people import end_tenures, get_or_create_person
from accounts.actions.sign_ins import HasProofAlready, set_first_password
from accounts.models import Line, LineUser, Message, NewPassword, User
from accounts.primitives.sealing import unseal
from audit.models import AuditEvent
from consent.models import Choice
from tests.accounts import provider as providers
from tests.accounts.provider import CLIENT, SECRET, Provider, signed_in, through
from tests.factories import a_campaign, a_line, a_party, an_approval
from tests.people import PASSWORD, Browser, number_of, sign_in, sign_in_by_code, user_of
from tests.properties import undone
from tests.words.pages import words_of

pytestmark = pytest.mark.usefixtures("db")

START, BACK = "/accounts/login/carrier/", "/accounts/login/carrier/back/"
STRONG = "urn:carrier:acr:2"
DAY, SIGNAL = timedelta(days=1), {"Sec-GPC": "1"}


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


def nothing_came_of_it(idp: Provider, browser: Browser | None = None) -> bool:
    browser, users = browser or Browser(), User.objects.count()
    page = through(idp, browser, START)
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


def test_only_the_strong_word_named_is_enough_to_see(idp: Provider, settings: Settings, line: Line) -> None:
    for wanted, said, sees in (
        (STRONG, STRONG, True), (STRONG, "urn:carrier:acr:1", False), (STRONG, None, False), (STRONG, [STRONG], False),
        ("", STRONG, False), ("", "", False), ("", None, False),
    ):  # fmt: skip
        with undone():
            settings.OIDC_SEEING_ACR = wanted
            idp.claims |= {"acr": said}
            browser = Browser()
            through(idp, browser, START)
            assert (browser.get("/lines/").status_code == 200) == sees, (wanted, said)
            assert signed_in(browser)
    # It opens nothing that a new SIM holds.
    settings.OIDC_SEEING_ACR = STRONG
    idp.claims |= {"acr": STRONG}
    Line.objects.filter(pk=line.pk).update(sim_changed_at=timezone.now())
    browser = Browser()
    through(idp, browser, START)
    assert [browser.get(path).status_code for path in ("/lines/", "/choices/pause/")] == [403, 200]


def test_it_is_the_same_person_as_by_texted_code(idp: Provider, line: Line) -> None:
    with undone():
        # No more strongly than by a code, it is no proof yet.
        through(idp, Browser(), START)
        browser = sign_in_by_code(line)
        assert browser.get("/lines/").url == "/accounts/password/set/?next=%2Flines%2F"
        assert browser.post("/accounts/password/set/", {"password": PASSWORD}).url == "/home/"
    sign_in(line)
    user, browser = user_of(line), Browser()
    through(idp, browser, START)
    assert (user_of(line), User.objects.count()) == (user, 1)
    assert browser.get("/lines/").url == "/accounts/reauthenticate/?next=%2Flines%2F"


def test_the_line_is_told_of_the_first_time(idp: Provider, line: Line) -> None:
    # Their line of before is told nothing.
    now, before = timezone.now(), a_line()
    user = get_or_create_person(line=before, at=now)
    LineUser.objects.filter(line=before).update(until=now)
    LineUser.objects.create(line=line, user=user, since=now)
    through(idp, Browser(), START)
    (message,) = Message.objects.filter(line=line)
    assert message.kind == Message.Kind.WAY_IN
    assert unseal(message.words_sealed) == (
        "someone signed in to this phone's location pages with a carrier account for the first time. "
        "Not you? Sign out everywhere: http://localhost:8000/accounts/sessions/"
    )
    through(idp, Browser(), START)
    idp.claims |= {"sub": "idp-8"}
    assert nothing_came_of_it(idp)
    assert Message.objects.filter(line=line).count() == 1


def test_who_has_the_phone_does_not_overtake_who_sees(idp: Provider, settings: Settings, line: Line) -> None:
    """By texted code alone no password, passkey or app is set up beside it: that waits a day, as if one were lost."""
    settings.OIDC_SEEING_ACR = STRONG
    idp.claims |= {"acr": STRONG}
    through(idp, Browser(), START)
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
    through(idp, browser, START)
    assert browser.get("/accounts/2fa/webauthn/add/").status_code == 200
    assert browser.post("/accounts/password/set/", {"password": PASSWORD}).url == "/home/"
    assert user_of(line).has_usable_password()
    assert sign_in_by_code(line).get("/lines/").url == "/accounts/reauthenticate/?next=%2Flines%2F"


def test_a_line_is_one_person_s_of_the_provider_s(idp: Provider, line: Line) -> None:
    through(idp, Browser(), START)
    (kept,) = SocialAccount.objects.values_list("uid", "extra_data")
    assert ("idp-7" in kept[0], len(kept[0]), kept[1]) == (False, 64, {})
    # No hash that anybody could compute who knows what the provider calls people, as by their numbers.
    unkeyed = hashlib.sha256(f"{line.pk}|idp-7".encode()).hexdigest()
    assert kept[0] != unkeyed
    # One from before pins had a key is the same person's, and gets one.
    SocialAccount.objects.update(uid=unkeyed)
    assert through(idp, Browser(), START).status_code == 302
    assert SocialAccount.objects.get().uid == kept[0]
    idp.claims |= {"sub": "idp-8"}
    assert nothing_came_of_it(idp)
    other = a_line(account="A-other")
    idp.claims |= {"sub": "idp-7", "line_id": other.carrier_id}
    assert through(idp, Browser(), START).status_code == 302
    assert user_of(other) != user_of(line)
    idp.claims |= {"line_id": line.carrier_id}
    assert through(idp, Browser(), START).status_code == 302


def test_a_line_that_is_not_open_lets_nobody_in(idp: Provider) -> None:
    now = timezone.now()
    ended = a_line(deactivated_at=now - DAY)
    coming = a_line(activated_at=now + DAY)
    for named in ("no-such-line", ended.carrier_id, coming.carrier_id, str(ended.pk)):
        idp.claims |= {"line_id": named}
        assert (named, nothing_came_of_it(idp)) == (named, True)


def test_the_end_of_a_tenure_ends_this_sign_in_too(idp: Provider, line: Line) -> None:
    browser = Browser()
    through(idp, browser, START)
    at = timezone.now()
    Line.objects.filter(pk=line.pk).update(deactivated_at=at)
    end_tenures(line_ids=[line.pk], at=at)
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
    assert through(idp, Browser(), START).status_code == 302
    assert LineUser.objects.get().line == line


def test_pages_offer_it_where_it_is_named_and_nowhere_else(idp: Provider, settings: Settings) -> None:
    pages = ("/stop/", "/accounts/login/")
    assert [START in Browser().get(path).text for path in pages] == [True, True]
    assert "Sign in with your carrier account, and stop sharing there." in Browser().get("/help/").text
    settings.OIDC_ISSUER = ""
    assert [START in Browser().get(path).text for path in pages] == [False, False]
    assert "carrier account" not in Browser().get("/help/").text


@pytest.mark.usefixtures("no_broker")
@pytest.mark.parametrize("strong", [True, False])
def test_the_privacy_signal_counts_back_from_the_carrier(
    idp: Provider, settings: Settings, line: Line, strong: bool
) -> None:
    settings.OIDC_SEEING_ACR = STRONG
    idp.claims |= {"acr": STRONG if strong else None}
    road = a_campaign(provider=a_party("RoadAid", "lbs_provider"))
    an_approval(line, road)
    browser = Browser(csrf=True)
    browser.client.defaults["HTTP_SEC_GPC"] = "1"
    # Any site can have a browser go there and back: nothing is done, and the answer stays good.
    shown = through(idp, browser, START)
    back = idp.authorize(f"?{urlencode(idp.asked)}")
    for again in (shown, browser.get(back)):
        assert again.status_code == 200
        assert "When you sign in, we treat it as a stop for everything you haven't allowed" in words_of(again.text)
    assert browser.client.head(back).status_code == 200
    assert browser.post(back).status_code == 403, "another site's form has no token of ours"
    assert (signed_in(browser), Choice.objects.count(), idp.tokens) == (False, 0, [])
    # Nor is it the answer to another question, or another browser's.
    other = Browser()
    assert [one.get(where, **SIGNAL).status_code for one, where in ((other, back), (browser, f"{back}x"))] == [403, 403]
    pressed = {"csrfmiddlewaretoken": re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', shown.text)[0]}
    sent = browser.post(back, pressed)
    assert (sent.url, len(idp.tokens)) == ("/home/", 1)
    (choice,) = Choice.objects.all()
    assert (choice.scope, choice.channel, choice.actor) == ("all", "gpc", f"subscriber:{user_of(line).pk}")
    page = browser.get("/settings/").text
    assert "Your browser's signal stopped all sharing for this phone." in unescape(page)
    # Neither the same answer nor none takes it again.
    assert [browser.get(path).status_code for path in (back, BACK)] == [403, 403]
    pressed["csrfmiddlewaretoken"] = browser.client.cookies["csrftoken"].value
    assert browser.post(back, pressed).status_code == 403
    assert (Choice.objects.count(), len(idp.tokens)) == (1, 1)


def test_without_the_signal_nothing_is_pressed(idp: Provider) -> None:
    browser = Browser()
    assert (through(idp, browser, START).url, signed_in(browser), Choice.objects.count()) == ("/home/", True, 0)
