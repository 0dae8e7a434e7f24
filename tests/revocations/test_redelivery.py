"""What a partner should have is sent once more: the newest at once, or everything since it lost its store."""

import uuid
from datetime import datetime, timedelta

import pytest
from django.core.cache import cache

from accounts.queries import StaffOnly
from audit.models import AuditEvent
from audit.queries import database_clock
from partners.policies.lifecycle import NotNow
from revocations.actions import redelivery
from revocations.actions.redelivery import recover_since, resend_for_case, resend_newest
from revocations.models import Attempt, Order, State, StreamEvent
from revocations.workers.delivery import delivery_rounds as sweep_delivery
from revocations.workers.delivery.claims import Clock, claim
from tests.orders import bring_to
from tests.partners.outside import Answer
from tests.revocations.scenes import Scene, a_scene, allow, deliver, stop_all, the_order
from tests.staff import an_actor

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_broker")]
WHY = "They restored a backup of Monday."


def resend(scene: Scene, *, actor: str | None = None, reason: str = WHY) -> int:
    return resend_newest(party_id=scene.party.pk, actor=actor or an_actor(), reason=reason, at=database_clock())


def sweep() -> dict[str, int]:
    return dict(sweep_delivery.sweep(now=database_clock()))


def test_what_backs_off_or_was_acknowledged_is_sent_now(scene: Scene) -> None:
    (down,), (known,) = stop_all(scene.a_line()), stop_all(scene.a_line())
    deliver([known])
    scene.outside.answers = [Answer(500)]
    deliver([down])
    acknowledged_at = the_order(known).acknowledged_at
    assert (sweep(), resend(scene)) == ({}, 2)
    assert sweep() == {"acknowledged": 2}
    # The same token ids again, a new attempt written, and no state or time moved back.
    sent = [str(token["jti"]) for token in scene.tokens()]
    assert sorted(sent) == sorted([the_order(known).jti] * 2 + [the_order(down).jti] * 2)
    assert (the_order(known).state, the_order(known).acknowledged_at) == (State.ACKNOWLEDGED, acknowledged_at)
    assert Attempt.objects.filter(order_id=known).count() == the_order(known).attempts == 2
    assert sweep() == {}


def test_each_partner_is_offered_its_own_again(scene: Scene) -> None:
    other = a_scene(scene.outside, "NorthLink")
    for one in (scene, other):
        deliver(stop_all(one.a_line()))
        resend(one)
    for one in (scene, other):
        (push,) = claim(party_id=one.party.pk, clock=Clock(database_clock())).pushes
        assert push.row.party_id == one.party.pk


def test_it_is_written_down_with_its_reason_and_needs_one(scene: Scene) -> None:
    (order_id,) = stop_all(scene.a_line())
    officer = an_actor()
    assert resend(scene, actor=officer) == 1
    event = AuditEvent.objects.get(action="orders.resent")
    assert (event.actor, event.reason, event.line_id) == (officer, WHY, None)
    with pytest.raises(NotNow):
        resend(scene, reason=" ")
    with pytest.raises(StaffOnly):
        resend(scene, actor=an_actor("agent"))
    # What is on its way is left alone.
    Order.objects.filter(id=order_id).update(leased_until=database_clock() + timedelta(seconds=20))
    assert resend(scene) == 0


def test_for_a_case_only_its_line_s_newest_is_sent(scene: Scene) -> None:
    line, other = scene.a_line(), scene.a_line()
    (older,) = stop_all(line)
    deliver([older])
    (newest,) = allow(line, scene.campaign)
    (others,) = stop_all(other)
    deliver([newest, others])
    agent = an_actor("agent")
    assert resend_for_case(party_id=scene.party.pk, line_id=line.pk, actor=agent, reason=WHY, at=database_clock()) == 1
    # Who is told of another alone is not told of it too.
    assert deliver(stop_all(scene.a_line())) == {"acknowledged": 1}
    assert sweep() == {"acknowledged": 1}
    assert scene.tokens()[-1]["jti"] == the_order(newest).jti


def an_end(scene: Scene, *, queued_at: datetime) -> StreamEvent:
    """Of an agreement, acknowledged."""
    event = StreamEvent.objects.create(
        id=uuid.uuid4(), party_id=scene.party.pk, kind=StreamEvent.Kind.COHORT, jti=uuid.uuid4().hex,
        claims={"txn": "t", "sub_id": {}, "event": {}}, queued_at=queued_at, next_attempt_at=queued_at,
    )  # fmt: skip
    StreamEvent.objects.filter(pk=event.pk).update(
        state=State.ACKNOWLEDGED, acknowledged_at=queued_at, next_attempt_at=None
    )
    return event


def test_a_partner_that_lost_its_store_gets_all_since_then(scene: Scene) -> None:
    old, done = scene.a_line(), scene.a_line()
    (before,) = stop_all(old)
    deliver([before])
    (signed,) = stop_all(done)
    deliver([signed])
    bring_to(State.COMPLETED, Order.objects.filter(id=signed), completed_at=database_clock())
    since = the_order(signed).queued_at
    _, ended = (an_end(scene, queued_at=since - early) for early in (timedelta(microseconds=1), timedelta(0)))
    count = recover_since(party_id=scene.party.pk, since=since, actor=an_actor(), reason=WHY, at=database_clock())
    assert list(StreamEvent.objects.filter(again_at__isnull=False)) == [ended]
    assert (count, sweep()) == (2, {"acknowledged": 2})
    assert [token["jti"] for token in scene.tokens()][2:] == [ended.jti, the_order(signed).jti]
    assert not StreamEvent.objects.filter(again_at__isnull=False).exists()
    assert (the_order(signed).state, the_order(signed).again_at) == (State.COMPLETED, None)
    assert AuditEvent.objects.get(action="orders.recovered").reason == WHY


def test_the_sweep_finds_an_end_that_is_offered_again(scene: Scene) -> None:
    ended = an_end(scene, queued_at=database_clock())
    since = ended.queued_at
    assert recover_since(party_id=scene.party.pk, since=since, actor=an_actor(), reason=WHY, at=database_clock()) == 1
    assert sweep() == {"acknowledged": 1}
    assert [token["jti"] for token in scene.tokens()] == [ended.jti]


def test_a_lost_redelivery_is_tried_again_until_it_arrives(scene: Scene) -> None:
    (order_id,) = stop_all(scene.a_line())
    deliver([order_id])
    resend(scene)
    scene.outside.answers = [Answer(500)]
    assert sweep() == {"error": 1}
    assert (the_order(order_id).state, the_order(order_id).next_attempt_at) == (State.ACKNOWLEDGED, None)
    assert sweep() == {}
    assert dict(sweep_delivery.sweep(now=database_clock() + timedelta(minutes=1))) == {"acknowledged": 1}
    assert list(Attempt.objects.order_by("number").values_list("outcome", flat=True)) == [
        "acknowledged", "error", "acknowledged",
    ]  # fmt: skip


def test_after_a_silence_the_rest_is_offered_again_soon(scene: Scene) -> None:
    order_ids = [order_id for _ in range(3) for order_id in stop_all(scene.a_line())]
    deliver(order_ids)
    resend(scene)
    scene.outside.answers = [Answer(0)]
    assert sweep() == {"no_connection": 1}
    orders, soon = [the_order(one) for one in order_ids], database_clock() + timedelta(seconds=6)
    assert sorted(order.attempts for order in orders) == [1, 1, 2]
    assert {(order.state, order.next_attempt_at) for order in orders} == {(State.ACKNOWLEDGED, None)}
    untried = [order.again_at for order in orders if order.attempts == 1]
    assert all(again_at is not None and again_at <= soon for again_at in untried)


def test_what_is_known_of_an_order_stays_beside_it_when_it_arrives_again(scene: Scene) -> None:
    (order_id,) = stop_all(scene.a_line())
    deliver([order_id])
    bring_to(State.PARTIAL, completed_at=database_clock(), note="one of three is done")
    resend(scene)
    assert sweep() == {"acknowledged": 1}
    assert (the_order(order_id).state, the_order(order_id).note) == (State.PARTIAL, "one of three is done")


def test_a_newer_order_takes_the_place_of_one_offered_again(scene: Scene) -> None:
    line = scene.a_line()
    (older,) = stop_all(line)
    deliver([older])
    resend(scene)
    (newer,) = allow(line, scene.campaign)
    assert sweep() == {"acknowledged": 1}
    assert [event["version"] for event in scene.events()] == [1, 2]
    assert (the_order(older).again_at, the_order(older).state) == (None, State.ACKNOWLEDGED)
    assert the_order(newer).state == State.ACKNOWLEDGED


def test_a_poller_asks_for_it_itself_once_in_ten_minutes(scene: Scene) -> None:
    cache.clear()
    (order_id,) = stop_all(scene.a_line())
    deliver([order_id])
    now = database_clock()
    jti, since = the_order(order_id).jti, now - timedelta(hours=1)
    for acknowledged, offered in (([], [jti]), ([jti], []), ([jti], [])):
        found = redelivery.poll(party=scene.party, limit=10, acknowledged=acknowledged, errors={}, at=now, since=since)
        assert list(found.sets) == offered
    assert AuditEvent.objects.get(action="orders.recovered").actor == f"partner:{scene.party.pk}"
    assert the_order(order_id).again_at is None
