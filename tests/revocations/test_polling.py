"""Orders fetched by a partner that polls."""

import json
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from uuid import UUID

import pytest
from django.core.cache import cache
from django.test import Client as Http

from audit.models import Incident
from audit.queries import database_clock
from partners.actions.clients import register_client
from partners.actions.sign_in import issue_access_token
from partners.models import Client
from revocations.actions import polling
from revocations.actions.events import queue_event
from revocations.actions.streams import create_stream, pause_stream, set_status
from revocations.domain.streams.stream_requests import StreamWanted
from revocations.models import Attempt, Breach, Order, Pulse, State, Stream, StreamAttempt, StreamEvent
from revocations.workers.clocks import health
from revocations.workers.delivery import claims, sweep
from revocations.workers.delivery import polling as polling_delivery
from revocations.workers.delivery.claims import LEASE
from revocations.workers.delivery.clock import Clock
from revocations.workers.delivery.verdicts import PARKED_FOR, retry_wait
from support.queries.timeline import order_page
from tests.factories import a_line
from tests.partners.outside import Answer, Outside
from tests.revocations.scenes import Scene, a_scene, allow, claims_of, event_of, stop_all, the_order
from tests.staff import an_actor, move_endpoints

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_broker")]


@pytest.fixture
def scene(outside: Outside) -> Scene:
    return a_scene(outside)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits in these tests but where one says so."""
    monkeypatch.setattr("revocations.workers.delivery.polling.LONGEST_WAIT", timedelta(0))


def ask(scene: Scene, body: Mapping[str, object], scope: str = "ssf.read") -> tuple[int, dict[str, object]]:
    client = register_client(
        client_id=scene.party.uri, kind=Client.Kind.AGGREGATOR, public_jwk=dict(scene.signer.public), party=scene.party,
        actor="system:test", at=database_clock(),
    )  # fmt: skip
    issued = issue_access_token(client=client, scopes=[scope], lifetime=timedelta(minutes=1), at=database_clock())
    headers = {"Authorization": f"Bearer {issued.token}"}
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
    (order_id,) = stop_all(scene.a_line())
    found = sets(scene)
    assert list(found) == [jti(order_id)]
    assert claims_of(found[jti(order_id)])["aud"] == scene.party.uri
    assert the_order(order_id).state == State.SENT
    assert sets(scene, ack=[jti(order_id)]) == {}
    assert (the_order(order_id).state, the_order(order_id).next_attempt_at) == (State.ACKNOWLEDGED, None)
    assert set(Attempt.objects.values_list("outcome", flat=True)) == {"polled"}
    assert scene.tokens() == []


def test_what_was_polled_is_not_pushed_for_a_lease(scene: Scene) -> None:
    (order_id,) = stop_all(scene.a_line())
    sets(scene)
    now = database_clock()
    assert dict(sweep.sweep(now=now)) == {}
    assert dict(sweep.sweep(now=now + LEASE)) == {"acknowledged": 1}
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
    for _ in range(3):
        stop_all(scene.a_line())
    status, answer = ask(scene, {"maxEvents": 2, "returnImmediately": True})
    assert (status, answer["moreAvailable"]) == (200, True)
    assert ask(scene, {"maxEvents": 0}) == (200, {"sets": {}, "moreAvailable": True})
    assert len(sets(scene, maxEvents=2)) == 1
    assert ask(scene, {"maxEvents": 0}) == (200, {"sets": {}, "moreAvailable": False})


def polled(
    scene: Scene, *, at: datetime, ack: Collection[str] = (), errors: Mapping[str, str] = MappingProxyType({})
) -> set[str]:
    """The `jti`s that a poll at this time is given."""
    refused = {one: (err, "") for one, err in errors.items()}
    return set(polling.poll(party=scene.party, limit=100, acknowledged=ack, errors=refused, at=at).sets)


def test_what_was_handed_out_comes_again_after_half_a_minute_and_not_before(scene: Scene) -> None:
    first, second, event = jti(stop_all(scene.a_line())[0]), jti(stop_all(scene.a_line())[0]), an_event(scene).jti
    now = database_clock()
    assert polled(scene, at=now) == {first, second, event}
    assert polled(scene, at=now + timedelta(seconds=29)) == set()
    assert polled(scene, at=now + timedelta(seconds=31), ack=[first]) == {second, event}
    assert polled(scene, at=now + timedelta(seconds=60)) == set()
    assert polled(scene, at=now + timedelta(seconds=62), ack=[event]) == {second}


def test_a_newer_order_is_handed_out_at_once_in_the_place_of_one_that_rests(scene: Scene) -> None:
    line, now = scene.a_line(), database_clock()
    (older,) = stop_all(line)
    assert polled(scene, at=now) == {jti(older)}
    (newer,) = allow(line, scene.campaign)
    assert polled(scene, at=now) == {jti(newer)}
    assert the_order(older).state == State.SUPERSEDED


def test_what_a_push_found_no_way_for_is_handed_out_however_long_it_backs_off(scene: Scene) -> None:
    (order_id,) = stop_all(scene.a_line())
    now = database_clock()
    Order.objects.filter(id=order_id).update(next_attempt_at=now + timedelta(hours=8), attempts=10)
    assert polled(scene, at=now) == {jti(order_id)}


def test_what_a_worker_is_pushing_is_handed_out_once_that_is_over_and_a_lost_try_is_written_down(scene: Scene) -> None:
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


def test_who_lost_its_store_gets_again_what_it_was_just_given(scene: Scene) -> None:
    cache.clear()
    (order_id,) = stop_all(scene.a_line())
    now = database_clock()
    assert polled(scene, at=now) == {jti(order_id)}
    since = now - timedelta(hours=1)
    found = polling.poll(party=scene.party, limit=9, acknowledged=[], errors={}, at=now, since=since)
    assert set(found.sets) == {jti(order_id)}


def test_who_waits_is_given_what_rested_when_its_time_comes(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("revocations.workers.delivery.polling.LONGEST_WAIT", timedelta(seconds=20))
    (order_id,) = stop_all(scene.a_line())
    now = database_clock()
    polled(scene, at=now)
    almost = now + LEASE - timedelta(milliseconds=1)
    found = polling_delivery.offer(party_id=scene.party.pk, limit=9, now=almost, wait=timedelta(seconds=20))
    assert set(found.sets) == {jti(order_id)}


@pytest.mark.parametrize("status", [Stream.Status.PAUSED, Stream.Status.DISABLED])
def test_a_stream_that_the_partner_itself_does_not_want_hands_out_nothing_until_it_is_enabled(
    scene: Scene, status: Stream.Status
) -> None:
    now = database_clock()
    (known,), (unknown,) = stop_all(scene.a_line()), stop_all(scene.a_line())
    assert polled(scene, at=now) == {jti(known), jti(unknown)}
    made = create_stream(party=scene.party, wanted=StreamWanted(), at=now)
    stream_id = str(made["stream_id"])
    set_status(party=scene.party, stream_id=stream_id, status=status, reason="", at=now)
    later = now + timedelta(minutes=5)
    found = polling.poll(party=scene.party, limit=9, acknowledged=[jti(known)], errors={}, at=later)
    assert (dict(found.sets), found.more) == ({}, False)
    # What it says of earlier answers is heard all the same.
    assert the_order(known).state == State.ACKNOWLEDGED
    set_status(party=scene.party, stream_id=stream_id, status=Stream.Status.ENABLED, reason="", at=later)
    assert polled(scene, at=later) == {jti(unknown)}


def test_what_an_officer_paused_is_polled_all_the_same(scene: Scene) -> None:
    (order_id,) = stop_all(scene.a_line())
    now = database_clock()
    pause_stream(party_id=scene.party.pk, actor=an_actor(), reason="their address is down", at=now)
    (updated,) = StreamEvent.objects.values_list("jti", flat=True)
    assert polled(scene, at=now) == {jti(order_id), updated}


def test_what_a_410_paused_is_polled_all_the_same(scene: Scene) -> None:
    scene.outside.answers = [Answer(410)]
    (order_id,) = stop_all(scene.a_line())
    now = database_clock()
    # What tells the partner that its stream is paused may go out in the same sweep.
    assert sweep.sweep(now=now)["gone"] == 1
    assert Stream.objects.get().status == Stream.Status.PAUSED
    assert jti(order_id) in polled(scene, at=now)


def test_an_error_parks_or_retries_as_by_push(scene: Scene) -> None:
    first, second = (stop_all(scene.a_line())[0] for _ in range(2))
    sets(scene)
    sets(
        scene,
        maxEvents=0,
        setErrs={
            jti(first): {"err": "invalid_key", "description": "who are you\n"},
            jti(second): {"err": "access_denied"},
        },
    )
    assert (the_order(first).state, the_order(first).note) == (State.PARKED, "invalid_key: who are you ")
    assert (the_order(second).state, the_order(second).note) == (State.SENT, "access_denied")


def refused_by_push(scene: Scene, err: str) -> tuple[Order, StreamEvent]:
    order, event = the_order(stop_all(scene.a_line())[0]), an_event(scene)
    answer = Answer(400, json.dumps({"err": err, "description": "because"}).encode())
    scene.outside.answers = [answer, answer]
    sweep.sweep(now=database_clock())
    return order, event


def refused_by_poll(scene: Scene, err: str) -> tuple[Order, StreamEvent]:
    order, event = the_order(stop_all(scene.a_line())[0]), an_event(scene)
    now = database_clock()
    assert polled(scene, at=now) == {order.jti, event.jti}
    errors = {order.jti: (err, "because"), event.jti: (err, "because")}
    polling.poll(party=scene.party, limit=0, acknowledged=[], errors=errors, at=now + timedelta(seconds=9))
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


CODES = ("invalid_request", "invalid_key", "invalid_issuer", "access_denied", "made_up")


@pytest.mark.parametrize("err", CODES)
def test_a_refusal_by_poll_is_what_the_same_answer_to_a_push_is(outside: Outside, err: str) -> None:
    told: dict[str, tuple[list[dict[str, object]], list[tuple[str, int]]]] = {}
    for name, refuse in (("GeoBridge", refused_by_push), ("NorthLink", refused_by_poll)):
        scene = a_scene(outside, name)
        rows = refuse(scene, err)
        incidents = Incident.objects.filter(subject=f"partner:{scene.party.pk}").values_list("kind", "count")
        told[name] = [what_came_of(row) for row in rows], list(incidents)
    assert told["GeoBridge"] == told["NorthLink"]
    assert told["NorthLink"][0][0]["detail"] == f"{err}: because"


def test_a_refusal_by_poll_is_a_try_of_its_own_on_the_timeline(scene: Scene) -> None:
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


def test_refusals_by_poll_make_nobody_wait_longer_than_refusals_of_pushes(scene: Scene) -> None:
    (order_id,) = stop_all(scene.a_line())
    at = database_clock()
    for number in range(1, 5):
        assert polled(scene, at=at) == {jti(order_id)}
        polled(scene, at=at, errors={jti(order_id): "access_denied"})
        due = the_order(order_id).next_attempt_at
        assert due == at + retry_wait(order_id=order_id, tries=number)
        at = due


def test_a_refusal_that_is_repeated_says_nothing_new_until_it_was_handed_out_again(scene: Scene) -> None:
    order, _ = refused_by_poll(scene, "invalid_request")
    before, now = what_came_of(order), database_clock()
    polled(scene, at=now + timedelta(minutes=5), errors={order.jti: "invalid_request"})
    assert (what_came_of(order), len(tries_of(order))) == (before, 2)
    assert Incident.objects.get().count == 2
    assert order.jti in polled(scene, at=now + timedelta(hours=2))
    polled(scene, at=now + timedelta(hours=2), errors={order.jti: "invalid_request"})
    assert [one.outcome for one in tries_of(order)] == ["polled", "refused", "polled", "refused"]


def test_what_is_offered_again_can_be_refused_too(scene: Scene) -> None:
    cache.clear()
    (order_id,) = stop_all(scene.a_line())
    now = database_clock()
    polled(scene, at=now)
    polled(scene, at=now, ack=[jti(order_id)])
    polling.poll(party=scene.party, limit=9, acknowledged=[], errors={}, at=now, since=now - timedelta(hours=1))
    polled(scene, at=now, errors={jti(order_id): "invalid_key"})
    order = the_order(order_id)
    assert (order.state, order.again_at, order.next_attempt_at) == (State.ACKNOWLEDGED, now + PARKED_FOR, None)
    assert [one.outcome for one in tries_of(order)] == ["polled", "polled", "refused"]


@pytest.mark.parametrize(("err", "denied"), [("invalid_request", 0), ("invalid_key", 1), ("invalid_requests", 1)])
def test_the_clock_of_24_hours_counts_no_time_after_we_were_told_by_poll_that_we_sent_nonsense(
    scene: Scene, err: str, denied: int
) -> None:
    (order_id,) = stop_all(scene.a_line())
    began = the_order(order_id).queued_at.replace(second=0, microsecond=0)
    minute = timedelta(minutes=1)
    Pulse.objects.bulk_create([Pulse(minute=began + n * minute) for n in range(32 * 60)])
    for hours in range(1, 30):
        # It fetches and refuses within one minute, each hour when it is offered again.
        assert polled(scene, at=began + hours * 60 * minute + 5 * minute) == {jti(order_id)}
        if hours < 29:
            at = began + hours * 60 * minute + 5 * minute + timedelta(seconds=20)
            polled(scene, at=at, errors={jti(order_id): err})
            Order.objects.filter(id=order_id).update(next_attempt_at=at, polled_until=at)
    assert the_order(order_id).parked_with == ""
    assert health.watch(now=began + 30 * 60 * minute) == denied


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


def test_who_calls_an_order_invalid_and_never_comes_again_has_24_hours_from_when_it_is_offered_anew(
    scene: Scene,
) -> None:
    order_id, began = a_refused_order(scene)
    # An hour until it was refused, an hour with us, and 23 in which nobody came for it.
    assert health.watch(now=began + timedelta(hours=24, minutes=55)) == 0
    assert health.watch(now=began + timedelta(hours=25, minutes=5)) == 1
    breach = Breach.objects.get()
    assert (breach.kind, breach.about) == ("acknowledge", str(order_id))


def test_who_comes_for_it_and_calls_it_invalid_once_more_waited_for_us(scene: Scene) -> None:
    order_id, began = a_refused_order(scene)
    refuse(scene, order_id, began + timedelta(hours=24))
    for hours in (25, 36, 47):
        assert health.watch(now=began + timedelta(hours=hours)) == 0
    assert health.watch(now=began + timedelta(hours=48, minutes=5)) == 1


def test_nobody_settles_or_sees_another_partner_s_orders(scene: Scene) -> None:
    other = a_scene(scene.outside, "NorthLink")
    (order_id,) = stop_all(other.a_line())
    assert sets(scene, ack=[jti(order_id)], setErrs={jti(order_id): {"err": "invalid_key"}}) == {}
    assert the_order(order_id).state == State.QUEUED


def test_a_partner_without_an_address_polls(scene: Scene) -> None:
    move_endpoints(scene.contract, endpoint_url="")
    (order_id,) = stop_all(scene.a_line())
    assert list(sets(scene)) == [jti(order_id)]


@pytest.mark.parametrize("body", [{"maxEvents": -1}, {"maxEvents": "x"}, {"ack": "x"}, {"setErrs": {"x": {}}}])
def test_a_question_that_can_t_be_read(scene: Scene, body: dict[str, object]) -> None:
    status, answer = ask(scene, body)
    assert (status, answer["err"]) == (400, "invalid_request")


def test_another_scope_does_not_poll(scene: Scene) -> None:
    assert ask(scene, {}, "receipts:write")[0] == 403


def test_the_configuration_names_what_there_is() -> None:
    about = Http().get("/.well-known/ssf-configuration").json()
    assert about["spec_version"] == "1_0"
    assert about["default_subjects"] == "ALL"
    assert about["critical_subject_members"] == ["group"]
    assert about["delivery_methods_supported"] == ["urn:ietf:rfc:8935", "urn:ietf:rfc:8936"]
