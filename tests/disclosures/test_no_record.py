"""A company's page says why it got the location without a record of consent, what was done, and since when no more."""

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from accounts.models import Line
from accounts.primitives.zones import zone_of
from audit.models import Incident, IncidentLine
from audit.queries import database_clock
from consent.actions import choices
from disclosures.models import Disclosure, Judgement
from disclosures.queries.incident_scope import day_key
from partners.models import Campaign, Party, Suspension
from tests.consent.pages import words
from tests.factories import a_campaign, a_contract, a_line, a_party, an_approval
from tests.people import signed_in
from tests.world import disclosed

pytestmark = pytest.mark.usefixtures("db", "no_broker")
DAY = timedelta(days=1)
SECTION = "Shared with no record of your consent"
ASKED = "We asked it to prove that you agreed."
NOTHING = "Our records don't show why it was given out. Our records don't show that we looked into it."


@pytest.fixture
def line() -> Line:
    return a_line()


@pytest.fixture
def asking() -> Campaign:
    return a_campaign(a_contract(a_party("Meridian")), a_party("Skipfind", "lbs_provider"))


def path_of(campaign: Campaign, *to: str) -> list[str]:
    return [campaign.contract.aggregator.uri, campaign.lbs_provider.uri, *to]


def looked(line: Line, campaign: Campaign, *to: str, ago: int, judgement: Judgement) -> Disclosure:
    (row,) = disclosed(
        line, path_of(campaign, *to), at=timezone.now() - ago * DAY, campaign=campaign.ref, judgement=judgement
    )
    return row


def known(line: Line, company: Party) -> str:
    """What its page says beneath that heading; "" where there is none."""
    page = signed_in(line).get(f"/companies/{company.pk}/").text
    return words(f"<main>{page.partition('no-record">')[2].partition('<h2')[0]}</main>")


def now_of(line: Line, company: Party) -> str:
    """What home says of it beside "Now"."""
    card = signed_in(line).get("/home/").text.partition(f'id="company-{company.pk}"')[2]
    return words(f"<main>{card.partition('<dd>')[2].partition('</dd>')[0]}</main>")


def dispute(line: Line, scope: str, ref: str) -> None:
    assert signed_in(line).post("/choices/dispute/", {"scope": scope, "ref": ref}).status_code < 400


def read(line: Line, at: datetime) -> str:
    there = at.astimezone(zone_of(line.state))
    return f"{there:%b} {there.day}, {there.year}, {there:%-I:%M %p}"


def test_what_was_asked_about_another_use_is_no_step_of_this_one(line: Line, asking: Campaign) -> None:
    looked(line, asking, ago=2, judgement=Judgement.NO_APPROVAL)
    others = a_campaign(asking.contract, a_party("StormBell", "lbs_provider"))
    same = a_campaign(asking.contract, asking.lbs_provider)
    for campaign in (others, same):
        an_approval(line, campaign)
        dispute(line, "campaign", campaign.ref)
    # By another partner it goes by the same name.
    elsewhere = a_campaign(a_contract(a_party("Waypoint")), asking.lbs_provider)
    an_approval(line, elsewhere)
    dispute(line, "campaign", elsewhere.ref)
    assert ASKED not in known(line, asking.lbs_provider)
    dispute(line, "campaign", asking.ref)
    assert known(line, asking.lbs_provider).count(f"Meridian : {ASKED}") == 1


def test_a_question_about_the_company_at_large_is_a_step(line: Line, asking: Campaign) -> None:
    (row,) = disclosed(line, path_of(asking), at=timezone.now() - DAY, judgement=Judgement.NO_APPROVAL)
    assert row.campaign == ""
    other = a_party("StormBell", "lbs_provider")
    disclosed(line, [row.aggregator, other.uri], at=timezone.now() - DAY, judgement=Judgement.NO_APPROVAL)
    dispute(line, "party", other.uri)
    assert f"Meridian : {ASKED}" in known(line, other)
    assert ASKED not in known(line, asking.lbs_provider)
    dispute(line, "party", asking.lbs_provider.uri)
    assert f"Meridian : {ASKED}" in known(line, asking.lbs_provider)


def an_incident(row: Disclosure) -> None:
    key = day_key(party=row.aggregator, day=f"{row.occurred_at.date()}")
    incident = Incident.objects.create(
        kind=Incident.Kind.UNGATED, subject=row.aggregator, key=key, opened_at=database_clock()
    )
    IncidentLine.objects.create(
        incident_id=incident.pk, line_id=row.line_id, disclosure_id=row.id, occurred_at=row.occurred_at
    )


def test_an_incident_about_another_company_s_look_up_is_none_of_its_own(line: Line, asking: Campaign) -> None:
    partner = asking.contract.aggregator
    disclosed(line, [partner.uri], at=timezone.now() - 3 * DAY, judgement=Judgement.NO_APPROVAL)
    an_incident(looked(line, asking, ago=3, judgement=Judgement.NO_APPROVAL))
    assert "We opened an incident about it." in known(line, asking.lbs_provider)
    assert NOTHING in known(line, partner)


def test_nor_is_one_about_a_use_that_was_agreed_to(line: Line, asking: Campaign) -> None:
    agreed = a_campaign(asking.contract, asking.lbs_provider)
    an_approval(line, agreed)
    looked(line, asking, ago=3, judgement=Judgement.JURISDICTION_PROHIBITS)
    an_incident(looked(line, agreed, ago=3, judgement=Judgement.JURISDICTION_PROHIBITS))
    assert NOTHING in known(line, asking.lbs_provider)


@pytest.mark.parametrize(
    "judgement", [Judgement.APPROVAL_UNVERIFIED, Judgement.JURISDICTION_PROHIBITS, Judgement.AFTER_STOP]
)
def test_what_only_the_company_says_was_agreed_is_explained(line: Line, asking: Campaign, judgement: Judgement) -> None:
    an_approval(line, asking, verified_by="partner")
    row = looked(line, asking, ago=2, judgement=judgement)
    since = f"Blocked since its last look-up on {read(line, row.occurred_at)}. It may still hold what it got before."
    assert known(line, asking.lbs_provider) == (
        f"{SECTION} Meridian asked for your location and said that you had agreed. The contract with us that it named:"
        f" {asking.contract.ref}. {NOTHING} {since}"
    )
    dispute(line, "campaign", asking.ref)
    after = known(line, asking.lbs_provider)
    assert f"Meridian : {ASKED}" in after
    assert NOTHING not in after


def test_what_was_agreed_and_went_too_far_has_a_record(line: Line, asking: Campaign) -> None:
    an_approval(line, asking)
    looked(line, asking, ago=2, judgement=Judgement.JURISDICTION_PROHIBITS)
    assert known(line, asking.lbs_provider) == ""


def test_a_stop_moves_the_day_of_a_block_no_further(line: Line, asking: Campaign) -> None:
    row = looked(line, asking, ago=5, judgement=Judgement.NO_APPROVAL)
    since = f"Blocked since its last look-up on {read(line, row.occurred_at)}."
    assert now_of(line, asking.lbs_provider).startswith(since)
    choices.stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web")
    assert now_of(line, asking.lbs_provider).startswith(since)
    assert known(line, asking.lbs_provider).find("The last of these") == -1


def test_what_a_yes_let_pass_is_blocked_since_it_ended(line: Line, asking: Campaign) -> None:
    ended = timezone.now() - 3 * DAY
    looked(line, asking, ago=5, judgement=Judgement.PERMITTED)
    an_approval(line, asking, expires_at=ended)
    assert now_of(line, asking.lbs_provider).startswith(f"Blocked since {read(line, ended)}.")
    choices.stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web")
    assert now_of(line, asking.lbs_provider).startswith(f"Blocked since {read(line, ended)}.")


def test_a_yes_that_a_stop_ended_has_no_later_end(line: Line, asking: Campaign) -> None:
    looked(line, asking, ago=40, judgement=Judgement.PERMITTED)
    an_approval(line, asking, at=timezone.now() - 90 * DAY, expires_at=timezone.now() + 90 * DAY)
    made = choices.stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web")
    assert now_of(line, asking.lbs_provider).startswith(f"Blocked since {read(line, made.made_at)}.")


def test_who_was_suspended_before_the_stop_is_blocked_since_then(line: Line, asking: Campaign) -> None:
    an_approval(line, asking)
    looked(line, asking, ago=9, judgement=Judgement.PERMITTED)
    suspended = timezone.now() - 4 * DAY
    Suspension.objects.create(of="campaign", target_id=asking.pk, starts_at=suspended, reason="Due", actor="officer:1")
    choices.stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web")
    assert now_of(line, asking.lbs_provider).startswith(f"Blocked since {read(line, suspended)}.")
