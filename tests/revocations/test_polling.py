"""Orders fetched by a partner that polls."""

import json
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from uuid import UUID

import pytest
from django.core.cache import cache
from django.test import Client as Http

from audit.queries import database_clock
from partners.actions import issue_access_token, register_client
from partners.models import Client, Contract
from revocations import actions, delivery
from revocations.delivery import claims
from revocations.delivery.clock import Clock
from revocations.delivery.verdicts import PARKED_FOR
from revocations.models import Attempt, Order, State, Stream, StreamEvent
from revocations.streams import StreamWanted
from tests.factories import a_line
from tests.partners.outside import Answer, Outside
from tests.revocations.scenes import Scene, a_scene, allow, claims_of, event_of, stop_all, the_order
from tests.staff import an_actor

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_broker")]


@pytest.fixture
def scene(outside: Outside) -> Scene:
    return a_scene(outside)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits in these tests but where one says so."""
    monkeypatch.setattr("revocations.delivery.polling.LONGEST_WAIT", timedelta(0))


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
    return actions.queue_event(party_id=scene.party.pk, kind=kind, sub_id=subject, event={}, at=database_clock())


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
    assert dict(delivery.sweep(now=now)) == {}
    assert dict(delivery.sweep(now=now + delivery.LEASE)) == {"acknowledged": 1}
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
    return set(actions.poll(party=scene.party, limit=100, acknowledged=ack, errors=refused, at=at).sets)


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
    assert len(claims.claim(party_id=scene.party.pk, clock=Clock(now))) == 1
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
    found = actions.poll(party=scene.party, limit=9, acknowledged=[], errors={}, at=now, since=since)
    assert set(found.sets) == {jti(order_id)}


def test_who_waits_is_given_what_rested_when_its_time_comes(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("revocations.delivery.polling.LONGEST_WAIT", timedelta(seconds=20))
    (order_id,) = stop_all(scene.a_line())
    now = database_clock()
    polled(scene, at=now)
    almost = now + delivery.LEASE - timedelta(milliseconds=1)
    found = delivery.offer(party_id=scene.party.pk, limit=9, now=almost, wait=timedelta(seconds=20))
    assert set(found.sets) == {jti(order_id)}


@pytest.mark.parametrize("status", [Stream.Status.PAUSED, Stream.Status.DISABLED])
def test_a_stream_that_the_partner_itself_does_not_want_hands_out_nothing_until_it_is_enabled(
    scene: Scene, status: Stream.Status
) -> None:
    now = database_clock()
    (known,), (unknown,) = stop_all(scene.a_line()), stop_all(scene.a_line())
    assert polled(scene, at=now) == {jti(known), jti(unknown)}
    made = actions.create_stream(party=scene.party, wanted=StreamWanted(), at=now)
    stream_id = str(made["stream_id"])
    actions.set_status(party=scene.party, stream_id=stream_id, status=status, reason="", at=now)
    later = now + timedelta(minutes=5)
    found = actions.poll(party=scene.party, limit=9, acknowledged=[jti(known)], errors={}, at=later)
    assert (dict(found.sets), found.more) == ({}, False)
    # What it says of earlier answers is heard all the same.
    assert the_order(known).state == State.ACKNOWLEDGED
    actions.set_status(party=scene.party, stream_id=stream_id, status=Stream.Status.ENABLED, reason="", at=later)
    assert polled(scene, at=later) == {jti(unknown)}


def test_what_an_officer_paused_is_polled_all_the_same(scene: Scene) -> None:
    (order_id,) = stop_all(scene.a_line())
    now = database_clock()
    actions.pause_stream(party_id=scene.party.pk, actor=an_actor(), reason="their address is down", at=now)
    (updated,) = StreamEvent.objects.values_list("jti", flat=True)
    assert polled(scene, at=now) == {jti(order_id), updated}


def test_what_a_410_paused_is_polled_all_the_same(scene: Scene) -> None:
    scene.outside.answers = [Answer(410)]
    (order_id,) = stop_all(scene.a_line())
    now = database_clock()
    # What tells the partner that its stream is paused may go out in the same sweep.
    assert delivery.sweep(now=now)["gone"] == 1
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


def test_nobody_settles_or_sees_another_partner_s_orders(scene: Scene) -> None:
    other = a_scene(scene.outside, "NorthLink")
    (order_id,) = stop_all(other.a_line())
    assert sets(scene, ack=[jti(order_id)], setErrs={jti(order_id): {"err": "invalid_key"}}) == {}
    assert the_order(order_id).state == State.QUEUED


def test_a_partner_without_an_address_polls(scene: Scene) -> None:
    Contract.objects.update(endpoint_url="")
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
