"""What ought to have a ticket, what came from partners that belongs into one, and how the trial of stopping stands."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import CharField, Exists, OuterRef, Q, Value
from django.db.models.functions import Cast, Concat, TruncDate

from audit.models import Incident
from consent.models import Choice
from disclosures.queries.incident_scope import span_of
from partners.labels import party_name
from partners.models import Party
from revocations.models import EvidenceRequest, Order, State
from support.models import CanaryRun, Entry, Ticket
from support.queries.companies import find_disputed_parties

LOOK_BACK = timedelta(days=7)
BATCH = 500
Kind, Priority = Ticket.Kind, Ticket.Priority
# People are found by nobody, or go on being found, while these last.
URGENT = frozenset({
    Incident.Kind.UNGATED, Incident.Kind.CONTRADICTED, Incident.Kind.LIFELINE_AT_RISK, Incident.Kind.NO_WAY_OUT,
    Incident.Kind.AUDIT_FAULT, Incident.Kind.OUR_BREACH, Incident.Kind.PARTNER_BREACH,
})  # fmt: skip
CANARY_EVERY = timedelta(hours=1)
CANARY_LATE = timedelta(minutes=5)


@dataclass(frozen=True)
class Canary:
    """The trial as `/readyz` and `/metrics` have it. `state`: off, never, ok, failed, or late where none ended lately.

    `step`: where the last one that ended failed, "" where it did not. `seconds`: of each step of the last that went
    through.
    """

    state: str
    step: str = ""
    succeeded_at: datetime | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)


def canary(*, at: datetime) -> Canary:
    """Return how the trial stands now. Two statements."""
    if not settings.CANARY:
        return Canary("off")
    ended = CanaryRun.objects.filter(finished_at__isnull=False).order_by("-began_at")
    newest, well = ended.first(), ended.filter(failed="").first()
    state, step = judge_canary(newest=newest, at=at)
    return Canary(state, step, well.finished_at if well else None, dict(well.seconds) if well else {})


def judge_canary(*, newest: CanaryRun | None, at: datetime) -> tuple[str, str]:
    """Return `Canary.state` and `Canary.step` of the run that ended last."""
    if not settings.CANARY:
        return "off", ""
    if newest is None:
        return "never", ""
    late = at - newest.began_at > CANARY_EVERY + 2 * CANARY_LATE
    step = newest.step if newest.failed else ""
    return "late" if late else ("failed" if newest.failed else "ok"), step


@dataclass(frozen=True)
class PendingTicket:
    """A ticket that ought to be there; `key` makes it one of a kind. `asked`: a partner has been asked already."""

    kind: Ticket.Kind
    key: str
    about: str
    about_kind: str
    about_ref: str
    line_id: int | None = None
    party_id: int | None = None
    priority: Ticket.Priority = Priority.NORMAL
    asked: bool = False


def tickets_wanted(*, at: datetime) -> list[PendingTicket]:
    """Disputes, incidents, late partners and orders signed in part of the last days that have no ticket yet.

    The oldest first. A partner that lets dates pass, or signs in part, has one ticket a day, whatever the number of its
    orders.
    """
    return [*_disputes(at), *_incidents(at), *_in_part(at)]


def evidence_without_entry(*, at: datetime) -> list[EvidenceRequest]:
    """Return what partners answered in the last days, the oldest first, that is in no ticket's thread yet."""
    rows = EvidenceRequest.objects.filter(_without_entry("evidence"), answered_at__gt=at - LOOK_BACK)
    return list(rows.order_by("answered_at")[:BATCH])


def evidence_missed(*, at: datetime) -> list[EvidenceRequest]:
    """Return what partners did not answer by its date in the last days, of which no ticket's thread says so yet."""
    rows = EvidenceRequest.objects.filter(
        _without_entry("evidence-late"), overdue_at__gt=at - LOOK_BACK, answered_at__isnull=True
    )
    return list(rows.order_by("overdue_at")[:BATCH])


def with_merged(*, ticket: Ticket) -> list[int]:
    """Return a case and all that were merged into it, by id: what was said in them is one thread."""
    ids = newest = [ticket.pk]
    while newest:
        newest = list(Ticket.objects.filter(merged_into__in=newest).values_list("pk", flat=True))
        ids = [*ids, *newest]
    return ids


def is_answered(*, ticket: Ticket) -> bool:
    """Return whether we answered since the person last wrote, in the case or in one that was merged into it."""
    said = Entry.objects.filter(
        ticket__in=with_merged(ticket=ticket), kind__in=(Entry.Kind.ANSWER, Entry.Kind.HEARD)
    ).order_by("-at", "-id")
    return said.values_list("kind", flat=True).first() == Entry.Kind.ANSWER


def names_of(*, party_ids: Iterable[int]) -> dict[int, str]:
    """Return what companies are called, by id."""
    return {pk: party_name(one.name, one.uri) for pk, one in Party.objects.in_bulk(set(party_ids)).items()}


def parties_of(*, subjects: Iterable[str]) -> dict[str, Party]:
    """Return the companies that incidents are about, by their subjects: "partner:4", or a company's URI."""
    wanted = set(subjects)
    numbers = {one: int(one.partition(":")[2]) for one in wanted if one.startswith("partner:") and one[8:].isdecimal()}
    by_id = Party.objects.in_bulk(set(numbers.values()))
    by_uri = Party.objects.filter(uri__in=wanted)
    return {
        **{subject: by_id[pk] for subject, pk in numbers.items() if pk in by_id},
        **{one.uri: one for one in by_uri},
    }


def _disputes(at: datetime) -> list[PendingTicket]:
    asked = EvidenceRequest.objects.filter(
        line_id=OuterRef("line_id"), choice_id=OuterRef("id"), answered_at__isnull=True
    )
    rows = Choice.objects.filter(_without_ticket("choice", "id"), reason="never_agreed", recorded_at__gt=at - LOOK_BACK)
    found = list(rows.annotate(asked=Exists(asked)).order_by("recorded_at")[:BATCH])
    about = find_disputed_parties(choices=found)
    return [
        PendingTicket(
            Kind.DISPUTE, f"choice:{one.id}", "I never agreed to this", "choice", str(one.id), one.line_id,
            about.get((one.scope, one.ref)), asked=one.asked,
        )
        for one in found
    ]  # fmt: skip


def _incidents(at: datetime) -> list[PendingTicket]:
    rows = Incident.objects.filter(
        # What is reported may have been known for longer.
        Q(opened_at__gt=at - LOOK_BACK) | Q(reported_at__gt=at - LOOK_BACK),
        _without_ticket("incident", "pk"),
        closed_at__isnull=True,
    ).order_by("opened_at")
    found = list(rows[:BATCH])
    parties = parties_of(subjects=(one.subject for one in found))
    return [_of(incident, parties.get(incident.subject)) for incident in found]


def _of(incident: Incident, party: Party | None) -> PendingTicket:
    key, ref = f"incident:{incident.pk}", str(incident.pk)
    said = ", ".join(filter(None, (str(incident.get_kind_display()), span_of(key=incident.key))))
    # The company first: many have an incident of one kind in one year.
    about = f"{party_name(party.name, party.uri)}: {said}"[:200] if party else said
    party_id = party.pk if party else None
    if incident.kind == Incident.Kind.OVERDUE:
        return PendingTicket(Kind.OVERDUE, key, about, "incident", ref, None, party_id)
    priority = Priority.URGENT if incident.kind in URGENT else Priority.NORMAL
    return PendingTicket(Kind.INCIDENT, key, about, "incident", ref, None, party_id, priority)


def _in_part(at: datetime) -> list[PendingTicket]:
    key = Concat(
        Value("partial:"), Cast("party_id", CharField()), Value(":"), Cast("day", CharField()),
        output_field=CharField(),
    )  # fmt: skip
    rows = (
        Order.objects.filter(state=State.PARTIAL, completed_at__gt=at - LOOK_BACK)
        .annotate(day=TruncDate("completed_at"))
        .annotate(key=key)
        .filter(~Exists(Ticket.objects.filter(key=OuterRef("key"))))
        .values_list("key", "party_id")
        .distinct()
    )
    found = sorted(rows[:BATCH])
    names = names_of(party_ids=(party_id for _, party_id in found))
    return [
        PendingTicket(
            Kind.PARTIAL, key, f"{names.get(party_id, '')}: {Kind.PARTIAL.label}, {span_of(key=key)}"[:200], "party",
            str(party_id),
            party_id=party_id,
        )
        for key, party_id in found
    ]  # fmt: skip


def _without_ticket(what: str, field: str) -> Q:
    key = Concat(Value(f"{what}:"), Cast(OuterRef(field), CharField()), output_field=CharField())
    return Q(~Exists(Ticket.objects.filter(key=key)))


def _without_entry(what: str) -> Q:
    key = Concat(Value(f"{what}:"), OuterRef("jti"), output_field=CharField())
    return Q(~Exists(Entry.objects.filter(key=key).exclude(key="")))
