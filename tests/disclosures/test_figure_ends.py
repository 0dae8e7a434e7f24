"""What the figures for everyone count at the very ends of their days: what began then, what came, what was done."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import pytest
from pytest_django.fixtures import Settings

from consent.actions.choices import stop
from disclosures.models import PublishedFigure
from disclosures.queries.figures.statements import Figure
from disclosures.workers import publishing
from partners.models import Contract, Dealing, Suspension
from revocations.models import EvidenceRequest, Order, Pulse, State
from revocations.workers import stream_health
from revocations.workers.deadlines import record_late_completions, record_overdue
from tests.clocks import Clock
from tests.factories import FRAUD, NOW, a_campaign, a_contract, a_ledger_row, a_line, a_party, an_approval
from tests.orders import bring_to
from tests.world import disclosed, gagged

pytestmark = pytest.mark.usefixtures("db", "no_broker")
MOMENT, HOUR, DAY = timedelta(microseconds=1), timedelta(hours=1), timedelta(days=1)
# Counted to the minute, the days are the thirty before the count: what began then is in them still.
DAYS = 30 * DAY
OVERDUE = [(Figure.FOLLOWED, "overdue")]


@pytest.fixture(autouse=True)
def to_the_minute(settings: Settings) -> None:
    settings.FIGURES_TO_THE_MINUTE = True


type Cell = tuple[Figure, str]
type Counts = Sequence[object]


def count(cells: Sequence[Cell], at: datetime, kind: str | None) -> list[object]:
    """The only such cell of each figure as they are made at that moment, or nothing. `kind`: of choices."""
    publishing.make(at=at)
    found: list[object] = []
    for name, measure in cells:
        rows = PublishedFigure.objects.get(name=name).rows
        (cell,) = [row[measure] for row in rows if kind in {None, row.get("kind")}] or [None]
        found.append(cell)
    return found


def changes(cells: Sequence[Cell], ends: Mapping[datetime, tuple[Counts, Counts]], kind: str | None = None) -> None:
    """At each moment the cells become others, and a microsecond before it they are not yet."""
    found = {at: (count(cells, at - MOMENT, kind), count(cells, at, kind)) for at in ends}
    assert found == ends


def test_an_agreement_stands_from_its_first_moment_to_its_last(clock: Clock) -> None:
    starts, ends = NOW + DAY, NOW + 90 * DAY
    contract = a_contract(starts_at=starts, ends_at=ends)
    Suspension.objects.create(
        of="contract", target_id=contract.id, starts_at=NOW + 9 * DAY, ends_at=NOW + 10 * DAY, reason="Due", actor="o"
    )
    changes([(Figure.COMPANIES, "state")], {
        starts: (["not yet begun"], ["in force"]),
        NOW + 9 * DAY: (["in force"], ["suspended"]),
        NOW + 10 * DAY: (["suspended"], ["in force"]),
        ends - 30 * DAY: (["in force"], ["ending"]),
        ends: (["ending"], ["ended"]),
    })  # fmt: skip


def test_a_choice_counts_after_its_moment_for_thirty_days(clock: Clock) -> None:
    a_ledger_row(a_line(), "stop", at=NOW)
    changes([(Figure.CHOICES, "n")], {NOW + MOMENT: ([0], [1]), NOW + DAYS + MOMENT: ([1], [0])}, kind="stop")


def test_a_release_counts_after_its_moment_once_it_is_recorded_and_not_hidden(clock: Clock) -> None:
    """After ten phones, the fewest that are told of."""
    geo, shown, recorded = a_party(), NOW + DAY, NOW + 2 * DAY
    a_campaign(a_contract(geo), purpose=FRAUD)
    for _ in range(10):
        disclosed(a_line(), [geo.uri], at=NOW, purpose=FRAUD)
    (late,) = disclosed(a_line(), [geo.uri], at=NOW, purpose=FRAUD)
    gagged(late, until=shown, at=NOW)
    disclosed(a_line(), [geo.uri], at=NOW, purpose=FRAUD, recorded_at=recorded)
    changes([(Figure.RELEASES, "released"), (Figure.PHONES, "phones")], {
        NOW + MOMENT: ([None, None], [10, 10]),
        shown: ([10, 10], [11, 11]),
        recorded: ([11, 11], [12, 12]),
        NOW + DAYS + MOMENT: ([12, 12], [None, None]),
    })  # fmt: skip


def test_a_proof_is_shown_after_its_moment_and_late_after_its_date(clock: Clock) -> None:
    contract, due, answered = a_contract(), NOW + 10 * DAY, NOW + 12 * DAY
    for answer in ("evidence", "none"):
        EvidenceRequest.objects.create(
            line_id=1, id=uuid.uuid4(), choice_id=uuid.uuid4(), party_id=contract.aggregator_id,
            contract_id=contract.id, jti=answer, asked_at=NOW, due_at=due,
        )  # fmt: skip
        EvidenceRequest.objects.filter(jti=answer).update(answered_at=answered, answer=answer, token="t")
    changes([(Figure.DISPUTES, one) for one in ("asked", "showed_proof", "had_none", "late")], {
        NOW + MOMENT: ([0, 0, 0, 0], [2, 0, 0, 0]),
        due + MOMENT: ([2, 0, 0, 0], [2, 0, 0, 2]),
        answered + MOMENT: ([2, 0, 0, 2], [2, 1, 1, 0]),
        NOW + DAYS + MOMENT: ([2, 1, 1, 0], [0, 0, 0, 0]),
    })  # fmt: skip


def orders_about(people: int, contract: Contract) -> list[Order]:
    """The order about each of so many people who stop everything now."""
    lines = [a_line() for _ in range(people)]
    for line in lines:
        Dealing.objects.create(line_id=line.pk, aggregator=contract.aggregator, party=contract.aggregator, last_at=NOW)
        stop(line_id=line.pk, scope="all", actor="subscriber:0", channel="web")
    return list(Order.objects.filter(line_id__in=[line.pk for line in lines]))


def bring(order: Order, state: State, **fields: object) -> None:
    bring_to(state, Order.objects.filter(pk=order.pk), **fields)


def test_what_a_company_was_told_and_did_counts_after_its_moment(clock: Clock) -> None:
    """Of one more, after the ten that are the fewest to be told of; and of ten that are told of without them."""
    contract = a_contract()
    clock.move_to(NOW)
    orders_about(10, contract)
    said = NOW + HOUR
    clock.move_to(said)
    (order,) = orders_about(1, contract)
    acknowledged, completed = said + HOUR, said + 2 * HOUR
    bring(order, State.COMPLETED, acknowledged_at=acknowledged, completed_at=completed)
    clock.move_to(NOW + 2 * DAY)
    orders_about(10, contract)
    changes([(Figure.FOLLOWED, one) for one in ("received", "acknowledged", "completed")], {
        NOW + MOMENT: ([0, 0, 0], [10, 0, 0]),
        said + MOMENT: ([10, 0, 0], [11, 0, 0]),
        acknowledged + MOMENT: ([11, 0, 0], [11, 1, 0]),
        completed + MOMENT: ([11, 1, 0], [11, 1, 1]),
        NOW + 2 * DAY + MOMENT: ([11, 1, 1], [21, 1, 1]),
        NOW + DAYS + MOMENT: ([21, 1, 1], [11, 1, 1]),
        said + DAYS + MOMENT: ([11, 1, 1], [10, 0, 0]),
    })  # fmt: skip


def test_who_was_told_before_was_told_at_once(clock: Clock) -> None:
    """What people stop once more, an hour later and in other words, their company has done already."""
    campaign, lines = a_campaign(), [a_line() for _ in range(10)]
    for line in lines:
        an_approval(line, campaign)
    for scope, ref, at in (("purpose", campaign.purpose, NOW), ("party", campaign.lbs_provider.uri, NOW + HOUR)):
        clock.move_to(at)
        for line in lines:
            stop(line_id=line.pk, scope=scope, ref=ref, actor="subscriber:0", channel="web")
        assert bring_to(State.COMPLETED, acknowledged_at=NOW, completed_at=NOW) == 10
    measures = ("received", "acknowledged", "to_acknowledged_median_s", "completed", "to_completed_median_s")
    assert count([(Figure.FOLLOWED, one) for one in measures], NOW + DAY, None) == [20, 20, 0, 20, 0]


def test_an_order_is_late_from_its_date_until_after_it_was_done(clock: Clock) -> None:
    clock.move_to(NOW)
    contract = a_contract()
    (order,) = orders_about(1, contract)
    due = order.complete_by
    assert due is not None
    # What was not even acknowledged in a day is no order that was not done by its date.
    Pulse.objects.bulk_create([Pulse(minute=NOW + n * timedelta(minutes=1)) for n in range(25 * 60)])
    assert stream_health.watch(now=NOW + 25 * HOUR) == 1
    assert record_overdue(now=due + DAY) == 1
    bring(order, State.COMPLETED, acknowledged_at=due + DAY, completed_at=due + 2 * DAY)
    over = {due + 2 * DAY + MOMENT: ([1], [0])}
    changes(OVERDUE, over)
    # Nor is it late any longer where nobody has noted yet that it was done.
    assert record_late_completions() == 2
    changes(OVERDUE, {due: ([0], [1])} | over)


@pytest.mark.parametrize("replaced", [True, False], ids=["replaced_unread", "done_with_the_newer"])
def test_with_a_newer_order_the_older_is_late_no_longer(clock: Clock, *, replaced: bool) -> None:
    clock.move_to(NOW)
    line, contract = a_line(), a_contract()
    uses = [a_campaign(contract, a_party(name, "lbs_provider")) for name in ("RoadAid", "SecureTrack")]
    for campaign in uses:
        an_approval(line, campaign)
    first, second = (campaign.lbs_provider.uri for campaign in uses)
    stop(line_id=line.pk, scope="party", ref=first, actor="subscriber:0", channel="web")
    older = Order.objects.get(line_id=line.pk)
    due = older.complete_by
    assert due is not None
    assert record_overdue(now=due + DAY) == 1
    said = due + 2 * DAY
    # One between them, that neither was replaced by nor was done.
    for scope, ref, at in (("party", second, said - HOUR), ("all", "", said)):
        clock.move_to(at)
        stop(line_id=line.pk, scope=scope, ref=ref, actor="subscriber:0", channel="web")
    _, between, newer = Order.objects.filter(line_id=line.pk).order_by("version")
    if replaced:
        for one in (older, between):
            bring(one, State.SUPERSEDED, superseded_by=newer.id)
        over = said
    else:
        over = said + HOUR
        bring(older, State.ACKNOWLEDGED, acknowledged_at=NOW)
        # What is signed in part is not done.
        bring(between, State.PARTIAL, acknowledged_at=NOW, completed_at=said)
        bring(newer, State.COMPLETED, acknowledged_at=said, completed_at=over)
    # The newer ones have the date of the older.
    both, alone = (2, 1) if replaced else (2, 0)
    changes(OVERDUE, {due: ([0], [both]), over + MOMENT: ([both], [alone])})


def test_what_is_done_under_another_agreement_leaves_an_order_late(clock: Clock) -> None:
    clock.move_to(NOW)
    line = a_line()
    geo, north, track = a_contract(), a_contract(a_party("NorthLink")), a_party("SecureTrack", "lbs_provider")
    for campaign in (a_campaign(geo), a_campaign(north), a_campaign(geo, track)):
        an_approval(line, campaign)
    for scope, ref in (("party", track.uri), ("all", "")):
        clock.move_to(clock.now + HOUR)
        stop(line_id=line.pk, scope=scope, ref=ref, actor="subscriber:0", channel="web")
    _, newest = Order.objects.filter(contract_id=geo.pk).order_by("version")
    bring(newest, State.COMPLETED, acknowledged_at=clock.now, completed_at=clock.now)
    publishing.make(at=NOW + 90 * DAY)
    rows = PublishedFigure.objects.get(name=Figure.FOLLOWED).rows
    assert {row["company"]: row["overdue"] for row in rows} == {"GeoBridge": 0, "NorthLink": 1}


def test_what_was_done_late_and_is_asked_anew_is_late_once(clock: Clock) -> None:
    clock.move_to(NOW)
    line, contract = a_line(), a_contract()
    uses = [a_campaign(contract, a_party(name, "lbs_provider")) for name in ("RoadAid", "SecureTrack")]
    for campaign in uses:
        an_approval(line, campaign)
    stop(line_id=line.pk, scope="party", ref=uses[0].lbs_provider.uri, actor="subscriber:0", channel="web")
    older = Order.objects.get(line_id=line.pk)
    due = older.complete_by
    assert due is not None
    assert record_overdue(now=due + DAY) == 1
    clock.move_to(due + DAY)
    stop(line_id=line.pk, scope="all", actor="subscriber:0", channel="web")
    newer = Order.objects.filter(line_id=line.pk).latest("version")
    bring(older, State.SUPERSEDED, superseded_by=newer.id, acknowledged_at=NOW)
    bring(newer, State.COMPLETED, acknowledged_at=clock.now, completed_at=clock.now)
    assert record_late_completions() == 1
    # It goes on with the line after all.
    bring(newer, State.CONTRADICTED)
    assert count(OVERDUE, clock.now + DAY, None) == [1]
