"""The pages of passkeys say what one is and what to do, and warn whoever shares a phone."""

import re

import pytest

from accounts.models import Line
from tests.factories import a_line
from tests.people import Browser, sign_in
from tests.walks.world import PASSKEY, a_passkey

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


def test_nobody_is_told_of_security_keys(line: Line) -> None:
    browser = sign_in(line)
    at = f"/accounts/2fa/webauthn/keys/{a_passkey(line)}"
    for path in ("/accounts/2fa/webauthn/", "/accounts/2fa/webauthn/add/", f"{at}/edit/", f"{at}/remove/",
                 "/accounts/2fa/webauthn/reauthenticate/", "/accounts/reauthenticate/"):  # fmt: skip
        assert (path, "security key" in words(browser, path).lower()) == (path, False)
