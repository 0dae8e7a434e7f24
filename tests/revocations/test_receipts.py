"""A partner's signed word: what makes it count, one failing check at a time, and how far it carries."""

import base64
import json
import time
from collections.abc import Callable, Iterator
from copy import copy, deepcopy
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client as Http
from joserfc import jws, jwt
from joserfc.jwk import OctKey, RSAKey
from pytest_django import DjangoDbBlocker, Settings

from accounts.views.access import ANSWER_AT
from audit.models import AuditEvent
from audit.queries import database_clock
from partners.clients import http
from partners.domain import keysets
from partners.models import Client, PartnerKeySet, Party
from revocations.domain.receipts import TO_CHECK_S, ReceiptRefused
from revocations.models import DownstreamReport, Duty, Receipt, State
from tests.factories import a_party
from tests.partners.fixtures import serving
from tests.partners.outside import Signer
from tests.properties import undone
from tests.revocations.ordered import Ordered, a_stop, dealt_with
from tests.revocations.receiver import a_token_of
from tests.revocations.scenes import RECEIPT, a_scene, claims_of, stamp, stop_all, the_order
from tests.revocations.signing import ACTIONS, about, below, company, done
from tests.shared import shared
from tests.staff import move_keys

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_broker")]
TOO_LONG = {"recipient": "https://" + "\u754c" * 900, "status": "completed", "at": "2026-11-20T12:00:00Z"}
LATER = {"recipient": "https://below.example", "status": "completed", "at": "2096-01-01T00:00:00Z"}
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def acknowledged(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Ordered]:
    with serving() as server:
        yield from shared(django_db_blocker, lambda: a_stop(a_scene(server)))


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
    # The same bytes again change nothing.
    for _ in range(3):
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


def test_what_else_counts(ordered: Ordered) -> None:
    of_its_second = done(*ACTIONS, at=stamp(ordered.order.queued_at))
    for token in (
        ordered.scene.signer.sign(ordered.claims(iat=1_795_557_600.25, toe=1_795_557_600.0)),
        ordered.receipt(applied={"epoch": 1, "version": 9}),
        ordered.receipt(actions=of_its_second),
        # A company that never had the data need not sign.
        ordered.receipt(downstream=[below("https://stranger.example")]),
    ):
        with undone():
            ordered.hand_in(token)
            assert ordered.state == State.COMPLETED
            assert not DownstreamReport.objects.filter(signed=True).exists()


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


def by_extensions(ordered: Ordered) -> str:
    """A header by which the payload is signed as it is (RFC 7797), and what else may be read otherwise."""
    header = {"typ": "secevent+jwt", "alg": "ES256", "kid": ordered.scene.signer.kid, "b64": True, "crit": ["b64"]}
    key = ordered.scene.signer.key
    return jws.serialize_compact(header, json.dumps(ordered.claims()).encode(), key, registry=jws.JWSRegistry())


def claims(**changed: object) -> Callable[[Ordered], str]:
    return lambda ordered: ordered.scene.signer.sign(ordered.claims(**changed))


def event(**changed: object) -> Callable[[Ordered], str]:
    return lambda ordered: ordered.receipt(**changed)


def without(action: str) -> Callable[[Ordered], str]:
    return lambda ordered: ordered.receipt(actions=done(*(other for other in ACTIONS if other != action)))


def with_the(action: str, **changed: object) -> Callable[[Ordered], str]:
    def made(ordered: Ordered) -> str:
        others = done(*(other for other in ACTIONS if other != action))
        return ordered.receipt(actions=[*others, *({**one, **changed} for one in done(action))])

    return made


def of_two_events(ordered: Ordered) -> str:
    events = {RECEIPT: ordered.event(), "https://schemas.openid.net/secevent/ssf/event-type/verification": {}}
    return ordered.scene.signer.sign(ordered.claims(events=events))


def of_an_order_that_is_another_partner_s(ordered: Ordered) -> str:
    other = a_scene(ordered.scene.outside, "NorthLink")
    (order_id,) = stop_all(other.a_line())
    return ordered.scene.signer.sign(ordered.claims(sub_id=about(the_order(order_id).jti)))


CHECKS: list[tuple[Callable[[Ordered], str], str, str]] = [
    (by_another_key, "invalid_key", "the signature does not fit the key"),
    (by_an_unregistered_key, "invalid_key", "no key with this kid is registered to iss"),
    (by_a_secret, "invalid_request", "alg must be ES256 or RS256"),
    (by_nobody, "invalid_request", "alg must be ES256 or RS256"),
    (by_the_algorithm_of_another_kind_of_key, "invalid_key", "alg is not the one this key is for"),
    (saying("NaN"), "invalid_request", "not a compact JWS with JSON claims"),
    (saying("-Infinity"), "invalid_request", "not a compact JWS with JSON claims"),
    (saying("1e999"), "invalid_request", "not a compact JWS with JSON claims"),
    (claims(exp=4_102_444_800), "invalid_request", "exp must be absent"),
    (claims(sub="k1.subject"), "invalid_request", "sub must be absent"),
    (claims(sub=None), "invalid_request", "sub must be absent"),
    (claims(iat=None), "invalid_request", "iat must be seconds since 1970"),
    (claims(iat="1795557600"), "invalid_request", "iat must be seconds since 1970"),
    (claims(iat=True), "invalid_request", "iat must be seconds since 1970"),
    (claims(iat=-0.5), "invalid_request", "iat must be seconds since 1970"),
    (claims(toe=2**40), "invalid_request", "toe must be seconds since 1970"),
    (claims(iat=4_000_000_000), "invalid_request", "iat must not be after now"),
    (claims(toe=4_000_000_000.5), "invalid_request", "toe must not be after now"),
    (event(downstream=[LATER]), "invalid_request", "downstream[0].at must not be after now"),
    (
        event(status="in_progress", actions=done("stop_use", at="2189-01-01T00:00:00Z")),
        "invalid_request",
        "stop_use must be dated between the order and now",
    ),
    (by_extensions, "invalid_request", "the token needs extensions (crit) that are not known here"),
    (event(status="rejected", applied=None), "invalid_request", "reason must say why"),
    (event(status="rejected", reason=" \n\t"), "invalid_request", "reason must say why"),
    (event(status="rejected", reason="\u3164 \u2800\uffa0\U00013441 …"), "invalid_request", "reason must say why"),
    (event(status="rejected", reason="Due" * 1001), "invalid_request", "length <= 1000"),
    (changed_after_signing, "invalid_key", "the signature does not fit the key"),
    (of_another_typ, "invalid_request", "typ must be secevent+jwt"),
    (claims(iss="https://northlink.example"), "invalid_issuer", "iss is not the party"),
    (claims(aud="https://elsewhere.example"), "invalid_audience", "aud must be"),
    (claims(aud=[settings.BASE_URL, "https://elsewhere.example"]), "invalid_audience", "aud must be"),
    (claims(jti=""), "invalid_request", "jti must be a text"),
    (claims(jti=7), "invalid_request", "jti must be a text"),
    (claims(events={}), "invalid_request", "exactly one event is expected"),
    (claims(events={"https://x.example/type": {}}), "invalid_request", "exactly one event is expected"),
    (of_two_events, "invalid_request", "exactly one event is expected"),
    (claims(sub_id=None), "invalid_request", "sub_id must be a jwt_id"),
    (claims(sub_id={"format": "iss_sub", "iss": settings.BASE_URL, "jti": "x"}), "invalid_request", "sub_id"),
    (claims(sub_id={"format": "jwt_id", "iss": "https://x", "jti": "x"}), "invalid_request", "sub_id must"),
    (claims(sub_id=about("made-up")), "invalid_request", "no order of this jti was ever sent to you"),
    (of_an_order_that_is_another_partner_s, "invalid_request", "no order of this jti was ever sent to you"),
    (event(applied=None), "invalid_request", "applied must be at least"),
    (event(applied={"epoch": 1, "version": 0}), "invalid_request", "applied must be at least"),
    (event(applied={"epoch": 0, "version": 9}), "invalid_request", "applied must be at least"),
    (event(status="done"), "invalid_request", "Invalid enum value"),
    (event(downstream=[TOO_LONG]), "invalid_request", "a recipient has at most 2000 bytes"),
    (without("stop_use"), "invalid_request", "the required action stop_use is not there"),
    (without("delete_held"), "invalid_request", "the required action delete_held is not there"),
    (without("notify_downstream"), "invalid_request", "the required action notify_downstream is not"),
    (with_the("delete_held", status="in_progress"), "invalid_request", "delete_held is not there"),
    (with_the("delete_held", at="2026-01-01T00:00:00Z"), "invalid_request", "dated between the order"),
    (with_the("stop_use", at="2096-01-01T00:00:00Z"), "invalid_request", "dated between the order and now"),
    (with_the("stop_use", at="2096-01-01T00:00:00"), "invalid_request", "with a timezone component"),
]


@pytest.mark.parametrize(("made", "err", "says"), CHECKS)
def test_a_receipt_that_fails_one_check_does_not_count(
    ordered: Ordered, made: Callable[[Ordered], str], err: str, says: str
) -> None:
    code, description = ordered.refused(made(ordered))
    assert (code, says in description) == (err, True), description


def test_other_bytes_under_a_used_jti_are_refused(ordered: Ordered) -> None:
    first = ordered.claims(events={RECEIPT: ordered.event(status="in_progress")})
    ordered.hand_in(ordered.scene.signer.sign(first))
    again = ordered.scene.signer.sign(ordered.claims(jti=first["jti"]))
    with pytest.raises(ReceiptRefused, match="this jti was used for another receipt"):
        ordered.hand_in(again)
    assert (ordered.order.state, Receipt.objects.count()) == (State.ACKNOWLEDGED, 1)


def publish(ordered: Ordered, *signers: Signer) -> None:
    """Have the partner hand out these keys, all under the `kid` of its first."""
    keys = [{**signer.public, "kid": ordered.scene.signer.kid} for signer in signers]
    ordered.scene.outside.documents[f"/{ordered.scene.party.pk}/jwks.json"] = json.dumps({"keys": keys}).encode()


def test_a_new_key_under_the_kid_of_an_old_one_counts_a_minute_later(ordered: Ordered) -> None:
    kid = ordered.scene.signer.kid
    keysets.key_of(party=ordered.scene.party, kid=kid, at=database_clock())
    newer = Signer(ordered.scene.party.uri)
    publish(ordered, newer)
    token = newer.sign(ordered.claims(), kid=kid)
    assert ordered.refused(token) == ("invalid_key", "the signature does not fit the key")
    ordered.hand_in(token, after=timedelta(minutes=1))
    assert ordered.state == State.COMPLETED
    # The old one is out of the set, and counts no more.
    old = ordered.scene.signer.sign(ordered.claims())
    with pytest.raises(ReceiptRefused, match="the signature does not fit the key"):
        ordered.hand_in(old, after=timedelta(minutes=2))


def test_each_of_two_keys_under_one_kid_counts(ordered: Ordered) -> None:
    others = [Signer(ordered.scene.party.uri), Signer(ordered.scene.party.uri)]
    publish(ordered, *others)
    for other in others:
        ordered.hand_in(other.sign(ordered.claims(), kid=ordered.scene.signer.kid))
    assert set(Receipt.objects.values_list("status", flat=True)) == {"completed"}
    assert Receipt.objects.count() == len(others)


# States go on, never back


def owed() -> set[str]:
    return set(Duty.objects.filter(discharged_at=None).values_list("action", flat=True))


def test_a_state_goes_on_and_never_back(ordered: Ordered) -> None:
    refusal: dict[str, Any] = {"status": "rejected", "actions": [], "applied": None}
    with undone():
        assert ordered.sign() == State.COMPLETED
        assert ordered.sign(status="in_progress") == State.COMPLETED
        assert ordered.sign(status="rejected", reason="changed our mind") == State.COMPLETED
        assert Receipt.objects.count() == 3
    assert ordered.sign(status="in_progress", actions=[]) == State.ACKNOWLEDGED
    assert (Receipt.objects.get().status, owed()) == ("in_progress", set(ACTIONS))
    assert ordered.sign(**refusal, reason="unknown\x1b[31m subject\n") == State.REJECTED
    assert (ordered.order.note, owed()) == ("unknown [31m subject ", set(ACTIONS))
    assert ordered.sign(status="in_progress") == State.REJECTED
    dealt_with(ordered, a_party("RoadAid", "lbs_provider"), ordered.scene.party)
    assert ordered.sign() == State.PARTIAL
    assert (ordered.order.note, owed()) == ("1 of 1 company behind it has not signed", {"notify_downstream"})
    assert ordered.sign(status="in_progress") == State.PARTIAL
    assert ordered.sign(**refusal, reason="Not ours") == State.PARTIAL


# What lies below the partner


def test_a_partial_order_is_completed_by_the_missing_signature(ordered: Ordered) -> None:
    road, road_signer = company(ordered.scene.outside)
    ads, ads_signer = company(ordered.scene.outside, "AdReach")
    dealt_with(ordered, road, ads)
    signed = [below(party.uri, ordered.nested(by)) for party, by in ((road, road_signer), (ads, ads_signer))]
    with undone():
        dealt_with(ordered, Party.objects.get(uri="unknown"))
        assert ordered.sign(downstream=[*signed, below("unknown")]) == State.PARTIAL
        assert ordered.order.note == "one company we can't name"
    assert ordered.sign(downstream=signed[:1]) == State.PARTIAL
    assert ordered.order.note == "1 of 2 companies behind it has not signed"
    report = DownstreamReport.objects.get()
    assert (report.party_uri, report.signed, report.status) == (road.uri, True, "completed")
    # What was signed stays when the partner later only says so.
    assert ordered.sign(downstream=[below(road.uri), signed[1]]) == State.COMPLETED
    assert owed() == set()
    assert ordered.sign() == State.COMPLETED


def test_that_it_is_done_outlasts_that_it_has_begun(ordered: Ordered) -> None:
    party, signer = company(ordered.scene.outside)
    dealt_with(ordered, party)
    done = [below(party.uri, ordered.nested(signer))]
    begun = [below(party.uri, ordered.nested(signer, {"status": "in_progress"}), "in_progress")]
    ordered.sign(status="in_progress", downstream=done)
    ordered.sign(status="in_progress", downstream=begun)
    assert DownstreamReport.objects.get().status == "completed"
    assert ordered.sign() == State.COMPLETED


def with_keys_at(jwks_uri: str) -> Callable[[Ordered, Party, Signer], str]:
    """As if the company's keys had been fetched from there; "": none are known."""

    def made(ordered: Ordered, party: Party, signer: Signer) -> str:
        move_keys(party, jwks_uri)
        if jwks_uri:
            jwks = {"keys": [{**signer.public, "kid": signer.kid}]}
            PartnerKeySet.objects.update_or_create(party=party, defaults={"jwks": jwks, "fetched_at": database_clock()})
        return ordered.nested(signer)

    return made


def test_a_company_signs_with_keys_below_its_own_host(ordered: Ordered) -> None:
    party, signer = company(ordered.scene.outside)
    dealt_with(ordered, party)
    made = with_keys_at(f"https://keys.{party.uri.removeprefix('https://')}/jwks.json")
    assert ordered.sign(downstream=[below(party.uri, made(ordered, party, signer))]) == State.COMPLETED


def undated(signer: Signer, token: str) -> str:
    claims = claims_of(token)
    del claims["iat"]
    return signer.sign(claims)


NOT_BY_ITS_KEY = "no key that is registered to iss signed it"
NOT_ITS_OWN: dict[str, tuple[Callable[[Ordered, Party, Signer], str], str, str]] = {
    "keys on another host": (
        with_keys_at("https://geobridge.example/roadaid.json"), "invalid_key", NOT_BY_ITS_KEY,
    ),
    "keys on a host that ends alike": (
        with_keys_at("https://notroadaid.example/jwks.json"), "invalid_key", NOT_BY_ITS_KEY,
    ),
    "no keys known": (with_keys_at(""), "invalid_key", NOT_BY_ITS_KEY),
    "an unregistered key": (
        lambda ordered, party, _: ordered.nested(Signer(party.uri)), "invalid_key", NOT_BY_ITS_KEY,
    ),
    "the partner's own key": (
        lambda ordered, party, _: ordered.nested(ordered.scene.signer, iss=party.uri), "invalid_key", NOT_BY_ITS_KEY,
    ),
    "another key under its kid": (
        lambda ordered, _, signer: Signer(signer.uri).sign(claims_of(ordered.nested(signer)), kid=signer.kid),
        "invalid_key", NOT_BY_ITS_KEY,
    ),
    "the algorithm of another kind of key under its kid": (
        lambda ordered, _, signer: jwt.encode(
            {"typ": "secevent+jwt", "alg": "RS256", "kid": signer.kid}, claims_of(ordered.nested(signer)),
            RSAKey.generate_key(2048), algorithms=["RS256"],
        ),
        "invalid_key", NOT_BY_ITS_KEY,
    ),
    "another issuer": (
        lambda ordered, _, signer: ordered.nested(signer, iss="https://other.example"), "invalid_issuer",
        "iss is not this company",
    ),
    "for somebody else": (
        lambda ordered, _, signer: ordered.nested(signer, aud="https://elsewhere.example"), "invalid_audience",
        "aud must be you or",
    ),
    "no root": (lambda ordered, _, signer: ordered.nested(signer, {"root": None}), "invalid_request", "root must"),
    "another order": (
        lambda ordered, _, signer: ordered.nested(signer, {"root": {"iss": settings.BASE_URL, "jti": "another"}}),
        "invalid_request", "root must name the order",
    ),
    "another carrier": (
        lambda ordered, _, signer: ordered.nested(
            signer, {"root": {"iss": "https://x", "jti": ordered.order.jti}}
        ),
        "invalid_request", "root must name the order",
    ),
    "not completed": (
        lambda ordered, _, signer: ordered.nested(signer, {"status": "in_progress"}), "invalid_request",
        "its status is not the one that you report",
    ),
    "no event": (lambda ordered, _, signer: ordered.nested(signer, events={}), "invalid_request", "exactly one event"),
    "no jti": (lambda ordered, _, signer: ordered.nested(signer, jti=""), "invalid_request", "jti must be a text"),
    "a sub": (lambda ordered, _, signer: ordered.nested(signer, sub="k1.x"), "invalid_request", "sub must be absent"),
    "signed later": (
        lambda ordered, _, signer: ordered.nested(signer, iat=4_000_000_000), "invalid_request", "iat must not be",
    ),
    "signed at no time": (
        lambda ordered, _, signer: undated(signer, ordered.nested(signer)), "invalid_request",
        "iat must be seconds since 1970",
    ),
    "done later": (
        lambda ordered, _, signer: ordered.nested(signer, {"actions": done("delete_held", at="2189-01-01T00:00:00Z")}),
        "invalid_request", "delete_held must be dated between the order and now",
    ),
    "another typ": (
        lambda ordered, party, signer: signer.sign({"iss": party.uri}, typ="at+jwt"), "invalid_request", "typ must be",
    ),
    "no token": (lambda *_: "not a token", "invalid_request", "this is not a compact JWS"),
}  # fmt: skip


@pytest.mark.parametrize("how", NOT_ITS_OWN)
def test_the_partner_hears_why_a_company_s_receipt_failed(ordered: Ordered, how: str) -> None:
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


def test_neither_time_nor_limit_tells_which_companies_we_know(ordered: Ordered) -> None:
    """Of a company that is known keys are fetched, of another none: both are refused when the slowest fetch is over."""
    known, own = company(ordered.scene.outside)
    bearer, stranger = a_token_of(ordered.scene.party, "receipts:write"), Signer("https://stranger.example")

    def answered(uri: str, signer: Signer) -> tuple[int, str, bool]:
        made = ordered.receipt(downstream=[below(uri, ordered.nested(signer, iss=uri))])
        began, head = time.monotonic(), {"Authorization": f"Bearer {bearer}"}
        answer: Any = Http().post("/ssf/receipts", made, content_type="application/secevent+jwt", headers=head)
        waits = answer.wsgi_request.META.get(ANSWER_AT, began) - began >= http.SECONDS + TO_CHECK_S
        return answer.status_code, json.loads(answer.content or b"{}").get("err", ""), waits

    found = [[answered(uri, Signer(uri)) for _ in range(keysets.AT_ONCE + 1)] for uri in (known.uri, stranger.uri)]
    refused = (400, "invalid_key", True)
    assert found[0] == found[1] == [refused] * keysets.AT_ONCE + [(503, "invalid_key", False)]
    # Whoever holds what its kept key signed is neither limited nor waits.
    assert [answered(known.uri, own) for _ in range(keysets.AT_ONCE)] == [(202, "", False)] * keysets.AT_ONCE


def test_a_receipt_counts_once_its_key_is_registered(ordered: Ordered) -> None:
    party, signer = company(ordered.scene.outside)
    dealt_with(ordered, party)
    published = ordered.scene.outside.documents.pop("/RoadAid.json")
    token = ordered.receipt(downstream=[below(party.uri, ordered.nested(signer))])
    assert ordered.refused(token)[0] == "invalid_key"
    ordered.scene.outside.documents["/RoadAid.json"] = published
    ordered.hand_in(token, after=timedelta(minutes=2))
    assert (ordered.order.state, DownstreamReport.objects.get().signed) == (State.COMPLETED, True)


def test_a_signature_speaks_for_nobody_else(ordered: Ordered) -> None:
    (road, signer), (ads, _) = company(ordered.scene.outside), company(ordered.scene.outside, "AdReach")
    dealt_with(ordered, road, ads)
    # The order does not list whom to name.
    assert "adreach" not in json.dumps(ordered.scene.tokens())
    token = ordered.nested(signer)
    told = [below(road.uri, token), below(ads.uri, token)]
    assert ordered.refused(ordered.receipt(downstream=told))[0] == "invalid_issuer"
    stranger = Signer("https://stranger.example")
    told = [below(stranger.uri, ordered.nested(stranger))]
    assert ordered.refused(ordered.receipt(downstream=told)) == (
        "invalid_key", f"downstream[0].receipt of {stranger.uri}: {NOT_BY_ITS_KEY}",
    )  # fmt: skip
    # Nor does another's signature tell which companies we know.
    for known_or_not in (ads.uri, stranger.uri):
        assert ordered.refused(ordered.receipt(downstream=[below(known_or_not, token)])) == (
            "invalid_issuer", f"downstream[0].receipt of {known_or_not}: iss is not this company",
        )  # fmt: skip


# The door


def post(ordered: Ordered, body: str, scope: str = "receipts:write", content_type: str = "") -> tuple[int, bytes]:
    token = a_token_of(ordered.scene.party, scope)
    response = Http().post(
        "/ssf/receipts", body, content_type=content_type or "application/secevent+jwt",
        headers={"Authorization": f"Bearer {token}"},
    )  # fmt: skip
    return response.status_code, response.content


def test_the_door_takes_and_refuses_by_rfc_8935(ordered: Ordered) -> None:
    status, body = post(ordered, ordered.receipt(applied=None))
    assert (status, sorted(json.loads(body))) == (400, ["description", "err"])
    assert post(ordered, "x", content_type="application/json")[0] == 400
    status, body = post(ordered, "é" * 300_000)
    assert (status, json.loads(body)["description"]) == (400, "The receipt is too long.")
    assert post(ordered, ordered.receipt(), "ssf.read")[0] == 403
    response = Http().post("/ssf/receipts", "x", content_type="application/secevent+jwt")
    assert (response.status_code, response.json()["err"]) == (401, "authentication_failed")
    assert (post(ordered, ordered.receipt()), ordered.state) == ((202, b""), State.COMPLETED)
    event = AuditEvent.objects.get(action="order.receipt")
    assert event.detail["client"] == Client.objects.get(party=ordered.scene.party).client_id


def test_who_comes_while_the_keys_are_on_their_way_comes_again(ordered: Ordered) -> None:
    token, taken = ordered.receipt(), keysets.fetching
    places = [taken.take(keysets.AT_ONCE, whose=ordered.scene.party.pk) for _ in range(keysets.AT_ONCE)]
    bearer = a_token_of(ordered.scene.party, "receipts:write")
    answer = Http().post(
        "/ssf/receipts", token, content_type="application/secevent+jwt", headers={"Authorization": f"Bearer {bearer}"}
    )
    assert (answer.status_code, answer.headers["Retry-After"], answer.json()) == (
        503, "1", {"err": "invalid_key", "description": "The keys are being fetched. Submit the same bytes again."},
    )  # fmt: skip
    for place in places:
        assert place is not None
        place.release()
    assert (post(ordered, token), ordered.state) == ((202, b""), State.COMPLETED)


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
def test_a_text_that_cannot_be_kept_is_refused(ordered: Ordered, text: str) -> None:
    held = [
        ordered.claims(jti=text), ordered.claims(txn=text), ordered.claims(sub_id=about(text)),
        ordered.claims(**{text: 1}), ordered.claims(events={RECEIPT: ordered.event(downstream=[below(text)])}),
        ordered.claims(events={RECEIPT: ordered.event(actions=done(text))}),
        ordered.claims(events={RECEIPT: ordered.event(status="rejected", reason=text)}),
    ]  # fmt: skip
    said = ("invalid_request", "a text in the token holds a NUL or half a surrogate pair")
    # What it says is looked at before who signed it, and half a character can't be signed by the library.
    head, _, signature = ordered.receipt().split(".")
    tokens = [f"{head}.{in_base64(json.dumps(one))}.{signature}" for one in held]
    assert [ordered.refused(token) for token in tokens] == [said] * len(held)


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_time_that_could_not_be_read_back_is_refused(ordered: Ordered, at: str) -> None:
    err, said = ordered.refused(ordered.receipt(downstream=[{**below("https://below.example"), "at": at}]))
    assert (err, said.partition(" - ")[0]) == ("invalid_request", "at must be a time of our age")
