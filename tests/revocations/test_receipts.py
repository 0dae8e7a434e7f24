"""A partner's signed word: what makes it count, one failing check at a time, and how far it carries."""

import base64
import json
from collections.abc import Callable, Iterator
from copy import copy, deepcopy
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client as Http
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey
from pytest_django import DjangoDbBlocker, Settings

from audit.models import AuditEvent
from audit.queries import database_clock
from partners.actions.clients import register_client
from partners.actions.sign_in import issue_access_token
from partners.clients import http
from partners.models import Client, PartnerKeySet, Party
from revocations.domain.receipts import ReceiptRefused
from revocations.models import DownstreamReport, Duty, Receipt, State
from tests.factories import a_party
from tests.partners.fixtures import serving
from tests.partners.outside import Signer
from tests.revocations.ordered import ACTIONS, Ordered, below, company, dealt_with, nested
from tests.revocations.scenes import RECEIPT, a_scene, deliver, stamp, stop_all, the_order
from tests.shared import shared
from tests.staff import move_keys

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_broker")]
TOO_LONG = {"recipient": "https://" + "\u754c" * 900, "status": "completed", "at": "2026-11-20T12:00:00Z"}
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def acknowledged(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Ordered]:
    def build() -> Ordered:
        scene = a_scene(server)
        line = scene.a_line()
        (order_id,) = stop_all(line)
        deliver([order_id])
        return Ordered(scene, line, order_id)

    with serving() as server:
        yield from shared(django_db_blocker, build)


@pytest.fixture
def ordered(acknowledged: Ordered, db: None, settings: Settings) -> Iterator[Ordered]:
    """The same stop for all: what each changes in its rows, in its partner and in the server outside goes again."""
    settings.DOOR_OUT_LOOPBACK = True
    server, signer = acknowledged.scene.outside, acknowledged.scene.signer
    published, asked = dict(server.documents), list(server.asked)
    yield deepcopy(acknowledged, {id(server): server, id(signer): copy(signer)})
    server.documents, server.asked, server.answers = published, asked, []


def test_a_valid_receipt_completes_its_order_and_ends_its_duties(ordered: Ordered) -> None:
    token = ordered.receipt()
    ordered.hand_in(token)
    order = ordered.order
    assert (order.state, order.note) == (State.COMPLETED, "")
    assert order.completed_at is not None
    kept = Receipt.objects.get()
    assert (kept.token, kept.status, kept.party_id) == (token, "completed", ordered.scene.party.pk)
    assert Duty.objects.filter(discharged_at=None).count() == 0
    assert set(Duty.objects.values_list("discharged_by", flat=True)) == {kept.jti}
    event = AuditEvent.objects.get(action="order.receipt")
    assert (event.actor, event.line_id) == (f"partner:{ordered.scene.party.pk}", ordered.line.pk)


def test_the_same_bytes_again_change_nothing(ordered: Ordered) -> None:
    token = ordered.receipt()
    for _ in range(3):
        ordered.hand_in(token)
    assert (Receipt.objects.count(), AuditEvent.objects.filter(action="order.receipt").count()) == (1, 1)


def test_its_times_may_have_a_fraction(ordered: Ordered) -> None:
    ordered.hand_in(ordered.scene.signer.sign(ordered.claims(iat=1_795_557_600.25, toe=1_795_557_600.0)))
    assert ordered.order.state == State.COMPLETED


def test_a_receipt_for_a_newer_version_than_the_order_s_counts(ordered: Ordered) -> None:
    assert ordered.sign(applied={"epoch": 1, "version": 9}) == State.COMPLETED


# One failing check at a time


def by_another_key(ordered: Ordered) -> str:
    thief = Signer(ordered.scene.party.uri)
    return thief.sign(ordered.claims(), kid=ordered.scene.signer.kid)


def by_an_unregistered_key(ordered: Ordered) -> str:
    return Signer(ordered.scene.party.uri).sign(ordered.claims())


def by_a_secret(ordered: Ordered) -> str:
    header = {"typ": "secevent+jwt", "alg": "HS256", "kid": ordered.scene.signer.kid}
    return jwt.encode(header, ordered.claims(), OctKey.import_key("a secret that both of us know very well"))


def by_the_algorithm_of_another_kind_of_key(ordered: Ordered) -> str:
    header = {"typ": "secevent+jwt", "alg": "RS256", "kid": ordered.scene.signer.kid}
    return jwt.encode(header, ordered.claims(), RSAKey.generate_key(2048), algorithms=["RS256"])


def saying(text: str) -> Callable[[Ordered], str]:
    """A payload that holds this where a number may stand, as another library would write it."""

    def made(ordered: Ordered) -> str:
        head, _, signature = ordered.receipt().split(".")
        claims = json.dumps(ordered.claims(toe=1)).replace('"toe": 1', f'"toe": {text}')
        return f"{head}.{in_base64(claims)}.{signature}"

    return made


def by_nobody(ordered: Ordered) -> str:
    return f"eyJ0eXAiOiJzZWNldmVudCtqd3QiLCJhbGciOiJub25lIn0.{ordered.receipt().split('.')[1]}."


def changed_after_signing(ordered: Ordered) -> str:
    head, _, signature = ordered.receipt().split(".")
    return f"{head}.{ordered.receipt().split('.')[1]}.{signature}"


def of_another_typ(ordered: Ordered) -> str:
    return ordered.scene.signer.sign(ordered.claims(), typ="at+jwt")


def with_claims(**changed: object) -> Callable[[Ordered], str]:
    return lambda ordered: ordered.scene.signer.sign(ordered.claims(**changed))


def with_event(**changed: object) -> Callable[[Ordered], str]:
    return lambda ordered: ordered.receipt(**changed)


def without_the_action(action: str) -> Callable[[Ordered], str]:
    def made(ordered: Ordered) -> str:
        at = stamp(database_clock())
        done = [{"action": other, "status": "completed", "at": at} for other in ACTIONS if other != action]
        return ordered.receipt(actions=done)

    return made


def with_the_action(action: str, **changed: object) -> Callable[[Ordered], str]:
    def made(ordered: Ordered) -> str:
        at = stamp(database_clock())
        done = [{"action": other, "status": "completed", "at": at} for other in ACTIONS]
        return ordered.receipt(actions=[{**one, **(changed if one["action"] == action else {})} for one in done])

    return made


def of_two_events(ordered: Ordered) -> str:
    events = {RECEIPT: ordered.event(), "https://schemas.openid.net/secevent/ssf/event-type/verification": {}}
    return ordered.scene.signer.sign(ordered.claims(events=events))


def of_an_order_that_is_another_partner_s(ordered: Ordered) -> str:
    other = a_scene(ordered.scene.outside, "NorthLink")
    (order_id,) = stop_all(other.a_line())
    subject = {"format": "jwt_id", "iss": settings.BASE_URL, "jti": the_order(order_id).jti}
    return ordered.scene.signer.sign(ordered.claims(sub_id=subject))


@pytest.mark.parametrize(
    ("made", "err", "says"),
    [
        (by_another_key, "invalid_key", "the signature does not fit the key"),
        (by_an_unregistered_key, "invalid_key", "no key with this kid is registered to iss"),
        (by_a_secret, "invalid_request", "alg must be ES256 or RS256"),
        (by_nobody, "invalid_request", "alg must be ES256 or RS256"),
        (by_the_algorithm_of_another_kind_of_key, "invalid_key", "alg is not the one this key is for"),
        (saying("NaN"), "invalid_request", "not a compact JWS with JSON claims"),
        (saying("-Infinity"), "invalid_request", "not a compact JWS with JSON claims"),
        (saying("1e999"), "invalid_request", "not a compact JWS with JSON claims"),
        (with_claims(exp=4_102_444_800), "invalid_request", "exp must be absent"),
        (with_claims(sub="k1.subject"), "invalid_request", "sub must be absent"),
        (with_claims(sub=None), "invalid_request", "sub must be absent"),
        (with_claims(iat=None), "invalid_request", "iat must be seconds since 1970"),
        (with_claims(iat="1795557600"), "invalid_request", "iat must be seconds since 1970"),
        (with_claims(iat=True), "invalid_request", "iat must be seconds since 1970"),
        (with_claims(iat=-0.5), "invalid_request", "iat must be seconds since 1970"),
        (with_claims(toe=2**40), "invalid_request", "toe must be seconds since 1970"),
        (with_event(status="rejected", applied=None), "invalid_request", "reason must say why"),
        (with_event(status="rejected", reason=" \n\t"), "invalid_request", "reason must say why"),
        (with_event(status="rejected", reason="x" * 1001), "invalid_request", "length <= 1000"),
        (changed_after_signing, "invalid_key", "the signature does not fit the key"),
        (of_another_typ, "invalid_request", "typ must be secevent+jwt"),
        (with_claims(iss="https://northlink.example"), "invalid_issuer", "iss is not the party"),
        (with_claims(aud="https://elsewhere.example"), "invalid_audience", "aud must be"),
        (with_claims(aud=[settings.BASE_URL, "https://elsewhere.example"]), "invalid_audience", "aud must be"),
        (with_claims(jti=""), "invalid_request", "jti must be a text"),
        (with_claims(jti=7), "invalid_request", "jti must be a text"),
        (with_claims(events={}), "invalid_request", "exactly one event is expected"),
        (with_claims(events={"https://x.example/type": {}}), "invalid_request", "exactly one event is expected"),
        (of_two_events, "invalid_request", "exactly one event is expected"),
        (with_claims(sub_id=None), "invalid_request", "sub_id must be a jwt_id"),
        (with_claims(sub_id={"format": "iss_sub", "iss": settings.BASE_URL, "jti": "x"}), "invalid_request", "sub_id"),
        (with_claims(sub_id={"format": "jwt_id", "iss": "https://x", "jti": "x"}), "invalid_request", "sub_id must"),
        (
            with_claims(sub_id={"format": "jwt_id", "iss": settings.BASE_URL, "jti": "made-up"}),
            "invalid_request",
            "no order of this jti was ever sent to you",
        ),
        (of_an_order_that_is_another_partner_s, "invalid_request", "no order of this jti was ever sent to you"),
        (with_event(applied=None), "invalid_request", "applied must be at least"),
        (with_event(applied={"epoch": 1, "version": 0}), "invalid_request", "applied must be at least"),
        (with_event(applied={"epoch": 0, "version": 9}), "invalid_request", "applied must be at least"),
        (with_event(status="done"), "invalid_request", "Invalid enum value"),
        (with_event(downstream=[TOO_LONG]), "invalid_request", "a recipient has at most 2000 bytes"),
        (without_the_action("stop_use"), "invalid_request", "the required action stop_use is not there"),
        (without_the_action("delete_held"), "invalid_request", "the required action delete_held is not there"),
        (without_the_action("notify_downstream"), "invalid_request", "the required action notify_downstream is not"),
        (with_the_action("delete_held", status="in_progress"), "invalid_request", "delete_held is not there"),
        (with_the_action("delete_held", at="2026-01-01T00:00:00Z"), "invalid_request", "dated between the order"),
        (with_the_action("stop_use", at="2096-01-01T00:00:00Z"), "invalid_request", "dated between the order and now"),
        (with_the_action("stop_use", at="2096-01-01T00:00:00"), "invalid_request", "with a timezone component"),
    ],
)
def test_a_receipt_that_fails_one_check_does_not_count(
    ordered: Ordered, made: Callable[[Ordered], str], err: str, says: str
) -> None:
    refused = ordered.refused(made(ordered))
    assert refused[0] == err
    assert says in refused[1]


def test_other_bytes_under_a_used_jti_are_refused(ordered: Ordered) -> None:
    first = ordered.claims(events={RECEIPT: ordered.event(status="in_progress")})
    ordered.hand_in(ordered.scene.signer.sign(first))
    again = ordered.scene.signer.sign(ordered.claims(jti=first["jti"]))
    with pytest.raises(ReceiptRefused, match="this jti was used for another receipt"):
        ordered.hand_in(again)
    assert (ordered.order.state, Receipt.objects.count()) == (State.ACKNOWLEDGED, 1)


def test_a_deed_of_the_second_of_the_order_counts(ordered: Ordered) -> None:
    at = stamp(ordered.order.queued_at)
    actions = [{"action": action, "status": "completed", "at": at} for action in ACTIONS]
    assert ordered.sign(actions=actions) == State.COMPLETED


# States go on, never back


def test_in_progress_changes_nothing_but_is_kept(ordered: Ordered) -> None:
    assert ordered.sign(status="in_progress", actions=[]) == State.ACKNOWLEDGED
    assert Receipt.objects.get().status == "in_progress"
    assert Duty.objects.filter(discharged_at=None).count() == 3


def test_in_progress_after_completed_takes_nothing_back(ordered: Ordered) -> None:
    assert ordered.sign() == State.COMPLETED
    assert ordered.sign(status="in_progress") == State.COMPLETED
    assert ordered.sign(status="rejected", reason="changed our mind") == State.COMPLETED
    assert Receipt.objects.count() == 3


def test_rejected_keeps_the_order_open_with_its_reason(ordered: Ordered) -> None:
    assert ordered.sign(status="rejected", reason="unknown\x1b[31m subject\n", applied=None) == State.REJECTED
    assert ordered.order.note == "unknown [31m subject "
    assert Duty.objects.filter(discharged_at=None).count() == 3
    assert ordered.sign() == State.COMPLETED


# What lies below the partner


def test_a_known_company_that_has_not_signed_makes_it_partial(ordered: Ordered) -> None:
    dealt_with(ordered, a_party("RoadAid", "lbs_provider"), ordered.scene.party)
    assert ordered.sign() == State.PARTIAL
    assert ordered.order.note == "1 of 1 companies below have not signed"
    assert set(Duty.objects.filter(discharged_at=None).values_list("action", flat=True)) == {"notify_downstream"}


def test_a_company_s_own_signature_completes_it(ordered: Ordered) -> None:
    party, signer = company(ordered.scene.outside)
    dealt_with(ordered, party)
    assert ordered.sign(downstream=[below(party.uri, nested(ordered, signer))]) == State.COMPLETED
    report = DownstreamReport.objects.get()
    assert (report.party_uri, report.signed, report.status) == (party.uri, True, "completed")


def test_a_partial_order_is_completed_by_the_missing_signature(ordered: Ordered) -> None:
    road, road_signer = company(ordered.scene.outside)
    ads, ads_signer = company(ordered.scene.outside, "AdReach")
    dealt_with(ordered, road, ads)
    first = [below(road.uri, nested(ordered, road_signer))]
    assert ordered.sign(downstream=first) == State.PARTIAL
    assert ordered.order.note == "1 of 2 companies below have not signed"
    assert ordered.sign(downstream=[below(ads.uri, nested(ordered, ads_signer))]) == State.COMPLETED
    assert Duty.objects.filter(discharged_at=None).count() == 0
    assert ordered.sign() == State.COMPLETED


def test_a_signature_stays_when_the_partner_later_only_says_so(ordered: Ordered) -> None:
    party, signer = company(ordered.scene.outside)
    dealt_with(ordered, party)
    ordered.sign(status="in_progress", downstream=[below(party.uri, nested(ordered, signer))])
    assert ordered.sign(downstream=[below(party.uri)]) == State.COMPLETED


def test_a_signature_that_it_is_done_stays_when_a_later_one_says_that_it_has_begun(ordered: Ordered) -> None:
    party, signer = company(ordered.scene.outside)
    dealt_with(ordered, party)
    done = [below(party.uri, nested(ordered, signer))]
    begun = [below(party.uri, nested(ordered, signer, {"status": "in_progress"}), "in_progress")]
    ordered.sign(status="in_progress", downstream=done)
    ordered.sign(status="in_progress", downstream=begun)
    assert DownstreamReport.objects.get().status == "completed"
    assert ordered.sign() == State.COMPLETED


def test_a_rejection_takes_nothing_back_of_what_was_signed(ordered: Ordered) -> None:
    party, _ = company(ordered.scene.outside)
    dealt_with(ordered, party)
    assert ordered.sign() == State.PARTIAL
    assert ordered.sign(status="rejected", actions=[], applied=None, reason="Not ours") == State.PARTIAL


def test_that_it_has_begun_takes_nothing_back(ordered: Ordered) -> None:
    party, _ = company(ordered.scene.outside)
    dealt_with(ordered, party)
    assert ordered.sign(status="rejected", actions=[], applied=None, reason="Not ours") == State.REJECTED
    assert ordered.sign(status="in_progress") == State.REJECTED
    assert ordered.sign() == State.PARTIAL
    assert ordered.sign(status="in_progress") == State.PARTIAL


def test_an_unknown_hop_keeps_it_partial(ordered: Ordered) -> None:
    party, signer = company(ordered.scene.outside)
    dealt_with(ordered, party, Party.objects.get(uri="unknown"))
    assert ordered.sign(downstream=[below(party.uri, nested(ordered, signer)), below("unknown")]) == State.PARTIAL
    assert ordered.order.note == "one company we can't name"


def test_a_company_that_never_had_the_data_need_not_sign(ordered: Ordered) -> None:
    assert ordered.sign(downstream=[below("https://stranger.example")]) == State.COMPLETED
    assert DownstreamReport.objects.get().signed is False


def test_a_company_signs_with_keys_below_its_own_host(ordered: Ordered) -> None:
    party, signer = company(ordered.scene.outside)
    dealt_with(ordered, party)
    own = party.uri.removeprefix("https://")
    token = _with_keys_at(f"https://keys.{own}/jwks.json", ordered, party, signer)
    assert ordered.sign(downstream=[below(party.uri, token)]) == State.COMPLETED


def keys_elsewhere(ordered: Ordered, party: Party, signer: Signer) -> str:
    return _with_keys_at("https://geobridge.example/roadaid.json", ordered, party, signer)


def keys_on_a_host_that_ends_alike(ordered: Ordered, party: Party, signer: Signer) -> str:
    return _with_keys_at("https://notroadaid.example/jwks.json", ordered, party, signer)


def _with_keys_at(jwks_uri: str, ordered: Ordered, party: Party, signer: Signer) -> str:
    """As if its keys had been fetched from there."""
    move_keys(party, jwks_uri)
    jwks = {"keys": [{**signer.public, "kid": signer.kid}]}
    PartnerKeySet.objects.update_or_create(party=party, defaults={"jwks": jwks, "fetched_at": database_clock()})
    return nested(ordered, signer)


def no_keys(ordered: Ordered, party: Party, signer: Signer) -> str:
    move_keys(party, "")
    return nested(ordered, signer)


NOT_REGISTERED = "no key with this kid is registered to iss"
NOT_ITS_OWN: dict[str, tuple[Callable[[Ordered, Party, Signer], str], str, str]] = {
    "keys on another host": (keys_elsewhere, "invalid_key", NOT_REGISTERED),
    "keys on a host that ends alike": (keys_on_a_host_that_ends_alike, "invalid_key", NOT_REGISTERED),
    "no keys known": (no_keys, "invalid_key", NOT_REGISTERED),
    "an unregistered key": (
        lambda ordered, party, _: nested(ordered, Signer(party.uri)), "invalid_key", NOT_REGISTERED,
    ),
    "the partner's own key": (
        lambda ordered, party, _: nested(ordered, ordered.scene.signer, iss=party.uri), "invalid_key", NOT_REGISTERED,
    ),
    "another issuer": (
        lambda ordered, _, signer: nested(ordered, signer, iss="https://other.example"), "invalid_issuer",
        "iss is not this company",
    ),
    "for somebody else": (
        lambda ordered, _, signer: nested(ordered, signer, aud="https://elsewhere.example"), "invalid_audience",
        "aud must be you or",
    ),
    "no root": (lambda ordered, _, signer: nested(ordered, signer, {"root": None}), "invalid_request", "root must"),
    "another order": (
        lambda ordered, _, signer: nested(ordered, signer, {"root": {"iss": settings.BASE_URL, "jti": "another"}}),
        "invalid_request", "root must name the order",
    ),
    "another carrier": (
        lambda ordered, _, signer: nested(
            ordered, signer, {"root": {"iss": "https://x", "jti": ordered.order.jti}}
        ),
        "invalid_request", "root must name the order",
    ),
    "not completed": (
        lambda ordered, _, signer: nested(ordered, signer, {"status": "in_progress"}), "invalid_request",
        "its status is not the one that you report",
    ),
    "no event": (lambda ordered, _, signer: nested(ordered, signer, events={}), "invalid_request", "exactly one event"),
    "no jti": (lambda ordered, _, signer: nested(ordered, signer, jti=""), "invalid_request", "jti must be a text"),
    "a sub": (lambda ordered, _, signer: nested(ordered, signer, sub="k1.x"), "invalid_request", "sub must be absent"),
    "another typ": (
        lambda ordered, party, signer: signer.sign({"iss": party.uri}, typ="at+jwt"), "invalid_request", "typ must be",
    ),
    "no token": (lambda *_: "not a token", "invalid_request", "this is not a compact JWS"),
}  # fmt: skip


@pytest.mark.parametrize("how", NOT_ITS_OWN)
def test_the_partner_hears_why_a_company_s_own_receipt_does_not_count(ordered: Ordered, how: str) -> None:
    made, err, says = NOT_ITS_OWN[how]
    party, signer = company(ordered.scene.outside)
    other, _ = company(ordered.scene.outside, "AdReach")
    dealt_with(ordered, party)
    told = [below(other.uri), below(party.uri, made(ordered, party, signer))]
    code, description = ordered.refused(ordered.receipt(downstream=told))
    assert code == err
    assert description.startswith(f"downstream[1].receipt of {party.uri}: {says}")
    assert not DownstreamReport.objects.exists()
    # Without it, the company is what the partner says of it.
    assert ordered.sign(downstream=[below(party.uri)]) == State.PARTIAL
    assert DownstreamReport.objects.get().signed is False


def test_the_same_receipt_counts_once_the_company_s_key_is_registered(ordered: Ordered) -> None:
    party, signer = company(ordered.scene.outside)
    dealt_with(ordered, party)
    published = ordered.scene.outside.documents.pop("/RoadAid.json")
    token = ordered.receipt(downstream=[below(party.uri, nested(ordered, signer))])
    assert ordered.refused(token)[0] == "invalid_key"
    ordered.scene.outside.documents["/RoadAid.json"] = published
    ordered.hand_in(token, after=timedelta(minutes=2))
    assert (ordered.order.state, DownstreamReport.objects.get().signed) == (State.COMPLETED, True)


def test_a_company_that_we_do_not_know_is_refused_like_one_without_a_key(ordered: Ordered) -> None:
    stranger = Signer("https://stranger.example")
    told = [below(stranger.uri, nested(ordered, stranger))]
    assert ordered.refused(ordered.receipt(downstream=told)) == (
        "invalid_key", f"downstream[0].receipt of {stranger.uri}: {NOT_REGISTERED}",
    )  # fmt: skip


def test_one_company_s_signature_does_not_speak_for_another(ordered: Ordered) -> None:
    road, signer = company(ordered.scene.outside)
    ads, _ = company(ordered.scene.outside, "AdReach")
    dealt_with(ordered, road, ads)
    token = nested(ordered, signer)
    told = [below(road.uri, token), below(ads.uri, token)]
    assert ordered.refused(ordered.receipt(downstream=told))[0] == "invalid_issuer"


def test_the_order_does_not_list_whom_to_name(ordered: Ordered) -> None:
    dealt_with(ordered, a_party("Hidden Customer", "end_customer"))
    assert "hiddencustomer" not in json.dumps(ordered.scene.tokens())


# The door


def post(
    ordered: Ordered, body: str, *scopes: str, content_type: str = "application/secevent+jwt"
) -> tuple[int, bytes]:
    http = register_client(
        client_id="geobridge",
        kind=Client.Kind.AGGREGATOR,
        public_jwk=dict(ordered.scene.signer.public),
        party=ordered.scene.party,
        actor="system:test",
        at=database_clock(),
    )
    issued = issue_access_token(
        client=http, scopes=scopes or ["receipts:write"], lifetime=timedelta(minutes=10), at=database_clock()
    )
    response = Http().post(
        "/ssf/receipts", body, content_type=content_type, headers={"Authorization": f"Bearer {issued.token}"}
    )
    return response.status_code, response.content


def test_the_door_answers_202_with_an_empty_body(ordered: Ordered) -> None:
    assert post(ordered, ordered.receipt()) == (202, b"")
    assert ordered.order.state == State.COMPLETED


def test_the_door_refuses_by_rfc_8935(ordered: Ordered) -> None:
    status, body = post(ordered, ordered.receipt(applied=None))
    assert (status, sorted(json.loads(body))) == (400, ["description", "err"])
    assert post(ordered, "x", content_type="application/json")[0] == 400
    assert post(ordered, "é" * 300_000)[0] == 400
    assert post(ordered, ordered.receipt(), "ssf.read")[0] == 403
    response = Http().post("/ssf/receipts", "x", content_type="application/secevent+jwt")
    assert (response.status_code, response.json()["err"]) == (401, "authentication_failed")


def test_keys_are_never_fetched_inside_a_transaction(ordered: Ordered, monkeypatch: pytest.MonkeyPatch) -> None:
    depths: list[int] = []
    real = http.get

    def get(*, url: str) -> http.Reply:
        depths.append(len(connection.savepoint_ids))
        return real(url=url)

    monkeypatch.setattr(http, "get", get)
    outside = len(connection.savepoint_ids)
    assert ordered.sign() == State.COMPLETED
    assert depths == [outside]


def in_base64(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


@pytest.mark.parametrize("text", ["x\x00y", "x\ud800y"])
def test_a_text_that_cannot_be_kept_is_refused_wherever_it_stands(ordered: Ordered, text: str) -> None:
    below = {"recipient": text, "status": "completed", "at": stamp(database_clock())}
    deed = {"action": text, "status": "completed", "at": stamp(database_clock())}
    held = [
        ordered.claims(jti=text),
        ordered.claims(txn=text),
        ordered.claims(sub_id={"format": "jwt_id", "iss": settings.BASE_URL, "jti": text}),
        ordered.claims(**{text: 1}),
        ordered.claims(events={RECEIPT: ordered.event(downstream=[below])}),
        ordered.claims(events={RECEIPT: ordered.event(actions=[deed])}),
        ordered.claims(events={RECEIPT: ordered.event(status="rejected", reason=text)}),
    ]
    said = ("invalid_request", "a text in the token holds a NUL or half a surrogate pair")
    # What it says is looked at before who signed it, and half a character can't be signed by the library.
    head, _, signature = ordered.receipt().split(".")
    tokens = [f"{head}.{in_base64(json.dumps(one))}.{signature}" for one in held]
    assert [ordered.refused(token) for token in tokens] == [said] * len(held)


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_time_that_could_not_be_read_back_is_refused(ordered: Ordered, at: str) -> None:
    below = {"recipient": "https://below.example", "status": "completed", "at": at}
    err, said = ordered.refused(ordered.receipt(downstream=[below]))
    assert (err, said.partition(" - ")[0]) == ("invalid_request", "at must be a time of our age")
