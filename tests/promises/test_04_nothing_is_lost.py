"""Promise 4. Nothing is lost: a stop and its orders are one transaction, and no order is ever given up or deleted."""

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from pytest_django import Settings

from accounts.models import Line
from audit.queries import database_clock
from consent.actions.choices import RecordedChoice, pause, refuse, stop
from consent.actions.system_stops import enqueue_orders_for_newly_affected
from consent.domain import snapshots
from consent.models import Choice, ChoiceOrder, HeldRow
from partners.models import Dealing
from revocations.models import Order
from tests.factories import ADS, NOW, a_campaign, a_contract, a_ledger_row, a_line, a_party, an_approval
from tests.feeds import choice_row, line_row, take_choices, take_lines
from tests.fixtures import Refusal
from tests.words.partners import a_market

pytestmark = pytest.mark.usefixtures("committed_db", "no_broker")


def a_line_dealt_with_by_two() -> Line:
    line = a_line()
    an_approval(line, a_campaign(a_contract(a_party("GeoBridge"))))
    a_contract(a_party("NorthLink"))
    Dealing.objects.create(
        line_id=line.pk, aggregator=a_party("NorthLink"), party=a_party("AdReach", "lbs_provider"), last_at=NOW
    )
    a_campaign(a_contract(a_party("Stranger")))
    return line


def test_a_stop_orders_each_affected_partner_and_no_stranger() -> None:
    line = a_line_dealt_with_by_two()
    recorded = stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web")
    orders = Order.objects.order_by("party_id")
    assert [order.party_id for order in orders] == sorted([a_party("GeoBridge").pk, a_party("NorthLink").pk])
    assert {order.state for order in orders} == {"queued"}
    assert {order.id for order in orders} == set(recorded.order_ids)
    assert set(ChoiceOrder.objects.values_list("order_id", flat=True)) == set(recorded.order_ids)
    assert all(order.snapshot["state"] == [] for order in orders)
    assert all(
        order.snapshot["required_actions"] == ["stop_use", "delete_held", "notify_downstream"] for order in orders
    )


@pytest.mark.parametrize("scope", ["party", "purpose", "campaign"])
def test_a_narrower_stop_is_told_to_who_handled_it(scope: str) -> None:
    """Both aggregators serve RoadAid; this line's locations came to it through GeoBridge alone."""
    line, other = a_line(), a_line()
    geo, north = a_contract(a_party("GeoBridge")), a_contract(a_party("NorthLink"))
    road, ads = a_party("RoadAid", "lbs_provider"), a_party("AdReach", "lbs_provider")
    agreed = a_campaign(geo, road)
    an_approval(line, agreed)
    a_campaign(north, road)
    an_approval(line, a_campaign(north, ads, purpose=ADS))
    Dealing.objects.create(line_id=line.pk, aggregator=north.aggregator, party=ads, last_at=NOW)
    Dealing.objects.create(line_id=other.pk, aggregator=north.aggregator, party=road, last_at=NOW)
    ref = {"party": road.uri, "purpose": agreed.purpose, "campaign": agreed.ref}[scope]
    stop(line_id=line.pk, scope=scope, ref=ref, actor="subscriber:1", channel="web")
    assert set(Order.objects.values_list("party_id", flat=True)) == {geo.aggregator_id}


@pytest.mark.parametrize("scope", ["party", "purpose", "campaign"])
def test_a_narrower_stop_is_told_without_an_approval_too(scope: str) -> None:
    line, road = a_line(), a_party("RoadAid", "lbs_provider")
    north = a_contract(a_party("NorthLink"))
    campaign = a_campaign(north, road)
    Dealing.objects.create(line_id=line.pk, aggregator=north.aggregator, party=road, last_at=NOW)
    ref = {"party": road.uri, "purpose": campaign.purpose, "campaign": campaign.ref}[scope]
    stop(line_id=line.pk, scope=scope, ref=ref, actor="subscriber:1", channel="web")
    assert set(Order.objects.values_list("party_id", flat=True)) == {north.aggregator_id}


def test_a_stop_that_waits_for_its_line_stays(refused: Refusal) -> None:
    take_choices(choice_row(kind="stop"))
    assert HeldRow.objects.count() == 1
    for role in ("default", "owner"):
        refused("DELETE FROM consent_heldrow", constraint="consent_held_choice_stays", using=role)
    refused("UPDATE consent_heldrow SET choice_id = NULL")
    take_lines(line_row())
    assert (HeldRow.objects.count(), Choice.objects.count()) == (0, 1)


def test_a_stop_without_its_orders_can_t_be_committed() -> None:
    line = a_line_dealt_with_by_two()
    with pytest.raises(IntegrityError, match="has no order for agreement"), transaction.atomic():
        a_ledger_row(line, "stop", at=database_clock())
    assert Choice.objects.count() == 0


def test_no_stop_names_another_line_s_order() -> None:
    line, other = a_line_dealt_with_by_two(), a_line()
    an_approval(other, a_campaign(a_contract(a_party("GeoBridge"))))
    (order_id,) = stop(line_id=other.pk, scope="all", actor="subscriber:1", channel="web").order_ids
    contract_ids = set(Order.objects.values_list("contract_id", flat=True))

    @transaction.atomic
    def stop_naming_it() -> None:
        choice = a_ledger_row(line, "stop", at=database_clock())
        for contract_id in contract_ids:
            ChoiceOrder.objects.create(line_id=line.pk, choice_id=choice.id, contract_id=contract_id, order_id=order_id)

    with pytest.raises(IntegrityError, match="has no order for agreement"):
        stop_naming_it()


VERBS = [
    lambda line: stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web"),
    lambda line: pause(
        line_id=line.pk, scope="all", until=database_clock() + timedelta(days=1), actor="subscriber:1", channel="web"
    ),
    lambda line: refuse(line_id=line.pk, campaign="CMP-asks", actor="subscriber:1", channel="ask"),
]


@pytest.mark.parametrize("say_no", VERBS, ids=["stop", "pause", "refuse"])
def test_a_no_does_not_fail_because_a_release_came_between(
    monkeypatch: pytest.MonkeyPatch, say_no: Callable[[Line], RecordedChoice]
) -> None:
    line, campaign = a_line(), a_campaign(a_contract(a_party("GeoBridge")), ref="CMP-asks")
    read_line = snapshots.read_line

    def and_then_it_comes(**asked: Any) -> snapshots.LineOnRecord:
        found = read_line(**asked)
        monkeypatch.setattr(snapshots, "read_line", read_line)
        with ThreadPoolExecutor(1) as pool:
            pool.submit(a_release).result()
        return found

    def a_release() -> None:
        Dealing.objects.create(
            line_id=line.pk, aggregator=a_party("GeoBridge"), party=campaign.lbs_provider, last_at=NOW
        )
        connection.close()

    monkeypatch.setattr(snapshots, "read_line", and_then_it_comes)
    assert len(say_no(line).order_ids) == 1
    assert Order.objects.get().party_id == a_party("GeoBridge").pk


def test_what_a_person_chose_is_not_committed_without_its_receipt() -> None:
    line = a_line()
    with pytest.raises(IntegrityError, match="has no receipt"), transaction.atomic():
        a_ledger_row(line, "stop", at=database_clock(), receipt=False)
    assert Choice.objects.count() == 0


def test_a_second_stop_names_the_orders_already_standing() -> None:
    line = a_line_dealt_with_by_two()
    first = stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web")
    second = stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web")
    assert second.order_ids == first.order_ids
    assert Order.objects.count() == 2


def test_an_order_is_never_deleted_and_never_goes_back(refused: Refusal, settings: Settings) -> None:
    settings.DOOR_OUT_LOOPBACK = True
    with a_market() as market:
        line, partner = a_line(), market.a_partner("GeoBridge")
        an_approval(line, partner.campaign)
        stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web")
        refused("DELETE FROM revocations_order")
        refused("DELETE FROM revocations_order", constraint="revocations_order_is_kept", using="owner")
        refused("TRUNCATE revocations_order")
        refused("UPDATE revocations_order SET snapshot = '{}'")
        partner.is_told()
    back = "UPDATE revocations_order SET state = 'queued', next_attempt_at = now()"
    refused(back, constraint="revocations_order_never_goes_back")
    refused("DELETE FROM revocations_attempt")
    assert Order.objects.get().state == "acknowledged"


def test_a_queued_order_always_has_a_next_try() -> None:
    stop(line_id=a_line_dealt_with_by_two().pk, scope="all", actor="subscriber:1", channel="web")
    with pytest.raises(IntegrityError, match="revocations_order_due_iff_to_push"), transaction.atomic():
        Order.objects.update(next_attempt_at=None)


def test_an_order_names_its_successor_when_superseded() -> None:
    stop(line_id=a_line_dealt_with_by_two().pk, scope="all", actor="subscriber:1", channel="web")
    with pytest.raises(IntegrityError, match="nothing shows that an order is superseded"), transaction.atomic():
        Order.objects.update(state="superseded", next_attempt_at=None)
    with pytest.raises(IntegrityError, match="nothing shows that an order is superseded"), transaction.atomic():
        Order.objects.update(state="superseded", next_attempt_at=None, superseded_by=uuid.uuid4())


def test_a_partner_reported_late_is_told_of_the_stop() -> None:
    line = a_line()
    an_approval(line, a_campaign(a_contract(a_party("GeoBridge"))))
    recorded = stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web")
    a_contract(a_party("NorthLink"))
    Dealing.objects.create(
        line_id=line.pk, aggregator=a_party("NorthLink"), party=a_party("AdReach", "lbs_provider"), last_at=NOW
    )
    assert enqueue_orders_for_newly_affected(line_ids=[line.pk]) == 1
    assert enqueue_orders_for_newly_affected(line_ids=[line.pk]) == 0
    late = Order.objects.get(party_id=a_party("NorthLink").pk)
    assert (late.snapshot["state"], late.snapshot["required_actions"][1]) == ([], "delete_held")
    assert ChoiceOrder.objects.filter(choice_id=recorded.choice_id, order_id=late.id).count() == 1
