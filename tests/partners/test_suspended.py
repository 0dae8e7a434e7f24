"""What stays open to a partner with whom nothing is in force, and what does not."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client as Http
from django.test import RequestFactory

from partners.actions.clients import register_client
from partners.actions.sign_in import issue_access_token
from partners.api.access import ClientRequest, client_required
from partners.models import Client, Party, Suspension
from tests.factories import a_contract, a_party
from tests.partners.outside import Signer

pytestmark = pytest.mark.django_db
NOW = datetime.now(UTC)


@client_required("approvals:write", closed_when_suspended=True)
def claims(request: ClientRequest) -> HttpResponse:
    return HttpResponse("taken")


@pytest.fixture
def party() -> Party:
    return a_party("GeoBridge")


@pytest.fixture
def token(party: Party) -> str:
    client = register_client(
        client_id="geobridge",
        kind=Client.Kind.AGGREGATOR,
        public_jwk=dict(Signer("geobridge").public),
        party=party,
        actor="system:test",
        at=NOW,
    )
    scopes = ("approvals:write", "receipts:write", "ssf.read")
    # A run may come here long after it was collected.
    return issue_access_token(client=client, scopes=scopes, lifetime=timedelta(minutes=10), at=datetime.now(UTC)).token


def call(token: str) -> tuple[int, str]:
    response = claims(RequestFactory().post("/", headers={"Authorization": f"Bearer {token}"}))
    return response.status_code, response.content.decode()


def suspend(of: str, target_id: int, *, automatic: bool = False, ends_at: datetime | None = None) -> None:
    Suspension.objects.create(
        of=of, target_id=target_id, automatic=automatic, starts_at=NOW - timedelta(hours=2), ends_at=ends_at,
        reason="test", actor="officer:1",
    )  # fmt: skip


def test_a_partner_with_an_agreement_in_force_passes(party: Party, token: str) -> None:
    a_contract(party)
    assert call(token) == (200, "taken")


@pytest.mark.parametrize("automatic", [False, True])
def test_a_suspended_partner_may_not_claim(party: Party, token: str, *, automatic: bool) -> None:
    a_contract(party)
    suspend("party", party.pk, automatic=automatic)
    status, body = call(token)
    assert status == 403
    assert '"access_denied"' in body


def test_a_suspension_that_ended_closes_nothing(party: Party, token: str) -> None:
    a_contract(party)
    suspend("party", party.pk, ends_at=NOW - timedelta(hours=1))
    assert call(token)[0] == 200


def test_one_suspended_contract_of_two_leaves_the_door_open(party: Party, token: str) -> None:
    first, second = a_contract(party), a_contract(party)
    suspend("contract", first.pk)
    assert call(token)[0] == 200
    suspend("contract", second.pk)
    assert call(token)[0] == 403


@pytest.mark.parametrize(
    "changed",
    [
        {"ends_at": NOW - timedelta(days=1)},
        {"starts_at": NOW + timedelta(days=1)},
        {"is_draft": True},
    ],
    ids=["ended", "not begun", "draft"],
)
def test_a_contract_that_is_not_in_force_opens_nothing(party: Party, token: str, changed: dict[str, Any]) -> None:
    a_contract(party, **changed)
    assert call(token)[0] == 403


def test_orders_and_receipts_stay_open_to_a_suspended_partner(party: Party, token: str) -> None:
    """They get as far as the body: the token still counts for what the partner owes."""
    a_contract(party)
    suspend("party", party.pk)
    bearer = {"Authorization": f"Bearer {token}"}
    polled = Http().post("/ssf/poll", {"returnImmediately": True}, content_type="application/json", headers=bearer)
    assert (polled.status_code, polled.json()) == (200, {"sets": {}, "moreAvailable": False})
    signed = Http().post("/ssf/receipts", "x", content_type="application/secevent+jwt", headers=bearer)
    assert (signed.status_code, signed.json()["err"]) == (400, "invalid_request")
