"""Who may call: access tokens, their scopes, their end, the client behind them, and what is in force with it."""

from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings
from django.db import transaction
from django.http import HttpResponse
from django.test import Client as Http
from django.test import RequestFactory
from pytest_django import DjangoAssertNumQueries

from partners.actions.sign_in import issue_access_token
from partners.api.access import ClientRequest, client_required, grant_of
from partners.domain import keys
from partners.models import Client, Party, SigningKey, Suspension
from partners.workers import rotation
from tests.factories import a_contract, a_party
from tests.partners.outside import Signer
from tests.staff import a_client

pytestmark = pytest.mark.django_db


@client_required("decisions:read")
def door(request: ClientRequest) -> HttpResponse:
    return HttpResponse(request.client.client_id)


@pytest.fixture
def gateway() -> Client:
    return a_client(Signer("gateway"))


def a_token(client: Client, *scopes: str, at: datetime | None = None) -> str:
    at = at or datetime.now(UTC)
    return issue_access_token(client=client, scopes=scopes, lifetime=timedelta(minutes=10), at=at).token


def call(authorization: str) -> HttpResponse:
    headers = {"Authorization": authorization} if authorization else {}
    return door(RequestFactory().post("/", headers=headers))


def test_a_token_opens_its_scopes_until_it_ends(gateway: Client) -> None:
    response = call(f"Bearer {a_token(gateway, 'decisions:read', 'disclosures:write')}")
    assert (response.status_code, response.content) == (200, b"gateway")
    response = call(f"Bearer {a_token(gateway, 'disclosures:write')}")
    assert response.status_code == 403
    assert 'error="insufficient_scope"' in response["WWW-Authenticate"]
    began = datetime.now(UTC)
    ago = began - timedelta(minutes=10)
    assert call(f"Bearer {a_token(gateway, 'decisions:read', at=ago)}").status_code == 401
    assert call(f"Bearer {a_token(gateway, 'decisions:read', at=ago + timedelta(seconds=5))}").status_code == 200
    # One that is remembered ends too.
    authorization, ends = f"Bearer {a_token(gateway, 'decisions:read', at=began)}", int(began.timestamp()) + 600
    assert grant_of(authorization, now=ends - 1) is not None
    assert grant_of(authorization, now=ends) is None


def test_a_token_is_checked_once_but_its_client_each_time(
    gateway: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    authorization = f"Bearer {a_token(gateway, 'decisions:read')}"
    call(authorization)
    with django_assert_num_queries(1):
        assert call(authorization).status_code == 200
    Client.objects.update(disabled_at=datetime.now(UTC))
    assert call(authorization).status_code == 401


def test_no_token_no_entry() -> None:
    for authorization in ("", "Bearer", "Bearer ", "Bearer x", "Basic eDp5", "Bearer a.b.c"):
        response = call(authorization)
        assert (response.status_code, response["Content-Type"]) == (401, "application/problem+json"), authorization
        assert response["WWW-Authenticate"].startswith(f'Bearer realm="{settings.BASE_URL}"')


def test_a_token_that_lacks_one_thing_is_none(gateway: Client) -> None:
    whole = {
        "iss": settings.BASE_URL, "aud": settings.BASE_URL, "client_id": gateway.client_id, "scope": "decisions:read",
        "exp": int(datetime.now(UTC).timestamp()) + 60, "key_since": str(gateway.changed_at),
    }  # fmt: skip
    assert call(f"Bearer {keys.sign(use=SigningKey.Use.ACCESS, claims=whole)}").status_code == 200
    assert call(f"Bearer {keys.sign(use=SigningKey.Use.RECEIPT, claims=whole)}").status_code == 401
    for changed in ({"iss": "https://x"}, {"aud": "https://x"}, {"exp": "later"}, {"scope": 7}, {"key_since": None}):
        token = keys.sign(use=SigningKey.Use.ACCESS, claims={**whole, **changed})
        assert call(f"Bearer {token}").status_code == 401, changed


def test_a_key_taken_away_ends_its_tokens(gateway: Client) -> None:
    def replace(*, emergency: bool) -> None:
        rotation.replace(
            uses=[SigningKey.Use.ACCESS], emergency=emergency, actor="officer:1", reason="Due", now=datetime.now(UTC)
        )

    authorization = f"Bearer {a_token(gateway, 'decisions:read')}"
    replace(emergency=False)
    assert call(authorization).status_code == 200
    replace(emergency=True)
    assert call(authorization).status_code == 401
    assert call(f"Bearer {a_token(gateway, 'decisions:read')}").status_code == 200


# What stays open to a partner with whom nothing is in force, and what does not.


@client_required("approvals:write", closed_when_suspended=True)
def claims(request: ClientRequest) -> HttpResponse:
    return HttpResponse("taken")


@pytest.fixture
def party() -> Party:
    return a_party("GeoBridge")


@pytest.fixture
def token(party: Party) -> str:
    client = a_client(Signer("geobridge"), Client.Kind.AGGREGATOR, party=party)
    return a_token(client, "approvals:write", "receipts:write", "ssf.read")


def claimed(token: str) -> tuple[int, str]:
    response = claims(RequestFactory().post("/", headers={"Authorization": f"Bearer {token}"}))
    return response.status_code, response.content.decode()


def suspend(of: str, target_id: int, **fields: object) -> None:
    began = datetime.now(UTC) - timedelta(hours=2)
    Suspension.objects.create(of=of, target_id=target_id, starts_at=began, reason="test", actor="officer:1", **fields)


def test_whom_a_suspension_shuts_out(party: Party, token: str) -> None:
    first = a_contract(party)
    assert claimed(token) == (200, "taken")
    for automatic in (False, True):
        before = transaction.savepoint_create()
        suspend("party", party.pk, automatic=automatic)
        status, body = claimed(token)
        assert (status, '"access_denied"' in body) == (403, True)
        transaction.savepoint_rollback(before)
    # One that ended closes nothing.
    suspend("party", party.pk, ends_at=datetime.now(UTC) - timedelta(hours=1))
    assert claimed(token)[0] == 200
    second = a_contract(party)
    suspend("contract", first.pk)
    assert claimed(token)[0] == 200
    suspend("contract", second.pk)
    assert claimed(token)[0] == 403


def test_a_contract_not_in_force_opens_nothing(party: Party, token: str) -> None:
    day, now = timedelta(days=1), datetime.now(UTC)
    for changed in ({"ends_at": now - day}, {"starts_at": now + day}, {"is_draft": True}):
        a_contract(party, **changed)
        assert claimed(token)[0] == 403, changed


def test_orders_and_receipts_stay_open_to_a_suspended_partner(party: Party, token: str) -> None:
    """They get as far as the body: the token still counts for what the partner owes."""
    a_contract(party)
    suspend("party", party.pk)
    bearer = {"Authorization": f"Bearer {token}"}
    polled = Http().post("/ssf/poll", {"returnImmediately": True}, content_type="application/json", headers=bearer)
    assert (polled.status_code, polled.json()) == (200, {"sets": {}, "moreAvailable": False})
    signed = Http().post("/ssf/receipts", "x", content_type="application/secevent+jwt", headers=bearer)
    assert (signed.status_code, signed.json()["err"]) == (400, "invalid_request")
