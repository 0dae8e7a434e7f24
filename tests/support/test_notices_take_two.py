"""A notice's next wording: one officer proposes it, another agrees, and people read it from its moment on."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from pytest_django import DjangoDbBlocker, Settings

from accounts.models import Line
from consent.actions import choices
from console.actions.proposals import agree_to_proposal
from console.forms.rules import NoticeForm
from partners.actions import guards, proposals
from partners.actions.notices import propose_notice
from partners.models import NoticeText, Proposal
from partners.policies.lifecycle import NotNow
from tests.clocks import Clock, standing_still
from tests.factories import a_campaign, a_line, an_approval
from tests.fixtures import Refusal
from tests.people import signed_in
from tests.staff import a_notice, an_actor
from tests.support.officers import WHY, Member, confirmed, post, rows_of, shown

pytestmark = pytest.mark.usefixtures("db", "no_broker", "clock")
# After the day on which anybody will run this.
NOW = datetime(2051, 9, 26, 12, tzinfo=UTC)
DAY, TICK = timedelta(days=1), timedelta(microseconds=1)
BEGINS = datetime(2051, 9, 28, tzinfo=UTC)
PROPOSE = "/admin/notices/propose/"
BODY = "{companies} may find you: {purpose}, {precision}, until {until}."
TYPED = {"use": "allow", "language": "en", "body": BODY, "starts_at": "2051-09-28"}
STOPPING = "You stop everything now."


@pytest.fixture(scope="module")
def still(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Clock]:
    with django_db_blocker.unblock(), standing_still(NOW) as still:
        yield still


@pytest.fixture
def clock(db: None, still: Clock) -> Clock:
    still.move_to(NOW)
    return still


def newest(use: str = "allow") -> NoticeText:
    return NoticeText.objects.filter(use=use, language="en").order_by("-version")[0]


def allowing(line: Line, ref: str) -> tuple[str, str]:
    """The page before a yes, and the digest of the notice on it."""
    page = signed_in(line).get(f"/choices/allow/?campaign={ref}").text
    return page, re.findall(r'name="notice" value="([0-9a-f]{64})"', page)[0]


def test_what_the_words_lack_is_said_in_the_form(officer: Member) -> None:
    told = shown(officer, PROPOSE, {**TYPED, "body": BODY.replace("{until}", "the end")})
    places = "{companies} {precision} {purpose} {until}"
    assert f"This notice must contain each of these once, and no other: {places}" in told
    assert "This notice can't contain { or }." in shown(officer, PROPOSE, {**TYPED, "use": "stop"})
    assert "read it first" not in told
    assert "Fill in “Shown from”." in shown(officer, PROPOSE, {**TYPED, "starts_at": ""})
    answer = confirmed(officer, PROPOSE, {**TYPED, "starts_at": "2199-01-01"})
    assert (answer, Proposal.objects.exists()) == ("", False)


def test_one_officer_proposes_and_another_publishes(officer: Member, second: Member) -> None:
    was = newest()
    told = shown(officer, PROPOSE, TYPED)
    # The same before it is proposed and before another officer agrees.
    what = (
        "English, from 28 Sep 2051, 00:00 UTC, but not before another officer agrees. It replaces version 3 of"
        f" {was.published_at:%-d %b %Y}. New wording {BODY} What changes"
    )
    others = f"Previous wording {was.body} Other languages stay as they are Español, version 3 of"
    assert what in told
    assert others in told
    page = confirmed(officer, PROPOSE, TYPED)
    proposal = Proposal.objects.get()
    assert page == f"/admin/proposals/{proposal.pk}/"
    assert newest() == was
    agree = f"{page}agree/"
    assert "You proposed this. Another officer must agree" in shown(officer, page)
    assert "You proposed it, so another officer must approve it." in shown(officer, agree, {})
    assert "already proposed and waits for another officer" in _refusal(officer)
    assert newest() == was
    asked = shown(second, page)
    assert "Publish a notice: Before allowing (en)" in asked
    assert "People will read the wording below from 28 Sep 2051, but not before a second officer agrees." in asked
    assert what in asked
    assert others in asked
    assert post(second, agree) == page
    assert "Agreed. The change takes effect as proposed." in second.client.get(page).content.decode()
    row = newest()
    assert (row.version, row.body, row.published_at, row.actor) == (4, BODY, BEGINS, second.actor)
    decided = shown(officer, page)
    assert "People will read the wording below from 28 Sep 2051, or from the agreement if that came later." in decided
    assert what in decided
    assert "Other languages" not in decided
    assert any(
        "28 Sep 2051, 00:00 upcoming, second@carrier.example" in one for one in rows_of(officer, "/admin/notices/")
    )


def test_another_wording_is_compared_word_by_word_and_in_chinese_by_character(officer: Member) -> None:
    for language, old, new, compared in (
        (
            "en",
            BODY,
            "{companies} can find you: {purpose}, {precision}, until {until}.",
            "{companies} <del>may </del><ins>can </ins>find you: {purpose}, {precision}, until {until}.",
        ),
        (
            "zh-hans",
            "{companies}可以找到您：{purpose}，{precision}，直到{until}。",
            "{companies}能找到您：{purpose}，{precision}，直到{until}。",
            "{companies}<del>可以</del><ins>能</ins>找到您：{purpose}，{precision}，直到{until}。",
        ),
    ):
        a_notice(old, use="allow", language=language, at=NOW)
        typed = {**WHY, **TYPED, "language": language, "body": new}
        page = officer.client.post(PROPOSE, typed).content.decode()
        assert compared in re.findall(r'dir="auto">\s*(.*?)\s*</p>', page, re.DOTALL)


def test_a_wording_that_no_one_can_read_and_a_day_long_past_are_refused_before_the_preview(officer: Member) -> None:
    page = shown(officer, PROPOSE, {**TYPED, "body": f"\u202e{BODY}", "starts_at": "1999-01-01"})
    assert "It has characters that no one can see. Type it again instead of pasting it." in page
    assert "Name a day from five years ago to ten years from now." in page
    assert "New wording" not in page


def test_in_a_language_that_was_just_added_nothing_is_replaced(
    officer: Member, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.LANGUAGES = [*settings.LANGUAGES, ("fr", "Français")]
    monkeypatch.setattr(NoticeForm.base_fields["language"], "choices", settings.LANGUAGES)
    assert (
        "Français, from 28 Sep 2051, 00:00 UTC, but not before another officer agrees. It is the first version in this"
        f" language. Until then people read it in English. New wording {BODY} Other languages stay as they are English,"
    ) in shown(officer, PROPOSE, {**TYPED, "language": "fr"})
    assert "Français No wording of its own: people read it in English." in shown(officer, PROPOSE, TYPED)


def _refusal(member: Member) -> str:
    """What is said to whoever proposes the same once more."""
    page = member.client.post(PROPOSE, {**TYPED, "reason": "Again."}).content.decode()
    seal = page.partition('name="seen" value="')[2].partition('"')[0]
    return shown(member, PROPOSE, {**TYPED, "seen": seal})


def test_a_wording_counts_from_its_moment(officer: Member, second: Member, clock: Clock) -> None:
    line, campaign = a_line(), a_campaign()
    an_approval(line, campaign)
    choices.stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web")
    page = confirmed(officer, PROPOSE, TYPED)
    assert post(second, f"{page}agree/")
    clock.move_to(BEGINS - TICK)
    browser = signed_in(line)
    before, read = allowing(line, campaign.ref)
    assert ("may find your phone for one purpose only" in before, "may find you: " in before) == (True, False)
    clock.move_to(BEGINS)
    after, new = allowing(line, campaign.ref)
    assert ("may find your phone for one purpose only" in after, "may find you: " in after) == (False, True)
    # The old wording is no longer agreed to either: the page comes back with the new one.
    typed = {"campaign": campaign.ref, "days": "30"}
    answer = browser.post("/choices/allow/", {**typed, "notice": read})
    assert "changed after you opened this page. Nothing was allowed." in answer.text
    assert browser.post("/choices/allow/", {**typed, "notice": new}).status_code == 302


def test_agreed_to_after_its_day_it_counts_from_the_yes(officer: Member, second: Member, clock: Clock) -> None:
    page = confirmed(officer, PROPOSE, {**TYPED, "use": "stop", "body": STOPPING})
    clock.move_to(BEGINS + DAY)
    line = a_line()
    assert STOPPING not in signed_in(line).get("/home/").text
    agree_to_proposal(proposal_id=Proposal.objects.get().pk, reason="Read.", actor=second.actor, at=clock.now)
    assert (page, newest("stop").published_at) == (f"/admin/proposals/{Proposal.objects.get().pk}/", BEGINS + DAY)
    assert STOPPING in signed_in(line).get("/home/").text


def test_the_same_words_again_only_sooner() -> None:
    def again(starts_at: datetime, at: datetime = NOW) -> Proposal:
        return propose_notice(
            use="stop", language="en", body=STOPPING, starts_at=starts_at, reason="Due", actor=an_actor(), at=at
        )

    a_notice(STOPPING, at=NOW, starts_at=BEGINS)
    with pytest.raises(NotNow, match="already published as version 4"):
        again(BEGINS)
    sooner = again(BEGINS - DAY)
    agree_to_proposal(proposal_id=sooner.pk, reason="Due", actor=an_actor(), at=NOW)
    assert (newest("stop").version, newest("stop").published_at) == (5, BEGINS - DAY)
    # What is shown already can't be shown sooner.
    with pytest.raises(NotNow, match="already published as version 5"):
        again(NOW, at=BEGINS - DAY)


def test_a_new_wording_is_shown_as_people_would_read_it(officer: Member) -> None:
    older = a_campaign(ends_at=BEGINS)
    assert "As people would read it" not in shown(officer, PROPOSE, TYPED)
    a_campaign(older.contract, older.lbs_provider, is_draft=True)
    assert "As people would read it" not in shown(officer, PROPOSE, TYPED)
    a_campaign(older.contract, older.lbs_provider, ends_at=BEGINS + TICK)
    service, between = older.lbs_provider.name, older.contract.aggregator.name
    told = shown(officer, PROPOSE, TYPED)
    read = (
        f"New wording {BODY} As people would read it, for {service} {service} and {between} may find you: "
        "To give you a service you asked for, within about 500 m, until the day you choose, but no later than "
        "Sep 28, 2051. What changes"
    )
    assert read in told
    spanish = shown(officer, PROPOSE, {**TYPED, "language": "es", "use": "ask"})
    words = "Para darle un servicio que pidió, a unos 500 m, until 28 sep 2051, 0:00 (hora universal (UTC))."
    assert f"{service} {service} y {between} may find you: {words} What changes" in spanish
    stop = shown(officer, PROPOSE, {**TYPED, "use": "stop", "body": STOPPING})
    assert "As people would read it" not in stop


def test_what_follows_an_older_version_is_not_published() -> None:
    was = newest("stop")
    a_notice(STOPPING, at=NOW)
    payload = {"use": "stop", "language": "en", "body": "Older.", "starts_at": NOW.isoformat()}
    late = proposals.propose(
        act="publish_notice", of="notice", target_id=was.pk, payload=payload, reason="Due", actor=an_actor(), at=NOW
    )
    with pytest.raises(NotNow, match="Another version was published after it was proposed"):
        agree_to_proposal(proposal_id=late.pk, reason="Due", actor=an_actor(), at=NOW)
    assert newest("stop").body == STOPPING


def test_a_process_of_1_0_is_refused_as_it_understands(db: None) -> None:
    """It wrote the next version by itself, and told its officer only of another's: anything else ended in a 500."""
    del db
    with pytest.raises(NotNow, match="Read that one first"), guards.first(message="Read that one first"):
        NoticeText.objects.create(
            use="stop", language="en", version=4, body=STOPPING, published_at=NOW, actor="officer:1"
        )
    assert newest("stop").version == 3


def test_the_database_asks_for_two_officers(refused: Refusal) -> None:
    insert = (
        "INSERT INTO partners_noticetext (use, language, version, body, published_at, actor)"
        " VALUES ('stop', 'en', {version}, '{body}', '{at}', 'system:install')"
    )
    right = {"version": "4", "body": STOPPING, "at": BEGINS.isoformat()}
    guard = "partners_notice_two_officers"
    refused(insert.format(**right), constraint=guard)
    proposal = propose_notice(
        use="stop", language="en", body=STOPPING, starts_at=BEGINS, reason="Due", actor=an_actor(), at=NOW
    )
    refused(insert.format(**right), constraint=guard)
    proposals.mark_agreed(proposal_id=proposal.pk, reason="Due", actor=an_actor(), at=NOW)
    for wrong in ({"version": "5"}, {"body": "Other."}, {"at": (BEGINS - TICK).isoformat()}, {"at": NOW.isoformat()}):
        refused(insert.format(**right | wrong), constraint=guard)


def test_a_yes_to_the_first_wording_of_one_use_and_language_is_to_no_other(refused: Refusal) -> None:
    first = {"use": "stop", "language": "fr", "body": "Vous arr\u00eatez tout.", "starts_at": BEGINS.isoformat()}
    proposal = proposals.propose(
        act="publish_notice", of="notice", target_id=0, payload=first, reason="Due", actor=an_actor(), at=NOW
    )
    proposals.mark_agreed(proposal_id=proposal.pk, reason="Due", actor=an_actor(), at=NOW)
    row = "'{use}', '{language}', 1, '{body}', '{starts_at}', 'system:install'"
    insert = f"INSERT INTO partners_noticetext (use, language, version, body, published_at, actor) VALUES ({row})"
    for other in ({"use": "allow"}, {"language": "de"}):
        refused(insert.format(**first | other), constraint="partners_notice_two_officers")
    with connection.cursor() as cursor:
        cursor.execute(insert.format(**first))
    assert list(NoticeText.objects.filter(language="fr").values_list("use", "version")) == [("stop", 1)]
