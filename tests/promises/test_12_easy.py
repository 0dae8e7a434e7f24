"""Promise 12. Easy: to stop takes no more steps than to allow, without an account, without JavaScript."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest
from django.utils import timezone

from consent.models import Choice
from tests.consent.claiming import a_partner, link_in, prove, text_now
from tests.consent.claiming import asked as asked_by_text
from tests.consent.pages import press
from tests.factories import a_campaign, a_line, a_party, an_approval
from tests.people import Browser, newest_text, number_of, signed_in

pytestmark = pytest.mark.usefixtures("committed_db", "no_broker")


def the_form(page: str, having: str) -> str:
    """The first form that holds this, as a person without JavaScript would find it."""
    forms: list[str] = re.findall(r"<form\b.*?</form>", page, re.DOTALL)
    return next(form for form in forms if having in form)


def asked(form: str) -> list[str]:
    """The names of what a form asks a person to fill in."""
    names: list[str] = re.findall(r'<input type="(?:tel|text|password|email)" name="([^"]*)"', form)
    return names


def test_a_stop_without_account_takes_three_actions() -> None:
    line = a_line()
    an_approval(line, a_campaign())
    browser, msisdn, actions, fields = Browser(), number_of(line), 0, 0
    for start, having, answer in (
        ("/stop/", 'type="tel"', {"number": msisdn}),
        ("/stop/code/", 'name="code"', {"code": ""}),
        ("/stop/all/", 'name="stop-all"', {"stop-all": "1"}),
    ):
        form = the_form(browser.get(start).text, having)
        fields += len(asked(form))
        given = {"code": newest_text(msisdn).code} if "code" in answer else answer
        browser.post(start, given)
        actions += 1
    assert (fields, actions) == (2, 3)
    assert Choice.objects.get().kind == "stop"


def steps(browser: Browser, *, having: str, until: Callable[[], bool], start: str = "/home/") -> int:
    """How many buttons somebody presses, from a page on, until what they wanted is so."""
    page, pressed = browser.get(start), 0
    while not until():
        form = the_form(page.text, having)
        given = dict(re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', form))
        given |= dict(re.findall(r'<button[^>]* name="([^"]*)" value="([^"]*)"', form))
        given |= dict(re.findall(r'<input type="radio" name="([^"]*)" value="([^"]*)"[^>]* checked', form))
        (action,) = re.findall(r'action="([^"]*)"', form)
        pressed += 1
        if 'method="get"' in form:
            page = browser.get(f"{action}?{urlencode(given)}")
        else:
            browser.post(action, given)
    return pressed


def test_to_stop_takes_no_more_steps_than_to_allow() -> None:
    line = a_line()
    provider = a_party("RoadAid", "lbs_provider")
    an_approval(line, a_campaign(provider=provider))
    browser = signed_in(line)

    def newest_is(kind: str) -> Callable[[], bool]:
        return lambda: Choice.objects.order_by("-made_at").values_list("kind", flat=True).first() == kind

    to_stop_all = steps(browser, having='name="stop-all"', until=newest_is("stop"))
    to_allow = steps(browser, having="choices/allow/", until=newest_is("allow"))
    to_stop_one = steps(browser, having=f'data-party="{provider.uri}"', until=newest_is("stop"))
    assert (to_stop_all, to_stop_one, to_allow) == (1, 1, 2)


@pytest.mark.parametrize(
    ("having", "scope", "pressed"),
    [("data-campaign=", "campaign", 1), ("data-purpose=", "purpose", 1), ("choices/pause/", "party", 2)],
)
def test_a_part_takes_no_more_steps_to_stop(having: str, scope: str, pressed: int) -> None:
    line = a_line()
    provider = a_party("RoadAid", "lbs_provider")
    campaign = a_campaign(provider=provider)
    an_approval(line, campaign)
    browser, page = signed_in(line), f"/companies/{provider.pk}/"
    assert steps(browser, having=having, until=Choice.objects.exists, start=page) == pressed
    choice = Choice.objects.get()
    ref = {"campaign": campaign.ref, "purpose": campaign.purpose, "party": provider.uri}[scope]
    assert (choice.kind, choice.scope, choice.ref) == ("pause" if scope == "party" else "stop", scope, ref)


def test_allowing_for_an_hour_takes_the_same_two_steps() -> None:
    line, campaign = a_line(), a_campaign()
    browser, before = signed_in(line), timezone.now()
    path = f"/choices/allow/?campaign={campaign.ref}"
    for given, end in (
        ({"days": "hour"}, before + timedelta(hours=1)),
        (
            {"days": "day", "day": "2094-01-01"},
            datetime(2094, 1, 2, 7, 59, 59, tzinfo=UTC),
        ),  # that day ends in Washington State
    ):
        hidden = dict(re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', browser.get(path).text))
        assert browser.post("/choices/allow/", hidden | given).status_code == 302
        made = Choice.objects.latest("made_at")
        assert made.until is not None
        assert timedelta(0) <= made.until - end < timedelta(minutes=1)
        browser.post("/choices/stop/", {"scope": "all"})


def test_a_day_that_is_over_allows_nothing() -> None:
    line, campaign = a_line(), a_campaign()
    for day in ("2020-01-01", "", "9999-12-31"):
        page = signed_in(line).post("/choices/allow/", {"campaign": campaign.ref, "days": "day", "day": day})
        assert page.status_code == 200
        assert "Choose" in page.text
    assert not Choice.objects.exists()


def test_nobody_pauses_what_is_not_there() -> None:
    a_partner()
    browser = signed_in(a_line())
    for asked_of in (
        "scope=party&ref=https://nobody.example",
        "scope=purpose&ref=x",
        "scope=campaign&ref=x",
        "scope=x",
    ):
        assert browser.get(f"/choices/pause/?{asked_of}").status_code == 404


def test_no_takes_one_step_and_yes_two() -> None:
    partner = a_partner()
    pressed = []
    for number, first in (("+12065550142", "<button>No</button>"), ("+12065550143", "<button>Yes</button>")):
        a_line(msisdn=number)
        partner.one(partner.claim(id=number, msisdn=number))
        assert text_now() == 1
        browser, page = prove(link_in(asked_by_text(number)[0]), number)
        before, n = Choice.objects.count(), 0
        while Choice.objects.count() == before:
            page = press(browser, page, first if n == 0 else "<button>Yes, allow it</button>")
            n += 1
        pressed.append((Choice.objects.order_by("-made_at")[0].kind, n))
    assert pressed == [("refuse", 1), ("allow", 2)]


@pytest.mark.parametrize("page", ["/stop/", "/accounts/login/"])
def test_no_door_needs_javascript(page: str) -> None:
    text = Browser().get(page).text
    assert "<script" not in text
    assert 'onclick="' not in text
    assert 'method="post"' in the_form(text, 'type="tel"')


@pytest.mark.parametrize("page", ["/stop/", "/accounts/login/", "/stop/code/", "/accounts/login/code/"])
def test_every_field_of_a_door_has_its_label(page: str) -> None:
    browser = Browser()
    for door in ("/stop/", "/accounts/login/"):
        if page.startswith(door):
            browser.post(door, {"number": "(206) 555-0100"})
    text = browser.get(page).text
    ids = re.findall(r'<input type="(?:tel|text|password|email)" name="[^"]*"[^>]* id="([^"]*)"', text)
    assert ids
    assert all(f'<label for="{one}"' in text for one in ids)
