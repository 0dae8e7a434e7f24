"""Promise 11: what went out without an agreement is said on home and on the company's page, and never denied."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from accounts.clients.texts import MemoryBackend
from accounts.models import Line
from disclosures.models import Basis, Outcome
from tests.consent.pages import words
from tests.factories import a_campaign, a_contract, a_line, a_party, an_approval
from tests.people import signed_in
from tests.world import disclosed, gagged

pytestmark = pytest.mark.usefixtures("db", "no_broker")

DAY = timedelta(days=1)
LINK, TRACK = "https://northlink.example", "https://securetrack.example"
# What home may say only where nothing was given out, or where we have no row that may be shown.
NOT_SHARED = "not shared with any company"
NOTHING = ("We have no record of any look-up", "No company has asked us", "was not shared with any company. ")


@pytest.fixture(autouse=True)
def _texts_in_memory(db: None, settings: Settings) -> None:
    settings.SMS_BACKEND = "accounts.clients.texts.MemoryBackend"
    settings.ANSWER_SECONDS = 0.0
    MemoryBackend.outbox.clear()
    a_party("NorthLink")
    a_party("SecureTrack", "lbs_provider")


def home(line: Line) -> str:
    return words(signed_in(line).get("/home/").text)


def heading(line: Line) -> str:
    page = signed_in(line).get("/home/").text
    return words(f"<main{page[page.index('<h1>') : page.index('</h1>')]}</main>").lstrip("> ")


def given_out(line: Line, days: int, path: list[str], basis: str, *, n: int = 1, doubtful: bool = False) -> None:
    at = timezone.now() - days * DAY
    disclosed(line, path, at=at, n=n, basis=basis, doubtful=doubtful, purpose="dpv:LegalCompliance")


def test_releases_older_than_30_days_are_on_home_too() -> None:
    line = a_line()
    given_out(line, 45, ["urn:psap:king"], Basis.EMERGENCY)
    given_out(line, 44, [LINK, TRACK], Basis.EMERGENCY, doubtful=True)
    said = home(line)
    assert not [one for one in NOTHING if one in said]
    assert f"{NOT_SHARED} in the last 30 days." in said
    assert "Before that, it was shared 2 times for reasons that don't need your consent." in said
    assert (
        "1 look-up was reported as one for an emergency or the network, but went to a company that sells look-ups. "
        "We are asking why." in said
    )
    assert "More than 30 days ago: emergency call (2)." in said
    assert "Earlier, or allowed but not used" in said
    assert "Outside your choices, more than 30 days ago: emergency call (1)." in said
    assert "It received nothing." not in said


def test_a_seller_of_look_ups_is_counted_whatever_the_purpose() -> None:
    line = a_line()
    given_out(line, 4, [LINK, TRACK], Basis.EMERGENCY, n=9, doubtful=True)
    said = home(line)
    assert heading(line) == "Your location was shared with 1 company in the last 30 days."
    assert NOT_SHARED not in said
    assert "9 look-ups were reported as ones for an emergency or the network" in said
    assert "Companies that got the location in the last 30 days SecureTrack We are asking why" in said
    assert "was looked up" not in said
    assert "It received nothing." not in said


@pytest.mark.parametrize(
    ("basis", "named"),
    [
        (Basis.EMERGENCY, "Emergency call"),
        (Basis.LEGAL_PROCESS, "Lawful order"),
        (Basis.NETWORK, "Running the network"),
    ],
)
def test_what_nobody_asks_for_is_said_in_the_heading(basis: str, named: str) -> None:
    line = a_line()
    given_out(line, 4, ["urn:them"], basis, n=2)
    said = home(line)
    assert heading(line) == (
        "Your location was shared 2 times in the last 30 days, for reasons that don't need your consent."
    )
    assert f"{named} (2). In that time, no company got it based on your consent." in said
    assert NOT_SHARED not in said


def test_beside_companies_it_is_said_under_the_heading() -> None:
    line, campaign = a_line(), a_campaign(a_contract(a_party("NorthLink")), a_party("SecureTrack", "lbs_provider"))
    an_approval(line, campaign)
    disclosed(line, [LINK, TRACK], at=timezone.now() - DAY, n=3, campaign=campaign.ref)
    given_out(line, 2, ["urn:police"], Basis.LEGAL_PROCESS)
    given_out(line, 3, [LINK, "https://bailnow.example"], Basis.NETWORK, doubtful=True)
    said = home(line)
    assert heading(line) == "Your location was shared with 2 companies in the last 30 days."
    assert "In those 30 days, this phone was looked up 3 times." in said
    assert "1 look-up was reported as one for an emergency or the network" in said
    assert "Its location was also shared 1 time for a reason that doesn't need your consent." in said


def test_no_record_is_said_only_where_there_is_none() -> None:
    line, refused = a_line(), a_line()
    disclosed(refused, [LINK], at=timezone.now() - 40 * DAY, basis=Basis.NETWORK, outcome=Outcome.REFUSED)
    assert len([one for one in NOTHING if one in home(line)]) == 3
    assert not [one for one in NOTHING if one in home(refused)]
    assert "went to a company that sells look-ups" not in home(refused)


def test_a_row_that_may_not_be_shown_changes_no_sentence() -> None:
    line, like = a_line(), a_line()
    for one in (line, like):
        given_out(one, 40, ["urn:psap:king"], Basis.EMERGENCY)
    (hidden,) = disclosed(line, [LINK, TRACK], at=timezone.now() - DAY, basis=Basis.EMERGENCY, doubtful=True)
    gagged(hidden, until=None, at=timezone.now())
    texts = [re.sub(r"\d\d:\d\d| [ap]\.m\.", "", home(one)) for one in (line, like)]
    assert texts[0] == texts[1]
    assert "Some court orders also keep us from telling you until later." in texts[0]


def test_the_companys_page_counts_what_no_agreement_covers() -> None:
    line = a_line()
    given_out(line, 4, [LINK, TRACK], Basis.EMERGENCY, n=9, doubtful=True)
    given_out(line, 50, [TRACK], Basis.LEGAL_PROCESS)
    page = signed_in(line).get(f"/companies/{a_party('SecureTrack').pk}/").text
    said = words(page)
    assert "Nothing yet." not in said
    assert "Nothing based on your consent." in said
    assert "Outside your choices, in the last 30 days: emergency call (9)." in said
    assert "Outside your choices, more than 30 days ago: lawful order (1)." in said
    assert "9 look-ups were reported as ones for an emergency or the network" in said
    assert "A stop doesn't affect these." in said


def test_a_stop_that_told_nobody_claims_no_more() -> None:
    line = a_line()
    given_out(line, 44, [LINK, TRACK], Basis.EMERGENCY, doubtful=True)
    said = words(signed_in(line).post("/choices/stop/", {"scope": "all"}, follow=True).text)
    assert "All sharing has been off since" in said
    assert "There was no company to tell. If one comes later, it is blocked." in said
    assert "got this phone's location" not in said
