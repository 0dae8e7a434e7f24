"""The documents of a year: the CPNI certificate (47 CFR 64.2009(e)) and the CCPA metrics (11 CCR 7102)."""

from datetime import UTC, datetime

from django.conf import settings
from django.db.models import Count, Q

from audit.models import Incident
from console.queries.documents import FIRST_YEAR, DocumentRequest, Report, Section
from partners.models import Suspension
from revocations.models import Cohort
from support.models import Document
from support.queries import names
from support.queries.exports import EXPORTS
from support.queries.team_metrics import complaints

COUNSEL = "These are requirements as we read them, not legal advice. Have counsel review this document before filing."
PROCEDURES = (
    "Location is released only if our gate allows it.",
    "The gate denies unless the subscriber's express consent is on record, and a contract and a campaign are in force.",
    "A stop takes effect at the gate in the same transaction as the subscriber's choice. It never expires.",
    "Each partner that received data is sent an order to stop and delete, until it signs that it did.",
    "Two officers must agree before a control is loosened. Staff can never turn sharing on for a subscriber.",
    "Staff give a reason to see a subscriber's records. Each view is in the audit log and in the subscriber's own log.",
    "The audit log is hash-chained, with signed checkpoints kept outside the database.",
    "A test of stopping runs every hour. Failures that may have to be reported open an incident with its deadlines.",
)


def build_certificate(*, wanted: DocumentRequest) -> Report | None:
    """Return the annual certificate of a year; None for a year of which there are no records. `who` certifies."""
    year = _read_year(wanted.ref, wanted.at)
    if year is None:
        return None
    since, until = _bounds(year)
    certified = (
        (
            f"I, {wanted.who}, certify for {settings.CARRIER_NAME} that I am an officer of the company and that I have"
            " personal knowledge that the company has established operating procedures that are adequate to ensure"
            " compliance with 47 CFR 64.2001 to 64.2011, for the location data that this system controls."
        ),
        "Signature: ______________________    Title: ______________________    Date: ______________",
        "File it with the FCC by 1 March (47 CFR 64.2009(e)).",
        COUNSEL,
    )
    incidents = Incident.objects.filter(opened_at__gte=since, opened_at__lt=until).order_by("kind").values_list("kind")
    counted = incidents.annotate(n=Count("pk"), closed=Count("pk", filter=Q(closed_at__isnull=False)))
    missed = EXPORTS["breaches"]
    title = f"Annual CPNI certificate for {year}"
    return Report(Document.Kind.CERTIFICATE, f"year:{year}", title, [
        Section.build("Certification", (), [], text=certified),
        Section.build("How our procedures ensure compliance", (), [], text=PROCEDURES),
        Section.build("Actions against companies", ("When", "What", "Action", "Reason"), _list_actions(since, until)),
        Section.build(
            "Complaints", ("Kind", "Received", "Answered", "Under way", "Companies"),
            [(one.kind, one.received, one.answered, one.under_way, one.companies) for one in complaints(year=year)],
            text=["What subscribers complained of. Cases that were merged count once."],
        ),
        Section.build(
            "Incidents", ("Kind", "Opened", "Closed"),
            [(str(Incident.Kind(kind).label), n, closed) for kind, n, closed in counted],
        ),
        Section.build("Deadlines that partners missed", missed.columns, missed.rows(year, wanted.at)),
    ])  # fmt: skip


def build_ccpa_metrics(*, wanted: DocumentRequest) -> Report | None:
    """Return the metrics of a year; None for a year of which there are no records."""
    year = _read_year(wanted.ref, wanted.at)
    if year is None:
        return None
    says = (
        f"Requests that {settings.CARRIER_NAME} received from 1 January to 31 December {year} (11 CCR 7102).",
        (
            "A stop is a request to opt out of sale or sharing and to limit the use of location. A copy of all records"
            " is a request to know. Requests to delete or correct other data are not made here and not counted."
        ),
        "A stop takes effect as it is made. Days are the median from the request to the answer.",
        COUNSEL,
    )
    columns = ("Request", "Channel", "Received", "Complied with", "Denied", "Median days")
    return Report(Document.Kind.CCPA, f"year:{year}", f"CCPA metrics for {year}", [
        Section.build("Requests", columns, EXPORTS["requests"].rows(year, wanted.at), text=says),
    ])  # fmt: skip


def _list_actions(since: datetime, until: datetime) -> list[tuple[object, ...]]:
    """What officers suspended or terminated, with their reasons, the oldest first."""
    held = list(Suspension.objects.filter(starts_at__gte=since, starts_at__lt=until).order_by("starts_at"))
    cohorts = Cohort.objects.filter(terminated_at__gte=since, terminated_at__lt=until).defer("plan", "index_token")
    ended = [one for one in cohorts if not one.by_term]
    about = {(one.of, one.target_id) for one in held} | {(one.of, one.target_id) for one in ended}
    named = names.targets(wanted=about)
    rows: list[tuple[datetime, str, str, str]] = [
        (one.starts_at, named[one.of, one.target_id].name, "suspended", one.reason) for one in held
    ]
    rows += [(one.terminated_at, named[one.of, one.target_id].name, "terminated", one.reason) for one in ended]
    return sorted(rows)


def _read_year(ref: str, at: datetime) -> int | None:
    return int(ref) if ref.isascii() and ref.isdecimal() and FIRST_YEAR <= int(ref) <= at.year else None


def _bounds(year: int) -> tuple[datetime, datetime]:
    return datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)
