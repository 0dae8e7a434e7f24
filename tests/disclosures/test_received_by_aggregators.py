"""An aggregator received whatever anybody received through it, though nothing says so for itself."""

from datetime import datetime, timedelta

import pytest
from django.db import connection

from accounts.models import Line
from audit.queries import database_clock
from consent.actions.lines import terminate
from consent.models import ChoiceOrder
from consent.queries import termination
from consent.queries.termination import ended_agreements
from partners.models import Campaign, Contract, Dealing
from support.queries.counts import ROWS, Count, lines_of, lines_received_by
from tests.factories import FRAUD, a_campaign, a_line, a_party
from tests.feeds import (
    BRIDGE,
    JAIL,
    ROAD,
    choice_row,
    line_row,
    moment,
    release_row,
    take_choices,
    take_lines,
    take_parties,
    take_releases,
)
from tests.staff import an_actor

pytestmark = pytest.mark.usefixtures("db")
JULY, AUGUST, SEPTEMBER = (f"2025-0{month}-01T00:00:00Z" for month in (7, 8, 9))


def received(line_id: int) -> set[tuple[str, datetime, datetime]]:
    """Who received something through GeoBridge: last and first."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT p.uri, r.last_at, r.first_at FROM partners_received(%s) r"
            " JOIN partners_party p ON p.id = r.party_id JOIN partners_party a ON a.id = r.aggregator_id"
            " WHERE a.uri = %s",
            [line_id, BRIDGE],
        )
        return set(cursor.fetchall())


@pytest.fixture
def own_provider(db: None) -> Campaign:
    """GeoBridge runs a service of its own; its customers are behind it."""
    take_parties()
    take_lines(line_row())
    return a_campaign(Contract.objects.get(ref="AGR-1"), a_party("GeoBridge"), ref="CMP-own", purpose=FRAUD)


def test_what_went_through_an_aggregator_it_received_itself() -> None:
    take_parties()
    take_lines(line_row())
    line_id = Line.objects.get().pk
    take_releases(release_row(path=[BRIDGE], occurred_at=AUGUST))
    assert set(Dealing.objects.values_list("party__uri", flat=True)) == {BRIDGE}
    take_releases(
        release_row(path=[BRIDGE, ROAD], occurred_at=JULY),
        release_row(path=[BRIDGE, ROAD, JAIL], occurred_at=SEPTEMBER),
    )
    assert received(line_id) == {
        (BRIDGE, moment(SEPTEMBER), moment(JULY)),
        (ROAD, moment(SEPTEMBER), moment(JULY)),
        (JAIL, moment(SEPTEMBER), moment(SEPTEMBER)),
    }


@pytest.mark.usefixtures("own_provider")
@pytest.mark.parametrize("stop", [{"scope": "purpose", "ref": FRAUD}, {"scope": "campaign"}])
def test_a_stop_of_an_aggregator_s_service_is_told(stop: dict[str, str]) -> None:
    take_releases(release_row(path=[BRIDGE, "unknown"], campaign="CMP-own", purpose=FRAUD))
    take_choices(choice_row(**{"ref": "CMP-own", **stop}))
    assert ChoiceOrder.objects.count() == 1


def test_the_end_of_its_service_finds_its_lines(own_provider: Campaign) -> None:
    yesterday = (database_clock() - timedelta(days=1)).isoformat()
    # Two companies behind it, and one line.
    for behind in (JAIL, ROAD):
        take_releases(release_row(path=[BRIDGE, behind], campaign="CMP-own", purpose=FRAUD, occurred_at=yesterday))
    plan = termination.plan(of="campaign", target_id=own_provider.pk, at=database_clock())
    assert (plan.lines, plan.dealings) == (1, 1)
    assert [(one.ref, one.recent) for one in plan.campaigns] == [("CMP-own", 1)]
    at = database_clock()
    terminate(
        of="campaign", target_id=own_provider.pk, actor=an_actor(), reason="Enough.", plan_digest=plan.digest, at=at
    )
    (ended,) = ended_agreements(line_id=Line.objects.get().pk, at=at)
    assert ended.use_id == own_provider.lbs_provider_id


def test_an_aggregator_s_lines_are_counted_once_each() -> None:
    bridge, link = a_party("GeoBridge"), a_party("NorthLink")
    behind = [a_party(f"Behind {n}", "lbs_provider") for n in range(6)]
    at = database_clock()
    for line in (a_line(), a_line()):
        Dealing.objects.bulk_create(
            Dealing(line_id=line.pk, aggregator=bridge, party=party, last_at=at) for party in behind
        )
    Dealing.objects.bulk_create(
        Dealing(line_id=10_000_000 + n // 6, aggregator=link, party=behind[n % 6], last_at=at) for n in range(ROWS + 1)
    )
    # Of so many rows no more are read, and nobody knows of how many lines the others are.
    some = Count(6_667, more=True)
    assert lines_of(party_ids=[bridge.pk, link.pk]) == {bridge.pk: Count(2), link.pk: some}
    assert lines_received_by(party_id=link.pk) == some
    assert lines_received_by(party_id=bridge.pk, through=bridge.pk) == Count(2)
