"""What ought to have a ticket, and how the hourly trial of stopping stands."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import CharField, Exists, OuterRef, Q, Value
from django.db.models.functions import Cast, Concat

from audit.models import Incident
from consent.models import Choice
from partners.models import Party
from partners.words import party_name
from support.models import CanaryRun, Ticket

LOOK_BACK = timedelta(days=7)
BATCH = 500
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
    """How the trial stands now. Two statements."""
    if not settings.CANARY:
        return Canary("off")
    ended = CanaryRun.objects.filter(finished_at__isnull=False).order_by("-began_at")
    newest, well = ended.first(), ended.filter(failed="").first()
    if newest is None:
        return Canary("never")
    late = at - newest.began_at > CANARY_EVERY + 2 * CANARY_LATE
    state = "late" if late else ("failed" if newest.failed else "ok")
    return Canary(
        state=state,
        step=newest.step if newest.failed else "",
        succeeded_at=well.finished_at if well else None,
        seconds=dict(well.seconds) if well else {},
    )


@dataclass(frozen=True)
class Wanted:
    """A ticket that ought to be there; `key` makes it one of a kind."""

    kind: Ticket.Kind
    key: str
    about: str
    line_id: int | None


def tickets_wanted(*, at: datetime) -> list[Wanted]:
    """Disputes, incidents and late partners of the last days that have no ticket yet, the oldest first.

    A partner that lets dates pass has one ticket a day, whatever the number of its orders.
    """
    return [*_disputes(at), *_incidents(at)]


def _disputes(at: datetime) -> list[Wanted]:
    rows = Choice.objects.filter(_without_ticket("choice", "id"), reason="never_agreed", recorded_at__gt=at - LOOK_BACK)
    return [
        Wanted(Ticket.Kind.DISPUTE, f"choice:{choice_id}", "I never agreed to this", line_id)
        for line_id, choice_id in rows.order_by("recorded_at").values_list("line_id", "id")[:BATCH]
    ]


def _incidents(at: datetime) -> list[Wanted]:
    rows = Incident.objects.filter(
        _without_ticket("incident", "pk"), opened_at__gt=at - LOOK_BACK, closed_at__isnull=True
    ).order_by("opened_at")
    found = list(rows[:BATCH])
    names = _names(found)
    return [_of(incident, names.get(incident.subject, "")) for incident in found]


def _of(incident: Incident, name: str) -> Wanted:
    key, about = f"incident:{incident.pk}", incident.get_kind_display()
    if incident.kind == Incident.Kind.OVERDUE:
        return Wanted(Ticket.Kind.OVERDUE, key, f"{name}: {about}"[:200], None)
    return Wanted(Ticket.Kind.INCIDENT, key, about, None)


def _without_ticket(what: str, field: str) -> Q:
    key = Concat(Value(f"{what}:"), Cast(OuterRef(field), CharField()), output_field=CharField())
    return Q(~Exists(Ticket.objects.filter(key=key)))


def _names(incidents: list[Incident]) -> dict[str, str]:
    """What the partners are called, by the incidents' subjects."""
    ids = [incident.subject.partition(":")[2] for incident in incidents if incident.subject.startswith("partner:")]
    parties = Party.objects.in_bulk([int(one) for one in ids if one.isdecimal()])
    return {f"partner:{pk}": party_name(party.name, party.uri) for pk, party in parties.items()}
