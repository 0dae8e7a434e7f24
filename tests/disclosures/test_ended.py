"""What people are told of an agreement that we ended: on their pages, and by one text where it was a lifeline."""

from datetime import datetime, timedelta
from unittest.mock import patch
from zoneinfo import ZoneInfo

import pytest
from pytest_django import Settings

from accounts.actions import sms_outbox
from accounts.clients.texts import MemoryBackend
from accounts.models import Line, Message
from accounts.workers import sms_delivery
from audit.queries import database_clock
from consent.actions.choices import allow, stop
from consent.actions.lines import terminate
from consent.queries import termination
from consent.queries.termination import EndedAgreement, ended_agreements
from consent.workers import cohort_texts
from consent.workers.cohort_texts import tell_subscribers
from consent.workers.cohorts import build_manifests, end_terms, settle_orders
from partners.actions.suspensions import lift, suspend
from partners.domain import pairwise
from partners.models import Campaign, Contract, Suspension
from revocations.actions.contradictions import Use, mark_contradicted_ends
from revocations.models import Cohort, Duty, Order, State
from tests.clocks import standing_still
from tests.factories import FRAUD, NOW, a_campaign, a_contract, a_line, a_party, an_approval
from tests.orders import sign_end
from tests.overlapping import elsewhere
from tests.people import number_of, signed_in, texts_to
from tests.staff import an_actor, an_agreed_proposal
from tests.words.pages import words_of
from tests.world import disclosed

pytestmark = pytest.mark.usefixtures("committed_db", "no_broker")
PACIFIC = ZoneInfo("America/Los_Angeles")
LATER, DAY, SECOND = timedelta(minutes=2), timedelta(days=1), timedelta(seconds=1)


@pytest.fixture
def campaign() -> Campaign:
    return a_campaign(a_contract(a_party("GeoBridge")), a_party("RoadAid", "lbs_provider"), lifeline=True)


@pytest.fixture
def fraud(campaign: Campaign) -> Campaign:
    return a_campaign(campaign.contract, a_party("FraudShield", "lbs_provider"), purpose=FRAUD)


def end(target: Campaign, *, of: str = "contract", listed: bool = True) -> Cohort:
    target_id = target.contract_id if of == "contract" else target.pk
    seen = termination.plan(of=of, target_id=target_id, at=database_clock())
    cohort = terminate(
        of=of, target_id=target_id, actor=an_actor(), reason="Enough.", plan_digest=seen.digest, at=database_clock()
    )
    if listed:
        build_manifests(now=database_clock() + LATER)
        cohort.refresh_from_db()
    return cohort


def by_day(hour: int = 12) -> datetime:
    """That hour in Washington State, later than now."""
    return (database_clock() + DAY).astimezone(PACIFIC).replace(hour=hour, minute=0, second=0, microsecond=0)


def told(cohort: Cohort) -> bool:
    cohort.refresh_from_db()
    return cohort.subscribers_told_at is not None


def signed(cohort: Cohort, state: State = State.COMPLETED) -> datetime:
    """As when the partner's receipt came."""
    at = database_clock()
    sign_end(cohort, at=at, state=state)
    return at


def ended(line: Line) -> tuple[EndedAgreement, ...]:
    return ended_agreements(line_id=line.pk, at=database_clock())


# Pages


def test_each_page_says_what_ended_and_what_is_owed(campaign: Campaign) -> None:
    line = a_line()
    an_approval(line, campaign, at=NOW - 90 * DAY)
    disclosed(line, [campaign.contract.aggregator.uri, campaign.lbs_provider.uri], at=NOW, campaign=campaign.ref)
    browser = signed_in(line)
    home, company = "/home/", f"/companies/{campaign.lbs_provider_id}/"

    def shown(*paths: str) -> list[str]:
        return [words_of(browser.get(path).text) for path in paths]

    for page in shown(home, "/history/", company):
        assert "We ended our contract" not in page
    # A stop is not said to cut help that ended already.
    assert ["RoadAid can't find you until" in page for page in shown(home, company)] == [True, True]
    cohort = end(campaign)
    assert ["find you until" in page for page in shown(home, company)] == [False, False]
    local = cohort.terminated_at.astimezone(PACIFIC)
    for page in shown(home, "/history/", company):
        assert f"We ended our contract with GeoBridge on {local:%b} {local.day}, {local.year}." in page
        assert "GeoBridge must delete your data by" in page
        assert "signed that it deleted" not in page
    # A signature that is not the whole is not told as done.
    sign_end(cohort, at=cohort.terminated_at + 3 * DAY, state=State.PARTIAL)
    (page,) = shown(home)
    local += 3 * DAY
    assert f"we do not have every signature we need ({local:%b} {local.day}, {local.year})." in page
    assert "signed that it deleted your data" not in page
    signed(cohort)
    for page in shown(home, "/history/", company):
        assert "GeoBridge signed that it deleted your data" in page
        assert "must delete" not in page


def test_who_went_on_after_signing_is_not_told_as_done(campaign: Campaign) -> None:
    line, used = a_line(), a_line()
    for one in (line, used):
        an_approval(one, campaign)
    path = [campaign.contract.aggregator.uri, campaign.lbs_provider.uri]
    disclosed(line, path, at=NOW, campaign=campaign.ref)
    cohort = end(campaign)
    signed(cohort)
    use = Use(
        line_id=used.pk, party_id=cohort.party_id, path=tuple(path), purpose=campaign.purpose, scope=campaign.scope,
        occurred_at=database_clock(), campaign=campaign.ref,
    )  # fmt: skip
    assert mark_contradicted_ends(uses=[use], at=database_clock()) == 1
    browser = signed_in(line)
    for page in ("/home/", "/history/", f"/companies/{campaign.lbs_provider_id}/"):
        shown = words_of(browser.get(page).text)
        assert (
            "GeoBridge signed, but continued afterward. We opened a case. GeoBridge must delete your data by" in shown
        )
        assert "signed that it deleted" not in shown
    cohort.refresh_from_db()
    (late,) = ended_agreements(line_id=line.pk, at=cohort.complete_by)
    assert (late.state, late.overdue, late.signed_at is not None) == ("contradicted", True, True)
    signed(cohort, State.PARTIAL)
    assert [one.state for one in ended(line)] == ["contradicted"]
    signed(cohort)
    assert [one.state for one in ended(line)] == ["signed"]
    assert "but continued" not in words_of(browser.get("/home/").text)
    # Nobody's name is on the list: it is told as before.
    late_line = a_line()
    disclosed(late_line, path, at=NOW)
    assert [one.state for one in ended(late_line)] == ["owed"]


def test_a_date_that_passed_is_said(campaign: Campaign) -> None:
    line = a_line()
    an_approval(line, campaign)
    cohort = end(campaign)
    (before,) = ended_agreements(line_id=line.pk, at=cohort.complete_by - SECOND)
    (after,) = ended_agreements(line_id=line.pk, at=cohort.complete_by)
    assert (before.overdue, after.overdue) == (False, True)
    signed(cohort)
    (done,) = ended_agreements(line_id=line.pk, at=cohort.complete_by)
    assert (done.state, done.overdue) == ("signed", False)


def test_of_a_campaign_only_its_own_lines_are_told(campaign: Campaign, fraud: Campaign) -> None:
    mine, others, dealt, stranger = (a_line() for _ in range(4))
    an_approval(mine, campaign)
    an_approval(others, fraud)
    disclosed(dealt, [campaign.contract.aggregator.uri, campaign.lbs_provider.uri], at=NOW)
    end(campaign, of="campaign")
    assert [[one.use for one in ended(line)] for line in (mine, others, dealt, stranger)] == [
        ["RoadAid"], [], ["RoadAid"], [],
    ]  # fmt: skip
    assert "We ended the access of RoadAid through GeoBridge" in words_of(signed_in(mine).get("/home/").text)


def test_of_a_use_that_ended_only_the_pages_beside_it_tell(campaign: Campaign, fraud: Campaign) -> None:
    line, bank, bail = a_line(), a_party("Lakeside Bank", "end_customer"), a_party("Bail", "end_customer")
    for use, customer in ((campaign, bank), (fraud, bail)):
        an_approval(line, use)
        path = [use.contract.aggregator.uri, use.lbs_provider.uri, customer.uri]
        disclosed(line, path, at=NOW, campaign=use.ref)
    browser, companies = (
        signed_in(line),
        (campaign.contract.aggregator, campaign.lbs_provider, bank, fraud.lbs_provider, bail),
    )

    def telling(said: str) -> list[bool]:
        return [said in words_of(browser.get(f"/companies/{one.pk}/").text) for one in companies]

    end(campaign, of="campaign")
    assert telling("We ended the access of RoadAid through GeoBridge") == [True, True, True, False, False]
    end(fraud)
    assert telling("We ended our contract with GeoBridge") == [True] * 5


def test_a_line_not_listed_is_not_told_of_deletion(campaign: Campaign) -> None:
    line, late = a_line(), a_line()
    an_approval(line, campaign)
    signed(end(campaign))
    disclosed(late, [campaign.contract.aggregator.uri, campaign.lbs_provider.uri], at=NOW)
    pairwise.subject(line_id=late.pk, party_id=a_party("NorthLink").pk)
    assert ([one.state for one in ended(line)], [one.state for one in ended(late)]) == (["signed"], ["owed"])


def test_while_the_list_is_made_it_is_owed(campaign: Campaign) -> None:
    line = a_line()
    an_approval(line, campaign)
    end(campaign, listed=False)
    assert [one.state for one in ended(line)] == ["owed"]


def test_what_ended_by_its_term_is_told_so(campaign: Campaign, fraud: Campaign) -> None:
    line, other = a_line(), a_line()
    an_approval(line, campaign)
    an_approval(other, fraud)
    day = over(campaign, 3 * DAY)
    (one,) = ended(line)
    assert (one.by_term, one.use, one.ended_at, one.state, one.signed_at) == (True, "RoadAid", day, "owed", None)
    assert one.delete_by > database_clock() + 9 * DAY
    local = day.astimezone(PACIFIC)
    shown = words_of(signed_in(line).get("/home/").text)
    said = f"The approved time for RoadAid through GeoBridge ended on {local:%b} {local.day}, {local.year}."
    assert said in shown
    assert "GeoBridge must delete your data by" in shown
    over(campaign.contract, DAY)
    assert "Our contract with GeoBridge ended on" in words_of(signed_in(other).get("/home/").text)
    for cohort in Cohort.objects.all():
        signed(cohort)
    assert [(one.by_term, one.state) for one in ended(line)] == [(True, "signed")] * 2
    assert "We ended" not in words_of(signed_in(line).get("/home/").text)


def over(row: Contract | Campaign, ago: timedelta) -> datetime:
    """Its term was over so long ago, and the beats have seen to it."""
    row.ends_at = database_clock() - ago
    row.save(update_fields=["ends_at"])
    assert end_terms(now=database_clock()) == 1
    assert build_manifests(now=database_clock() + LATER) == 1
    return row.ends_at


# Texts


@pytest.mark.parametrize(("ago", "texts"), [(DAY, 1), (8 * DAY, 0)])
def test_an_end_by_term_is_texted_within_days(campaign: Campaign, ago: timedelta, texts: int) -> None:
    an_approval(a_line(), campaign)
    over(campaign.contract, ago)
    assert tell_subscribers(now=database_clock()) == texts
    assert tell_subscribers(now=database_clock()) == 0
    sms_delivery.deliver(now=by_day())
    assert len(MemoryBackend.outbox) == texts


@pytest.mark.parametrize("by_term", [True, False])
def test_whom_the_same_company_may_still_find_is_texted_nothing(campaign: Campaign, by_term: bool) -> None:
    lost, follows, stopped, elsewhere = (a_line() for _ in range(4))
    successor = a_campaign(campaign.contract, campaign.lbs_provider, lifeline=True)
    through_another = a_campaign(a_contract(a_party("NorthLink")), campaign.lbs_provider, lifeline=True)
    a_campaign(campaign.contract, a_party("MedAlert", "lbs_provider"), lifeline=True)
    for line in (lost, follows, stopped, elsewhere):
        an_approval(line, campaign)
    an_approval(follows, successor)
    an_approval(elsewhere, through_another)
    an_approval(stopped, successor)
    stop(line_id=stopped.pk, scope="campaign", ref=successor.ref, actor="subscriber:1", channel="web")
    over(campaign, timedelta(0)) if by_term else end(campaign, of="campaign")
    assert tell_subscribers(now=database_clock() + LATER) == 2
    sms_delivery.deliver(now=by_day())
    assert {text.msisdn for text in MemoryBackend.outbox} == {number_of(lost), number_of(stopped)}


def test_whom_it_found_is_texted_once(campaign: Campaign, fraud: Campaign) -> None:
    had, allowed, stopped, ran_out, claimed, other, ended_line = (a_line() for _ in range(7))
    for line in (had, stopped):
        an_approval(line, campaign)
    an_approval(ran_out, campaign, expires_at=NOW - DAY)
    an_approval(claimed, campaign, verified_by="partner")
    an_approval(other, fraud)
    an_approval(ended_line, campaign)
    Line.objects.filter(pk=ended_line.pk).update(deactivated_at=by_day())
    allow(line_id=allowed.pk, campaign=campaign.ref, actor="subscriber:1", channel="web")
    stop(line_id=stopped.pk, scope="all", actor="subscriber:1", channel="web")
    end(campaign)
    # Whoever stopped was told that, then.
    MemoryBackend.outbox.clear()
    assert tell_subscribers(now=by_day()) == 2
    assert tell_subscribers(now=by_day()) == 0
    told = [line for line in (had, allowed, stopped, ran_out, claimed, other) if texts_to(number_of(line))]
    assert told == [had, allowed]
    assert len(MemoryBackend.outbox) == 2
    (text,) = texts_to(number_of(had))
    assert text.text == (
        "localhost: a service that could find this phone in an emergency can no longer do so. "
        "911 still can. See what changed: http://localhost:8000/home/"
    )
    assert "RoadAid" not in text.text


@pytest.mark.parametrize("of", ["contract", "campaign"])
def test_one_suspended_first_is_told_too(campaign: Campaign, of: str) -> None:
    had, stopped, stopped_later = a_line(), a_line(), a_line()
    for line in (had, stopped, stopped_later):
        an_approval(line, campaign)
    officer = an_actor()
    target_id = campaign.contract_id if of == "contract" else campaign.pk
    suspend(of=of, target_id=target_id, actor=officer, reason="First.", at=database_clock())
    stop(line_id=stopped.pk, scope="all", actor="subscriber:1", channel="web")
    end(campaign)
    # Whoever stopped only after the end lost it by the end.
    stop(line_id=stopped_later.pk, scope="all", actor="subscriber:1", channel="web")
    MemoryBackend.outbox.clear()
    assert tell_subscribers(now=by_day()) == 2
    assert [len(texts_to(number_of(line))) for line in (had, stopped, stopped_later)] == [1, 0, 1]


def test_one_whose_suspension_was_lifted_as_it_ended_is_told(campaign: Campaign) -> None:
    """And one suspended only after its end."""
    other = a_campaign(a_contract(a_party("NorthLink")), a_party("MedAid", "lbs_provider"), lifeline=True)
    with standing_still(database_clock()) as clock:
        for use in (campaign, other):
            an_approval(a_line(), use)
        suspend(of="contract", target_id=campaign.contract_id, actor=an_actor(), reason="First.", at=clock.now)
        clock.move_to(clock.now + DAY)
        lift(
            proposal=an_agreed_proposal("lift_suspension", "contract", campaign.contract_id, at=clock.now), at=clock.now
        )
        end(campaign)
        end(other)
        campaign.contract.refresh_from_db()
        assert campaign.contract.ends_at == Suspension.objects.get().ends_at == clock.now
        clock.move_to(clock.now + DAY)
        suspend(of="contract", target_id=other.contract_id, actor=an_actor(), reason="Late.", at=clock.now)
        assert tell_subscribers(now=by_day()) == 2


def test_what_had_run_out_before_takes_nothing_away(campaign: Campaign) -> None:
    an_approval(a_line(), campaign)
    contract = campaign.contract
    contract.ends_at = database_clock() - DAY
    contract.save(update_fields=["ends_at"])
    end(campaign)
    assert (tell_subscribers(now=by_day()), MemoryBackend.outbox) == (0, [])


class PowerFailed(BaseException):
    """Nothing runs after it."""


class Dying:
    """Writes so many texts down, and then the machine is gone before the last is committed."""

    def __init__(self, left: int) -> None:
        self.left, self.real = left, sms_outbox.enqueue_text

    def __call__(self, *, line_id: int, kind: Message.Kind, words: str, at: datetime, about: str) -> None:
        self.real(line_id=line_id, kind=kind, words=words, at=at, about=about)
        self.left -= 1
        if not self.left:
            raise PowerFailed


def test_cut_off_between_texts_none_is_sent_twice(campaign: Campaign) -> None:
    lines = [a_line() for _ in range(6)]
    for line in lines:
        an_approval(line, campaign)
    end(campaign)

    for at_the in (3, 2):
        with patch("consent.workers.cohort_texts.sms_outbox.enqueue_text", Dying(at_the)), pytest.raises(PowerFailed):
            tell_subscribers(now=by_day(), batch=2)
    tell_subscribers(now=by_day(), batch=2)
    assert sorted(text.msisdn for text in MemoryBackend.outbox) == sorted(number_of(line) for line in lines)


def test_two_workers_at_once_send_no_text_twice(campaign: Campaign) -> None:
    for _ in range(3):
        an_approval(a_line(), campaign)
    end(campaign)
    real, runs = cohort_texts._text, list[int]()

    def another_comes(cohort: Cohort, line_id: int, at: datetime, *, moves: bool) -> int:
        if not runs:
            runs.append(elsewhere(lambda: tell_subscribers(now=at)))
        return real(cohort, line_id, at, moves=moves)

    with patch("consent.workers.cohort_texts._text", another_comes):
        assert tell_subscribers(now=by_day()) == 3
    assert (runs, len(MemoryBackend.outbox)) == ([0], 3)


def test_nobody_is_texted_at_night_by_their_clock(campaign: Campaign) -> None:
    early, late = a_line(state="NY"), a_line(state="WA")
    for line in (early, late):
        an_approval(line, campaign)
    cohort = end(campaign)
    at_seven = by_day(hour=7)
    assert tell_subscribers(now=at_seven) == 2
    assert [text.msisdn for text in MemoryBackend.outbox] == [number_of(early)]
    assert not told(cohort)
    assert sms_delivery.deliver(now=at_seven + timedelta(minutes=59)) == 0
    assert sms_delivery.deliver(now=at_seven + timedelta(minutes=60)) == 1
    assert [text.msisdn for text in MemoryBackend.outbox] == [number_of(early), number_of(late)]
    assert tell_subscribers(now=at_seven + timedelta(minutes=61)) == 0
    assert told(cohort)


def test_lines_are_told_once_the_gateway_took_texts(campaign: Campaign, settings: Settings) -> None:
    line, elsewhere = a_line(), a_line()
    through_another = a_campaign(a_contract(a_party("NorthLink")), campaign.lbs_provider, lifeline=True)
    for use in (campaign, through_another):
        an_approval(elsewhere, use)
    an_approval(line, campaign)
    cohort = end(campaign)
    settings.SMS_BACKEND = "tests.accounts.gateways.Refusing"
    assert tell_subscribers(now=by_day()) == 1
    # What somebody stops later was not taken away.
    stop(line_id=elsewhere.pk, scope="campaign", ref=through_another.ref, actor="subscriber:1", channel="web")
    assert tell_subscribers(now=by_day()) == 0
    assert not told(cohort)
    settings.SMS_BACKEND = "accounts.clients.texts.MemoryBackend"
    # This, and that one of them stopped.
    assert sms_delivery.deliver(now=by_day() + timedelta(minutes=1)) == 2
    assert tell_subscribers(now=by_day()) == 0
    assert told(cohort)
    assert len(texts_to(number_of(line))) == 1


# What the signature settles


def test_a_whole_signature_settles_each_open_order(campaign: Campaign) -> None:
    lines = [a_line() for _ in range(5)]
    elsewhere = a_campaign(a_contract(a_party("NorthLink")), a_party("MedAlert", "lbs_provider"))
    for line in lines:
        an_approval(line, campaign)
        stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web")
    untouched = a_line()
    an_approval(untouched, elsewhere)
    stop(line_id=untouched.pk, scope="all", actor="subscriber:1", channel="web")
    cohort = end(campaign)
    stop(line_id=lines[0].pk, scope="party", ref=campaign.lbs_provider.uri, actor="subscriber:1", channel="web")
    signed(cohort, State.PARTIAL)
    assert settle_orders(now=database_clock()) == 0
    Cohort.objects.filter(pk=cohort.pk).update(completed_at=database_clock())
    assert settle_orders(now=database_clock(), batch=2) == 5
    assert settle_orders(now=database_clock(), batch=2) == 0
    states = Order.objects.filter(contract_id=campaign.contract_id).order_by("epoch", "line_id")
    assert [(one.epoch, one.state) for one in states] == [(1, "completed")] * 5 + [(2, "queued")]
    assert Order.objects.get(line_id=untouched.pk).state == "queued"
    owed = Duty.objects.filter(contract_id=campaign.contract_id, discharged_at=None)
    assert set(owed.values_list("line_id", flat=True)) <= {lines[0].pk}
