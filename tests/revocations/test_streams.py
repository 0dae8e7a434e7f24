"""A partner manages its own stream: the management API of SSF 1.0, seen by a receiver that knows the standard alone."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.conf import settings
from pytest_django import Settings

from accounts.primitives.sealing import unseal
from accounts.queries import NotForThem
from audit.models import AuditEvent
from partners.models import Client, Contract, Party
from partners.policies.lifecycle import NotNow
from revocations.actions.streams import enable_stream, pause_stream
from revocations.domain.streams import endpoints
from revocations.domain.streams.endpoints import CONTRACTS_OWN, Endpoint
from revocations.domain.streams.representation import MIN_VERIFICATION_INTERVAL
from revocations.models import Stream, StreamEvent
from tests.factories import a_contract, a_party
from tests.revocations.receiver import POLL, PUSH, Answer, Receiver, a_receiver, a_token
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


def test_there_is_one_stream_for_each_partner(receiver: Receiver) -> None:
    assert receiver.streams("POST", {}).status == 201
    assert refused(receiver.streams("POST", {}), 409)
    assert a_receiver(a_party("TrackHub")).streams("POST", {}).status == 201
    assert Stream.objects.count() == 2


@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT"])
@pytest.mark.parametrize("events", [[BOTH[0]], [BOTH[1]], [], ["urn:example:other"]])
def test_a_stream_may_not_leave_out_stops_or_ended_agreements(
    receiver: Receiver, method: str, events: list[str]
) -> None:
    stream_id = "" if method == "POST" else receiver.streams("POST", {}).body["stream_id"]
    answer = receiver.streams(method, {"stream_id": stream_id, "events_requested": events})
    assert refused(answer, 400)
    assert answer.body["err"] == "invalid_request"
    assert "leaves out" in answer.body["description"]


@pytest.mark.parametrize(
    "url", [ADDRESS, "https://events.geobridge.example/other", "https://second.geobridge.example:8443/"]
)
def test_events_are_pushed_to_hosts_of_the_agreement(receiver: Receiver, url: str) -> None:
    answer = receiver.streams("POST", pushed(url))
    assert (answer.status, answer.body["delivery"]) == (201, {"method": PUSH, "endpoint_url": url})


@pytest.mark.parametrize(
    "url",
    [
        "https://elsewhere.example/ssf",
        "https://second.geobridge.example/",
        "https://events.geobridge.example:8443/",
        "https://events.geobridge.example.elsewhere.example/",
        "http://events.geobridge.example/ssf",
        "https://me:secret@events.geobridge.example/ssf",
        "https://events.geobridge.example/ssf x",
        "https://[events.geobridge.example/ssf",
        "https://events.geobridge.example:99999/ssf",
        "http://127.0.0.1:9000/",
        "https:///ssf",
        "events.geobridge.example",
        "",
        None,
    ],
)
def test_events_are_pushed_nowhere_else(receiver: Receiver, url: str | None) -> None:
    answer = receiver.streams("POST", {"delivery": {"method": PUSH, "endpoint_url": url}})
    assert refused(answer, 400)
    assert Stream.objects.count() == 0


def test_a_draft_s_hosts_are_nobody_s(party: Party) -> None:
    a_contract(party, endpoint_url=ADDRESS, is_draft=True)
    assert refused(a_receiver(party).streams("POST", pushed()), 400)


def test_this_machine_is_reached_only_where_the_door_out_may(receiver: Receiver, settings: Settings) -> None:
    settings.DOOR_OUT_LOOPBACK = True
    assert receiver.streams("POST", pushed("http://127.0.0.1:9000/events")).status == 201


def test_the_header_for_pushes_is_kept_sealed_and_not_shown(receiver: Receiver) -> None:
    made = receiver.streams("POST", pushed(authorization_header="Bearer s3cret"))
    stream = Stream.objects.get()
    assert stream.authorization_sealed is not None
    assert b"s3cret" not in bytes(stream.authorization_sealed)
    assert unseal(bytes(stream.authorization_sealed)) == "Bearer s3cret"
    assert "s3cret" not in str(made.body)
    assert "s3cret" not in str(receiver.streams("GET").body)
    assert not AuditEvent.objects.filter(detail__icontains="s3cret").exists()
    assert endpoints.endpoints(party_ids=[receiver.party.pk])[receiver.party.pk] == Endpoint(
        pushed=True, url=ADDRESS, authorization="Bearer s3cret"
    )


def test_a_patch_keeps_the_header_and_a_put_without_it_drops_it(receiver: Receiver) -> None:
    stream_id = receiver.streams("POST", pushed(authorization_header="Bearer s3cret")).body["stream_id"]
    receiver.streams("PATCH", {"stream_id": stream_id, **pushed("https://second.geobridge.example:8443/")})
    assert Stream.objects.get().authorization_sealed is not None
    receiver.streams("PUT", {"stream_id": stream_id, **pushed()})
    assert Stream.objects.get().authorization_sealed is None


@pytest.mark.parametrize("header", ["Bearer x\r\nX-Other: y", "Bearer é", "Bearer x\n", "a\x00b", "x" * 4001])
def test_a_header_that_is_none_is_refused(receiver: Receiver, header: str) -> None:
    assert refused(receiver.streams("POST", pushed(authorization_header=header)), 400)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{",
        "[]",
        "null",
        {"delivery": {"method": "urn:example:carrier-pigeon"}},
        {"delivery": {}},
        {"delivery": None},
        {"events_requested": "all"},
        {"events_requested": [7]},
        {"events_requested": ["x"] * 101},
        {"description": 7},
        {"description": "\x00"},
        {"signing_alg": "HS256"},
        {"signing_alg": "none"},
        "[" * 100_000,
    ],
    ids=lambda body: str(body)[:40],
)
def test_what_is_no_configuration_is_refused(receiver: Receiver, body: object) -> None:
    assert refused(receiver.streams("POST", body), 400)
    assert Stream.objects.count() == 0


def test_a_long_description_is_cut(receiver: Receiver) -> None:
    assert receiver.streams("POST", {"description": "é" * 1000}).body["description"] == "é" * 300


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("iss", "https://elsewhere.example"),
        ("aud", "https://elsewhere.example"),
        ("aud", ["https://geobridge.example", "https://elsewhere.example"]),
        ("events_supported", []),
        ("events_delivered", [BOTH[0]]),
        ("min_verification_interval", 1),
        ("delivery", {"method": POLL, "endpoint_url": "https://elsewhere.example/poll"}),
    ],
)
def test_what_is_ours_to_say_must_be_as_it_is(receiver: Receiver, method: str, name: str, value: object) -> None:
    made = receiver.streams("POST", {}).body
    assert refused(receiver.streams(method, {**made, name: value}), 400)
    assert receiver.streams(method, {**made, "aud": [receiver.party.uri]}).seen == (200, made)


@pytest.mark.parametrize("stream_id", ["0b0a5d34-5d11-4d0c-9a3e-5b7f6c1d2e3f", "", "x", "\x00"])
def test_another_s_stream_and_one_that_never_was_are_unknown(receiver: Receiver, stream_id: str) -> None:
    theirs = a_receiver(a_party("TrackHub")).streams("POST", {}).body["stream_id"]
    receiver.streams("POST", {})
    for unknown in (stream_id, theirs):
        assert refused(receiver.streams("PATCH", {"stream_id": unknown}), 404)
        assert refused(receiver.streams("PUT", {"stream_id": unknown}), 404)
        assert refused(receiver.status("POST", {"stream_id": unknown, "status": "paused"}), 404)
        assert refused(receiver.verify({"stream_id": unknown}), 404)
        if unknown != "\x00":
            assert refused(receiver.streams("GET", stream_id=unknown), 404)
            assert refused(receiver.streams("DELETE", stream_id=unknown), 404)
            assert refused(receiver.status("GET", stream_id=unknown), 404)
    assert refused(receiver.streams("PATCH", {}), 404)
    assert refused(receiver.streams("DELETE"), 404)
    assert refused(receiver.status("GET"), 404)
    assert Stream.objects.count() == 2


def test_the_status_is_the_partner_s_own_word(receiver: Receiver) -> None:
    stream_id = receiver.streams("POST", {}).body["stream_id"]
    assert receiver.status("GET", stream_id=stream_id).seen == (200, {"stream_id": stream_id, "status": "enabled"})
    for status in ("paused", "disabled", "enabled"):
        wanted = {"stream_id": stream_id, "status": status, "reason": "moving house"}
        assert receiver.status("POST", wanted).seen == (200, wanted)
        assert receiver.status("GET", stream_id=stream_id).seen == (200, wanted)
        endpoint = endpoints.endpoints(party_ids=[receiver.party.pk])[receiver.party.pk]
        assert endpoint.enabled is (status == "enabled")
    assert StreamEvent.objects.count() == 0
    made = AuditEvent.objects.filter(target=f"stream:{stream_id}").order_by("id").values_list("action", "reason")
    assert list(made)[1:] == [(f"stream.{status}", "moving house") for status in ("paused", "disabled", "enabled")]


@pytest.mark.parametrize("status", ["off", "", None, 1])
def test_other_statuses_there_are_not(receiver: Receiver, status: object) -> None:
    stream_id = receiver.streams("POST", {}).body["stream_id"]
    assert refused(receiver.status("POST", {"stream_id": stream_id, "status": status}), 400)


def test_since_when_a_stream_is_not_enabled_does_not_move_from_paused_to_disabled(receiver: Receiver) -> None:
    stream_id = receiver.streams("POST", {}).body["stream_id"]
    receiver.status("POST", {"stream_id": stream_id, "status": "paused"})
    since = Stream.objects.get().status_at
    receiver.status("POST", {"stream_id": stream_id, "status": "disabled"})
    assert Stream.objects.get().status_at == since


def test_what_an_officer_paused_the_partner_may_not_enable(receiver: Receiver) -> None:
    stream_id = receiver.streams("POST", {}).body["stream_id"]
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


@pytest.mark.parametrize("verb", [pause_stream, enable_stream])
def test_a_stream_is_paused_and_enabled_by_officers_alone_who_say_why(
    receiver: Receiver, verb: Callable[..., None]
) -> None:
    receiver.streams("POST", {})
    before = Stream.objects.values().get()
    for actor in (*map(an_actor, ("agent", "auditor", "legal", "subscriber")), "system:delivery", "officer:0"):
        with pytest.raises(NotForThem):
            verb(party_id=receiver.party.pk, actor=actor, reason="r", at=NOW)
    with pytest.raises(NotNow, match="Say why"):
        verb(party_id=receiver.party.pk, actor=an_actor(), reason=" ", at=NOW)
    assert Stream.objects.values().get() == before


def test_the_partner_is_told_what_we_changed_and_by_name_of_its_stream(receiver: Receiver) -> None:
    stream_id = receiver.streams("POST", {}).body["stream_id"]
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
def test_a_partner_that_never_made_a_stream_can_be_paused_too(party: Party, url: str, method: str) -> None:
    a_contract(party, endpoint_url=url)
    pause_stream(party_id=party.pk, actor=an_actor(), reason="broken", at=NOW)
    (shown,) = a_receiver(party).streams("GET").body
    assert (shown["delivery"]["method"], Stream.objects.get().status) == (method, "paused")
    assert endpoints.endpoints(party_ids=[party.pk])[party.pk].enabled is False


def test_after_deleting_its_stream_the_contract_s_address_counts_again(receiver: Receiver) -> None:
    party_id = receiver.party.pk
    stream_id = receiver.streams("POST", {}).body["stream_id"]
    assert endpoints.endpoints(party_ids=[party_id])[party_id].pushed is False
    receiver.status("POST", {"stream_id": stream_id, "status": "disabled"})
    receiver.streams("DELETE", stream_id=stream_id)
    assert endpoints.endpoints(party_ids=[party_id])[party_id] == CONTRACTS_OWN


@pytest.mark.parametrize(
    "ours",
    [{"iss": "https://other.example"}, {"delivery": {"method": POLL, "endpoint_url": "https://other.example/poll"}}],
)
def test_what_is_ours_to_say_is_not_taken_in_a_new_stream_either(receiver: Receiver, ours: dict[str, Any]) -> None:
    assert refused(receiver.streams("POST", ours), 400)
    assert receiver.streams("GET").body == []


def test_a_receiver_that_knows_rs256_alone_gets_it(receiver: Receiver) -> None:
    made = receiver.streams("POST", {"signing_alg": "RS256"})
    assert made.body["signing_alg"] == "RS256"
    assert endpoints.endpoints(party_ids=[receiver.party.pk])[receiver.party.pk].algorithm == "RS256"
    back = receiver.streams("PUT", {"stream_id": made.body["stream_id"]})
    assert back.body["signing_alg"] == "ES256"


def test_a_verification_is_queued_with_the_partner_s_own_state(receiver: Receiver) -> None:
    stream_id = receiver.streams("POST", {}).body["stream_id"]
    answer = receiver.verify({"stream_id": stream_id, "state": "VGhpcyBpcyBh"})
    assert (answer.seen, answer.headers["Cache-Control"]) == ((204, None), "no-store")
    event = StreamEvent.objects.get()
    assert (event.kind, event.state, event.party_id) == ("verification", "queued", receiver.party.pk)
    assert event.claims["sub_id"] == {"format": "opaque", "id": stream_id}
    assert event.claims["event"] == {"state": "VGhpcyBpcyBh"}


def test_verifications_are_limited_to_the_interval_that_was_named(receiver: Receiver) -> None:
    stream_id = receiver.streams("POST", {}).body["stream_id"]
    assert receiver.verify({"stream_id": stream_id}).status == 204
    too_soon = receiver.verify({"stream_id": stream_id})
    assert refused(too_soon, 429)
    assert too_soon.headers["Retry-After"] == "30"
    assert a_receiver(a_party("TrackHub")).streams("POST", {}).status == 201
    first = StreamEvent.objects.get()
    with time_machine.travel(first.queued_at + timedelta(seconds=MIN_VERIFICATION_INTERVAL)):
        assert receiver.verify({"stream_id": stream_id, "state": ""}).status == 204
    assert StreamEvent.objects.exclude(pk=first.pk).get().claims["event"] == {"state": ""}


@pytest.mark.parametrize("state", [7, "x" * 1001, "\x00", ["x"]])
def test_a_state_is_a_text(receiver: Receiver, state: object) -> None:
    stream_id = receiver.streams("POST", {}).body["stream_id"]
    assert refused(receiver.verify({"stream_id": stream_id, "state": state}), 400)
    assert StreamEvent.objects.count() == 0


@pytest.mark.parametrize(
    ("scope", "answers"),
    [
        ("ssf.read", [200, 200, 403, 403, 403, 403, 403, 403]),
        ("ssf.manage", [200, 200, 409, 200, 200, 200, 204, 204]),
        ("receipts:write", [403] * 8),
    ],
)
def test_scopes(receiver: Receiver, scope: str, answers: list[int]) -> None:
    stream_id = receiver.streams("POST", {}).body["stream_id"]
    receiver.token = a_token(Client.objects.get(), scope)
    named = {"stream_id": stream_id}
    assert [
        receiver.streams("GET").status,
        receiver.status("GET", stream_id=stream_id).status,
        receiver.streams("POST", {}).status,
        receiver.streams("PATCH", named).status,
        receiver.streams("PUT", named).status,
        receiver.status("POST", {**named, "status": "enabled"}).status,
        receiver.verify(named).status,
        receiver.streams("DELETE", stream_id=stream_id).status,
    ] == answers


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "PUT", "DELETE"])
def test_without_a_token_nothing(receiver: Receiver, method: str) -> None:
    answer = receiver.call(method, "/ssf/streams", {}, token="x")
    assert (answer.status, answer.body["err"]) == (401, "authentication_failed")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer ")


def test_other_methods_are_refused(receiver: Receiver) -> None:
    assert receiver.call("DELETE", "/ssf/status").status == 405
    assert receiver.call("GET", "/ssf/verify").status == 405
    assert receiver.call("OPTIONS", "/ssf/streams").status == 405
