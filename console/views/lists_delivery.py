"""Lists of how partners receive: streams, breaches, comparisons of books, keys, machines that sign in."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from django.http import HttpResponseBase
from django.urls import reverse

from accounts.models import Message
from accounts.primitives import numbers
from accounts.views.access import PersonRequest
from consent.models import DigestRun
from console.queries import staff
from console.queries.lights import list_texts
from console.queries.standing import SIGNED, orders_to_sign
from console.views import listing
from console.views.listing import Cell, Column, Filter, Listing, Rows, build_typed_filter, of_choices, show_list
from partners.labels import party_name, sanitise_text
from partners.models import Client, Contract, Party, SigningKey
from partners.queries import thumbprint_of
from revocations.models import Breach, Order, State, Stream, StreamEvent
from revocations.queries.coverage import get_order_standings
from support.queries import names
from support.queries.counts import health_of
from support.queries.timeline import SentMessage, list_events_sent, list_orders_sent, read_messages


def orders(request: PersonRequest) -> HttpResponseBase:
    """Every order that somebody still has to sign for. Names no line."""
    return show_list(request, orders_list())


def orders_list() -> Listing:
    """The list of orders, with the companies and contracts it may be narrowed to."""
    contracts = Contract.objects.select_related("aggregator").order_by("aggregator__name", "aggregator_id", "ref")
    partners = {str(one.aggregator_id): party_name(one.aggregator.name, one.aggregator.uri) for one in contracts}
    refs = tuple((str(one.pk), sanitise_text(one.ref, at_most=60)) for one in contracts)
    company = Filter("company", "Partner", tuple(partners.items()), lambda rows, v, _: rows.filter(party_id=int(v)))
    contract = Filter("contract", "Contract", refs, lambda rows, v, _: rows.filter(contract_id=int(v)))
    return replace(ORDERS, filters=(company, contract, *ORDERS.filters))


def sent_list(party: Party) -> Listing:
    """The list of what was sent to one partner: orders and events."""
    refs = Contract.objects.filter(aggregator=party).order_by("ref").values_list("pk", "ref")
    contracts = tuple((str(pk), sanitise_text(ref, at_most=60)) for pk, ref in refs)
    return replace(
        SENT,
        title=f"Sent to {party_name(party.name, party.uri)}",
        start=lambda _: list_orders_sent(party_id=party.pk),
        others=lambda _: [list_events_sent(party_id=party.pk)],
        cells=partial(_sent_cells, party.pk),
        filters=(
            *SENT.filters,
            Filter("contract", "Contract", contracts, lambda rows, value, _: rows.filter(contract_id=int(value))),
        ),
    )


def _sent_cells(party_id: int, rows: Sequence[Mapping[str, Any]], _: datetime) -> list[tuple[Cell, ...]]:
    return [
        (
            _link_message(f"admin:{one.kind}", party_id, one.id),
            Cell(one.what),
            Cell(sanitise_text(one.contract, at_most=60) or "–"),
            Cell(one.state_words, tone=one.tone, under=_describe_message(one)),
            listing.moment(one.queued_at),
            listing.moment(one.sent_at),
            listing.moment(one.acknowledged_at),
            _format_signature(one),
            Cell(f"{one.attempts:,}", number=True),
        )
        for one in read_messages(rows=rows)
    ]


def _link_message(page: str, party_id: int, own: UUID) -> Cell:
    return Cell(f"{str(own)[:8]}…", href=reverse(page, args=[party_id, own]), whole_text=str(own))


def _describe_message(one: SentMessage) -> str:
    """Its note, and of what is held back whose move it is."""
    waits = f"Waiting for: {one.move.lower()}." if one.move else ""
    again = f"Next try {one.held_until:%-d %b %Y, %H:%M}." if one.held_until else ""
    return " ".join(part for part in (waits, again, sanitise_text(one.note, at_most=240)) if part)


def _format_signature(one: SentMessage) -> Cell:
    due = f"due {one.complete_by:%-d %b %Y}" if one.complete_by else "–"
    return listing.moment(one.completed_at, none=due)


def _stream_cells(rows: Sequence[Party], at: datetime) -> list[tuple[Cell, ...]]:
    health = health_of(party_ids=[one.pk for one in rows], at=at)
    return [
        (
            Cell(
                sanitise_text(one.name, at_most=60),
                href=reverse("admin:timeline", args=[one.pk]),
                under=sanitise_text(one.uri, at_most=60),
            ),
            Cell(mine.word, tone=mine.tone, under=mine.why),
            Cell(mine.method),
            Cell(listing.format_waiting(mine.oldest, at) or "–", number=True),
            listing.count(mine.waiting),
            listing.moment(mine.breaker_open_until, none="closed"),
            listing.moment(mine.stream.verified_at if mine.stream else None, none="never"),
        )
        for one in rows
        for mine in (health[one.pk],)
    ]


def _order_cells(rows: Sequence[Order], at: datetime) -> list[tuple[Cell, ...]]:
    named = names.targets(wanted={("party", one.party_id) for one in rows})
    standings = get_order_standings(orders=rows)
    return [
        (
            _link_message("admin:order", one.party_id, one.id),
            listing.target(named["party", one.party_id]),
            Cell(str(standings[one.id].state.label), under=sanitise_text(standings[one.id].note, at_most=240)),
            listing.moment(one.queued_at),
            listing.moment(one.acknowledged_at),
            _format_due(one, at),
        )
        for one in rows
    ]


def _format_due(one: Order, at: datetime) -> Cell:
    if one.complete_by is None:
        return Cell("–")
    if one.complete_by <= at:
        return Cell(
            "overdue", tone="bad", under=f"{one.complete_by:%-d %b %Y}, {listing.format_distance(one.complete_by, at)}"
        )
    return listing.moment(one.complete_by, under=listing.format_distance(one.complete_by, at))


def _by_health(rows: Rows, value: str, at: datetime) -> Rows:
    """Partners that do not receive as they should, or all others."""
    health = health_of(party_ids=list(rows.values_list("pk", flat=True)), at=at)
    ours = Party.objects.filter(uri=numbers.CANARY_PARTY).values_list("pk", flat=True)
    failing = [pk for pk, one in health.items() if not one.receives and pk not in ours]
    return rows.filter(pk__in=failing) if value == "problems" else rows.exclude(pk__in=failing)


def _breach_cells(rows: Sequence[Breach], at: datetime) -> list[tuple[Cell, ...]]:
    named = names.targets(wanted={(kind, i) for one in rows for kind, i in _about(one)})
    return [
        (
            Cell(one.get_kind_display(), under=one.about.partition(":")[0]),
            listing.target(named["contract", one.contract_id]),
            listing.target(named["party", one.party_id]),
            listing.moment(one.due_at),
            Cell("mended", tone="good") if one.mended_at else Cell("open", tone="bad"),
            listing.moment(one.mended_at),
        )
        for one in rows
    ]


def _run_cells(rows: Sequence[DigestRun], at: datetime) -> list[tuple[Cell, ...]]:
    named = names.targets(wanted={("party", one.party_id) for one in rows})
    return [
        (
            Cell(f"{one.received_at:%-d %b %Y, %H:%M}", href=reverse("admin:run", args=[one.pk])),
            listing.target(named["party", one.party_id]),
            _format_comparison(one),
            Cell(f"{len(one.differing):,}", number=True),
            Cell(f"{one.findings.get('partner_has', 0):,}", number=True, tone="bad" if _has(one) else ""),
            Cell(f"{one.findings.get('partner_lacks', 0):,}", number=True),
        )
        for one in rows
    ]


def _key_cells(rows: Sequence[SigningKey], at: datetime) -> list[tuple[Cell, ...]]:
    return [
        (
            Cell(one.get_use_display(), under=one.use),
            Cell(f"{one.kid[:16]}…"),
            _key_state(one, at),
            listing.moment(one.published_at),
            listing.moment(one.used_from, under=listing.format_distance(one.used_from, at)),
            listing.moment(one.retired_at),
        )
        for one in rows
    ]


def _client_cells(rows: Sequence[Client], at: datetime) -> list[tuple[Cell, ...]]:
    return [
        (
            Cell(sanitise_text(one.client_id, at_most=70), href=reverse("admin:machine", args=[one.number])),
            Cell(one.get_kind_display()),
            listing.party(one.party) if one.party else Cell("the carrier's own"),
            Cell("disabled", tone="bad") if one.disabled_at else Cell("active", tone="good"),
            Cell(thumbprint_of(machine=one) or "unreadable"),
            listing.yes_or_dash(one.certificate_sha256, word="bound"),
        )
        for one in rows
    ]


def _text_cells(rows: Sequence[Message], _: datetime) -> list[tuple[Cell, ...]]:
    return [
        (
            Cell(*TEXT_STATES[vars(one)["state"]]),
            listing.moment(one.made_at),
            listing.count(one.tries),
            listing.moment(one.next_at if one.taken_at is None and one.doubt_at is None else None),
            listing.moment(one.taken_at or one.doubt_at),
        )
        for one in rows
    ]


def _about(one: Breach) -> tuple[tuple[str, int], ...]:
    return (("contract", one.contract_id), ("party", one.party_id))


def _has(one: DigestRun) -> bool:
    return bool(one.findings.get("partner_has"))


def _format_comparison(one: DigestRun) -> Cell:
    if not one.finished_at:
        return Cell("in progress", tone="warn")
    return Cell("allowed there, denied here", tone="bad") if _has(one) else Cell("no differences", tone="good")


def _key_state(one: SigningKey, at: datetime) -> Cell:
    if one.retired_at and one.retired_at <= at:
        return Cell("archived")
    return Cell("published, not used yet", tone="warn") if one.used_from > at else Cell("in use", tone="good")


def _by_stream(rows: Rows, value: str, _: datetime) -> Rows:
    matching = Stream.objects.filter(status=value).values("party_id")
    return rows.filter(pk__in=matching)


# How far a message is. What was signed in part may be found to be so only as it is shown.
PROGRESS: Mapping[str, tuple[str, tuple[State, ...]]] = {
    "waiting": ("Not received yet", (State.QUEUED, State.SENT)),
    "received": ("Received, not signed", (State.ACKNOWLEDGED,)),
    "signed": ("Signed, as done or in part", (State.COMPLETED, State.PARTIAL)),
    "held": ("On hold or refused", (State.PARKED, State.REJECTED)),
    "contradicted": ("Continued after signing", (State.CONTRADICTED,)),
    "replaced": ("Replaced by a newer order", (State.SUPERSEDED,)),
}
STREAMS = Listing(
    title="Streams",
    lead="Every partner that receives our orders. An open breaker pauses pushes; deadlines keep running.",
    columns=(
        Column("Partner", "name"), Column("Status"), Column("Receives by"),
        Column("Oldest unacknowledged", number=True), Column("Waiting", number=True), Column("Breaker open until"),
        Column("Last verified"),
    ),
    start=lambda _: Party.objects.filter(pk__in=Contract.objects.values("aggregator_id")).order_by("name", "id"),
    cells=_stream_cells,
    search=("name", "uri"),
    search_label="Partner",
    filters=(
        Filter("status", "Status", tuple((v, str(w)) for v, w in Stream.Status.choices), _by_stream),
        Filter("delivery", "Delivery", (("problems", "With problems"), ("works", "Without problems")), _by_health),
    ),
    empty=("No partner receives orders yet", "Partners appear here once they have a contract."),
)  # fmt: skip
SENT = Listing(
    title="Sent",
    lead="",
    columns=(
        Column("Message"), Column("What"), Column("Contract"), Column("Status", "state"),
        Column("Queued", "queued_at"), Column("Sent", "sent_at"), Column("Acknowledged", "acknowledged_at"),
        Column("Signed", "signed_at"), Column("Tries", "attempts", number=True),
    ),
    start=lambda _: Order.objects.none(),
    cells=lambda _rows, _at: [],
    last="id",
    filters=(
        of_choices("what", "What", [*Order.Lane.choices, *StreamEvent.Kind.choices]),
        Filter(
            "state", "Status", tuple((name, word) for name, (word, _) in PROGRESS.items()),
            lambda rows, value, _: rows.filter(state__in=PROGRESS[value][1]),
        ),
        build_typed_filter("from", "From (UTC)", lambda rows, v, _: staff.since(rows, v, by="queued_at"), kind="date"),
        build_typed_filter("to", "To (UTC)", lambda rows, v, _: staff.until(rows, v, by="queued_at"), kind="date"),
    ),
    empty=(
        "Nothing sent yet",
        "We send an order when someone whose data this partner received stops, pauses or allows sharing.",
    ),
)  # fmt: skip
ORDERS = Listing(
    title="Unsigned orders",
    lead="Orders that partners haven't signed as done, earliest deadline first. No subscriber is named.",
    columns=(
        Column("Order"), Column("Partner"), Column("Status", "state"), Column("Made", "queued_at"),
        Column("Received", "acknowledged_at"), Column("To be signed by", "complete_by"),
    ),
    start=lambda _: orders_to_sign(),
    cells=_order_cells,
    filters=(
        of_choices("state", "Status", [one for one in State.choices if one[0] not in SIGNED]),
        Filter(
            "due", "Date", (("overdue", "Overdue"), ("running", "Not due yet")),
            lambda rows, value, at: rows.filter(complete_by__lte=at) if value == "overdue"
            else rows.filter(complete_by__gt=at),
        ),
    ),
    empty=("Every order is signed", "Orders appear here until every company has signed for them."),
)  # fmt: skip
TEXT_STATES = {
    "overdue": ("overdue", "", "", "bad"), "waiting": ("waiting", "", "", "plain"),
    "unanswered": ("no answer from the gateway", "", "", "warn"), "sent": ("sent", "", "", "good"),
}  # fmt: skip
TEXTS = Listing(
    title="Texts",
    lead="Texts that wait, and those that the gateway was given in the last hour. No subscriber is named. Codes, which"
    " are sent immediately, aren't listed.",
    columns=(
        Column("Status"), Column("Made", "made_at"), Column("Tries", "tries", number=True),
        Column("Next try", "next_at"), Column("Given to the gateway"),
    ),
    start=lambda at: list_texts(at=at),
    cells=_text_cells,
    filters=(
        Filter(
            "state", "Status", tuple((name, said[0].capitalize()) for name, said in TEXT_STATES.items()),
            lambda rows, value, at: rows.filter(pk__in=list_texts(at=at, state=value).values("pk")),
        ),
    ),
    empty=("No texts", "None waits, and none was sent in the last hour."),
)  # fmt: skip
BREACHES = Listing(
    title="Missed deadlines",
    lead="Contract deadlines that a partner missed. They stay listed after they are resolved.",
    columns=(
        Column("What", "kind"), Column("Contract"), Column("Partner"), Column("Was due", "due_at"), Column("Status"),
        Column("Resolved", "mended_at"),
    ),
    start=lambda _: Breach.objects.order_by("-id"),
    cells=_breach_cells,
    filters=(
        of_choices("kind", "What", Breach.Kind.choices),
        Filter(
            "state", "Status", (("open", "Open"), ("mended", "Resolved")),
            lambda rows, value, _: rows.filter(mended_at__isnull=value == "open"),
        ),
    ),
    empty=("No missed deadlines", "Every partner has met every deadline so far."),
)  # fmt: skip
RUNS = Listing(
    title="Reconciliation",
    lead="Each partner's records compared with ours. Anything allowed at a partner but denied here opens an incident.",
    columns=(
        Column("Received", "received_at"), Column("Partner"), Column("Found"),
        Column("Buckets that differ", number=True),
        Column("Allowed there, denied here", number=True), Column("Allowed here, missing there", number=True),
    ),
    start=lambda _: DigestRun.objects.order_by("-received_at", "-id"),
    cells=_run_cells,
    filters=(
        Filter(
            "found", "Found", (("differs", "Allowed there, denied here"), ("open", "In progress")),
            lambda rows, value, _: rows.filter(findings__partner_has__gt=0)
            if value == "differs" else rows.filter(finished_at__isnull=True),
        ),
    ),
    empty=("No reconciliation yet", "Every night partners send a digest of their active records."),
)  # fmt: skip
KEYS = Listing(
    title="Signing keys",
    lead="Our own keys, one for each use. A key is published a day before it is used and archived permanently.",
    columns=(
        Column("Use", "use"), Column("Key"), Column("Status"), Column("Published", "published_at"),
        Column("Used from", "used_from"), Column("Retired", "retired_at"),
    ),
    start=lambda _: SigningKey.objects.defer("private_sealed").order_by("use", "-used_from"),
    cells=_key_cells,
    filters=(of_choices("use", "Use", SigningKey.Use.choices),),
    empty=("No keys", "The rotate_keys command creates them."),
)  # fmt: skip
CLIENTS = Listing(
    title="API clients",
    lead="Clients that get access tokens with their own key: the gateway, carrier feeds and partners.",
    columns=(
        Column("Client", "client_id"), Column("Kind", "kind"), Column("Company"), Column("Status", "disabled_at"),
        Column("Key (thumbprint)"), Column("Certificate"),
    ),
    start=lambda _: Client.objects.select_related("party").order_by("client_id"),
    cells=_client_cells,
    search=("client_id", "party__name"),
    search_label="Client or company",
    filters=(
        of_choices("kind", "Kind", Client.Kind.choices),
        Filter(
            "state", "Status", (("in", "Active"), ("disabled", "Disabled")),
            lambda rows, value, _: rows.filter(disabled_at__isnull=value == "in"),
        ),
    ),
    empty=("No API clients", "Register the gateway first, then each partner."),
    acts=(("admin:client-register", "Register an API client"),),
)  # fmt: skip
