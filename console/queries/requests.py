"""Suspensions that agents ask for, as officers see them. They name no person: the case does."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import OuterRef, Subquery

from partners.labels import party_name
from partners.models import Party
from support.models import SuspendRequest
from support.queries import names

SHOWN = 50


@dataclass(frozen=True)
class Request:
    """One of them, with the company's name and who asked and decided ("" where nobody did)."""

    row: SuspendRequest
    name: str
    who: str
    decided_by: str


def list_suspension_requests() -> tuple[Sequence[Request], Sequence[Request]]:
    """Return what waits, the oldest first; what was decided, the newest first."""
    rows = SuspendRequest.objects.select_related("ticket")
    waiting = _build_requests(list(rows.filter(decision="").order_by("asked_at", "id")[:SHOWN]))
    return waiting, _build_requests(list(rows.exclude(decision="").order_by("-decided_at", "-id")[:SHOWN]))


def list_waiting_requests(*, rows: int) -> Sequence[Request]:
    """Return the oldest that wait, for the dashboard, without who asked. One statement."""
    party = Party.objects.filter(pk=OuterRef("party_id"))
    waiting = (
        SuspendRequest.objects.select_related("ticket")
        .filter(decision="")
        .annotate(company=Subquery(party.values("name")[:1]), company_uri=Subquery(party.values("uri")[:1]))
    )
    return [
        Request(row, party_name(vars(row)["company"], vars(row)["company_uri"]), "", "")
        for row in waiting.order_by("asked_at", "id")[:rows]
    ]


def request_of(*, request_id: int) -> Request | None:
    """Return one of them; None where there is none of that id."""
    row = SuspendRequest.objects.select_related("ticket").filter(pk=request_id).first()
    return _build_requests([row])[0] if row else None


def _build_requests(rows: Sequence[SuspendRequest]) -> list[Request]:
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
