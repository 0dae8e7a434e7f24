"""What waits for an officer, beside what waits at the desk.

The legal-process role has one notification of its own: how many incidents under its orders are due.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

from django.db.models import DateTimeField, DurationField, ExpressionWrapper, F, QuerySet

from accounts.models import User
from accounts.policies.delegations import open_separations
from audit.models import AuditEvent, Incident, IncidentStep
from audit.policies import DUTIES
from console.queries import proposals
from console.queries.proposals import list_waiting_requests
from partners.models import Proposal
from support.queries import names
from support.queries.counts import CAP
from support.queries.due import HALF, NEARLY
from support.queries.exports import in_parts
from support.queries.incidents import DUE_FIRST, subject_of, subjects
from support.queries.mentions import OF_TERMS, mentions_of
from support.queries.notification_words import NOTIFICATIONS
from support.queries.notifications import OF_DESK, SHOWN, Item, Kind, Kinds, WaitingItems, find_cases
from support.queries.queue import OFFICE, QueueFilter
from support.queries.visible import find_hidden_cases, hidden_incidents, visible_incidents

MINUTE = "%-d %b %Y, %H:%M UTC"


def list_incidents_by_time_used(
    *, incidents: QuerySet[Incident], least: float, most: float, at: datetime
) -> dict[int, datetime]:
    """Return which of these are open and have used at least `least` and less than `most` of the time to their deadline.

    By id, with when `least` was used. Past its deadline an incident is overdue, and in none of them.
    """
    used: dict[int, datetime] = {}
    for part in in_parts(rows=_list_by_least_used(incidents, least, at), by="id"):
        for one, began_at in _with_clock_starts(part):
            whole = (one.due_at or at) - began_at
            if began_at + whole * least <= at < began_at + whole * most:
                used[one.pk] = _get_reported_at(one, began_at + whole * least)
    return used


def _list_by_least_used(incidents: QuerySet[Incident], least: float, at: datetime) -> QuerySet[Incident]:
    """Those of whose time so much may be used: a clock that began again later has used no more than the first."""
    whole = ExpressionWrapper(F("due_at") - F("opened_at"), DurationField())
    reached = ExpressionWrapper(F("opened_at") + ExpressionWrapper(whole * least, DurationField()), DateTimeField())
    open_ones = incidents.filter(closed_at__isnull=True, due_at__gt=at)
    return open_ones.alias(reached=reached).filter(reached__lte=at)


def _with_clock_starts(rows: Sequence[Incident]) -> Iterable[tuple[Incident, datetime]]:
    """Yield each with when the clock of its next deadline began."""
    renewed = IncidentStep.objects.filter(
        incident_id__in=[one.pk for one in rows], what=IncidentStep.What.RENEWED
    ).values_list("incident_id", "at")
    begun: dict[int, list[datetime]] = {one.pk: [one.opened_at] for one in rows}
    for incident_id, at in renewed:
        begun[incident_id].append(at)
    for one in rows:
        fits = [at for at in begun[one.pk] if any(duty.due_at(at) == one.due_at for duty in DUTIES.get(one.kind, ()))]
        yield one, max(fits, default=one.opened_at)


def _get_reported_at(one: Incident, at: datetime) -> datetime:
    """A moment of an incident, or when it was reported, if we knew of it only then."""
    return max(at, one.reported_at) if one.reported_at else at


def _find_incidents(rows: QuerySet[Incident], came: Callable[[Incident], datetime]) -> WaitingItems:
    found = list(rows.filter(closed_at__isnull=True).order_by(*DUE_FIRST)[: CAP + 1])
    shown = found[:SHOWN]
    about = subjects(rows=shown)
    items = [
        Item(
            str(one.get_kind_display()),
            about[one.subject].name if one.subject in about else subject_of(incident=one),
            "admin:incident", one.pk, came(one),
        )
        for one in shown
    ]  # fmt: skip
    return WaitingItems(len(found), [came(one) for one in found], items)


def _find_of_kind(kind: str) -> Callable[[str, datetime], WaitingItems]:
    return lambda _reader, at: _find_incidents(
        visible_incidents(at=at).filter(kind=kind), lambda one: _get_reported_at(one, one.opened_at)
    )


def _find_overdue(_reader: str, at: datetime) -> WaitingItems:
    return _find_incidents(
        visible_incidents(at=at).filter(due_at__lte=at), lambda one: _get_reported_at(one, one.due_at or at)
    )


def _find_used(least: float, most: float) -> Callable[[str, datetime], WaitingItems]:
    def find(_reader: str, at: datetime) -> WaitingItems:
        used = list_incidents_by_time_used(incidents=visible_incidents(at=at), least=least, most=most, at=at)
        return _find_incidents(Incident.objects.filter(pk__in=used), lambda one: used[one.pk])

    return find


def _find_hidden(_reader: str, at: datetime) -> WaitingItems:
    """Count those that orders hide: new when half of the time is used, and once more when it is over."""
    hidden = hidden_incidents(at=at)
    used = list_incidents_by_time_used(incidents=hidden, least=HALF, most=1, at=at)
    over = _find_incidents(hidden.filter(due_at__lte=at), lambda one: _get_reported_at(one, one.due_at or at))
    return WaitingItems(len(used) + over.n, [*used.values(), *over.came], ())


def _find_proposals(reader: str, at: datetime) -> WaitingItems:
    rows = (
        Proposal.objects.filter(proposals.waiting(at=at))
        .exclude(proposed_by=reader)
        .order_by("proposed_at", "of", "target_id")
    )
    found = list(rows[: CAP + 1])
    named = names.targets(wanted={(one.of, one.target_id) for one in found[:SHOWN]})
    items = [
        Item(str(one.get_act_display()), named[one.of, one.target_id].name, "admin:proposal", one.pk, one.proposed_at)
        for one in found[:SHOWN]
    ]
    return WaitingItems(len(found), [one.proposed_at for one in found], items)


def _find_requests(_reader: str, at: datetime) -> WaitingItems:
    hidden = find_hidden_cases(at=at)
    rows = hidden.visible_requests().filter(decision="").order_by("asked_at", "id")
    items = [
        Item("Suspension request from the desk", one.name, "admin:suspend-request", one.row.pk, one.row.asked_at)
        for one in list_waiting_requests(rows=SHOWN, hidden=hidden)
    ]
    came = list(rows.values_list("asked_at", flat=True)[: CAP + 1])
    return WaitingItems(len(came), came, items)


def _find_escalated(_reader: str, at: datetime) -> WaitingItems:
    return find_cases(asked=QueueFilter(whose=OFFICE), user_id=0, at=at, came=lambda one: one.escalated_at)


def _find_mentions(reader: str, at: datetime) -> WaitingItems:
    """For the officers that notes mention."""
    user_id = names.staff_id(actor=reader)
    notes = AuditEvent.objects.filter(mentions_of(user_id=user_id, actions=OF_TERMS, at=at)).order_by("-at", "-id")
    found = list(notes[: CAP + 1])
    about = [(kind, int(pk)) for kind, _, pk in (one.target.partition(":") for one in found[:SHOWN])]
    named = names.targets(wanted=set(about))
    items = [
        Item("Note that mentions you", named[key].name, named[key].page, named[key].id, one.at)
        for key, one in zip(about, found, strict=False)
        if named[key].page
    ]
    return WaitingItems(len(found), [one.at for one in found], items)


def _find_separations(reader: str, at: datetime) -> WaitingItems:
    """For officers alone, who work on them."""
    found = list(open_separations()) if reader.startswith(f"{User.Role.OFFICER}:") else []
    items = [
        Item(
            "Line separation",
            f"asked {one.asked_at:{MINUTE}}, {'overdue since' if one.due_at < at else 'due'} {one.due_at:{MINUTE}}",
            "admin:separation", one.pk, one.asked_at,
        )
        for one in found[:SHOWN]
    ]  # fmt: skip
    return WaitingItems(len(found), [one.asked_at for one in found], items)


OF_OFFICE: Kinds = {
    "canary": Kind(
        *NOTIFICATIONS["canary"], "admin:incidents", "kind=canary_failed&state=open",
        _find_of_kind(Incident.Kind.CANARY_FAILED),
    ),
    "overdue": Kind(*NOTIFICATIONS["overdue"], "admin:incidents", "due=overdue", _find_overdue),
    "nearly": Kind(*NOTIFICATIONS["nearly"], "admin:incidents", "due=nearly", _find_used(NEARLY, 1)),
    "separations": Kind(
        *NOTIFICATIONS["separations"], "admin:separations", "", _find_separations, in_confidence=True,
    ),
    "half": Kind(*NOTIFICATIONS["half"], "admin:incidents", "due=half", _find_used(HALF, NEARLY)),
    **OF_DESK,
    "partner": Kind(
        *NOTIFICATIONS["partner"], "admin:incidents", "kind=overdue&state=open", _find_of_kind(Incident.Kind.OVERDUE),
    ),
    "escalated": Kind(*NOTIFICATIONS["escalated"], "desk", f"whose={OFFICE}", _find_escalated),
    "proposals": Kind(*NOTIFICATIONS["proposals"], "admin:proposals", "state=open&by=others", _find_proposals),
    "mentions": Kind(*NOTIFICATIONS["mentions"], "admin:trail", "mentions=me", _find_mentions),
    "requests": Kind(*NOTIFICATIONS["requests"], "admin:suspend-requests", "", _find_requests),
}  # fmt: skip
OF_LEGAL: Kinds = {
    "hidden": Kind(
        "incident under your orders is due", "incidents under your orders are due", "admin:delayed", "", _find_hidden
    )
}
# The kinds of each role; an auditor reads what waits for officers.
KINDS: Mapping[str, Kinds] = {
    User.Role.OFFICER: OF_OFFICE, User.Role.AUDITOR: OF_OFFICE, User.Role.LEGAL: OF_LEGAL, User.Role.AGENT: OF_DESK,
}  # fmt: skip
