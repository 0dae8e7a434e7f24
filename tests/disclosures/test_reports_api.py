"""POST /api/v1/disclosures: what the gateway reports."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client as Browser

from accounts.models import Line
from accounts.primitives.zones import zone_of
from audit.models import AuditEvent, Incident
from audit.queries import database_clock
from consent.gate.deciding import evaluate
from consent.gate.rules import get_claimed_time
from consent.gate.shapes import Question
from disclosures.feeds import reports
from disclosures.models import Disclosure, Judgement
from disclosures.workers.anomalies.detection import find
from partners.actions.sign_in import issue_access_token
from partners.feeds.reading import BUFFER
from partners.models import Client, Party
from revocations.workers.deadlines import record_missing_evidence
from tests.consent.pages import words
from tests.factories import a_party
from tests.feeds import (
    BRIDGE,
    NUMBER,
    ROAD,
    ROADSIDE,
    approval_row,
    line_row,
    ndjson,
    release_row,
    take_approvals,
    take_lines,
    take_parties,
)
from tests.partners.outside import Signer
from tests.people import signed_in
from tests.staff import a_machine
from tests.world import disclosed

pytestmark = pytest.mark.usefixtures("db")


@pytest.fixture
def gateway(db: None) -> Client:
    return a_machine("gateway", Client.Kind.GATEWAY, public_jwk=dict(Signer("gateway").public))


def post(client: Client, body: bytes, scope: str = "disclosures:write") -> tuple[int, dict[str, object]]:
    now = datetime.now(UTC)
    token = issue_access_token(client=client, scopes=[scope], lifetime=timedelta(minutes=1), at=now).token
    headers = {"Authorization": f"Bearer {token}"}
    response = Browser().post("/api/v1/disclosures", body, content_type="application/x-ndjson", headers=headers)
    return response.status_code, json.loads(response.content)


def test_each_line_has_its_result_again_unchanged(gateway: Client) -> None:
    take_parties()
    take_lines(line_row())
    take_approvals(approval_row())
    body = ndjson([release_row(id="a"), release_row(id="a", precision_m=1)]) + b"\n{\n"
    body += ndjson([release_row(id="b", msisdn="+12065559999"), release_row(id="c", outcome="refused")])
    status, told = post(gateway, body)
    results = told.pop("results")
    assert (status, told) == (200, {
        "outcome": "some_rejected", "lines": 5, "accepted": 2, "repeated": 0, "rejected": 3,
        "judged": {"permitted": 1}, "paths_completed": 0,
    })  # fmt: skip
    assert results == [
        {"line": 1, "status": "accepted", "judgement": "permitted"},
        {"line": 2, "status": "rejected", "field": "id", "reason": "id_conflict"},
        {"line": 4, "status": "rejected", "reason": "broken"},
        {"line": 5, "status": "rejected", "field": "msisdn", "reason": "line_unknown"},
        {"line": 6, "status": "accepted"},
    ]
    status, again = post(gateway, body)
    assert (status, again["accepted"], again["repeated"], again["rejected"]) == (200, 0, 2, 3)
    trail = AuditEvent.objects.filter(action="disclosures.reported", actor=f"client:{gateway.client_id}")
    assert [one.detail["accepted"] for one in trail.order_by("id")] == [2, 0]


def test_a_release_by_api_needs_the_gates_own_yes(gateway: Client) -> None:
    take_parties()
    take_lines(line_row())
    take_approvals(approval_row())
    question = Question(
        aggregator=BRIDGE, provider=ROAD, campaign="CMP-road", purpose=ROADSIDE, scope="location-retrieval:read",
        precision_m=500, msisdn=NUMBER,
    )  # fmt: skip
    yes = evaluate(questions=[question])[0].decision_id
    claimed_at = get_claimed_time(decision_id=yes)
    assert claimed_at is not None
    asked_at = claimed_at.replace(microsecond=0)
    now = claimed_at.isoformat()
    post(gateway, ndjson([release_row(decision_id=yes, occurred_at=now)]))
    second, before = (moment.isoformat() for moment in (asked_at, asked_at - timedelta(seconds=1)))
    post(gateway, ndjson([release_row(decision_id=yes, occurred_at=second)]))
    assert not Incident.objects.exists()
    rows = [
        release_row(occurred_at=now), release_row(decision_id=yes, occurred_at=before),
        release_row(decision_id=f"d{yes[1:]}", occurred_at=now), release_row(decision_id=yes),
        release_row(decision_id=yes, occurred_at=now, campaign=None), release_row(occurred_at=now, outcome="refused"),
        release_row(occurred_at=now, basis="emergency", path=[BRIDGE]),
    ]  # fmt: skip
    post(gateway, ndjson(rows))
    assert sorted(Incident.objects.values_list("kind", "subject", "key", "count")) == [
        ("ungated", BRIDGE, f"2025-07-01 {BRIDGE}", 1),
        ("ungated", BRIDGE, f"{now[:10]} {BRIDGE}", 4),
    ]


def test_what_is_known_of_a_release_without_consent_is_said(gateway: Client) -> None:
    take_parties()
    take_lines(line_row())
    line, now = Line.objects.get(), database_clock()
    for number in range(3):
        at = (now - timedelta(days=2, minutes=number)).isoformat()
        assert post(gateway, ndjson([release_row(id=f"r{number}", occurred_at=at)]))[0] == 200
    browser, road = signed_in(line), Party.objects.get(uri=ROAD)

    def known() -> str:
        page = browser.get(f"/companies/{road.pk}/").text
        return words(f"<main>{page.partition('no-record')[2].partition('<h2')[0].partition('>')[2]}</main>")

    why = (
        "Shared with no record of your consent Geobridge asked for your location and said that you had agreed. "
        "The contract with us that it named: AGR-1. Our own location system gave it out without permission "
        "from our consent check."
    )
    assert known()[: len(why)] == why
    assert "We opened an incident about it." in known()
    last = (now - timedelta(days=2)).astimezone(zone_of(line.state))
    since = f"{last:%b} {last.day}, {last.year}, {last:%-I:%M %p}"
    assert known().endswith(f"Blocked since its last look-up on {since}. It may still hold what it got before.")
    assert "The last of these" not in known()
    assert "Our checks found it." not in known()
    find(at=database_clock())
    assert "Our checks found it." in known()
    assert (
        f'href="/companies/{road.pk}/#no-record">Why it was shared, and what we did since'
        in browser.get("/history/").text
    )
    browser.post("/choices/dispute/", {"scope": "party", "ref": ROAD})
    assert "Geobridge : We asked it to prove that you agreed." in known()
    assert f"Blocked since its last look-up on {since}." in known()
    record_missing_evidence(now=database_clock() + timedelta(days=8))
    assert "Geobridge : It did not answer in time. Our privacy office is following up." in known()
    # What a file brought, by no use that we approved.
    road = a_party("AdReach", "lbs_provider")
    disclosed(line, [BRIDGE, road.uri], at=now - timedelta(days=2, minutes=9), judgement=Judgement.NO_APPROVAL)
    assert "It named no use that we had approved. Our records don't show why it was given out." in known()


def test_more_than_fits_and_strangers_are_refused(gateway: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    take_lines(line_row())
    assert post(gateway, b"", scope="decisions:read")[0] == 403
    assert Browser().post("/api/v1/disclosures", b"", content_type="application/x-ndjson").status_code == 401
    assert post(gateway, b"")[0] == 400
    monkeypatch.setattr(reports, "MOST_REPORTED", 2)
    assert post(gateway, ndjson([release_row() for _ in range(3)]))[0] == 413
    monkeypatch.setattr(reports, "MOST_BYTES", 100)
    assert post(gateway, ndjson([release_row()]))[0] == 413
    assert Disclosure.objects.count() == 0


class Endless:
    """A body that never ends, of which it is counted how much was read."""

    def __init__(self) -> None:
        self.line = ndjson([release_row(id="again")])
        self.size = 0

    def read(self, size: int, /) -> bytes:
        start = self.size % len(self.line)
        self.size += size
        return (self.line * (size // len(self.line) + 2))[start : start + size]


def test_a_request_is_read_little_beyond_what_fits() -> None:
    body = Endless()
    with pytest.raises(reports.TooManyLines):
        reports.receive_report(stream=body, client_id="gateway", at=database_clock())
    assert 10_001 * len(body.line) <= body.size < 10_001 * len(body.line) + BUFFER
    assert Disclosure.objects.count() == 0


def test_ten_thousand_lines_fit(gateway: Client) -> None:
    take_lines(line_row())
    status, told = post(gateway, ndjson([release_row(id="same")]) * 10_000)
    assert (status, told["accepted"], told["repeated"]) == (200, 1, 9_999)
    assert isinstance(told["results"], list)
    assert [one["line"] for one in told["results"]] == list(range(1, 10_001))
    assert post(gateway, ndjson([release_row(id="same")]) * 10_001)[0] == 413
