"""How far each partner is, whole, in each state that an order can be in."""

from collections.abc import Collection
from datetime import datetime, timedelta

import pytest

from accounts.models import Line
from audit.queries import database_clock
from consent.actions.choices import allow, pause, stop
from consent.queries.progress import (
    UNCONFIRMED_AFTER,
    Asks,
    Progress,
    Step,
    follow_orders,
    newest_order_states,
    progress_of,
    standing_progress,
)
from partners.models import Campaign
from revocations.models import Order, State
from tests.clocks import Clock
from tests.consent.ending import dealt
from tests.factories import NOW, a_campaign, a_contract, a_line, a_party, an_approval
from tests.moments import begins_at
from tests.orders import bring_to
from tests.properties import undone

pytestmark = pytest.mark.usefixtures("db", "no_broker")
# What a choice asks, whether there is anything to sign, and whether something is to be deleted.
ASKS: tuple[tuple[Asks, bool, bool], ...] = (
    ("nothing", False, False), ("stop", True, False), ("delete", True, True),
)  # fmt: skip
HOUR, SECOND, DAY = timedelta(hours=1), timedelta(seconds=1), timedelta(days=1)


def progress(line: Line, *uses: Campaign, asks: Asks = "delete", since: datetime, at: datetime) -> Collection[Progress]:
    partners = [use.contract.aggregator_id for use in uses]
    return standing_progress(line_id=line.pk, partner_ids=partners, asks=asks, since=since, at=at)


def test_each_state_has_its_steps_and_their_times() -> None:
    line, use = a_line(), a_campaign(a_contract(a_party("GeoBridge")))
    an_approval(line, use)
    stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web")
    since = Order.objects.get().queued_at
    sent, heard, signed = since + HOUR, since + 2 * HOUR, since + 3 * HOUR
    of: dict[State, dict[str, object]] = {
        State.QUEUED: {},
        State.SENT: {"sent_at": since},
        State.ACKNOWLEDGED: {"acknowledged_at": heard},
        State.COMPLETED: {"sent_at": sent, "completed_at": signed},
        State.PARTIAL: {"sent_at": sent, "completed_at": signed},
        State.CONTRADICTED: {"sent_at": since - SECOND, "acknowledged_at": heard, "completed_at": signed},
        State.REJECTED: {"sent_at": sent, "acknowledged_at": heard, "note": "No."},
    }
    told = Step("told", "done", sent)
    steps = {
        State.QUEUED: (Step("told", "now"), Step("received", "todo"), Step("signed", "todo")),
        State.SENT: (Step("told", "done", since), Step("received", "now"), Step("signed", "todo")),
        State.ACKNOWLEDGED: (
            Step("told", "done", heard), Step("received", "done", heard), Step("signed", "now"),
        ),
        State.COMPLETED: (told, Step("received", "done", signed), Step("signed", "done", signed)),
        State.PARTIAL: (told, Step("received", "done", signed), Step("signed", "now", signed)),
        State.CONTRADICTED: (
            Step("told", "done", since - SECOND, already=True), Step("received", "done", heard),
            Step("signed", "bad", signed),
        ),
        State.REJECTED: (told, Step("received", "done", heard), Step("signed", "bad")),
    }  # fmt: skip
    for state, fields in of.items():
        with undone():
            if state != State.QUEUED:
                bring_to(state, Order.objects.all(), **{"note": "Tried.", **fields})
            (found,) = progress(line, use, since=since, at=signed)
            assert found.steps == (Step("blocked", "done", since), *steps[state]), state
            assert (found.state, found.note) == (state, "No." if state == State.REJECTED else ""), state
            for asks, owes, deletion in ASKS:
                (found,) = progress(line, use, asks=asks, since=since, at=signed)
                told_of = (found.shown.owes, found.shown.owes_deletion, len(found.steps))
                assert told_of == (owes, deletion, 3 + owes), (state, asks)


def test_only_partners_asked_for_are_there_by_name_with_whom_it_is_about() -> None:
    line, at = a_line(), database_clock()
    uses = [
        a_campaign(a_contract(a_party(name)), a_party("RoadAid", "lbs_provider"))
        for name in ("NorthLink", "geoBridge", "Elsewhere")
    ]
    for use in uses:
        an_approval(line, use)
    # What all are not to use meanwhile is not all that they must delete.
    pause(line_id=line.pk, scope="all", until=at + HOUR, actor="subscriber:1", channel="web")
    stop(line_id=line.pk, scope="party", ref=uses[0].lbs_provider.uri, actor="subscriber:1", channel="web")
    found = progress(line, *uses[:2], since=at, at=at)
    assert [(one.party, one.only_about) for one in found] == [("geoBridge", ("RoadAid",)), ("NorthLink", ("RoadAid",))]


def test_what_a_newer_order_carries_on_is_told_by_that_one(clock: Clock) -> None:
    line, use = a_line(), a_campaign(a_contract(a_party("GeoBridge")))
    an_approval(line, use)
    clock.move_to(NOW)
    pause(line_id=line.pk, scope="all", until=NOW + 9 * DAY, actor="subscriber:1", channel="web")
    older = Order.objects.get()
    clock.move_to(NOW + DAY)
    stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web")
    newer = Order.objects.exclude(pk=older.pk).get()
    bring_to(State.SUPERSEDED, Order.objects.filter(pk=older.pk), superseded_by=newer.id, attempts=1)
    bring_to(State.ACKNOWLEDGED, Order.objects.filter(pk=newer.pk), acknowledged_at=NOW, attempts=3)
    older.refresh_from_db()
    followed = follow_orders(told=[older])[older.id]
    (found,) = progress_of(told=[(older, followed)], asks="delete", since=NOW, at=NOW + DAY)
    assert (found.order_id, found.state, found.is_replaced) == (older.id, "superseded", True)
    assert (found.shown.state, found.attempts, found.complete_by) == ("acknowledged", 3, NOW + 10 * DAY)
    # The first asked for no deletion.
    assert (found.shown.owes, found.shown.owes_deletion) == (True, True)


def test_a_partner_waits_since_the_first_order_after_the_newest_that_it_acknowledged() -> None:
    line = a_line()
    use, other = (a_campaign(a_contract(a_party(name))) for name in ("GeoBridge", "NorthLink"))
    for one in (use, other):
        an_approval(line, one)

    def said(to: Campaign, *, yes: bool, acknowledged: bool = False) -> Order:
        if yes:
            allow(line_id=line.pk, campaign=to.ref, actor="subscriber:1", channel="web")
        else:
            stop(line_id=line.pk, scope="campaign", ref=to.ref, actor="subscriber:1", channel="web")
        order = Order.objects.latest("queued_at")
        if acknowledged:
            bring_to(State.ACKNOWLEDGED, Order.objects.filter(pk=order.pk), acknowledged_at=order.queued_at)
        return order

    said(use, yes=False, acknowledged=True)
    said(use, yes=True, acknowledged=True)
    said(other, yes=False)
    first = said(use, yes=False)
    said(use, yes=True)
    said(other, yes=True, acknowledged=True)

    def is_unconfirmed(at: datetime) -> bool:
        return newest_order_states(line_id=line.pk, at=at)[use.contract_id].unconfirmed

    assert begins_at(is_unconfirmed, first.queued_at + UNCONFIRMED_AFTER)


def test_what_somebody_behind_a_partner_has_not_signed_is_late_from_its_date_on() -> None:
    line, use = a_line(), a_campaign(a_contract(a_party("GeoBridge")))
    an_approval(line, use)
    dealt(line, use)
    stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web")
    order = Order.objects.get()
    bring_to(State.COMPLETED, acknowledged_at=order.queued_at, completed_at=order.queued_at)

    def is_late(at: datetime) -> bool:
        state = newest_order_states(line_id=line.pk, at=at)[use.contract_id]
        assert state.state == State.PARTIAL
        return state.overdue

    assert order.complete_by is not None
    assert begins_at(is_late, order.complete_by)
