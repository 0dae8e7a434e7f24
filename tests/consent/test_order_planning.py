"""What partners are told of a line: exactly what still counts, until when, and what they owe."""

import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audit.queries import database_clock
from consent.actions.choices import allow, pause, stop
from consent.actions.records import FileChoice, record_file_choices
from consent.actions.system_stops import enqueue_orders_for_newly_affected
from consent.models import Choice, ChoiceReceipt, EndedPause
from consent.workers import expiry
from partners.domain import keys
from partners.models import Dealing, Party, Reach, SigningKey
from revocations.models import Duty, Order, Receipt, State
from tests.factories import ADS, NOW, a_campaign, a_contract, a_line, a_party, an_approval
from tests.orders import bring_to

pytestmark = pytest.mark.usefixtures("committed_db", "no_broker")


def newest() -> Order:
    return Order.objects.order_by("-version").first() or Order()


def test_a_yes_for_a_day_is_told_with_its_end() -> None:
    line, campaign = a_line(), a_campaign()
    an_approval(line, campaign)
    stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web")
    until = (database_clock() + timedelta(days=1)).replace(second=0, microsecond=0)
    allow(line_id=line.pk, campaign=campaign.ref, until=until, actor="subscriber:1", channel="web")
    (entry,) = newest().snapshot["state"]
    assert entry["expires_at"] == until.strftime("%Y-%m-%dT%H:%M:%SZ")


def test_a_stop_then_an_allow_still_says_delete() -> None:
    line, campaign = a_line(), a_campaign()
    an_approval(line, campaign)
    stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web")
    allow(line_id=line.pk, campaign=campaign.ref, actor="subscriber:1", channel="web")
    told = newest().snapshot
    assert [entry["recipient"] for entry in told["state"]] == [campaign.lbs_provider.uri]
    assert told["required_actions"] == ["stop_use", "delete_held", "notify_downstream"]
    assert {duty["scope"]["all"] for duty in told["duties"]} == {True}


def test_stop_after_pause_done_has_those_below_told_to_delete() -> None:
    line, campaign = a_line(), a_campaign()
    an_approval(line, campaign)
    until = database_clock() + timedelta(days=7)
    pause(line_id=line.pk, scope="all", until=until, actor="subscriber:1", channel="web")
    assert newest().snapshot["required_actions"] == ["stop_use", "notify_downstream"]
    bring_to(State.COMPLETED, sent_at=NOW, acknowledged_at=NOW, completed_at=NOW)
    Duty.objects.update(discharged_at=database_clock(), discharged_by=Receipt.objects.get().jti)
    stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web")
    assert (newest().version, newest().snapshot["required_actions"]) == (2, ["delete_held", "notify_downstream"])
    stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web")
    assert newest().version == 2


def test_what_is_owed_keeps_its_date_whatever_is_said_later() -> None:
    line, campaign = a_line(), a_campaign()
    an_approval(line, campaign)
    stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web")
    first = newest()
    allow(line_id=line.pk, campaign=campaign.ref, actor="subscriber:1", channel="web")
    assert (newest().version, newest().complete_by) == (2, first.complete_by)
    assert first.complete_by == first.queued_at + timedelta(days=10)


def test_a_stop_from_a_file_orders_all_deleted() -> None:
    line, campaign = a_line(), a_campaign()
    an_approval(line, campaign, at=NOW - timedelta(days=400))
    old = FileChoice(
        id=uuid.uuid4(), source_id="old", kind=Choice.Kind.STOP, scope="all", ref="", made_at=NOW - timedelta(days=300),
        until=None, channel="store", program="", content_hash=b"",
    )  # fmt: skip
    before = database_clock()
    record_file_choices(by_line={line.pk: [old]}, actor="import:choices")
    said = keys.verify_own(use=SigningKey.Use.RECEIPT, token=ChoiceReceipt.objects.get(choice_id=old.id).token)
    assert isinstance(said["choice"], dict)
    assert (said["choice"]["kind"], "taken_over_at" in said["choice"]) == ("stop", True)
    assert Duty.objects.filter(since__lt=before).count() == 0
    assert Duty.objects.filter(action="delete_held", since__gte=before).count() == 1


def test_whoever_has_not_signed_is_told_of_the_next_stop() -> None:
    line, contract = a_line(), a_contract(a_party("GeoBridge"))
    Dealing.objects.create(
        line_id=line.pk, aggregator=contract.aggregator, party=a_party("RoadAid", "lbs_provider"), last_at=NOW
    )
    stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web")
    # What it had received turned out to be another line's.
    Dealing.objects.using("owner").filter(line_id=line.pk).delete()
    for channel, state, told in (("phone", State.ACKNOWLEDGED, 1), ("store", State.COMPLETED, 0)):
        bring_to(state, sent_at=NOW, acknowledged_at=NOW, completed_at=NOW if state == State.COMPLETED else None)
        again = stop(line_id=line.pk, scope="all", actor="subscriber:1", channel=channel)
        assert len(again.order_ids) == told


def statements_of_a_stop(partners: int) -> int:
    line = a_line()
    for n in range(partners):
        an_approval(line, a_campaign(a_contract(a_party(f"Partner {n}"))))
    with CaptureQueriesContext(connection) as asked:
        stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web")
    assert Order.objects.filter(line_id=line.pk).count() == partners
    return len(asked)


def test_four_partners_cost_a_stop_no_more_statements_than_two() -> None:
    statements_of_a_stop(4)  # their first keys
    assert statements_of_a_stop(4) == statements_of_a_stop(2)


def test_a_company_with_a_very_long_address_can_be_stopped() -> None:
    line = a_line()
    a_contract(a_party("GeoBridge"))
    long = Party.objects.create(uri=f"https://{'a' * 900}.example/", name="Long", kind="end_customer")
    Dealing.objects.create(line_id=line.pk, aggregator=a_party("GeoBridge"), party=long, last_at=NOW)
    stop(line_id=line.pk, scope="party", ref=long.uri, actor="subscriber:1", channel="web")
    assert {duty["scope"]["recipient"] for duty in newest().snapshot["duties"]} == {long.uri}


def test_a_stop_on_one_named_recipient_leaves_the_others() -> None:
    line, campaign = a_line(), a_campaign(names_recipient=True)
    jail, bail = a_party("County Jail", "end_customer"), a_party("Bail Now", "end_customer")
    for party in (jail, bail):
        Reach.objects.create(campaign=campaign, party=party)
    an_approval(line, campaign)
    stop(line_id=line.pk, scope="party", ref=jail.uri, actor="subscriber:1", channel="web")
    told = newest().snapshot
    assert [(entry["recipient"], entry["except"]) for entry in told["state"]] == [
        (campaign.lbs_provider.uri, [jail.uri])
    ]
    assert {duty["scope"]["recipient"] for duty in told["duties"]} == {jail.uri}


def test_a_stop_of_a_use_concerns_whoever_received_for_it_alone() -> None:
    """Not the partner that passed it to another company of its own, or of another partner's."""
    line, road = a_line(), a_campaign(a_contract(a_party("GeoBridge")))
    ads = a_campaign(road.contract, a_party("AdReach", "lbs_provider"), purpose=ADS)
    elsewhere = a_campaign(a_contract(a_party("NorthLink")), road.lbs_provider)
    geo, north = road.contract.aggregator, elsewhere.contract.aggregator
    for aggregator, party in ((geo, geo), (geo, road.lbs_provider), (north, north)):
        Dealing.objects.create(line_id=line.pk, aggregator=aggregator, party=party, last_at=NOW)
    for scope, ref, n in (
        ("campaign", ads.ref, 0), ("purpose", ADS, 0), ("campaign", elsewhere.ref, 0), ("campaign", road.ref, 1),
    ):  # fmt: skip
        made = stop(line_id=line.pk, scope=scope, ref=ref, actor="subscriber:1", channel="web")
        assert len(made.order_ids) == n


def test_company_heard_of_after_signature_makes_the_partner_owe_again() -> None:
    line, campaign = a_line(), a_campaign()
    an_approval(line, campaign)
    stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web")
    signed_at = timezone.now()
    bring_to("completed", completed_at=signed_at, acknowledged_at=signed_at, sent_at=signed_at)
    Duty.objects.update(discharged_at=signed_at, discharged_by=Receipt.objects.get().jti)
    Dealing.objects.create(
        line_id=line.pk, aggregator=campaign.contract.aggregator, party=a_party("Late", "end_customer"), last_at=NOW
    )
    assert enqueue_orders_for_newly_affected(line_ids=[line.pk]) == 1
    assert enqueue_orders_for_newly_affected(line_ids=[line.pk]) == 0
    assert newest().version == 2
    assert newest().snapshot["required_actions"] == ["stop_use", "delete_held", "notify_downstream"]


def test_no_ended_pause_is_passed_over_however_many_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expiry, "BATCH", 1)
    campaign = a_campaign()
    lines = [a_line() for _ in range(3)]
    ends = database_clock() + timedelta(hours=1)
    for line in lines:
        an_approval(line, campaign)
        pause(line_id=line.pk, scope="all", until=ends, actor="subscriber:1", channel="web")
    assert expiry.end_pauses(now=database_clock()) == 0
    assert expiry.end_pauses(now=ends + timedelta(days=30)) == 3
    assert expiry.end_pauses(now=ends + timedelta(days=30)) == 0
    assert EndedPause.objects.count() == 3
