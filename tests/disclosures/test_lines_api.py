"""POST /api/v1/lines: what the carrier's own systems report of lines."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client as Browser

from accounts.models import Line
from audit.models import AuditEvent
from consent.models import LineGate
from disclosures.models import Disclosure
from partners.actions.sign_in import issue_access_token
from partners.models import Client
from tests.feeds import line_row, ndjson, release_row, take_parties, take_releases
from tests.partners.outside import Signer
from tests.staff import a_client

pytestmark = pytest.mark.usefixtures("db", "no_broker")

HEADER = "line_id,msisdn,account_id,holder_name,user_role,state,language,activated_at,deactivated_at"


@pytest.fixture
def carrier(db: None) -> Client:
    return a_client(Signer("carrier-feed"), Client.Kind.FEED)


def post(
    client: Client, body: bytes, content_type: str = "application/x-ndjson", scope: str = "lines:write"
) -> tuple[int, dict[str, Any]]:
    now = datetime.now(UTC)
    token = issue_access_token(client=client, scopes=[scope], lifetime=timedelta(minutes=1), at=now).token
    headers = {"Authorization": f"Bearer {token}"}
    response = Browser().post("/api/v1/lines", body, content_type=content_type, headers=headers)
    return response.status_code, json.loads(response.content)


def test_a_line_is_there_at_once_and_again_unchanged(carrier: Client) -> None:
    body = ndjson([line_row(), line_row(line_id="L2", msisdn="+12065550199", state="Washington")])
    refused = {"line": 2, "status": "rejected", "field": "state", "reason": "not_allowed"}
    status, told = post(carrier, body)
    assert (status, told["accepted"], told["repeated"], told["rejected"]) == (200, 1, 0, 1)
    assert told["results"] == [{"line": 1, "status": "accepted"}, refused]
    assert LineGate.objects.filter(line_id=Line.objects.get(carrier_id="L1").pk).exists()
    _, again = post(carrier, body)
    assert (again["accepted"], again["repeated"], again["rejected"]) == (0, 1, 1)


def test_a_client_with_the_longest_name_is_written_down_whole(db: None) -> None:
    client_id = "https://" + "x" * 192
    assert post(a_client(Signer(client_id), Client.Kind.FEED), ndjson([line_row()]))[0] == 200
    assert AuditEvent.objects.get(action="lines.reported").actor == f"client:{client_id}"
    assert post(a_client(Signer("gateway")), b"{}", scope="disclosures:write")[0] == 403


def test_csv_with_a_header_is_the_same(carrier: Client) -> None:
    row = 'L1,+12065550142,A1,"Marsh, Ada",holder,WA,en,2025-01-01T00:00:00Z,'
    status, told = post(carrier, f"{HEADER}\n{row}\n".encode(), "text/csv")
    assert (status, told["accepted"], told["rejected"]) == (200, 1, 0)
    assert Line.objects.get().carrier_id == "L1"


def test_a_release_that_waited_for_its_line_is_taken_in(carrier: Client) -> None:
    take_parties()
    take_releases(release_row())
    assert Disclosure.objects.count() == 0
    post(carrier, ndjson([line_row()]))
    assert Disclosure.objects.get().line_id == Line.objects.get().pk


def test_a_number_that_moves_finds_its_new_line(carrier: Client) -> None:
    ended = line_row(deactivated_at="2025-06-01T00:00:00Z")
    new = line_row(line_id="L2", account_id="A2", activated_at="2025-06-01T00:00:00Z")
    post(carrier, ndjson([line_row()]))
    _, told = post(carrier, ndjson([new, ended]))
    assert (told["accepted"], told["rejected"]) == (2, 0)
    assert [one["line"] for one in told["results"]] == [1, 2]


def test_more_than_a_request_takes_is_refused_whole(carrier: Client) -> None:
    status, told = post(carrier, b"{}\n" * 10_001)
    assert (status, told["title"]) == (413, "Too many lines")
