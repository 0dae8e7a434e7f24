"""Who may call: access tokens, their scopes, their end, and the client behind them."""

from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings
from django.http import HttpResponse
from django.test import RequestFactory
from pytest_django import DjangoAssertNumQueries

from partners.actions.clients import register_client
from partners.actions.sign_in import issue_access_token
from partners.api.access import ClientRequest, client_required, grant_of
from partners.domain import keys
from partners.models import Client, SigningKey
from partners.workers import rotation
from tests.partners.outside import Signer

pytestmark = pytest.mark.django_db


@client_required("decisions:read")
def door(request: ClientRequest) -> HttpResponse:
    return HttpResponse(request.client.client_id)


@pytest.fixture
def gateway() -> Client:
    return register_client(
        client_id="gateway",
        kind=Client.Kind.GATEWAY,
        public_jwk=dict(Signer("gateway").public),
        party=None,
        actor="system:test",
        at=datetime.now(UTC),
    )


def a_token(client: Client, *scopes: str, at: datetime | None = None) -> str:
    issued = issue_access_token(
        client=client, scopes=scopes, lifetime=timedelta(minutes=10), at=at or datetime.now(UTC)
    )
    return issued.token


def call(authorization: str) -> HttpResponse:
    headers = {"Authorization": authorization} if authorization else {}
    return door(RequestFactory().post("/", headers=headers))


def test_a_token_with_the_scope_opens_the_door(gateway: Client) -> None:
    response = call(f"Bearer {a_token(gateway, 'decisions:read', 'disclosures:write')}")
    assert (response.status_code, response.content) == (200, b"gateway")


def test_a_token_is_checked_once_but_its_client_each_time(
    gateway: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    authorization = f"Bearer {a_token(gateway, 'decisions:read')}"
    call(authorization)
    with django_assert_num_queries(1):
        assert call(authorization).status_code == 200
    Client.objects.update(disabled_at=datetime.now(UTC))
    assert call(authorization).status_code == 401


def test_another_scope_does_not(gateway: Client) -> None:
    response = call(f"Bearer {a_token(gateway, 'disclosures:write')}")
    assert response.status_code == 403
    assert 'error="insufficient_scope"' in response["WWW-Authenticate"]


def test_a_token_ends(gateway: Client) -> None:
    ago = datetime.now(UTC) - timedelta(minutes=10)
    assert call(f"Bearer {a_token(gateway, 'decisions:read', at=ago)}").status_code == 401
    assert call(f"Bearer {a_token(gateway, 'decisions:read', at=ago + timedelta(seconds=5))}").status_code == 200


def test_a_remembered_token_ends_too(gateway: Client) -> None:
    began = datetime.now(UTC)
    authorization = f"Bearer {a_token(gateway, 'decisions:read', at=began)}"
    ends = int(began.timestamp()) + 600
    assert grant_of(authorization, now=ends - 1) is not None
    assert grant_of(authorization, now=ends) is None


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer ", "Bearer x", "Basic eDp5", "Bearer a.b.c"])
def test_no_token_no_entry(authorization: str) -> None:
    response = call(authorization)
    assert response.status_code == 401
    assert response["Content-Type"] == "application/problem+json"
    assert response["WWW-Authenticate"].startswith(f'Bearer realm="{settings.BASE_URL}"')


@pytest.mark.parametrize("changed", [{"iss": "https://x"}, {"aud": "https://x"}, {"exp": "later"}, {"scope": 7}])
def test_a_token_that_lacks_one_thing_is_none(gateway: Client, changed: dict[str, object]) -> None:
    whole = {
        "iss": settings.BASE_URL,
        "aud": settings.BASE_URL,
        "client_id": gateway.client_id,
        "exp": int(datetime.now(UTC).timestamp()) + 60,
        "scope": "decisions:read",
    }
    assert call(f"Bearer {keys.sign(use=SigningKey.Use.ACCESS, claims=whole)}").status_code == 200
    assert call(f"Bearer {keys.sign(use=SigningKey.Use.ACCESS, claims={**whole, **changed})}").status_code == 401
    assert call(f"Bearer {keys.sign(use=SigningKey.Use.RECEIPT, claims=whole)}").status_code == 401


def test_a_token_under_a_key_that_was_taken_away_is_refused_at_once(gateway: Client) -> None:
    authorization = f"Bearer {a_token(gateway, 'decisions:read')}"
    assert call(authorization).status_code == 200
    rotation.replace(
        uses=[SigningKey.Use.ACCESS], emergency=True, actor="officer:1", reason="laptop stolen", now=datetime.now(UTC)
    )
    assert call(authorization).status_code == 401
    assert call(f"Bearer {a_token(gateway, 'decisions:read')}").status_code == 200


def test_a_token_under_a_key_replaced_in_time_is_good_to_its_end(gateway: Client) -> None:
    authorization = f"Bearer {a_token(gateway, 'decisions:read')}"
    rotation.replace(
        uses=[SigningKey.Use.ACCESS], emergency=False, actor="officer:1", reason="new vault", now=datetime.now(UTC)
    )
    assert call(authorization).status_code == 200
