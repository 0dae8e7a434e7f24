"""Machine sign-in: private_key_jwt by RFC 7523, and the tokens it gives. Each check has an assertion that fails it."""

import json
import time
import uuid
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest
from django.conf import settings
from django.test import Client as Http
from joserfc.jws import JWSRegistry
from joserfc.util import urlsafe_b64encode

from partners.actions.clients import register_client
from partners.actions.sign_in import ASSERTION_TYPE, TokenRefused, issue_access_token
from partners.models import Client, UsedAssertion
from partners.primitives.tokens import BadToken, parse_unverified
from tests.factories import a_party
from tests.partners.outside import Signer
from tests.staff import a_client

pytestmark = pytest.mark.django_db
ALL_OF_AN_AGGREGATOR = "approvals:write consent-info:retrieve receipts:write ssf.manage ssf.read"


@pytest.fixture
def signer() -> Signer:
    return signed_up("geobridge", Client.Kind.AGGREGATOR)


def signed_up(client_id: str, kind: Client.Kind) -> Signer:
    signer = Signer(client_id)
    a_client(signer, kind, party=a_party() if kind == Client.Kind.AGGREGATOR else None)
    return signer


def claims(signer: Signer, **changed: object) -> dict[str, object]:
    now = int(time.time())
    whole = {
        "iss": signer.uri, "sub": signer.uri, "aud": settings.BASE_URL, "iat": now, "exp": now + 60,
        "jti": str(uuid.uuid4()), **changed,
    }  # fmt: skip
    return {name: value for name, value in whole.items() if value is not None}


def ask(assertion: str, **changed: str) -> tuple[int, dict[str, object]]:
    form = {
        "grant_type": "client_credentials", "client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion,
        **changed,
    }  # fmt: skip
    response = Http().post("/oauth/token", urlencode(form), content_type="application/x-www-form-urlencoded")
    assert response["Cache-Control"] == "no-store"
    return response.status_code, response.json()


def assertion_of(signer: Signer, typ: str = "JWT", **changed: object) -> str:
    return signer.sign(claims(signer, **changed), typ=typ)


def refusal(signer: Signer, changed: dict[str, object], typ: str = "JWT") -> tuple[int, object]:
    status, body = ask(assertion_of(signer, typ, **changed))
    return status, body["error"]


def test_a_client_gets_a_token_for_its_scopes(signer: Signer) -> None:
    for typ in ("", "JWT", "client-authentication+jwt", "application/client-authentication+jwt"):
        status, body = ask(assertion_of(signer, typ), client_id=signer.uri)
        assert status == 200, typ
        assert (body["token_type"], body["expires_in"], body["scope"]) == ("Bearer", 600, ALL_OF_AN_AGGREGATOR)
    assert ask(assertion_of(signer), scope="receipts:write")[1]["scope"] == "receipts:write"


def test_an_assertion_is_good_once_by_its_client_and_name(signer: Signer) -> None:
    assertion = assertion_of(signer, jti="1")
    assert ask(assertion)[0] == 200
    used = {"error": "invalid_client", "error_description": "this assertion was used before"}
    assert ask(assertion) == (401, used)
    assert ask(assertion_of(signed_up("gateway", Client.Kind.GATEWAY), jti="1"))[0] == 200
    # One that asked for too much is used up as well.
    assertion = assertion_of(signer, jti="once")
    assert ask(assertion, scope="lines:write")[1]["error"] == "invalid_scope"
    assert set(UsedAssertion.objects.values_list("jti", flat=True)) == {"1", "once"}
    assert ask(assertion)[1]["error"] == "invalid_client"


def test_an_assertion_that_fails_one_check_is_refused(signer: Signer) -> None:
    now, us = int(time.time()), settings.BASE_URL
    wrong: list[dict[str, object]] = [
        {"iss": "somebody"}, {"sub": "somebody"}, {"aud": "https://elsewhere.example"}, {"aud": None}, {"jti": None},
        {"jti": ""}, {"jti": "x" * 201}, {"jti": 7}, {"exp": None}, {"exp": "soon"}, {"nbf": now + 30},
        {"nbf": "soon"},
        # Our issuer must be the sole audience.
        {"aud": [us, "https://elsewhere.example"]}, {"aud": f"{us}/oauth/token"},
        # It lives a minute at most.
        {"iat": now - 61, "exp": now}, {"iat": now, "exp": now + 61}, {"iat": now - 2, "exp": now + 59},
        {"iat": now + 30, "exp": now + 60}, {"iat": None, "exp": now + 90}, {"iat": now - 100, "exp": now + 50},
    ]  # fmt: skip
    for changed in wrong:
        assert refusal(signer, changed) == (401, "invalid_client"), changed
    # A token of another kind is none.
    for typ in ("secevent+jwt", "at+jwt", "whereabouts-receipt+jwt"):
        assert refusal(signer, {}, typ) == (401, "invalid_client"), typ
    assert ask(assertion_of(signer, aud=[us]))[0] == 200


def test_its_times_are_numeric_dates_with_or_without_a_fraction(signer: Signer) -> None:
    now = time.time()
    good: list[dict[str, object]] = [
        {"exp": now + 30.25}, {"iat": now - 1.5, "exp": now + 58.25}, {"nbf": now - 0.5}, {"exp": int(now) + 50.0},
    ]  # fmt: skip
    for times in good:
        assert ask(assertion_of(signer, "JWT", **times))[0] == 200, times
    wrong: list[dict[str, object]] = [
        {"exp": now - 0.25}, {"iat": now, "exp": now + 60.25}, {"nbf": now + 99.5}, {"exp": True}, {"iat": False},
        {"nbf": "1"}, {"exp": str(int(now) + 30)}, {"exp": 1e30}, {"exp": [now + 30]},
    ]  # fmt: skip
    for times in wrong:
        assert refusal(signer, times) == (401, "invalid_client"), times


def test_another_s_key_a_disabled_client_and_no_signature_fail(signer: Signer) -> None:
    assert ask(assertion_of(Signer(signer.uri)))[0] == 401
    body = assertion_of(signer).split(".")[1]
    assert ask(f"eyJhbGciOiJub25lIn0.{body}.")[0] == 401
    Client.objects.update(disabled_at=datetime.now(UTC))
    assert refusal(signer, {}) == (401, "invalid_client")


def test_a_header_says_one_thing(signer: Signer) -> None:
    for header, status in (
        ('{"alg":"ES256"}', 200), ('{"alg":"none","alg":"ES256"}', 401), ('{"alg":"ES256","kid":"a","kid":"b"}', 401),
        ('{"alg":"ES256","x":NaN}', 401), ('{"alg":"ES256","x":[{"y":1,"y":2}]}', 401),
        ('["alg"]', 401), ('"alg"', 401),
    ):  # fmt: skip
        parts = (header.encode(), json.dumps(claims(signer)).encode())
        message = b".".join(map(urlsafe_b64encode, parts))
        signature = JWSRegistry.algorithms["ES256"].sign(message, signer.key)
        assert ask(f"{message.decode()}.{urlsafe_b64encode(signature).decode()}")[0] == status, header


def test_scopes_follow_the_kind_of_client() -> None:
    for kind, scope in (
        (Client.Kind.AGGREGATOR, "decisions:read"), (Client.Kind.GATEWAY, "lines:write"),
        (Client.Kind.FEED, "disclosures:write"), (Client.Kind.FEED, "lines:write everything"),
    ):  # fmt: skip
        status, body = ask(assertion_of(signed_up(f"{kind}{len(scope)}", kind)), scope=scope)
        assert (status, body["error"]) == (400, "invalid_scope"), scope


def test_other_ways_of_asking_are_refused(signer: Signer) -> None:
    for changed, status, error in (
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"client_assertion_type": "x"}, 401, "invalid_client"),
        ({"client_assertion": ""}, 401, "invalid_client"),
        ({"resource": "https://elsewhere.example"}, 400, "invalid_target"),
        ({"client_id": "somebody"}, 401, "invalid_client"),
        ({"client_secret": "x"}, 400, "invalid_request"),
        ({"grant_type": ""}, 400, "invalid_request"),
    ):
        answered, body = ask(assertion_of(signer), **changed)
        assert (answered, body["error"]) == (status, error), changed
    response = Http().post("/oauth/token", "{}", content_type="application/json")
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


def posted(*parameters: tuple[str, str]) -> tuple[int, str]:
    response = Http().post("/oauth/token", urlencode(parameters), content_type="application/x-www-form-urlencoded")
    return response.status_code, response.json()["error"]


def test_a_parameter_may_not_come_twice_nor_two_resources(signer: Signer) -> None:
    form = {"grant_type": "client_credentials", "client_assertion_type": ASSERTION_TYPE, "scope": "ssf.read"}
    form["client_assertion"] = assertion_of(signer)
    for name in ("grant_type", "scope", "client_assertion"):
        assert posted(*form.items(), (name, form[name])) == (400, "invalid_request"), name
    resources = [("resource", settings.BASE_URL), ("resource", "https://x.example")]
    assert posted(*form.items(), *resources) == (400, "invalid_target")
    assert UsedAssertion.objects.count() == 0


def test_the_published_keys_are_of_two_kinds() -> None:
    response = Http().get("/.well-known/jwks.json")
    assert response["Cache-Control"] == "public, max-age=3600"
    assert sorted({key["alg"] for key in response.json()["keys"]}) == ["ES256", "RS256"]


def test_no_key_of_another_kind_and_no_token_without_scope(signer: Signer) -> None:
    at = datetime.now(UTC)
    with pytest.raises(BadToken):
        register_client(
            client_id="x", kind=Client.Kind.GATEWAY, public_jwk={"kty": "oct", "k": "c2VjcmV0"}, party=None,
            actor="system:test", at=at,
        )  # fmt: skip
    with pytest.raises(TokenRefused):
        issue_access_token(client=Client.objects.get(), scopes=[], lifetime=timedelta(hours=1), at=at)


def test_the_access_token_is_rfc_9068_s(signer: Signer) -> None:
    now = int(time.time())
    token = str(ask(assertion_of(signer), scope="ssf.read ssf.manage", resource=settings.BASE_URL)[1]["access_token"])
    opened = parse_unverified(token)
    said = dict(opened.claims)
    assert opened.typ == "at+jwt"
    assert set(said) == {"iss", "aud", "sub", "client_id", "iat", "exp", "jti", "scope", "key_since"}
    us = settings.BASE_URL
    assert (said["iss"], said["aud"], said["sub"], said["client_id"]) == (us, us, signer.uri, signer.uri)
    assert said["scope"] == "ssf.manage ssf.read"
    assert isinstance(said["iat"], int)
    assert said["exp"] == said["iat"] + 600
    assert now <= said["iat"] <= now + 5


def test_the_discovery_document_is_whole() -> None:
    about = Http().get("/.well-known/oauth-authorization-server").json()
    assert about == {
        "issuer": settings.BASE_URL,
        "token_endpoint": f"{settings.BASE_URL}/oauth/token",
        "jwks_uri": f"{settings.BASE_URL}/.well-known/jwks.json",
        "grant_types_supported": ["client_credentials"],
        "response_types_supported": [],
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": ["ES256", "RS256"],
        "scopes_supported": [
            "approvals:write", "consent-info:retrieve", "decisions:read", "disclosures:write", "lines:write",
            "receipts:write", "ssf.manage", "ssf.read",
        ],
        "tls_client_certificate_bound_access_tokens": False,
    }  # fmt: skip
