"""A partner manages its own stream: the management API of SSF 1.0, seen by a receiver that knows the standard alone."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.conf import settings
from pytest_django import Settings

from accounts.primitives.sealing import unseal
from accounts.queries import StaffOnly
from audit.models import AuditEvent
from partners.models import Contract, Party
from partners.policies.lifecycle import NotNow
from revocations.actions.streams import enable_stream, pause_stream
from revocations.domain import streams
from revocations.domain.streams import CONTRACTS_OWN, MIN_VERIFICATION_INTERVAL, Endpoint
from revocations.models import Stream, StreamEvent
from tests.factories import a_contract, a_party
from tests.revocations.receiver import POLL, PUSH, Answer, Receiver, a_receiver, a_token_of
from tests.staff import an_actor

pytestmark = pytest.mark.django_db
NOW = datetime.now(UTC)
OURS = f"{settings.BASE_URL}/schemas/secevent/consent/event-type/"
BOTH = [f"{OURS}consent-change", f"{OURS}cohort-revoked", f"{OURS}evidence-request"]
ADDRESS = "https://events.geobridge.example/ssf"


@pytest.fixture
def party() -> Party:
    return a_party("GeoBridge")


@pytest.fixture
def contract(party: Party) -> Contract:
    return a_contract(party, endpoint_url=ADDRESS, hosts=["second.geobridge.example:8443"])


@pytest.fixture
def receiver(party: Party, contract: Contract) -> Receiver:
    return a_receiver(party)


def pushed(url: str = ADDRESS, **more: str) -> dict[str, Any]:
    return {"delivery": {"method": PUSH, "endpoint_url": url, **more}}


def refused(answer: Answer, status: int) -> bool:
    assert set(answer.body) == {"err", "description"}
    assert answer.headers["Content-Language"] == "en"
    return answer.status == status


def make(receiver: Receiver, **wanted: object) -> str:
    """The id of a new stream."""
    return str(receiver.streams("POST", wanted).body["stream_id"])


def endpoint_of(party: Party) -> Endpoint:
    return streams.endpoints(party_ids=[party.pk])[party.pk]


def test_the_configuration_says_where_everything_is(receiver: Receiver) -> None:
    assert receiver.about() == {
        "spec_version": "1_0",
        "issuer": settings.BASE_URL,
        "jwks_uri": f"{settings.BASE_URL}/.well-known/jwks.json",
        "delivery_methods_supported": [PUSH, POLL],
        "configuration_endpoint": f"{settings.BASE_URL}/ssf/streams",
        "status_endpoint": f"{settings.BASE_URL}/ssf/status",
        "verification_endpoint": f"{settings.BASE_URL}/ssf/verify",
        "critical_subject_members": ["group"],
        "default_subjects": "ALL",
        "authorization_schemes": [{"spec_urn": "urn:ietf:rfc:6749"}],
        "signing_alg_values_supported": ["ES256", "RS256"],
    }


def test_a_new_stream_polls_unless_it_says_where_to_push(receiver: Receiver) -> None:
    answer = receiver.streams("POST", {})
    assert answer.status == 201
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.body == {
        "stream_id": str(Stream.objects.get().id),
        "iss": settings.BASE_URL,
        "aud": receiver.party.uri,
        "delivery": {"method": POLL, "endpoint_url": f"{settings.BASE_URL}/ssf/poll"},
        "events_supported": BOTH,
        "events_delivered": BOTH,
        "min_verification_interval": 30,
        "signing_alg": "ES256",
    }


def test_a_stream_is_made_read_changed_replaced_and_deleted(receiver: Receiver) -> None:
    wanted = {**pushed(), "events_requested": [*BOTH, "urn:example:other"], "description": "Main"}
    made = receiver.streams("POST", wanted)
    assert made.status == 201
    assert made.body["events_requested"] == [*BOTH, "urn:example:other"]
    assert made.body["events_delivered"] == BOTH
    stream_id = made.body["stream_id"]
    assert receiver.streams("GET", stream_id=stream_id).seen == (200, made.body)
    assert receiver.streams("GET").seen == (200, [made.body])

    changed = receiver.streams("PATCH", {"stream_id": stream_id, "description": "Other"})
    assert changed.seen == (200, {**made.body, "description": "Other"})
    read_modified = {**changed.body, "description": "Third"}
    assert receiver.streams("PUT", read_modified).seen == (200, read_modified)
    bare = receiver.streams("PUT", {"stream_id": stream_id, **pushed()})
    assert bare.status == 200
    assert {"description", "events_requested"}.isdisjoint(bare.body)

    assert receiver.streams("DELETE", stream_id=stream_id).seen == (204, None)
    assert receiver.streams("GET").seen == (200, [])
    assert refused(receiver.streams("GET", stream_id=stream_id), 404)
    verbs = AuditEvent.objects.filter(target=f"stream:{stream_id}").order_by("id").values_list("action", "actor")
    assert list(verbs) == [
        (f"stream.{verb}", f"partner:{receiver.party.pk}")
        for verb in ("created", "changed", "changed", "changed", "deleted")
    ]


def test_a_stream_may_not_leave_out_stops_or_ended_agreements(receiver: Receiver) -> None:
    def leaves_out(method: str, stream_id: str = "") -> None:
        for events in ([BOTH[0]], [BOTH[1]], [], ["urn:example:other"]):
            answer = receiver.streams(method, {"stream_id": stream_id, "events_requested": events})
            assert refused(answer, 400)
            assert (answer.body["err"], "leaves out" in answer.body["description"]) == ("invalid_request", True)

    leaves_out("POST")
    stream_id = make(receiver)
    for method in ("PATCH", "PUT"):
        leaves_out(method, stream_id)
    # There is one stream for each partner.
    assert refused(receiver.streams("POST", {}), 409)
    assert a_receiver(a_party("TrackHub")).streams("POST", {}).status == 201
    assert Stream.objects.count() == 2


NOWHERE = (
    "https://elsewhere.example/ssf", "https://second.geobridge.example/", "https://events.geobridge.example:8443/",
    "https://events.geobridge.example.elsewhere.example/", "http://events.geobridge.example/ssf",
    "https://me:secret@events.geobridge.example/ssf", "https://events.geobridge.example/ssf x",
    "https://[events.geobridge.example/ssf", "https://events.geobridge.example:99999/ssf", "http://127.0.0.1:9000/",
    "https:///ssf", "events.geobridge.example", "", None,
)  # fmt: skip


def test_events_are_pushed_to_hosts_of_the_agreement_alone(receiver: Receiver, settings: Settings) -> None:
    for nowhere in NOWHERE:
        assert refused(receiver.streams("POST", {"delivery": {"method": PUSH, "endpoint_url": nowhere}}), 400), nowhere
    assert Stream.objects.count() == 0
    drafted = a_party("TrackHub")
    a_contract(drafted, endpoint_url=ADDRESS, is_draft=True)
    assert refused(a_receiver(drafted).streams("POST", pushed()), 400)
    settings.DOOR_OUT_LOOPBACK = True
    for url in (
        ADDRESS, "https://events.geobridge.example/other", "https://second.geobridge.example:8443/",
        # This machine is reached only where the door out may.
        "http://127.0.0.1:9000/",
    ):  # fmt: skip
        answer = receiver.streams("POST", pushed(url))
        assert (answer.status, answer.body["delivery"]) == (201, {"method": PUSH, "endpoint_url": url})
        receiver.streams("DELETE", stream_id=answer.body["stream_id"])


def test_the_header_for_pushes_is_kept_sealed_and_not_shown(receiver: Receiver) -> None:
    for header in ("Bearer x\r\nX-Other: y", "Bearer é", "Bearer x\n", "a\x00b", "x" * 4001):
        assert refused(receiver.streams("POST", pushed(authorization_header=header)), 400), header
    made = receiver.streams("POST", pushed(authorization_header="Bearer s3cret"))
    stream = Stream.objects.get()
    assert stream.authorization_sealed is not None
    assert b"s3cret" not in bytes(stream.authorization_sealed)
    assert unseal(bytes(stream.authorization_sealed)) == "Bearer s3cret"
    assert "s3cret" not in str(made.body)
    assert "s3cret" not in str(receiver.streams("GET").body)
    assert not AuditEvent.objects.filter(detail__icontains="s3cret").exists()
    assert endpoint_of(receiver.party) == Endpoint(pushed=True, url=ADDRESS, authorization="Bearer s3cret")
    # A patch keeps it, and a put without it drops it.
    named = {"stream_id": made.body["stream_id"]}
    receiver.streams("PATCH", {**named, **pushed("https://second.geobridge.example:8443/")})
    assert Stream.objects.get().authorization_sealed is not None
    receiver.streams("PUT", {**named, **pushed()})
    assert Stream.objects.get().authorization_sealed is None


NO_CONFIGURATION: tuple[object, ...] = (
    "", "{", "[]", "null", {"delivery": {"method": "urn:example:carrier-pigeon"}}, {"delivery": {}},
    {"delivery": None}, {"events_requested": "all"}, {"events_requested": [7]}, {"events_requested": ["x"] * 101},
    {"description": 7}, {"description": "\x00"}, {"signing_alg": "HS256"}, {"signing_alg": "none"}, "[" * 100_000,
    {"iss": "https://other.example"}, {"delivery": {"method": POLL, "endpoint_url": "https://other.example/poll"}},
)  # fmt: skip


def test_what_is_no_configuration_is_refused(receiver: Receiver) -> None:
    for body in NO_CONFIGURATION:
        assert refused(receiver.streams("POST", body), 400), body
    assert receiver.streams("GET").body == []
    # A long description is cut, and RS256 is had by whoever knows that alone.
    made = receiver.streams("POST", {"description": "é" * 1000, "signing_alg": "RS256"}).body
    assert (made["description"], made["signing_alg"]) == ("é" * 300, "RS256")
    assert endpoint_of(receiver.party).algorithm == "RS256"
    assert receiver.streams("PUT", {"stream_id": made["stream_id"]}).body["signing_alg"] == "ES256"


OURS_TO_SAY: tuple[tuple[str, object], ...] = (
    ("iss", "https://elsewhere.example"), ("aud", "https://elsewhere.example"),
    ("aud", ["https://geobridge.example", "https://elsewhere.example"]), ("events_supported", []),
    ("events_delivered", [BOTH[0]]), ("min_verification_interval", 1),
    ("delivery", {"method": POLL, "endpoint_url": "https://elsewhere.example/poll"}),
)  # fmt: skip


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
def test_what_is_ours_to_say_must_be_as_it_is(receiver: Receiver, method: str) -> None:
    made = receiver.streams("POST", {}).body
    for name, value in OURS_TO_SAY:
        assert refused(receiver.streams(method, {**made, name: value}), 400), name
    assert receiver.streams(method, {**made, "aud": [receiver.party.uri]}).seen == (200, made)


def test_another_s_stream_and_one_that_never_was_are_unknown(receiver: Receiver) -> None:
    theirs = make(a_receiver(a_party("TrackHub")))
    make(receiver)
    for unknown in ("0b0a5d34-5d11-4d0c-9a3e-5b7f6c1d2e3f", "", "x", "\x00", theirs):
        named = {"stream_id": unknown}
        answers = [
            receiver.streams("PATCH", named), receiver.streams("PUT", named), receiver.verify(named),
            receiver.status("POST", {**named, "status": "paused"}),
        ]  # fmt: skip
        is_text = unknown != "\x00"
        if is_text:
            answers += [receiver.streams(method, stream_id=unknown) for method in ("GET", "DELETE")]
            answers.append(receiver.status("GET", stream_id=unknown))
        assert all(refused(answer, 404 if is_text else 400) for answer in answers)
    for answer in (receiver.streams("PATCH", {}), receiver.streams("DELETE"), receiver.status("GET")):
        assert refused(answer, 404)
    assert Stream.objects.count() == 2


def test_the_status_is_the_partner_s_own_word(receiver: Receiver) -> None:
    stream_id, since = make(receiver), None
    assert receiver.status("GET", stream_id=stream_id).seen == (200, {"stream_id": stream_id, "status": "enabled"})
    for status in ("paused", "disabled", "enabled"):
        wanted = {"stream_id": stream_id, "status": status, "reason": "moving house"}
        assert receiver.status("POST", wanted).seen == (200, wanted)
        assert receiver.status("GET", stream_id=stream_id).seen == (200, wanted)
        assert endpoint_of(receiver.party).enabled is (status == "enabled")
        # Since when it is not enabled does not move from paused to disabled.
        since = Stream.objects.get().status_at if status == "paused" else since
        assert (Stream.objects.get().status_at == since) is (status != "enabled")
    assert StreamEvent.objects.count() == 0
    made = AuditEvent.objects.filter(target=f"stream:{stream_id}").order_by("id").values_list("action", "reason")
    assert list(made)[1:] == [(f"stream.{status}", "moving house") for status in ("paused", "disabled", "enabled")]
    for other in ("off", "", None, 1):
        assert refused(receiver.status("POST", {"stream_id": stream_id, "status": other}), 400)
    # Officers read it: nothing in it may turn the words around it.
    receiver.status("POST", {"stream_id": stream_id, "status": "paused", "reason": "\u202ewell\n\x07"})
    assert receiver.status("GET", stream_id=stream_id).seen[1] == {
        "stream_id": stream_id, "status": "paused", "reason": " well  ",
    }  # fmt: skip
    # Once it is deleted, the contract's address counts again.
    assert endpoint_of(receiver.party).pushed is False
    receiver.streams("DELETE", stream_id=stream_id)
    assert endpoint_of(receiver.party) == CONTRACTS_OWN


def test_what_an_officer_paused_the_partner_may_not_enable(receiver: Receiver) -> None:
    stream_id = make(receiver)
    pause_stream(party_id=receiver.party.pk, actor=an_actor(), reason="keys were seen in a log", at=NOW)
    said = {"stream_id": stream_id, "status": "paused", "reason": "keys were seen in a log"}
    assert receiver.status("GET", stream_id=stream_id).seen == (200, said)
    for status in ("enabled", "paused", "disabled"):
        answer = receiver.status("POST", {"stream_id": stream_id, "status": status})
        assert refused(answer, 403)
        assert answer.body["err"] == "access_denied"
    assert refused(receiver.streams("DELETE", stream_id=stream_id), 403)
    assert Stream.objects.get().status == "paused"
    enable_stream(party_id=receiver.party.pk, actor=an_actor(), reason="new keys", at=NOW)
    assert receiver.status("POST", {"stream_id": stream_id, "status": "paused"}).status == 200
    assert receiver.status("POST", {"stream_id": stream_id, "status": "enabled"}).status == 200


def test_streams_are_stopped_by_officers_alone_who_say_why(receiver: Receiver) -> None:
    make(receiver)
    before = Stream.objects.values().get()
    for verb in (pause_stream, enable_stream):
        for actor in (*map(an_actor, ("agent", "auditor", "legal", "subscriber")), "system:delivery", "officer:0"):
            with pytest.raises(StaffOnly):
                verb(party_id=receiver.party.pk, actor=actor, reason="Due", at=NOW)
        with pytest.raises(NotNow, match="Say why"):
            verb(party_id=receiver.party.pk, actor=an_actor(), reason=" ", at=NOW)
    assert Stream.objects.values().get() == before


def test_the_partner_is_told_what_we_changed(receiver: Receiver) -> None:
    stream_id = make(receiver)
    officer = an_actor()
    for _ in range(2):
        pause_stream(party_id=receiver.party.pk, actor=officer, reason="seen in a log", at=NOW)
    enable_stream(party_id=receiver.party.pk, actor=officer, reason="new keys", at=NOW)
    told = [event.claims for event in StreamEvent.objects.filter(kind="stream-updated")]
    assert [one["sub_id"] for one in told] == [{"format": "opaque", "id": stream_id}] * 2
    assert sorted((one["event"] for one in told), key=lambda event: str(event["status"])) == [
        {"status": "enabled", "reason": "new keys"},
        {"status": "paused", "reason": "seen in a log"},
    ]
    written = AuditEvent.objects.filter(target=f"stream:{stream_id}").order_by("id").values_list("action", "actor")
    assert list(written)[1:] == [("stream.paused", officer), ("stream.enabled", officer)]


@pytest.mark.parametrize(("url", "method"), [(ADDRESS, PUSH), ("", POLL)])
def test_a_partner_without_a_stream_can_be_paused_too(party: Party, url: str, method: str) -> None:
    a_contract(party, endpoint_url=url)
    pause_stream(party_id=party.pk, actor=an_actor(), reason="broken", at=NOW)
    (shown,) = a_receiver(party).streams("GET").body
    assert (shown["delivery"]["method"], Stream.objects.get().status) == (method, "paused")
    assert endpoint_of(party).enabled is False


def test_verifications_are_limited_to_the_interval_that_was_named(receiver: Receiver) -> None:
    stream_id = make(receiver)
    for state in (7, "x" * 1001, "\x00", ["x"]):
        assert refused(receiver.verify({"stream_id": stream_id, "state": state}), 400)
    assert StreamEvent.objects.count() == 0
    answer = receiver.verify({"stream_id": stream_id, "state": "VGhpcyBpcyBh"})
    assert (answer.seen, answer.headers["Cache-Control"]) == ((204, None), "no-store")
    first = StreamEvent.objects.get()
    assert (first.kind, first.state, first.party_id) == ("verification", "queued", receiver.party.pk)
    assert first.claims["sub_id"] == {"format": "opaque", "id": stream_id}
    assert first.claims["event"] == {"state": "VGhpcyBpcyBh"}
    too_soon = receiver.verify({"stream_id": stream_id})
    assert refused(too_soon, 429)
    assert too_soon.headers["Retry-After"] == "30"
    assert a_receiver(a_party("TrackHub")).streams("POST", {}).status == 201
    for seconds, status in ((MIN_VERIFICATION_INTERVAL - 0.001, 429), (MIN_VERIFICATION_INTERVAL, 204)):
        with time_machine.travel(first.queued_at + timedelta(seconds=seconds), tick=False):
            assert receiver.verify({"stream_id": stream_id, "state": ""}).status == status
    assert StreamEvent.objects.exclude(pk=first.pk).get().claims["event"] == {"state": ""}


def test_each_door_takes_its_scope_and_method(receiver: Receiver) -> None:
    for scope, answers in (
        ("ssf.read", [200, 200, 403, 403, 403, 403, 403, 403]),
        ("receipts:write", [403] * 8),
        ("ssf.manage", [200, 200, 409, 200, 200, 200, 204, 204]),
    ):
        receiver.token = a_token_of(receiver.party, "ssf.manage")
        stream_id = Stream.objects.first() or make(receiver)
        named = {"stream_id": str(getattr(stream_id, "id", stream_id))}
        receiver.token = a_token_of(receiver.party, scope)
        assert [
            receiver.streams("GET").status, receiver.status("GET", **named).status, receiver.streams("POST", {}).status,
            receiver.streams("PATCH", named).status, receiver.streams("PUT", named).status,
            receiver.status("POST", {**named, "status": "enabled"}).status, receiver.verify(named).status,
            receiver.streams("DELETE", **named).status,
        ] == answers  # fmt: skip
    for method in ("GET", "POST", "PATCH", "PUT", "DELETE"):
        answer = receiver.call(method, "/ssf/streams", {}, token="x")
        assert (answer.status, answer.body["err"]) == (401, "authentication_failed")
        assert answer.headers["WWW-Authenticate"].startswith("Bearer ")
    for method, url in (("DELETE", "/ssf/status"), ("GET", "/ssf/verify"), ("OPTIONS", "/ssf/streams")):
        assert receiver.call(method, url).status == 405
