"""Partners that come to be concerned by a no only later: what they had before a newer yes is owed, and nothing else."""

import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from django.db.models import QuerySet

from accounts.models import Line
from audit.queries import database_clock
from consent.actions.choices import allow, pause, stop
from consent.actions.records import FileApproval, FileChoice, record_file_approvals, record_file_choices
from consent.actions.system_stops import enqueue_orders_for_newly_affected
from consent.models import Choice, ChoiceOrder
from consent.queries.choices import changed_at, choice_of
from disclosures.domain.ingest import rejudging
from partners.models import Campaign, Dealing
from revocations.models import Duty, Order, Receipt, State
from tests.clocks import standing_still
from tests.factories import ADS, NOW, a_campaign, a_contract, a_line, a_party, an_approval
from tests.feeds import release_row, take_releases, told
from tests.moments import A_MOMENT
from tests.orders import bring_to
from tests.people import number_of

pytestmark = pytest.mark.usefixtures("committed_db", "no_broker")
type Hears = Callable[..., None]
DAY = timedelta(days=1)
STOP = ["stop_use", "delete_held", "notify_downstream"]


@pytest.fixture
def line() -> Line:
    return a_line()


@pytest.fixture
def campaign() -> Campaign:
    """One of a partner that has nothing to do with the line yet."""
    return a_campaign(a_contract(a_party("NorthLink")))


def stopped(line: Line, scope: str = "all", ref: str = "") -> datetime:
    return stop(line_id=line.pk, scope=scope, ref=ref, actor="subscriber:1", channel="web").made_at


def allowed(line: Line, campaign: Campaign) -> datetime:
    return allow(line_id=line.pk, campaign=campaign.ref, actor="subscriber:1", channel="web").made_at


def orders(campaign: Campaign) -> QuerySet[Order]:
    return Order.objects.filter(contract_id=campaign.contract_id).order_by("version")


def asked(campaign: Campaign) -> list[tuple[list[str], list[str]]]:
    """By version: the purposes allowed, and the actions required."""
    return [
        ([entry["purpose"] for entry in one.snapshot["state"]], one.snapshot["required_actions"])
        for one in orders(campaign)
    ]


def since(campaign: Campaign) -> set[str]:
    newest = list(orders(campaign))[-1]
    return {duty["since"] for duty in newest.snapshot["duties"]}


def a_minute(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:00Z")


def received(line: Line, campaign: Campaign, first: datetime, last: datetime | None = None) -> None:
    for party in (campaign.contract.aggregator, campaign.lbs_provider):
        Dealing.objects.create(
            line_id=line.pk, aggregator=campaign.contract.aggregator, party=party, first_at=first, last_at=last or first
        )


@pytest.mark.parametrize("scope", ["all", "party", "purpose", "campaign"])
def test_yes_after_an_old_stop_asks_nothing_of_its_partner(line: Line, campaign: Campaign, scope: str) -> None:
    ref = {"all": "", "party": campaign.lbs_provider.uri, "purpose": campaign.purpose, "campaign": campaign.ref}[scope]
    stopped(line, scope, ref)
    allowed(line, campaign)
    for _ in range(2):
        rejudging.rejudge(cause="consent")
        assert asked(campaign) == [([campaign.purpose], [])]
    named = ChoiceOrder.objects.filter(contract_id=campaign.contract_id)
    assert {one.order_id for one in named} == {orders(campaign)[0].id}
    assert named.count() == Choice.objects.count() == 2


def test_nor_does_a_yes_in_a_pause(line: Line, campaign: Campaign) -> None:
    pause(line_id=line.pk, scope="all", until=database_clock() + DAY, actor="subscriber:1", channel="web")
    allowed(line, campaign)
    rejudging.rejudge(cause="consent")
    assert asked(campaign) == [([campaign.purpose], [])]


def test_what_came_only_after_the_yes_is_kept(line: Line, campaign: Campaign) -> None:
    stopped(line)
    at = allowed(line, campaign)
    received(line, campaign, at + timedelta(minutes=1))
    enqueue_orders_for_newly_affected(line_ids=[line.pk])
    assert asked(campaign) == [([campaign.purpose], [])]


def test_what_it_received_before_yes_is_owed_up_to_yes(line: Line, campaign: Campaign) -> None:
    stopped(line)
    at = allowed(line, campaign)
    received(line, campaign, at - DAY, last=at + timedelta(minutes=1))
    assert enqueue_orders_for_newly_affected(line_ids=[line.pk]) == 1
    assert asked(campaign) == [([campaign.purpose], []), ([campaign.purpose], STOP)]
    assert since(campaign) == {a_minute(at)}
    assert enqueue_orders_for_newly_affected(line_ids=[line.pk]) == 0
    assert orders(campaign).count() == 2


def test_approval_from_before_stop_is_owed_up_to_the_yes(line: Line, campaign: Campaign) -> None:
    made_at = stopped(line)
    at = allowed(line, campaign)
    an_approval(line, campaign, at=made_at - DAY)
    assert enqueue_orders_for_newly_affected(line_ids=[line.pk]) == 1
    assert (asked(campaign)[-1], since(campaign)) == (([campaign.purpose], STOP), {a_minute(at)})


@pytest.fixture
def hears(line: Line, campaign: Campaign) -> Hears:
    """Releases of these moments are reported, in one file."""

    def hear(*moments: datetime) -> None:
        rows = [
            release_row(
                id=uuid.uuid4().hex, msisdn=number_of(line), aggregator=campaign.contract.aggregator.uri,
                path=[campaign.contract.aggregator.uri, campaign.lbs_provider.uri], campaign=campaign.ref,
                purpose=campaign.purpose, scope=campaign.scope, occurred_at=moment.isoformat(),
            )
            for moment in moments
        ]  # fmt: skip
        assert {fate for fate, *_ in told(take_releases(*rows))} == {"accepted"}
        rejudging.rejudge(cause="consent")

    return hear


def test_a_late_release_from_before_the_yes_is_owed(line: Line, campaign: Campaign, hears: Hears) -> None:
    made_at, at = stopped(line), allowed(line, campaign)
    hears(at)
    assert asked(campaign) == [([campaign.purpose], [])]
    hears(made_at - DAY)
    assert (asked(campaign)[-1], since(campaign)) == (([campaign.purpose], STOP), {a_minute(at)})
    hears(made_at - 2 * DAY)
    assert orders(campaign).count() == 2


def test_so_is_one_that_comes_with_newer_ones(line: Line, campaign: Campaign, hears: Hears) -> None:
    made_at, at = stopped(line), allowed(line, campaign)
    hears(at, made_at - DAY, at)
    assert (asked(campaign)[-1], since(campaign)) == (([campaign.purpose], STOP), {a_minute(at)})


def test_for_two_stops_it_is_owed_once(line: Line, campaign: Campaign, hears: Hears) -> None:
    made_at = stopped(line)
    stopped(line, "party", campaign.lbs_provider.uri)
    at = allowed(line, campaign)
    hears(at, made_at - DAY)
    newest = list(orders(campaign))[-1]
    assert [duty["scope"] for duty in newest.snapshot["duties"]] == [{"all": True}] * 3


def signed_for(campaign: Campaign) -> None:
    """The newest order is done, as its partner says, and so is all that it owed."""
    newest = orders(campaign).reverse()[:1].get()
    at = database_clock()
    bring_to(
        State.COMPLETED, Order.objects.filter(pk=newest.pk), sent_at=NOW, acknowledged_at=NOW, completed_at=at
    )  # fmt: skip
    word = Receipt.objects.get(order_id=newest.id)
    Duty.objects.filter(discharged_at=None).update(discharged_at=at, discharged_by=word.jti)


@pytest.mark.parametrize("first", ["pause", "party"])
def test_company_below_that_is_shown_late_is_told_of_stop(line: Line, campaign: Campaign, first: str) -> None:
    an_approval(line, campaign)
    received(line, campaign, NOW - DAY)
    if first == "pause":
        pause(line_id=line.pk, scope="all", until=database_clock() + DAY, actor="subscriber:1", channel="web")
    else:
        stopped(line, "party", campaign.lbs_provider.uri)
    signed_for(campaign)
    stopped(line)
    signed_for(campaign)
    below = a_party("AdReach", "end_customer")
    Dealing.objects.create(
        line_id=line.pk, aggregator=campaign.contract.aggregator, party=below, first_at=NOW - DAY, last_at=NOW - DAY
    )
    assert enqueue_orders_for_newly_affected(line_ids=[line.pk]) > 0
    assert [one.version for one in orders(campaign)] == [1, 2, 3]
    told_last = orders(campaign).reverse()[:1].get().snapshot
    assert told_last["required_actions"] == STOP
    asked_of_all = [duty["action"] for duty in told_last["duties"] if duty["scope"] == {"all": True}]
    assert sorted(asked_of_all) == sorted(STOP)
    assert enqueue_orders_for_newly_affected(line_ids=[line.pk]) == 0


def test_who_signed_is_told_once_of_a_company_below_it_whatever_outlasts_the_stop(
    line: Line, campaign: Campaign
) -> None:
    """Though nothing is known any more of what it had: that turned out to be another line's."""
    received(line, campaign, NOW - DAY)
    stopped(line)
    at = allowed(line, campaign)
    signed_for(campaign)
    Dealing.objects.using("owner").filter(line_id=line.pk).delete()
    Dealing.objects.create(
        line_id=line.pk, aggregator=campaign.contract.aggregator, party=a_party("AdReach"), first_at=at + A_MOMENT,
        last_at=at + A_MOMENT,
    )  # fmt: skip
    assert [enqueue_orders_for_newly_affected(line_ids=[line.pk]) for _ in range(2)] == [1, 0]
    assert (asked(campaign)[-1], since(campaign)) == (([campaign.purpose], STOP), {a_minute(at)})


def test_a_narrow_stop_is_not_about_something_else(line: Line) -> None:
    contract, other = a_contract(a_party("NorthLink")), a_party("AdReach", "lbs_provider")
    campaign = a_campaign(contract)
    received(line, a_campaign(contract, other, purpose=ADS), NOW - DAY)
    stopped(line, "party", campaign.lbs_provider.uri)
    allowed(line, campaign)
    assert enqueue_orders_for_newly_affected(line_ids=[line.pk]) == 1
    assert asked(campaign) == [([campaign.purpose], [])]


@pytest.mark.parametrize("scope", ["all", "party"])
def test_who_was_told_of_the_stop_is_asked_nothing_new(line: Line, campaign: Campaign, scope: str) -> None:
    an_approval(line, campaign)
    received(line, campaign, NOW - DAY)
    stopped(line, scope, "" if scope == "all" else campaign.lbs_provider.uri)
    bring_to("acknowledged", acknowledged_at=NOW)
    allowed(line, campaign)
    assert asked(campaign) == [([], STOP), ([campaign.purpose], STOP)]
    assert enqueue_orders_for_newly_affected(line_ids=[line.pk]) == 0
    rejudging.rejudge(cause="consent")
    assert orders(campaign).count() == 2


@pytest.mark.parametrize(
    ("no", "asked_before", "scope", "earlier", "asks"),
    [
        ("stop", "stop", "all", A_MOMENT, False), ("stop", "stop", "all", timedelta(0), True),
        ("stop", "stop", "party", A_MOMENT, True), ("stop", "pause", "all", A_MOMENT, True),
        ("pause", "pause", "all", A_MOMENT, False),
    ],
)  # fmt: skip
def test_what_a_partner_was_asked_before_covers_all_it_had_until_then(
    line: Line, campaign: Campaign, no: str, asked_before: str, scope: str, earlier: timedelta, *, asks: bool
) -> None:
    def says(kind: str, scope: str, ref: str) -> None:
        if kind == "stop":
            stopped(line, scope, ref)
        else:
            until = database_clock() + DAY
            pause(line_id=line.pk, scope=scope, ref=ref, until=until, actor="subscriber:1", channel="web")

    other = a_campaign(campaign.contract, a_party("AdReach", "lbs_provider"), purpose=ADS)
    an_approval(line, campaign)
    says(no, "party", other.lbs_provider.uri)
    says(asked_before, scope, "" if scope == "all" else campaign.lbs_provider.uri)
    (since,) = set(Duty.objects.values_list("since", flat=True))
    allowed(line, other)
    enqueue_orders_for_newly_affected(line_ids=[line.pk])
    count = orders(campaign).count()
    received(line, other, since - earlier)
    enqueue_orders_for_newly_affected(line_ids=[line.pk])
    assert orders(campaign).count() - count == asks


def test_partner_shown_late_without_a_yes_owes_all_until_now(line: Line, campaign: Campaign) -> None:
    made_at = stopped(line)
    received(line, campaign, made_at - DAY)
    before = database_clock()
    assert enqueue_orders_for_newly_affected(line_ids=[line.pk]) == 1
    assert asked(campaign) == [([], STOP)]
    assert since(campaign) <= {a_minute(before), a_minute(database_clock())}


def a_file_stop(days: int) -> FileChoice:
    return FileChoice(
        id=uuid.uuid4(), source_id="s", kind=Choice.Kind.STOP, scope="all", ref="", made_at=NOW - days * DAY,
        until=None, channel="store", program="", content_hash=b"",
    )  # fmt: skip


def test_a_file_s_pause_is_asked_for_until_it_is_over(line: Line, campaign: Campaign) -> None:
    received(line, campaign, NOW - DAY)
    with standing_still(database_clock()) as clock:
        for until in (clock.now, clock.now + A_MOMENT):
            paused = replace(a_file_stop(100), id=uuid.uuid4(), kind=Choice.Kind.PAUSE, until=until)
            record_file_choices(by_line={line.pk: [paused]}, actor="import:choices")
    assert asked(campaign) == [([], []), ([], ["stop_use", "notify_downstream"])]


def a_file_approval(campaign: Campaign, days: int) -> FileApproval:
    return FileApproval(
        id=uuid.uuid4(), source_id=f"a{days}", campaign=campaign.ref, method="sms", captured_at=NOW - days * DAY,
        captured_by=campaign.lbs_provider.uri, wording="w", language="en", evidence_ref="e", expires_at=None,
        verified_by="carrier", content_hash=b"",
    )  # fmt: skip


@pytest.mark.parametrize("stop_first", [True, False])
def test_a_newer_file_approval_asks_nothing_for_older_stops(
    line: Line, campaign: Campaign, *, stop_first: bool
) -> None:
    def record_stop() -> None:
        record_file_choices(by_line={line.pk: [a_file_stop(100)]}, actor="import:choices")

    if stop_first:
        record_stop()
    record_file_approvals(by_line={line.pk: [a_file_approval(campaign, 10)]}, actor="import:approvals")
    if not stop_first:
        record_stop()
    rejudging.rejudge(cause="import:approvals")
    assert asked(campaign) == [([campaign.purpose], [])]


def test_one_older_than_stop_is_owed_up_to_the_newer(line: Line, campaign: Campaign) -> None:
    rows = [a_file_approval(campaign, 200), a_file_approval(campaign, 10)]
    record_file_approvals(by_line={line.pk: rows}, actor="import:approvals")
    record_file_choices(by_line={line.pk: [a_file_stop(100)]}, actor="import:choices")
    assert asked(campaign) == [([campaign.purpose], STOP)]
    assert since(campaign) == {a_minute(NOW - 10 * DAY)}
    rejudging.rejudge(cause="import:approvals")
    assert orders(campaign).count() == 1


def test_approval_from_a_file_outlasts_no_stop_of_the_person(line: Line, campaign: Campaign) -> None:
    made_at = stopped(line)
    an_approval(line, campaign, at=made_at + timedelta(microseconds=1))
    assert enqueue_orders_for_newly_affected(line_ids=[line.pk]) == 1
    assert asked(campaign) == [([], STOP)]


@pytest.mark.parametrize("stop_first", [True, False])
def test_a_claim_outlasts_no_stop_of_a_file(line: Line, campaign: Campaign, *, stop_first: bool) -> None:
    """A date that only the company names is none from which on less is owed, or a stop is over."""

    def record_stop() -> None:
        record_file_choices(by_line={line.pk: [a_file_stop(100)]}, actor="import:choices")

    if stop_first:
        record_stop()
    claim = replace(a_file_approval(campaign, 10), verified_by="partner")
    record_file_approvals(by_line={line.pk: [claim]}, actor="import:approvals")
    if not stop_first:
        record_stop()
    rejudging.rejudge(cause="import:approvals")
    assert asked(campaign) == [([], STOP)]
    said = choice_of(line_ids=[line.pk], choice_id=Choice.objects.get().id)
    assert said is not None
    assert changed_at(choice=said) is None
