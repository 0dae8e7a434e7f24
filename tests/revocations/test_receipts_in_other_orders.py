"""A partner's signed word that comes before its answer, after a newer order, or where nothing was asked of it."""

import pytest

from audit.queries import database_clock
from partners.clients import http
from revocations.models import Duty, State
from revocations.workers.delivery import claims
from revocations.workers.delivery.claims import Clock
from revocations.workers.delivery.records import Result, record
from tests.factories import a_party
from tests.partners.outside import Answer
from tests.revocations.ordered import Ordered, dealt_with
from tests.revocations.scenes import Scene, allow, deliver, stop_all, the_order

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_broker")]


def test_a_202_after_the_receipt_does_not_take_it_back(scene: Scene) -> None:
    line = scene.a_line()
    (order_id,) = stop_all(line)
    ordered = Ordered(scene, line, order_id)
    # As a partner does that signs before it answers: our worker still waits for the 202.
    due = claims.claim(party_id=scene.party.pk, clock=Clock(database_clock())).pushes
    assert ordered.sign() == State.COMPLETED
    assert ordered.order.acknowledged_at is not None
    assert ordered.order.next_attempt_at is None
    record(batch=[Result(due[0], http.Reply(202), database_clock())])
    assert ordered.state == State.COMPLETED


def test_a_superseded_order_stays_so_but_the_deed_counts(scene: Scene) -> None:
    line = scene.a_line()
    (first,) = stop_all(line)
    scene.outside.answers = [Answer(500)]
    deliver([first])
    (second,) = allow(line, scene.campaign)
    deliver([second])
    assert the_order(first).state == State.SUPERSEDED
    assert Ordered(scene, line, first).sign() == State.SUPERSEDED
    assert Duty.objects.filter(discharged_at=None).count() == 0


def test_a_newer_order_s_receipt_closes_the_older_ones(ordered: Ordered) -> None:
    (second,) = allow(ordered.line, ordered.scene.campaign)
    deliver([second])
    assert Ordered(ordered.scene, ordered.line, second).sign() == State.COMPLETED
    assert (ordered.state, ordered.order.superseded_by) == (State.SUPERSEDED, second)


def test_an_order_that_asks_nothing_completes_without_companies(ordered: Ordered) -> None:
    ordered.sign()
    (allowed,) = allow(ordered.line, ordered.scene.campaign)
    deliver([allowed])
    newer = Ordered(ordered.scene, ordered.line, allowed)
    dealt_with(newer, a_party("RoadAid", "lbs_provider"))
    assert newer.order.snapshot["required_actions"] == []
    assert newer.sign(actions=[]) == State.COMPLETED
