"""Where a line stands, in words: whose stop it is, whether it stands unbroken, what a pause or a suspension hides."""

import re
from datetime import datetime, timedelta
from uuid import UUID

import pytest
import time_machine
from django.utils import timezone

from accounts.models import Line
from consent.actions import choices as choices_actions
from consent.models import Choice
from consent.queries.current_consent import sharing, use_of
from consent.queries.current_consent_uses import Sharing
from partners.models import Campaign, Suspension
from revocations.models import Order, State
from tests.consent.pages import an_agreed_use, read, stop, words
from tests.factories import a_line, an_approval
from tests.feeds import Row, approval_row, choice_row, line_row, take_approvals, take_choices, take_lines, take_parties
from tests.orders import bring_to
from tests.people import signed_in
from tests.words.pages import main

pytestmark = pytest.mark.usefixtures("db", "no_broker")

DAY = timedelta(days=1)
OWN_STOP = "Every company is blocked, including new ones, until you allow one again."


def panel(page: str) -> str:
    """The part of home with the buttons that stop and pause."""
    return words(f"<main{page[page.index('class="panel act"') : page.index('</section>')]}</main>")


def pause(line: Line, until: datetime, company: str = "") -> UUID:
    scope = "party" if company else "all"
    made = choices_actions.pause(
        line_id=line.pk, scope=scope, ref=company, until=until, actor="subscriber:1", channel="web"
    )
    return made.choice_id


def allow(line: Line, campaign: Campaign, until: datetime | None = None) -> UUID:
    made = choices_actions.allow(
        line_id=line.pk, campaign=campaign.ref, until=until, actor="subscriber:1", channel="web"
    )
    return made.choice_id


def suspend(campaign: Campaign) -> None:
    Suspension.objects.create(
        of="party", target_id=campaign.lbs_provider_id, starts_at=timezone.now() - DAY, reason="Due", actor="officer:1"
    )


def with_a_record(*choices: Row) -> Line:
    """A line that agreed to RoadAid in an earlier system, and what it chose there."""
    take_parties()
    take_lines(line_row())
    take_approvals(approval_row())
    take_choices(*choices)
    return Line.objects.get()


def standing(line: Line) -> Sharing:
    return sharing(line=line, at=timezone.now())


def test_pause_over_stop_that_was_pierced_is_told_as_pause() -> None:
    line = a_line()
    road, _ = an_agreed_use(line), an_agreed_use(line, "FraudShield")
    stop(line)
    allow(line, road)
    until = timezone.now() + 3 * DAY
    pause(line, until)
    found = standing(line)
    assert (found.state, found.stopped_at, found.paused_until, found.after_the_pause) == (
        "off",
        None,
        until,
        ["RoadAid"],
    )
    page = signed_in(line).get("/home/").text
    said = panel(page)
    assert OWN_STOP not in said
    assert "All sharing is paused until" in words(page)
    assert "After that, 1 company can ask again." in said
    assert re.search(r'<button[^>]*name="stop-all"', page)
    assert "Pause until…" in said
    (card,) = re.findall(rf'<article[^>]*id="company-{road.lbs_provider_id}".*?</article>', page, re.DOTALL)
    assert re.search(r"Blocked from <time[^>]*>[^<]+</time> until <time", card)
    assert 'name="stop"' in card
    assert "Blocked since" not in card
    assert "All sharing is paused" in page[page.index('data-sharing-state="off"') :][:900]


def test_a_stop_that_nothing_pierced_needs_no_button() -> None:
    line = a_line()
    an_agreed_use(line)
    stop(line)
    pause(line, timezone.now() + DAY)
    page = signed_in(line).get("/home/").text
    assert OWN_STOP in panel(page)
    assert 'name="stop-all"' not in page


def test_stop_taken_over_from_file_is_told_as_that() -> None:
    line = with_a_record(choice_row())
    road = Campaign.objects.get(ref="CMP-road")
    found = standing(line)
    assert (found.state, found.by_record, found.stopped_by_person) == ("off", True, False)
    browser = signed_in(line)
    page = browser.get("/home/").text
    assert OWN_STOP not in panel(page)
    assert "A record imported from an earlier system says that all sharing is stopped" in panel(page)
    assert 'name="stop-all"' in page
    assert "Stopped by an earlier record" in words(page)
    assert "You stopped it" not in words(page)
    assert f'name="stop" data-party="{road.lbs_provider.uri}"' in page
    stop(line)
    page = browser.get("/home/").text
    assert OWN_STOP in panel(page)
    assert 'name="stop"' not in page


def test_what_a_file_allowed_later_was_not_allowed_by_name() -> None:
    later = choice_row(kind="allow", scope="campaign", ref="CMP-road", made_at="2025-09-01T00:00:00Z")
    line = with_a_record(choice_row(), later)
    made = Choice.objects.get(line_id=line.pk, kind="stop")
    browser = signed_in(line)
    said = read(browser, f"/choices/{made.id}/")
    assert "allowed again, by name" not in said
    assert "A newer choice or record has changed part or all of it." in said
    assert "An imported record says that you allowed it" in read(browser, "/home/")
    assert "You allowed it here" not in read(browser, "/home/")


def test_a_lifted_stop_says_until_when_it_stood() -> None:
    line = a_line()
    road = an_agreed_use(line)
    made = stop(line, "party", road.lbs_provider.uri)
    browser = signed_in(line)
    assert "Blocked since" in read(browser, f"/choices/{made}/")
    allow(line, road)
    said = read(browser, f"/choices/{made}/")
    assert "Blocked since" not in said
    assert re.search(r"Blocked from .* A newer choice changed that on ", said)


def test_of_two_stops_with_yes_between_only_the_second_stands() -> None:
    line = a_line()
    road = an_agreed_use(line)
    first = stop(line)
    allow(line, road)
    second = stop(line)
    browser = signed_in(line)
    said = read(browser, f"/choices/{first}/")
    assert "All sharing has been off since" not in said
    assert re.search(r"Blocked from .* A newer choice changed that on ", said)
    assert "All sharing has been off since" in read(browser, f"/choices/{second}/")


def test_of_two_stops_with_nothing_between_both_stand() -> None:
    line = a_line()
    an_agreed_use(line)
    first = stop(line)
    stop(line)
    assert "All sharing has been off since" in read(signed_in(line), f"/choices/{first}/")


def test_an_ended_yes_does_not_count_for_a_later_one() -> None:
    line = a_line()
    road = an_agreed_use(line)
    first = allow(line, road)
    stop(line)
    second = allow(line, road)
    browser = signed_in(line)
    assert "It is not active now" in read(browser, f"/choices/{first}/")
    assert "Allowed since" in read(browser, f"/choices/{second}/")


def test_a_suspended_partner_hides_no_stop_of_the_person() -> None:
    line = a_line()
    road = an_agreed_use(line)
    stop(line, "party", road.lbs_provider.uri)
    suspend(road)
    use = use_of(line=line, campaign=road.ref, at=timezone.now())
    assert use is not None
    assert (use.reason, use.beneath, use.is_stopped, use.is_suspended, use.may_be_allowed) == (
        "partner_suspended", "stopped_party", True, True, False,
    )  # fmt: skip
    said = read(signed_in(line), "/home/")
    assert "You stopped it We suspended this partner" in said
    assert "Blocked since" in said


def test_a_suspension_changes_nothing_of_the_overall_state() -> None:
    line = a_line()
    road = an_agreed_use(line)
    stop(line, "campaign", road.ref)
    allow(line, road)
    before = standing(line).state
    suspend(road)
    found = standing(line)
    assert (before, found.state, found.uses[road.ref].allowed, found.uses[road.ref].proof.ended) == (
        "on", "on", False, False,
    )  # fmt: skip
    said = read(signed_in(line), "/home/")
    assert "You agreed We suspended this partner" in said
    assert re.search(r"Now Blocked since \w{3} \d+, \d{4}, [\d:]+ [AP]M\. We have suspended this company", said)
    assert "Your consent has ended" not in said
    assert "Allowed." not in said


def test_each_proof_is_judged_by_itself() -> None:
    now, line = timezone.now(), a_line()
    road = an_agreed_use(line)
    an_approval(line, road, at=now - 60 * DAY, expires_at=now - 30 * DAY)
    first = allow(line, road)
    stop(line)
    second = allow(line, road)
    use = use_of(line=line, campaign=road.ref, at=timezone.now())
    assert use is not None
    assert use.allowed
    assert [(one.kind, one.choice_id, one.ended) for one in use.proofs] == [
        ("allowed", str(second), False),
        ("allowed", str(first), True),
        ("agreed", "", True),
        ("agreed", "", True),
    ]
    page = signed_in(line).get(f"/companies/{road.lbs_provider_id}/").text
    assert (page.count("Active"), page.count(">Ended<")) == (1, 3)


def test_only_what_a_company_recorded_is_its_own_word() -> None:
    take_parties()
    road = Campaign.objects.get(ref="CMP-road")
    by_partner = road.contract.aggregator
    take_lines(line_row())
    take_approvals(approval_row(captured_by=by_partner.uri), approval_row())
    page = main(signed_in(Line.objects.get()), f"/companies/{road.lbs_provider_id}/")
    recorded = sorted(one for label, one in page.pairs if label == "Recorded by")
    assert recorded == sorted([by_partner.name, f"{road.lbs_provider.name} (the company itself)"])


def test_change_of_number_ends_what_was_agreed_before_it_alone() -> None:
    now, line = timezone.now(), a_line()
    road = an_agreed_use(line)
    changed = now - 10 * DAY
    Line.objects.filter(pk=line.pk).update(number_changed_at=changed)
    for at in (changed, now - 5 * DAY):
        an_approval(line, road, at=at)
    use = use_of(line=line, campaign=road.ref, at=timezone.now())
    assert use is not None
    assert [(one.ended, one.ended_at) for one in use.proofs] == [(False, None), (False, None), (True, changed)]


def test_record_newer_than_stop_that_person_pierced_is_ended() -> None:
    now, line = timezone.now(), a_line()
    road = an_agreed_use(line)
    stop(line)
    an_approval(line, road, at=timezone.now())
    use = use_of(line=line, campaign=road.ref, at=timezone.now())
    assert use is not None
    assert [one.kept_stop for one in use.proofs] == [True, False]
    allow(line, road)
    use = use_of(line=line, campaign=road.ref, at=timezone.now())
    assert use is not None
    assert now < timezone.now()
    assert [(one.kind, one.ended, one.kept_stop) for one in use.proofs] == [
        ("allowed", False, False),
        ("agreed", True, False),
        ("agreed", True, False),
    ]


def test_pause_from_file_over_speaks_of_nothing_allowed_by_name() -> None:
    line = with_a_record(choice_row(kind="pause", until=(timezone.now() + DAY).isoformat()))
    made = Choice.objects.get(line_id=line.pk)
    with time_machine.travel(timezone.now() + 2 * DAY):
        said = read(signed_in(line), f"/choices/{made.id}/")
    assert "Imported from an earlier system; active here from" in said
    assert "allowed again, by name" not in said
    assert "active here since" not in said


def test_a_pause_that_something_was_allowed_in_says_so() -> None:
    line = a_line()
    road, _ = an_agreed_use(line), an_agreed_use(line, "FraudShield")
    made = pause(line, timezone.now() + 3 * DAY)
    allow(line, road)
    browser = signed_in(line)
    said = panel(browser.get("/home/").text)
    assert "All sharing is paused" not in said
    assert re.search(r"Sharing is paused until .*, except for uses allowed during this pause\.", said)
    said = read(browser, f"/choices/{made}/")
    assert ", except for uses allowed during this pause. Then your earlier settings return." in said
    assert "Since then 1 use was allowed again, by name." in said


def test_a_pause_that_is_over_is_told_as_past() -> None:
    line = a_line()
    an_agreed_use(line)
    made = pause(line, timezone.now() + DAY)
    with time_machine.travel(timezone.now() + 2 * DAY):
        said = read(signed_in(line), f"/choices/{made}/")
    assert "earlier settings return" not in said
    assert re.search(r"Blocked from .* The pause is over: your earlier settings are back\.", said)


@pytest.mark.parametrize("whole", [True, False])
def test_a_pause_says_that_a_later_stop_outlasts_it(whole: bool) -> None:
    line = a_line()
    company = an_agreed_use(line).lbs_provider.uri
    made = pause(line, timezone.now() + DAY, "" if whole else company)
    browser = signed_in(line)
    assert "Then your earlier settings return." in read(browser, f"/choices/{made}/")
    assert "End this pause early…" in read(browser, f"/choices/{made}/")
    choices_actions.stop(
        line_id=line.pk,
        scope="all" if whole else "party",
        ref="" if whole else company,
        actor="subscriber:1",
        channel="web",
    )
    said = read(browser, f"/choices/{made}/")
    assert "When the pause ends, a later stop still applies. See what applies now" in said
    assert "End this pause early…" not in said
    with time_machine.travel(timezone.now() + 2 * DAY):
        said = read(signed_in(line), f"/choices/{made}/")
    assert re.search(r"Blocked from .* until [^.]*\. The pause is over", said)
    assert "The pause is over, but a later stop still applies." in said


def test_allow_from_before_choice_is_not_counted_as_after_it() -> None:
    line = a_line()
    road, fraud = an_agreed_use(line), an_agreed_use(line, "FraudShield")
    first = stop(line)
    allow(line, road)
    pause(line, timezone.now() + DAY)
    allow(line, fraud)
    assert "Since then 1 use was allowed again, by name." in read(signed_in(line), f"/choices/{first}/")


def test_blocked_here_has_the_moment_of_the_stop() -> None:
    line = a_line()
    road = an_agreed_use(line)
    first = stop(line)
    told = Order.objects.get(line_id=line.pk)
    bring_to(State.ACKNOWLEDGED, sent_at=told.queued_at, acknowledged_at=told.queued_at)
    second = stop(line, "party", road.lbs_provider.uri)
    assert Order.objects.get(line_id=line.pk).id == told.id
    browser = signed_in(line)
    # The company's page is of the no that stands, and that began with the first of them.
    for path, stopped, before in (
        (f"/choices/{second}/", second, 1),
        (f"/companies/{road.lbs_provider_id}/", first, 0),
    ):
        page = browser.get(path).text
        (blocked,) = re.findall(r'Blocked here</span>\s*<time datetime="([^"]*)"', page)
        assert datetime.fromisoformat(blocked) == Choice.objects.get(id=stopped).made_at.replace(microsecond=0)
        assert page.count("Already sent") == before


def test_page_of_company_that_is_paused_calls_it_a_pause() -> None:
    line = a_line()
    road = an_agreed_use(line)
    made = pause(line, timezone.now() + DAY)
    page = signed_in(line).get(f"/companies/{road.lbs_provider_id}/").text
    assert "Status of your pause" in page
    assert "deleted your data" not in words(page)
    (blocked,) = re.findall(r'Blocked here</span>\s*<time datetime="([^"]*)"', page)
    assert datetime.fromisoformat(blocked) == Choice.objects.get(id=made).made_at.replace(microsecond=0)


def test_how_far_each_company_is_leads_to_its_stop() -> None:
    line = a_line()
    an_agreed_use(line)
    stop(line)
    newest = stop(line, "all")
    browser = signed_in(line)
    (link,) = re.findall(r'href="([^"]*)">See the status of each partner<', browser.get("/home/").text)
    assert link == f"/choices/{newest}/"
    assert "Status of each partner" in browser.get(link).text
