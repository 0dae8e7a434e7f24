"""Bodies as the real web server hands them on: whole, or refused in words; Django's own test client shows neither."""

import http.client
import json
import socket
from contextlib import closing, suppress
from datetime import timedelta
from typing import Any

from accounts.models import Line
from audit.queries import database_clock
from consent.models import HeldRow
from disclosures.models import Disclosure
from partners.models import Campaign, Client
from tests.answers import read
from tests.factories import a_campaign, a_contract, a_party
from tests.faults.fixtures import Server, a_token
from tests.faults.programs import NDJSON
from tests.feeds import line_row, ndjson, release_row, take_lines, take_parties

DOORS = (
    ("POST", "/oauth/token"),
    ("POST", "/access/v1/evaluation"),
    ("POST", "/api/v1/disclosures"),
    ("POST", "/api/v1/lines"),
    ("POST", "/api/v1/approvals"),
    ("POST", "/consent-info/v0.2/retrieve"),
    ("POST", "/ssf/receipts"),
    ("PUT", "/ssf/digest"),
)
HEADER = "line_id,msisdn,account_id,holder_name,user_role,state,language,activated_at,deactivated_at"


def a_claim(campaign: Campaign, number: int) -> dict[str, Any]:
    return {
        "id": f"c-{number}", "msisdn": f"+1206555{number:04}", "campaign": campaign.ref, "method": "sms",
        "captured_at": (database_clock() - timedelta(hours=1)).isoformat(), "captured_by": campaign.lbs_provider.uri,
        "wording": "Yes, find me.", "language": "en", "evidence_ref": "ev-1",
    }  # fmt: skip


def test_every_line_of_a_report_arrives(server: Server) -> None:
    take_parties()
    take_lines(line_row())
    token = a_token(Client.Kind.GATEWAY, "disclosures:write")
    rows = [release_row(id=f"r-{number}", wording="x" * 300) for number in range(700)]
    told = server.ask("/api/v1/disclosures", ndjson(rows), NDJSON, token).told
    assert (told["accepted"], told["repeated"], told["rejected"], len(told["results"])) == (700, 0, 0, 700)
    assert Disclosure.objects.count() == 700
    over = server.ask("/api/v1/disclosures", b"{}\n" * 10_001, NDJSON, token)
    assert (over.status, over.headers["content-type"]) == (413, "application/problem+json")


def test_every_line_of_the_carriers_own_arrives_as_ndjson_and_as_csv(server: Server) -> None:
    token = a_token(Client.Kind.FEED, "lines:write")
    rows = ndjson([line_row(line_id=f"L{one}", msisdn=f"+1206555010{one}") for one in range(3)])
    assert server.ask("/api/v1/lines", rows, NDJSON, token).told["accepted"] == 3
    as_csv = "".join(f"\nC{one},+1206555020{one},A1,Ada,holder,WA,en,2025-01-01T00:00:00Z," for one in range(2))
    told = server.ask("/api/v1/lines", (HEADER + as_csv).encode(), "text/csv", token).told
    assert (told["accepted"], told["rejected"]) == (2, 0)
    assert sorted(Line.objects.values_list("carrier_id", flat=True)) == ["C0", "C1", "L0", "L1", "L2"]


def test_every_claim_arrives_pretty_printed_too_and_what_is_ours_to_say_is_seen_on_any_line(server: Server) -> None:
    campaign = a_campaign(a_contract(partner := a_party("LocAgg")))
    token = a_token(Client.Kind.AGGREGATOR, "approvals:write", partner)
    claims = [a_claim(campaign, number) for number in range(3)]
    forged = [claims[0], claims[1] | {"verified_by": "carrier"}]
    assert server.ask("/api/v1/approvals", ndjson(forged), NDJSON, token).status == 400
    assert HeldRow.objects.count() == 0
    told = server.ask("/api/v1/approvals", ndjson(claims), NDJSON, token).told
    assert (told["accepted"], len(told["results"])) == (3, 3)
    pretty = json.dumps(a_claim(campaign, 9), indent=2).encode()
    one = server.ask("/api/v1/approvals", pretty, "application/json", token)
    assert (one.status, one.told["status"]) == (200, "accepted")
    assert server.ask("/api/v1/approvals", b"{}\n" * 1001, NDJSON, token).status == 413


def test_a_body_whose_length_is_not_said_is_refused_and_never_taken_as_empty(server: Server) -> None:
    token = a_token(Client.Kind.GATEWAY, "disclosures:write")
    answers = [server.ask(path, b"{}\n" * 3, NDJSON, token, method=method, chunked=True) for method, path in DOORS]
    assert [answer.status for answer in answers] == [411] * len(DOORS)
    told = dict(zip(DOORS, (answer.told for answer in answers), strict=True))
    assert {name: said.get("error") or said.get("code") or said.get("err") for (_, name), said in told.items()} == {
        "/oauth/token": "invalid_request", "/access/v1/evaluation": None, "/api/v1/disclosures": None,
        "/api/v1/lines": None, "/api/v1/approvals": None, "/consent-info/v0.2/retrieve": "INVALID_ARGUMENT",
        "/ssf/receipts": "invalid_request", "/ssf/digest": None,
    }  # fmt: skip
    assert server.ask("/api/v1/disclosures", b"", NDJSON, token).status == 400


def test_whoever_is_refused_before_the_body_was_read_is_told_that_the_connection_ends(server: Server) -> None:
    for path, more, status in (
        ("/api/v1/disclosures", "Content-Length: 20000000\r\n", 401),
        ("/api/v1/lines", "Content-Length: 20000000\r\n", 401),
        ("/ssf/poll", "Content-Length: 20000000\r\n", 401),
        ("/access/v1/evaluation", "Content-Length: 20000000\r\n", 401),
        ("/api/v1/disclosures", "Transfer-Encoding: chunked\r\n", 411),
    ):
        head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nContent-Type: {NDJSON}\r\n{more}\r\n"
        body = (b"" if "Length" in more else b"1312d00\r\n") + b"x" * 3_000_000
        came = bytearray()
        with closing(socket.create_connection(("127.0.0.1", server.port), timeout=20)) as connection:
            connection.sendall(head.encode())
            # It may hang up, or reset the connection, before all of this is out.
            with suppress(ConnectionError):
                connection.sendall(body)
            with suppress(ConnectionResetError):
                while piece := connection.recv(65_536):
                    came += piece
        line, *headers = came.partition(b"\r\n\r\n")[0].decode().lower().splitlines()
        assert (path, f" {status} " in line, "connection: close" in headers) == (path, True, True)


def test_after_a_whole_body_the_connection_stays_open(server: Server) -> None:
    headers = {"Content-Type": NDJSON, "Authorization": f"Bearer {a_token(Client.Kind.GATEWAY, 'disclosures:write')}"}
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)) as connection:
        connection.request("POST", "/api/v1/disclosures", b"{}\n", headers)
        first, kept = read(connection.getresponse()), connection.sock
        connection.request("POST", "/api/v1/disclosures", b"{}\n", headers)
        second = read(connection.getresponse())
        assert (first.status, first.headers.get("connection"), second.status) == (200, None, 200)
        assert connection.sock is kept
