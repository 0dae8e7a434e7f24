"""Machine sign-in: private_key_jwt by RFC 7523, and the tokens it gives. Each check has an assertion that fails it."""

import time
import uuid
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest
from django.conf import settings
from django.test import Client as Http

from partners.actions.clients import register_client
from partners.actions.sign_in import ASSERTION_TYPE, TokenRefused, issue_access_token
from partners.models import Client, UsedAssertion
from partners.primitives.tokens import BadToken, peek
from tests.factories import a_party
from tests.partners.outside import Signer

pytestmark = pytest.mark.django_db
ALL_OF_AN_AGGREGATOR = "approvals:write consent-info:retrieve receipts:write ssf.manage ssf.read"


@pytest.fixture
def signer() -> Signer:
    return a_client("geobridge", Client.Kind.AGGREGATOR)


def a_client(client_id: str, kind: Client.Kind) -> Signer:
    signer = Signer(client_id)
    register_client(
        client_id=client_id,
        kind=kind,
        public_jwk=dict(signer.public),
        party=a_party() if kind == Client.Kind.AGGREGATOR else None,
        actor="system:test",
        at=datetime.now(UTC),
    )
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


def refusal(signer: Signer, changed: dict[str, object], typ: str = "JWT") -> tuple[int, object]:
    status, body = ask(signer.sign(claims(signer, **changed), typ=typ))
    return status, body["error"]


def test_a_client_gets_a_token_of_ten_minutes_for_all_that_its_kind_may(signer: Signer) -> None:
    status, body = ask(signer.sign(claims(signer), typ="JWT"))
    assert status == 200
    assert (body["token_type"], body["expires_in"], body["scope"]) == ("Bearer", 600, ALL_OF_AN_AGGREGATOR)


def test_a_client_may_ask_for_less(signer: Signer) -> None:
    assert ask(signer.sign(claims(signer), typ="JWT"), scope="receipts:write")[1]["scope"] == "receipts:write"


@pytest.mark.parametrize("typ", ["", "JWT", "client-authentication+jwt", "application/client-authentication+jwt"])
def test_assertions_may_be_typed(signer: Signer, typ: str) -> None:
    assert ask(signer.sign(claims(signer), typ=typ))[0] == 200


def test_an_assertion_is_good_once(signer: Signer) -> None:
    assertion = signer.sign(claims(signer), typ="JWT")
    assert ask(assertion)[0] == 200
    assert ask(assertion) == (
        401,
        {"error": "invalid_client", "error_description": "this assertion was used before"},
    )


def test_an_assertion_that_asked_for_too_much_is_used_up_as_well(signer: Signer) -> None:
    assertion = signer.sign(claims(signer, jti="once"), typ="JWT")
    assert ask(assertion, scope="lines:write")[1]["error"] == "invalid_scope"
    assert list(UsedAssertion.objects.values_list("jti", flat=True)) == ["once"]
    assert ask(assertion)[1]["error"] == "invalid_client"


def test_the_same_jti_of_another_client_is_another(signer: Signer) -> None:
    gateway = a_client("gateway", Client.Kind.GATEWAY)
    assert ask(signer.sign(claims(signer, jti="1"), typ="JWT"))[0] == 200
    assert ask(gateway.sign(claims(gateway, jti="1"), typ="JWT"))[0] == 200


def test_assertions_that_have_ended_are_forgotten(signer: Signer) -> None:
    past = datetime.now(UTC) - timedelta(seconds=1)
    UsedAssertion.objects.create(client_id=signer.uri, jti="old", expires_at=past)
    ask(signer.sign(claims(signer), typ="JWT"))
    assert UsedAssertion.objects.filter(jti="old").count() == 0
    assert UsedAssertion.objects.count() == 1


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "somebody"},
        {"sub": "somebody"},
        {"aud": "https://elsewhere.example"},
        {"aud": None},
        {"jti": None},
        {"jti": ""},
        {"jti": "x" * 201},
        {"jti": 7},
        {"exp": None},
        {"exp": "soon"},
    ],
    ids=repr,
)
def test_an_assertion_that_fails_one_check_is_refused(signer: Signer, changed: dict[str, object]) -> None:
    assert refusal(signer, changed) == (401, "invalid_client")


def test_our_issuer_must_be_the_sole_audience(signer: Signer) -> None:
    assert refusal(signer, {"aud": [settings.BASE_URL, "https://elsewhere.example"]}) == (401, "invalid_client")
    assert refusal(signer, {"aud": f"{settings.BASE_URL}/oauth/token"}) == (401, "invalid_client")
    assert ask(signer.sign(claims(signer, aud=[settings.BASE_URL]), typ="JWT"))[0] == 200


@pytest.mark.parametrize(("iat", "exp"), [(-61, 0), (0, 61), (-2, 59), (30, 60), (None, 90), (-100, 50)])
def test_an_assertion_lives_a_minute_at_most(signer: Signer, iat: int | None, exp: int) -> None:
    now = int(time.time())
    made = None if iat is None else now + iat
    assert refusal(signer, {"iat": made, "exp": now + exp}) == (401, "invalid_client")


def test_its_times_are_numeric_dates_with_a_fraction_or_without(signer: Signer) -> None:
    now = time.time()
    good: list[dict[str, object]] = [
        {"exp": now + 30.25}, {"iat": now - 1.5, "exp": now + 58.25}, {"nbf": now - 0.5}, {"exp": int(now) + 50.0},
    ]  # fmt: skip
    for times in good:
        assert ask(signer.sign(claims(signer, **times), typ="JWT"))[0] == 200, times
    wrong: list[dict[str, object]] = [
        {"exp": now - 0.25}, {"iat": now, "exp": now + 60.25}, {"nbf": now + 99.5}, {"exp": True}, {"iat": False},
        {"nbf": "1"}, {"exp": str(int(now) + 30)}, {"exp": 1e30}, {"exp": [now + 30]},
    ]  # fmt: skip
    for times in wrong:
        assert refusal(signer, times) == (401, "invalid_client"), times


@pytest.mark.parametrize("typ", ["secevent+jwt", "at+jwt", "whereabouts-receipt+jwt"])
def test_a_token_of_another_kind_is_no_assertion(signer: Signer, typ: str) -> None:
    assert refusal(signer, {}, typ) == (401, "invalid_client")


def test_another_s_key_does_not_sign_in(signer: Signer) -> None:
    thief = Signer(signer.uri)
    assert ask(thief.sign(claims(signer), typ="JWT"))[0] == 401


def test_a_disabled_client_does_not_sign_in(signer: Signer) -> None:
    Client.objects.update(disabled_at=datetime.now(UTC))
    assert refusal(signer, {}) == (401, "invalid_client")


def test_an_unsigned_assertion_is_refused(signer: Signer) -> None:
    head = "eyJhbGciOiJub25lIn0"
    body = signer.sign(claims(signer), typ="JWT").split(".")[1]
    assert ask(f"{head}.{body}.")[0] == 401


@pytest.mark.parametrize(
    ("kind", "scope"),
    [
        (Client.Kind.AGGREGATOR, "decisions:read"),
        (Client.Kind.GATEWAY, "lines:write"),
        (Client.Kind.FEED, "disclosures:write"),
        (Client.Kind.FEED, "lines:write everything"),
    ],
)
def test_scopes_follow_the_kind_of_client(kind: Client.Kind, scope: str) -> None:
    client = a_client("somebody", kind)
    status, body = ask(client.sign(claims(client), typ="JWT"), scope=scope)
    assert (status, body["error"]) == (400, "invalid_scope")


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"client_assertion_type": "x"}, "invalid_client"),
        ({"client_assertion": ""}, "invalid_client"),
        ({"resource": "https://elsewhere.example"}, "invalid_target"),
    ],
)
def test_other_ways_of_asking_are_refused(signer: Signer, changed: dict[str, str], error: str) -> None:
    status, body = ask(signer.sign(claims(signer), typ="JWT"), **changed)
    assert (status, body["error"]) == (401 if error == "invalid_client" else 400, error)


def test_json_is_not_a_form() -> None:
    response = Http().post("/oauth/token", "{}", content_type="application/json")
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


def test_the_documents_say_where_and_how() -> None:
    about = Http().get("/.well-known/oauth-authorization-server").json()
    assert about["issuer"] == settings.BASE_URL
    assert about["token_endpoint"] == f"{settings.BASE_URL}/oauth/token"
    assert about["token_endpoint_auth_methods_supported"] == ["private_key_jwt"]
    response = Http().get("/.well-known/jwks.json")
    assert response["Cache-Control"] == "public, max-age=3600"
    assert sorted({key["alg"] for key in response.json()["keys"]}) == ["ES256", "RS256"]


def test_a_client_s_key_must_be_one_we_use() -> None:
    with pytest.raises(BadToken):
        register_client(
            client_id="x",
            kind=Client.Kind.GATEWAY,
            public_jwk={"kty": "oct", "k": "c2VjcmV0"},
            party=None,
            actor="system:test",
            at=datetime.now(UTC),
        )


def test_a_token_of_no_scope_is_never_issued(signer: Signer) -> None:
    client = Client.objects.get(client_id=signer.uri)
    with pytest.raises(TokenRefused):
        issue_access_token(client=client, scopes=[], lifetime=timedelta(hours=1), at=datetime.now(UTC))


@pytest.mark.parametrize(
    ("changed", "answer"),
    [
        ({"client_id": "somebody"}, (401, "invalid_client")),
        ({"client_secret": "x"}, (400, "invalid_request")),
        ({"grant_type": ""}, (400, "invalid_request")),
    ],
)
def test_two_ways_of_signing_in_at_once_are_refused(
    signer: Signer, changed: dict[str, str], answer: tuple[int, str]
) -> None:
    status, body = ask(signer.sign(claims(signer), typ="JWT"), **changed)
    assert (status, body["error"]) == answer


def test_the_client_may_be_named_beside_its_assertion(signer: Signer) -> None:
    assert ask(signer.sign(claims(signer), typ="JWT"), client_id=signer.uri)[0] == 200


@pytest.mark.parametrize("name", ["grant_type", "scope", "client_assertion"])
def test_a_parameter_may_not_come_twice(signer: Signer, name: str) -> None:
    form = {"grant_type": "client_credentials", "client_assertion_type": ASSERTION_TYPE, "scope": "ssf.read"}
    form["client_assertion"] = signer.sign(claims(signer), typ="JWT")
    twice = f"{urlencode(form)}&{urlencode({name: form[name]})}"
    response = Http().post("/oauth/token", twice, content_type="application/x-www-form-urlencoded")
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")
    assert UsedAssertion.objects.count() == 0


def test_one_resource_may_be_named_and_it_is_us(signer: Signer) -> None:
    status, body = ask(signer.sign(claims(signer), typ="JWT"), resource=settings.BASE_URL)
    assert status == 200
    assert peek(str(body["access_token"])).claims["aud"] == settings.BASE_URL
    form = {"grant_type": "client_credentials", "client_assertion_type": ASSERTION_TYPE, "client_assertion": "x"}
    two = f"{urlencode(form)}&{urlencode([('resource', settings.BASE_URL), ('resource', 'https://x.example')])}"
    response = Http().post("/oauth/token", two, content_type="application/x-www-form-urlencoded")
    assert (response.status_code, response.json()["error"]) == (400, "invalid_target")


@pytest.mark.parametrize("nbf", [30, "soon"])
def test_an_assertion_that_is_not_yet_valid_is_refused(signer: Signer, nbf: int | str) -> None:
    early = int(time.time()) + nbf if isinstance(nbf, int) else nbf
    assert refusal(signer, {"nbf": early}) == (401, "invalid_client")


def test_the_access_token_is_rfc_9068_s(signer: Signer) -> None:
    now = int(time.time())
    token = str(ask(signer.sign(claims(signer), typ="JWT"), scope="ssf.read ssf.manage")[1]["access_token"])
    opened = peek(token)
    said = dict(opened.claims)
    assert opened.typ == "at+jwt"
    assert set(said) == {"iss", "aud", "sub", "client_id", "iat", "exp", "jti", "scope"}
    assert (said["iss"], said["sub"], said["client_id"]) == (settings.BASE_URL, signer.uri, signer.uri)
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
