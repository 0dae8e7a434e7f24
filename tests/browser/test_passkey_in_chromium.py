"""A passkey is set up and given, by a browser with an authenticator of its own (WebAuthn over CDP)."""

import pytest
from django.utils import timezone
from playwright.sync_api import Page
from pytest_django import Settings

from accounts.actions.people import end_tenures
from accounts.models import Line
from audit.models import AuditEvent
from tests.browser.conftest import Visit
from tests.factories import a_line
from tests.people import PASSWORD, newest_text, number_of, sign_in

pytestmark = pytest.mark.browser


@pytest.fixture
def at(site: str, settings: Settings) -> str:
    """The product by a name: a passkey belongs to a name, never to a number."""
    settings.MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = True
    return site.replace("127.0.0.1", "localhost")


def with_authenticator(page: Page) -> None:
    wire = page.context.new_cdp_session(page)
    wire.send("WebAuthn.enable")
    wire.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )


def by_code(page: Page, at: str, line: Line) -> None:
    page.goto(f"{at}/accounts/login/")
    page.fill("input[type=tel]", number_of(line))
    page.click("form.card button.main")
    page.fill("input[name=code]", newest_text(number_of(line)).code)
    page.click("form.card button.main")


def test_a_passkey_is_set_up_and_lets_its_person_see_without_a_password(visit: Visit, at: str) -> None:
    line = a_line()
    sign_in(line)
    page = visit().new_page()
    with_authenticator(page)
    by_code(page, at, line)
    page.wait_for_url("**/accounts/reauthenticate/**")
    page.fill("input[name=password]", PASSWORD)
    page.click("form.card button.main")
    page.wait_for_url("**/home/")
    page.goto(f"{at}/accounts/2fa/webauthn/add/")
    page.click("#mfa_webauthn_add")
    page.wait_for_url("**/accounts/2fa/recovery-codes/")
    assert page.inner_text("main").startswith("Passkey set up.\n")
    added = AuditEvent.objects.filter(line_id=line.pk, action="line.passkey_added")
    assert added.count() == 1
    assert "a passkey was set up" in newest_text(number_of(line)).text

    page.goto(f"{at}/accounts/logout/")
    page.click("main form button.main")
    by_code(page, at, line)
    page.wait_for_url("**/accounts/reauthenticate/**")
    page.get_by_role("link", name="Use my passkey").click()
    page.click("#mfa_webauthn_reauthenticate")
    page.wait_for_url("**/home/")
    assert page.locator("[data-sharing-state]").count() == 1


@pytest.mark.nightly
def test_who_had_a_line_until_it_ended_comes_back_by_their_passkey(visit: Visit, at: str) -> None:
    line = a_line()
    number = number_of(line)
    sign_in(line)
    page = visit().new_page()
    with_authenticator(page)
    by_code(page, at, line)
    page.wait_for_url("**/accounts/reauthenticate/**")
    page.fill("input[name=password]", PASSWORD)
    page.click("form.card button.main")
    page.goto(f"{at}/accounts/2fa/webauthn/add/")
    page.click("#mfa_webauthn_add")
    page.wait_for_url("**/accounts/2fa/recovery-codes/")
    now = timezone.now()
    line.numbers.update(ends_at=now)
    Line.objects.filter(pk=line.pk).update(deactivated_at=now)
    end_tenures(line_ids=[line.pk], at=now)
    page.goto(f"{at}/accounts/login/ended/")
    page.fill("input[name=number]", number)
    page.click("button[name=passkey]")
    page.wait_for_url("**/accounts/login/ended/passkey/")
    page.click("#mfa_webauthn_reauthenticate")
    page.wait_for_url("**/home/")
    page.goto(f"{at}/lines/")
    assert "Your line until it ended" in page.content()
