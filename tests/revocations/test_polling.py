"""Orders fetched by a partner that polls."""

import json
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType, SimpleNamespace
from uuid import UUID

import pytest
from django.core.cache import cache
from django.test import Client as Http

from audit.models import Incident
from audit.queries import database_clock
from revocations.actions import redelivery
from revocations.actions.streams import create_stream, pause_stream, set_status
from revocations.domain.streams import RequestedStream, queue_event
from revocations.models import Attempt, Breach, Order, Pulse, State, Stream, StreamAttempt, StreamEvent
from revocations.workers import stream_health
from revocations.workers.delivery import claims, delivery_rounds
from revocations.workers.delivery import polling as polling_delivery
from revocations.workers.delivery.claims import LEASE, Clock
from revocations.workers.delivery.polling import LONGEST_WAIT
from revocations.workers.delivery.verdicts import PARKED_FOR, retry_wait
from support.queries.timeline import order_page
from tests.factories import a_line
from tests.partners.outside import Answer, Outside
from tests.properties import undone
from tests.revocations.receiver import a_token_of
from tests.revocations.scenes import Scene, a_scene, allow, claims_of, event_of, stop_all, the_order
from tests.staff import an_actor, move_endpoints

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_broker")]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits in these tests but where one says so."""
    monkeypatch.setattr("revocations.workers.delivery.polling.LONGEST_WAIT", timedelta(0))


def ask(scene: Scene, body: Mapping[str, object], scope: str = "ssf.read") -> tuple[int, dict[str, object]]:
    headers = {"Authorization": f"Bearer {a_token_of(scene.party, scope)}"}
    response = Http().post("/ssf/poll", json.dumps(body), content_type="application/json", headers=headers)
    return response.status_code, response.json()


def sets(scene: Scene, **body: object) -> dict[str, str]:
    status, answer = ask(scene, body)
    assert status == 200
    found = answer["sets"]
    assert isinstance(found, dict)
    return found


def an_event(scene: Scene) -> StreamEvent:
    subject = {"format": "opaque", "id": "stream-1"}
    kind = StreamEvent.Kind.VERIFICATION
    return queue_event(party_id=scene.party.pk, kind=kind, sub_id=subject, event={}, at=database_clock())


def jti(order_id: UUID) -> str:
    return the_order(order_id).jti


def test_a_poll_gives_what_waits_and_an_ack_settles_it(scene: Scene) -> None:
    # A partner without an address polls.
    move_endpoints(scene.contract, endpoint_url="")
    (order_id,) = stop_all(scene.a_line())
    wrong: tuple[dict[str, object], ...] = (
        {"maxEvents": -1}, {"maxEvents": "x"}, {"ack": "x"}, {"setErrs": {"x": {}}},
    )  # fmt: skip
    for body in wrong:
        status, answer = ask(scene, body)
        assert (status, answer["err"]) == (400, "invalid_request"), body
    assert ask(scene, {}, "receipts:write")[0] == 403
    other = a_scene(scene.outside, "NorthLink")
    # Nobody settles or sees another partner's.
    assert sets(other, ack=[jti(order_id)], setErrs={jti(order_id): {"err": "invalid_key"}}) == {}
    assert the_order(order_id).state == State.QUEUED
    found = sets(scene)
    assert list(found) == [jti(order_id)]
    assert claims_of(found[jti(order_id)])["aud"] == scene.party.uri
    assert the_order(order_id).state == State.SENT
    refused = {jti(order_id): {"err": "invalid_key", "description": "who are you\n"}}
    with undone():
        sets(scene, maxEvents=0, setErrs=refused)
        assert (the_order(order_id).state, the_order(order_id).note) == (State.PARKED, "invalid_key: who are you ")
    assert sets(scene, ack=[jti(order_id)]) == {}
    assert (the_order(order_id).state, the_order(order_id).next_attempt_at) == (State.ACKNOWLEDGED, None)
    assert set(Attempt.objects.values_list("outcome", flat=True)) == {"polled"}
    assert scene.tokens() == []


def test_what_was_polled_is_not_pushed_for_a_lease(scene: Scene) -> None:
    (order_id,) = stop_all(scene.a_line())
    sets(scene)
    now = database_clock()
    assert dict(delivery_rounds.sweep(now=now)) == {}
    assert dict(delivery_rounds.sweep(now=now + LEASE)) == {"acknowledged": 1}
    assert sets(scene, ack=[jti(order_id)]) == {}


def test_stops_come_before_allows_and_only_the_newest(scene: Scene) -> None:
    line = scene.a_line()
    allow(a_line(), scene.campaign)
    stop_all(line)
    allow(line, scene.campaign)
    (newest,) = stop_all(line)
    found = sets(scene)
    assert [event_of(claims_of(token))["state"] == [] for token in found.values()] == [True, False]
    assert next(iter(found)) == jti(newest)


def test_no_more_than_asked_for_and_the_rest_is_announced(scene: Scene) -> None:
    oldest, *_ = (jti(order_id) for _ in range(3) for order_id in stop_all(scene.a_line()))
    found = polling_delivery.offer(party_id=scene.party.pk, limit=1, now=database_clock())
    assert (list(found.sets), found.more) == ([oldest], True)
    status, answer = ask(scene, {"maxEvents": 1, "returnImmediately": True})
    assert (status, answer["moreAvailable"]) == (200, True)
    assert ask(scene, {"maxEvents": 0}) == (200, {"sets": {}, "moreAvailable": True})
    assert len(sets(scene, maxEvents=2)) == 1
    assert ask(scene, {"maxEvents": 0}) == (200, {"sets": {}, "moreAvailable": False})
    an_event(scene)
    assert ask(scene, {"maxEvents": 0}) == (200, {"sets": {}, "moreAvailable": True})


class Hourglass:
    """Time as waiting polls see it: it passes while one of them waits, and others come meanwhile."""

    def __init__(self) -> None:
        self.now, self.meanwhile = 0.0, list[Callable[[], object]]()

    def monotonic(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        self.now += seconds
        if self.meanwhile:
            self.meanwhile.pop(0)()


def test_two_wait_at_once_each_once_and_for_half_a_minute(outside: Outside, monkeypatch: pytest.MonkeyPatch) -> None:
    glass = Hourglass()
    monkeypatch.setattr("revocations.workers.delivery.polling.LONGEST_WAIT", LONGEST_WAIT)
    monkeypatch.setattr("revocations.workers.delivery.polling.threading", SimpleNamespace(Event=lambda: glass))
    monkeypatch.setattr("revocations.workers.delivery.claims.time", glass)
    first, second, third = (a_scene(outside, name) for name in ("GeoBridge", "NorthLink", "Elsewhere"))
    waited: list[tuple[str, float]] = []

    def come(scene: Scene, **body: object) -> None:
        began = glass.now
        assert ask(scene, body) == (200, {"sets": {}, "moreAvailable": False})
        waited.append((scene.party.name, glass.now - began))

    # Meanwhile the same again, another, and a third while these two wait.
    glass.meanwhile = [lambda: come(first), lambda: come(second), lambda: come(third)]
    come(first)
    come(third)
    come(third, returnImmediately=True)
    come(third, maxEvents=0)
    assert waited == [
        ("GeoBridge", 0), ("Elsewhere", 0), ("NorthLink", 30), ("GeoBridge", 31),
        ("Elsewhere", 30), ("Elsewhere", 0), ("Elsewhere", 0),
    ]  # fmt: skip


def polled(
    scene: Scene, *, at: datetime, ack: Collection[str] = (), errors: Mapping[str, str] = MappingProxyType({})
) -> set[str]:
    """The `jti`s that a poll at this time is given."""
    refused = {one: (err, "") for one, err in errors.items()}
    return set(redelivery.poll(party=scene.party, limit=100, acknowledged=ack, errors=refused, at=at).sets)


def test_what_was_handed_out_comes_again_after_half_a_minute(scene: Scene) -> None:
    first, second, event = jti(stop_all(scene.a_line())[0]), jti(stop_all(scene.a_line())[0]), an_event(scene).jti
    now = database_clock()
    assert polled(scene, at=now) == {first, second, event}
    assert polled(scene, at=now + timedelta(seconds=29)) == set()
    assert polled(scene, at=now + timedelta(seconds=31), ack=[first]) == {second, event}
    assert polled(scene, at=now + timedelta(seconds=60)) == set()
    assert polled(scene, at=now + timedelta(seconds=62), ack=[event]) == {second}
    # It was sent when it was handed out first.
    sent = [StreamEvent.objects.get().sent_at, *Order.objects.values_list("sent_at", flat=True)]
    assert [at is not None and at < now + timedelta(seconds=9) for at in sent] == [True] * 3


def test_a_refusal_of_what_was_handed_out_does_not_change_when_that_was(scene: Scene) -> None:
    (order_id,), now = stop_all(scene.a_line()), database_clock()
    for err, sent_at in (("access_denied", now), ("invalid_key", None)):
        with undone():
            polled(scene, at=now, errors={jti(order_id): err})
            assert the_order(order_id).sent_at == sent_at, err
    assert polled(scene, at=now) == {jti(order_id)}
    sent_at = the_order(order_id).sent_at
    for err in ("access_denied", "invalid_key"):
        with undone():
            polled(scene, at=now + timedelta(seconds=9), errors={jti(order_id): err})
            assert the_order(order_id).sent_at == sent_at, err


def test_nothing_is_stored_of_which_no_try_is_on_record(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker died with it: its try is written down when the order is taken again, from the end of its lease on."""
    monkeypatch.setattr("revocations.workers.delivery.claims.time", Hourglass())
    (order_id,), now = stop_all(scene.a_line()), database_clock()
    claims.claim(party_id=scene.party.pk, clock=Clock(now))
    assert polled(scene, at=now, ack=[jti(order_id)]) == set()
    assert the_order(order_id).state == State.QUEUED
    over = now + LEASE
    claims.claim(party_id=scene.party.pk, clock=Clock(over))
    polled(scene, at=over, ack=[jti(order_id)])
    assert (the_order(order_id).state, the_order(order_id).sent_at) == (State.ACKNOWLEDGED, over)


def test_a_newer_order_takes_the_place_of_one_that_rests(scene: Scene) -> None:
    line, now = scene.a_line(), database_clock()
    (older,) = stop_all(line)
    assert polled(scene, at=now) == {jti(older)}
    (newer,) = allow(line, scene.campaign)
    assert polled(scene, at=now) == {jti(newer)}
    assert the_order(older).state == State.SUPERSEDED


def test_what_a_push_could_not_bring_is_handed_out_meanwhile(scene: Scene) -> None:
    (order_id,) = stop_all(scene.a_line())
    now = database_clock()
    Order.objects.filter(id=order_id).update(next_attempt_at=now + timedelta(hours=8), attempts=10)
    assert polled(scene, at=now) == {jti(order_id)}


def test_what_a_worker_pushed_is_handed_out_after_its_lease(scene: Scene) -> None:
    (order_id,) = stop_all(scene.a_line())
    now = database_clock()
    assert len(claims.claim(party_id=scene.party.pk, clock=Clock(now)).pushes) == 1
    assert polled(scene, at=now + timedelta(seconds=29)) == set()
    assert polled(scene, at=now + timedelta(seconds=31)) == {jti(order_id)}
    tries = Attempt.objects.filter(order_id=order_id).order_by("number")
    assert list(tries.values_list("number", "outcome")) == [(1, "lost"), (2, "polled")]


def test_what_is_refused_comes_again_when_it_is_due_again(scene: Scene) -> None:
    (order_id,) = stop_all(scene.a_line())
    event = an_event(scene).jti
    now = database_clock()
    assert polled(scene, at=now) == {jti(order_id), event}
    errors = {jti(order_id): "invalid_key", event: "invalid_key"}
    assert polled(scene, at=now, errors=errors) == set()
    assert polled(scene, at=now + PARKED_FOR - timedelta(seconds=1)) == set()
    assert polled(scene, at=now + PARKED_FOR) == {jti(order_id), event}


def test_who_lost_its_store_gets_again_what_it_was_given(scene: Scene) -> None:
    cache.clear()
    (order_id,) = stop_all(scene.a_line())
    now = database_clock()
    assert polled(scene, at=now) == {jti(order_id)}
    polled(scene, at=now, ack=[jti(order_id)])
    since = now - timedelta(hours=1)
    found = redelivery.poll(party=scene.party, limit=9, acknowledged=[], errors={}, at=now, since=since)
    assert set(found.sets) == {jti(order_id)}
    # What is offered again can be refused too.
    polled(scene, at=now, errors={jti(order_id): "invalid_key"})
    order = the_order(order_id)
    assert (order.state, order.again_at, order.next_attempt_at) == (State.ACKNOWLEDGED, now + PARKED_FOR, None)
    assert [one.outcome for one in tries_of(order)] == ["polled", "polled", "refused"]


def test_who_waits_is_given_what_rested_when_its_time_comes(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("revocations.workers.delivery.polling.LONGEST_WAIT", timedelta(seconds=20))
    (order_id,) = stop_all(scene.a_line())
    now = database_clock()
    polled(scene, at=now)
    almost = now + LEASE - timedelta(milliseconds=1)
    found = polling_delivery.offer(party_id=scene.party.pk, limit=9, now=almost, waits=True)
    assert set(found.sets) == {jti(order_id)}


def test_a_stream_that_its_partner_stopped_hands_out_nothing(scene: Scene) -> None:
    now = database_clock()
    (known,), (unknown,) = stop_all(scene.a_line()), stop_all(scene.a_line())
    assert polled(scene, at=now) == {jti(known), jti(unknown)}
    made = create_stream(party=scene.party, wanted=RequestedStream(), at=now)
    later = now + timedelta(minutes=5)

    def become(status: Stream.Status, at: datetime) -> None:
        set_status(party=scene.party, stream_id=str(made["stream_id"]), status=status, reason="", at=at)

    for status in (Stream.Status.PAUSED, Stream.Status.DISABLED):
        with undone():
            become(status, now)
            found = redelivery.poll(party=scene.party, limit=9, acknowledged=[jti(known)], errors={}, at=later)
            assert (dict(found.sets), found.more) == ({}, False)
            # What it says of earlier answers is heard all the same.
            assert the_order(known).state == State.ACKNOWLEDGED
            become(Stream.Status.ENABLED, later)
            assert polled(scene, at=later) == {jti(unknown)}
    # What an officer paused is polled all the same.
    with undone():
        Stream.objects.all().delete()
        pause_stream(party_id=scene.party.pk, actor=an_actor(), reason="their address is down", at=now)
        (updated,) = StreamEvent.objects.values_list("jti", flat=True)
        assert polled(scene, at=later) == {jti(known), jti(unknown), updated}


def test_what_a_410_paused_is_polled_all_the_same(scene: Scene) -> None:
    scene.outside.answers = [Answer(410)]
    (order_id,) = stop_all(scene.a_line())
    now = database_clock()
    # What tells the partner that its stream is paused may go out in the same sweep.
    assert delivery_rounds.sweep(now=now)["gone"] == 1
    assert Stream.objects.get().status == Stream.Status.PAUSED
    assert jti(order_id) in polled(scene, at=now)


def refused_by_push(scene: Scene, err: str) -> tuple[Order, StreamEvent]:
    order, event = the_order(stop_all(scene.a_line())[0]), an_event(scene)
    answer = Answer(400, json.dumps({"err": err, "description": "because"}).encode())
    scene.outside.answers = [answer, answer]
    delivery_rounds.sweep(now=database_clock())
    return order, event


def refused_by_poll(scene: Scene, err: str) -> tuple[Order, StreamEvent]:
    order, event = the_order(stop_all(scene.a_line())[0]), an_event(scene)
    now = database_clock()
    assert polled(scene, at=now) == {order.jti, event.jti}
    errors = {order.jti: (err, "because"), event.jti: (err, "because")}
    redelivery.poll(party=scene.party, limit=0, acknowledged=[], errors=errors, at=now + timedelta(seconds=9))
    return order, event


def tries_of(row: Order | StreamEvent) -> list[Attempt] | list[StreamAttempt]:
    if isinstance(row, Order):
        return list(Attempt.objects.filter(order_id=row.id).order_by("number"))
    return list(StreamAttempt.objects.filter(event_id=row.id).order_by("number"))


def what_came_of(row: Order | StreamEvent) -> dict[str, object]:
    """What a refusal made of an order or event, and what of it is written down; the wait without its jitter."""
    row.refresh_from_db()
    last = tries_of(row)[-1]
    assert row.next_attempt_at is not None
    return {
        "state": row.state, "note": row.note, "parked_with": row.parked_with,
        "minutes": (row.next_attempt_at - last.at) // timedelta(minutes=1), "leased": row.leased_until,
        "outcome": last.outcome, "detail": last.detail, "token": claims_of(last.token)["jti"] == row.jti,
        "numbered": last.number == row.attempts,
    }  # fmt: skip


def test_a_refusal_by_poll_is_as_one_of_a_push(outside: Outside) -> None:
    scenes = a_scene(outside, "GeoBridge"), a_scene(outside, "NorthLink")
    for err in ("invalid_request", "invalid_key", "invalid_issuer", "access_denied", "made_up"):
        told: list[tuple[list[dict[str, object]], list[tuple[str, int]]]] = []
        for scene, refuse in zip(scenes, (refused_by_push, refused_by_poll), strict=True):
            with undone():
                rows = refuse(scene, err)
                incidents = Incident.objects.filter(subject=f"partner:{scene.party.pk}").values_list("kind", "count")
                told.append(([what_came_of(row) for row in rows], list(incidents)))
        assert told[0] == told[1], err
        assert told[1][0][0]["detail"] == f"{err}: because"


def test_a_refusal_by_poll_is_on_the_timeline(scene: Scene) -> None:
    order, event = refused_by_poll(scene, "invalid_request")
    for row in (order, event):
        assert [(one.number, one.outcome, one.status) for one in tries_of(row)] == [
            (1, "polled", None),
            (2, "refused", None),
        ]
    page = order_page(party_id=scene.party.pk, order_id=order.id)
    assert page is not None
    assert [(one.number, one.outcome, one.detail) for one in page.tries] == [
        (2, "refused", "invalid_request: because"),
        (1, "polled", ""),
    ]
    assert page.tries[0].token == page.tries[1].token != ""


def test_refusals_by_poll_wait_no_longer_than_those_of_pushes(scene: Scene) -> None:
    (order_id,) = stop_all(scene.a_line())
    at = database_clock()
    # Nor does one of what was never handed out.
    polled(scene, at=at, errors={jti(order_id): "access_denied"})
    at += retry_wait(order_id=order_id, tries=1)
    for number in range(1, 5):
        assert polled(scene, at=at) == {jti(order_id)}
        polled(scene, at=at, errors={jti(order_id): "access_denied"})
        due = the_order(order_id).next_attempt_at
        assert due == at + retry_wait(order_id=order_id, tries=number)
        at = due


def test_a_refusal_repeated_before_the_next_offer_says_nothing_new(scene: Scene) -> None:
    order, _ = refused_by_poll(scene, "invalid_request")
    before, now = what_came_of(order), database_clock()
    polled(scene, at=now + timedelta(minutes=5), errors={order.jti: "invalid_request"})
    assert (what_came_of(order), len(tries_of(order))) == (before, 2)
    assert Incident.objects.get().count == 2
    assert order.jti in polled(scene, at=now + timedelta(hours=2))
    polled(scene, at=now + timedelta(hours=2), errors={order.jti: "invalid_request"})
    assert [one.outcome for one in tries_of(order)] == ["polled", "refused", "polled", "refused"]


def test_time_after_a_poll_called_it_nonsense_counts_nothing(scene: Scene) -> None:
    (order_id,) = stop_all(scene.a_line())
    began = the_order(order_id).queued_at.replace(second=0, microsecond=0)
    minute = timedelta(minutes=1)
    Pulse.objects.bulk_create([Pulse(minute=began + n * minute) for n in range(32 * 60)])
    for err, denied in (("invalid_request", 0), ("invalid_key", 1), ("invalid_requests", 1)):
        with undone():
            for hours in (1, 5, 9, 13, 17, 21, 25, 29):
                # It fetches and refuses within one minute, each time when it is offered again.
                at = began + hours * 60 * minute + 5 * minute
                assert polled(scene, at=at) == {jti(order_id)}
                if hours < 29:
                    at += timedelta(seconds=20)
                    polled(scene, at=at, errors={jti(order_id): err})
                    Order.objects.filter(id=order_id).update(next_attempt_at=at, polled_until=at)
            assert the_order(order_id).parked_with == ""
            assert stream_health.watch(now=began + 30 * 60 * minute) == denied, err


def a_refused_order(scene: Scene) -> tuple[UUID, datetime]:
    """An order called invalid as soon as it was fetched, and when it was queued. Our delivery runs for three days."""
    (order_id,) = stop_all(scene.a_line())
    began = the_order(order_id).queued_at.replace(second=0, microsecond=0)
    Pulse.objects.bulk_create([Pulse(minute=began + n * timedelta(minutes=1)) for n in range(3 * 24 * 60)])
    refuse(scene, order_id, began + timedelta(hours=1))
    return order_id, began


def refuse(scene: Scene, order_id: UUID, at: datetime) -> None:
    assert polled(scene, at=at) == {jti(order_id)}
    polled(scene, at=at, errors={jti(order_id): "invalid_request"})


def test_who_calls_it_invalid_has_24_hours_more(scene: Scene) -> None:
    order_id, began = a_refused_order(scene)
    with undone():
        # An hour until it was refused, an hour with us, and 23 in which nobody came for it.
        assert stream_health.watch(now=began + timedelta(hours=24, minutes=55)) == 0
        assert stream_health.watch(now=began + timedelta(hours=25, minutes=5)) == 1
        breach = Breach.objects.get()
        assert (breach.kind, breach.about) == ("acknowledge", str(order_id))
    # Who comes for it and calls it invalid once more waited for us.
    refuse(scene, order_id, began + timedelta(hours=24))
    for hours in (25, 36, 47):
        assert stream_health.watch(now=began + timedelta(hours=hours)) == 0
    assert stream_health.watch(now=began + timedelta(hours=48, minutes=5)) == 1
