"""A company that nobody can name can't be stopped: the pages say so, and name the one before it, which can be."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Line
from consent.actions import choices
from consent.actions.choices import UnknownRef
from consent.gate import deciding
from consent.gate.shapes import as_agreed
from consent.models import Choice
from partners.models import Campaign, Party
from tests.consent.pages import words
from tests.factories import a_campaign, a_contract, a_line, a_party, an_approval
from tests.people import Browser, signed_in
from tests.world import disclosed

pytestmark = pytest.mark.usefixtures("db", "no_broker")

DAY = timedelta(days=1)
LINK, TRACK = "https://northlink.example", "https://securetrack.example"
NOBODY = "You can't stop a company that we can't name. You can stop the one before it:"

type Verb = Callable[[Line], object]


def a_path_that_ends_in_nobody() -> tuple[Line, Campaign]:
    line = a_line()
    campaign = a_campaign(a_contract(a_party("NorthLink")), a_party("SecureTrack", "lbs_provider"))
    an_approval(line, campaign)
    disclosed(line, [LINK, TRACK, "unknown"], at=timezone.now() - 3 * DAY, campaign=campaign.ref)
    return line, campaign


def read(browser: Browser, path: str) -> str:
    return words(browser.get(path).text).replace(" ,", ",").replace(" .", ".")


def allowed(line: Line, campaign: Campaign) -> bool:
    (answer,) = deciding.evaluate(questions=[as_agreed(campaign=campaign, line=line.carrier_id)])
    return answer.allowed


@pytest.mark.parametrize(
    "verb",
    [
        lambda line: choices.stop(line_id=line.pk, scope="party", ref="unknown", actor="subscriber:1", channel="web"),
        lambda line: choices.pause(
            line_id=line.pk, scope="party", ref="unknown", until=timezone.now() + DAY, actor="subscriber:1",
            channel="web",
        ),
    ],
)  # fmt: skip
def test_no_verb_takes_it(verb: Verb) -> None:
    line, _ = a_path_that_ends_in_nobody()
    with pytest.raises(UnknownRef):
        verb(line)
    assert not Choice.objects.filter(line_id=line.pk).exists()


def test_it_has_no_page_no_button_and_no_link() -> None:
    line, _ = a_path_that_ends_in_nobody()
    disclosed(line, [LINK, "unknown"], at=timezone.now() - 2 * DAY)
    browser, nobody = signed_in(line), Party.objects.get(uri="unknown")
    assert browser.get(f"/companies/{nobody.pk}/").status_code == 404
    for door in ("stop", "dispute"):
        assert browser.post(f"/choices/{door}/", {"scope": "party", "ref": "unknown"}).status_code == 404
    assert not Choice.objects.filter(line_id=line.pk).exists()
    for path in ("/home/", "/history/", f"/companies/{a_party('SecureTrack').pk}/"):
        page = browser.get(path).text
        assert f"/companies/{nobody.pk}/" not in page
        assert "unknown" not in re.findall(r'(?:data-party|name="ref" value)="([^"]*)"', page)


def test_the_pages_name_the_one_before_it() -> None:
    line, campaign = a_path_that_ends_in_nobody()
    browser, track = signed_in(line), a_party("SecureTrack")
    company = f"/companies/{track.pk}/"
    for path in ("/home/", "/history/", company):
        assert f"{NOBODY} SecureTrack." in read(browser, path)
    assert f'<a href="{company}"><bdi class="name">SecureTrack</bdi></a>.' in browser.get("/history/").text
    browser.post("/choices/stop/", {"scope": "party", "ref": TRACK})
    assert allowed(line, campaign) is False
    assert NOBODY not in read(browser, "/home/")


@pytest.mark.parametrize(
    ("path", "before"),
    [
        ([LINK, "unknown"], "NorthLink"),
        ([LINK], "NorthLink"),
        ([LINK, "unknown", TRACK], "NorthLink"),
        ([LINK, TRACK, "unknown", "unknown"], "SecureTrack"),
        ([LINK, "unknown", TRACK, "unknown"], "NorthLink, SecureTrack"),
    ],
)
def test_one_before_it_is_the_last_that_has_a_name(path: list[str], before: str) -> None:
    line = a_line()
    a_party("NorthLink"), a_party("SecureTrack", "lbs_provider")
    disclosed(line, path, at=timezone.now() - DAY)
    assert f"{NOBODY} {before}." in read(signed_in(line), "/home/")


def test_where_everybody_has_a_name_nothing_is_said() -> None:
    line = a_line()
    a_party("NorthLink"), a_party("SecureTrack", "lbs_provider")
    disclosed(line, [LINK, TRACK], at=timezone.now() - DAY)
    assert NOBODY not in read(signed_in(line), "/home/")
