"""Replies to many: whom an incident hit, and how far a reply is."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from audit.models import Incident
from partners.labels import party_name
from partners.models import Party
from support.models import BulkReply, Ticket
from support.policies.lifecycle import UNDER_WAY
from support.queries.pending_tickets import parties_of
from support.queries.queue import COUNTED_TO

# People write of what happened to them before we have noticed it.
BEFORE = timedelta(days=30)
MOST_INCIDENTS = 50


@dataclass(frozen=True)
class Hit:
    """An incident that people with open cases were hit by. `people`: how many, each once, up to COUNTED_TO."""

    id: int
    kind: str
    company: str
    opened_at: datetime
    people: int


@dataclass(frozen=True)
class Progress:
    """How far a reply is. `state`: waiting, undone, going, done."""

    reply: BulkReply
    total: int
    done: int
    state: str


def incidents() -> list[Hit]:
    """Open incidents that people with open cases were hit by, the newest first."""
    found = list(Incident.objects.filter(closed_at__isnull=True).order_by("-opened_at")[:MOST_INCIDENTS])
    parties = parties_of(subjects=(one.subject for one in found))
    counted = [
        Hit(
            one.pk, one.get_kind_display(), _name(parties.get(one.subject)), one.opened_at,
            _hit(one).values("line_id").distinct()[:COUNTED_TO].count(),
        )
        for one in found
    ]  # fmt: skip
    return [one for one in counted if one.people]


def hit_by(*, incident_id: int, kinds: Collection[str] = (), language: str = "") -> QuerySet[Ticket]:
    """Open cases of people whom this incident hit: about it, or about its company since shortly before."""
    incident = Incident.objects.filter(pk=incident_id).first()
    if incident is None:
        return Ticket.objects.none()
    tickets = _hit(incident)
    if kinds:
        tickets = tickets.filter(kind__in=kinds)
    return tickets.filter(language=language) if language else tickets


def progress(*, reply_id: uuid.UUID, at: datetime) -> Progress | None:
    """How far this reply is; None where there is none."""
    reply = BulkReply.objects.filter(pk=reply_id).first()
    if reply is None:
        return None
    done = reply.answered + reply.skipped
    return Progress(reply, len(reply.ticket_ids), done, _state(reply, at))


def _hit(incident: Incident) -> QuerySet[Ticket]:
    about = Q(about_kind="incident", about_ref=str(incident.pk))
    party = parties_of(subjects=[incident.subject]).get(incident.subject)
    if party is not None:
        about |= Q(party_id=party.pk, opened_at__gte=incident.opened_at - BEFORE)
    # What was handed up is the privacy office's to answer, one by one.
    return Ticket.objects.filter(about, state__in=UNDER_WAY, line_id__isnull=False, escalated_at__isnull=True)


def _name(party: Party | None) -> str:
    return party_name(party.name, party.uri) if party else ""


def _state(reply: BulkReply, at: datetime) -> str:
    if reply.undone_at:
        return "undone"
    if reply.finished_at:
        return "done"
    return "going" if at >= reply.begins_at else "waiting"
