"""A stop while more becomes known of who it concerns: it is made up again, and does not fail."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import IntegrityError, OperationalError, connection, transaction
from psycopg.errors import DeadlockDetected

from accounts.models import Line
from consent.actions.choices import stop
from consent.actions.system_stops import enqueue_orders_for_newly_affected
from consent.domain.conflicts import TRIES, retry_on_conflict
from consent.domain.snapshots import lock_line
from consent.models import Choice
from partners.models import Dealing, Reach
from revocations.models import Order
from tests.factories import ADS, NOW, a_campaign, a_contract, a_line, a_party, an_approval
from tests.overlapping import after_the_first_making_up, wait_until_it_waits

pytestmark = pytest.mark.usefixtures("committed_db", "no_broker")


def test_a_company_that_becomes_known_meanwhile_is_stopped_too(monkeypatch: pytest.MonkeyPatch) -> None:
    line, contract, bail = a_line(), a_contract(a_party("NorthLink")), a_party("BailNow", "end_customer")
    first = a_campaign(contract, a_party("SecureTrack", "lbs_provider"))
    second = a_campaign(contract, a_party("AdReach", "lbs_provider"), purpose=ADS)
    Reach.objects.create(campaign=first, party=bail)
    for campaign in (first, second):
        an_approval(line, campaign)
    tries = after_the_first_making_up(
        monkeypatch, lambda: Reach.objects.using("owner").create(campaign_id=second.pk, party_id=bail.pk)
    )
    stop(line_id=line.pk, scope="party", ref=bail.uri, actor="subscriber:1", channel="web")
    assert tries == [1, 1]
    assert (Choice.objects.count(), [order.snapshot["state"] for order in Order.objects.all()]) == (1, [[]])


def test_a_partner_that_a_release_shows_meanwhile_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    line, other = a_line(), a_contract(a_party("NorthLink"))
    an_approval(line, a_campaign())
    tries = after_the_first_making_up(
        monkeypatch,
        lambda: Dealing.objects.using("owner").create(
            line_id=line.pk, aggregator_id=other.aggregator_id, party_id=other.aggregator_id, last_at=NOW
        ),
    )
    stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web")
    assert tries == [1, 2]
    assert (Choice.objects.count(), Order.objects.filter(contract_id=other.pk).count()) == (1, 1)


def test_partners_of_many_lines_are_told_though_another_took_the_lines_in_another_order() -> None:
    # Of two that wait for each other PostgreSQL gives up either. Where that is us, nothing was tried: so again.
    for _ in range(TRIES):
        lines = [a_line(), a_line()]
        try:
            told = _tell_while_we_take_the_lines_the_other_way_round(lines)
        except OperationalError as error:
            if isinstance(error.__cause__, DeadlockDetected):
                continue
            raise
        assert (told, Order.objects.filter(line_id__in=[line.pk for line in lines]).count()) == (2, 2)
        return
    pytest.fail("PostgreSQL gave us up each time, never the other")


def _tell_while_we_take_the_lines_the_other_way_round(lines: Sequence[Line]) -> int:
    for line in lines:
        stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web")
        an_approval(line, a_campaign())

    def tell() -> int:
        try:
            return enqueue_orders_for_newly_affected(line_ids=[line.pk for line in lines])
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as elsewhere:
        with transaction.atomic():
            lock_line(line_id=lines[1].pk)
            told = elsewhere.submit(tell)
            wait_until_it_waits(told)
            lock_line(line_id=lines[0].pk)
        return told.result()


@pytest.mark.parametrize(
    "error", [IntegrityError("choice 1 has no order for agreement 1"), IntegrityError("a_unique_key")]
)
def test_whatever_else_the_database_refuses_is_not_tried_again(error: IntegrityError) -> None:
    tries = list[int]()

    @retry_on_conflict
    def verb() -> None:
        tries.append(1)
        raise error

    with pytest.raises(IntegrityError):
        verb()
    assert len(tries) == 1 < TRIES
