"""On a child's line two people choose: each reads who stopped a company, and who alone can allow one again."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Line
from audit.queries import database_clock
from disclosures.models import Judgement
from disclosures.workers.anomalies.detection import find
from partners.models import Campaign
from tests.consent.pages import read
from tests.factories import a_campaign, a_contract, a_line, a_party, an_approval
from tests.feeds import choice_row, take_choices
from tests.people import Browser, number_of, signed_in
from tests.promises.delegates import taken_on
from tests.world import disclosed

pytestmark = pytest.mark.usefixtures("db", "no_broker")
ONLY_THE_HOLDER = "Only the account holder can allow sharing on this line."
YOU_ALLOW = "until you allow"


@pytest.fixture
def child() -> Line:
    return a_line(role="minor", account="A-family")


@pytest.fixture
def holder(child: Line) -> Browser:
    return signed_in(a_line(account="A-family"))


@pytest.fixture
def kin(child: Line) -> Campaign:
    campaign = a_campaign(a_contract(a_party("Meridian")), a_party("KinCircle", "lbs_provider"), lifeline=True)
    an_approval(child, campaign)
    return campaign


def stop_as(browser: Browser, child: Line, scope: str = "party", ref: str = "") -> None:
    data = {"line": str(child.public_id), "scope": scope, "ref": ref}
    assert browser.post("/choices/stop/", data).status_code < 400


def pages(child: Line, kin: Campaign) -> list[str]:
    return [f"{path}?line={child.public_id}" for path in ("/home/", f"/companies/{kin.lbs_provider_id}/")]


def test_each_reads_who_stopped_a_company(child: Line, holder: Browser, kin: Campaign) -> None:
    own = signed_in(child)
    disclosed(
        child, [kin.contract.aggregator.uri, kin.lbs_provider.uri], at=timezone.now() - timedelta(days=2),
        n=3, judgement=Judgement.NO_APPROVAL,
    )  # fmt: skip
    find(at=database_clock())
    stop_as(own, child, ref=kin.lbs_provider.uri)
    for path in pages(child, kin):
        page = read(holder, path)
        assert page.count("The person who uses this phone stopped it") == 2, path
        assert "The person who uses this phone stopped it. Blocked since" in page
        assert "You stopped it" not in page
        assert "You stopped it. Blocked since" in read(own, path)
    # What a file says besides was said by nobody of theirs.
    now = timezone.now().isoformat()
    take_choices(choice_row(msisdn=number_of(child), scope="party", ref=kin.lbs_provider.uri, made_at=now))
    for path in pages(child, kin):
        assert "The person who uses this phone stopped it. Blocked since" in read(holder, path)
    # Theirs, too, once they have said it.
    stop_as(holder, child, "all")
    for path in pages(child, kin):
        assert "You stopped it" in read(holder, path)


def test_a_child_reads_that_the_holder_stopped_it(child: Line, holder: Browser, kin: Campaign) -> None:
    stop_as(holder, child, ref=kin.lbs_provider.uri)
    for path in pages(child, kin):
        assert "The account holder stopped it" in read(signed_in(child), path)


def test_who_can_t_allow_reads_who_can(child: Line, holder: Browser, kin: Campaign) -> None:
    own = signed_in(child)
    for path in (*pages(child, kin), f"/choices/?line={child.public_id}"):
        assert ONLY_THE_HOLDER in read(own, path)
        assert ONLY_THE_HOLDER not in read(holder, path)
    stop_as(own, child, "all")
    home, listed = (read(own, f"{path}?line={child.public_id}") for path in ("/home/", "/choices/"))
    for page in (home, listed):
        assert ONLY_THE_HOLDER in page
        assert YOU_ALLOW not in page


def test_of_two_others_the_one_who_said_the_newest_is_named(kin: Campaign) -> None:
    """A trusted helper reads what the line's person and another helper of theirs stopped, in either order."""
    another_use, stranger = a_campaign(kin.contract, kin.lbs_provider), a_party("NearMe", "lbs_provider")
    company = ("party", kin.lbs_provider.uri)
    named_by_end = {"person": "The person who uses this phone", "helper": "A trusted helper"}
    for last, stops in {
        "person": [("helper", *company), ("person", "all", "")],
        "helper": [("person", "all", ""), ("helper", *company)],
        "person, of another use": [("helper", "campaign", kin.ref), ("person", "campaign", another_use.ref)],
        "helper, of another use": [("person", "campaign", another_use.ref), ("helper", "campaign", kin.ref)],
        "helper, of the first use": [("person", "campaign", kin.ref), ("helper", "campaign", another_use.ref)],
        "person, of no known use": [("helper", "party", stranger.uri), ("person", "all", "")],
        "helper, of no known use": [("person", "all", ""), ("helper", "party", stranger.uri)],
    }.items():
        line = a_line(role="user")
        an_approval(line, kin)
        an_approval(line, another_use)
        disclosed(line, [stranger.uri], at=timezone.now() - timedelta(days=2), judgement=Judgement.NO_APPROVAL)
        (_, reader, _), (person, helper, _) = taken_on(line, a_line()), taken_on(line, a_line())
        for who, scope, ref in stops:
            stop_as({"person": person, "helper": helper}[who], line, scope, ref)
        shown = stranger if "no known" in last else kin.lbs_provider
        page = read(reader, f"/companies/{shown.pk}/?line={line.public_id}")
        named = [one for one in ("The person who uses this phone", "A trusted helper") if f"{one} stopped it" in page]
        assert named == [named_by_end[last.partition(",")[0]]], last
