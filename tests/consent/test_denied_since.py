"""Since when a no has stood without a gap: a newer stop moves it no further, and what came between does."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from accounts.models import Line
from accounts.primitives.zones import zone_of
from consent.actions import choices
from consent.models import Choice
from consent.queries.choices import changed_at, choices_page
from consent.queries.current_consent import sharing
from consent.queries.current_consent_uses import Proof
from disclosures.models import Outcome
from partners.models import Campaign
from tests.clocks import Clock
from tests.factories import NOW, a_campaign, a_line, a_party, an_approval
from tests.feeds import choice_row, take_choices
from tests.moments import begins_at, ends_at
from tests.people import number_of, signed_in
from tests.properties import undone
from tests.words.expected import PACIFIC, Words
from tests.words.pages import main
from tests.world import disclosed

pytestmark = pytest.mark.usefixtures("db")
MOMENT, DAY = timedelta(microseconds=1), timedelta(days=1)
# Kind, days ago, and what else: "all" where no scope is named; "until" in days ago.
type Said = tuple[str, float, dict[str, Any]]


def said(kind: str, ago: float, **more: Any) -> Said:
    return kind, ago, more


STORIES: dict[str, tuple[Sequence[Said], float | None, float | None]] = {
    # What was said; since how many days ago the use is denied; since how many all of it.
    "one stop": ([said("stop", 5)], 5, 5),
    "a stop now, as a pause ends": ([said("pause", 5, until=0), said("stop", 0)], 5, 5),
    "each newer stop changes nothing": ([said("stop", 9), said("stop", 5), said("stop", 2)], 9, 9),
    "a narrower one first": ([said("stop", 9, of="party"), said("stop", 5)], 9, 5),
    "a narrower one after": ([said("stop", 9), said("refuse", 5, of="campaign")], 9, 9),
    "of its purpose first": ([said("stop", 9, of="purpose"), said("stop", 5)], 9, 5),
    "a yes between": ([said("stop", 9), said("allow", 7), said("stop", 5), said("stop", 2)], 5, 5),
    "a yes that ended between": ([said("stop", 9), said("allow", 7, until=6), said("stop", 5)], 5, 6),
    "a yes that ended after": ([said("stop", 9), said("allow", 7, until=3)], None, 3),
    "a yes that a change of number ended": ([said("stop", 9), said("allow", 7), said("number", 4)], None, 4),
    "a yes of the very moment of a change of number": (
        [said("stop", 9), said("number", 7), said("allow", 7), said("stop", 5)], 5, 5,
    ),
    "a yes after a change of number": (
        [said("stop", 9), said("number", 8), said("allow", 7), said("stop", 5)], 5, 5,
    ),
    "a yes before all": ([said("allow", 12), said("stop", 9), said("stop", 5)], 9, 9),
    "a pause that led into it": ([said("pause", 9, until=4), said("stop", 5)], 9, 9),
    "a pause that ended before": ([said("pause", 9, until=6), said("stop", 5)], 5, 5),
    "a file's stop first": ([said("stop", 9, origin="file"), said("stop", 5)], 9, 9),
    "a file's yes against a file's stop": (
        [said("stop", 9, origin="file"), said("approval", 7), said("stop", 5)], 5, 5,
    ),
    "a file's yes that came after the next stop": (
        [said("stop", 9, origin="file"), said("approval", 7, came=3), said("stop", 5)], 9, 9,
    ),
    "a file's yes against the person's stop": ([said("stop", 9), said("approval", 7), said("stop", 5)], 9, 9),
    "a file's yes after the person's stop": ([said("stop", 9), said("approval", 7)], 9, 9),
    "a claim is no yes": ([said("stop", 9), said("claim", 7), said("stop", 5)], 9, 9),
    "two pauses end to end": ([said("pause", 9, until=5), said("pause", 6, until=-3)], 9, None),
    "two pauses that meet": ([said("pause", 9, until=5), said("pause", 5, until=-3)], 9, None),
    "a pause that meets a stop of this moment": ([said("pause", 9, until=0), said("stop", 0)], 9, 9),
    "a pause that ends at this moment": ([said("pause", 9, until=0)], None, None),
    "a pause that begins at this moment": ([said("pause", 0, until=-3)], 0, None),
    "a yes that ends at this moment": ([said("stop", 9), said("allow", 7, until=0)], None, 0),
    "a file's yes of the very moment of its stop": (
        [said("stop", 9, origin="file"), said("stop", 5, origin="file"), said("approval", 5)], 9, 9,
    ),
    "a claim against a file's stop": ([said("stop", 9, origin="file"), said("claim", 7), said("stop", 5)], 9, 9),
    "a second yes before the first has ended": (
        [said("stop", 9), said("allow", 7, until=3), said("allow", 6, until=5)], None, 3,
    ),
    "a pause within a longer one": (
        [said("pause", 9, until=7), said("pause", 8, until=-3), said("pause", 6, until=5)], 9, None,
    ),
    "two pauses with a gap": ([said("pause", 9, until=7), said("pause", 6, until=-3)], 6, None),
}  # fmt: skip


def told(clock: Clock, stories: Sequence[Said]) -> tuple[Line, Campaign]:
    """A line that agreed long ago, and then said all that by the verbs and files that say it, each at its moment."""
    line, campaign = a_line(), a_campaign(provider=a_party("RoadAid", "lbs_provider"))
    an_approval(line, campaign, at=NOW - 90 * DAY)
    refs = {"party": campaign.lbs_provider.uri, "purpose": campaign.purpose, "campaign": campaign.ref}
    for kind, ago, more in stories:
        clock.move_to(NOW - ago * DAY)
        until: Any = NOW - more["until"] * DAY if "until" in more else None
        scope = more.get("of", "all")
        who: dict[str, Any] = {"line_id": line.pk, "actor": "subscriber:1", "channel": "web"}
        match kind:
            case "approval" | "claim":
                came = NOW - more.get("came", ago) * DAY
                by = "carrier" if kind == "approval" else "partner"
                an_approval(line, campaign, at=clock.now, verified_by=by, recorded_at=came)
            case "allow":
                choices.allow(campaign=campaign.ref, until=until, **who)
            case "refuse":
                choices.refuse(campaign=campaign.ref, **who)
            case "pause":
                choices.pause(scope=scope, ref=refs.get(scope, ""), until=until, **who)
            case "number":
                Line.objects.filter(pk=line.pk).update(number_changed_at=clock.now)
            case "stop" if more.get("origin") == "file":
                about = {"scope": scope, "ref": refs.get(scope, "")}
                take_choices(choice_row(msisdn=number_of(line), kind="stop", made_at=clock.now.isoformat(), **about))
            case _:
                choices.stop(scope=scope, ref=refs.get(scope, ""), **who)
    clock.move_to(NOW)
    return line, campaign


def days_ago(moment: datetime | None) -> float | None:
    return None if moment is None else round((NOW - moment) / DAY, 3)


def test_a_no_has_stood_since_it_last_began(clock: Clock) -> None:
    for story, (stories, of_use, of_all) in STORIES.items():
        line, campaign = told(clock, stories)
        found = sharing(line=line, at=NOW)
        read = (days_ago(found.uses[campaign.ref].denied_since), days_ago(found.stopped_at))
        assert read == (of_use, of_all), story


def test_a_company_is_off_since_the_last_of_its_uses_is(clock: Clock) -> None:
    line, campaign = told(clock, [said("approval", 12), said("stop", 9, of="campaign")])
    other = a_campaign(campaign.contract, campaign.lbs_provider)
    an_approval(line, other, at=NOW - 11 * DAY)
    clock.move_to(NOW - 5 * DAY)
    choices.stop(line_id=line.pk, scope="campaign", ref=other.ref, actor="subscriber:1", channel="web")
    clock.move_to(NOW)
    found = sharing(line=line, at=NOW)
    no = found.no_to(uri=campaign.lbs_provider.uri, uses=[found.uses[one.ref] for one in (other, campaign)])
    assert (days_ago(no.stopped_at), days_ago(no.since)) == (5, 5)


def test_a_file_s_yes_is_newer_than_a_stop_from_the_next_moment_on(clock: Clock) -> None:
    line, campaign = told(clock, [said("stop", 5)])
    for later in (timedelta(0), MOMENT):
        an_approval(line, campaign, at=NOW - 5 * DAY + later)
        assert sharing(line=line, at=NOW).uses[campaign.ref].proof.kept_stop is bool(later)


def test_a_proof_stands_from_its_moment_to_its_end_and_is_newer_than_what_came_before() -> None:
    proof = Proof("agreed", at=NOW, expires_at=NOW + DAY)
    assert begins_at(proof.stood_at, NOW)
    assert ends_at(proof.stood_at, NOW + DAY)
    assert ends_at(proof.is_newer_than, NOW)
    assert not replace(proof, kind="claimed").stood_at(NOW)


def test_only_what_the_person_allows_since_is_allowed_by_name(clock: Clock) -> None:
    line, _ = told(clock, [said("stop", 9), said("allow", 7)])
    assert ends_at(lambda at: sharing(line=line, at=NOW).allowed_by_name(since=at), NOW - 7 * DAY)
    # Their own yes ended, and a file's is why it is allowed.
    line, _ = told(clock, [said("allow", 7, until=6), said("approval", 5)])
    found = sharing(line=line, at=NOW)
    assert (len(found.allowed_uses), found.allowed_by_name(since=NOW - 9 * DAY)) == (1, [])


@pytest.mark.parametrize(
    ("stories", "days_left"),
    [
        ([said("stop", 9), said("allow", 7, until=-20), said("pause", 5, until=-3), said("stop", 4)], [20]),
        # The yes had ended before the pause; those before and after it had counted for nothing since the first stop.
        ([said("stop", 9), said("allow", 7, until=6), said("pause", 5, until=-3), said("stop", 4)], []),
        (
            [
                said("stop", 9),
                said("allow", 7, until=6),
                said("approval", 6),
                said("pause", 5, until=-3),
                said("stop", 4),
            ],
            [],
        ),
        ([said("stop", 9), said("allow", 7, until=-20), said("approval", 6), said("stop", 4)], [20]),
    ],
)
def test_a_stop_offers_again_no_more_than_was_allowed_before_it(
    clock: Clock, stories: Sequence[Said], days_left: Sequence[int]
) -> None:
    line, _ = told(clock, stories)
    newest = Choice.objects.filter(line_id=line.pk).latest("made_at")
    page = signed_in(line).get(f"/choices/{newest.id}/")
    until = [f"{(NOW + n * DAY).astimezone(zone_of(line.state)):%Y-%m-%d}" for n in days_left]
    assert "All sharing has been off since" in page.text
    assert re.findall(r'name="day" value="(.*?)"', page.text) == until
    assert page.text.count("Allow again") == len(until)


@pytest.mark.parametrize("of", ["all", "party"])
def test_home_company_and_the_stops_own_page_say_since_when(clock: Clock, of: str) -> None:
    say, first = Words("en", PACIFIC), NOW - 9 * DAY
    line, campaign = told(clock, [said("stop", 9, of=of), said("stop", 5, of=of), said("stop", 2, of=of)])
    browser = signed_in(line)
    since = say("said_no_since", moment=say.moment(first))
    assert since in main(browser, "/home/").one("article", of_class="card").words
    assert since in main(browser, f"/companies/{campaign.lbs_provider_id}/").words
    newest = Choice.objects.filter(line_id=line.pk).latest("made_at")
    lead = "all_is_off" if of == "all" else "no_since"
    assert say(lead, exact=say.exact(first)) in main(browser, f"/choices/{newest.id}/").words


def test_a_company_without_a_use_is_blocked_since_the_first_pause_that_runs_on(clock: Clock) -> None:
    line, campaign = told(clock, [said("pause", 9, until=5), said("pause", 6, until=-3), said("pause", 4, until=-2)])
    nobody = a_party("CountyJail", "end_customer")
    disclosed(line, [campaign.contract.aggregator.uri, nobody.uri], at=NOW - 3 * DAY, outcome=Outcome.REFUSED)
    say = Words("en", PACIFIC)
    first, last = say.moment(NOW - 9 * DAY), say.moment(NOW + 3 * DAY)
    page = main(signed_in(line), f"/companies/{nobody.pk}/").words
    assert f"Blocked from {first} until {last}." in page, page


def test_a_stop_allowed_again_for_one_use_is_dated_by_itself(clock: Clock) -> None:
    """What stood before it, a file's no too, came to its end with the yes: at the very moment and after it."""
    for first in (said("stop", 12, of="party"), said("stop", 12, of="party", origin="file")):
        for yes in (7, 0):
            line, campaign = told(clock, [first, said("stop", 9, of="party"), said("allow", yes)])
            an_approval(line, a_campaign(campaign.contract, campaign.lbs_provider), at=NOW - 90 * DAY)
            assert days_ago(sharing(line=line, at=NOW).stops[f"party:{campaign.lbs_provider.uri}"]) == 9, (first, yes)


def test_a_pause_is_over_at_its_end_and_changed_by_nothing_from_then_on(clock: Clock) -> None:
    line, campaign = told(clock, [said("pause", 9, until=4)])
    (paused,) = choices_page(line_id=line.pk).rows
    until = NOW - 4 * DAY
    assert begins_at(lambda at: paused.over(at=at), until)
    for at, changed in ((until - MOMENT, until - MOMENT), (until, None)):
        with undone():
            clock.move_to(at)
            choices.allow(line_id=line.pk, campaign=campaign.ref, actor="subscriber:1", channel="web")
            assert changed_at(choice=paused) == changed
