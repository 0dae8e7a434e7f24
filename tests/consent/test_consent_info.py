"""POST /consent-info/v0.2/retrieve: CAMARA's shapes and errors, the gate's answers, and not who is a customer."""

import json
import re
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

import audit.actions
from accounts.models import Line
from accounts.views.access import ANSWER_AT
from audit.models import AuditEvent
from audit.queries import database_clock, verify_chains
from consent.actions import choices
from consent.domain import consent_requests
from consent.models import Choice, ConsentRequest
from partners.models import Dealing, Suspension
from tests.conformance.schemas import faults, schema
from tests.consent.camara import DENIED, NUMBER, PENDING, REQUESTED, ask, info
from tests.consent.claiming import STRANGER, Partner, a_partner, stamp
from tests.consent.shapes import camara
from tests.factories import FRAUD, a_campaign, a_line, a_party, an_approval
from tests.feeds import as_at_commit
from tests.moments import A_MOMENT
from tests.people import signed_in
from tests.properties import undone
from tests.staff import move_endpoints

pytestmark = pytest.mark.usefixtures("db", "no_broker")


@pytest.fixture(autouse=True)
def _quick() -> None:
    cache.clear()


@pytest.fixture
def partner(db: None) -> Partner:
    return a_partner()


# The published shapes, as facts written out: required fields, enumerations, patterns.


def test_our_schemas_say_what_camara_s_say() -> None:
    request, answer, error = (schema(f"consent-info-{name}") for name in ("request", "answer", "error"))
    assert request["required"] == ["scopes", "purpose", "requestCaptureUrl"]
    assert {*request["properties"]} == {
        "phoneNumber", "scopes", "purpose", "requestCaptureUrl", "callbackUrl", "campaign",
    }  # fmt: skip
    assert request["properties"]["phoneNumber"]["pattern"] == r"^\+[1-9][0-9]{4,14}$"
    assert request["properties"]["purpose"]["pattern"] == "^dpv:[a-zA-Z0-9]+$"
    assert request["properties"]["scopes"]["minItems"] == 1
    assert answer["required"] == ["statusInfo"]
    assert {*answer["properties"]} == {"statusInfo", "captureUrl"}
    status = answer["$defs"]["status"]
    assert status["required"] == ["scopes", "purpose", "statusValidForProcessing"]
    assert {*status["properties"]} == {
        "scopes", "purpose", "statusValidForProcessing", "statusReason", "expirationDate",
    }  # fmt: skip
    assert status["properties"]["statusReason"]["enum"] == ["PENDING", "REQUESTED", "DENIED", "EXPIRED", "OBJECTED"]
    assert error["required"] == ["status", "code", "message"]
    codes = {one["properties"]["status"]["const"]: one["properties"]["code"]["enum"] for one in error["oneOf"]}
    assert {status: codes[status] for status in (400, 401, 403, 404, 422)} == {
        400: ["INVALID_ARGUMENT"],
        401: ["UNAUTHENTICATED"],
        403: [
            "PERMISSION_DENIED", "CONSENT_INFO.NOT_ALLOWED_SCOPES_PURPOSE",
            "CONSENT_INFO.CAPTURE_FREQUENCY_EXCEEDED", "CONSENT_INFO.INVALID_CALLBACK_URL",
        ],
        404: ["NOT_FOUND", "IDENTIFIER_NOT_FOUND"],
        422: ["SERVICE_NOT_APPLICABLE", "MISSING_IDENTIFIER", "UNNECESSARY_IDENTIFIER"],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("consent-info-error", {"status": 404, "code": "PERMISSION_DENIED", "message": "no"}),
        ("consent-info-error", {"status": 403, "code": "FORBIDDEN", "message": "no"}),
        ("consent-info-error", {"status": 403, "code": "PERMISSION_DENIED"}),
        ("consent-info-answer", {"statusInfo": []}),
        ("consent-info-answer", {"statusInfo": [{"scopes": ["a"], "purpose": "dpv:A", **DENIED}], "captureUrl": "u:a"}),
        ("consent-info-answer", {"statusInfo": [{"scopes": ["a"], "purpose": "dpv:A",
                                                 "statusValidForProcessing": False}]}),
        ("consent-info-answer", {"statusInfo": [{"scopes": ["a"], "purpose": "dpv:A", **DENIED,
                                                 "expirationDate": "2026-11-25T00:00:00Z"}]}),
    ],
)  # fmt: skip
def test_our_schemas_refuse_what_camara_s_do(name: str, body: object) -> None:
    assert faults(name, body) != []


ERRORS: list[tuple[dict[str, object], int, str]] = [
    ({"scopes": None}, 400, "INVALID_ARGUMENT"),
    ({"scopes": []}, 400, "INVALID_ARGUMENT"),
    ({"scopes": "location-retrieval:read"}, 400, "INVALID_ARGUMENT"),
    ({"purpose": None}, 400, "INVALID_ARGUMENT"),
    ({"purpose": "FraudPreventionAndDetection"}, 400, "INVALID_ARGUMENT"),
    ({"purpose": "dpv:Fraud Prevention"}, 400, "INVALID_ARGUMENT"),
    ({"purpose": f"{FRAUD}\n"}, 400, "INVALID_ARGUMENT"),
    ({"requestCaptureUrl": None}, 400, "INVALID_ARGUMENT"),
    ({"requestCaptureUrl": "true"}, 400, "INVALID_ARGUMENT"),
    ({"phoneNumber": "2065550142"}, 400, "INVALID_ARGUMENT"),
    ({"phoneNumber": "+1206555014212345"}, 400, "INVALID_ARGUMENT"),
    ({"callbackUrl": "https://app.geobridge.example/a b"}, 400, "INVALID_ARGUMENT"),
    ({"phoneNumber": None}, 422, "MISSING_IDENTIFIER"),
    ({"purpose": FRAUD}, 403, "CONSENT_INFO.NOT_ALLOWED_SCOPES_PURPOSE"),
    ({"scopes": ["location-retrieval:read", "sim-swap:check"]}, 403, "CONSENT_INFO.NOT_ALLOWED_SCOPES_PURPOSE"),
    ({"campaign": "CMP-none"}, 403, "CONSENT_INFO.NOT_ALLOWED_SCOPES_PURPOSE"),
    ({"callbackUrl": "https://elsewhere.example/back"}, 403, "CONSENT_INFO.INVALID_CALLBACK_URL"),
    ({"callbackUrl": "http://app.geobridge.example/back"}, 403, "CONSENT_INFO.INVALID_CALLBACK_URL"),
    ({"callbackUrl": "https://app.geobridge.example:8443/"}, 403, "CONSENT_INFO.INVALID_CALLBACK_URL"),
    ({"callbackUrl": "https://me@app.geobridge.example/"}, 403, "CONSENT_INFO.INVALID_CALLBACK_URL"),
    ({"callbackUrl": "javascript:alert(1)"}, 403, "CONSENT_INFO.INVALID_CALLBACK_URL"),
]


def test_errors_are_camara_s(partner: Partner) -> None:
    for changes, status, code in ERRORS:
        found, body = partner.retrieve(**changes)
        assert (found, body["status"], body["code"]) == (status, status, code), changes
    for sent in (b"", b"{", b"[]", b"null", b"\xff", b"[" * 5000):
        response = partner.post("/consent-info/v0.2/retrieve", sent, "application/json")
        assert (response.status_code, json.loads(response.content)["code"]) == (400, "INVALID_ARGUMENT")
    nobody = camara(Client().post("/consent-info/v0.2/retrieve", b"{}", content_type="application/json"))
    assert (nobody.status_code, json.loads(nobody.content)["code"]) == (401, "UNAUTHENTICATED")
    Suspension.objects.create(
        of="party", target_id=partner.party.pk, starts_at=database_clock(), reason="Due", actor="officer:1"
    )
    assert partner.retrieve()[1]["code"] == "PERMISSION_DENIED"


def test_the_correlator_comes_back_on_every_answer(partner: Partner) -> None:
    for body, status in ((b"{", 400), (json.dumps(
        {"phoneNumber": NUMBER, "scopes": [partner.campaign.scope], "purpose": partner.campaign.purpose,
         "requestCaptureUrl": False}).encode(), 200)):  # fmt: skip
        given = {"x-correlator": "b4333c46-49c0-4f62"}
        response = partner.post("/consent-info/v0.2/retrieve", body, "application/json", **given)
        assert (response.status_code, response["x-correlator"]) == (status, "b4333c46-49c0-4f62")
    nobody = camara(Client().post("/consent-info/v0.2/retrieve", headers={"x-correlator": "abc"}))
    assert (nobody.status_code, nobody["x-correlator"]) == (401, "abc")
    assert re.fullmatch(r"[0-9a-f-]{36}", Client().post("/consent-info/v0.2/retrieve")["x-correlator"])
    odd = partner.post("/consent-info/v0.2/retrieve", b"{}", "application/json", **{"x-correlator": "a b"})
    assert (odd.status_code, json.loads(odd.content)["code"]) == (400, "INVALID_ARGUMENT")
    assert odd["x-correlator"] != "a b"


# Answers.


def test_allowed_with_its_end(partner: Partner) -> None:
    line = a_line(msisdn=NUMBER)
    an_approval(line, partner.campaign)
    assert info(partner) == {"statusValidForProcessing": True}
    other = a_line(msisdn="+12065550143")
    ends = (database_clock() + timedelta(days=9)).replace(microsecond=125_000)
    an_approval(other, partner.campaign, expires_at=ends)
    assert info(partner, phoneNumber="+12065550143") == {
        "statusValidForProcessing": True,
        "expirationDate": ends.strftime("%Y-%m-%dT%H:%M:%S.125Z"),
    }


def test_expired_with_its_end(partner: Partner) -> None:
    line = a_line(msisdn=NUMBER)
    ends = (database_clock() - timedelta(days=9)).replace(microsecond=0)
    an_approval(line, partner.campaign, expires_at=ends)
    answer = ask(partner, requestCaptureUrl=True)
    assert answer["statusInfo"][0]["statusReason"] == "EXPIRED"
    assert answer["statusInfo"][0]["expirationDate"] == ends.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    assert "captureUrl" in answer


def test_denied_where_the_partner_was_told(partner: Partner) -> None:
    line = a_line(msisdn=NUMBER)
    an_approval(line, partner.campaign)
    said: dict[str, Any] = {"line_id": line.pk, "actor": "subscriber:1", "channel": "web"}
    nos: list[Callable[[], object]] = [
        lambda: choices.stop(scope="all", **said),
        lambda: choices.pause(scope="all", until=database_clock() + timedelta(days=1), **said),
        lambda: choices.refuse(campaign=partner.campaign.ref, **said),
    ]
    for no in nos:
        with undone():
            no()
            answer = ask(partner, requestCaptureUrl=True)
            assert answer["statusInfo"][0]["statusReason"] == "DENIED"
            assert "captureUrl" not in answer


def test_denied_from_the_moment_on_at_which_the_partner_first_dealt_with_the_line(partner: Partner) -> None:
    for later, expected in ((timedelta(0), DENIED), (A_MOMENT, PENDING)):
        with undone():
            line, now = a_line(msisdn=NUMBER), database_clock()
            an_approval(line, partner.campaign, at=now - timedelta(days=9), recorded_at=now + timedelta(days=1))
            choices.stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web")
            said_at = Choice.objects.get(line_id=line.pk).recorded_at
            Dealing.objects.create(
                line_id=line.pk, aggregator=partner.party, party=partner.party, last_at=said_at + later
            )
            assert info(partner) == expected


def test_whoever_had_the_number_before_is_whom_the_partner_dealt_with(partner: Partner) -> None:
    line, dealt_at = a_line(msisdn=NUMBER), database_clock()
    Dealing.objects.create(line_id=line.pk, aggregator=partner.party, party=partner.party, last_at=dealt_at)
    choices.stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web")
    for changed_at, expected in ((dealt_at - A_MOMENT, DENIED), (dealt_at, PENDING)):
        Line.objects.filter(pk=line.pk).update(number_changed_at=changed_at)
        assert info(partner) == expected


def test_a_claim_alone_is_pending(partner: Partner) -> None:
    a_line(msisdn=NUMBER)
    partner.one(partner.claim())
    assert info(partner) == PENDING


def test_pending_alike_for_strangers_and_the_stopped(partner: Partner) -> None:
    a_line(msisdn=NUMBER)
    stopped = a_line(msisdn="+12065550143")
    choices.stop(line_id=stopped.pk, scope="all", actor=f"line:{stopped.pk}", channel="stop_page")
    as_at_commit()
    a_line(msisdn="+12065550144", deactivated_at=database_clock() - timedelta(days=2))
    for requested, expected in ((False, PENDING), (True, PENDING), (True, REQUESTED), (False, REQUESTED)):
        for number in (NUMBER, "+12065550143", "+12065550144", STRANGER):
            answer = ask(partner, phoneNumber=number, requestCaptureUrl=requested)
            (told,) = answer["statusInfo"]
            assert told == {"scopes": [partner.campaign.scope], "purpose": partner.campaign.purpose, **expected}
            assert ("captureUrl" in answer) == requested
            assert requested is False or re.fullmatch(
                r"http://localhost:8000/ask/[A-Za-z0-9_-]{32}/", answer["captureUrl"]
            )


def test_a_stop_before_the_claim_stays_hidden_after_it(partner: Partner) -> None:
    stopped = a_line(msisdn=NUMBER)
    choices.stop(line_id=stopped.pk, scope="all", actor=f"line:{stopped.pk}", channel="stop_page")
    as_at_commit()
    partner.one(partner.claim())
    partner.one(partner.claim(id="c-2", msisdn=STRANGER, captured_at=stamp(database_clock() - timedelta(days=700))))
    assert info(partner) == PENDING == info(partner, phoneNumber=STRANGER)


def test_new_number_does_not_lead_back_to_a_known_person(partner: Partner) -> None:
    """Who changed number to get away is nobody this partner knows, whatever they agreed to or stopped before."""
    line = a_line(msisdn=NUMBER)
    an_approval(line, partner.campaign, at=database_clock() - timedelta(days=9),
                expires_at=database_clock() - timedelta(days=1))  # fmt: skip
    choices.stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web")
    assert info(partner) == DENIED
    Line.objects.filter(pk=line.pk).update(number_changed_at=database_clock())
    assert info(partner) == PENDING
    other = a_line(msisdn="+12065550143")
    an_approval(other, partner.campaign, at=database_clock() - timedelta(days=9),
                expires_at=database_clock() - timedelta(days=1))  # fmt: skip
    Line.objects.filter(pk=other.pk).update(number_changed_at=database_clock() - timedelta(hours=1))
    assert info(partner, phoneNumber="+12065550143") == PENDING


def test_what_is_suspended_is_not_offered(partner: Partner) -> None:
    an_approval(a_line(msisdn=NUMBER), partner.campaign)
    now = database_clock()
    past = {"starts_at": now - timedelta(days=2), "ends_at": now - timedelta(days=1)}
    Suspension.objects.create(of="campaign", target_id=partner.campaign.pk, reason="Due", actor="officer:1", **past)
    assert info(partner) == {"statusValidForProcessing": True}
    Suspension.objects.create(
        of="campaign", target_id=partner.campaign.pk, starts_at=now, reason="Due", actor="officer:1"
    )
    for number in (NUMBER, STRANGER):
        assert partner.retrieve(phoneNumber=number)[1]["code"] == "CONSENT_INFO.NOT_ALLOWED_SCOPES_PURPOSE"


def test_terms_not_in_force_are_offered_for_nobody(partner: Partner) -> None:
    later = a_campaign(partner.campaign.contract, purpose=FRAUD, starts_at=database_clock() + timedelta(days=1))
    for number in (NUMBER, STRANGER):
        assert partner.retrieve(purpose=FRAUD, phoneNumber=number, campaign=later.ref)[0] == 403
    assert ConsentRequest.objects.count() == 0


def test_another_partner_s_campaign_is_none_of_this_one(partner: Partner) -> None:
    other = a_partner("NorthLink", provider="FraudShield", purpose=FRAUD)
    assert partner.retrieve(purpose=FRAUD)[1]["code"] == "CONSENT_INFO.NOT_ALLOWED_SCOPES_PURPOSE"
    assert partner.retrieve(campaign=other.campaign.ref)[0] == 403


def test_scopes_that_stand_alike_share_an_item(partner: Partner) -> None:
    line = a_line(msisdn=NUMBER)
    contract, provider = partner.campaign.contract, partner.campaign.lbs_provider
    verify = a_campaign(contract, provider, scope="location-verification:verify")
    a_campaign(contract, provider, scope="geofencing:read")
    an_approval(line, verify)
    answer = ask(partner, scopes=["location-verification:verify", partner.campaign.scope, "geofencing:read"])
    assert answer["statusInfo"] == [
        {"scopes": ["location-verification:verify"], "purpose": partner.campaign.purpose,
         "statusValidForProcessing": True},
        {"scopes": [partner.campaign.scope, "geofencing:read"], "purpose": partner.campaign.purpose, **PENDING},
    ]  # fmt: skip


def test_what_several_campaigns_share_is_valid_only_where_all_are(partner: Partner) -> None:
    line = a_line(msisdn=NUMBER)
    second = a_campaign(partner.campaign.contract, a_party("MedAlert", "lbs_provider"))
    an_approval(line, partner.campaign)
    assert info(partner) == PENDING
    assert info(partner, campaign=partner.campaign.ref) == {"statusValidForProcessing": True}
    assert info(partner, campaign=second.ref) == PENDING
    an_approval(line, second)
    assert info(partner) == {"statusValidForProcessing": True}


def test_where_one_of_two_was_refused_the_scope_is_denied(partner: Partner) -> None:
    line = a_line(msisdn=NUMBER)
    second = a_campaign(partner.campaign.contract, a_party("MedAlert", "lbs_provider"))
    an_approval(line, partner.campaign)
    an_approval(line, second)
    choices.stop(line_id=line.pk, scope="campaign", ref=second.ref, actor="subscriber:1", channel="web")
    denied = {"scopes": [partner.campaign.scope], "purpose": partner.campaign.purpose, **DENIED}
    choices.stop(line_id=line.pk, scope="campaign", ref=partner.campaign.ref, actor="subscriber:1", channel="web")
    third = a_campaign(partner.campaign.contract, a_party("ThirdWay", "lbs_provider"))
    assert info(partner, campaign=third.ref)["statusReason"] == "PENDING"
    for capture in (False, True):
        assert ask(partner, requestCaptureUrl=capture) == {"statusInfo": [denied]}
    assert ConsentRequest.objects.count() == 0


# How often, and how alike the work is.


def test_per_number_and_per_client(partner: Partner, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.clear()  # what others asked in this minute counts too
    monkeypatch.setattr(consent_requests, "PER_CLIENT", (24, 60))
    other = a_partner("NorthLink", provider="FraudShield")
    for number, times in ((NUMBER, 20), (STRANGER, 3)):
        assert [partner.retrieve(phoneNumber=number)[0] for _ in range(times)] == [200] * times
    status, body = partner.retrieve()
    assert (status, body["code"]) == (429, "TOO_MANY_REQUESTS")
    assert other.retrieve()[0] == 200
    assert partner.retrieve(phoneNumber="+12065550177")[0] == 429
    response = partner.post(
        "/consent-info/v0.2/retrieve",
        json.dumps({"phoneNumber": NUMBER, "scopes": ["x"], "purpose": FRAUD, "requestCaptureUrl": False}).encode(),
        "application/json",
    )
    assert response["Retry-After"] == "3600"


def test_no_redis_hinders_nobody(partner: Partner, settings: Settings) -> None:
    settings.CACHES = {
        "default": {
            "BACKEND": "portal.caches.ForgivingCache",
            "LOCATION": "redis://127.0.0.1:1/0",
            "OPTIONS": {"socket_connect_timeout": 0.1},
        }
    }
    assert info(partner) == PENDING


def test_person_reads_in_their_log_who_asked_once_a_day(partner: Partner) -> None:
    line = a_line(msisdn=NUMBER)
    for _ in range(2):
        info(partner)
    info(partner, phoneNumber=STRANGER)
    asked = AuditEvent.objects.get(action="partner.asked")
    assert (asked.line_id, asked.actor) == (line.pk, f"partner:{partner.party.pk}")
    assert asked.detail == {"company": partner.party.name, "client": partner.party.uri}
    log = signed_in(line).get("/access-log/").text
    assert f"Asked us if it may find this phone: {partner.party.name}" in log
    again: dict[str, Any] = {
        "action": asked.action,
        "actor": asked.actor,
        "target": asked.target,
        "line_id": line.pk,
        "detail": {},
    }
    for hours, noted in ((23, 1), (24, 2)):
        audit.actions.record_daily(**again, at=asked.at + timedelta(hours=hours))
        assert AuditEvent.objects.filter(action="partner.asked").count() == noted
    assert verify_chains(since=None, until=None, signed={}).fault is None


def test_the_same_statements_whoever_it_is(partner: Partner) -> None:
    a_line(msisdn=NUMBER)
    stopped = a_line(msisdn="+12065550143")
    choices.stop(line_id=stopped.pk, scope="all", actor=f"line:{stopped.pk}", channel="stop_page")
    as_at_commit()
    partner.retrieve(phoneNumber="+12065550199", requestCaptureUrl=True)
    counted = set()
    for number in (NUMBER, "+12065550143", STRANGER):
        with CaptureQueriesContext(connection) as queries:
            partner.retrieve(phoneNumber=number, requestCaptureUrl=True)
        counted.add(tuple(re.sub(r"'[^']*'|-?\d+|::\w+", "?", one["sql"])[:60] for one in queries))
    assert len(counted) == 1


def test_no_answer_comes_sooner_than_any(partner: Partner, settings: Settings) -> None:
    settings.ANSWER_SECONDS = 60.0
    for number in (NUMBER, STRANGER):
        began, what = time.monotonic(), {"scopes": [partner.campaign.scope], "purpose": partner.campaign.purpose}
        asked = json.dumps({"phoneNumber": number, "requestCaptureUrl": False, **what}).encode()
        answer: Any = partner.post("/consent-info/v0.2/retrieve", asked, "application/json")
        assert answer.wsgi_request.META[ANSWER_AT] >= began + 60


def test_the_list_of_hosts_is_the_agreement_s(partner: Partner) -> None:
    move_endpoints(partner.campaign.contract, hosts=["app.geobridge.example:8443"])
    assert partner.retrieve(callbackUrl="https://app.geobridge.example/")[0] == 403
    assert partner.retrieve(callbackUrl="https://app.geobridge.example:8443/")[0] == 200
