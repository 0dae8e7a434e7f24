"""The documents of a year: the CPNI certificate (47 CFR 64.2009(e)) and the CCPA metrics (11 CCR 7102)."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db.models import Count, Q

from accounts.primitives import numbers
from accounts.primitives.reasons import remove_numbers
from audit.models import Incident
from console.queries.documents import DocumentRequest, Report, Section, get_first_day, list_years
from partners.models import Campaign, Contract, Party, Suspension
from revocations.models import Cohort
from support.models import Document
from support.queries import names
from support.queries.exports import EXPORTS, list_requests
from support.queries.team_metrics import complaints
from support.queries.visible import visible_incidents

COUNSEL = "These are requirements as we read them, not legal advice. Have counsel review this document before filing."
PROCEDURES = (
    "Location is released to a company only if our gate allows it.",
    "Emergency calls, lawful orders and our own network don't ask the gate. Those releases are recorded by their kind.",
    "The gate denies unless the subscriber's express consent is on record, and a contract and a campaign are in force.",
    "A stop takes effect at the gate in the same transaction as the subscriber's choice. It never expires.",
    "Each partner that received data is sent an order to stop and delete, until it signs that it did.",
    "Two officers must agree before a control is loosened. Staff can never turn sharing on for a subscriber.",
    "An operator who changes staff, API clients or partners' addresses without them opens an incident by that.",
    "Staff give a reason to see a subscriber's records. Each view is in the audit log and in the subscriber's own log.",
    "The audit log is hash-chained, with signed checkpoints kept outside the database.",
    "Failures that may have to be reported open an incident with its deadlines.",
)
# Of each the regulation asks for the number, also where it is zero.
KINDS_OF_REQUEST = ("stop", "copy of all records")
# The files say it shorter (`EXPORTS`). What has no word here is what a carrier's own file called it.
CHANNELS: Mapping[str, str] = {
    "web": "Website, signed in", "stop_page": "Website, without an account", "text": "Text message",
    "ask": "Link in a company's request", "desk": "Support agent", "gpc": "Browser signal (GPC)",
    "authorised agent": "Authorized agent",
}  # fmt: skip


def build_certificate(*, wanted: DocumentRequest) -> Report | None:
    """Return the annual certificate of a year that is over; None for any other, or without records. `who` certifies."""
    year = _read_year(wanted)
    if year is None or year == wanted.at.year:
        return None
    since, until = _bounds(year)
    opened = visible_incidents(at=wanted.at).filter(opened_at__gte=since, opened_at__lt=until)
    incidents = opened.order_by("kind").values_list("kind")
    counted = incidents.annotate(n=Count("pk"), closed=Count("pk", filter=Q(closed_at__isnull=False)))
    title = f"Annual CPNI certificate for {year}"
    return Report(Document.Kind.CERTIFICATE, f"year:{year}", title, [
        Section.build("Certification", (), [], text=_list_what_is_certified(year, wanted)),
        Section.build("How our procedures ensure compliance", (), [], text=PROCEDURES),
        Section.build("Actions against companies", ("When", "What", "Action", "Reason"), _list_actions(since, until)),
        Section.build(
            "Complaints", ("Kind", "Received", "Answered", "Under way", "Companies"),
            [
                (one.kind, one.received, one.answered, one.under_way, one.companies)
                for one in complaints(year=year, at=wanted.at)
            ],
            text=[
                "What subscribers complained of. Merged cases count once. This year is in Eastern time.",
                "The filing asks for a summary of those about unauthorized release.",
            ],
        ),
        Section.build(
            "Incidents", ("Kind", "Opened", "Closed"),
            [(str(Incident.Kind(kind).label), n, closed) for kind, n, closed in counted],
        ),
        Section.build(
            "Deadlines that partners missed", ("Deadline", "Contract", "Partner", "Due", "Missed", "Resolved"),
            EXPORTS["breaches"].rows(year, wanted.at),
        ),
    ])  # fmt: skip


def _list_what_is_certified(year: int, wanted: DocumentRequest) -> Sequence[str]:
    return (
        f"{_describe_period(year, wanted.at)} Times are in UTC.",
        (
            f"I, {wanted.who}, certify for {settings.CARRIER_NAME} that I am an officer of the company and that I have"
            " personal knowledge that the company has established operating procedures that are adequate to ensure"
            " compliance with 47 CFR 64.2001 to 64.2011, for the location data that this system controls."
        ),
        f"Company: {settings.CARRIER_NAME}    FCC Form 499 filer ID: ______________",
        "Signature: ______________________    Title: ______________________    Date: ______________",
        f"File it with the FCC by 1 March {year + 1}, in EB Docket No. 06-36 (47 CFR 64.2009(e)).",
        COUNSEL,
    )


def build_ccpa_metrics(*, wanted: DocumentRequest) -> Report | None:
    """Return the metrics of a year, up to now; None for a year of which there are no records."""
    year = _read_year(wanted)
    if year is None:
        return None
    says = (
        f"Requests that {settings.CARRIER_NAME} received (11 CCR 7102).",
        f"{_describe_period(year, wanted.at)} Days begin and end in UTC.",
        (
            "A stop is a request to opt out of sale or sharing and to limit the use of location. A copy of all records"
            " is a request to know. Requests to delete or correct other data are not made here and not counted."
        ),
        (
            "A stop takes effect as it is made. Days are the median from the request to the answer. A copy of all"
            " records is ready within minutes and has no days here."
        ),
        f"Post the metrics of the whole year in the privacy policy by 1 July {year + 1}.",
        COUNSEL,
    )
    counts = ("Received", "Complied with in whole or part", "Denied", "Median days")
    is_live = year == wanted.at.year
    running = f", up to {wanted.at:%-d %B}" if is_live else ""
    by_channel = ("Request", "Channel", *counts)
    return Report(Document.Kind.CCPA, f"year:{year}", f"CCPA metrics for {year}{running}", [
        Section.build("Requests", ("Request", *counts), _list_totals(year), text=says, is_live=is_live),
        Section.build("Requests by channel", by_channel, _list_channels(year), is_live=is_live),
    ])  # fmt: skip


def _list_totals(year: int) -> Iterator[Sequence[object]]:
    """Each kind of request over all channels: those that people made, then a row of zeros for each that nobody made."""
    missing = dict.fromkeys(KINDS_OF_REQUEST)
    for request, *counted in list_requests(year=year, by_channel=False):
        missing.pop(request, None)
        yield request.capitalize(), *counted
    for request in missing:
        yield request.capitalize(), 0, 0, 0, None


def _list_channels(year: int) -> Iterator[Sequence[object]]:
    """The rows of the file of requests, in words."""
    for request, channel, *counted in list_requests(year=year, by_channel=True):
        yield request.capitalize(), CHANNELS.get(channel, channel), *counted


def _list_actions(since: datetime, until: datetime) -> list[tuple[object, ...]]:
    """What officers suspended or terminated, with their reasons, the oldest first."""
    ours = _find_own_test_targets()
    held = list(Suspension.objects.filter(starts_at__gte=since, starts_at__lt=until).exclude(ours))
    cohorts = Cohort.objects.filter(terminated_at__gte=since, terminated_at__lt=until).exclude(ours)
    cohorts = cohorts.defer("plan", "index_token")
    ended = [one for one in cohorts if not one.by_term]
    about = {(one.of, one.target_id) for one in held} | {(one.of, one.target_id) for one in ended}
    named = names.targets(wanted=about)
    rows: list[tuple[datetime, str, str, str]] = [
        (one.starts_at, named[one.of, one.target_id].name, "suspended", remove_numbers(one.reason)) for one in held
    ]
    rows += [
        (one.terminated_at, named[one.of, one.target_id].name, "terminated", remove_numbers(one.reason))
        for one in ended
    ]
    return sorted(rows)


def _find_own_test_targets() -> Q:
    """Return what names our own test company, its contracts and its campaigns."""
    contracts = Contract.objects.filter(aggregator__uri=numbers.CANARY_PARTY)
    return (
        Q(of="party", target_id__in=Party.objects.filter(uri=numbers.CANARY_PARTY).values("pk"))
        | Q(of="contract", target_id__in=contracts.values("pk"))
        | Q(of="campaign", target_id__in=Campaign.objects.filter(contract__in=contracts).values("pk"))
    )


def _read_year(wanted: DocumentRequest) -> int | None:
    return next((year for year in list_years(at=wanted.at) if str(year) == wanted.ref), None)


def _describe_period(year: int, at: datetime) -> str:
    """Say which days of the year there are records of, and where that isn't all of it until then."""
    since, until = _bounds(year)
    first, last = max(since, get_first_day(at=at)), min(until - timedelta(days=1), at)
    says = f"From {first:%-d %B} to {last:%-d %B %Y}."
    if first.date() == since.date():
        return says
    return f"{says} Our records begin on {first:%-d %B %Y}. Nothing earlier in that year is in this document."


def _bounds(year: int) -> tuple[datetime, datetime]:
    return datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)
