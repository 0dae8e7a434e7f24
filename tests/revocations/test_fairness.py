"""One dead or slow partner does not slow the others, and nothing is lost while it is left alone. Time is moved."""

import threading
import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from queue import SimpleQueue

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import example, given
from hypothesis import strategies as st

from audit.queries import database_clock
from partners.clients import http
from partners.models import Contract
from revocations.models import Attempt, Breaker, Order, PushTally, Standing, State, StreamAttempt, StreamEvent
from revocations.workers.delivery import claims, delivery_rounds, fairness, polling
from revocations.workers.delivery.claims import LEASE, Clock, Full, Push
from revocations.workers.delivery.delivery_rounds import begin_sweep, deliver_due, parties_due
from revocations.workers.delivery.records import Result, acknowledge_event, record
from tests.factories import a_contract, a_party
from tests.faults.programs import until
from tests.moments import A_MOMENT, begins_at, ends_at
from tests.orders import bring_to
from tests.partners.outside import Answer, Asked, Outside
from tests.properties import stories, undone
from tests.revocations.scenes import Scene, a_scene, claims_of, stop_all, the_order

pytestmark = [pytest.mark.usefixtures("no_broker")]
SECOND = timedelta(seconds=1)
REFUSED = http.Reply(None, detail="ConnectionError")
YES = http.Reply(202)
VERIFICATION = "https://schemas.openid.net/secevent/ssf/event-type/verification"


def stops(scene: Scene, count: int) -> list[uuid.UUID]:
    return [order_id for _ in range(count) for order_id in stop_all(scene.a_line())]


def some_orders(contract: Contract, count: int, *, at: datetime, lane: str = "stop") -> list[Order]:
    """Orders past the verbs: each of a line of its own."""
    made = [
        Order(
            line_id=uuid.uuid4().int % 10**12, id=uuid.uuid4(), contract_id=contract.pk,
            party_id=contract.aggregator_id, epoch=1, version=1, jti=uuid.uuid4().hex, txn="tx",
            record_id=uuid.uuid4(), lane=lane,
            snapshot={"event_timestamp": 0}, queued_at=at, next_attempt_at=at,
        )
        for _ in range(count)
    ]  # fmt: skip
    Standing.objects.bulk_create(
        Standing(line_id=order.line_id, contract_id=contract.pk, epoch=1, version=1, order_id=order.id)
        for order in Order.objects.bulk_create(made)
    )
    return made


def told(pushes: Sequence[Push], reply: http.Reply, at: datetime) -> list[str]:
    return record(batch=[Result(push, reply, at) for push in pushes])


def claimed(contract: Contract, at: datetime) -> Sequence[Push]:
    try:
        return claims.claim(party_id=contract.aggregator_id, clock=Clock(at)).pushes
    except Full:
        return []


def open_breaker(contract: Contract, at: datetime) -> datetime:
    """Ten tries that all fail, and the moment at which they did."""
    told(claims.claim(party_id=contract.aggregator_id, clock=Clock(at), limit=10).pushes, REFUSED, at)
    assert Breaker.objects.get(party_id=contract.aggregator_id).open_until == at + 30 * SECOND
    return at


@pytest.fixture
def contract(db: None) -> Contract:
    return a_contract(endpoint_url="https://geobridge.example/events")


def test_seven_of_ten_of_at_least_ten_tries_open_it(contract: Contract) -> None:
    now = database_clock()
    for failing, well, opens in ((9, 0, 0), (10, 0, 1), (6, 4, 0), (7, 3, 1), (13, 6, 0), (14, 6, 1)):
        with undone():
            some_orders(contract, failing + well, at=now)
            pushes = claimed(contract, now)
            told(pushes[:well], YES, now)
            told(pushes[well:], REFUSED, now)
            opened = Breaker.objects.filter(open_until__isnull=False).exists()
            due = contract.aggregator_id in parties_due(now=now + 10 * SECOND)
            assert (opened, due) == (bool(opens), not opens), (failing, well)
    # An answer opens none, however much failed before it.
    with undone():
        some_orders(contract, 10, at=now)
        pushes = claimed(contract, now)
        told(pushes[:9], REFUSED, now)
        told(pushes[9:], YES, now)
        assert not Breaker.objects.filter(open_until__isnull=False).exists()
    # More may be due after a full claim, and after no other. Of refusals, one in the standard's words is an answer.
    some_orders(contract, 12, at=now)
    looks = [claims.claim(party_id=contract.aggregator_id, clock=Clock(now), limit=10) for _ in range(3)]
    assert [(len(one.pushes), one.more) for one in looks] == [(10, True), (2, False), (0, False)]
    pushes = [push for one in looks for push in one.pushes]
    refused = [http.Reply(400, b'{"err": "%s"}' % err) for err in (b"made_up", b"invalid_request", b"invalid_key")]
    failed = [http.Reply(status, b"{}", taken=True) for status in (200, 202, 302, 400, 410, 500, None)]
    for reply in (*refused, *failed):
        with undone():
            told(pushes, reply, now)
            assert Breaker.objects.filter(open_until__isnull=False).exists() == (reply in failed), reply
    # What had no address, or never left our house, says nothing of the partner.
    with undone():
        told([replace(push, url="") for push in pushes], REFUSED, now)
        told([*pushes, *pushes], http.Reply(None, ours=True), now)
        assert not Breaker.objects.filter(open_until__isnull=False).exists()
        told(pushes[:10], REFUSED, now)
        assert Breaker.objects.filter(open_until__isnull=False).exists()


@pytest.mark.django_db
def test_a_partner_with_all_underway_is_left_alone(scene: Scene) -> None:
    stops(scene, 2)
    Breaker.objects.create(party_id=scene.party.pk)
    with CaptureQueriesContext(connection) as seen:
        assert deliver_due(party_id=scene.party.pk, now=database_clock()) == {"acknowledged": 2}
    assert sum("FROM revocations_breaker" in one["sql"] for one in seen.captured_queries) == 1


def test_whoever_has_as_much_in_flight_as_may_be_is_given_no_more(
    contract: Contract, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fairness, "IN_FLIGHT", 5)
    now = database_clock()
    some_orders(contract, 6, at=now)
    assert len(claims.claim(party_id=contract.aggregator_id, clock=Clock(now)).pushes) == 5
    with pytest.raises(Full):
        claims.claim(party_id=contract.aggregator_id, clock=Clock(now))


def test_what_failed_more_than_five_minutes_ago_is_forgotten(contract: Contract) -> None:
    now = database_clock()
    some_orders(contract, 20, at=now)
    pushes = claimed(contract, now)
    told(pushes[:9], REFUSED, now)
    later = now.replace(second=0, microsecond=0) + timedelta(minutes=5)
    told(pushes[9:18], REFUSED, later)
    assert not Breaker.objects.filter(open_until__isnull=False).exists()
    assert [(tally.tries, tally.failures) for tally in PushTally.objects.order_by("minute")] == [(9, 9), (9, 9)]
    told(pushes[18:], REFUSED, later)
    assert Breaker.objects.filter(open_until__isnull=False).exists()
    # After a day it is not even kept.
    over = now.replace(second=0, microsecond=0) + timedelta(days=1)
    for at, kept in ((over, 2), (over + A_MOMENT, 1)):
        begin_sweep(now=at)
        assert PushTally.objects.count() == kept


def test_failures_before_the_clock_was_set_back_count_no_more(contract: Contract) -> None:
    ahead = database_clock() + timedelta(hours=1)
    some_orders(contract, 20, at=ahead)
    pushes = claimed(contract, ahead)
    told(pushes[:9], REFUSED, ahead)
    told(pushes[9:11], REFUSED, ahead - timedelta(hours=1))
    assert not Breaker.objects.filter(open_until__isnull=False).exists()


@pytest.mark.django_db
def test_an_open_breaker_stops_pushing_and_not_the_poll(scene: Scene) -> None:
    ids, now = stops(scene, 12), database_clock()
    open_breaker(scene.contract, now)
    assert claimed(scene.contract, now + 29 * SECOND) == []
    assert delivery_rounds.deliver(order_ids=ids, now=now + 29 * SECOND) == {}
    assert scene.outside.posted == []
    offered = polling.offer(party_id=scene.party.pk, limit=100, now=now + 29 * SECOND)
    assert set(offered.sets) == {the_order(one).jti for one in ids}


@pytest.mark.django_db
def test_a_partner_is_due_from_its_very_moment_and_its_breaker_is_open_to_its_very_end(scene: Scene) -> None:
    (order_id,), party_id = stops(scene, 1), scene.party.pk

    def is_due(at: datetime) -> bool:
        return parties_due(now=at) == [party_id]

    due = the_order(order_id).next_attempt_at
    assert due is not None
    assert begins_at(is_due, due)
    breaker = Breaker.objects.create(party_id=party_id, opened_at=due, open_until=due + SECOND)
    assert begins_at(is_due, due + SECOND)
    assert ends_at(lambda at: fairness.is_paused(breaker=breaker, now=at), due + SECOND)
    for field in ("polled_until", "leased_until"):
        with undone():
            Order.objects.update(**{field: due + SECOND})
            assert begins_at(lambda at: claims.waiting_orders(party_id=party_id, now=at), due + SECOND)
            on_the_way = fairness.in_flight(party_id=party_id, now=due + SECOND - A_MOMENT)
            assert (on_the_way, fairness.in_flight(party_id=party_id, now=due + SECOND)) == (field == "leased_until", 0)
    bring_to(State.ACKNOWLEDGED, acknowledged_at=due, again_at=due + 2 * SECOND)
    assert begins_at(is_due, due + 2 * SECOND)
    # Nor is an event due before.
    Order.objects.update(again_at=None)
    event = fairness.probe(breaker=breaker, contract_id=None, now=due + 3 * SECOND)
    assert event is not None
    assert begins_at(is_due, due + 3 * SECOND)
    breaker.refresh_from_db()
    StreamEvent.objects.update(leased_until=due + 4 * SECOND)
    assert ends_at(lambda at: fairness.in_flight(party_id=party_id, now=at), due + 4 * SECOND)
    assert begins_at(lambda at: fairness.probe(breaker=breaker, contract_id=None, now=at), due + 4 * SECOND)
    # One that has arrived, as by a poll, finds out nothing more.
    acknowledge_event(event=event, at=due + 5 * SECOND)
    another = fairness.probe(breaker=breaker, contract_id=None, now=due + 5 * SECOND)
    assert another is not None
    assert another.id != event.id


@pytest.mark.django_db
def test_one_verification_goes_out_before_any_subscriber_s_data(scene: Scene) -> None:
    ids, now = stops(scene, 12), database_clock()
    open_breaker(scene.contract, now)
    scene.outside.answers = [Answer(500)]
    later = now + 31 * SECOND
    assert deliver_due(party_id=scene.party.pk, now=later) == {"error": 1}
    (asked,) = scene.outside.posted
    events = claims_of(asked.body)["events"]
    assert isinstance(events, dict)
    assert list(events) == [VERIFICATION]
    assert StreamEvent.objects.get().contract_id == scene.contract.pk
    breaker = Breaker.objects.get()
    assert breaker.open_until is not None
    assert breaker.open_until > later + 29 * SECOND
    assert breaker.opened_at == now
    assert {the_order(one).acknowledged_at for one in ids} == {None}
    # The next one's success closes it, and everything goes out.
    assert deliver_due(party_id=scene.party.pk, now=breaker.open_until + SECOND) == {"acknowledged": 13}
    breaker = Breaker.objects.get()
    assert (breaker.opened_at, breaker.open_until, breaker.probe_id) == (None, None, None)
    assert {the_order(one).state for one in ids} == {State.ACKNOWLEDGED}


def test_one_probe_goes_out_at_a_time(contract: Contract) -> None:
    now = database_clock()
    some_orders(contract, 12, at=now)
    on_the_way = claims.claim(party_id=contract.aggregator_id, clock=Clock(now), limit=2).pushes
    open_breaker(contract, now)
    # What was on its way then opens it no longer.
    told(on_the_way, REFUSED, now + 5 * SECOND)
    breaker = Breaker.objects.get()
    assert (breaker.opened_at, breaker.open_until) == (now, now + 30 * SECOND)
    later = now + 31 * SECOND
    (first,) = claimed(contract, later)
    assert claimed(contract, later) == []
    later += LEASE + SECOND
    (again,) = claimed(contract, later)
    assert first.row.id == again.row.id
    assert StreamEvent.objects.count() == 1
    assert list(StreamAttempt.objects.values_list("number", "outcome")) == [(1, "lost")]
    # What failed before the probe counts no longer.
    assert told([again], YES, later) == ["acknowledged"]
    assert told(claimed(contract, later)[:1], REFUSED, later) == ["no_connection"]
    assert Breaker.objects.get().open_until is None


def test_what_fails_at_one_partner_is_held_against_no_other(contract: Contract) -> None:
    other, now = a_contract(a_party("Elsewhere"), endpoint_url="https://elsewhere.example/events"), database_clock()
    for one in (contract, other):
        some_orders(one, 12, at=now)
    pushes, elsewhere = claimed(contract, now), claimed(other, now)
    assert fairness.in_flight(party_id=other.aggregator_id, now=now) == 12
    told([*pushes[:9], *elsewhere[:9]], REFUSED, now)
    assert not Breaker.objects.filter(opened_at__isnull=False).exists()
    told(pushes[9:10], REFUSED, now)
    assert Breaker.objects.get(opened_at__isnull=False).party_id == contract.aggregator_id
    later = now + 31 * SECOND
    (probe,) = claimed(contract, later)
    assert dict(Breaker.objects.values_list("party_id", "probe_id")) == {
        contract.aggregator_id: probe.row.id, other.aggregator_id: None,
    }  # fmt: skip
    # Its answer ends what was counted of it alone.
    told([probe], YES, later)
    assert PushTally.objects.get().party_id == other.aggregator_id
    # The word of a worker that tried it too comes late, and leaves nobody alone.
    fairness.record_probe_result(party_id=contract.aggregator_id, event_id=probe.row.id, arrived=False, at=later)
    assert not fairness.is_paused(breaker=Breaker.objects.get(party_id=contract.aggregator_id), now=later)


def test_the_late_word_of_a_worker_that_lost_its_lease_moves_nothing(contract: Contract) -> None:
    now = database_clock()

    def stands() -> tuple[object, ...]:
        return Order.objects.values_list(
            "state", "note", "next_attempt_at", "again_at", "leased_until", "attempts"
        ).get()

    some_orders(contract, 1, at=now)
    for again_at in (None, now):
        Order.objects.update(again_at=again_at)
        (late,) = claimed(contract, now)
        assert claimed(contract, now) == []
        now += LEASE + SECOND
        (push,) = claimed(contract, now)
        before = stands()
        told([late], http.Reply(500), now)
        assert stands() == before
        assert told([push], YES, now) == ["acknowledged"]
        now += LEASE


def test_what_was_signed_for_meanwhile_is_in_flight_no_longer(contract: Contract) -> None:
    now = database_clock()
    some_orders(contract, 1, at=now)
    (push,) = claimed(contract, now)
    bring_to(State.COMPLETED, acknowledged_at=now, completed_at=now)
    assert fairness.in_flight(party_id=contract.aggregator_id, now=now) == 1
    told([push], http.Reply(500), now)
    assert fairness.in_flight(party_id=contract.aggregator_id, now=now) == 0
    assert Order.objects.get().state == State.COMPLETED


def test_events_then_stops_then_allows_then_what_nobody_waits_for(contract: Contract) -> None:
    now = database_clock()
    (again,) = some_orders(contract, 1, at=now - timedelta(days=3))
    bring_to(
        State.ACKNOWLEDGED, Order.objects.filter(id=again.id), acknowledged_at=now, again_at=now - timedelta(hours=9)
    )
    expected = [
        *(some_orders(contract, 1, at=now - timedelta(hours=hours), lane=lane)[0].id
          for hours, lane in ((1, "stop"), (2, "allow"), (3, "bulk"))),
        again.id,
    ]  # fmt: skip
    event = StreamEvent.objects.create(
        id=uuid.uuid4(), party_id=contract.aggregator_id, kind=StreamEvent.Kind.COHORT, jti="j", queued_at=now,
        claims={"txn": "t", "sub_id": {}, "event": {}}, next_attempt_at=now, contract_id=contract.pk,
    )  # fmt: skip
    assert [push.row.id for push in claimed(contract, now)] == [event.id, *expected]


@pytest.mark.django_db
def test_a_burst_to_one_partner_is_one_batch(outside: Outside) -> None:
    first, second = a_scene(outside, "GeoBridge"), a_scene(outside, "NorthLink")
    now = database_clock() - timedelta(minutes=5)
    some_orders(first.contract, 3 * claims.BATCH, at=now)
    some_orders(second.contract, 1, at=now + SECOND)
    assert delivery_rounds.sweep(now=database_clock()) == {"acknowledged": 3 * claims.BATCH + 1}
    paths = [asked.path for asked in outside.posted]
    assert paths.index(f"/{second.party.pk}/events") <= claims.BATCH


@pytest.mark.usefixtures("committed_db")
def test_a_partner_that_hangs_keeps_no_worker_from_the_others(outside: Outside) -> None:
    slow, well = a_scene(outside, "GeoBridge"), a_scene(outside, "NorthLink")
    hold, arrived = threading.Event(), threading.Event()

    def on_post(asked: Asked) -> None:
        if asked.path == f"/{slow.party.pk}/events":
            assert hold.wait(timeout=20)
        else:
            arrived.set()

    outside.on_post = on_post
    desk = delivery_rounds.get_dispatcher()
    stop_all(slow.a_line())
    desk.wake(party_ids=[slow.party.pk], now=database_clock(), linger_s=0.01)
    stop_all(well.a_line())
    desk.wake(party_ids=[well.party.pk], now=database_clock(), linger_s=0.01)
    assert arrived.wait(timeout=10)
    hold.set()
    desk.finish(within_s=20)
    assert set(Order.objects.values_list("state", flat=True)) == {State.ACKNOWLEDGED}


def one_hangs(outside: Outside) -> tuple[Scene, Scene, threading.Event, delivery_rounds.Dispatcher]:
    """One partner that hangs over two orders until the event, another that is well, and who delivers to both."""
    slow, well = a_scene(outside, "GeoBridge"), a_scene(outside, "NorthLink")
    hold, desk = threading.Event(), delivery_rounds.get_dispatcher()

    def on_post(asked: Asked) -> None:
        assert asked.path != f"/{slow.party.pk}/events" or hold.wait(timeout=20)

    outside.on_post = on_post
    stops(slow, 2)
    desk.wake(party_ids=[slow.party.pk], now=database_clock(), linger_s=0.01)
    until(lambda: bool(outside.posted), 10)
    return slow, well, hold, desk


@pytest.mark.usefixtures("committed_db")
def test_nobody_waits_for_answers_of_one_that_hangs(outside: Outside, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even to have their own written down together with it; and nothing more is taken for it meanwhile."""
    monkeypatch.setattr("revocations.workers.delivery.delivery_rounds.GATHER_S", 30.0)
    monkeypatch.setattr("revocations.workers.delivery.delivery_rounds.HANGS_S", 0.0)
    slow, well, hold, desk = one_hangs(outside)
    (later,), (own,) = stops(slow, 1), stops(well, 1)
    desk.wake(party_ids=[slow.party.pk, well.party.pk], now=database_clock(), linger_s=0.01)
    until(lambda: the_order(own).state == State.ACKNOWLEDGED, 10)
    assert the_order(later).attempts == 0
    hold.set()
    desk.finish(within_s=20)
    assert set(Order.objects.values_list("state", flat=True)) == {State.ACKNOWLEDGED}


@pytest.mark.usefixtures("committed_db")
def test_whoever_has_nothing_under_way_does_not_wait_for_anothers_answers(
    outside: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor for those that are yet to come, of one that may only be slow."""
    monkeypatch.setattr("revocations.workers.delivery.delivery_rounds.GATHER_S", 30.0)
    monkeypatch.setattr("revocations.workers.delivery.delivery_rounds.HANGS_S", 30.0)
    slow, well, hold, desk = one_hangs(outside)
    stops(well, 1)
    desk.wake(party_ids=[slow.party.pk, well.party.pk], now=database_clock(), linger_s=0.01)
    until(lambda: f"/{well.party.pk}/events" in [asked.path for asked in outside.posted], 10)
    hold.set()
    desk.finish(within_s=20)
    assert set(Order.objects.values_list("state", flat=True)) == {State.ACKNOWLEDGED}


@pytest.mark.django_db
def test_answers_gather_while_a_burst_wakes_one_that_is_left_alone(
    outside: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("revocations.workers.delivery.delivery_rounds.GATHER_S", 30.0)
    monkeypatch.setattr("revocations.workers.delivery.delivery_rounds.HANGS_S", 30.0)
    monkeypatch.setattr("revocations.workers.delivery.delivery_rounds.CLAIMED_EVERY_S", 0.0)
    well, alone = a_scene(outside, "GeoBridge"), a_scene(outside, "NorthLink")
    stops(alone, 12)
    open_breaker(alone.contract, database_clock())
    stops(well, 12)
    now, inbox = database_clock(), SimpleQueue[delivery_rounds.Message]()

    def wake_the_other(_: Asked) -> None:
        if len(outside.posted) < 12:
            inbox.put(delivery_rounds.Wake([alone.party.pk], now))
            until(inbox.empty, 10)

    outside.on_post = wake_the_other
    with CaptureQueriesContext(connection) as seen:
        done = delivery_rounds.Round(Clock(now), inbox).run([delivery_rounds.Partner(well.party.pk)])
    assert done == {"acknowledged": 12}
    # With its first wake, which may be urgent, and once the answers are in; not with each.
    looks = [one["sql"] for one in seen.captured_queries if "FROM revocations_breaker" in one["sql"]]
    assert sum(f"party_id = {alone.party.pk} " in sql for sql in looks) == 2


@pytest.mark.django_db
def test_more_connections_are_used_where_answers_take_long(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("revocations.workers.delivery.delivery_rounds.SLOW_S", 0.0)
    monkeypatch.setattr("revocations.workers.delivery.delivery_rounds.GATHER_S", 0.0)
    second = threading.Event()

    def wait_for_another(_: Asked) -> None:
        """All but the first answer come only when there is more than one connection."""
        if scene.outside.connections > 1:
            second.set()
        if len(scene.outside.posted) > 1:
            second.wait(30)

    scene.outside.on_post = wait_for_another
    stops(scene, 40)
    assert delivery_rounds.sweep(now=database_clock()) == {"acknowledged": 40}
    assert 2 <= scene.outside.connections <= 16


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["claim", "lose", "yes", "no", "silence", "busy", "wait", "poll"]), st.integers(1, 40)
    ),
    max_size=25,
)  # fmt: skip
REPLIES = {"yes": YES, "no": http.Reply(500), "silence": REFUSED, "busy": http.Reply(503, retry_after="60")}


def one_step(step: str, number: int, flying: list[Push], contract: Contract, now: datetime) -> None:
    """A worker claims, or dies with what it claimed; the partner answers some pushes, or polls."""
    if step == "claim":
        flying += claimed(contract, now)
    elif step == "lose":
        del flying[:number]
    elif step == "poll":
        offered = polling.offer(party_id=contract.aggregator_id, limit=number % 4, now=now)
        ack = list(offered.sets)[:1]
        polling.settle(party_id=contract.aggregator_id, acknowledged=ack, errors={}, now=now)
    elif step in REPLIES:
        told(flying[: number % 4], REPLIES[step], now)
        del flying[: number % 4]


@pytest.mark.django_db
@stories(40)
@example(steps=[("claim", 1), ("poll", 39), ("poll", 39)])
@given(steps=STEPS)
def test_nothing_is_lost_and_the_share_is_kept(monkeypatch: pytest.MonkeyPatch, steps: list[tuple[str, int]]) -> None:
    monkeypatch.setattr(fairness, "IN_FLIGHT", 5)
    party = a_party(f"Any {uuid.uuid4().hex}")
    contract, now = a_contract(party, endpoint_url="https://any.example/events"), database_clock()
    orders, flying = some_orders(contract, 12, at=now), list[Push]()
    for step, number in steps:
        now += number * SECOND if step == "wait" else timedelta(0)
        one_step(step, number, flying, contract, now)
        assert fairness.in_flight(party_id=party.pk, now=now) <= 5
        assert not Order.objects.filter(party_id=party.pk, acknowledged_at=None, next_attempt_at=None).exists()
    # However it went: with the partner well again, all have arrived within a day.
    for _ in range(24):
        now += timedelta(hours=1)
        while pushes := claimed(contract, now):
            told(pushes, YES, now)
    assert set(Order.objects.filter(party_id=party.pk).values_list("state", flat=True)) == {State.ACKNOWLEDGED}
    assert Order.objects.filter(party_id=party.pk).count() == len(orders)
    for order in Order.objects.filter(party_id=party.pk):
        numbers = list(Attempt.objects.filter(order_id=order.id).order_by("number").values_list("number", flat=True))
        assert numbers == list(range(1, order.attempts + 1))
