"""A person's pages: what they say, and the buttons on them."""

import re
from datetime import timedelta
from html import unescape
from uuid import UUID

from django.utils import timezone

from accounts.models import Line
from consent.actions import choices as choices_actions
from partners.models import Campaign
from tests.factories import a_campaign, a_contract, a_party, an_approval
from tests.people import Browser, Page


def an_agreed_use(line: Line, name: str = "RoadAid") -> Campaign:
    campaign = a_campaign(a_contract(a_party(f"{name} Link")), a_party(name, "lbs_provider"))
    an_approval(line, campaign, at=timezone.now() - timedelta(days=90))
    return campaign


def press(browser: Browser, page: Page, button: str, **more: str) -> Page:
    """Send the first form that holds this button, its hidden fields filled in, as a browser would."""
    for form in re.findall(r"<form\b.*?</form>", page.text, re.DOTALL):
        if not re.search(button, form):
            continue
        data = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form))
        data.pop("csrfmiddlewaretoken", None)
        action = "".join(re.findall(r'action="([^"]*)"', form))
        if 'method="get"' in form:
            return browser.get(f"{action}?{'&'.join(f'{name}={value}' for name, value in data.items())}")
        return browser.post(action, {**data, **more}, follow=True)
    raise AssertionError(f"no form with {button}")


def words(page: str) -> str:
    text = page[page.index("<main") : page.index("</main>")]
    text = re.sub(r'<time datetime="[^"]*">([^<]*)</time>', r"\1", text)
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", text)).replace(" ,", ",").replace(" .", ".").split())


def read(browser: Browser, path: str) -> str:
    return words(browser.get(path).text)


def stop(line: Line, scope: str = "all", ref: str = "") -> UUID:
    return choices_actions.stop(line_id=line.pk, scope=scope, ref=ref, actor="subscriber:1", channel="web").choice_id
