"""One round over what is due: whom it asks again, what it leaves for the next one, and what it counts."""

import threading
from collections import Counter
from datetime import datetime, timedelta
from queue import SimpleQueue
from typing import override
from uuid import UUID, uuid4

import pytest
from django.db import transaction

from audit.queries import database_clock
from revocations.actions.orders import enqueue_order
from revocations.actions.redelivery import resend_for_case
from revocations.domain.streams import queue_event
from revocations.domain.wire import Agreement
from revocations.models import Attempt, Order, State, Stream, StreamEvent
from revocations.queries.answerable_time import list_delivery_minutes
from revocations.workers.delivery import claims, fairness
from revocations.workers.delivery.claims import Clock, claim
from revocations.workers.delivery.delivery_rounds import Message, Partner, Round, Wake, deliver_due, sweep
from revocations.workers.delivery.records import Result
from tests.partners.outside import Answer, Asked, Outside
from tests.revocations.scenes import Scene, a_scene, deliver, stop_all, the_order
from tests.staff import an_actor

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_broker")]
SECOND = timedelta(seconds=1)
ROUNDS = "revocations.workers.delivery.delivery_rounds"


def test_sweeps_of_one_minute_are_one_minute_of_a_partner_s_time(scene: Scene) -> None:
    """Its deadline is counted in minutes of our delivery: none comes nearer by twice."""
    minute = database_clock().replace(second=0, microsecond=0)
    for after in (0.0, 20.0, 59.9):
        sweep(now=minute + after * SECOND)
    assert list_delivery_minutes(since=minute, now=minute + 120 * SECOND) == [minute]


def test_what_waited_too_long_for_its_turn_is_given_back_untried(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would end after its lease, when another worker may have it."""
    (order_id,) = stop_all(scene.a_line())
    with monkeypatch.context() as crowded:
        crowded.setattr(f"{ROUNDS}.BUDGET_S", 0.0)
        assert sweep(now=database_clock()) == {}
    order = the_order(order_id)
    assert (scene.outside.posted, order.attempts, order.state, order.leased_until) == ([], 0, State.QUEUED, None)
    assert sweep(now=database_clock() + 6 * SECOND) == {"acknowledged": 1}
    assert list(Attempt.objects.values_list("number", flat=True)) == [1]


def test_who_is_woken_while_silent_is_asked_again(scene: Scene) -> None:
    """Once the silence is written down: what has come to be due since goes out in the same round."""
    for _ in range(2):
        stop_all(scene.a_line())
    now = database_clock()

    class Inbox(SimpleQueue[Message]):
        @override
        def put(self, item: Message, block: bool = True, timeout: float | None = None) -> None:
            super().put(item, block, timeout)
            if isinstance(item, Result) and item.reply is None:
                super().put(Wake([scene.party.pk], now + 7 * SECOND))

    scene.outside.answers = [Answer(0)]
    done = Round(Clock(now), Inbox()).run([Partner(scene.party.pk)])
    assert done == {"no_connection": 1, "acknowledged": 2}


def test_who_kept_silent_gets_one_at_a_time_until_it_answers(scene: Scene) -> None:
    """A batch that is claimed for it and given back, again and again, would take the time of the others' orders."""
    for _ in range(5):
        stop_all(scene.a_line())
    now, given_back, batches = database_clock(), [0], Counter[datetime | None]()

    class Inbox(SimpleQueue[Message]):
        @override
        def put(self, item: Message, block: bool = True, timeout: float | None = None) -> None:
            super().put(item, block, timeout)
            if isinstance(item, Result):
                given_back[-1] += item.reply is None
                batches[item.push.lease] += item.reply is not None
                if item.silent:
                    given_back.append(0)
                    super().put(Wake([scene.party.pk], now + 60 * len(given_back) * SECOND))

    scene.outside.answers = [Answer(0), Answer(0), Answer(0)]
    done = Round(Clock(now), Inbox()).run([Partner(scene.party.pk)])
    assert done == {"no_connection": 3, "acknowledged": 5}
    assert given_back == [0, 4, 0, 0]
    assert list(batches.values()) == [1, 1, 1, 1, 4]


def test_room_that_an_answer_makes_is_taken(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is due goes out in the same round, though another worker has most of the partner's share."""
    monkeypatch.setattr(fairness, "IN_FLIGHT", 3)
    for _ in range(22):
        stop_all(scene.a_line())
    now = database_clock()
    assert len(claims.claim(party_id=scene.party.pk, clock=Clock(now), limit=2).pushes) == 2
    assert deliver_due(party_id=scene.party.pk, now=now) == {"acknowledged": 20}


def test_a_round_leaves_to_the_next_what_it_can_t_take_in_two_minutes(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fairness, "IN_FLIGHT", 1)
    for _ in range(3):
        stop_all(scene.a_line())
    with monkeypatch.context() as long:
        long.setattr(f"{ROUNDS}.LONGEST_ROUND", timedelta(0))
        assert sweep(now=database_clock()) == {"acknowledged": 1}
    assert sweep(now=database_clock()) == {"acknowledged": 2}


def test_no_more_connections_than_the_widest(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{ROUNDS}.SLOW_S", 0.0)
    monkeypatch.setattr(f"{ROUNDS}.GATHER_S", 0.0)
    monkeypatch.setattr(f"{ROUNDS}.WIDEST", 2)
    third = threading.Event()

    def wait_for_a_third(_: Asked) -> None:
        if scene.outside.connections > 2:
            third.set()
        if len(scene.outside.posted) > 8:
            third.wait(0.05)

    scene.outside.on_post = wait_for_a_third
    for _ in range(20):
        stop_all(scene.a_line())
    assert sweep(now=database_clock()) == {"acknowledged": 20}
    assert scene.outside.connections <= 2


def test_who_is_told_of_named_orders_gets_these_alone(scene: Scene) -> None:
    event = queue_event(
        party_id=scene.party.pk, kind=StreamEvent.Kind.COHORT, sub_id={}, event={}, at=database_clock(),
        contract_id=scene.contract.pk,
    )  # fmt: skip
    (order_id,) = stop_all(scene.a_line())
    assert deliver([order_id]) == {"acknowledged": 1}
    assert [token["jti"] for token in scene.tokens()] == [the_order(order_id).jti]
    assert sweep(now=database_clock()) == {"acknowledged": 1}
    assert scene.tokens()[-1]["jti"] == event.jti


def test_what_is_told_of_many_waits_for_what_people_said(scene: Scene) -> None:
    used = scene.campaign
    use = {"scopes": [used.scope], "purpose": used.purpose, "recipient": used.lbs_provider.uri, "status": "granted"}
    for by in ("system", "user"):
        with transaction.atomic():
            told = Agreement(scene.contract, [use], ())
            enqueue_order(line_id=scene.a_line().pk, agreements=[told], by=by, at=database_clock())
    pushes = claim(party_id=scene.party.pk, clock=Clock(database_clock())).pushes
    assert [isinstance(one.row, Order) and one.row.lane for one in pushes] == [Order.Lane.ALLOW, Order.Lane.BULK]


def test_what_has_been_due_for_longest_goes_first(scene: Scene) -> None:
    party_id, lines, begun = scene.party.pk, [scene.a_line(), scene.a_line()], database_clock()

    def claim_one(at: datetime) -> UUID:
        (push,) = claims.claim(party_id=party_id, clock=Clock(at), limit=1).pushes
        return push.row.id

    orders = [order_id for line in lines for order_id in stop_all(line)]
    events = [
        queue_event(party_id=party_id, kind=StreamEvent.Kind.COHORT, sub_id={}, event={}, at=begun + n * SECOND).id
        for n in range(2)
    ]
    assert [claim_one(begun + 2 * SECOND) for _ in range(4)] == [*events, *orders]
    at = begun + timedelta(minutes=1)
    assert sweep(now=at) == {"acknowledged": 4}
    for n, line in enumerate(reversed(lines)):
        resend_for_case(
            party_id=party_id, line_id=line.pk, actor=an_actor("agent"), reason="They ask", at=at + n * SECOND
        )
    assert [claim_one(at + SECOND) for _ in range(2)] == orders[::-1]


def test_a_partner_that_can_t_be_claimed_for_is_counted_and_keeps_nobody_waiting(outside: Outside) -> None:
    broken, well = a_scene(outside, "GeoBridge"), a_scene(outside, "NorthLink")
    for scene in (broken, well):
        stop_all(scene.a_line())
    now = database_clock()
    # Sealed with a key that is here no more.
    Stream.objects.create(
        id=uuid4(), party_id=broken.party.pk, method=Stream.Method.PUSH, endpoint_url=f"{outside.url}/broken",
        authorization_sealed=b"unreadable", status_at=now, created_at=now, status_by=f"partner:{broken.party.pk}",
    )  # fmt: skip
    assert sweep(now=now) == {"failed": 1, "acknowledged": 1}
    assert [asked.path for asked in outside.posted] == [f"/{well.party.pk}/events"]
