"""The pages of passkeys say what one is and what to do, and warn whoever shares a phone."""

import json
import re
from collections.abc import Iterator
from html import unescape
from urllib.parse import quote

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret

from accounts.models import Line
from tests.factories import a_line
from tests.people import PASSWORD, Browser, sign_in, sign_in_by_code
from tests.staff import a_staff_user
from tests.support.officers import sign_in_anew, staff
from tests.walks.world import PASSKEY, a_passkey
from tests.words.pages import read

pytestmark = pytest.mark.usefixtures("db")


def words(browser: Browser, path: str) -> str:
    page = browser.get(path)
    assert page.status_code == 200
    main = re.search(r"<main.*?</main>", page.text, re.DOTALL)
    assert main is not None
    return " ".join(re.sub(r"<[^>]+>", " ", main.group()).split())


@pytest.fixture
def line(db: None) -> Line:
    return a_line()


def test_setting_one_up(line: Line) -> None:
    said = words(sign_in(line), "/accounts/2fa/webauthn/add/")
    assert said.startswith("Set up a passkey A passkey lets you use your fingerprint, your face or this phone's")
    assert "Anyone who can unlock this phone can use its passkey." in said
    assert "A password works without it." in said


def test_the_first_is_called_after_the_phone(line: Line) -> None:
    browser = sign_in(line)
    assert 'value="My phone"' in browser.get("/accounts/2fa/webauthn/add/").text
    a_passkey(line)
    assert 'value="Passkey 2"' in browser.get("/accounts/2fa/webauthn/add/").text


def test_the_list_and_what_is_done_with_one(line: Line) -> None:
    browser = sign_in(line)
    assert "You have none yet." in words(browser, "/accounts/2fa/webauthn/")
    at = f"/accounts/2fa/webauthn/keys/{a_passkey(line)}"
    said = words(browser, "/accounts/2fa/webauthn/")
    assert PASSKEY in said
    assert "Not used yet. Rename Remove" in said
    assert "We'll ask for your password or another passkey." in words(browser, f"{at}/remove/")
    assert words(browser, f"{at}/edit/").endswith("A name you will recognize Save name")
    assert words(browser, "/accounts/2fa/webauthn/reauthenticate/").startswith("Use your passkey Press the button.")
    assert "Use my passkey" in words(browser, "/accounts/reauthenticate/")


def test_a_code_alone_sees_no_passkey_where_more_is_set_up(line: Line) -> None:
    """Which devices somebody has, and when each was last used, is not for whoever has their phone for a minute."""
    sign_in(line)
    a_passkey(line)
    browser = sign_in_by_code(line)
    for path in ("/accounts/2fa/", "/accounts/2fa/webauthn/"):
        assert browser.get(path).url == f"/accounts/reauthenticate/?next={quote(path, safe='')}"
    assert browser.post("/accounts/reauthenticate/", {"password": PASSWORD}).status_code == 302
    assert PASSKEY in words(browser, "/accounts/2fa/webauthn/")
    assert "You have 1 passkey." in words(browser, "/accounts/2fa/")
    # Who has nothing else sets it up by the code.
    assert "You have none yet." in words(sign_in_by_code(a_line()), "/accounts/2fa/")


def test_staff_see_theirs_with_the_second_factor() -> None:
    officer = staff(second_factor=False)
    assert officer.client.get("/accounts/2fa/").status_code == 200
    TOTP.activate(officer.user, generate_totp_secret())
    for path in ("/accounts/2fa/", "/accounts/2fa/webauthn/"):
        assert officer.client.get(path).headers["Location"].startswith("/accounts/2fa/reauthenticate/?next=")
    sign_in_anew(officer)
    assert officer.client.get("/accounts/2fa/webauthn/").status_code == 200


def test_nobody_is_told_of_security_keys(line: Line) -> None:
    browser = sign_in(line)
    at = f"/accounts/2fa/webauthn/keys/{a_passkey(line)}"
    for path in ("/accounts/2fa/webauthn/", "/accounts/2fa/webauthn/add/", f"{at}/edit/", f"{at}/remove/",
                 "/accounts/2fa/webauthn/reauthenticate/", "/accounts/reauthenticate/"):  # fmt: skip
        assert (path, "security key" in words(browser, path).lower()) == (path, False)


def pages_that_ask_for_one(line: Line) -> tuple[tuple[Browser, str], ...]:
    """Each page that asks for a passkey, and the browser of somebody who has one there."""
    officer, own, staff = a_staff_user(password=PASSWORD), sign_in(line), Browser()
    a_passkey(line)
    Authenticator.objects.create(
        user=officer, type=Authenticator.Type.WEBAUTHN, data=Authenticator.objects.get(user__line_users__line=line).data
    )
    staff.post("/accounts/login/staff/", {"login": officer.email, "password": PASSWORD})
    return (
        (own, "/accounts/2fa/webauthn/add/"), (own, "/accounts/2fa/webauthn/reauthenticate/"),
        (staff, "/accounts/2fa/authenticate/"),
    )  # fmt: skip


def test_a_passkey_asks_who_holds_the_phone(line: Line) -> None:
    for browser, path in pages_that_ask_for_one(line):
        page = browser.get(path).text
        assert (path, '"userVerification": "required"' in page) == (path, True)
        assert ("Use my passkey" in page) == (not path.endswith("/add/")), path
        # The script finds its button, what it asks with and where the answer goes.
        (script,) = re.findall(r"data-allauth-onload[^>]*>([^<]*)<", page)
        ids = json.loads(script)["ids"]
        parts = {name: read(page).one(id=ids[name]) for name in ids}
        assert parts["credential"].attributes["name"] == "credential", path


@pytest.mark.parametrize("credential", ["", "[]", "{}"])
def test_every_page_that_asks_for_a_passkey_says_that_it_did_not_work(line: Line, credential: str) -> None:
    for browser, path in pages_that_ask_for_one(line):
        page = browser.post(path, {"credential": credential, "name": "Mine"})
        said = "That passkey didn't work. Try it again, or choose another way."
        assert (path, page.status_code, unescape(page.text).count(said)) == (path, 200, 1)


def deep_or_odd() -> Iterator[str]:
    for deep in ("[" * 200_000, '{"a":' * 5_000 + "1" + "}" * 5_000, "[" * 5_000 + "]" * 5_000):
        yield deep
        yield f'{{"id": "x", "response": {deep}}}'
    yield from ("[]", '"x"', "7", "null", "{}", '{"id": 7}', '{"id": "x", "rawId": "x", "response": [1]}', '{"a": NaN}')
    yield '{"id": "AA", "rawId": "AA", "type": "public-key", "response": {"clientDataJSON": "x", "signature": 7}}'
    yield '{"response": "' + "x" * 100_000 + '"}'


def test_no_passkey_s_form_fails_on_what_no_browser_sends(line: Line) -> None:
    officer = a_staff_user(password=PASSWORD)
    TOTP.activate(officer, generate_totp_secret())
    ended, staff, own = Browser(), Browser(), sign_in(line)
    a_passkey(line)
    ended.post("/accounts/login/ended/", {"number": "+12065550142", "passkey": "1"})
    gives = {"login": officer.email, "password": PASSWORD}
    for browser in (ended, staff, own):
        browser.client.raise_request_exception = False
    for credential in deep_or_odd():
        for browser, path in (
            (ended, "/accounts/login/ended/passkey/"), (staff, "/accounts/2fa/authenticate/"),
            (own, "/accounts/2fa/webauthn/add/"), (own, "/accounts/2fa/webauthn/reauthenticate/"),
        ):  # fmt: skip
            if browser is staff:
                # Some wrong tries end the sign-in that had begun.
                browser.post("/accounts/login/staff/", gives)
            page = browser.post(path, {"credential": credential, "name": "Mine"})
            assert page.status_code in {200, 302}, (path, credential[:80])
            assert len(page.text) < 50_000
