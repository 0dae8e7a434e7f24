"""What does not look right is said to the person it is about: calmly, in numbers, with where the company stands."""

import csv
import io
import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from accounts.models import Line
from accounts.primitives.sealing import unseal
from consent.actions.choices import allow, stop
from consent.models import Choice
from disclosures.domain.ingest.rollups import roll_up
from disclosures.models import Anomaly, Basis, ChangedDay, GrowingLine, Judgement
from disclosures.queries.history import NO_RECORD, Filters, history_page
from disclosures.queries.history_counts import count_history, history_facts
from disclosures.queries.history_days import HistoryTally
from disclosures.queries.line_alerts import list_line_alerts, list_line_anomalies
from disclosures.queries.release_counts import count_claimed_afterwards
from disclosures.workers.anomalies.detection import act, find
from partners.models import Campaign
from tests.disclosures.anomalies import (
    AFTER_STOP,
    BRIDGE,
    DAY,
    JAIL,
    NO_APPROVAL,
    ROAD,
    TRACK,
    every,
    judge_again,
    looked,
    set_rule,
)
from tests.factories import a_campaign, a_contract, a_line, a_party, an_approval
from tests.feeds import choice_row, take_choices
from tests.moments import A_MOMENT, begins_at, ends_at
from tests.people import Browser, signed_in, user_of
from tests.world import gagged

pytestmark = pytest.mark.usefixtures("db", "no_broker")
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
UNVERIFIED = Judgement.APPROVAL_UNVERIFIED
WEST = ZoneInfo("America/Los_Angeles")


@pytest.fixture
def line(now: datetime) -> Line:
    a_party("CountyJail", "end_customer")
    return a_line(activated_at=now - 100 * DAY)


@pytest.fixture
def campaign(line: Line) -> Campaign:
    return a_campaign(a_contract(a_party("GeoBridge")), a_party("SecureTrack", "lbs_provider"))


def said(page: str) -> list[str]:
    """What the notices say, one text each, without the day of the last look-up."""
    found = re.findall(r'<section class="noticed".*?</section>', page, flags=re.DOTALL)
    assert len(found) <= 1
    notices = re.findall(r'<div class="notice[^>]*>(.*?)</div>', "".join(found), flags=re.DOTALL)
    undated = (re.sub(r"[^.>]*<time[^>]*>[^<]*</time>\.(?=\s*<a)", "", one) for one in notices)
    return [unescape(" ".join(re.sub(r"<[^>]+>", " ", one).split())) for one in undated]


def since(at: datetime, zone: ZoneInfo = WEST) -> str:
    """That it is blocked, and from which day on."""
    on = at.astimezone(zone)
    return f"Blocked since {on:%b} {on.day}, {on.year} ."


def rows_of(browser: Browser, page: str) -> int:
    """How many look-ups the first notice's link leads to."""
    (link, *_) = re.findall(r'href="(/history/\?company=[^"]*&amp;[^"]*)"', page.partition('class="noticed"')[2])
    rows = browser.get(unescape(link)).text
    return sum(int(n) for n in re.findall(r"</bdi>: (\d+) look-ups", rows)) + rows.count("</bdi>: 1 look-up")


def test_after_a_stop(line: Line, campaign: Campaign, now: datetime) -> None:
    an_approval(line, campaign, at=now - 90 * DAY)
    stop(line_id=line.pk, scope="party", ref=TRACK, actor=f"subscriber:{line.pk}", channel="web")
    looked(line, *every(now - 3 * DAY, 14, HOUR), judgement=AFTER_STOP, path=(BRIDGE, TRACK), recorded_at=now)
    find(at=now)
    browser = signed_in(line)
    stopped_at = Choice.objects.get().made_at
    sentence = f"14 look-ups after you said stop. You stopped it. {since(stopped_at)}"
    assert said(browser.get("/home/").text) == [f"SecureTrack : {sentence} See these look-ups"]
    company = browser.get(f"/companies/{campaign.lbs_provider_id}/").text
    assert said(company) == [f"{sentence} See these look-ups"]
    assert said(browser.get("/history/").text) == ["SecureTrack : 14 look-ups after you said stop. See these look-ups"]
    assert len(said(browser.get(f"/history/?company={TRACK}").text)) == 1
    assert said(browser.get(f"/history/?company={BRIDGE}").text) == []
    assert rows_of(browser, company) == 14
    # Of what ended more than 30 days ago the day is told as well, below the newer.
    dated = browser.get("/home/").text.partition('<section class="noticed"')[2].partition("</section>")[0]
    last = (now - 3 * DAY + 13 * HOUR).astimezone(WEST)
    assert re.findall(r"Last on <time[^>]*>(.*?)</time>", dated) == [f"{last:%b} {last.day}, {last.year}"]
    assert "More than 30 days ago" not in dated
    browser.client.cookies["django_language"] = "es"
    (spanish,) = said(browser.get("/home/").text)
    begun, _, day = spanish.partition(" Bloqueo activo desde el ")
    assert begun == "SecureTrack : Consultó 14 veces después de que usted dijo que no. Usted la detuvo."
    assert day.endswith(f" {stopped_at.astimezone(WEST).year} . Ver estas consultas")


def test_of_one_company_the_same_number_is_said_everywhere(now: datetime) -> None:
    """An aggregator that looked and passed on: home, its page, the notice, its link and the download count the same."""
    line = a_line(activated_at=now - 100 * DAY)
    bridge = a_party("GeoBridge")
    a_party("SecureTrack", "lbs_provider")
    looked(line, *every(now - 3 * DAY, 3, HOUR), judgement=NO_APPROVAL, path=(BRIDGE,), recorded_at=now)
    looked(line, *every(now - 4 * DAY, 2, HOUR), judgement=AFTER_STOP, path=(BRIDGE, "unknown"), recorded_at=now)
    looked(line, *every(now - 5 * DAY, 5, HOUR), judgement=NO_APPROVAL, path=(BRIDGE, TRACK, JAIL), recorded_at=now)
    find(at=now)
    browser = signed_in(line)
    home = browser.get("/home/").text
    assert {
        " ".join(re.sub(r"<[^>]+>", "", one).split())
        for one in re.findall(r"Not allowed by you, in total: .*?</p>", home, flags=re.DOTALL)
    } == {
        "Not allowed by you, in total: 3 times (no record that you agreed), 2 times (looked up after your stop).",
        "Not allowed by you, in total: 5 times (no record that you agreed).",
    }
    company = browser.get(f"/companies/{bridge.pk}/").text
    got = company.partition("Locations it received</h2>")[2].partition('<p class="small">')[0]
    lines = [" ".join(re.sub(r"<[^>]+>", "", one).split()) for one in re.split(r"</(?:h3|p|li)>", got)]
    assert [re.sub(r" Last on .*", "", one) for one in lines if one] == [
        "Direct requests", "It got this phone's location 5 times. 5 of them were in the last 30 days.",
        "3 times (no record that you agreed)", "2 times (looked up after your stop)",
        "Requests through this company",
        "Other companies got this phone's location through it 5 times. 5 of them were in the last 30 days.",
        "5 times (no record that you agreed)",
    ]  # fmt: skip
    notices = [one.partition(" Blocked since")[0] for one in said(company)]
    assert notices == ["3 look-ups with no record that you agreed.", "2 look-ups after you said stop."]
    links = re.findall(r'href="(/history/\?company=[^"]*only=[^"]*)"', company)
    assert [len(rows_in(browser, link)) for link in links] == [3, 2]
    assert rows_of(browser, company) == 3


def test_what_it_claims_afterwards_is_counted_and_said(line: Line, campaign: Campaign, now: datetime) -> None:
    path = (BRIDGE, TRACK)
    rows = looked(line, *every(now - 3 * DAY, 5, HOUR), judgement=NO_APPROVAL, path=path, recorded_at=now)
    # Of these it was said before, and one was somebody else's.
    looked(line, *every(now - 9 * DAY, 4, HOUR), judgement=UNVERIFIED, path=path, recorded_at=now)
    others = looked(line, now - 9 * DAY, judgement=NO_APPROVAL, path=(BRIDGE, ROAD), recorded_at=now)
    judge_again([*rows[:2], *others], UNVERIFIED)
    looked(line, now - 10 * DAY, judgement=AFTER_STOP, path=path, recorded_at=now)
    find(at=now)
    browser = signed_in(line)
    page = browser.get("/home/").text
    sentence, after_stop = said(page)
    assert after_stop.startswith("SecureTrack : 1 look-up after you said stop. Blocked since")
    assert sentence.startswith(
        "SecureTrack : 5 look-ups with no record that you agreed. For 2 of them, it said only later that you had"
        f" agreed. {since(now - 3 * DAY + 4 * HOUR)}"
    )
    assert rows_of(browser, page) == 5
    links = re.findall(r'href="(/history/\?company=[^"]*only=[^"]*)"', page)
    assert [len(rows_in(browser, link)) for link in links] == [5, 1]
    # What an order hides is in neither number.
    gagged(rows[0], until=None, at=now)
    find(at=now)
    (hidden, _) = said(browser.get("/home/").text)
    assert hidden.startswith("SecureTrack : 4 look-ups with no record that you agreed. For 1 of them, it said only")


def test_what_it_claims_afterwards_is_found_on_long_lines(now: datetime) -> None:
    line = a_line(activated_at=now - 100 * DAY)
    looked(line, *every(now - 90 * DAY, 300, 5 * HOUR), path=(BRIDGE, TRACK), recorded_at=now)
    # At each midnight of the line: a day begins with it, and the one before has ended.
    first = (now - 80 * DAY).astimezone(WEST).replace(hour=0, minute=0, second=0, microsecond=0)
    midnights = [one.astimezone(UTC) for one in every(first, 60, DAY)]
    rows = looked(line, *midnights, judgement=NO_APPROVAL, path=(BRIDGE, TRACK), recorded_at=now)
    for company in (TRACK, JAIL):
        looked(line, *midnights, judgement=UNVERIFIED, path=(BRIDGE, company), recorded_at=now)
    judge_again(rows[::2], UNVERIFIED)
    GrowingLine.objects.create(line_id=line.pk)
    assert roll_up(at=now, long=50) == 1
    # Counted to a day that is still to come, or not, or changed since: each is read once.
    ChangedDay.objects.create(line_id=line.pk, day=rows[0].occurred_at.astimezone(WEST).date())
    for at in (now, now - 40 * DAY):
        assert count_claimed_afterwards(line_id=line.pk, zone=WEST, at=at) == {TRACK: 30}
    found, before = list[datetime](), ""
    while True:
        filters = Filters(company=TRACK, itself=True, only=NO_RECORD, before=before)
        page = history_page(line_id=line.pk, filters=filters, zone=WEST, at=now, rows=7)
        found += [moment for day in page.days for group in day.groups for moment in group.times]
        if not (before := page.older):
            break
    assert sorted(found) == sorted(row.occurred_at for row in rows)
    facts = history_facts(line_id=line.pk, filters=filters, zone=WEST, at=now).facts
    assert count_history(facts=facts, filters=filters).total == HistoryTally(looked_up=60, not_allowed=60)


def test_what_nobody_is_named_for_is_found_by_its_link(now: datetime) -> None:
    for path in ((), ("unknown",)):
        line = a_line(activated_at=now - 100 * DAY)
        looked(line, *every(now - 3 * DAY, 2, HOUR), judgement=AFTER_STOP, path=path, recorded_at=now)
        looked(line, now - 3 * DAY, judgement=AFTER_STOP, path=(BRIDGE, "unknown"), recorded_at=now)
        find(at=now)
        browser = signed_in(line)
        (link, _) = re.findall(r'href="(/history/\?company=[^"]*only=[^"]*)"', browser.get("/home/").text)
        assert "company=unknown&" in link
        assert len(rows_in(browser, link)) == 2


def rows_in(browser: Browser, link: str) -> list[dict[str, str]]:
    """What the history behind a link is as a file."""
    response: Any = browser.client.get(unescape(link).replace("/history/", "/history/download.csv"))
    return list(csv.DictReader(io.StringIO(b"".join(response.streaming_content).decode("utf-8-sig"))))


def test_what_comes_without_a_yes_is_told_before(line: Line, campaign: Campaign, now: datetime) -> None:
    looked(line, *every(now - 3 * DAY, 3, HOUR), judgement=NO_APPROVAL, path=(BRIDGE, TRACK), recorded_at=now)
    find(at=now)
    browser = signed_in(line)
    day = (now + 3 * DAY).astimezone(WEST)
    told, no = "SecureTrack : 3 look-ups with no record that you agreed.", since(now - 3 * DAY + 2 * HOUR)
    due = f"If we get no explanation, we will suspend this company for your line on {day:%b} {day.day}, {day.year} ."
    newer, see = "A newer record says that you agreed, so it is allowed now.", "See these look-ups"

    def home() -> list[str]:
        return said(browser.get("/home/").text)

    assert home() == [f"{told} {no} {due} {see}"]
    an_approval(line, campaign, at=now - DAY)
    assert home() == [f"{told} {newer} {due} {see}"]
    assert act(at=now + 4 * DAY) == 1
    ours = since(Choice.objects.get().made_at)
    assert home() == [f"{told} We have suspended this company for your line. {ours} {see}"]
    allow(line_id=line.pk, campaign=campaign.ref, actor=f"subscriber:{user_of(line).pk}", channel="web")
    assert home() == [f"{told} {newer} {see}"]


def test_a_yes_of_before_is_not_called_newer(line: Line, campaign: Campaign, now: datetime) -> None:
    """What it did was for another use, or finer, or in nobody's name."""
    an_approval(line, campaign, at=now - 10 * DAY)
    looked(line, *every(now - 3 * DAY, 3, HOUR), judgement=NO_APPROVAL, path=(BRIDGE, TRACK), recorded_at=now)
    find(at=now)
    (told,) = said(signed_in(line).get("/home/").text)
    assert told.startswith(
        "SecureTrack : 3 look-ups with no record that you agreed. It is blocked, except for what our records say"
        " you agreed to. If we get no explanation, we will suspend this company for your line on"
    )


def test_whoever_finds_them_when_they_call_for_help_is_left_to_an_officer(line: Line, now: datetime) -> None:
    lifeline = a_campaign(a_contract(a_party("GeoBridge")), a_party("RoadAid", "lbs_provider"), lifeline=True)
    an_approval(line, lifeline, at=now - 10 * DAY)
    looked(line, *every(now - 3 * DAY, 3, HOUR), judgement=NO_APPROVAL, path=(BRIDGE, ROAD), recorded_at=now)
    find(at=now)
    (told,) = said(signed_in(line).get("/home/").text)
    assert told == (
        "RoadAid : 3 look-ups with no record that you agreed. It is blocked, except for what our records say you"
        " agreed to. See these look-ups"
    )
    assert act(at=now + 4 * DAY) == 0
    assert Anomaly.objects.get().consequence == "spared"
    # So it stays once the agreement has ended, whoever else is going to be suspended.
    Campaign.objects.update(ends_at=now)
    looked(line, now - HOUR, judgement=AFTER_STOP, path=(BRIDGE, TRACK), recorded_at=now)
    find(at=now)
    (_, after) = said(signed_in(line).get("/home/").text)
    assert after == "RoadAid : 3 look-ups with no record that you agreed. It is blocked. See these look-ups"


def test_after_a_suspension_of_ours(line: Line, campaign: Campaign, now: datetime) -> None:
    """Nobody is suspended once more for that."""
    path, blocked = (BRIDGE, TRACK), now - 3 * DAY + HOUR
    looked(line, *every(now - 3 * DAY, 2, HOUR), judgement=Judgement.PARTNER_SUSPENDED, path=path, recorded_at=now)
    looked(line, *every(now - 4 * DAY, 3, HOUR), judgement=NO_APPROVAL, path=path, recorded_at=now)
    find(at=now)
    browser = signed_in(line)
    page = browser.get("/home/").text
    suspended, unapproved = said(page)
    assert suspended == f"SecureTrack : 2 look-ups after we suspended it. {since(blocked)} See these look-ups"
    assert "If we get no explanation, we will suspend this company" in unapproved
    assert rows_of(browser, page) == 2


def test_the_first_day_on_which_anything_is_due_is_told(line: Line, campaign: Campaign, now: datetime) -> None:
    a_choice_from_a_file(line, TRACK, at=now - 20 * DAY)
    looked(line, *every(now - 3 * DAY, 3, HOUR), judgement=NO_APPROVAL, path=(BRIDGE, TRACK), recorded_at=now - 2 * DAY)
    find(at=now - 2 * DAY)
    looked(line, now - HOUR, judgement=AFTER_STOP, path=(BRIDGE, TRACK), recorded_at=now - HOUR)
    find(at=now)
    found = {one.kind: one.found_at for one in Anomaly.objects.all()}
    assert found == {"no_approval": now - 2 * DAY, "after_stop": now}
    browser = signed_in(line)
    day = (now + DAY).astimezone(WEST)
    when = f"we will suspend this company for your line on {day:%b} {day.day}, {day.year} ."
    assert [when in one for one in said(browser.get("/home/").text)] == [True, True]
    assert act(at=now + DAY) == 1
    assert ["We have suspended this company for" in one for one in said(browser.get("/home/").text)] == [True, True]


def test_nothing_is_promised_that_no_rule_will_do(line: Line, campaign: Campaign, now: datetime) -> None:
    looked(line, *every(now - 3 * DAY, 3, HOUR), judgement=NO_APPROVAL, path=(BRIDGE, TRACK), recorded_at=now)
    find(at=now)
    set_rule("no_approval", at=now, suspend_after_days=None)
    assert said(signed_in(line).get("/home/").text) == [
        f"SecureTrack : 3 look-ups with no record that you agreed. {since(now - 3 * DAY + 2 * HOUR)} See these look-ups"
    ]
    Anomaly.objects.all().delete()
    set_rule("no_approval", at=now, suspend_after_days=3)
    looked(line, *every(now - 90 * DAY, 3, HOUR), judgement=NO_APPROVAL, path=(BRIDGE, ROAD), recorded_at=now)
    find(at=now)
    act(at=now)
    old = list_line_alerts(line_id=line.pk, zone=WEST, company=ROAD, at=now)
    assert [(one.n, one.suspended_on) for one in old] == [(3, None)]


def test_no_day_is_named_that_can_not_come(campaign: Campaign, now: datetime) -> None:
    """Three days are for an explanation, and one more for us: what is done on that one was not promised."""
    for ago, shown, done in ((26 * DAY - A_MOMENT, True, 1), (26 * DAY, False, 1), (27 * DAY, False, 0)):
        line, last = a_line(activated_at=now - 100 * DAY), now - ago
        looked(line, *every(last - 2 * HOUR, 3, HOUR), judgement=NO_APPROVAL, path=(BRIDGE, TRACK), recorded_at=now)
        find(at=now)
        assert Anomaly.objects.get(line_id=line.pk).last_at == last
        assert ("we will suspend this company" in said(signed_in(line).get("/home/").text)[0]) is shown
        assert act(at=now + 3 * DAY + HOUR) == done


def test_old_ones_are_told_last_and_what_was_not_allowed_before_the_rest(now: datetime) -> None:
    line = a_line(activated_at=now - 400 * DAY)
    for name, ago in (("GeoBridge", 40), ("RoadAid", 4)):
        uri = a_party(name, "lbs_provider").uri
        looked(line, now - ago * DAY, judgement=AFTER_STOP, path=(uri,), recorded_at=now)
    # The fullest hour of the month is not the last.
    morning = (now - 3 * DAY).astimezone(WEST).replace(hour=9)
    looks = [*every(morning, 24, MINUTE), *every(morning + 4 * HOUR, 22, MINUTE)]
    looked(line, *looks, path=(BRIDGE, TRACK), recorded_at=now)
    find(at=now)
    alerts = list_line_alerts(line_id=line.pk, zone=WEST, company="", at=now)
    assert [(one.company.name, one.kind, one.last_at, one.is_old) for one in alerts] == [
        ("RoadAid", "after_stop", now - 4 * DAY, False), (TRACK, "burst", looks[23], False),
        ("GeoBridge", "after_stop", now - 40 * DAY, True),
    ]  # fmt: skip


def test_a_file_s_stop_is_neither_ours_nor_theirs(line: Line, campaign: Campaign, now: datetime) -> None:
    a_choice_from_a_file(line, TRACK, at=now - 5 * DAY)
    looked(line, now - 3 * DAY, judgement=AFTER_STOP, path=(BRIDGE, TRACK), recorded_at=now)
    # Nobody had agreed: nothing could pass since the last that did, before the file came.
    blocked = since(now - 3 * DAY)
    find(at=now)
    browser = signed_in(line)
    (before,) = said(browser.get("/home/").text)
    assert before.startswith(f"SecureTrack : 1 look-up after you said stop. {blocked} If we get")
    assert act(at=now + 4 * DAY) == 1
    (after,) = said(browser.get("/home/").text)
    assert after == (
        "SecureTrack : 1 look-up after you said stop. We have suspended this company for your line."
        f" {blocked} See these look-ups"
    )


def a_choice_from_a_file(line: Line, party: str, *, at: datetime) -> None:
    number = unseal(bytes(line.numbers.get().msisdn_sealed))
    fates = take_choices(choice_row(msisdn=number, made_at=at.isoformat(), scope="party", ref=party))
    assert [fate.status for fate in fates] == ["accepted"]


def test_nor_one_on_which_it_would_be_left_alone(line: Line, campaign: Campaign, now: datetime) -> None:
    browser = signed_in(line)
    nobody = "https://nobody.example"
    for uri in (TRACK, nobody):
        looked(line, *every(now - 3 * DAY, 3, HOUR), judgement=NO_APPROVAL, path=(BRIDGE, uri), recorded_at=now)
    find(at=now)
    allow(line_id=line.pk, campaign=campaign.ref, actor=f"subscriber:{user_of(line).pk}", channel="web")
    told = said(browser.get("/home/").text)
    assert sorted(one.partition(" 3 look-ups with no record that you agreed. ")[2] for one in told) == [
        "A newer record says that you agreed, so it is allowed now. See these look-ups",
        f"{since(now - 3 * DAY + 2 * HOUR)} See these look-ups",
    ]
    assert act(at=now + 4 * DAY) == 0
    assert sorted(Anomaly.objects.values_list("consequence", flat=True)) == ["allowed", "nobody"]


def test_bursts_nights_and_the_end_of_a_quiet_time(now: datetime) -> None:
    burst, night, quiet = (a_line(activated_at=now - 900 * DAY) for _ in range(3))
    noon = datetime.combine((now - 3 * DAY).date(), datetime.min.time(), UTC) + 20 * HOUR
    looked(burst, noon - 100 * DAY, *every(noon, 24, MINUTE), path=(BRIDGE, TRACK), recorded_at=now)
    looked(night, noon - 100 * DAY, *every(noon - 6 * DAY + 10 * HOUR, 5, DAY), path=(BRIDGE, TRACK), recorded_at=now)
    # On the day after the last night, to which the link doesn't lead.
    looked(night, noon - DAY, path=(BRIDGE, TRACK), recorded_at=now)
    looked(burst, noon - 180 * DAY, basis=Basis.NETWORK, recorded_at=now)
    looked(quiet, *every(noon, 3, HOUR), path=(BRIDGE, TRACK), recorded_at=now)
    a_party("SecureTrack", "lbs_provider")
    find(at=now)
    day = noon.astimezone(WEST)
    on = f"on {day:%b} {day.day}, {day.year}"
    browsers = [signed_in(one) for one in (burst, night, quiet)]
    assert [rows_of(browser, browser.get("/home/").text) for browser in browsers] == [24, 5, 3]
    told = ["".join(said(browser.get("/home/").text)) for browser in browsers]
    after_a_quiet_time = "For 180 days, no company made a look-up based on your consent. Then this one made"
    assert [one.removeprefix("SecureTrack : ").removesuffix(" See these look-ups") for one in told] == [
        f"24 look-ups within 60 minutes, {on} .",
        "Look-ups on 5 of 7 nights, between 10 PM and 6 AM.",
        f"{after_a_quiet_time} 3 within a day, {on} .",
    ]


def test_only_what_is_about_the_line_itself_and_its_own(line: Line, campaign: Campaign, now: datetime) -> None:
    other = a_line()
    looked(other, now - DAY, judgement=AFTER_STOP, path=(BRIDGE, TRACK), recorded_at=now)
    for one in (line, *(a_line() for _ in range(24))):
        looked(one, now - 200 * DAY, now - DAY, path=(BRIDGE, TRACK, JAIL), recorded_at=now)
    find(at=now)
    assert Anomaly.objects.filter(kind="many_lines").exists()
    assert said(signed_in(line).get("/home/").text) == []


def test_what_is_old_or_no_longer_so_is_not_told(line: Line, now: datetime) -> None:
    looked(line, now - 366 * DAY, judgement=AFTER_STOP, path=(BRIDGE, TRACK), recorded_at=now)
    looked(line, now - 3 * DAY, judgement=AFTER_STOP, path=(BRIDGE, ROAD), recorded_at=now)
    find(at=now)
    browser = signed_in(line)
    assert [text.partition(" ")[0] for text in said(browser.get("/history/").text)] == ["https://roadaid.example"]
    newest = Anomaly.objects.latest("newest_at").newest_at
    assert ends_at(lambda at: list_line_anomalies(line_id=line.pk, at=at), newest + 365 * DAY)
    Anomaly.objects.update(cleared_at=now)
    assert said(browser.get("/home/").text) == []


def notices(line: Line, now: datetime) -> dict[str, list[str]]:
    browser = signed_in(line)
    return {path: said(browser.get(path).text) for path in ("/home/", "/history/")}


def test_two_lines_alike_but_for_hidden_rows_read_the_same(campaign: Campaign, now: datetime) -> None:
    plain, gagged_line = (a_line(activated_at=now - 100 * DAY) for _ in range(2))
    for one in (plain, gagged_line):
        looked(one, *every(now - 3 * DAY, 4, HOUR), judgement=AFTER_STOP, path=(BRIDGE, TRACK), recorded_at=now)
    for moment in (now - 3 * DAY + 9 * HOUR, now - 40 * DAY, now - DAY):
        (row,) = looked(gagged_line, moment, judgement=AFTER_STOP, path=(BRIDGE, TRACK), recorded_at=now)
        gagged(row, until=None, at=now)
    hidden = looked(gagged_line, *every(now - DAY, 30, MINUTE), path=(BRIDGE, ROAD), recorded_at=now)
    for row in hidden:
        gagged(row, until=None, at=now)
    find(at=now)
    assert notices(plain, now) == notices(gagged_line, now)
    assert len(notices(plain, now)["/home/"]) == 1


def test_at_most_six_are_at_the_head_named_harmlessly(line: Line, now: datetime) -> None:
    for n in range(8):
        a_party(f"Finder {n}", "lbs_provider")
        path = (BRIDGE, f"https://finder{n}.example")
        looked(line, now - 2 * DAY, judgement=AFTER_STOP, path=path, recorded_at=now)
    looked(line, now - DAY, judgement=AFTER_STOP, path=(BRIDGE, "https://x.example/<script>"), recorded_at=now)
    find(at=now)
    page = signed_in(line).get("/home/").text
    assert len(said(page)) == 6
    assert "See everything you did not allow" in page
    assert ("<script>alert" in page, "/<script>" in page) == (False, False)


def test_an_alert_is_old_after_thirty_days(line: Line, now: datetime) -> None:
    last = now - 3 * DAY
    looked(line, last, judgement=AFTER_STOP, path=(BRIDGE, TRACK), recorded_at=now)
    find(at=now)

    def is_old(at: datetime) -> bool:
        (alert,) = list_line_alerts(line_id=line.pk, zone=WEST, company="", at=at)
        return alert.is_old

    assert begins_at(is_old, last + 30 * DAY + A_MOMENT)
