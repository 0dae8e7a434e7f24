"""Promise 4, in the database: an order begins queued, its version only rises, and a duty ends only with a signature."""

import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from pytest_django import Settings

from accounts.models import Line
from audit.queries import database_clock
from consent.actions.choices import stop
from consent.models import ChoiceOrder
from partners.models import Campaign, Dealing
from revocations.models import CohortReceipt, Duty, Order, Receipt, Standing
from tests.factories import NOW, a_campaign, a_contract, a_ledger_row, a_line, a_party, an_approval
from tests.fixtures import Refusal
from tests.support.console import a_cohort
from tests.words.partners import a_market

pytestmark = pytest.mark.usefixtures("committed_db", "no_broker")
BOTH = pytest.mark.parametrize("role", ["default", "owner"])
NOT_YET_DONE: Mapping[str, object] = {"state": "queued", "next_attempt_at": NOW}
BEGINNINGS: Mapping[str, tuple[Mapping[str, object], str]] = {
    "completed": ({"state": "completed", "completed_at": NOW}, "begins queued"),
    "acknowledged": ({"state": "acknowledged"}, "begins queued"),
    "superseded": ({"superseded_by": uuid.UUID(int=1)}, "begins queued"),
    "acknowledged at some time": ({"acknowledged_at": NOW}, "begins queued"),
    "never tried": ({"next_attempt_at": None}, "first try of an order"),
    "tried in a thousand years": ({"next_attempt_at": NOW + timedelta(days=365_000)}, "first try of an order"),
}


@pytest.fixture
def campaign(line: Line) -> Campaign:
    campaign = a_campaign(a_contract(a_party("GeoBridge")))
    an_approval(line, campaign)
    return campaign


@transaction.atomic
def a_stop_on_an_order_of_its_own(line: Line, campaign: Campaign, **fields: object) -> None:
    """A stop past the verbs, with an order that no verb made."""
    order = Order.objects.create(
        line_id=line.pk, id=uuid.uuid4(), contract_id=campaign.contract_id, party_id=campaign.contract.aggregator_id,
        epoch=1, version=1, jti=uuid.uuid4().hex, txn="t", record_id=uuid.uuid4(), lane="stop",
        snapshot={"state": [], "required_actions": []}, queued_at=database_clock(), **{**NOT_YET_DONE, **fields},
    )  # fmt: skip
    choice = a_ledger_row(line, "stop", at=database_clock() + timedelta(milliseconds=5))
    ChoiceOrder.objects.create(
        line_id=line.pk, choice_id=choice.id, contract_id=campaign.contract_id, order_id=order.id
    )


@pytest.mark.parametrize(("fields", "why"), BEGINNINGS.values(), ids=BEGINNINGS)
def test_no_order_begins_as_if_something_were_done(
    line: Line, campaign: Campaign, fields: Mapping[str, object], why: str
) -> None:
    with pytest.raises(IntegrityError, match=why):
        a_stop_on_an_order_of_its_own(line, campaign, **fields)
    assert Order.objects.count() == 0


def test_a_stop_s_order_is_the_one_that_stands(line: Line, campaign: Campaign) -> None:
    with pytest.raises(IntegrityError, match="has no order for agreement"):
        a_stop_on_an_order_of_its_own(line, campaign)
    assert Order.objects.count() == 0


@BOTH
def test_the_version_told_to_a_partner_only_rises(line: Line, campaign: Campaign, refused: Refusal, role: str) -> None:
    stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web")
    assert Standing.objects.get().version == 1
    for change in ("version = 0", "epoch = 0", f"contract_id = {campaign.contract_id + 1}", "line_id = line_id + 1"):
        refused(f"UPDATE revocations_standing SET {change}", constraint="revocations_standing_only_rises", using=role)
    assert Standing.objects.update(version=1) == 1
    kept = "" if role == "default" else "revocations_standing_is_kept"
    refused("DELETE FROM revocations_standing", constraint=kept, using=role)


@BOTH
def test_what_is_owed_ends_only_with_what_was_signed(
    line: Line, refused: Refusal, settings: Settings, role: str
) -> None:
    settings.DOOR_OUT_LOOPBACK = True
    signed = "revocations_duty_is_signed_for"
    discharge = "UPDATE revocations_duty SET discharged_at = now(), discharged_by = '{}'"
    with a_market() as market:
        partner = market.a_partner("GeoBridge")
        an_approval(line, partner.campaign)
        stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web")
        refused("UPDATE revocations_duty SET discharged_at = now()", constraint=signed, using=role)
        refused(discharge.format("r-nobody"), constraint=signed, using=role)
        partner.is_told()
        partner.signs("rejected", reason="Not our customer", actions=())
    assert Order.objects.get().state == "rejected"
    refused(discharge.format(Receipt.objects.get().jti), constraint=signed, using=role)
    assert Duty.objects.filter(discharged_at__isnull=False).count() == 0


def test_what_was_signed_about_another_line_or_agreement_ends_nothing_that_is_owed(
    line: Line, campaign: Campaign, refused: Refusal
) -> None:
    stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web")
    other, partner = a_line(), campaign.contract.aggregator
    an_approval(other, campaign)
    (order_id,) = stop(line_id=other.pk, scope="all", actor="subscriber:1", channel="web").order_ids
    signed: dict[str, Any] = {"received_at": NOW, "token": "", "token_hash": b""}
    Receipt.objects.create(
        line_id=other.pk, order_id=order_id, jti="another line", party_id=partner.pk, status="completed", **signed
    )
    elsewhere = a_campaign(a_contract(a_party("NorthLink")))
    for epoch, of, jti, status in (
        (2, elsewhere, "another agreement", "completed"), (3, campaign, "in part", "partial"),
        (4, campaign, "all", "completed"),
    ):  # fmt: skip
        CohortReceipt.objects.create(
            cohort_id=a_cohort(of, at=NOW, target_id=epoch, epoch=epoch).pk, event_id=uuid.uuid4(),
            signer_uri=partner.uri, jti=jti, status=status, **signed,
        )  # fmt: skip
    for jti in ("another line", "another agreement", "in part"):
        refused(
            f"UPDATE revocations_duty SET discharged_at = now(), discharged_by = '{jti}' WHERE line_id = {line.pk}",
            constraint="revocations_duty_is_signed_for",
        )
    owed = Duty.objects.filter(line_id=line.pk)
    assert owed.update(discharged_at=NOW, discharged_by="all") == owed.count() > 0


def test_no_duty_begins_as_if_it_were_discharged(line: Line, campaign: Campaign) -> None:
    with pytest.raises(IntegrityError, match="begins owed"):
        Duty.objects.create(
            line_id=line.pk, id=uuid.uuid4(), contract_id=campaign.contract_id, action="stop_use", scope="{}",
            since=NOW, discharged_at=NOW, discharged_by="r-nobody",
        )  # fmt: skip


def test_what_a_partner_received_is_not_forgotten_by_the_application(
    line: Line, campaign: Campaign, refused: Refusal
) -> None:
    bridge, road = campaign.contract.aggregator, campaign.lbs_provider
    first = NOW - timedelta(days=9)
    for party in (bridge, road):
        Dealing.objects.create(line_id=line.pk, aggregator=bridge, party=party, first_at=first, last_at=NOW)
    rows = [(line.pk, bridge.pk, party.pk, first, NOW) for party in sorted((bridge, road), key=lambda one: one.pk)]

    def kept() -> list[tuple[object, ...]]:
        columns = ("line_id", "aggregator_id", "party_id", "first_at", "last_at")
        return list(Dealing.objects.order_by("party_id").values_list(*columns))

    assert kept() == rows
    for statement in (
        "DELETE FROM partners_dealing",
        "TRUNCATE partners_dealing",
        "UPDATE partners_dealing SET party_id = aggregator_id",
        "UPDATE partners_dealing SET aggregator_id = party_id",
        "UPDATE partners_dealing SET line_id = line_id + 1",
    ):
        refused(statement)
        assert kept() == rows
