"""Events that are not about one line travel as orders do; where each partner wants them; whose move it is."""

import errno
import json
from datetime import timedelta
from email.utils import format_datetime
from typing import Any
from uuid import uuid4

import pytest

from audit.models import Incident
from audit.queries import database_clock
from partners.clients import http
from partners.models import Contract
from revocations.actions.streams import enable_stream, pause_stream
from revocations.domain.streams import queue_event
from revocations.models import Breaker, Order, ResponsibleParty, State, Stream, StreamAttempt, StreamEvent
from revocations.workers.delivery import delivery_rounds as sweep_delivery
from revocations.workers.delivery import polling
from revocations.workers.delivery.claims import LEASE, Clock, claim
from revocations.workers.delivery.records import Result, record
from revocations.workers.delivery.verdicts import Verdict, wait_after
from tests.partners.outside import Answer, Outside
from tests.properties import undone
from tests.revocations.scenes import Scene, a_scene, claims_of, deliver, event_of, stop_all, the_order
from tests.staff import an_actor

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_broker")]
SECOND = timedelta(seconds=1)
COHORT = {"format": "complex", "group": {"format": "opaque", "id": "g"}}


def an_event(scene: Scene, kind: StreamEvent.Kind = StreamEvent.Kind.COHORT) -> StreamEvent:
    return queue_event(
        party_id=scene.party.pk, kind=kind, sub_id=COHORT, event={"epoch": 2}, at=database_clock(),
        contract_id=scene.contract.pk,
    )  # fmt: skip


def a_stream(scene: Scene, **fields: Any) -> Stream:
    now = database_clock()
    made = {
        "id": uuid4(), "party_id": scene.party.pk, "method": Stream.Method.PUSH, "status_at": now, "created_at": now,
        "endpoint_url": f"{scene.outside.url}/elsewhere", "status_by": f"partner:{scene.party.pk}", **fields,
    }  # fmt: skip
    return Stream.objects.create(**made)


def sweep(after: timedelta = timedelta(0)) -> dict[str, int]:
    return dict(sweep_delivery.sweep(now=database_clock() + after))


def offered(scene: Scene) -> set[str]:
    later = database_clock() + LEASE
    return set(polling.offer(party_id=scene.party.pk, limit=100, now=later).sets)


def test_an_event_goes_before_orders_with_its_own_claims(scene: Scene) -> None:
    stop_all(scene.a_line())
    event = an_event(scene)
    assert sweep() == {"acknowledged": 2}
    first, second = scene.tokens()
    assert (first["jti"], first["aud"], first["sub_id"]) == (event.jti, scene.party.uri, COHORT)
    assert second["jti"] == Order.objects.get().jti
    event.refresh_from_db()
    stands = (event.state, event.attempts, event.next_attempt_at, event.leased_until)
    assert stands == (State.ACKNOWLEDGED, 1, None, None)
    tried = StreamAttempt.objects.get()
    assert (tried.number, tried.outcome, tried.status) == (1, "acknowledged", 202)
    asked = scene.outside.posted[0]
    assert tried.token.encode() == asked.body
    # Without a stream no header is sent.
    assert "Authorization" not in asked.headers


def test_an_event_is_tried_again_with_the_same_id(scene: Scene) -> None:
    event = an_event(scene)
    scene.outside.answers = [Answer(500), Answer(400, b'{"err": "invalid_key"}')]
    assert sweep() == {"error": 1}
    event.refresh_from_db()
    sent_at = event.sent_at
    assert (event.state, event.note) == (State.SENT, StreamAttempt.objects.get().detail) == (State.SENT, "answered 500")
    assert sweep() == {}
    assert sweep(7 * SECOND) == {"refused": 1}
    event.refresh_from_db()
    assert (event.state, event.parked_with, event.sent_at) == (State.PARKED, ResponsibleParty.BOTH, sent_at)
    assert sweep(timedelta(hours=1)) == {"acknowledged": 1}
    event.refresh_from_db()
    assert (event.state, event.note, event.parked_with, event.sent_at) == (State.ACKNOWLEDGED, "", "", sent_at)
    assert [token["jti"] for token in scene.tokens()] == [event.jti] * 3


def test_after_a_silence_the_other_events_are_given_back_untried(scene: Scene) -> None:
    for _ in range(3):
        an_event(scene)
    StreamEvent.objects.filter(pk=an_event(scene).pk).update(
        state=State.ACKNOWLEDGED, next_attempt_at=None, again_at=database_clock()
    )
    scene.outside.answers = [Answer(0)]
    assert sweep() == {"no_connection": 1}
    untried, soon = StreamEvent.objects.filter(attempts=0), database_clock() + 6 * SECOND
    assert [one.leased_until for one in untried] == [None] * 3
    times = [one.next_attempt_at or one.again_at for one in untried]
    assert all(time is not None and time <= soon for time in times)
    assert [one.next_attempt_at for one in untried if one.state == State.ACKNOWLEDGED] == [None]


def test_a_worker_that_lost_its_lease_gives_nothing_back(scene: Scene) -> None:
    an_event(scene)
    now = database_clock()
    (late,) = claim(party_id=scene.party.pk, clock=Clock(now)).pushes
    now += LEASE + SECOND
    (push,) = claim(party_id=scene.party.pk, clock=Clock(now)).pushes
    record(batch=[Result(late, None, now)])
    record(batch=[Result(late, http.Reply(500), now)])
    event = StreamEvent.objects.get()
    assert (event.attempts, event.next_attempt_at, event.leased_until) == (2, push.lease, push.lease)


def test_a_poll_offers_events_first_and_settles_them(scene: Scene) -> None:
    (order_id,) = stop_all(scene.a_line())
    event, second = an_event(scene), an_event(scene)
    found = polling.offer(party_id=scene.party.pk, limit=100, now=database_clock())
    assert list(found.sets) == [event.jti, second.jti, the_order(order_id).jti]
    assert found.more is False
    polling.settle(
        party_id=scene.party.pk, acknowledged=[event.jti, second.jti], errors={}, now=database_clock()
    )  # fmt: skip
    event.refresh_from_db()
    assert (event.state, offered(scene)) == (State.ACKNOWLEDGED, {the_order(order_id).jti})


def test_an_address_that_no_agreement_lists_is_not_pushed_to(scene: Scene) -> None:
    stream = a_stream(scene, endpoint_url="https://gone.example/events")
    (order_id,) = stop_all(scene.a_line())
    assert sweep() == {"no_connection": 1}
    assert the_order(order_id).note == "no address is known"
    # Disabled, it gets nothing by either way; polled, it is never pushed to.
    Stream.objects.filter(pk=stream.pk).update(status=Stream.Status.DISABLED)
    assert (sweep(timedelta(days=1)), offered(scene), the_order(order_id).state) == ({}, set(), State.QUEUED)
    Stream.objects.filter(pk=stream.pk).update(status=Stream.Status.ENABLED, method=Stream.Method.POLL, endpoint_url="")
    assert (sweep(timedelta(days=1)), deliver([order_id], after=timedelta(days=1))) == ({}, {})
    assert offered(scene) == {the_order(order_id).jti}


def test_who_is_tried_again_is_asked_in_the_name_of_its_stream(scene: Scene) -> None:
    stream = a_stream(scene, endpoint_url=scene.contract.endpoint_url)
    stop_all(scene.a_line())
    now = database_clock()
    Breaker.objects.create(party_id=scene.party.pk, opened_at=now, open_until=now)
    sweep()
    assert scene.tokens()[0]["sub_id"] == {"format": "opaque", "id": str(stream.pk)}


def test_a_paused_stream_is_told_so_and_only_polled(scene: Scene) -> None:
    ended = an_event(scene)
    pause_stream(party_id=scene.party.pk, actor=an_actor(), reason="looking into it", at=database_clock())
    (order_id,) = stop_all(scene.a_line())
    assert sweep() == {"acknowledged": 1}
    (told,) = scene.tokens()
    assert told["jti"] == StreamEvent.objects.exclude(pk=ended.pk).get().jti
    assert sweep(timedelta(hours=9)) == {}
    assert the_order(order_id).state == State.QUEUED
    assert offered(scene) == {ended.jti, the_order(order_id).jti}
    enable_stream(party_id=scene.party.pk, actor=an_actor(), reason="it is well", at=database_clock())
    assert sweep(2 * LEASE) == {"acknowledged": 3}


def test_410_pauses_the_stream_by_our_own_word(scene: Scene) -> None:
    (order_id,) = stop_all(scene.a_line())
    scene.outside.answers = [Answer(410)]
    assert deliver([order_id]) == {"gone": 1}
    stream = Stream.objects.get(party_id=scene.party.pk)
    assert (stream.status, stream.status_by) == (Stream.Status.PAUSED, "system:delivery")
    order = the_order(order_id)
    assert (order.state, order.parked_with) == (State.PARKED, ResponsibleParty.PARTNER)
    assert order.next_attempt_at is not None
    assert timedelta(minutes=14) < order.next_attempt_at - database_clock() <= timedelta(minutes=15)
    # By push, nothing but word of the pause itself follows.
    deliver([order_id], after=timedelta(days=1))
    first, word = scene.tokens()
    assert first["jti"] == order.jti
    assert event_of(word) == {"status": "paused", "reason": "the partner closed its stream (410)"}
    assert offered(scene) >= {the_order(order_id).jti}


REFUSALS = [
    ("invalid_request", ResponsibleParty.US, Incident.Kind.ORDER_REFUSED),
    ("invalid_key", ResponsibleParty.BOTH, Incident.Kind.KEYS_REFUSED),
    ("invalid_issuer", ResponsibleParty.BOTH, Incident.Kind.KEYS_REFUSED),
    ("invalid_audience", ResponsibleParty.BOTH, Incident.Kind.KEYS_REFUSED),
    ("authentication_failed", "", None),
    ("access_denied", "", None),
]


def test_a_410_is_no_news_of_a_stream_that_was_stopped_meanwhile(scene: Scene) -> None:
    stream, now = a_stream(scene, endpoint_url=scene.contract.endpoint_url), database_clock()
    stop_all(scene.a_line())
    (push,) = claim(party_id=scene.party.pk, clock=Clock(database_clock())).pushes
    Stream.objects.update(status=Stream.Status.DISABLED, status_by="officer:1")
    record(batch=[Result(push, http.Reply(410), now)])
    stream.refresh_from_db()
    assert (stream.status, stream.status_by) == (Stream.Status.DISABLED, "officer:1")


def test_who_moves_next_and_one_incident_a_day(scene: Scene) -> None:
    ids = [order_id for _ in range(3) for order_id in stop_all(scene.a_line())]
    for err, parked_with, kind in REFUSALS:
        with undone():
            answer = Answer(400, json.dumps({"err": err}).encode(), {"Content-Type": "application/json"})
            scene.outside.answers = [answer for _ in ids]
            assert deliver(ids) == {"refused": 3}
            assert {the_order(one).parked_with for one in ids} == {parked_with}
            found = list(Incident.objects.values_list("kind", "subject", "count"))
            assert found == ([(kind, f"partner:{scene.party.pk}", 3)] if kind else [])
            assert deliver(ids, after=timedelta(hours=2)) == {"acknowledged": 3}
            assert {the_order(one).parked_with for one in ids} == {""}


def test_each_partner_has_its_own_incident_each_day(scene: Scene) -> None:
    other = a_scene(scene.outside, "NorthLink")
    ids = [*stop_all(scene.a_line()), *stop_all(other.a_line())]
    scene.outside.answers = [Answer(400, b'{"err": "invalid_key"}')] * 4
    for days in range(2):
        assert deliver(ids, after=timedelta(days=days)) == {"refused": 2}
    partners = [f"partner:{scene.party.pk}", f"partner:{other.party.pk}"]
    assert sorted(Incident.objects.values_list("subject", "count")) == sorted([(one, 1) for one in partners * 2])


def test_what_never_left_our_house_is_no_partner_s_incident(
    scene: Scene, outside: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_network(*_: object, **__: object) -> None:
        raise OSError(errno.ENETDOWN, "no")

    other = a_scene(outside, "NorthLink")
    ids = [*stop_all(scene.a_line()), *stop_all(scene.a_line()), *stop_all(other.a_line())]
    with monkeypatch.context() as broken:
        broken.setattr("urllib3.util.connection.create_connection", no_network)
        for days in range(2):
            assert deliver(ids, after=timedelta(days=days)) == {"ours": 2}
    # One a day.
    assert list(Incident.objects.values_list("kind", "subject", "count")) == [("no_way_out", "delivery", 2)] * 2
    assert deliver(ids, after=timedelta(days=2)) == {"acknowledged": 3}
    assert Incident.objects.count() == 2


def test_retry_after_in_seconds_or_as_a_date_within_bounds() -> None:
    now = database_clock()
    asked = {
        format_datetime(now + 120 * SECOND, usegmt=True): (118, 120),
        format_datetime(now + timedelta(days=9), usegmt=True): (3600, 3600),
        format_datetime(now - timedelta(days=9), usegmt=True): (4, 6),
        "120": (120, 120), "-5": (4, 6), "1": (4, 6), "soon": (4, 6), "9" * 40: (3600, 3600), "999999": (3600, 3600),
        "Fri, 99 Foo 9999": (4, 6), "\u0661\u0662\u0660": (4, 6),
    }  # fmt: skip
    for retry_after, (least, most) in asked.items():
        wait = wait_after(
            row_id=uuid4(), tries=1, verdict=Verdict("error", State.SENT), retry_after=retry_after, at=now
        )
        assert least * SECOND <= wait <= most * SECOND, retry_after


def test_an_event_of_no_agreement_goes_to_the_partner(scene: Scene) -> None:
    Contract.objects.create(
        ref="AGR-without", aggregator=scene.party, signed_at=database_clock(), starts_at=database_clock(),
        ends_at=database_clock() + timedelta(days=1), purposes=[],
    )  # fmt: skip
    queue_event(party_id=scene.party.pk, kind=StreamEvent.Kind.VERIFICATION, sub_id={}, event={}, at=database_clock())
    assert sweep() == {"acknowledged": 1}
    assert claims_of(scene.outside.posted[0].body)["aud"] == scene.party.uri
