"""Every 90 days a line hears that something is still on: only where it is, once, by day, and not who wants none."""

import re
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.actions.incoming_texts import refuse_texts
from accounts.actions.line_separation import request_separation
from accounts.actions.people import get_or_create_person
from accounts.models import AlertChoice, Line, Message
from accounts.primitives.sealing import unseal
from accounts.primitives.zones import is_day, zone_of
from consent.actions.choices import pause, stop
from consent.actions.records import FileChoice, record_file_choices
from consent.models import Choice
from consent.workers import reminders
from disclosures.models import Judgement
from partners.models import Campaign
from tests.factories import a_campaign, a_contract, a_line, a_party, an_approval
from tests.moments import A_MOMENT, begins_at, ends_at
from tests.people import number_of, signed_in
from tests.properties import undone
from tests.world import disclosed, gagged

pytestmark = pytest.mark.usefixtures("db", "no_broker")
DAY = timedelta(days=1)


@pytest.fixture
def campaign() -> Campaign:
    return a_campaign(a_contract(a_party("NorthLink")), a_party("RoadAid", "lbs_provider"))


def an_old_line(campaign: Campaign | None = None) -> Line:
    """A line that has been with us for a year, and agreed then."""
    now, line = timezone.now(), a_line()
    Line.objects.filter(pk=line.pk).update(recorded_at=now - 365 * DAY, activated_at=now - 400 * DAY)
    if campaign is not None:
        an_approval(line, campaign, at=now - 300 * DAY)
    return line


def reminded(line: Line) -> list[Message]:
    return list(Message.objects.filter(line=line, kind=Message.Kind.REMINDER).order_by("made_at"))


def test_what_is_still_on_is_told_to_line_by_day(campaign: Campaign) -> None:
    line, now = an_old_line(campaign), timezone.now()
    assert reminders.remind(now=now) == 1
    (message,) = reminded(line)
    words = unseal(message.words_sealed)
    assert words == (
        "sharing of this phone's location is still on for at least one use. To see or stop it, or to end these "
        "reminders, sign in: http://localhost:8000/home/"
    )
    assert unseal(message.to_sealed) == number_of(line)
    assert is_day(zone_of(line.state), message.next_at)


def test_a_waiting_reminder_is_forgotten_at_a_stop(campaign: Campaign) -> None:
    stopped, paused, partly, filed, filed_partly = (an_old_line(campaign) for _ in range(5))
    now = timezone.now()
    assert reminders.remind(now=now) == 5
    stop(line_id=stopped.pk, scope="all", actor="subscriber:1", channel="web")
    pause(line_id=paused.pk, scope="all", until=now + DAY, actor="subscriber:1", channel="web")
    stop(line_id=partly.pk, scope="purpose", ref=campaign.purpose, actor="subscriber:1", channel="web")
    of_file = {filed.pk: [a_file_stop("all")], filed_partly.pk: [a_file_stop("purpose", campaign.purpose)]}
    record_file_choices(by_line=of_file, actor="import:choices")
    assert [len(reminded(line)) for line in (stopped, paused, partly, filed, filed_partly)] == [0, 0, 1, 0, 1]


def a_file_stop(scope: str, ref: str = "") -> FileChoice:
    return FileChoice(
        id=uuid.uuid4(), source_id=scope, kind=Choice.Kind.STOP, scope=scope, ref=ref, made_at=timezone.now() - DAY,
        until=None, channel="store", program="", content_hash=b"",
    )  # fmt: skip


def test_at_most_once_in_ninety_days(campaign: Campaign) -> None:
    line, now = an_old_line(campaign), timezone.now()
    assert [reminders.remind(now=now + days * DAY) for days in (0, 0, 1, 89, 90, 179, 181)] == [1, 0, 0, 0, 1, 0, 1]
    assert len(reminded(line)) == 3


def test_ninety_days_are_over_at_their_end_and_so_is_a_line(campaign: Campaign) -> None:
    line, then = a_line(), timezone.now() - 100 * DAY
    lines = Line.objects.filter(pk=line.pk)
    lines.update(recorded_at=then, activated_at=then)
    an_approval(line, campaign, at=then)

    def reminds(at: datetime) -> int:
        return reminders.remind(now=at)

    assert begins_at(reminds, then + 90 * DAY)
    for known in ("recorded_at", "activated_at"):
        lines.update(**{known: then + DAY})
        assert begins_at(reminds, then + 91 * DAY), known
    lines.update(recorded_at=then, activated_at=then, deactivated_at=then + 200 * DAY)
    assert ends_at(reminds, then + 200 * DAY)


def test_nobody_hears_of_what_is_off(campaign: Campaign) -> None:
    now = timezone.now()
    other = a_campaign(a_contract(a_party("GeoBridge")), a_party("AdReach", "lbs_provider"))
    stopped, each, paused, expired, none, partly = (an_old_line(campaign) for _ in range(6))
    nothing = an_old_line()
    an_approval(partly, other, at=now - 300 * DAY)
    stop(line_id=stopped.pk, scope="all", actor="subscriber:1", channel="web")
    stop(line_id=each.pk, scope="party", ref=campaign.lbs_provider.uri, actor="subscriber:1", channel="web")
    stop(line_id=partly.pk, scope="party", ref=campaign.lbs_provider.uri, actor="subscriber:1", channel="web")
    pause(line_id=paused.pk, scope="all", until=now + 400 * DAY, actor="subscriber:1", channel="web")
    Line.objects.filter(pk=expired.pk).update(deactivated_at=now - DAY)
    # So long after their choices that they would hear of what is on.
    assert reminders.remind(now=now + 91 * DAY) == 2
    assert [len(reminded(line)) for line in (stopped, each, paused, expired, nothing)] == [0, 0, 0, 0, 0]
    assert [len(reminded(line)) for line in (none, partly)] == [1, 1]


def test_who_has_just_chosen_or_has_just_come_knows(campaign: Campaign) -> None:
    other = a_campaign(a_contract(a_party("GeoBridge")), a_party("AdReach", "lbs_provider"))
    chose, came = an_old_line(campaign), an_old_line(campaign)
    stop(line_id=chose.pk, scope="party", ref=other.lbs_provider.uri, actor="subscriber:1", channel="web")
    Line.objects.filter(pk=came.pk).update(recorded_at=timezone.now() - 10 * DAY)
    assert reminders.remind(now=timezone.now()) == 0


def test_who_wants_none_gets_none_and_says_so_in_settings(campaign: Campaign) -> None:
    silent, line, now = an_old_line(campaign), an_old_line(campaign), timezone.now()
    refuse_texts(line_id=silent.pk, at=now)
    AlertChoice.objects.create(line=silent, topic=AlertChoice.Topic.YEARLY, wanted=True, chosen_at=now)
    browser = signed_in(line)
    assert 'name="yearly" id="id_yearly">' in browser.get("/settings/").text
    _, page = (browser.post("/settings/texts/", {"news": "on"}, follow=True) for _twice in range(2))
    assert 'name="reminders" id="id_reminders">' in page.text
    assert 'name="news" id="id_news" checked>' in page.text
    assert reminders.remind(now=now) == 0
    for _twice in range(2):
        browser.post("/settings/texts/", {"reminders": "on"})
    assert reminders.remind(now=now) == 0  # no news at all
    browser.post("/settings/texts/", {"reminders": "on", "news": "on"})
    assert reminders.remind(now=now) == 1
    # Each change is in the log once, the newest first, and nothing that stayed as it was.
    assert re.findall("Turned o[nf]+ (?:reminders|alerts)", browser.get("/access-log/").text) == [
        "Turned on alerts", "Turned on reminders", "Turned off alerts", "Turned off reminders",
    ]  # fmt: skip


def test_a_hidden_release_makes_no_difference() -> None:
    line, now = an_old_line(), timezone.now()
    (hidden,) = disclosed(line, ["https://x.example"], at=now - DAY, judgement=Judgement.NO_APPROVAL)
    gagged(hidden, until=None, at=now - DAY)
    assert reminders.remind(now=now) == 0


def test_for_more_lines_no_more_statements(campaign: Campaign) -> None:
    def statements(lines: int, at_days: int) -> int:
        for _ in range(lines):
            an_old_line(campaign)
        with CaptureQueriesContext(connection) as seen:
            assert reminders.remind(now=timezone.now() + at_days * DAY) >= lines
        return len(seen)

    assert statements(1, 0) == statements(3, 200)


def test_the_past_year_s_link_goes_to_whoever_wanted_it_before_the_second_of_january() -> None:
    line, second = an_old_line(), datetime(timezone.now().year + 1, 1, 2, tzinfo=UTC)
    wanted = AlertChoice.objects.create(
        line=line, topic=AlertChoice.Topic.YEARLY, wanted=True, chosen_at=second - A_MOMENT
    )

    def is_sent(at: datetime) -> bool:
        reminders.send_yearly(now=at)
        return Message.objects.filter(line=line, kind=Message.Kind.YEARLY).exists()

    assert begins_at(is_sent, second)
    choices = AlertChoice.objects.filter(pk=wanted.pk)
    for known, at in (("chosen_at", second), ("told_at", second), ("told_at", second - A_MOMENT)):
        choices.update(**{"chosen_at": second - DAY, known: at})
        with undone():
            assert is_sent(second + DAY) == (at < second), (known, at)
    # A line that we have known for less than a day hears of nothing.
    Line.objects.filter(pk=line.pk).update(recorded_at=second)
    assert begins_at(is_sent, second + DAY)
    # Nor does one that leaves its account in confidence.
    request_separation(
        line_id=line.pk, user=get_or_create_person(line=line, at=second), reach="-", note="", at=second
    )  # fmt: skip
    assert not is_sent(second + DAY)
