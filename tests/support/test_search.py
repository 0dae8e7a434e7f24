"""One search over all but people; any list as a file: each is written down, and what is hidden is in none."""

import csv
import io
import re
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

import audit.actions
from accounts.models import User
from audit.models import AuditEvent, Incident
from partners.models import Contract
from revocations.models import Order
from support.models import Ticket
from support.queries import exports
from tests.staff import a_notice
from tests.support.console import MACHINE, NUMBER, PERSON, everything
from tests.support.officers import Member, csv_of, rows_of, searched, shown, staff

pytestmark = pytest.mark.usefixtures("db", "no_broker")


def found(member: Member, asked: str) -> str:
    return shown(member, searched(member, asked))


def test_everything_but_people_is_found(officer: Member) -> None:
    console, auditor = everything(), staff(User.Role.AUDITOR)
    a_notice("Think of geobridge.", at=timezone.now())
    for reader in (officer, auditor):
        page = found(reader, "geobridge")
        for said in (
            "Company (3) GeoBridge https://geobridge.example", f"API client (1) {MACHINE}", "Incident (2)",
            "A partner allows what we deny GeoBridge, open", "Notice (1) Before stopping (en) Think of geobridge.",
        ):  # fmt: skip
            assert said in page
    campaign = console.campaign
    assert f"Campaign (1) {campaign.ref} GeoBridge Finder" in found(officer, campaign.ref.lower())
    assert f"Contract (1) {campaign.contract.ref} GeoBridge" in found(officer, campaign.contract.ref)
    order = Order.objects.get()
    short = f"{order.id}"[:8]
    (row,) = rows_of(officer, "/admin/orders/")
    assert row.startswith(f"{short}… ")
    for asked in (str(order.id), order.jti, short, f"{short}…", short.upper(), f"{order.id}"[:13]):
        assert f"Order (1) {order.id} GeoBridge, Waiting to send" in found(officer, asked)
    assert "No matches" in found(officer, short[:7])
    assert "Audit log (1) suspension: started" in found(officer, "sold it")
    # Acts are found by the words that pages have for them, as in the audit log; those of legal process by nobody else.
    for actor in (officer.actor, staff(User.Role.LEGAL).actor):
        audit.actions.record(action="legal.lifted", actor=actor, target="order:x", at=timezone.now(), reason="Over.")
    for words in ("suspension: started", "started"):
        assert "Audit log (1) suspension: started" in found(officer, words), words
    both = found(officer, "Suspension")  # a proposal is found by what it would do
    assert ("Audit log (2) proposal: created" in both, "suspension: started" in both) == (True, True), both
    assert "No matches" in found(officer, "delayed notice: lifted")
    for n in (2, 1):
        at = timezone.now() - timedelta(days=n)
        audit.actions.record(action="party.noted", actor=officer.actor, target="party:1", at=at, reason=f"Zebra {n}.")
    assert re.findall(r"Zebra \d", found(officer, "zebra")) == ["Zebra 1", "Zebra 2"]
    audit.actions.record(
        action="proposal.made", actor=officer.actor, target="protection:1", at=timezone.now(), reason="To Quagga."
    )
    assert "No matches" in found(officer, "To Quagga")
    assert rows_of(officer, "/admin/trail/?on=protection:1") == []
    assert AuditEvent.objects.filter(line_id=console.line.pk, reason__contains=NUMBER).exists()
    for person in (PERSON, NUMBER, NUMBER[2:], "They asked on", console.line.carrier_id, "x"):
        assert "No matches" in found(officer, person)
    assert "What are you looking for?" in shown(officer, "/admin/search/?s=unknown")
    assert officer.client.post("/admin/search/", {"q": "\x00"}).status_code == 200
    # What somebody else typed is theirs.
    assert "What are you looking for?" in shown(auditor, searched(officer, "geobridge"))


def test_whose_case_is_found_reads_that_in_their_log(officer: Member) -> None:
    console = everything()
    case = Ticket.objects.filter(line_id=console.line.pk).latest("pk")
    assert f"Case (1) {case.code}" in found(officer, case.code)
    event = AuditEvent.objects.get(action="ticket.found")
    assert (event.actor, event.line_id, event.detail) == (officer.actor, console.line.pk, {"tickets": [case.code]})
    assert "No matches" in found(officer, "T-ZZZZZZ")
    made = [one.detail for one in AuditEvent.objects.filter(action="search.made").order_by("id")]
    assert made == [{"in": "Search", "for": {"Case": "1"}, "found": 1}, {"in": "Search", "for": {}, "found": 0}]


def test_any_list_is_taken_as_it_is_narrowed_and_sorted(officer: Member) -> None:
    everything()
    address = "/admin/incidents/?state=open&sort=-kind"
    page = officer.client.get(address).content.decode()
    assert '<a href="?state=open&amp;sort=-kind&amp;csv=1">Export as CSV</a>' in page
    answer = officer.client.get(f"{address}&csv=1")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="whereabouts-incidents.csv"'
    head, *rows = csv.reader(io.StringIO(answer.getvalue().decode("utf-8-sig")))
    assert head[:3] == ["What", "Status", "About"]
    assert [row[0].removesuffix(" (2026)") for row in rows] == [
        str(Incident.Kind(kind).label) for kind in sorted(Incident.objects.values_list("kind", flat=True))[::-1]
    ]
    assert len(rows) == len(rows_of(officer, address))
    taken = AuditEvent.objects.get(action="export.taken")
    assert (taken.actor, taken.target, taken.detail) == (
        officer.actor, "export:list", {"in": "Incidents", "for": {"Status": "Open"}},
    )  # fmt: skip
    assert "export: exported in Incidents; Status: Open" in shown(officer, "/admin/trail/")
    order = Order.objects.get()
    (row,) = csv_of(officer, "/admin/orders/?csv=1")
    assert (row["Order"], row["Partner"]) == (str(order.id), "GeoBridge (company)")
    contract = Contract.objects.get(pk=order.contract_id)
    (listed,) = (one for one in csv_of(officer, "/admin/contracts/?csv=1") if one["Contract"].startswith(contract.ref))
    assert listed["Ends"] == f"{contract.ends_at:%Y-%m-%dT%H:%M:%SZ}"
    assert row["To be signed by"] == f"{order.complete_by:%Y-%m-%dT%H:%M:%SZ} (in 9 days)"


def test_a_file_that_was_cut_says_so(officer: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    everything()
    monkeypatch.setattr(exports, "MOST_IN_FILE", 1)
    monkeypatch.setattr(exports, "PART", 1)
    rows = csv_of(officer, "/admin/incidents/?csv=1")
    assert [row["What"] for row in rows[1:]] == ["Only the first 1 rows. Narrow the list to get the others."]


def test_each_row_stands_once_in_a_file_though_others_come_meanwhile(
    officer: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = timezone.now()
    monkeypatch.setattr(exports, "PART", 1)
    for n in range(4):
        audit.actions.open_incident(kind=Incident.Kind.OVERDUE, key=str(n), subject=f"Subject {n}", at=at)
    answer: Any = officer.client.get("/admin/incidents/?csv=1&sort=-opened_at")
    lines = iter(answer.streaming_content)
    begun = [next(lines), next(lines)]
    audit.actions.open_incident(kind=Incident.Kind.OVERDUE, key="new", subject="Later", at=at + timedelta(seconds=1))
    rows = csv.DictReader(io.StringIO(b"".join([*begun, *lines]).decode("utf-8-sig")))
    assert [row["About"] for row in rows] == ["Subject 3", "Subject 2", "Subject 1", "Subject 0"]
