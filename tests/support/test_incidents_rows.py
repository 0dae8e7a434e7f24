"""Whom the system's own incidents reached: counted by line, and looked at after a reason, line by line."""

import csv
import io
import json
import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

import audit.actions
from accounts.models import Line
from audit.models import AuditEvent, Incident, IncidentLine
from disclosures.feeds.releases import DisclosuresFeed
from disclosures.models import Disclosure
from disclosures.queries.incident_scope import IncidentScope, get_incident_scope, list_incident_rows
from support.queries.anomalies import code_of
from tests.feeds import (
    BRIDGE,
    NUMBER,
    ROAD,
    TRACK,
    Row,
    line_row,
    moment,
    ndjson,
    release_row,
    take_lines,
    take_notices,
    take_parties,
    take_releases,
    taken,
)
from tests.fixtures import Refusal
from tests.support.comparisons import Compared
from tests.support.officers import Member, csv_of, shown, staff

OTHER = "+12065550177"
DAY, FIRST, LAST = "2025-07-01", "2025-07-01T12:00:00Z", "2025-07-01T23:00:00Z"
EVER = "2190-01-01T00:00:00Z"


@pytest.fixture
def officer(db: None, no_broker: None) -> Member:
    take_parties()
    take_lines(line_row(), line_row(line_id="L2", account_id="A2", msisdn=OTHER, holder_name="Ben Moss"))
    return staff(name="first")


@pytest.fixture
def compared(committed_db: None, no_broker: None) -> Compared:
    return Compared()


def by_the_gateway(*rows: Row) -> None:
    assert {fate.status for fate in taken(DisclosuresFeed(gateway="gateway"), ndjson(rows))} == {"accepted"}


LOOK = {"kind": "review", "reason": "As asked for."}


def an_incident(kind: str) -> Incident:
    return Incident.objects.get(kind=kind, key__contains=DAY)


def three_releases(kind: str, **more: object) -> Incident:
    """Two of one line and one of another's; the first of them as given."""
    of = {"basis": "emergency", "campaign": "", "path": [BRIDGE, TRACK]} if kind == "basis_doubtful" else {}
    rows = [
        release_row(id="r", occurred_at=FIRST, **of, **more), release_row(occurred_at=LAST, **of),
        release_row(occurred_at=FIRST, msisdn=OTHER, **of),
    ]  # fmt: skip
    take_releases(*rows) if of else by_the_gateway(*rows)
    return an_incident(kind)


@pytest.mark.parametrize("kind", ["ungated", "basis_doubtful"])
def test_releases_are_counted_by_line(officer: Member, kind: str) -> None:
    one = three_releases(kind)
    path = f"/admin/incidents/{one.pk}/"
    said = shown(officer, path).partition("Impact")[2]
    for words in ("To see them, give a reason. 2 ", "First 1 Jul 2025, 12:00", "Last 1 Jul 2025, 23:00"):
        assert words in said
    assert f'href="{path}rows/"' in officer.client.get(path).content.decode()
    assert "Give a reason" in shown(officer, f"{path}rows/", {"reason": " "})
    assert not AuditEvent.objects.filter(action="anomaly.seen").exists()
    page = shown(officer, f"{path}rows/", LOOK)
    lines = {line.carrier_id: line.pk for line in Line.objects.all()}
    codes = {name: code_of(incident_id=one.pk, line_id=pk) for name, pk in lines.items()}
    assert [page.count(codes[name]) for name in ("L1", "L2")] == [2, 1]
    assert "Geobridge → " in page
    for mark in (NUMBER[2:], OTHER[2:], "Marsh", "Moss"):
        assert mark not in page
    looks = AuditEvent.objects.filter(action="anomaly.seen").order_by("line_id")
    assert [(look.line_id, look.reason, look.detail) for look in looks] == [
        (pk, "To check how we work: As asked for.", {"incident": one.pk}) for pk in sorted(lines.values())
    ]
    taken_away = officer.client.post(f"{path}csv/", LOOK).getvalue().decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(taken_away)))
    assert sorted((row["line_code"], row["at"]) for row in rows) == sorted(
        [(codes["L1"], FIRST), (codes["L1"], LAST), (codes["L2"], FIRST)]
    )
    exported = officer.client.post(f"{path}export/", {"form": "json", "reason": "Due"}).content
    affected = json.loads(exported)["affected"]
    assert (affected["lines"], affected["times"]) == (2, 3)
    assert (affected["first_at"], affected["last_at"]) == (FIRST, LAST)


@pytest.mark.parametrize("kind", ["ungated", "basis_doubtful"])
def test_what_a_court_hides_is_in_no_row(officer: Member, kind: str) -> None:
    one, at = three_releases(kind), timezone.now()
    assert get_incident_scope(incident=one, at=at) == IncidentScope(2, moment(FIRST), moment(LAST))
    take_notices({"disclosure_id": "r", "suppressed_until": EVER, "order_ref": "court"})
    hidden = Disclosure.objects.get(source_id="r")
    found = list_incident_rows(incident=one, at=at, rows=9)
    assert len(found) == 2
    assert (hidden.line_id, hidden.occurred_at) not in {(row.line_id, row.at) for row in found}
    first, last = found
    assert list_incident_rows(incident=one, at=at, rows=1, after=first.place) == [last]
    assert (last.at, list_incident_rows(incident=one, at=at, rows=1, after=last.place)) == (moment(LAST), [])
    ahead = moment("2190-01-02T00:00:00Z")
    assert list_incident_rows(incident=one, at=ahead, rows=9) == found, "by no clock but the database's"
    # Nor in a number: of the page, the list, its export, the timeline, and what is told to an agency.
    path = f"/admin/incidents/{one.pk}/"
    page = shown(officer, path)
    assert "Seen 2 times since" in page
    assert "Occurrences 2 Open for" in page
    assert "occurrences by then" not in page
    assert "Timeline opened The system " in page
    assert "sort=-count" not in officer.client.get("/admin/incidents/").content.decode()
    assert [row["Occurrences"] for row in csv_of(officer, "/admin/incidents/?csv=1")] == ["2"]
    told = json.loads(officer.client.post(f"{path}export/", {"form": "json", "reason": "As asked."}).content)
    assert told["affected"]["times"] == 2
    take_notices({"disclosure_id": "r", "suppressed_until": "2026-01-01T00:00:00Z", "order_ref": "court"})
    page = shown(officer, path)
    assert "Seen 3 times since" in page
    assert "3 occurrences by then" in page


def test_the_timeline_counts_no_further_than_what_is_shown(officer: Member) -> None:
    for name in ("a", "b", "c"):
        by_the_gateway(release_row(id=name, occurred_at=FIRST))
    path = f"/admin/incidents/{an_incident('ungated').pk}/"
    counted = r"\((\d) occurrences? by then\)"
    assert re.findall(counted, shown(officer, path)) == ["2", "1"]
    take_notices(*({"disclosure_id": name, "suppressed_until": EVER, "order_ref": "court"} for name in ("b", "c")))
    assert re.findall(counted, shown(officer, path)) == ["1"]


def test_a_release_unhidden_later_is_counted_then(officer: Member) -> None:
    one = three_releases("ungated")
    by_the_gateway(release_row(id="h", msisdn=OTHER, occurred_at=LAST, suppressed_until=EVER))
    assert IncidentLine.objects.count() == 3
    take_notices({"disclosure_id": "h", "suppressed_until": "2026-01-01T00:00:00Z", "order_ref": "court"})
    assert IncidentLine.objects.filter(incident_id=one.pk).count() == 4
    assert len(list_incident_rows(incident=one, at=timezone.now(), rows=9)) == 4


def test_another_day_and_company_are_other_incidents(officer: Member) -> None:
    one = three_releases("basis_doubtful")
    for more in ({"occurred_at": "2025-07-02T00:00:00Z"}, {"path": [BRIDGE, ROAD]}, {"basis": "legal_process"}):
        take_releases(release_row(**{"basis": "emergency", "campaign": "", "path": [BRIDGE, TRACK], **more}))
    assert len(list_incident_rows(incident=one, at=timezone.now(), rows=9)) == 3


def test_the_page_reads_what_was_kept(officer: Member) -> None:
    one = three_releases("basis_doubtful")
    releases = list(Disclosure.objects.order_by("id").values_list("line_id", "id", "occurred_at"))
    kept = IncidentLine.objects.filter(incident_id=one.pk).order_by("disclosure_id")
    assert list(kept.values_list("line_id", "disclosure_id", "occurred_at")) == releases
    with CaptureQueriesContext(connection) as asked:
        get_incident_scope(incident=one, at=timezone.now())
        list_incident_rows(incident=one, at=timezone.now(), rows=9)
    of_the_ledger = [query["sql"] for query in asked.captured_queries if "disclosures_disclosure d" in query["sql"]]
    assert len(of_the_ledger) == 2
    assert all(
        "FROM kept JOIN disclosures_disclosureregister known ON known.id = kept.id" in sql for sql in of_the_ledger
    )


def test_a_release_of_two_companies_is_kept_for_both(officer: Member) -> None:
    take_releases(release_row(basis="emergency", campaign="", path=[BRIDGE, TRACK, ROAD], occurred_at=FIRST))
    found = Incident.objects.filter(kind="basis_doubtful")
    assert sorted(found.values_list("key", "count")) == [(f"{DAY} {ROAD}", 1), (f"{DAY} {TRACK}", 1)]
    for one in found:
        assert get_incident_scope(incident=one, at=timezone.now()) == IncidentScope(1, moment(FIRST), moment(FIRST))


def test_a_company_known_later_has_its_releases_counted(db: None, no_broker: None) -> None:
    take_lines(line_row(), line_row(line_id="L2", account_id="A2", msisdn=OTHER))
    path, next_day = [BRIDGE, TRACK], "2025-07-02T12:00:00Z"
    for of in ({}, {"msisdn": OTHER}, {"occurred_at": next_day}):
        take_releases(release_row(**{"basis": "emergency", "campaign": "", "path": path, "occurred_at": FIRST, **of}))
    assert not IncidentLine.objects.exists()
    take_parties()
    first, second = Incident.objects.filter(kind="basis_doubtful").order_by("key")
    assert get_incident_scope(incident=first, at=timezone.now()) == IncidentScope(2, moment(FIRST), moment(FIRST))
    assert get_incident_scope(incident=second, at=timezone.now()) == IncidentScope(
        1, moment(next_day), moment(next_day)
    )


def test_incidents_without_kept_lines_show_no_number(officer: Member) -> None:
    audit.actions.open_incident(kind="basis_doubtful", key=f"{DAY} {TRACK}", subject=TRACK, at=timezone.now(), count=5)
    one = three_releases("basis_doubtful")
    # Another incident's lines are none of its own.
    of: Row = {"basis": "emergency", "campaign": "", "path": [BRIDGE, ROAD], "occurred_at": FIRST}
    take_releases(*(release_row(**of) for _ in range(5)))
    assert (one.count, IncidentLine.objects.filter(incident_id=one.pk).count()) == (8, 3)
    assert get_incident_scope(incident=one, at=timezone.now()) == IncidentScope(0, None, None)
    assert list_incident_rows(incident=one, at=timezone.now(), rows=9) == []
    assert "not counted by line" in shown(officer, f"/admin/incidents/{one.pk}/")


def test_what_partners_hold_and_we_deny_is_counted(compared: Compared) -> None:
    officer, one = staff(name="first"), Incident.objects.get(kind="partner_has")
    path, code = f"/admin/incidents/{one.pk}/", code_of(incident_id=one.pk, line_id=compared.kept.pk)
    assert "To see them, give a reason. 1 " in shown(officer, path)
    page = shown(officer, f"{path}rows/", LOOK)
    assert (page.count(code), page.count("Allowed at the partner, denied here")) == (1, 1)
    (look,) = AuditEvent.objects.filter(action="anomaly.seen")
    assert look.line_id == compared.kept.pk


def test_an_incident_without_company_and_day_reaches_nobody(officer: Member) -> None:
    at = timezone.now()
    for kind in (Incident.Kind.BASIS_DOUBTFUL, Incident.Kind.PARTNER_HAS, Incident.Kind.UNGATED, Incident.Kind.OVERDUE):
        audit.actions.open_incident(kind=kind, key="k", subject=BRIDGE, at=at - timedelta(days=1))
        one = Incident.objects.get(kind=kind)
        assert get_incident_scope(incident=one, at=at) == IncidentScope(0, None, None)
        assert list_incident_rows(incident=one, at=at, rows=9) == []
        assert "not counted by line" in shown(officer, f"/admin/incidents/{one.pk}/")


@pytest.mark.usefixtures("committed_db", "no_broker")
def test_whom_an_incident_reached_is_never_changed(refused: Refusal) -> None:
    at = timezone.now()
    IncidentLine.objects.create(
        incident_id=1, line_id=1, disclosure_id="00000000-0000-4000-8000-000000000000", occurred_at=at
    )
    for statement in ("UPDATE audit_incidentline SET line_id = 9", "DELETE FROM audit_incidentline"):
        refused(statement)
        refused(statement, constraint="audit_incidentline_append_only", using="owner")
