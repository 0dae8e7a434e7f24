"""The demo's portal was there before its day: since when it keeps records, so that a whole year is over."""

from datetime import UTC, datetime

import audit.actions
from audit.actions import Event
from audit.models import AuditEvent
from partners.models import Party
from tools.demo import world

ACTOR = "system:demo"
ADDED = "party.added"


def begin_last_year(*, at: datetime) -> datetime:
    """Return when the demo's records begin: with the year before this one."""
    return datetime(at.year - 1, 1, 1, tzinfo=UTC)


def add_companies(*, at: datetime) -> None:
    """Write down, once, that the companies were added as the portal began."""
    if AuditEvent.objects.filter(action=ADDED, actor=ACTOR).exists():
        return
    uris = [party.uri for party in world.PARTIES]
    rows = Party.objects.filter(uri__in=uris).order_by("pk")
    began = begin_last_year(at=at)
    audit.actions.record_events(
        events=[Event(ADDED, ACTOR, f"party:{one.pk}", began, detail={"ref": one.uri}) for one in rows]
    )
