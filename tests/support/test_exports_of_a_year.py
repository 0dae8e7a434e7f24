"""Files of a year that officers take: what they count, and that each is written down."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

import audit.actions
from accounts.models import User
from audit.models import AuditEvent, Incident
from disclosures.models import PublishedFigure
from disclosures.workers import publishing
from partners.models import AgentRequest, Contract
from revocations.models import Breach, Order
from support.models import CarrierTestLine
from support.queries import team_metrics
from support.workers.canary import steps
from tests.agents import an_agent_asks
from tests.factories import a_contract, a_ledger_row, a_line, a_party
from tests.figures import when_counted
from tests.orders import bring_to
from tests.people import Browser
from tests.support.console import a_case
from tests.support.officers import Member, csv_of, staff

pytestmark = pytest.mark.usefixtures("db", "no_broker")


@pytest.mark.parametrize("role", [User.Role.OFFICER, User.Role.AUDITOR])
def test_files_for_the_certificate_stream_and_are_written_down(db: None, no_broker: None, role: User.Role) -> None:
    reader = staff(role)
    at = datetime(2026, 1, 1, tzinfo=UTC)
    contract = a_contract(a_party("=GeoBridge"), ref="AGR-1")
    Breach.objects.create(
        kind="complete", contract_id=contract.pk, party_id=contract.aggregator_id, line_id=77, about="order:1",
        due_at=at, at=at,
    )  # fmt: skip
    for seconds in (10, 30, 80):
        Order.objects.create(
            line_id=seconds, id=uuid.uuid4(), contract_id=contract.pk, party_id=contract.aggregator_id, epoch=1,
            version=1, jti=f"j{seconds}", txn="t", record_id=uuid.uuid4(), lane="stop", snapshot={}, queued_at=at,
            next_attempt_at=at,
        )  # fmt: skip
        moved = Order.objects.filter(line_id=seconds)
        bring_to("acknowledged", moved, acknowledged_at=at + timedelta(seconds=seconds))
    (row,) = csv_of(reader, "/admin/exports/contracts/2026/")
    assert (row["contract"], row["aggregator"], row["stage"], row["open_breaches"]) == (
        "AGR-1", "'=GeoBridge", "in force", "1",
    )  # fmt: skip
    assert csv_of(reader, "/admin/exports/breaches/2026/") == [
        {
            "kind": "Not completed by the agreed date", "contract": "AGR-1", "partner": "'=GeoBridge",
            "due_at": "2026-01-01T00:00:00Z", "at": "2026-01-01T00:00:00Z", "mended_at": "",
        }
    ]  # fmt: skip
    # Whatever became of the order since.
    broken = Order.objects.order_by("version").first() or Order()
    Incident.objects.create(kind="contradicted", key=f"order:{broken.id}", opened_at=timezone.now(), subject="party:1")
    (told,) = csv_of(reader, "/admin/exports/orders/2026/")
    assert (told["orders"], told["acknowledged"], told["median_s_to_acknowledge"]) == ("3", "3", "30.0")
    assert told["contradicted"] == "1"
    assert csv_of(reader, "/admin/exports/orders/2025/") == []
    assert reader.client.get("/admin/exports/orders/1999/").status_code == 404
    assert reader.client.get("/admin/exports/people/2026/").status_code == 404
    taken = AuditEvent.objects.filter(action="export.taken", actor=reader.actor)
    assert sorted(taken.values_list("target", flat=True)) == [
        "export:breaches", "export:contracts", "export:orders", "export:orders",
    ]  # fmt: skip


def test_requests_of_a_year_are_counted_by_way(officer: Member) -> None:
    line, at = a_line(), datetime(2026, 1, 1, tzinfo=UTC)
    a_ledger_row(line, "stop", at=at)
    a_ledger_row(line, "refuse", scope="campaign", ref="CMP-1", at=at + timedelta(days=1))
    a_ledger_row(line, "stop", at=at + timedelta(days=2), origin="file")
    audit.actions.record(action="line.archive_asked", actor="subscriber:1", target="line:1", at=at)
    rows = csv_of(officer, "/admin/exports/requests/2026/")
    assert [tuple(row.values()) for row in rows] == [
        ("copy of all records", "web", "1", "1", "0", ""),
        ("stop", "web", "2", "2", "0", "0.0"),
    ]
    assert csv_of(officer, "/admin/exports/requests/2025/") == []


def test_a_stop_by_an_agent_is_counted_as_the_agent_s_alone(officer: Member) -> None:
    Browser().post(an_agent_asks(a_line()), {"stop-all": "1"})
    AgentRequest.objects.update(received_at=datetime(2026, 1, 1, tzinfo=UTC))
    (row,) = csv_of(officer, "/admin/exports/requests/2026/")
    assert tuple(row.values())[:5] == ("stop", "authorised agent", "1", "1", "0")
    assert csv_of(officer, "/admin/exports/requests/2025/") == []


def test_no_figure_that_goes_out_has_what_nobody_did(officer: Member) -> None:
    """A day of our own trial, which stops every hour; and a test line of the carrier's own, not watched any more."""
    at = datetime(2026, 6, 9, 12, tzinfo=UTC)
    ours, seed = steps.ensure_world(at=at), a_line()
    CarrierTestLine.objects.create(line_id=seed.pk, marked_at=at, marked_by="officer:1", about="x", ended_at=at)
    for n, line in enumerate([*[ours.line] * 24, seed]):
        a_ledger_row(line, "stop", at=at + timedelta(minutes=n), origin="person")
        audit.actions.record(
            action="line.archive_asked", actor="subscriber:1", target=f"line:{line.pk}", at=at, line_id=line.pk
        )
    Order.objects.create(
        line_id=77, id=uuid.uuid4(), contract_id=ours.campaign.contract_id, party_id=ours.party.pk, epoch=1, version=1,
        jti="j", txn="t", record_id=uuid.uuid4(), lane="stop", snapshot={}, queued_at=at, next_attempt_at=at,
    )  # fmt: skip
    Breach.objects.create(
        kind="complete", contract_id=ours.campaign.contract_id, party_id=ours.party.pk, line_id=ours.line.pk,
        about="order:1", due_at=at, at=at,
    )  # fmt: skip
    for line in (ours.line, seed):
        a_case(line, at=at, kind="dispute")
    for name in ("requests", "orders", "contracts", "breaches"):
        assert csv_of(officer, f"/admin/exports/{name}/2026/") == []
    assert [one.received for one in team_metrics.complaints(year=2026, at=at)] == [0] * len(team_metrics.FROM_PEOPLE)
    a_ledger_row(a_line(), "stop", at=at, origin="person")
    assert [tuple(row.values()) for row in csv_of(officer, "/admin/exports/requests/2026/")] == [
        ("stop", "web", "1", "1", "0", "0.0")
    ]
    publishing.make(at=when_counted(at))
    choices, followed, companies = (
        PublishedFigure.objects.get(name=name).rows for name in ("choices", "followed", "companies")
    )
    assert ({row["kind"]: row["n"] for row in choices}["stop"], followed, companies) == (1, [], [])


def test_a_file_reads_contracts_in_parts(officer: Member) -> None:
    party, day = a_party(), timedelta(days=1)
    since, until = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
    spans = [(since - day, since + day)] * 450 + [(since - day, since), (until, until + day)]
    Contract.objects.bulk_create(
        Contract(ref=f"C{n:03}", aggregator=party, signed_at=since, starts_at=starts_at, ends_at=ends_at, purposes=[])
        for n, (starts_at, ends_at) in enumerate(spans)
    )
    rows = csv_of(officer, "/admin/exports/contracts/2026/")
    assert [row["contract"] for row in rows] == [f"C{n:03}" for n in range(450)]
