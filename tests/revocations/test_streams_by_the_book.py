"""A receiver that knows SSF 1.0, RFC 8935 and RFC 8936 alone: from its first request to its last acknowledgement."""

from datetime import timedelta

import pytest
from django.conf import settings

from audit.queries import database_clock
from revocations.actions.streams import enable_stream, pause_stream
from revocations.models import Order, Stream
from revocations.workers import verification
from revocations.workers.delivery import delivery_rounds
from tests.partners.outside import Answer
from tests.revocations.receiver import POLL, PUSH, SSF, Receiver, a_receiver
from tests.revocations.scenes import CHANGE, Scene, stop_all
from tests.staff import an_actor

pytestmark = pytest.mark.usefixtures("committed_db", "no_broker")


@pytest.fixture
def receiver(scene: Scene) -> Receiver:
    return a_receiver(scene.party)


def push_what_is_due(*, after: timedelta = timedelta(0)) -> None:
    delivery_rounds.sweep(now=database_clock() + after)


def pushes(receiver: Receiver, scene: Scene) -> str:
    """The id of a stream that is pushed to at an address of its own."""
    address = f"{scene.outside.url}/in"
    made = receiver.streams("POST", {"delivery": {"method": PUSH, "endpoint_url": address}})
    return str(made.body["stream_id"])


def test_by_polling(scene: Scene, receiver: Receiver) -> None:
    about = receiver.about()
    made = receiver.streams("POST", {"delivery": {"method": POLL}, "events_requested": about_events(receiver)})
    assert made.status == 201
    assert made.body["events_delivered"] == about_events(receiver)
    assert made.body["iss"] == about["issuer"]
    stream_id, poll_at = made.body["stream_id"], made.body["delivery"]["endpoint_url"]

    assert receiver.poll(poll_at) == {}
    assert receiver.verify({"stream_id": stream_id, "state": "one-two"}).status == 204
    push_what_is_due()
    assert scene.outside.posted == []
    ((jti, claims),) = receiver.poll(poll_at).items()
    assert claims["jti"] == jti
    assert claims["sub_id"] == {"format": "opaque", "id": stream_id}
    assert claims["events"] == {f"{SSF}verification": {"state": "one-two"}}
    assert receiver.poll(poll_at, ack=[jti]) == {}

    verification.mark_verified(now=database_clock())
    stream = Stream.objects.get()
    assert stream.verified_at is not None
    assert receiver.status("GET", stream_id=stream_id).body == {"stream_id": stream_id, "status": "enabled"}

    (order_id,) = stop_all(scene.a_line())
    ((jti, claims),) = receiver.poll(poll_at).items()
    assert list(claims["events"]) == [CHANGE]
    assert receiver.poll(poll_at, ack=[jti]) == {}
    assert Order.objects.get(id=order_id).state == "acknowledged"


def test_by_pushing_with_a_header_of_its_own_and_rs256(scene: Scene, receiver: Receiver) -> None:
    address = f"{scene.outside.url}/in"
    wanted = {
        "delivery": {"method": PUSH, "endpoint_url": address, "authorization_header": "Bearer mine"},
        "signing_alg": "RS256",
    }
    stream_id = receiver.streams("POST", wanted).body["stream_id"]
    assert receiver.verify({"stream_id": stream_id, "state": "three"}).status == 204
    push_what_is_due()
    (asked,) = scene.outside.posted
    assert (asked.path, asked.headers["Authorization"]) == ("/in", "Bearer mine")
    assert asked.headers["Content-Type"] == "application/secevent+jwt"
    claims = receiver.believed(asked.body.decode())
    assert claims["events"] == {f"{SSF}verification": {"state": "three"}}
    verification.mark_verified(now=database_clock())
    assert Stream.objects.get().verified_at is not None

    stop_all(scene.a_line())
    push_what_is_due()
    assert list(receiver.believed(scene.outside.posted[-1].body.decode())["events"]) == [CHANGE]


def test_paused_by_itself_or_an_officer_nothing_is_lost(scene: Scene, receiver: Receiver) -> None:
    stream_id = pushes(receiver, scene)
    receiver.status("POST", {"stream_id": stream_id, "status": "paused", "reason": "moving house"})
    stop_all(scene.a_line())
    push_what_is_due(after=timedelta(minutes=1))
    assert scene.outside.posted == []
    receiver.status("POST", {"stream_id": stream_id, "status": "enabled"})
    at = database_clock()
    pause_stream(party_id=scene.party.pk, actor=an_actor(), reason="keys were seen in a log", at=at)
    push_what_is_due(after=timedelta(minutes=1))
    told = [receiver.believed(asked.body.decode()) for asked in scene.outside.posted]
    assert [claims["sub_id"] for claims in told] == [{"format": "opaque", "id": stream_id}]
    assert told[0]["events"] == {f"{SSF}stream-updated": {"status": "paused", "reason": "keys were seen in a log"}}
    enable_stream(party_id=scene.party.pk, actor=an_actor(), reason="new keys", at=at)
    push_what_is_due(after=timedelta(minutes=2))
    names = [next(iter(receiver.believed(asked.body.decode())["events"])) for asked in scene.outside.posted]
    assert names == [f"{SSF}stream-updated", f"{SSF}stream-updated", CHANGE]
    assert Order.objects.get().state == "acknowledged"


def test_a_partner_that_answers_410_enables_itself_again(scene: Scene, receiver: Receiver) -> None:
    stream_id = pushes(receiver, scene)
    scene.outside.answers.append(Answer(410))
    stop_all(scene.a_line())
    push_what_is_due()
    assert receiver.status("GET", stream_id=stream_id).body["status"] == "paused"
    names = [next(iter(claims["events"])) for claims in receiver.poll(f"{settings.BASE_URL}/ssf/poll").values()]
    assert f"{SSF}stream-updated" in names

    stop_all(scene.a_line())
    push_what_is_due(after=timedelta(minutes=1))
    names = [next(iter(receiver.believed(asked.body.decode())["events"])) for asked in scene.outside.posted]
    assert names == [CHANGE, f"{SSF}stream-updated"]
    enabled = {"stream_id": stream_id, "status": "enabled", "reason": "It was a slip."}
    assert receiver.status("POST", enabled).seen == (200, enabled)
    push_what_is_due(after=timedelta(minutes=16))
    assert set(Order.objects.values_list("state", flat=True)) == {"acknowledged"}


def test_a_partner_that_answered_410_may_move(scene: Scene, receiver: Receiver) -> None:
    scene.outside.answers.append(Answer(410))
    stop_all(scene.a_line())
    push_what_is_due()
    (shown,) = receiver.streams("GET").body
    assert Stream.objects.get().status == "paused"
    named = {"stream_id": shown["stream_id"]}
    # An officer's pause over it is not the partner's to undo.
    pause_stream(party_id=scene.party.pk, actor=an_actor(), reason="not for good", at=database_clock())
    assert receiver.status("POST", {**named, "status": "enabled"}).status == 403
    assert receiver.streams("DELETE", **named).status == 403
    enable_stream(party_id=scene.party.pk, actor=an_actor(), reason="it is well", at=database_clock())
    moved = {**named, "delivery": {"method": PUSH, "endpoint_url": f"{scene.outside.url}/moved"}}
    assert receiver.streams("PATCH", moved).status == 200
    assert receiver.status("POST", {**named, "status": "enabled"}).status == 200
    push_what_is_due(after=timedelta(minutes=16))
    assert scene.outside.posted[-1].path == "/moved"

    scene.outside.answers.append(Answer(410))
    stop_all(scene.a_line())
    push_what_is_due(after=timedelta(minutes=17))
    assert Stream.objects.get().status == "paused"
    assert receiver.streams("DELETE", **named).status == 204
    push_what_is_due(after=timedelta(minutes=33))
    assert scene.outside.posted[-1].path == f"/{scene.party.pk}/events"
    assert set(Order.objects.values_list("state", flat=True)) == {"acknowledged"}


def about_events(receiver: Receiver) -> list[str]:
    base = receiver.about()["issuer"]
    return [f"{base}/schemas/secevent/consent/event-type/{name}" for name in ("consent-change", "cohort-revoked")]
