"""Suspensions that agents ask for, as officers see them. They name no person: the case does."""

from collections.abc import Sequence
from dataclasses import dataclass

from partners.models import Party
from partners.words import party_name
from support.models import SuspendRequest
from support.oversight import names

SHOWN = 50


@dataclass(frozen=True)
class Request:
    """One of them, with the company's name and who asked and decided ("" where nobody did)."""

    row: SuspendRequest
    name: str
    who: str
    decided_by: str


def requests_asked() -> tuple[Sequence[Request], Sequence[Request]]:
    """What waits, the oldest first; what was decided, the newest first."""
    rows = SuspendRequest.objects.select_related("ticket")
    waiting = _named(list(rows.filter(decision="").order_by("asked_at", "id")[:SHOWN]))
    return waiting, _named(list(rows.exclude(decision="").order_by("-decided_at", "-id")[:SHOWN]))


def requests_waiting(*, rows: int) -> Sequence[Request]:
    """The oldest that wait, for the dashboard. Three statements."""
    waiting = SuspendRequest.objects.select_related("ticket").filter(decision="").order_by("asked_at", "id")
    return _named(list(waiting[:rows]))


def request_of(*, request_id: int) -> Request | None:
    """One of them; None where there is none of that id."""
    row = SuspendRequest.objects.select_related("ticket").filter(pk=request_id).first()
    return _named([row])[0] if row else None


def _named(rows: Sequence[SuspendRequest]) -> list[Request]:
    if not rows:
        return []
    parties = Party.objects.in_bulk({row.party_id for row in rows})
    who = names.actors(wanted={one for row in rows for one in (row.asked_by, row.decided_by) if one})
    return [
        Request(
            row,
            party_name(parties[row.party_id].name, parties[row.party_id].uri),
            who[row.asked_by],
            who.get(row.decided_by, ""),
        )
        for row in rows
    ]
